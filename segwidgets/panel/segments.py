"""The segment table in the panel: what sets each segment apart, and what the user calls it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets

from segwidgets.compute.profiles import SegmentProfiles, profile_segments
from segwidgets.compute.scores import silhouette_by_cluster
from segwidgets.data import Table
from segwidgets.names import Names
from segwidgets.panel.segmenttable import SegmentTable
from segwidgets.panel.worker import Lane
from segwidgets.result import Result
from segwidgets.session import Cancelled

#: Seconds of rest before segments are described: that takes longer than a cut.
_DELAY = 0.5
#: Features told of a segment.
_TOP = 4


class Segments:
    """Describes the segments that are shown.

    Args:
        table: whose columns describe them.
        renamed: called with anchor rows and a name after the user named (or merged) segments.
        picked: called with a segment's number that the user points at, or None.
        failed: called with what went wrong in the background.
    """

    def __init__(
        self,
        table: Table,
        renamed: Callable[[Sequence[int], str], None],
        picked: Callable[[int | None], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._table = table
        self._renamed = renamed
        self._result: Result | None = None
        self._profiles: SegmentProfiles | None = None
        self._silhouettes: list[float | None] = []
        self._names = Names()
        self.lane = Lane("segments", delay=_DELAY, failed=failed)
        self.table = SegmentTable()
        self.table.on_rename(self._rename)
        self.table.on_merge(self._rename)
        self.table.on_pick(picked)
        self.view = widgets.VBox([self.table])

    @property
    def profiles(self) -> SegmentProfiles | None:
        """What sets the segments apart that are shown; None until it is known."""
        return self._profiles

    def wait(self) -> None:
        """The segments that are listed are no more; those that are come with their scores."""
        self.lane.cancel()
        self._result = self._profiles = None
        self.table.state = "pending"

    def show(self, result: Result) -> None:
        """Describe the segments of a result, as soon as nothing moves."""
        self._result, self._profiles = result, None
        self.lane.submit(lambda cancel: self._describe(result, cancel))

    def name(self, names: Names) -> None:
        """Show segments under these names."""
        self._names = names
        self._write()

    def anchors(self, segments: Sequence[int]) -> list[int]:
        """The row that each of these segments is remembered by; none for numbers that are not there."""
        if self._result is None:
            return []
        c = self._result.recipe.clustering
        found = self._result.density.anchors(float(c.eps or 0), c.min_samples)
        return [int(found[segment]) for segment in segments if 0 <= segment < len(found)]

    def _rename(self, segments: Sequence[int], name: str) -> None:
        self._renamed(self.anchors(segments), name)

    def _describe(self, result: Result, cancel: threading.Event) -> None:
        def tick(done: float) -> None:
            del done
            if cancel.is_set():
                raise Cancelled("the segments have changed")

        profiles = profile_segments(self._table, result.labels, top=_TOP, tick=tick)
        each = silhouette_by_cluster(result.embedding, result.labels, tick=tick) or ()
        if self._result is not result:
            return
        self._profiles = profiles
        self._silhouettes = [None if estimate is None else estimate.value for estimate in each]
        self._write()

    def _write(self) -> None:
        result, profiles = self._result, self._profiles
        if result is None or profiles is None:
            return
        names = self._names.of(result.labels)
        n = max(1, len(result.labels))
        rows: list[dict[str, Any]] = []
        for profile in profiles.segments:
            at = profile.segment
            silhouette = self._silhouettes[at] if 0 <= at < len(self._silhouettes) else None
            rows.append(
                {
                    "segment": at,
                    "name": "noise" if at < 0 else names.get(at, f"segment {at}"),
                    "size": profile.size,
                    "share": profile.size / n,
                    "silhouette": silhouette,
                    "features": [
                        {"name": f.name, "text": f.text, "effect": f.effect, "direction": f.direction}
                        for f in profile.features
                    ],
                }
            )
        with self.table.hold_sync():
            self.table.rows = rows
            self.table.state = "final" if rows else "empty"
