"""Stability over all four settings: a map over eps and min_samples for each n_neighbors and min_dist.

n_neighbors and min_dist change the layout, so each combination has a map, a tree and distances of its own. What is made
here is small multiples: one stability map a combination, the plateaus of all of them in one list, and how well
neighbouring combinations agree about the segments.
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from segwidgets.compute.density import DensityIndex
from segwidgets.compute.stability import Grid, Plateau, default_grid, forecast
from segwidgets.compute.stability.agreement import adjusted_rand
from segwidgets.compute.stability.map import REPEATS
from segwidgets.compute.stability.samples import SHARE
from segwidgets.recipe import Recipe, RecipeError
from segwidgets.result import Progress
from segwidgets.stable import MapOfRecipe, settings_around, stability_map
from segwidgets.steps import part

if TYPE_CHECKING:
    from segwidgets.session import Session

__all__ = ["Between", "MapsForecast", "MapsOfRecipe", "SettingsPlateau", "plan_maps", "stability_maps"]

#: Maps of one picture: more can neither be looked at nor waited for.
MOST_MAPS = 64
#: Stages that take longer the more neighbours there are, about in proportion.
_BY_NEIGHBORS = ("neighbors", "graph", "layout")
#: What a session computes of every new map besides.
_SCORES = ("clusters", "silhouette", "dbcv", "trust")
#: The share of a map's progress that its layout is.
_LAYOUT = 0.4

Show = Callable[[Progress], None]
Setting = tuple[int, float]
Labels = npt.NDArray[np.int32]


@dataclasses.dataclass(frozen=True)
class SettingsPlateau:
    """A plateau of one of the maps: ``n_neighbors`` and ``min_dist`` of the map, ``share`` of its cells on it."""

    n_neighbors: int
    min_dist: float
    share: float
    plateau: Plateau


@dataclasses.dataclass(frozen=True)
class Between:
    """Two combinations that differ by one step of one setting.

    ``one`` and ``other`` are (n_neighbors, min_dist), ``axis`` the setting that differs. ``ari`` compares all rows'
    clusterings at the best plateau of either; None where one of them has no plateau.
    """

    axis: Literal["n_neighbors", "min_dist"]
    one: Setting
    other: Setting
    ari: float | None


@dataclasses.dataclass(frozen=True)
class MapsForecast:
    """``seconds`` that all maps will take on this machine, about: ``layouts`` of them for maps that are not cached.

    ``maps`` combinations of ``cells`` cells each, ``repeats`` samples a cell.
    """

    seconds: float
    layouts: float
    maps: int
    cells: int
    repeats: int


@dataclasses.dataclass(frozen=True, eq=False)
class MapsOfRecipe:
    """A stability map for each n_neighbors and min_dist, finished or not.

    ``n_neighbors`` and ``min_dist`` rise. ``maps`` holds those that have begun, by n_neighbors and then by min_dist;
    ``recipes`` are what was asked for, in the same order, and all of them.
    """

    n_neighbors: tuple[int, ...]
    min_dist: tuple[float, ...]
    recipes: tuple[Recipe, ...]
    maps: tuple[MapOfRecipe, ...]
    between: tuple[Between, ...]

    @property
    def done(self) -> float:
        """The share of all cells of all samples of all maps that is there."""
        return sum(one.map.done for one in self.maps) / len(self.recipes)

    def at(self, n_neighbors: int, min_dist: float) -> MapOfRecipe | None:
        """The map of a combination; None where it has not begun.

        Raises:
            ValueError: it was not asked for.
        """
        if n_neighbors not in self.n_neighbors or min_dist not in self.min_dist:
            raise ValueError(
                f"n_neighbors={n_neighbors!r} with min_dist={min_dist!r} is not there: the maps are of n_neighbors "
                f"{_listed(self.n_neighbors)} and min_dist {_listed(self.min_dist)}."
            )
        return next((one for one in self.maps if _setting(one.recipe) == (n_neighbors, min_dist)), None)

    @property
    def plateaus(self) -> tuple[SettingsPlateau, ...]:
        """The plateaus of all maps, the best first.

        By the share of its map's cells, because maps may have grids of different sizes, then by agreement: what is
        wide survives a careless choice. A cell that is not computed counts as none, so an unfinished map ranks too low
        rather than too high: look at `done` before the order of the maps is believed.
        """
        found = [
            SettingsPlateau(*_setting(one.recipe), plateau.cells / one.map.clusters.size, plateau)
            for one in self.maps
            for plateau in one.plateaus
        ]
        return tuple(sorted(found, key=lambda one: (-one.share, -one.plateau.ari)))

    def take(self, plateau: SettingsPlateau) -> Recipe:
        """The whole recipe of a plateau: its n_neighbors, min_dist, eps and min_samples.

        Raises:
            ValueError: there is no map of its settings.
        """
        made = self.at(plateau.n_neighbors, plateau.min_dist)
        if made is None:
            raise ValueError(
                f"the map of n_neighbors={plateau.n_neighbors} and min_dist={plateau.min_dist:g} has not begun: take "
                "one of `plateaus`."
            )
        return made.take(plateau.plateau)


def plan_maps(
    session: Session,
    recipe: Recipe | None = None,
    *,
    n_neighbors: Sequence[int] = (),
    min_dist: Sequence[float] = (),
    grid: Grid | None = None,
    repeats: int = REPEATS,
    progress: Show | None = None,
    cancel: threading.Event | None = None,
) -> MapsForecast:
    """How long `stability_maps` will take, measured on one of the maps that is not there yet: it is made, and cached.

    Raises:
        RecipeError, ValueError, Cancelled: as `stability_maps`.
    """
    _, _, recipes = _combinations(session, recipe, n_neighbors, min_dist)
    # The one with the most stages to run tells what each of them takes.
    probe = max(recipes, key=lambda one: len(session.pending(one)))
    result = session.run(probe, progress=progress, cancel=cancel)
    cells = grid if grid is not None else default_grid(result.density)
    each = forecast(result.embedding, cells, repeats=repeats)
    layouts = 0.0
    for one in recipes:
        if not (stages := session.pending(one)):
            continue
        more = one.embedding.n_neighbors / probe.embedding.n_neighbors
        taken = ((stage, result.timings.get(stage, 0.0)) for stage in (*stages, *_SCORES))
        layouts += sum(seconds * (more if stage in _BY_NEIGHBORS else 1.0) for stage, seconds in taken)
    return MapsForecast(layouts + len(recipes) * each.seconds, layouts, len(recipes), each.cells, repeats)


def stability_maps(
    session: Session,
    recipe: Recipe | None = None,
    *,
    n_neighbors: Sequence[int] = (),
    min_dist: Sequence[float] = (),
    grid: Grid | None = None,
    repeats: int = REPEATS,
    share: float = SHARE,
    seed: int = 0,
    budget: float | None = None,
    so_far: MapsOfRecipe | None = None,
    told: Callable[[MapsOfRecipe], None] | None = None,
    progress: Show | None = None,
    cancel: threading.Event | None = None,
) -> MapsOfRecipe:
    """The stability of every eps and min_samples, for each n_neighbors with each min_dist.

    Args:
        session: of the table.
        recipe: all other settings; ``Recipe()`` by default.
        n_neighbors: whole numbers; the recipe's own where there is none.
        min_dist: likewise. For UMAP only.
        grid: of every map; None takes the usual one of each, because other maps have other distances.
        repeats: samples of each map, 1 to 1,000.
        share: of the rows in each sample, 0.1 to 0.99.
        seed: of the samples.
        budget: seconds for all maps and their layouts. What is left is shared evenly by the maps that are not done. A
            layout that has begun is finished, and no map begins after the end.
        so_far: what an earlier call gave or told: maps in it are kept, and gone on with where they are unfinished.
        told: called in this thread with all that is there, after each map.
        progress: called in this thread.
        cancel: when set, it stops; what ``told`` was given last is what to go on with, and layouts stay cached.

    Raises:
        RecipeError: a combination cannot run on this table, or the method does not have the setting. Before any work.
        ValueError: too many combinations, ``so_far`` is of something else, or as `stability_map`.
        Cancelled: ``cancel`` was set.
    """
    if budget is not None and not budget > 0:
        raise ValueError(f"budget={budget!r} is not allowed: it is seconds, above 0, or None for as long as it takes.")
    near, apart, recipes = _combinations(session, recipe, n_neighbors, min_dist)
    there = _kept(so_far, recipes, session)
    end = None if budget is None else time.monotonic() + budget
    labels: dict[Setting, Labels] = {}

    def gathered() -> MapsOfRecipe:
        maps = tuple(there[at] for one in recipes if (at := _setting(one)) in there)
        return MapsOfRecipe(near, apart, recipes, maps, _between(near, apart, there, labels))

    waiting = [one for one in recipes if _setting(one) not in there or there[_setting(one)].map.done < 1]
    for turn, one in enumerate(waiting):
        left = None if end is None else end - time.monotonic()
        if left is not None and left <= 0:
            break
        begin = time.monotonic()
        session.run(one, progress=part(progress, turn / len(waiting), _LAYOUT / len(waiting)), cancel=cancel)
        mine = None if left is None else max(0.0, left / (len(waiting) - turn) - (time.monotonic() - begin))
        before = there.get(_setting(one))
        there[_setting(one)] = stability_map(
            session,
            one,
            grid=grid if grid is not None or before is None else before.map.grid,
            repeats=repeats,
            share=share,
            seed=seed,
            budget=mine,
            so_far=None if before is None else before.map,
            progress=part(progress, (turn + _LAYOUT) / len(waiting), (1 - _LAYOUT) / len(waiting)),
            cancel=cancel,
        )
        labels.pop(_setting(one), None)
        if told is not None:
            told(gathered())
    if progress is not None:
        progress(Progress("stability", 1.0, 1.0, "Judging settings on samples of the rows"))
    return gathered()


def _setting(recipe: Recipe) -> Setting:
    return recipe.embedding.n_neighbors, recipe.embedding.min_dist


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _combinations(
    session: Session, recipe: Recipe | None, n_neighbors: Sequence[int], min_dist: Sequence[float]
) -> tuple[tuple[int, ...], tuple[float, ...], tuple[Recipe, ...]]:
    """The values of both settings, rising and each once, and the recipe of each combination, checked."""
    base = recipe if recipe is not None else Recipe()
    method = base.embedding.method
    if n_neighbors and method not in {"umap", "tsne"}:
        raise RecipeError(f"n_neighbors is not a setting of method {method!r}: take umap or tsne, or leave it out.")
    if min_dist and method != "umap":
        raise RecipeError(f"min_dist is not a setting of method {method!r}: take umap, or leave it out.")
    near = tuple(sorted(set(n_neighbors))) or (base.embedding.n_neighbors,)
    apart = tuple(sorted(set(min_dist))) or (base.embedding.min_dist,)
    if len(near) * len(apart) > MOST_MAPS:
        raise ValueError(
            f"{len(near)} n_neighbors by {len(apart)} min_dist are {len(near) * len(apart)} maps, which is not "
            f"allowed: {MOST_MAPS} are the most. Take fewer values of either."
        )
    recipes = settings_around(base, n_neighbors=near, min_dist=apart)
    for one in recipes:
        session.check(one)
    return near, apart, recipes


def _kept(so_far: MapsOfRecipe | None, recipes: tuple[Recipe, ...], session: Session) -> dict[Setting, MapOfRecipe]:
    """The maps of an earlier call by setting; those of settings that are not asked for any more fall away."""
    if so_far is None:
        return {}
    asked = {_setting(one): session.resolve(one) for one in recipes}
    found = {}
    for one in so_far.maps:
        wanted = asked.get(_setting(one.recipe))
        if wanted is None:
            continue
        if one.result.table_digest != session.table.digest or one.recipe.replace(eps=None) != wanted:
            raise ValueError(
                "so_far is of another table or another recipe: leave it out to begin anew, or ask with what it was "
                "made with."
            )
        found[_setting(one.recipe)] = one
    return found


def _between(
    near: tuple[int, ...], apart: tuple[float, ...], there: dict[Setting, MapOfRecipe], labels: dict[Setting, Labels]
) -> tuple[Between, ...]:
    """The agreement of each combination with the next of either setting; ``labels`` keeps what was cut already."""
    axes: list[tuple[Literal["n_neighbors", "min_dist"], Setting, Setting]] = []
    axes += [("n_neighbors", (one, d), (other, d)) for d in apart for one, other in itertools.pairwise(near)]
    axes += [("min_dist", (n, one), (n, other)) for n in near for one, other in itertools.pairwise(apart)]
    for at, made in there.items():
        if at not in labels and (best := next(iter(made.plateaus), None)) is not None:
            labels[at] = _cut(made, best)
    return tuple(
        Between(axis, one, other, adjusted_rand(labels[one], labels[other]) if {one, other} <= set(labels) else None)
        for axis, one, other in axes
    )


def _cut(made: MapOfRecipe, plateau: Plateau) -> Labels:
    index, size = made.result.density, plateau.min_samples
    if size > index.max_min_samples:  # a grid of one's own may go beyond what the session's tree answers
        index = DensityIndex(made.result.embedding, size, size)
    return index.labels(plateau.eps, size)
