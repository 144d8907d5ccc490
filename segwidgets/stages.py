"""The stages of one run: their keys, their order, and where each result comes from.

A key depends on settings and on the keys upstream, never on results, so a cached late stage spares the early ones:
what is upstream of a hit is neither computed nor read.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from segwidgets.cache import Cache, key_of
from segwidgets.compute import embedding as umap
from segwidgets.compute import features as feature_stage
from segwidgets.compute import scores as score_stage
from segwidgets.compute.density import DensityIndex
from segwidgets.compute.features import FeatureMatrix
from segwidgets.compute.neighbors import Neighbors, neighbors
from segwidgets.compute.progress import Cancelled, Tick
from segwidgets.compute.scores import Estimate
from segwidgets.data import Table
from segwidgets.recipe import Recipe
from segwidgets.result import Progress, array_digest

Arrays = dict[str, npt.NDArray[Any]]
Points = npt.NDArray[np.float32]

#: Raised by one whenever the code of a stage changes what it returns.
VERSIONS = {
    "features": 1,
    "neighbors": 1,
    "graph": 1,
    "layout": 1,
    "density": 2,
    "trust": 1,
    "silhouette": 2,
    "dbcv": 1,
}
#: The share of the whole that each stage takes on a typical table: what the overall progress is made of.
_WEIGHTS = {
    "features": 0.04,
    "neighbors": 0.52,
    "graph": 0.02,
    "layout": 0.22,
    "density": 0.06,
    "clusters": 0.01,
    "silhouette": 0.02,
    "dbcv": 0.03,
    "trust": 0.08,
}
_WORDS = {
    "features": "Building features",
    "neighbors": "Finding neighbours",
    "graph": "Weighing neighbours",
    "layout": "Laying out the map",
    "density": "Building the density tree",
    "clusters": "Clustering",
    "silhouette": "Scoring the segments",
    "dbcv": "Scoring the segments' shapes",
    "trust": "Checking the map against the data",
}
#: The tree answers every min_samples up to this one without being built anew.
MAX_MIN_SAMPLES = 32

_T = TypeVar("_T")


class Run:
    """One run's progress, cancellation, timings and cache hits."""

    def __init__(self, progress: Callable[[Progress], None] | None, cancel: threading.Event | None) -> None:
        self._progress = progress
        self._cancel = cancel
        self._finished: dict[str, float] = {}
        self.timings: dict[str, float] = {}
        self.cached: list[str] = []

    def tick(self, stage: str) -> Tick:
        """The `Tick` of one stage: raises `Cancelled` when the run is, and passes progress on."""

        def tick(done: float) -> None:
            if self._cancel is not None and self._cancel.is_set():
                raise Cancelled(f"cancelled while {_WORDS[stage].lower()}")
            self._finished[stage] = max(self._finished.get(stage, 0.0), min(1.0, done))
            if self._progress is not None:
                overall = sum(_WEIGHTS[name] * share for name, share in self._finished.items())
                self._progress(Progress(stage, self._finished[stage], min(1.0, overall), _WORDS[stage]))

        return tick

    def hit(self, *stages: str) -> None:
        """Note stages that the cache answered; what they would have taken counts as done."""
        for stage in stages:
            if stage not in self.timings and stage not in self.cached:
                self.cached.append(stage)
                self._finished[stage] = 1.0

    def skip(self, *stages: str) -> None:
        """Note stages that this run does not need: they count as done."""
        for stage in stages:
            self._finished[stage] = 1.0

    def stage(self, name: str, work: Callable[[Tick], _T]) -> _T:
        """Do one stage: announced, timed, and done in full before the next."""
        tick = self.tick(name)
        tick(0.0)
        begin = time.perf_counter()
        value = work(tick)
        self.timings[name] = time.perf_counter() - begin
        tick(1.0)
        return value


class Stages:
    """The stages for one resolved recipe on one table.

    Args:
        table: the rows.
        recipe: resolved but for eps: plan, metric and n_epochs are set.
        cache: where results come from and go to.
        run: progress and cancellation.
        embedding: (n, c) points that stand in for the layout; nothing upstream of it is then needed but for the
            trustworthiness.
    """

    def __init__(self, table: Table, recipe: Recipe, cache: Cache, run: Run, embedding: Points | None = None) -> None:
        self.table, self.recipe, self.cache, self.run, self.given = table, recipe, cache, run, embedding
        if embedding is not None:
            run.skip("neighbors", "graph", "layout")

    # -- keys --------------------------------------------------------------------------------------------------------

    def _key(self, stage: str, settings: dict[str, Any], *upstream: str) -> str:
        return key_of(stage, VERSIONS[stage], settings, *upstream)

    @functools.cached_property
    def features_key(self) -> str:
        """Key of the feature matrix: the table and the plan."""
        return self._key("features", self.recipe.to_dict()["features"], self.table.digest)

    @functools.cached_property
    def neighbors_key(self) -> str:
        """Key of the neighbours."""
        e = self.recipe.embedding
        settings = {"n_neighbors": e.n_neighbors, "metric": e.metric, "seed": e.seed}
        return self._key("neighbors", settings, self.features_key)

    @functools.cached_property
    def graph_key(self) -> str:
        """Key of the fuzzy graph."""
        return self._key("graph", {}, self.neighbors_key)

    @functools.cached_property
    def layout_key(self) -> str:
        """Key of the layout; a given one is known by its own digest."""
        if self.given is not None:
            return f"given:{array_digest(self.given)}"
        e = self.recipe.embedding
        settings = {"n_components": e.n_components, "n_epochs": e.n_epochs, "seed": e.seed}
        settings |= {"min_dist": float(e.min_dist), "spread": float(e.spread)}  # type: ignore[dict-item]
        return self._key("layout", settings, self.graph_key)

    @functools.cached_property
    def max_min_samples(self) -> int:
        """The largest min_samples that the density index of this run answers."""
        return min(self.table.n_rows, max(self.recipe.clustering.min_samples, MAX_MIN_SAMPLES))

    @functools.cached_property
    def density_key(self) -> str:
        """Key of the density index."""
        return self._key("density", {"max_min_samples": self.max_min_samples}, self.layout_key)

    def pending(self) -> tuple[str, ...]:
        """The stages up to the density tree that are not cached and not upstream of one that is, in order."""
        keys = (
            ("density", self.density_key),
            ("layout", self.layout_key),
            ("graph", self.graph_key),
            ("neighbors", self.neighbors_key),
            ("features", self.features_key),
        )
        missing: list[str] = []
        for stage, key in keys:
            if (stage == "layout" and self.given is not None) or self.cache.has(stage, key):
                break
            missing.insert(0, stage)
        return tuple(missing)

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

    @functools.cached_property
    def neighbors(self) -> Neighbors:
        """The nearest neighbours of every row."""
        e = self.recipe.embedding
        return self._stored(
            "neighbors",
            self.neighbors_key,
            lambda: self.features.values,
            lambda X, tick: neighbors(X, e.n_neighbors, self.metric, seed=e.seed, tick=tick),
            lambda v: {
                "indices": v.indices,
                "distances": v.distances,
                "exact": np.array(v.exact),
                "method": np.array(v.method),
            },
            lambda a: Neighbors(a["indices"], a["distances"], bool(a["exact"]), str(a["method"])),
            upstream=("features",),
        )

    @functools.cached_property
    def graph(self) -> sp.csr_matrix:
        """The fuzzy graph, (n, n)."""
        return self._stored(
            "graph",
            self.graph_key,
            lambda: self.neighbors,
            lambda found, _: umap.fuzzy_graph(found),
            lambda g: {"data": g.data, "indices": g.indices, "indptr": g.indptr},
            lambda a: sp.csr_matrix((a["data"], a["indices"], a["indptr"]), shape=(len(a["indptr"]) - 1,) * 2),
            upstream=("features", "neighbors"),
        )

    @functools.cached_property
    def layout(self) -> Points:
        """The map, (n, n_components) float32."""
        if self.given is not None:
            return self.given
        e = self.recipe.embedding

        def compute(weights: sp.csr_matrix, tick: Tick) -> Points:
            begin = umap.start(weights, e.n_components, e.seed)
            epochs = e.n_epochs or umap.default_epochs(len(begin))
            return umap.layout(
                weights, begin, min_dist=e.min_dist, spread=e.spread, n_epochs=epochs, seed=e.seed, tick=tick
            )

        return self._stored(
            "layout",
            self.layout_key,
            lambda: self.graph,
            compute,
            lambda points: {"points": points},
            lambda arrays: arrays["points"],
            upstream=("features", "neighbors", "graph"),
        )

    @functools.cached_property
    def density(self) -> DensityIndex:
        """The index that answers every eps."""
        return self._stored(
            "density",
            self.density_key,
            lambda: self.layout,
            lambda points, tick: DensityIndex(
                points, self.recipe.clustering.min_samples, self.max_min_samples, tick=tick
            ),
            lambda index: index.to_arrays(),
            DensityIndex.from_arrays,
            upstream=("features", "neighbors", "graph", "layout"),
        )

    @functools.cached_property
    def trustworthiness(self) -> Estimate | None:
        """How far neighbours on the map are neighbours in the data; None for fewer than 3 rows."""
        # Its formula needs 2n - 3k - 1 > 0, and k < n / 2 in scikit-learn too.
        k = min(15, (self.table.n_rows - 1) // 2)
        if k < 1:
            return None
        e = self.recipe.embedding
        key = self._key("trust", {"k": k, "metric": e.metric, "seed": e.seed}, self.features_key, self.layout_key)
        return self._stored(
            "trust",
            key,
            lambda: (self.features.values, self.layout),
            lambda given, tick: score_stage.trustworthiness(
                given[0], given[1], metric=self.metric, n_neighbors=k, seed=e.seed, tick=tick
            ),
            _pack_estimate,
            _unpack_estimate,
        )

    def silhouette(self, labels: npt.NDArray[np.int32]) -> Estimate | None:
        """The silhouette of ``labels`` on the layout, None below two clusters."""
        if labels.max(initial=-1) < 1:
            return None
        key = self._key("silhouette", {"seed": self.recipe.embedding.seed}, self.layout_key, array_digest(labels))
        return self._stored(
            "silhouette",
            key,
            lambda: self.layout,
            lambda points, tick: score_stage.silhouette(points, labels, seed=self.recipe.embedding.seed, tick=tick),
            _pack_estimate,
            _unpack_estimate,
        )

    def dbcv(self, labels: npt.NDArray[np.int32]) -> Estimate | None:
        """The DBCV of ``labels`` on the layout, None below two clusters."""
        if labels.max(initial=-1) < 1:
            return None
        key = self._key("dbcv", {"seed": self.recipe.embedding.seed}, self.layout_key, array_digest(labels))
        return self._stored(
            "dbcv",
            key,
            lambda: self.layout,
            lambda points, tick: score_stage.dbcv(points, labels, seed=self.recipe.embedding.seed, tick=tick),
            _pack_estimate,
            _unpack_estimate,
        )


def _pack_estimate(estimate: Estimate | None) -> Arrays:
    if estimate is None:
        return {"estimate": np.empty(0)}
    return {"estimate": np.array([estimate.value, estimate.low, estimate.high, estimate.n_sampled])}


def _unpack_estimate(arrays: Arrays) -> Estimate | None:
    numbers = arrays["estimate"]
    if not len(numbers):
        return None
    return Estimate(float(numbers[0]), float(numbers[1]), float(numbers[2]), int(numbers[3]))
