"""How far a recipe's segments depend on the rows, on the seed and on the settings: what a session can answer."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from segwidgets.compute.stability import (
    Forecast,
    Grid,
    Plateau,
    Stability,
    StabilityMap,
    agreement,
    default_grid,
    forecast,
    jaccard_by_segment,
    plateaus,
)
from segwidgets.compute.stability import stability as of_samples
from segwidgets.compute.stability import stability_map as map_of
from segwidgets.compute.stability.map import REPEATS
from segwidgets.compute.stability.samples import SHARE
from segwidgets.recipe import Recipe, RecipeError
from segwidgets.result import Progress, Result
from segwidgets.steps import Steps

if TYPE_CHECKING:
    from segwidgets.session import Session

__all__ = ["MapOfRecipe", "StabilityOfRecipe", "plan_map", "settings_around", "stability", "stability_map"]

Show = Callable[[Progress], None]


@dataclasses.dataclass(frozen=True)
class StabilityOfRecipe:
    """``samples``: the map stays, its rows are sampled. ``seeds``: other maps of all rows; None if not asked for."""

    result: Result
    samples: Stability
    seeds: Stability | None


@dataclasses.dataclass(frozen=True)
class MapOfRecipe:
    """The stability map of one map's settings, and its plateaus, the largest first."""

    recipe: Recipe
    result: Result
    map: StabilityMap

    @property
    def plateaus(self) -> tuple[Plateau, ...]:
        """Regions of settings that give about the same segments."""
        return plateaus(self.map)

    def take(self, plateau: Plateau) -> Recipe:
        """The recipe with a plateau's settings."""
        return self.recipe.replace(eps=plateau.eps, min_samples=plateau.min_samples)


def stability(
    session: Session,
    recipe: Recipe | None = None,
    *,
    repeats: int = 20,
    share: float = SHARE,
    seeds: int = 0,
    seed: int = 0,
    progress: Show | None = None,
    cancel: threading.Event | None = None,
) -> StabilityOfRecipe:
    """Whether the segments of a recipe come back.

    Args:
        session: of the table.
        recipe: the settings; ``Recipe()`` by default.
        repeats: samples of the map's rows that are clustered anew.
        share: of the rows in each sample.
        seeds: further maps, each with a seed of its own, cut at the same eps: whether UMAP's randomness shows. Each
            takes as long as a map does.
        seed: of the samples; further maps take the recipe's seed plus 1, 2, ….
        progress: called in this thread as it goes on.
        cancel: when set, it stops.

    Raises:
        RecipeError: the recipe cannot run on this table, or has no seed where ``seeds`` are asked for.
        ValueError: an argument is out of range.
        Cancelled: ``cancel`` was set.
    """
    asked = session.resolve(recipe if recipe is not None else Recipe())
    if seeds < 0 or seeds > 100:
        raise ValueError(f"seeds={seeds!r} is not allowed: it must be a whole number from 0 to 100.")
    if seeds and asked.embedding.method in {"pca", "none"}:
        raise RecipeError(
            f"seeds={seeds} is not allowed with method {asked.embedding.method!r}: it has no seed. Take seeds=0."
        )
    steps = Steps("stability", progress, cancel)
    part = 0.5 / (1 + seeds)
    result = session.run(asked, progress=steps.run(part), cancel=cancel)
    c = result.recipe.clustering
    eps = float(c.eps or 0)
    sampled = of_samples(
        result.embedding,
        result.labels,
        eps=eps,
        min_samples=c.min_samples,
        repeats=repeats,
        share=share,
        seed=seed,
        tick=steps.tick(0.5, "Clustering samples of the rows"),
    )
    others = []
    for turn in range(1, seeds + 1):
        other = result.recipe.replace(seed=(asked.embedding.seed + turn) % 2**32)
        others.append(session.run(other, progress=steps.run(part), cancel=cancel).labels)
    return StabilityOfRecipe(result, sampled, _of_labels(result, others) if others else None)


def _of_labels(result: Result, others: Sequence[np.ndarray[tuple[int], np.dtype[np.int32]]]) -> Stability:
    both = [agreement(result.labels, labels) for labels in others]
    jaccards = np.array([jaccard_by_segment(result.labels, labels) for labels in others])
    return Stability.of([one.ari for one in both], [one.ami for one in both], jaccards, 1.0)


def plan_map(session: Session, recipe: Recipe | None = None, *, repeats: int = REPEATS) -> tuple[Grid, Forecast]:
    """The usual grid for a recipe's map, and how long its stability map will take. The map itself is made, or cached.

    Raises:
        RecipeError: the recipe cannot run on this table.
        ValueError: too few rows, or rows that all stand at one place.
    """
    result = session.run(recipe)
    grid = default_grid(result.density)
    return grid, forecast(result.embedding, grid, repeats=repeats)


def stability_map(
    session: Session,
    recipe: Recipe | None = None,
    *,
    grid: Grid | None = None,
    repeats: int = REPEATS,
    share: float = SHARE,
    seed: int = 0,
    budget: float | None = None,
    so_far: StabilityMap | None = None,
    told: Callable[[StabilityMap], None] | None = None,
    progress: Show | None = None,
    cancel: threading.Event | None = None,
) -> MapOfRecipe:
    """The stability of every eps and min_samples of a grid, on the map of a recipe (`compute.stability.stability_map`).

    Raises:
        RecipeError: the recipe cannot run on this table.
        ValueError: as there.
        Cancelled: ``cancel`` was set; what ``told`` was given last is what to go on with, as ``so_far``.
    """
    steps = Steps("stability", progress, cancel)
    result = session.run(recipe, progress=steps.run(0.4), cancel=cancel)
    if grid is None:
        grid = so_far.grid if so_far is not None else default_grid(result.density)
    made = map_of(
        result.embedding,
        grid,
        index=result.density,
        repeats=repeats,
        share=share,
        seed=seed,
        budget=budget,
        so_far=so_far,
        told=told,
        tick=steps.tick(0.6, "Judging settings on samples of the rows"),
    )
    return MapOfRecipe(result.recipe, result, made)


def settings_around(
    recipe: Recipe, *, n_neighbors: Sequence[int] = (), min_dist: Sequence[float] = ()
) -> tuple[Recipe, ...]:
    """The recipes of all combinations, the given one's values where a list is empty: each has a map of its own.

    eps is left to the data, because another map has other distances.

    Raises:
        RecipeError: a value is out of range.
    """
    e = recipe.embedding
    near = tuple(n_neighbors) or (e.n_neighbors,)
    apart = tuple(min_dist) or (e.min_dist,)
    return tuple(recipe.replace(n_neighbors=n, min_dist=d, eps=None) for n in near for d in apart)
