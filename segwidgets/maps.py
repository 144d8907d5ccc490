"""The stages that make a map: features, start, neighbours, graph, layout, for every method.

A key depends on settings and on the keys upstream, never on results, so a cached late stage spares the early ones:
what is upstream of a hit is neither computed nor read.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from segwidgets.cache import Cache, key_of
from segwidgets.compute import embedding as methods
from segwidgets.compute import engine
from segwidgets.compute import features as feature_stage
from segwidgets.compute import neighbors as search
from segwidgets.compute.backend import Backend
from segwidgets.compute.features import FeatureMatrix
from segwidgets.compute.neighbors import Neighbors
from segwidgets.compute.progress import Tick
from segwidgets.compute.scores import Estimate
from segwidgets.data import Table
from segwidgets.recipe import Embedding, Recipe, RecipeError
from segwidgets.result import array_digest
from segwidgets.run import Run

Arrays = dict[str, npt.NDArray[Any]]
Points = npt.NDArray[np.float32]

#: Raised by one whenever the code of a stage changes what it returns.
VERSIONS = {
    "features": 1,
    "start": 2,
    "neighbors": 2,
    "graph": 2,
    "layout": 3,
    "density": 2,
    "trust": 2,
    "silhouette": 2,
    "dbcv": 2,
}
#: Tables of neighbours are kept in these widths, each begun from the one before where the search is approximate. So
#: what a run gets depends on its n_neighbors alone, and a smaller one than was ever asked for costs nothing.
_WIDTHS = (16, 32, 64, 128, 256, 512)
#: The chance in an approximate search is not the recipe's: another seed is another layout of the same neighbours.
_SEARCH_SEED = 0
#: What stands between the rows and the map, by method.
STAGES = {
    "umap": ("features", "start", "neighbors", "graph", "layout"),
    "tsne": ("features", "neighbors", "layout"),
    "pca": ("features", "layout"),
    "none": ("features", "layout"),
}

_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class Map:
    """A finished map and how it came about.

    ``points`` (n, c) float32. ``epochs`` that the layout ran, and whether it had ``settled`` before the last one;
    ``search`` names the way neighbours were found and ``recall`` the share of the true ones among them, None when the
    search was exact or none was made. ``devices`` says what computed each stage.
    """

    points: Points
    epochs: int = 0
    settled: bool = False
    search: str = ""
    recall: Estimate | None = None
    devices: dict[str, str] = dataclasses.field(default_factory=dict)

    def to_arrays(self) -> Arrays:
        """What `from_arrays` reads."""
        facts = {
            field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "points"
        } | {"recall": None if self.recall is None else dataclasses.asdict(self.recall)}
        return {"points": self.points, "facts": np.array(json.dumps(facts))}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Map:
        """The map in ``arrays``."""
        facts = json.loads(str(arrays["facts"]))
        recall = facts.pop("recall")
        return cls(arrays["points"], recall=None if recall is None else Estimate(**recall), **facts)

    def notes(self, n_epochs: int | None) -> tuple[str, ...]:
        """Sentences for whoever reads the result."""
        if not self.settled:
            return ()
        return (f"the layout had settled and stopped after {self.epochs} of {n_epochs} epochs",)


class MapStages:
    """The stages up to the map, for one resolved recipe on one table.

    Args:
        table: the rows.
        recipe: resolved but for eps: plan, metric and n_epochs are set.
        cache: where results come from and go to.
        run: progress and cancellation.
        backend: what computes them.
        embedding: (n, c) points that stand in for the layout; nothing upstream of it is then needed but for the
            trustworthiness.
    """

    def __init__(
        self,
        table: Table,
        recipe: Recipe,
        cache: Cache,
        run: Run,
        backend: Backend,
        embedding: Points | None = None,
    ) -> None:
        self.table, self.recipe, self.cache, self.run = table, recipe, cache, run
        self.backend, self.given = backend, embedding
        self.snapshot: methods.Snapshot | None = None
        needed = () if embedding is not None else STAGES[recipe.embedding.method]
        run.skip(*(stage for stage in STAGES["umap"][1:] if stage not in needed))

    # -- keys --------------------------------------------------------------------------------------------------------

    def _key(self, stage: str, settings: dict[str, Any], *upstream: str) -> str:
        if self.backend.name != "cpu" and stage in {"neighbors", "layout"}:
            settings = settings | {"backend": self.backend.name}
        return key_of(stage, VERSIONS[stage], settings, *upstream)

    def _settings(self, *names: str) -> dict[str, Any]:
        return {name: getattr(self.recipe.embedding, name) for name in names}

    @functools.cached_property
    def features_key(self) -> str:
        """Key of the feature matrix: the table and the plan."""
        return self._key("features", self.recipe.to_dict()["features"], self.table.digest)

    def _table_key(self, width: int) -> str:
        return self._key("neighbors", {"width": width, "metric": self.metric}, self.features_key)

    @functools.cached_property
    def graph_key(self) -> str:
        """Key of the fuzzy graph."""
        return self._key("graph", self._settings("n_neighbors"), self._table_key(0))

    @functools.cached_property
    def start_key(self) -> str:
        """Key of where the layout starts: the same for every n_neighbors where it comes from a sample."""
        upstream = self.features_key if self._from_sample else self.graph_key
        return self._key("start", self._settings("n_components", "metric", "seed"), upstream)

    @functools.cached_property
    def layout_key(self) -> str:
        """Key of the layout; a given one is known by its own digest."""
        if self.given is not None:
            return f"given:{array_digest(self.given)}"
        used = {
            "umap": tuple(field.name for field in dataclasses.fields(Embedding)),
            "tsne": ("method", "n_neighbors", "n_components", "metric", "n_epochs", "seed"),
            "pca": ("method", "n_components"),
            "none": ("method",),
        }[self.recipe.embedding.method]
        return self._key("layout", self._settings(*used), self.features_key)

    def pending_map(self) -> list[str]:
        """The stages up to the map that are not cached and not upstream of one that is, in order."""
        if self.given is not None or self.cache.has("layout", self.layout_key):
            return []
        missing = ["layout"]
        if self.recipe.embedding.method == "umap":
            missing += [] if self.cache.get_object(self.graph_key) is not None else ["graph"]
            missing += [] if self.cache.has("start", self.start_key) else ["start"]
        if "neighbors" in STAGES[self.recipe.embedding.method] and self._cached_table() is None:
            missing.append("neighbors")
        needs_features = {"neighbors", "start"} & set(missing) or "neighbors" not in STAGES[
            self.recipe.embedding.method
        ]
        if needs_features and self.cache.get_object(self.features_key) is None:
            missing.append("features")
        return [stage for stage in STAGES["umap"] if stage in missing]

    # -- results -----------------------------------------------------------------------------------------------------

    def _stored(
        self,
        name: str,
        key: str,
        inputs: Callable[[], Any],
        compute: Callable[[Any, Tick], _T],
        pack: Callable[[_T], Arrays],
        unpack: Callable[[Arrays], _T],
        *,
        upstream: tuple[str, ...] = (),
    ) -> _T:
        """A stage's result from memory, else from disk, else computed from ``inputs()`` and kept in both."""
        held: _T | None = self.cache.get_object(key)
        if held is not None:
            self.run.hit(*upstream, name)
            return held
        arrays = self.cache.read(name, key)
        if arrays is not None:
            value = unpack(arrays)
            self.run.hit(*upstream, name)
        else:
            given = inputs()
            value = self.run.stage(name, lambda tick: compute(given, tick))
            arrays = pack(value)
            self.cache.write(name, key, arrays)
        self.cache.put_object(key, value, sum(array.nbytes for array in arrays.values()))
        return value

    @functools.cached_property
    def features(self) -> FeatureMatrix:
        """The features of every row."""
        held: FeatureMatrix | None = self.cache.get_object(self.features_key)
        if held is not None:
            self.run.hit("features")
            return held
        # In memory only: building features costs about what reading them would, and they are the customers' rows.
        value = self.run.stage("features", lambda tick: feature_stage.build(self.table, self.recipe.features, tick))
        matrix = value.values
        size = matrix.data.nbytes + matrix.indices.nbytes if sp.issparse(matrix) else matrix.nbytes
        self.cache.put_object(self.features_key, value, size)
        return value

    @property
    def metric(self) -> str:
        """The metric the recipe was resolved to."""
        if self.recipe.embedding.metric is None:
            raise ValueError("the recipe is not resolved: its metric is still open")
        return self.recipe.embedding.metric

    @property
    def _from_sample(self) -> bool:
        return self.table.n_rows > methods.SAMPLE_ABOVE

    @functools.cached_property
    def first_picture(self) -> methods.FirstPicture:
        """All rows placed around a sample's layout: what more than `embedding.SAMPLE_ABOVE` rows start from."""
        e = self.recipe.embedding
        return self._stored(
            "start",
            self.start_key,
            lambda: self.features.values,
            lambda X, tick: methods.first_picture(X, e.n_components, self.metric, e.seed, tick=tick),
            lambda picture: {"points": picture.points, "sample": picture.sample},
            lambda arrays: methods.FirstPicture(arrays["points"], arrays["sample"]),
            upstream=("features",),
        )

    @functools.cached_property
    def start(self) -> Points:
        """Where the layout starts, (n, n_components) float32."""
        if self._from_sample:
            return self.first_picture.points
        e = self.recipe.embedding
        return self._stored(
            "start",
            self.start_key,
            lambda: self.graph,
            lambda graph, _: methods.spectral_start(graph, e.n_components, e.seed),
            lambda points: {"points": points},
            lambda arrays: arrays["points"],
            upstream=("features", "neighbors", "graph"),
        )

    def _widths(self) -> list[int]:
        """The widths of table that hold enough neighbours, smallest first; the first is what would be computed."""
        n = self.table.n_rows
        return [min(width, n) for width in _WIDTHS if width >= min(self.recipe.embedding.n_neighbors, n)]

    def _cached_table(self) -> Neighbors | None:
        """A kept table to take the neighbours from: of the own width, or a larger one that is exact."""
        own, *larger = self._widths()
        if self.cache.has("neighbors", self._table_key(own)):
            return self._table(own)
        for width in larger:
            if self.cache.has("neighbors", self._table_key(width)):
                found = self._table(width)
                if found.exact:
                    return found
        return None

    def _table(self, width: int) -> Neighbors:
        """The ``width`` nearest neighbours of every row."""

        def compute(X: Any, tick: Tick) -> Neighbors:
            return engine.find_neighbors(self.backend, X, width, self.metric, seed=_SEARCH_SEED, tick=tick, begin=begin)

        begin = None
        if width > _WIDTHS[0] and not self.cache.has("neighbors", self._table_key(width)):
            X = self.features.values
            if self.backend.name == "cpu" and not search.plan(X, width, self.metric).exact:
                narrower = max(smaller for smaller in _WIDTHS if smaller < width)
                begin = self._table(narrower)
        return self._stored(
            "neighbors",
            self._table_key(width),
            lambda: self.features.values,
            compute,
            _pack_neighbors,
            _unpack_neighbors,
            upstream=("features",),
        )

    @functools.cached_property
    def neighbors(self) -> Neighbors:
        """The nearest neighbours of every row, n_neighbors of them."""
        found = self._cached_table() or self._table(self._widths()[0])
        return found.first(self.recipe.embedding.n_neighbors)

    @functools.cached_property
    def graph(self) -> sp.csr_matrix:
        """The fuzzy graph, (n, n)."""
        held: sp.csr_matrix | None = self.cache.get_object(self.graph_key)
        if held is not None:
            self.run.hit("graph")
            return held
        # In memory only: it is made from the neighbours in less time than it would be read in.
        found = self.neighbors
        graph = self.run.stage("graph", lambda _: methods.fuzzy_graph(found))
        self.cache.put_object(self.graph_key, graph, graph.data.nbytes + graph.indices.nbytes)
        return graph

    @functools.cached_property
    def map(self) -> Map:
        """The map: a given one, or the recipe's method on what it needs."""
        if self.given is not None:
            return Map(self.given)
        ways: dict[str, tuple[Callable[[], Any], Callable[[Any, Tick], Map]]] = {
            "umap": (self._umap_inputs, self._umap),
            "tsne": (lambda: (self.features.values, self.neighbors), self._tsne),
            "pca": (lambda: self.features.values, self._pca),
            "none": (lambda: self.features.values, self._none),
        }
        inputs, compute = ways[self.recipe.embedding.method]
        return self._stored(
            "layout",
            self.layout_key,
            inputs,
            compute,
            Map.to_arrays,
            Map.from_arrays,
            upstream=STAGES[self.recipe.embedding.method][:-1],
        )

    @property
    def layout(self) -> Points:
        """The map's points, (n, c) float32."""
        return self.map.points

    # -- methods -----------------------------------------------------------------------------------------------------

    def _searched(self, found: Neighbors) -> dict[str, Any]:
        return {"search": found.method, "recall": found.recall, "devices": self._devices}

    def _umap_inputs(self) -> tuple[Points, sp.csr_matrix | None, Neighbors]:
        # cuML makes its own graph of the neighbours.
        return self.start, self.graph if self.backend.name == "cpu" else None, self.neighbors

    def _umap(self, given: tuple[Points, sp.csr_matrix | None, Neighbors], tick: Tick) -> Map:
        begin, graph, found = given
        e = self.recipe.embedding
        done = engine.lay_out(
            self.backend, found, graph, begin, e, n_epochs=self._epochs, snapshot=self.snapshot, tick=tick
        )
        return Map(done.points, done.epochs, done.settled, **self._searched(found))

    @property
    def _devices(self) -> dict[str, str]:
        return engine.devices(self.backend, self.metric, self.recipe.embedding.method)

    @property
    def _epochs(self) -> int:
        return self.recipe.embedding.n_epochs or methods.default_epochs(self.table.n_rows)

    def _tsne(self, given: tuple[Any, Neighbors], tick: Tick) -> Map:
        from segwidgets.compute.embedding.pca import pca
        from segwidgets.compute.embedding.tsne import perplexity_of, tsne

        X, found = given
        e = self.recipe.embedding
        points = tsne(
            found,
            e.n_components,
            perplexity=perplexity_of(e.n_neighbors),
            metric=self.metric,
            seed=e.seed,
            n_epochs=e.n_epochs,
            begin=pca(X, e.n_components) if min(X.shape) > e.n_components else None,
            tick=tick,
        )
        return Map(points, **self._searched(found))

    def _pca(self, X: Any, tick: Tick) -> Map:
        from segwidgets.compute.embedding.pca import pca

        return Map(pca(X, self.recipe.embedding.n_components, tick=tick), devices=self._devices)

    def _none(self, X: Any, _: Tick) -> Map:
        from segwidgets.compute.density import MAX_DIMENSIONS

        if X.shape[1] > MAX_DIMENSIONS:
            raise RecipeError(
                f"method='none' clusters the features as they are, and there are {X.shape[1]:,}: at most "
                f"{MAX_DIMENSIONS} are allowed. Choose fewer columns, set features.pca from 2 to {MAX_DIMENSIONS}, or "
                "take method='umap' or 'pca'."
            )
        rows = X.toarray() if sp.issparse(X) else X
        return Map(np.ascontiguousarray(rows, dtype=np.float32), devices=self._devices)


def _pack_neighbors(found: Neighbors) -> Arrays:
    return {
        "indices": found.indices,
        "distances": found.distances,
        "exact": np.array(found.exact),
        "method": np.array(found.method),
        **pack_estimate(found.recall),
    }


def _unpack_neighbors(arrays: Arrays) -> Neighbors:
    recall = unpack_estimate(arrays)
    return Neighbors(arrays["indices"], arrays["distances"], bool(arrays["exact"]), str(arrays["method"]), recall)


def pack_estimate(estimate: Estimate | None) -> Arrays:
    """An estimate as an array that a cache keeps; None as an empty one."""
    if estimate is None:
        return {"estimate": np.empty(0)}
    return {"estimate": np.array([estimate.value, estimate.low, estimate.high, estimate.n_sampled])}


def unpack_estimate(arrays: Arrays) -> Estimate | None:
    """What `pack_estimate` kept."""
    numbers = arrays["estimate"]
    if not len(numbers):
        return None
    return Estimate(float(numbers[0]), float(numbers[1]), float(numbers[2]), int(numbers[3]))
