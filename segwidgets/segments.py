"""What the segments of a run are: described, explained in rules, with examples for the analyst."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from segwidgets.compute.progress import Cancelled, Tick
from segwidgets.compute.segments import FLOOR, Examples, Explanation, SegmentDescriptions, describe, examples, explain
from segwidgets.layer import Layer
from segwidgets.result import Progress
from segwidgets.segmentation import Segmentation, segmentation

if TYPE_CHECKING:
    import threading

    import numpy as np
    import numpy.typing as npt

    from segwidgets.data import Table

__all__ = ["FLOOR", "SegmentsOfRun", "describe_segments"]


@dataclasses.dataclass(frozen=True, eq=False)
class SegmentsOfRun:
    """``described``: each segment against the rest. ``explained``: in rules; None where there are too few segments.

    What holds rows or ids (`representatives`, `boundary`) is asked for by itself, and in nothing that is made for
    others.
    """

    run: Segmentation
    described: SegmentDescriptions
    explained: Explanation | None
    rows: Examples = dataclasses.field(repr=False)

    def called(self, segment: int) -> str:
        """The name that people gave it, else the proposed one."""
        proposed = {one.segment: one.name for one in self.described.segments}
        return self.run.names.get(segment, proposed.get(segment, f"segment {segment}"))

    def representatives(self, segment: int) -> npt.NDArray[np.object_]:
        """Ids of the customers in its middle. For the analyst: never in a report."""
        return self._ids(self.rows.central, segment)

    def boundary(self, segment: int) -> npt.NDArray[np.object_]:
        """Ids of the customers that are nearly in another. For the analyst: never in a report."""
        return self._ids(self.rows.border, segment)

    def _ids(self, rows: dict[int, npt.NDArray[np.int64]], segment: int) -> npt.NDArray[np.object_]:
        if segment not in rows:
            there = ", ".join(map(str, rows)) or "none"
            raise ValueError(f"segment={segment!r} is not there: the segments are {there}.")
        found: npt.NDArray[np.object_] = self.run.ids[rows[segment]]
        return found

    def to_public(self, *, floor: int = FLOOR) -> dict[str, Any]:
        """As JSON takes it, aggregates only; segments of fewer than ``floor`` rows are left out."""
        said = self.described.to_public(floor=floor)
        for one in said["segments"]:
            one["called"] = self.called(one["segment"])
        rules = None if self.explained is None else dataclasses.asdict(self.explained.public(floor))
        return {**said, "explained": rules}


def describe_segments(
    what: Any,
    *,
    reference: Table | None = None,
    layer: Layer | None = None,
    top: int | None = None,
    count: int = 5,
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
) -> SegmentsOfRun:
    """Describe and explain the segments of a run, in the table's own units.

    Args:
        what: a job, a job's name, a folder of results, or a `Result`.
        reference: the table that it was made from; a local job knows its own.
        layer: names, merges and locks that people made on this run's labels; the segments are those that it gives.
        top: differences kept of a segment; all by default.
        count: customers in the middle and at the border of each segment.
        progress: called in this thread.
        cancel: when set, the work stops.

    Raises:
        ValueError: the run does not know its rows, ``reference`` is another table, or the layer does not fit.
        Cancelled: ``cancel`` was set.
    """
    run = segmentation(what, reference=reference)
    if layer is not None:
        labels = layer.apply(run.labels)
        run = dataclasses.replace(run, labels=labels, names={**run.names, **layer.names.of(labels)})
    table = run.rows

    def part(low: float, high: float, message: str) -> Tick:
        def tick(done: float) -> None:
            if cancel is not None and cancel.is_set():
                raise Cancelled(f"cancelled while {message.lower()}")
            if progress is not None:
                overall = low + (high - low) * min(1.0, done)
                progress(Progress("segments", done, overall, message))

        return tick

    described = describe(table, run.labels, top=top, tick=part(0, 0.5, "Describing the segments"))
    explained = None
    # Smaller segments would make rules of a few persons, which nobody else may read.
    if sum(one.segment >= 0 and one.size >= FLOOR for one in described.segments) > 1:
        explained = explain(table, run.labels, smallest=FLOOR, tick=part(0.5, 0.8, "Explaining the segments"))
    rows = examples(run.embedding, run.labels, count=count, tick=part(0.8, 1.0, "Finding examples"))
    return SegmentsOfRun(run, described, explained, rows)
