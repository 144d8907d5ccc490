"""The map in the panel: what is drawn, in which colours, under which names, and what the user picks in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from segwidgets.compute.embedding import aligned
from segwidgets.compute.embedding.pca import display as displayed
from segwidgets.compute.scores import row_trust, silhouette_rows
from segwidgets.data import Table
from segwidgets.names import Names
from segwidgets.panel.worker import Lane
from segwidgets.result import Result
from segwidgets.session import Cancelled, Session

Renderer = Literal["webgl", "ipyvolume"]
RENDERERS: tuple[Renderer, ...] = ("webgl", "ipyvolume")

#: Seconds of rest before the browser is sent what it needs to cut by itself: a slider's flight must not send megabytes.
_INDEX_DELAY = 0.4
#: What the map can be coloured by, before the columns.
SEGMENT, TRUST, SILHOUETTE = "segment", "trust", "silhouette"
#: More columns than these would make the list of colours useless; all others are found by `Picture.colour_by`.
_OFFERED = 1_000
#: Neighbours by which a point is trusted, itself counted, as many as its trustworthiness is measured by.
_TRUSTED = 16
#: Columns that a row's tip tells, the largest first.
_TOLD = 6


def cloud_of(renderer: str, height: int) -> Any:
    """The widget that draws: a `PointCloud`, or ipyvolume's scene.

    Raises:
        ValueError: an unknown renderer.
        ModuleNotFoundError: ipyvolume is not installed; says how to.
    """
    if renderer not in RENDERERS:
        raise ValueError(f"renderer={renderer!r} is not known: take {' or '.join(map(repr, RENDERERS))}.")
    if renderer == "ipyvolume":
        from segwidgets.panel.ipyvolume import IpyvolumeCloud

        return IpyvolumeCloud(height=height)
    from segwidgets.panel.pointcloud import PointCloud

    return PointCloud(height=height)


class Picture:
    """Draws a session's results, and answers what the browser asks about them.

    Args:
        session: whose neighbours tell which points to trust.
        renderer: one of `RENDERERS`.
        height: of the map, in pixels.
        hover: columns that a row's tip tells; None for those in which the row has the most.
        renamed: called with the new names after the user renamed a segment in the legend.
        failed: called with what went wrong in the background.
    """

    def __init__(
        self,
        session: Session,
        renderer: str,
        height: int,
        hover: Sequence[str] | None,
        renamed: Callable[[Sequence[int], str], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._session = session
        self._table: Table = session.table
        self._hover = None if hover is None else tuple(self._known(name) for name in hover)
        self.cloud = cloud_of(renderer, height)
        self._drawn: npt.NDArray[np.float32] | None = None
        self._result: Result | None = None
        self._names = Names()
        self._by = SEGMENT
        self._can_cut = renderer == "webgl"
        self._index = Lane("index", delay=_INDEX_DELAY, failed=failed)
        self._colours = Lane("colour", failed=failed)
        self.lanes = (self._index, self._colours)
        self.cloud.colour_choices = [
            SEGMENT, TRUST, SILHOUETTE, *(column.name for column in self._table.columns[:_OFFERED])
        ]  # fmt: skip
        self.cloud.on_colour(self.colour_by)
        self.cloud.on_rename(renamed)
        self.cloud.describe = self.describe

    def _known(self, name: str) -> str:
        return self._table.column(name).name

    # -- drawing -----------------------------------------------------------------------------------------------------

    def draw(
        self, points: npt.NDArray[np.float32], labels: npt.NDArray[np.int32], *, caption: str = "", fit: bool = False
    ) -> None:
        """Show points, turned onto those that are shown, as maps must not jump; ``fit`` sets the camera anew."""
        shown = displayed(points)
        # Another cut of the same map, or the next map of the same shape, must not turn the user's camera back.
        keep_view = self._drawn is not None and self._drawn.shape == shown.shape
        if keep_view and self._drawn is not None:
            shown = aligned(shown, self._drawn)
        self._drawn = shown
        self._index.cancel()
        self.cloud.set_points(shown, labels, caption=caption, keep_view=keep_view and not fit)

    @property
    def drawn(self) -> npt.NDArray[np.float32] | None:
        """(n, 2 or 3) float32: the positions that are shown."""
        return self._drawn

    def show(self, result: Result) -> None:
        """The points that are drawn are this result's map: let the browser cut it, and colour it as it was."""
        self._result = result
        self.cloud.set_names(self._names.by_row)
        self._let_cut()
        if self._by != SEGMENT:
            self.colour_by(self._by)

    def recut(self, result: Result, *, moved: bool) -> None:
        """The same map, cut anew; ``moved`` when min_samples is another one."""
        self._result = result
        if moved or not self.cloud.cuts_itself:
            self.cloud.set_labels(result.labels)
            self._let_cut()
        if self._by == SILHOUETTE:
            self.colour_by(self._by)

    def _let_cut(self) -> None:
        """Send the browser what it needs to label by itself, once nothing moves."""
        if self._can_cut:
            self._index.submit(self._send_index)

    def _send_index(self, cancel: threading.Event) -> None:
        result = self._result
        if result is None:
            return
        c = result.recipe.clustering
        index = result.density.portable(c.min_samples)
        if not cancel.is_set() and self._result is result:
            self.cloud.set_index(index, float(c.eps or 0))

    def name(self, names: Names) -> None:
        """Show segments under these names."""
        self._names = names
        self.cloud.set_names(names.by_row)

    def close(self) -> None:
        """Stop all work."""
        for lane in self.lanes:
            lane.close()

    # -- colours -----------------------------------------------------------------------------------------------------

    def colour_by(self, name: str) -> None:
        """Colour by "segment", "trust", "silhouette" or a column.

        Raises:
            DataError: there is no such column.
        """
        if name not in {SEGMENT, TRUST, SILHOUETTE}:
            self._known(name)
        self._by = name
        self._colours.submit(lambda cancel: self._colour(name, cancel))

    def _colour(self, name: str, cancel: threading.Event) -> None:
        result = self._result
        if name == SEGMENT:
            self.cloud.set_colour(SEGMENT)
            return
        if result is None:
            return
        values: npt.NDArray[Any]

        def tick(_: float) -> None:
            if cancel.is_set():
                raise Cancelled("another colour was chosen")

        if name == TRUST:
            found = self._session.neighbors(result.recipe, cancel=cancel)
            kind, values = "trust", row_trust(found.indices[:, :_TRUSTED], result.embedding, tick=tick)
        elif name == SILHOUETTE:
            kind, (values, _) = "number", silhouette_rows(result.embedding, result.labels, tick=tick)
        else:
            values = self._table.values(name)
            kind = "number" if values.dtype.kind in "fiub" else "category"
        if not cancel.is_set() and self._result is result:
            self.cloud.set_colour(name, values, kind=kind)

    # -- questions ---------------------------------------------------------------------------------------------------

    def describe(self, row: int) -> list[tuple[str, str]]:
        """What a row's tip tells: its id, and its columns, chosen or largest."""
        told = [("id", str(self._table.ids[row]))]
        for name, value in self._values_of(row):
            shown = value if isinstance(value, str) else f"{value:,.6g}"
            told.append((name, shown))
        return told

    def _values_of(self, row: int) -> list[tuple[str, Any]]:
        values = self._table.row(row)
        if self._hover is not None:
            return [(name, values.get(name, 0)) for name in self._hover]
        texts = [(name, value) for name, value in values.items() if isinstance(value, str)][:_TOLD]
        numbers = [(name, value) for name, value in values.items() if not isinstance(value, str) and value != 0]
        numbers.sort(key=lambda pair: -abs(pair[1]))
        return [*texts, *numbers[: _TOLD - len(texts)]]
