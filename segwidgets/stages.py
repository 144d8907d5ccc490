"""The stages of one run, from the rows to the scores: their keys, their order, and where each result comes from."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from segwidgets.compute import scores as score_stage
from segwidgets.compute.density import DensityIndex
from segwidgets.compute.scores import Estimate
from segwidgets.maps import STAGES, MapStages, pack_estimate, unpack_estimate
from segwidgets.result import array_digest

#: The tree answers every min_samples up to this one without being built anew.
MAX_MIN_SAMPLES = 32


class Stages(MapStages):
    """What is made of a map: the density index and the scores."""

    # -- keys --------------------------------------------------------------------------------------------------------

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
        if self.cache.has("density", self.density_key):
            return ()
        return (*self.pending_map(), "density")

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
            upstream=(*STAGES[self.recipe.embedding.method],),
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
            pack_estimate,
            unpack_estimate,
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
            pack_estimate,
            unpack_estimate,
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
            pack_estimate,
            unpack_estimate,
        )
