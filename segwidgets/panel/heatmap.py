"""Grids of values as colours: a stability map, or how columns go together.

The front end is ``segwidgets/frontend/src/heatmap.ts``; ``static/heatmap.js`` is built from it.
"""

from __future__ import annotations

import dataclasses
import math
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import anywidget
import numpy as np
import numpy.typing as npt
import traitlets

Kind = Literal["count", "share", "number"]
Taken = Callable[[int, int, int], object]


@dataclasses.dataclass(frozen=True)
class Mark:
    """A label on a cell that can be pressed: ``text`` on it, ``title`` what it is."""

    row: int
    column: int
    text: str
    title: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class Facet:
    """One grid.

    ``values`` (rows, columns): NaN where there is none. ``rows`` and ``columns``: what they are called. ``here``: where
    the present setting stands, (row, column) counted from the middle of the first cell, between two or beyond the
    grid; None for nowhere. ``more``: further numbers of each cell, as many as the map has ``layers``.
    """

    values: npt.NDArray[Any]
    rows: Sequence[str]
    columns: Sequence[str]
    title: str = ""
    marks: Sequence[Mark] = ()
    here: tuple[float, float] | None = None
    more: Sequence[npt.NDArray[Any]] = ()


class HeatMap(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget is followed as Any
    """Facets side by side on one scale of colours.

    Args:
        value_name: what the colours are.
        row_name: what rows are; empty where their labels say it.
        column_name: likewise.
        low: the value at the scale's lower end.
        high: and at its upper end.
        diverging: two colours away from the middle, for values whose sign matters.
        upwards: the first row stands at the bottom, as on an axis.
        steep: labels of columns stand on end, for names.
        layers: (name, kind) of the further numbers of a cell: a "count" of something, a "share", or a "number".
        action: what a click on a cell does, in two or three words; without it cells are only looked at.
        absent: what is said of a cell without a value.
        across: facets in a row.
        height: of each, in CSS pixels.
    """

    _esm = pathlib.Path(__file__).parent / "static" / "heatmap.js"

    facets = traitlets.List(traitlets.Dict()).tag(sync=True)
    values = traitlets.Bytes(b"", help="float32, a facet after the other, by rows").tag(sync=True)
    layers = traitlets.List(traitlets.Dict()).tag(sync=True)
    more = traitlets.Bytes(b"", help="float32, a layer after the other, each as values").tag(sync=True)
    row_name = traitlets.Unicode().tag(sync=True)
    column_name = traitlets.Unicode().tag(sync=True)
    value_name = traitlets.Unicode("value").tag(sync=True)
    low = traitlets.Float(0.0).tag(sync=True)
    high = traitlets.Float(1.0).tag(sync=True)
    diverging = traitlets.Bool().tag(sync=True)
    upwards = traitlets.Bool().tag(sync=True)
    steep = traitlets.Bool().tag(sync=True)
    action = traitlets.Unicode().tag(sync=True)
    absent = traitlets.Unicode("not known").tag(sync=True)
    across = traitlets.Int(1, min=1, max=12).tag(sync=True)
    height = traitlets.Int(300, min=120, max=4000).tag(sync=True)

    def __init__(self, *, layers: Sequence[tuple[str, Kind]] = (), **traits: Any) -> None:
        self._taken: list[Taken] = []
        super().__init__(layers=[{"name": name, "kind": kind} for name, kind in layers], **traits)
        if not self.low < self.high:
            raise ValueError(f"low={self.low!r} and high={self.high!r} are not allowed: low must be below high.")
        self.on_msg(self._heard)

    def on_take(self, taken: Taken) -> None:
        """Call ``taken(facet, row, column)`` when the user clicks a cell or a label, or presses Enter on one."""
        self._taken.append(taken)

    def draw(self, facets: Sequence[Facet], *, across: int | None = None) -> None:
        """Show these grids, all at once.

        Raises:
            ValueError: values, names or further numbers of a facet are not of one shape; nothing changes then.
        """
        for facet in facets:
            self._check(facet)
        with self.hold_sync():
            if across is not None:
                self.across = across
            self.facets = [self._described(facet) for facet in facets]
            self.values = b"".join(_bytes(facet.values) for facet in facets)
            self.more = b"".join(
                _bytes(facet.more[at]) for at in range(len(self.layers)) for facet in facets
            )  # fmt: skip

    def _check(self, facet: Facet) -> None:
        shape = (len(facet.rows), len(facet.columns))
        if facet.values.shape != shape:
            raise ValueError(
                f"values have shape {facet.values.shape}: there are {shape[0]} rows and {shape[1]} columns."
            )
        if len(facet.more) != len(self.layers):
            raise ValueError(f"more has {len(facet.more)} grids of numbers: the map has {len(self.layers)} layers.")
        for name, numbers in zip(self.layers, facet.more, strict=True):
            if numbers.shape != shape:
                raise ValueError(f"{name['name']} has shape {numbers.shape}: it must be {shape}, as the values.")
        for mark in facet.marks:
            if not (0 <= mark.row < shape[0] and 0 <= mark.column < shape[1]):
                raise ValueError(f"a label is on cell ({mark.row}, {mark.column}): the grid has {shape} of them.")

    @staticmethod
    def _described(facet: Facet) -> dict[str, Any]:
        here = facet.here
        known = here is not None and all(math.isfinite(at) for at in here)
        return {
            "title": facet.title,
            "rows": [str(name) for name in facet.rows],
            "columns": [str(name) for name in facet.columns],
            "marks": [dataclasses.asdict(mark) for mark in facet.marks],
            "here": [float(at) for at in here] if here is not None and known else None,
        }

    def _heard(self, _: object, content: Mapping[str, Any], __: object) -> None:
        if content.get("kind") != "take":
            return
        facet, row, column = (content.get(name) for name in ("facet", "row", "column"))
        if not all(isinstance(at, int) for at in (facet, row, column)):
            return
        # The picture may have changed while the message travelled.
        if not (0 <= facet < len(self.facets)):  # type: ignore[operator]
            return
        shown = self.facets[facet]
        if 0 <= row < len(shown["rows"]) and 0 <= column < len(shown["columns"]):  # type: ignore[operator]
            for taken in list(self._taken):
                taken(facet, row, column)  # type: ignore[arg-type]


def _bytes(numbers: npt.NDArray[Any]) -> bytes:
    return np.ascontiguousarray(numbers, dtype="<f4").tobytes()
