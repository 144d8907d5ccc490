"""The Methods tab: other ways to cluster the same customers, their scores and maps side by side."""

from __future__ import annotations

import base64
import threading
from typing import Any

import ipywidgets as widgets

from segwidgets.alternatives import Entry, MethodsOfRecipe, compare_methods
from segwidgets.compute.methods import CountCurve
from segwidgets.compute.scores import Estimate
from segwidgets.curvefigure import curve_figure
from segwidgets.panel import html
from segwidgets.panel.svg import inline
from segwidgets.panel.tabs.tab import Surroundings
from segwidgets.panel.tabs.work import Show, Work
from segwidgets.panel.thumbnail import thumbnail
from segwidgets.recipe import Recipe
from segwidgets.result import Result

_HINT = (
    "DBSCAN with the present settings, HDBSCAN from the same tree, KMeans and a Gaussian mixture, each scored and "
    "drawn on the map that is shown."
)
#: Where segments are looked for, as the user reads it.
_SPACES = {"the map": "map", "features": "features", "PCA": "pca", "t-SNE": "tsne", "UMAP": "umap"}
_PICTURE = (120, 90)
_HEAD = (
    "method", "found on", "segments", "coverage", "silhouette", "DBCV", "Calinski-Harabasz", "stability", "balance",
    "time", "map",
)  # fmt: skip


class MethodsTab:
    """Methods side by side.

    Args:
        around: what it works with.
    """

    title = "Methods"

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._made: MethodsOfRecipe | None = None
        self.work = Work(
            "methods", "Compare methods", icon="columns", do=self._make,
            tooltip="Cluster with four methods, score each, draw each",
        )  # fmt: skip
        self.spaces = [
            widgets.Checkbox(value=name == "map", description=label, indent=False, layout=widgets.Layout(width="auto"))
            for label, name in _SPACES.items()
        ]
        self.count = widgets.BoundedIntText(
            value=0, min=0, max=1000, description="k (0: as DBSCAN)", style={"description_width": "120px"},
            layout=widgets.Layout(width="200px"), tooltip="Segments of KMeans and of the mixture",
        )  # fmt: skip
        self._table = widgets.HTML()
        self._curve = widgets.HTML()
        self._notes = widgets.HTML()
        self.lanes = (self.work.lane,)
        fields = widgets.HBox(
            [widgets.HTML("<span>look for segments on</span>"), *self.spaces, self.count],
            layout=widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="2px 12px"),
        )
        self.view = widgets.VBox(
            [
                widgets.HTML(f'<div class="sw-dim">{html.escape(_HINT)}</div>'),
                fields,
                self.work.view,
                self._table,
                self._curve,
                self._notes,
            ]
        )

    @property
    def made(self) -> MethodsOfRecipe | None:
        """What is shown, or None."""
        return self._made

    def show(self, result: Result) -> None:
        """The panel shows this result now."""
        self.work.button.disabled = False
        if self._made is not None and self.work.lane.idle:
            same = self._made.result.recipe == result.recipe
            self.work.say("" if same else "Of an earlier setting: compare again.")

    def _make(self, show: Show, cancel: threading.Event) -> None:
        chosen = [name for box, name in zip(self.spaces, _SPACES.values(), strict=True) if box.value]
        if not chosen:
            raise ValueError("choose where to look for segments: the map, for one.")
        shown = self._around.shown()
        recipe: Recipe = shown.recipe if shown is not None else self._around.wanted()

        def told(now: MethodsOfRecipe) -> None:
            if not cancel.is_set():
                self._show(now)

        made = compare_methods(
            self._around.session, recipe, spaces=chosen, k=self.count.value or None, told=told, progress=show,
            cancel=cancel,
        )  # fmt: skip
        self._show(made)
        self.work.say("")

    def _show(self, made: MethodsOfRecipe) -> None:
        self._made = made
        head = "".join(f"<th scope=col>{name}</th>" for name in _HEAD)
        body = "".join(_line(made, one) for one in made.entries)
        self._table.value = (
            '<div class="sw-scroll"><table class="sw-lines" aria-label="Methods side by side">'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )
        self._notes.value = (
            '<ul class="sw-dim">' + "".join(f"<li>{html.escape(one)}</li>" for one in made.notes) + "</ul>"
        )
        if made.curve is not None:
            self._curve.value = inline(curve_figure(made.curve), _curve_words(made.curve))


def _line(made: MethodsOfRecipe, one: Entry) -> str:
    row = one.row
    name = f"<th scope=row>{html.escape(row.name)}</th><td>{html.escape(_label(one.space))}</td>"
    if one.error:
        return f'<tr data-method="{row.method}">{name}<td colspan={len(_HEAD) - 2}>{html.escape(one.error)}</td></tr>'
    cells = (
        f"{row.clusters:,}",
        f"{row.coverage:.1%}",
        _interval(row.silhouette),
        _interval(row.dbcv),
        _number(row.calinski_harabasz, ",.0f"),
        _number(row.stability, ".2f"),
        _number(row.balance, ".2f"),
        f"{row.seconds:.2f}\u00a0s",
    )
    told = "".join(f'<td class="sw-num">{cell}</td>' for cell in cells)
    picture = base64.b64encode(thumbnail(made.result.embedding, one.found.labels, _PICTURE)).decode()
    width, height = _PICTURE
    words = html.escape(f"Map with the {row.clusters:,} segments of {row.name}")
    image = f'<img src="data:image/png;base64,{picture}" width={width} height={height} alt="{words}">'
    return f'<tr data-method="{row.method}">{name}{told}<td>{image}</td></tr>'


def _label(space: str) -> str:
    return next((label for label, name in _SPACES.items() if name == space), space).replace(" ", "\u00a0")


def _interval(estimate: Estimate | None) -> str:
    if estimate is None:
        return "–"
    if estimate.low == estimate.high:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f}<br><small>{estimate.low:.3f} to {estimate.high:.3f}</small>"


def _number(value: Any, form: str) -> str:
    return "–" if value is None else format(value, form)


def _curve_words(curve: CountCurve) -> str:
    elbow = "no elbow" if curve.elbow is None else f"elbow at {curve.elbow}"
    bic = "" if curve.lowest_bic is None else f", lowest BIC at {curve.lowest_bic}"
    return f"How many segments: {elbow}{bic}, over k from {curve.k[0]} to {curve.k[-1]}."
