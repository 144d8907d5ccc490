"""Where new rows lie on a finished map: learned once, asked for any number of rows."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from segwidgets.compute import features as feature_stage
from segwidgets.compute.engine import umap_settings

if TYPE_CHECKING:
    from segwidgets.data import Table
    from segwidgets.recipe import Recipe
    from segwidgets.run import Run


class Placing:
    """The features and the map of a finished run, applied to new rows.

    Args:
        table: the rows of the map.
        recipe: resolved, as a result has it.
        embedding: (n, c) float32, the map.
        features: (n, d) those of ``table`` where they are there already.
    """

    def __init__(
        self, table: Table, recipe: Recipe, embedding: npt.NDArray[np.float32], features: Any | None = None
    ) -> None:
        self.recipe = recipe
        self.embedding = embedding
        self.fitted = feature_stage.fit(table, recipe.features)
        self.features = self.fitted.apply(table).values if features is None else features

    @functools.cached_property
    def _components(self) -> Any:
        from segwidgets.compute.embedding.pca import pca_components

        return pca_components(self.features, self.recipe.embedding.n_components)

    def __call__(self, table: Table, run: Run) -> npt.NDArray[np.float32]:
        """(m, c) float32, the place of each row of ``table``, the same in any company."""
        e = self.recipe.embedding
        rows = self.fitted.apply(table, run.tick("features")).values
        if e.method == "none":
            return np.ascontiguousarray(rows.toarray() if sp.issparse(rows) else rows, dtype=np.float32)
        if e.method == "pca":
            projected: npt.NDArray[np.float32] = self._components.project(rows)
            return projected
        return self._transformed(self.features, self.embedding, rows, run)

    def among(self, rest: npt.NDArray[np.int64], held: npt.NDArray[np.int64], run: Run) -> npt.NDArray[np.float32]:
        """(m, c) float32, where the rows ``held`` of the map lie if only the rows ``rest`` of it were there.

        Both are row numbers of the map, and no row is in both. Principal axes and scales stay those of all rows.
        """
        if self.recipe.embedding.method in {"none", "pca"}:
            return np.ascontiguousarray(self.embedding[held], dtype=np.float32)
        return self._transformed(self.features[rest], self.embedding[rest], self.features[held], run)

    def _transformed(
        self, features: Any, embedding: npt.NDArray[np.float32], rows: Any, run: Run
    ) -> npt.NDArray[np.float32]:
        from segwidgets.compute.embedding.transform import transform

        e = self.recipe.embedding
        return transform(
            features,
            embedding,
            rows,
            n_neighbors=min(e.n_neighbors, len(embedding)),
            metric=e.metric or feature_stage.default_metric(self.recipe.features),
            n_epochs=e.n_epochs if e.method == "umap" else 0,
            tick=run.tick("layout"),
            **umap_settings(e),
        )
