"""The panel's map drawn by ipyvolume: the scene of `PointCloud`, as far as ipyvolume has its parts.

ipyvolume 0.6.3 runs in JupyterLab 4 when its figure is shown by itself, without its own container, and with the markers
made of solids; the flat ones do not compile. It stays usable up to about 50,000 points, so a sample stands for more.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np
import traitlets

from segwidgets.data.errors import missing_extra
from segwidgets.names import Names
from segwidgets.palette import noise_colour, segment_colour
from segwidgets.panel import legend, scene
from segwidgets.panel.pointcloud import KINDS
from segwidgets.panel.surroundings import Surroundings
from segwidgets.panel.wire import as_points, packed_labels

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

#: Points that ipyvolume is given; above, a sample of them.
SHOWN = 50_000
#: A segment keeps so many points in the sample, if it has them: the small ones must be seen too.
FLOOR = 50
#: The markers that compile are spheres, boxes and diamonds. Spheres look best and have 264 faces; diamonds have 8, and
#: are twice as large for the same size.
_SPHERES = 5_000
#: From the camera to the middle of the box, whose side is 1: a cloud rarely fills its corners.
_DISTANCE = 1.7


class IpyvolumeCloud(widgets.VBox):  # type: ignore[misc]  # ipywidgets carries no types
    """A point cloud with the interface of `PointCloud`, drawn by ipyvolume.

    What ipyvolume lacks: the browser relabels nothing by itself (`cuts_itself` is False: `set_labels` does it), no
    segment is renamed, isolated or hidden in the legend, and above `SHOWN` points a sample is drawn, stratified by
    segment; the caption says so. A click and a lasso select, the lasso among all points.

    Args:
        points: (n, 3), or (n, 2) shown flat; finite numbers. None for an empty cloud.
        labels: (n,) integers, -1 for noise and 0, 1, … for segments. None shows all points in one colour.
        height: Height of the scene in CSS pixels.
        caption: What the points are.

    Raises:
        MissingExtraError: ipyvolume, or what it needs, is not installed; says how to.
        ValueError: As `PointCloud` does.
    """

    caption = traitlets.Unicode("")
    eps = traitlets.Float(0.0).tag(sync=True)
    point_size = traitlets.Float(0.0, min=0.0, max=64.0)
    opacity = traitlets.Float(0.0, min=0.0, max=1.0)
    colour_choices = traitlets.List(traitlets.Unicode())
    #: The last picture, as PNG; empty until a browser has drawn one.
    still = traitlets.Bytes(b"")

    def __init__(
        self,
        points: ArrayLike | None = None,
        labels: ArrayLike | None = None,
        *,
        height: int = 480,
        caption: str = "",
        **traits: Any,
    ) -> None:
        if points is None and labels is not None:
            raise ValueError("labels were given without points: give both, or set_points first.")
        try:
            import ipyvolume
        except ImportError as error:
            raise missing_extra("ipyvolume", 'renderer="ipyvolume"') from error
        self._points: NDArray[np.float32] = np.zeros((0, 3), np.float32)
        self._labels: NDArray[np.int64] | None = None
        self._numbers: dict[int, int] = {}
        self._names = Names()
        self._colour: tuple[str, str, NDArray[Any] | None] = ("segment", "segment", None)
        self._rows: NDArray[np.int64] = np.zeros(0, np.int64)
        self._selection: NDArray[np.int64] = np.zeros(0, np.int64)
        self._called: dict[str, list[Callable[..., None]]] = {"colour": [], "selection": []}
        self.describe: Callable[[int], list[tuple[str, str]]] | None = None
        # One point that is not seen: ipyvolume refuses arrays without any.
        nothing = np.zeros(1, np.float32)
        # Size and colours are given although they are set later: its own defaults cannot be sent.
        self.scatter = ipyvolume.Scatter(
            x=nothing, y=nothing, z=nothing, geo="sphere", size=1.0, size_selected=1.0, color="gray",
            color_selected="black", visible=False, cast_shadow=False, receive_shadow=False, description="points",
        )  # fmt: skip
        self.figure = ipyvolume.Figure(
            width=700, height=height, animation=0, scatters=[self.scatter], style=_bare(ipyvolume.styles.default)
        )
        self.figure.camera.position = (0, 0, _DISTANCE)
        self.figure.on_selection(self._lassoed)
        self.figure.on_screenshot(self._pictured)
        self.scatter.observe(self._clicked, "clicked_index")
        self._surroundings = Surroundings(figure=self.figure.model_id, scatter=self.scatter.model_id)
        self._surroundings.observe(lambda _: self._paint(), "dark")
        self._choice = widgets.Dropdown(description="Colour by", layout=widgets.Layout(width="260px", display="none"))
        self._choice.observe(self._chosen, "value")
        self._said, self._told, self._legend = widgets.HTML(), widgets.HTML(), widgets.HTML()
        super().__init__(
            [self._choice, self._surroundings, self.figure, self._said, self._told, self._legend], **traits
        )
        self.add_class("sw-ipyvolume")
        self.observe(lambda _: self._paint(), ["point_size", "opacity"])
        self.observe(lambda _: self._say(), "caption")
        self.observe(self._offer, "colour_choices")
        if points is not None:
            self.set_points(points, labels, caption)
        else:
            self.caption = caption

    # -- what is shown -----------------------------------------------------------------------------------------------

    @property
    def n_points(self) -> int:
        """How many points there are; the scene may show a sample of them."""
        return len(self._points)

    @property
    def cuts_itself(self) -> bool:
        """False: ipyvolume's browser part cannot cluster."""
        return False

    def set_points(
        self,
        points: ArrayLike,
        labels: ArrayLike | None = None,
        caption: str = "",
        *,
        keep_view: bool = False,
    ) -> None:
        """Show other points, with their labels and caption: see `PointCloud.set_points`.

        Raises:
            ValueError: If the points or labels have the wrong shape or dtype, or hold NaN; nothing changes then.
        """
        values = as_points(points)
        found = None if labels is None else _labels_of(labels, len(values))
        same_rows = len(values) == len(self._points)
        self._points = values
        self._colour = ("segment", "segment", None)
        if not same_rows:
            self._selection = np.zeros(0, np.int64)
        self._take_labels(found, same_rows=same_rows)
        self._rows = np.zeros(0, np.int64)
        if not keep_view:
            self._fit()
        self.caption = caption
        self._paint()

    def set_labels(self, labels: ArrayLike) -> None:
        """Colour the points by segment: (n,) integers, -1 for noise. The sample is drawn anew where it must.

        Raises:
            ValueError: If the length is not ``n_points``, or the labels are no integers from -1; nothing changes then.
        """
        self._take_labels(_labels_of(labels, self.n_points), same_rows=True)
        self._paint()

    def set_names(self, names: Mapping[int, str]) -> None:
        """``{row: name}``: the segment that holds the row bears the name; segments of one name are shown as one."""
        self._names = Names(tuple((int(row), str(name)) for row, name in names.items()))
        self._paint()

    def set_colour(self, by: str, values: ArrayLike | None = None, *, kind: str = "segment") -> None:
        """Colour by segment (no values), or by one value per point.

        Args:
            by: What is shown, for the legend.
            values: (n,): numbers ("number", NaN is grey), strings or integers ("category"), or from 0 to 1 ("trust",
                low values fade).
            kind: "segment", "number", "category" or "trust".

        Raises:
            ValueError: An unknown kind, or not one value per point.
        """
        if kind not in KINDS:
            raise ValueError(f"kind={kind!r} is not known: take one of {', '.join(map(repr, KINDS))}.")
        array = None if values is None or kind == "segment" else np.asarray(values)
        if array is None and kind != "segment":
            raise ValueError(f"kind={kind!r} needs values, one per point.")
        if array is not None and array.shape != (self.n_points,):
            raise ValueError(f"values have shape {array.shape}, but there are {self.n_points:,} points.")
        self._colour = (by, kind, array)
        if by in self.colour_choices:
            self._choice.value = by
        self._paint()

    # -- what the user does ------------------------------------------------------------------------------------------

    @property
    def selection(self) -> NDArray[np.int64]:
        """(m,) int64: the rows selected by click, lasso or `set_selection`, ascending."""
        return self._selection

    def set_selection(self, rows: ArrayLike) -> None:
        """Select rows; all others fade.

        Raises:
            ValueError: If a row is not one of the points'.
        """
        array = np.unique(np.asarray(rows, np.int64))
        if len(array) and (array[0] < 0 or array[-1] >= self.n_points):
            raise ValueError(f"rows run from {array[0]} to {array[-1]}, but there are {self.n_points:,} points from 0.")
        if np.array_equal(array, self._selection):
            return
        self._selection = array
        self._paint()
        for call in self._called["selection"]:
            call(self._selection)

    def on_selection(self, call: Callable[[NDArray[np.int64]], None]) -> None:
        """``call(rows)`` after the selection changed, in the scene or by `set_selection`."""
        self._called["selection"].append(call)

    def on_colour(self, call: Callable[[str], None]) -> None:
        """``call(name)`` after the user has chosen another of `colour_choices`."""
        self._called["colour"].append(call)

    def on_rename(self, call: Callable[[Sequence[int], str], None]) -> None:
        """Never called: this legend renames nothing. The panel's table of segments does."""
        del call

    def _offer(self, change: Mapping[str, Any]) -> None:
        self._choice.options = list(change["new"])
        if self._colour[0] in change["new"]:
            self._choice.value = self._colour[0]
        self._choice.layout.display = None if change["new"] else "none"

    def _chosen(self, change: Mapping[str, Any]) -> None:
        # set_colour and new options move the list, too: then there is nothing to ask for.
        if change["new"] is not None and change["new"] != self._colour[0]:
            for call in self._called["colour"]:
                call(change["new"])

    def _clicked(self, change: Mapping[str, Any]) -> None:
        at = change["new"]
        if at is None or at >= len(self._rows):
            return
        row = int(self._rows[at])
        told = [] if self.describe is None else self.describe(row)
        where = [] if self._labels is None else [("segment", self._called_now(int(self._labels[row])))]
        parts = (f"<b>{html.escape(name)}</b> {html.escape(value)}" for name, value in [*where, *told])
        self._told.value = f'<div class="sw-dim">row {row:,}: {" · ".join(parts)}</div>'
        self.set_selection(np.array([row], np.int64))

    def _lassoed(self, data: Mapping[str, Any]) -> None:
        aspect = scene.aspect(data) or self.figure.width / self.figure.height
        inside = scene.within(data, self._projected(aspect))
        if inside is not None:
            self.set_selection(np.flatnonzero(inside))

    def _pictured(self, data: str) -> None:
        self.still = base64.b64decode(data.partition(",")[2])

    def _projected(self, aspect: float) -> NDArray[np.float64]:
        """(n, 2): where all points are in the scene, each axis from -1 to 1; NaN behind the camera.

        From the camera: the matrices that ipyvolume sends are older than the last change of size or axes.
        """
        camera = self.figure.camera
        limits = np.array([self.figure.xlim, self.figure.ylim, self.figure.zlim], float)
        at = np.zeros((self.n_points, 3))
        at[:, : self._points.shape[1]] = self._points
        at = (at - limits[:, 0]) / (limits[:, 1] - limits[:, 0]) - 0.5
        return scene.projected(at, camera.position, camera.quaternion, fov=float(camera.fov), aspect=aspect)

    # -- drawing -----------------------------------------------------------------------------------------------------

    @property
    def _dark(self) -> bool:
        return bool(self._surroundings.dark)

    def _take_labels(self, labels: NDArray[np.int64] | None, *, same_rows: bool) -> None:
        before = self._labels if same_rows else None
        self._labels = labels
        self._numbers = {} if labels is None else scene.numbered(labels, before, self._numbers if same_rows else {})

    def _fit(self) -> None:
        """Axes of one scale around all points."""
        if not self.n_points:
            return
        points = np.zeros((self.n_points, 3), np.float32)
        points[:, : self._points.shape[1]] = self._points
        low, high = points.min(axis=0).astype(float), points.max(axis=0).astype(float)
        half = max(float((high - low).max()) / 2, 1e-6)
        middle = (low + high) / 2
        with self.figure.hold_trait_notifications():
            self.figure.xlim, self.figure.ylim, self.figure.zlim = (
                (float(at - half), float(at + half)) for at in middle
            )

    def _paint(self) -> None:
        """Give ipyvolume the rows of the sample, their colours and what is selected, in one message."""
        labels = self._grouped()
        rows = scene.stratified(labels, self.n_points, SHOWN, FLOOR)
        if not self.n_points:
            self.scatter.visible = False
            self._legend.value = ""
            self._say()
            return
        colours, self._legend.value = self._colours(labels, rows)
        if len(self._selection):
            # Not by ipyvolume's own `selected`: it marks as many points, but the first ones.
            colours = scene.faded(colours, np.isin(rows, self._selection).astype(np.float32), dark=self._dark)
        size = self.point_size or _automatic_size(len(rows))
        with self.scatter.hold_sync():
            if not np.array_equal(rows, self._rows) or not self.scatter.visible:
                self._rows = rows
                flat = np.zeros(len(rows), np.float32)
                columns = [np.ascontiguousarray(self._points[rows, i]) for i in range(self._points.shape[1])]
                self.scatter.x, self.scatter.y, self.scatter.z = [*columns, flat][:3]
            self.scatter.color = np.column_stack([colours, np.ones(len(rows), np.float32)])
            # ipyvolume's sizes are hundredths of the box, which at first fills about two thirds of the height.
            spheres = len(rows) <= _SPHERES
            self.scatter.geo = "sphere" if spheres else "diamond"
            self.scatter.size = (150 if spheres else 75) * size / self.figure.height
            self.scatter.visible = True
        self._say()

    def _grouped(self) -> NDArray[np.int64] | None:
        """Labels in which segments of one name are the lowest of them."""
        return None if self._labels is None else self._names.grouped(self._labels).astype(np.int64)

    def _called_now(self, label: int) -> str:
        names = {} if self._labels is None else self._names.of(self._labels)
        return "noise" if label < 0 else names.get(label, f"segment {label}")

    def _colours(self, labels: NDArray[np.int64] | None, rows: NDArray[np.int64]) -> tuple[NDArray[np.float32], str]:
        """(m, 3) of the sample's rows, and the legend."""
        by, kind, values = self._colour
        dark = self._dark
        if kind == "number" and values is not None:
            colours, ends = scene.by_number(values, rows, dark=dark)
            return colours, legend.scale(by, ends)
        if kind == "category" and values is not None:
            colours, categories = scene.by_category(values, rows, dark=dark)
            entries = [(segment_colour(i, dark=dark), *entry) for i, entry in enumerate(categories)]
            return colours, legend.entries(by, entries, self.n_points)
        if labels is None:
            plain = np.empty((len(rows), 3), np.float32)
            plain[:] = segment_colour(4 if dark else 0, dark=dark)
            return plain, ""
        colours = scene.by_segment(labels[rows], self._numbers, dark=dark)
        if kind == "trust" and values is not None:
            colours = scene.faded(colours, np.asarray(values[rows], np.float32), dark=dark)
        sizes = np.bincount(labels + 1)
        order = [i for i in np.argsort(-sizes[1:], kind="stable").tolist() if sizes[i + 1]]
        names = {i: f"segment {i}" for i in order} | self._names.of(labels)
        entries = [(segment_colour(self._numbers[i], dark=dark), names[i], int(sizes[i + 1])) for i in order]
        if sizes[0]:
            entries.append((noise_colour(dark=dark), "noise", int(sizes[0])))
        return colours, legend.entries("segments" if kind == "segment" else by, entries, self.n_points)

    def _say(self) -> None:
        """The caption, and what the scene is a sample of."""
        text = [html.escape(self.caption)] if self.caption else []
        if self.n_points > SHOWN:
            kept = "" if self._labels is None else f", at least {FLOOR} of each segment that has them"
            text.append(f"{len(self._rows):,} of {self.n_points:,} points are drawn, a sample by segment{kept}.")
        self._said.value = f'<div class="sw-dim sw-said">{" ".join(text)}</div>' if text else ""


def _labels_of(labels: ArrayLike, n: int) -> NDArray[np.int64]:
    packed_labels(labels, n)
    return np.asarray(labels).astype(np.int64)


def _bare(style: Mapping[str, Any]) -> dict[str, Any]:
    """The style without box and axes: an embedding's have no meaning."""
    return {**style, "box": {"visible": False}, "axes": {**style["axes"], "color": "gray", "visible": False}}


def _automatic_size(n: int) -> float:
    """Pixels: dense clouds take smaller points."""
    return float(np.clip(6 * (2_000 / max(1, n)) ** 0.3, 2, 6))
