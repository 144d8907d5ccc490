"""The segments as a table: what sets each apart, sorted, named in place and merged.

The front end is ``segwidgets/frontend/src/segmenttable.ts``; ``static/segmenttable.js`` is built from it.
"""

from __future__ import annotations

import math
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anywidget
import traitlets

from segwidgets.names import checked_name

_Named = Callable[[list[int], str], object]
_Picked = Callable[[int | None], object]


def _feature(feature: Mapping[str, Any]) -> dict[str, Any]:
    effect = float(feature["effect"])
    if not math.isfinite(effect):
        raise ValueError(f"effect={effect!r} of {feature['name']!r} is not allowed: an effect size is a finite number.")
    if feature["direction"] not in {"more", "less"}:
        raise ValueError(f'direction={feature["direction"]!r} is not allowed: it is "more" or "less".')
    return {
        "name": str(feature["name"]),
        "text": str(feature["text"]),
        "effect": effect,
        "direction": feature["direction"],
    }


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON takes it; KeyError where a part is missing, ValueError where one is out of range."""
    segment, size, share = int(row["segment"]), int(row["size"]), float(row["share"])
    if segment < -1:
        raise ValueError(f"segment={segment} is not allowed: segments are counted from 0, and noise is -1.")
    if size < 0:
        raise ValueError(f"size={size} of segment {segment} is not allowed: it is a number of rows.")
    if not 0 <= share <= 1:
        raise ValueError(f"share={share!r} of segment {segment} is not allowed: it is a share of all rows, 0 to 1.")
    silhouette = row["silhouette"]
    if silhouette is not None:
        silhouette = float(silhouette)
        silhouette = silhouette if math.isfinite(silhouette) else None
    made = {
        "segment": segment,
        "name": str(row["name"]),
        "size": size,
        "share": share,
        "silhouette": silhouette,
        "features": [_feature(feature) for feature in row["features"]],
    }
    if row.get("colour"):
        made["colour"] = str(row["colour"])
    return made


class SegmentTable(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget is followed as Any
    """A table of segments.

    Args:
        rows: One mapping a segment: ``segment`` (int from 0, or -1 for noise, which stands last and has no name of its
            own), ``name``, ``size`` (rows), ``share`` (0 to 1), ``silhouette`` (float, None or NaN where there is
            none), ``features`` (mappings with ``name``, ``text``, ``effect`` and ``direction``, "more" or "less") and,
            where it is known, ``colour`` (CSS) as on the map.
        state: "pending" while they are being described, "final", or "empty".
        max_height: Height in CSS pixels above which the table scrolls inside.

    Raises:
        traitlets.TraitError: If a row lacks a part or has one out of range, or two rows are of one segment.

    300 rows stand in the page until the user asks for all. Segments of one name are marked as merged. ``sort_by``
    ("name", "size", "share", "silhouette" or "effect"), ``descending``, ``checked`` (segments ticked), ``picked`` (the
    segment shown on the map, or None) and ``all_shown`` follow the user.
    """

    _esm = pathlib.Path(__file__).parent / "static" / "segmenttable.js"

    rows = traitlets.List(traitlets.Dict()).tag(sync=True)
    state = traitlets.Enum(["pending", "final", "empty"], "empty").tag(sync=True)
    sort_by = traitlets.Enum(["name", "size", "share", "silhouette", "effect"], "size").tag(sync=True)
    descending = traitlets.Bool(True).tag(sync=True)  # noqa: FBT003 - the largest first
    checked = traitlets.List(traitlets.Int()).tag(sync=True)
    picked = traitlets.Int(None, allow_none=True).tag(sync=True)
    all_shown = traitlets.Bool().tag(sync=True)
    max_height = traitlets.Int(340, min=120, max=4000).tag(sync=True)

    def __init__(self, rows: Sequence[Mapping[str, Any]] = (), *, state: str | None = None, **traits: Any) -> None:
        self._renamed: list[_Named] = []
        self._merged: list[_Named] = []
        self._picked: list[_Picked] = []
        stated = state if state is not None else ("final" if rows else "empty")
        super().__init__(rows=list(rows), state=stated, **traits)
        self.on_msg(self._heard)

    def on_rename(self, renamed: _Named) -> None:
        """Call ``renamed([segment], name)`` when the user gave a segment a name; the table waits for new rows."""
        self._renamed.append(renamed)

    def on_merge(self, merged: _Named) -> None:
        """Call ``merged(segments, name)`` when the user merged two or more segments under a name."""
        self._merged.append(merged)

    def on_pick(self, picked: _Picked) -> None:
        """Call ``picked(segment)`` when the user presses "show" at a row, None when it is pressed again."""
        self._picked.append(picked)

    @traitlets.validate("rows")  # type: ignore[untyped-decorator]  # traitlets is followed as Any
    def _check_rows(self, proposal: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            rows = [_row(row) for row in proposal["value"]]
        except KeyError as error:
            raise traitlets.TraitError(
                f"rows lack {error}: each has what the docstring of SegmentTable names."
            ) from None
        except (TypeError, ValueError) as error:
            raise traitlets.TraitError(f"rows are not allowed: {error}") from None
        segments = [row["segment"] for row in rows]
        if len(set(segments)) < len(segments):
            twice = next(segment for segment in segments if segments.count(segment) > 1)
            raise traitlets.TraitError(f"rows name segment {twice} twice: give one row a segment.")
        return rows

    @traitlets.observe("rows")  # type: ignore[untyped-decorator]  # traitlets is followed as Any
    def _forget_ticks(self, change: dict[str, Any]) -> None:
        """A number means another segment after another clustering: what was marked stays marked where the size did."""
        before = {row["segment"]: row["size"] for row in (change["old"] or [])}
        now = {row["segment"]: row["size"] for row in change["new"]}
        kept = [segment for segment in self.checked if segment in now and before.get(segment) == now[segment]]
        if kept != self.checked:
            self.checked = kept
        if self.picked is not None and (self.picked not in now or before.get(self.picked) != now[self.picked]):
            self.picked = None

    def _heard(self, _: object, content: dict[str, Any], __: object) -> None:
        there = {row["segment"] for row in self.rows}
        kind = content.get("kind")
        if kind == "pick":
            segment = content.get("segment")
            if segment is None or segment in there:
                for picked in list(self._picked):
                    picked(segment)
            return
        called = {"rename": self._renamed, "merge": self._merged}.get(str(kind))
        if called is None:
            return
        # The browser tells the user why a name cannot be; segments may have gone while its message travelled.
        segments = [segment for segment in content.get("segments", ()) if segment in there and segment >= 0]
        try:
            name = checked_name(content.get("name"))
        except ValueError:
            return
        if len(segments) >= (2 if kind == "merge" else 1):
            for named in list(called):
                named(segments, name)
