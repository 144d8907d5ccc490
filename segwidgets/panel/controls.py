"""The panel's controls: one widget a setting, and how they read and show a recipe."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from segwidgets.panel import html
from segwidgets.panel.setting import Setting
from segwidgets.recipe import METHODS, METRICS, Recipe
from segwidgets.stages import MAX_MIN_SAMPLES

_WIDE = widgets.Layout(width="auto")
_OPEN = "decided by the data"
_STYLE = {"description_width": "110px"}

_METHODS = {"umap": "UMAP", "pca": "PCA", "tsne": "t-SNE", "none": "none: the features themselves"}
_COMPONENTS = {"3-D": 3, "2-D": 2}
#: The map settings that each method reads.
_READ = {
    "umap": (
        "n_neighbors", "min_dist", "metric", "n_components", "spread", "n_epochs", "seed", "negative_sample_rate",
        "repulsion_strength",
    ),
    "tsne": ("n_neighbors", "metric", "n_components", "n_epochs", "seed"),
    "pca": ("metric", "n_components"),
    "none": ("metric",),
}  # fmt: skip
#: Settings of the clustering; all others are the map's.
CLUSTERING = ("eps", "min_samples")

#: What each setting does, in the field's terms: the help of its control.
HELP = {
    "method": "How rows become points on the map. PCA, t-SNE and the features themselves are there to compare with.",
    "n_neighbors": "UMAP n_neighbors: how many nearest customers shape the map. More shows broader structure, fewer "
    "shows finer groups.",
    "min_dist": "UMAP min_dist: how tightly points may be packed. 0 suits clustering best. It may not exceed spread.",
    "metric": "How distance between two customers is measured. Cosine compares the mix and ignores the amount.",
    "n_components": "UMAP n_components: dimensions of the map that is drawn and clustered. A third one keeps more.",
    "spread": "UMAP spread: the scale of the map. Together with min_dist it says how clumped the points are.",
    "n_epochs": "UMAP n_epochs: steps of the layout at the most. Left open, 500 up to 10,000 rows and 200 above.",
    "seed": "The start of the random numbers. The same seed gives the same map, bit for bit.",
    "negative_sample_rate": "UMAP negative_sample_rate: points pushed off for each neighbour that is drawn near. "
    "5 is usual.",
    "repulsion_strength": "UMAP repulsion_strength: the weight of pushing apart. 1 is usual.",
    "eps": "DBSCAN eps: the radius within which points are neighbours on the map.",
    "min_samples": "DBSCAN min_samples: how many points within eps make a core point, itself included. At least "
    "dimensions + 1; more gives fewer, denser segments.",
}


class Controls:
    """A control for every setting of a recipe.

    Args:
        recipe: what they show first.
        n_rows: rows of the table, which bound n_neighbors.
        changed: called with the setting's name and new value whenever the user moves one.
    """

    def __init__(self, recipe: Recipe, n_rows: int, changed: Callable[[str, Any], None]) -> None:
        self._changed = changed
        self._showing: int | None = None  # the thread that moves the dropdowns itself
        e, c = recipe.embedding, recipe.clustering

        def setting(name: str, value: float | None, **limits: Any) -> Setting:
            made = Setting(name, value, help=HELP[name], **limits)
            made.on_move(lambda new: changed(name, new))
            return made

        def choice(name: str, options: Any, value: Any) -> widgets.Dropdown:
            made = widgets.Dropdown(
                options=options, value=value, description=name, tooltip=HELP[name], style=_STYLE, layout=_WIDE
            )
            made.observe(lambda change: self._chosen(name, change["new"]), "value")
            return made

        most = max(3, min(200, n_rows - 1), min(e.n_neighbors, n_rows - 1))
        self.method = choice("method", [(_METHODS[name], name) for name in METHODS], e.method)
        self.n_neighbors = setting(
            "n_neighbors",
            e.n_neighbors,
            min=2,
            max=most,
            step=1,
            whole=True,
            low=2,
            high=max(e.n_neighbors, min(500, n_rows - 1)),
        )
        self.min_dist = setting("min_dist", e.min_dist, min=0.0, max=max(0.99, e.min_dist), step=0.01, low=0.0)
        self.metric = choice("metric", [(_OPEN, ""), *((name, name) for name in METRICS)], e.metric or "")
        self.n_components = choice("n_components", list(_COMPONENTS.items()), e.n_components)
        self.spread = setting("spread", e.spread, min=0.1, max=max(3.0, e.spread), step=0.05, low=1e-6, high=100.0)
        self.n_epochs = setting(
            "n_epochs", e.n_epochs, min=50, max=1000, step=10, whole=True, optional=True, low=1, high=10_000,
            placeholder=_OPEN,
        )  # fmt: skip
        self.seed = setting("seed", e.seed, min=0, max=max(100, e.seed), step=1, whole=True, low=0, high=2**32 - 1)
        self.negative_sample_rate = setting(
            "negative_sample_rate", e.negative_sample_rate, min=1, max=max(20, e.negative_sample_rate), step=1,
            whole=True, low=1, high=100,
        )  # fmt: skip
        self.repulsion_strength = setting(
            "repulsion_strength", e.repulsion_strength, min=0.1, max=max(3.0, e.repulsion_strength), step=0.1,
            low=1e-6, high=100.0,
        )  # fmt: skip
        self.eps = setting("eps", c.eps or 0.1, min=1e-4, max=10.0, step=1e-4, log=True, disabled=True, low=1e-30)
        self.min_samples = setting(
            "min_samples", c.min_samples, min=1, max=max(2, min(n_rows, max(MAX_MIN_SAMPLES, c.min_samples))), step=1,
            whole=True, low=1, high=max(1, min(10_000, n_rows)),
        )  # fmt: skip
        self.suggest = widgets.Button(
            description="Suggest eps",
            icon="magic",
            tooltip="The eps at which most customers are in a segment other than the largest one",
            disabled=True,
            layout=widgets.Layout(width="auto"),
        )
        self.suggest.on_click(lambda _: changed("eps", None))
        advanced = widgets.VBox(
            [self.n_components, self.spread, self.n_epochs, self.seed, self.negative_sample_rate,
             self.repulsion_strength],
            layout=widgets.Layout(display="none"),
        )  # fmt: skip
        self.advanced = widgets.ToggleButton(
            value=False,
            description="Advanced",
            icon="sliders",
            tooltip="Dimensions, spread, epochs, seed and the rest of UMAP's settings",
            layout=widgets.Layout(width="auto"),
        )

        def fold(change: dict[str, Any]) -> None:
            advanced.layout.display = "" if change["new"] else "none"

        self.advanced.observe(fold, "value")
        self._enable(e.method)
        self.errors = widgets.HTML()
        self.view = widgets.VBox(
            [
                self.errors,
                widgets.HTML(html.group("Map")),
                self.method,
                self.n_neighbors,
                self.min_dist,
                self.metric,
                self.advanced,
                advanced,
                widgets.HTML(html.group("Segments (DBSCAN)")),
                self.eps,
                self.min_samples,
                self.suggest,
            ]
        )

    def _chosen(self, name: str, value: Any) -> None:
        if name == "method":
            self._enable(value)
        if self._showing != threading.get_ident():
            # The dropdown cannot hold None: an empty metric is the one that the data decides.
            self._changed(name, value or None if name == "metric" else value)

    def _enable(self, method: str) -> None:
        for name in _READ["umap"]:
            getattr(self, name).disabled = name not in _READ[method]

    def show(self, recipe: Recipe) -> None:
        """Move every control to a recipe's value without reporting it."""
        e, c = recipe.embedding, recipe.clustering
        self._showing = threading.get_ident()
        try:
            self.method.value = e.method
            self.metric.value = e.metric or ""
            self.n_components.value = e.n_components
        finally:
            self._showing = None
        for name in HELP:
            if isinstance(control := getattr(self, name), Setting) and name not in CLUSTERING:
                control.show(getattr(e, name))
        self.min_samples.show(c.min_samples)
        if c.eps is not None:
            self.eps.show(c.eps)

    def eps_range(self, low: float, high: float) -> None:
        """Let the eps slider run over the range in which clusterings differ, and open it."""
        low, high = 10 ** (math.floor(20 * math.log10(low)) / 20), 10 ** (math.ceil(20 * math.log10(high)) / 20)
        with self.eps.hold_sync():
            self.eps.min, self.eps.max = low, max(high, low * 1.2)
            self.eps.disabled = self.suggest.disabled = False

    def tell_costs(self, costs: Mapping[str, str]) -> None:
        """Say beside each setting what moving it will run, and about how long: ``{setting: text}``."""
        for name, text in costs.items():
            control = getattr(self, name)
            if isinstance(control, Setting):
                control.note = text
