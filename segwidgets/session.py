"""A session runs a recipe on a table, stage by stage, and keeps what it can use again.

data -> features -> start, neighbors -> graph -> layout -> density -> clusters -> scores. A min_dist move re-runs the
layout, an eps move only a cut of the tree. Panel, promoted job and command line all call this class, so a job runs what
the panel ran.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from segwidgets.cache import Cache
from segwidgets.compute import embedding as methods
from segwidgets.compute import features as feature_stage
from segwidgets.compute.backend import Backend, choose
from segwidgets.compute.density import DensityIndex
from segwidgets.compute.embedding import tsne
from segwidgets.compute.engine import umap_settings
from segwidgets.compute.neighbors import Neighbors
from segwidgets.compute.progress import Cancelled
from segwidgets.compute.scores import sizes as cluster_sizes
from segwidgets.data import Table
from segwidgets.placing import Placing
from segwidgets.recipe import Recipe, RecipeError
from segwidgets.result import Preview, Progress, Result, Scores, array_digest
from segwidgets.run import Run
from segwidgets.stages import Stages

__all__ = ["Cancelled", "Preview", "Progress", "Result", "Scores", "Session", "array_digest"]

#: What a warm preview may take, in seconds, and what one epoch of one row takes on two cores.
_NUDGE_SECONDS = 0.3
_SECONDS_A_ROW = 1.8e-7
#: Few steps bring a map near the next one, and many steps at full length would tear it up first.
_NUDGE_EPOCHS = (4, 30)
_NUDGE_RATE = 0.3


class Session:
    """Runs recipes on one table.

    Args:
        table: what `sw.read` gave.
        cache: where stage results are kept; by default one of its own in the home directory. Sessions may share one.
        backend: "cpu", "cuml" (RAPIDS, on a GPU), or "auto": cuML where a GPU answers. ``session.backend`` tells which
            it is, and why.

    Threads may call `run` at the same time; what they share is the cache.
    """

    def __init__(self, table: Table, *, cache: Cache | None = None, backend: str = "auto") -> None:
        if not isinstance(table, Table):
            raise TypeError(f"Session needs a table from segwidgets.read(...), got {type(table).__name__}.")
        self.table = table
        self.cache = cache if cache is not None else Cache()
        self.backend: Backend = choose(backend)

    def check(self, recipe: Recipe) -> None:
        """Raise RecipeError where the recipe cannot run on this table, before any work starts."""
        n = self.table.n_rows
        if recipe.embedding.method in {"umap", "tsne"} and recipe.embedding.n_neighbors >= n:
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
        epochs = recipe.embedding.n_epochs
        if epochs is None and recipe.embedding.method in {"umap", "tsne"}:
            umap = recipe.embedding.method == "umap"
            epochs = methods.default_epochs(self.table.n_rows) if umap else tsne.DEFAULT_EPOCHS
        return recipe.replace(features=features, metric=metric, n_epochs=epochs)

    def pending(self, recipe: Recipe) -> tuple[str, ...]:
        """The stages up to the density tree that a run of ``recipe`` would have to compute, in order."""
        return self._stages(self.resolve(recipe), Run(None, None)).pending()

    def _stages(self, resolved: Recipe, run: Run, embedding: npt.NDArray[np.float32] | None = None) -> Stages:
        return Stages(self.table, resolved, self.cache, run, self.backend, embedding)

    def run(
        self,
        recipe: Recipe | None = None,
        *,
        embedding: npt.NDArray[np.float32] | None = None,
        progress: Callable[[Progress], None] | None = None,
        cancel: threading.Event | None = None,
        early: Callable[[Result], None] | None = None,
        snapshot: Callable[[npt.NDArray[np.float32], int], None] | None = None,
    ) -> Result:
        """Run a recipe whole, or as much of it as is not cached.

        Args:
            recipe: the settings; ``Recipe()`` by default.
            embedding: (n, n_components) float32: taken as the layout instead of computing one.
            progress: called in this thread as the run goes on.
            cancel: when set, the run stops within about 200 ms and leaves nothing half done.
            early: called with the result as soon as map and labels stand, its silhouette, DBCV and trustworthiness
                still None: a picture need not wait for them.
            snapshot: called in this thread, about four times a second while UMAP's layout runs on the CPU, with the
                positions so far and the epochs done.

        Raises:
            RecipeError: the recipe cannot run on this table; raised before any work.
            Cancelled: ``cancel`` was set.
        """
        resolved = self.resolve(recipe if recipe is not None else Recipe())
        if embedding is not None:
            embedding = self._checked_embedding(embedding, resolved)
        run = Run(progress, cancel)
        stages = self._stages(resolved, run, embedding)
        stages.snapshot = snapshot
        made = stages.map
        density = stages.density
        resolved, labels = run.stage("clusters", lambda _: _cut(density, resolved))
        result = Result(
            recipe=resolved,
            table_digest=self.table.digest,
            ids=self.table.ids,
            embedding=made.points,
            labels=labels,
            sizes=cluster_sizes(labels),
            scores=dataclasses.replace(Scores.of(labels), recall=made.recall),
            timings=run.timings,
            cached=(),
            notes=(*(check.message for check in self.table.checks), *made.notes(resolved.embedding.n_epochs)),
            density=density,
            search=made.search,
            devices=made.devices,
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
        progress: Callable[[Progress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Preview:
        """The first picture of a table of more than 20,000 rows: a sample laid out, the others placed around it.

        The full layout starts from it. A promise of the shape only: the full run's map and labels differ. For a smaller
        table, whose full map is there as soon, it is that map.
        """
        resolved = self.resolve(recipe if recipe is not None else Recipe())
        if resolved.embedding.method != "umap" or self.table.n_rows <= methods.SAMPLE_ABOVE:
            result = self.run(resolved, progress=progress, cancel=cancel)
            return Preview(result.embedding, result.labels, np.arange(self.table.n_rows))
        run = Run(progress, cancel)
        picture = self._stages(resolved, run).first_picture
        size = resolved.clustering.min_samples
        density = DensityIndex(picture.points, size, size, tick=run.tick("density"))
        # The picture is cruder than the map, so the full map's eps would mean something else on it.
        return Preview(picture.points, density.labels(density.suggest_eps()), picture.sample)

    def nudge(
        self, recipe: Recipe, begin: npt.NDArray[np.float32], *, cancel: threading.Event | None = None
    ) -> npt.NDArray[np.float32] | None:
        """A map near the one that ``recipe`` will give, from a map that is there, in a fraction of a second.

        Args:
            recipe: the settings that are wanted.
            begin: (n, n_components) float32, the map of other settings.
            cancel: when set, the work stops.

        Returns:
            (n, n_components) float32 after a few epochs from ``begin``; None where no few epochs lead there (another
            method or number of components, neighbours that would have to be found first).

        Raises:
            Cancelled: ``cancel`` was set.
        """
        resolved = self.resolve(recipe)
        e, n = resolved.embedding, self.table.n_rows
        run = Run(None, cancel)
        stages = self._stages(resolved, run)
        if e.method != "umap" or begin.shape != (n, e.n_components) or "neighbors" in stages.pending_map():
            return None
        least, most = _NUDGE_EPOCHS
        epochs = int(np.clip(_NUDGE_SECONDS / (n * _SECONDS_A_ROW), least, most))
        return methods.layout(
            stages.graph,
            begin,
            n_epochs=epochs,
            learning_rate=_NUDGE_RATE,
            early_stop=False,
            tick=run.tick("layout"),
            **umap_settings(e),
        ).points

    def neighbors(self, recipe: Recipe, *, cancel: threading.Event | None = None) -> Neighbors:
        """The nearest rows of each row in the features, as a map of ``recipe`` has them, or would (PCA needs none).

        Raises:
            RecipeError: the recipe cannot run on this table.
            Cancelled: ``cancel`` was set.
        """
        return self._stages(self.resolve(recipe), Run(None, cancel)).neighbors

    def transform(
        self,
        result: Result,
        table: Table,
        *,
        progress: Callable[[Progress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> npt.NDArray[np.float32]:
        """Where new rows lie on a finished map.

        A row gets the same place whatever other rows are asked for with it; one that equals a row of the map gets that
        row's. ``result.density.assign(points, result.recipe.clustering.eps)`` then says which segment takes it in.

        Args:
            result: a run on this session's table.
            table: the new rows, with the columns of the recipe's plan. They are scaled and weighted as the map's were.
            progress: called in this thread as the work goes on.
            cancel: when set, the work stops.

        Returns:
            (m, c) float32 in the order of ``table``. By the principal axes for method "pca", the features themselves
            for "none", among the nearest rows of the map for "umap" and "tsne".

        Raises:
            ValueError: ``result`` is of another table.
            DataError: a column is missing or of another kind.
            Cancelled: ``cancel`` was set.
        """
        if result.table_digest != self.table.digest:
            raise ValueError("the result is of another table: take a session on the table that it was made from.")
        run = Run(progress, cancel)
        X = self._stages(result.recipe, run).features.values
        placing = Placing(self.table, result.recipe, result.embedding, X)
        return placing(table, run)

    def _checked_embedding(self, embedding: npt.NDArray[np.float32], recipe: Recipe) -> npt.NDArray[np.float32]:
        points = np.ascontiguousarray(embedding, dtype=np.float32)
        # The features as they are have as many columns as they have.
        columns = points.shape[-1] if recipe.embedding.method == "none" else recipe.embedding.n_components
        shape = (self.table.n_rows, columns)
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
