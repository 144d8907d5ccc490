"""The panel's controls: one widget a setting, and how they read and show a recipe."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets as widgets

from segwidgets.panel import html
from segwidgets.recipe import METHODS, METRICS, Recipe
from segwidgets.stages import MAX_MIN_SAMPLES

_WIDE = widgets.Layout(width="auto")
_OPEN = "decided by the data"
_STYLE = {"description_width": "96px"}
_ROUNDING = 1e-9

_METHODS = {"umap": "UMAP", "pca": "PCA", "tsne": "t-SNE", "none": "none: the features themselves"}
#: The map settings that each method reads.
_READ = {
    "umap": ("n_neighbors", "min_dist", "metric"),
    "tsne": ("n_neighbors", "metric"),
    "pca": ("metric",),
    "none": ("metric",),
}

#: What each setting does, in the field's terms: the tooltip of its control.
HELP = {
    "method": "How rows become points on the map. PCA, t-SNE and the features themselves are there to compare with.",
    "n_neighbors": "UMAP n_neighbors: how many nearest customers shape the map. More shows broader structure.",
    "min_dist": "UMAP min_dist: how tightly points may be packed. 0 suits clustering best.",
    "metric": "How distance between two customers is measured. Cosine compares the mix and ignores the amount.",
    "eps": "DBSCAN eps: the radius within which points are neighbours on the map.",
    "min_samples": "DBSCAN min_samples: how many points within eps make a core point, itself included.",
}


class Controls:
    """Sliders for the settings of a recipe.

    Args:
        recipe: what they show first.
        n_rows: rows of the table, which bound n_neighbors.
        changed: called with the setting's name and new value whenever the user moves one.
    """

    def __init__(self, recipe: Recipe, n_rows: int, changed: Callable[[str, Any], None]) -> None:
        self._changed = changed
        self._silent: set[int] = set()  # threads that move controls themselves
        e, c = recipe.embedding, recipe.clustering
        self.method = widgets.Dropdown(
            options=[(_METHODS[name], name) for name in METHODS],
            value=e.method,
            description="method",
            tooltip=HELP["method"],
            style=_STYLE,
            layout=_WIDE,
        )
        self.n_neighbors = widgets.IntSlider(
            value=e.n_neighbors,
            min=2,
            max=max(3, min(200, n_rows - 1), min(e.n_neighbors, n_rows - 1)),
            description="n_neighbors",
            tooltip=HELP["n_neighbors"],
            style=_STYLE,
            layout=_WIDE,
        )
        self.min_dist = widgets.FloatSlider(
            value=e.min_dist,
            min=0.0,
            max=max(0.99, e.min_dist),
            step=0.01,
            description="min_dist",
            tooltip=HELP["min_dist"],
            style=_STYLE,
            layout=_WIDE,
        )
        self.metric = widgets.Dropdown(
            options=[(_OPEN, ""), *((name, name) for name in METRICS)],
            value=e.metric or "",
            description="metric",
            tooltip=HELP["metric"],
            style=_STYLE,
            layout=_WIDE,
        )
        self.eps = widgets.FloatLogSlider(
            value=c.eps or 0.1,
            base=10,
            min=-4,
            max=1,
            step=0.005,
            description="eps",
            readout_format=".4f",
            tooltip=HELP["eps"],
            disabled=True,
            style=_STYLE,
            layout=_WIDE,
        )
        self.min_samples = widgets.IntSlider(
            value=c.min_samples,
            min=1,
            max=max(2, min(n_rows, max(MAX_MIN_SAMPLES, c.min_samples))),
            description="min_samples",
            tooltip=HELP["min_samples"],
            style=_STYLE,
            layout=_WIDE,
        )
        self.suggest = widgets.Button(
            description="Suggest eps",
            icon="magic",
            tooltip="The eps at which most customers are in a segment other than the largest one",
            disabled=True,
            layout=widgets.Layout(width="auto"),
        )
        self._enable(e.method)
        for name in HELP:
            getattr(self, name).observe(self._observe(name), "value")
        self.suggest.on_click(lambda _: self._changed("eps", None))
        self.view = widgets.VBox(
            [
                widgets.HTML(html.group("Map")),
                self.method,
                self.n_neighbors,
                self.min_dist,
                self.metric,
                widgets.HTML(html.group("Segments (DBSCAN)")),
                self.eps,
                self.min_samples,
                self.suggest,
            ]
        )

    def _observe(self, name: str) -> Callable[[dict[str, Any]], None]:
        def observe(change: dict[str, Any]) -> None:
            if name == "method":
                self._enable(change["new"])
            if not self.is_quiet:
                # The dropdown cannot hold None: an empty metric is the one that the data decides.
                self._changed(name, change["new"] or None if name == "metric" else change["new"])

        return observe

    def _enable(self, method: str) -> None:
        for name in _READ["umap"]:
            getattr(self, name).disabled = name not in _READ[method]

    @property
    def least_eps(self) -> float:
        """The low end of the eps slider, above 0."""
        return float(self.eps.base**self.eps.min)

    @property
    def is_quiet(self) -> bool:
        """Whether the moves made in this thread are ours and not the user's."""
        return threading.get_ident() in self._silent

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Moves made within, in this thread, are ours; the user may move another control at the same time."""
        own = threading.get_ident()
        outermost = own not in self._silent
        self._silent.add(own)
        try:
            yield
        finally:
            if outermost:
                self._silent.discard(own)

    def show(self, recipe: Recipe) -> None:
        """Move every control to a recipe's value without reporting it."""
        with self.quietly():
            e, c = recipe.embedding, recipe.clustering
            self.method.value = e.method
            self.n_neighbors.max = max(self.n_neighbors.max, e.n_neighbors)
            self.n_neighbors.value = e.n_neighbors
            self.min_dist.max = max(self.min_dist.max, e.min_dist)
            self.min_dist.value = e.min_dist
            self.metric.value = e.metric or ""
            self.min_samples.max = max(self.min_samples.max, c.min_samples)
            self.min_samples.value = c.min_samples
            if c.eps is not None:
                self.show_eps(c.eps)

    def show_eps(self, eps: float) -> None:
        """Move the eps slider, widening it where eps lies outside."""
        with self.quietly():
            power = math.log10(eps)
            # An eps at an end lies within, whatever its logarithm rounds to.
            if power > self.eps.max + _ROUNDING:
                self.eps.max = math.ceil(power)
            if power < self.eps.min - _ROUNDING:
                self.eps.min = math.floor(power)
            self.eps.value = eps

    def eps_range(self, low: float, high: float) -> None:
        """Let the eps slider run over the range in which clusterings differ, and open it."""
        with self.quietly():
            low, high = math.floor(20 * math.log10(low)) / 20, math.ceil(20 * math.log10(high)) / 20
            high = max(high, low + 0.05)
            # Never an empty range in between, whichever end moves first.
            if low >= self.eps.max:
                self.eps.max, self.eps.min = high, low
            else:
                self.eps.min, self.eps.max = low, high
            self.eps.disabled = self.suggest.disabled = False
