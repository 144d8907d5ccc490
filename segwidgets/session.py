"""A session runs a recipe on a table, stage by stage, and keeps what it can use again.

data -> features -> neighbors -> graph -> layout -> density -> clusters -> scores. A min_dist move re-runs the layout,
an eps move only a cut of the tree. Panel, promoted job and command line all call this class, so a job runs what the
panel ran.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from segwidgets.cache import Cache
from segwidgets.compute import embedding as umap
from segwidgets.compute import features as feature_stage
from segwidgets.compute.density import DensityIndex
from segwidgets.compute.neighbors import neighbors
from segwidgets.compute.progress import Cancelled
from segwidgets.compute.scores import sizes as cluster_sizes
from segwidgets.data import Table
from segwidgets.recipe import Recipe, RecipeError
from segwidgets.result import Preview, Progress, Result, Scores, array_digest
from segwidgets.stages import Run, Stages

__all__ = ["Cancelled", "Preview", "Progress", "Result", "Scores", "Session", "array_digest"]

#: A preview lays out this many rows: a second's work, and enough to show the shape.
PREVIEW_ROWS = 5_000
_PREVIEW_EPOCHS = 200


class Session:
    """Runs recipes on one table.

    Args:
        table: what `sw.read` gave.
        cache: where stage results are kept; by default one of its own in the home directory. Sessions may share one.

    Threads may call `run` at the same time; what they share is the cache.
    """

    def __init__(self, table: Table, *, cache: Cache | None = None) -> None:
        if not isinstance(table, Table):
            raise TypeError(f"Session needs a table from segwidgets.read(...), got {type(table).__name__}.")
        self.table = table
        self.cache = cache if cache is not None else Cache()

    def check(self, recipe: Recipe) -> None:
        """Raise RecipeError where the recipe cannot run on this table, before any work starts."""
        n = self.table.n_rows
        if recipe.embedding.n_neighbors >= n:
            raise RecipeError(
                f"n_neighbors={recipe.embedding.n_neighbors} is not allowed: the table has {n:,} rows, and a row has "
                f"at most {n - 1:,} neighbours. Take n_neighbors below {n:,}, or read more rows."
            )
        if recipe.clustering.min_samples > n:
            raise RecipeError(
                f"min_samples={recipe.clustering.min_samples} is not allowed: the table has {n:,} rows. "
                f"Take min_samples from 1 to {n:,}."
            )

    def resolve(self, recipe: Recipe) -> Recipe:
        """The recipe with all filled in that the data decides, but for eps, which needs the map.

        Raises RecipeError where the recipe cannot run on this table.
        """
        if not isinstance(recipe, Recipe):
            raise RecipeError(f"a recipe is needed, got {type(recipe).__name__}: take segwidgets.Recipe(…).")
        self.check(recipe)
        features = feature_stage.resolve(self.table, recipe.features)
        metric = recipe.embedding.metric or feature_stage.default_metric(features)
        epochs = recipe.embedding.n_epochs or umap.default_epochs(self.table.n_rows)
        return recipe.replace(features=features, metric=metric, n_epochs=epochs)

    def pending(self, recipe: Recipe) -> tuple[str, ...]:
        """The stages up to the density tree that a run of ``recipe`` would have to compute, in order."""
        return Stages(self.table, self.resolve(recipe), self.cache, Run(None, None)).pending()

    def run(
        self,
        recipe: Recipe | None = None,
        *,
        embedding: npt.NDArray[np.float32] | None = None,
        progress: Callable[[Progress], None] | None = None,
        cancel: threading.Event | None = None,
        early: Callable[[Result], None] | None = None,
    ) -> Result:
        """Run a recipe whole, or as much of it as is not cached.

        Args:
            recipe: the settings; ``Recipe()`` by default.
            embedding: (n, n_components) float32: taken as the layout instead of computing one.
            progress: called in this thread as the run goes on.
            cancel: when set, the run stops within about 200 ms and leaves nothing half done.
            early: called with the result as soon as map and labels stand, its silhouette, DBCV and trustworthiness
                still None: a picture need not wait for them.

        Raises:
            RecipeError: the recipe cannot run on this table; raised before any work.
            Cancelled: ``cancel`` was set.
        """
        resolved = self.resolve(recipe if recipe is not None else Recipe())
        if embedding is not None:
            embedding = self._checked_embedding(embedding, resolved)
        run = Run(progress, cancel)
        stages = Stages(self.table, resolved, self.cache, run, embedding)
        density = stages.density
        resolved, labels = run.stage("clusters", lambda _: _cut(density, resolved))
        result = Result(
            recipe=resolved,
            table_digest=self.table.digest,
            ids=self.table.ids,
            embedding=stages.layout,
            labels=labels,
            sizes=cluster_sizes(labels),
            scores=Scores.of(labels),
            timings=run.timings,
            cached=(),
            notes=tuple(check.message for check in self.table.checks),
            density=density,
        )
        if early is not None:
            early(result)
        scores = dataclasses.replace(
            result.scores,
            silhouette=stages.silhouette(labels),
            dbcv=stages.dbcv(labels),
            trustworthiness=stages.trustworthiness,
        )
        return dataclasses.replace(result, scores=scores, cached=tuple(run.cached))

    def preview(
        self,
        recipe: Recipe | None = None,
        *,
        rows: int = PREVIEW_ROWS,
        progress: Callable[[Progress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Preview:
        """A map of a sample of the rows, in about a second: the same features, laid out and clustered by themselves.

        A promise of the shape only: the full run's map and labels differ. ``rows`` is the sample's size.
        """
        resolved = self.resolve(recipe if recipe is not None else Recipe())
        run = Run(progress, cancel)
        stages = Stages(self.table, resolved, self.cache, run)
        e, n = resolved.embedding, self.table.n_rows
        chosen = np.random.default_rng(e.seed).choice(n, size=min(n, rows), replace=False)
        chosen.sort()
        X = stages.features.values[chosen]
        k = min(e.n_neighbors, len(chosen) - 1)
        found = neighbors(X, k, stages.metric, seed=e.seed, tick=run.tick("neighbors"))
        graph = umap.fuzzy_graph(found)
        begin = umap.start(graph, e.n_components, e.seed)
        points = umap.layout(
            graph,
            begin,
            min_dist=e.min_dist,
            spread=e.spread,
            n_epochs=min(_PREVIEW_EPOCHS, e.n_epochs or _PREVIEW_EPOCHS),
            seed=e.seed,
            tick=run.tick("layout"),
        )
        size = min(resolved.clustering.min_samples, len(chosen))
        density = DensityIndex(points, size, size, tick=run.tick("density"))
        # A sample is thinner than the whole, so the full map's eps would mean something else on it.
        return Preview(chosen, points, density.labels(density.suggest_eps()))

    def _checked_embedding(self, embedding: npt.NDArray[np.float32], recipe: Recipe) -> npt.NDArray[np.float32]:
        points = np.ascontiguousarray(embedding, dtype=np.float32)
        shape = (self.table.n_rows, recipe.embedding.n_components)
        if points.shape != shape:
            raise ValueError(
                f"the embedding has the shape {points.shape}, and this table and recipe need {shape}: "
                "take the embedding of a run on the same table with the same n_components."
            )
        if not np.isfinite(points).all():
            bad = int((~np.isfinite(points)).any(axis=1).sum())
            raise ValueError(f"the embedding has {bad:,} rows with NaN or infinity: it cannot be clustered.")
        return points


def _cut(density: DensityIndex, recipe: Recipe) -> tuple[Recipe, npt.NDArray[np.int32]]:
    """The labels at the recipe's eps, or at the one the density profile suggests."""
    size = recipe.clustering.min_samples
    eps = recipe.clustering.eps
    if eps is None:
        eps = density.suggest_eps(size)
        clustering = dataclasses.replace(recipe.clustering, eps=eps)
        recipe = recipe.replace(clustering=clustering)
    return recipe, density.labels(eps, size)
