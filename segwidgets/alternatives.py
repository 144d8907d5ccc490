"""Other methods of clustering beside a recipe's own, in other spaces than its map, all scored on that map."""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from segwidgets.compute.density.checks import whole
from segwidgets.compute.methods import (
    FAVOURS,
    SAMPLED_ROWS,
    Clustered,
    CountCurve,
    Row,
    again,
    count_curve,
    dbscan,
    gaussian_mixture,
    hdbscan,
    kmeans,
    scored,
)
from segwidgets.compute.methods import compare_methods as table_of
from segwidgets.compute.methods.clustered import Method
from segwidgets.compute.progress import Tick
from segwidgets.compute.stability.samples import LEAST_ROWS, SHARE
from segwidgets.data.errors import nearest
from segwidgets.recipe import Recipe
from segwidgets.result import Progress, Result
from segwidgets.spaces import SPACES, Space, same_as_map, space
from segwidgets.steps import Steps

if TYPE_CHECKING:
    import pandas as pd

    from segwidgets.session import Session

__all__ = ["SPACES", "Entry", "MethodsOfRecipe", "compare_methods"]

Show = Callable[[Progress], None]

_NAMES: dict[Method, str] = {"dbscan": "DBSCAN", "hdbscan": "HDBSCAN", "kmeans": "KMeans", "gmm": "Gaussian mixture"}
_SCORES = {"dbcv": "DBCV", "calinski_harabasz": "Calinski-Harabasz"}
_MAPS = {"umap": "UMAP", "tsne": "t-SNE", "pca": "PCA", "none": "the features as they are"}
#: k, where it is left open, is the number of DBSCAN's segments within these.
_COUNTS = (2, 30)
#: A mixture has a matrix of columns x columns for each segment: above this many it is no longer fitted in minutes.
_MIXTURE_COLUMNS = 100
#: The curve is fitted twice for each k: above so many rows on a sample of them, whose elbow is the same.
CURVE_ROWS = 20_000
#: The shares of the whole that the recipe's run and the curve take, and that making a space takes of its part.
_RUN, _CURVE, _SPACE = 0.2, 0.15, 0.4


@dataclasses.dataclass(frozen=True, eq=False)
class Entry:
    """One method in one space.

    ``found``: its clustering. ``row``: its scores, on the recipe's map. ``error``: why it could not run there; then all
    of ``found.labels`` are -1, and ``row`` has no scores, its coverage and seconds being NaN.
    """

    space: str
    found: Clustered
    row: Row
    error: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class MethodsOfRecipe:
    """Methods side by side.

    Attributes:
        result: the run of the recipe, whose map all entries are scored on, and drawn on.
        entries: one for each method in each space: DBSCAN, HDBSCAN, KMeans, Gaussian mixture.
        curve: elbow and BIC on the map; None where it was not asked for, or is still to come.
        notes: what a reader should know: where scores were taken, and what each of them favours.
    """

    result: Result
    entries: tuple[Entry, ...]
    curve: CountCurve | None
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One line an entry: ``space``, the columns of `compute.methods.compare_methods`, and ``error``."""
        frame = table_of([one.row for one in self.entries])
        frame.insert(0, "space", [one.space for one in self.entries])
        frame["error"] = [one.error for one in self.entries]
        return frame

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and dicts, None for what is not defined; no ids, no labels."""
        entries = []
        for one in self.entries:
            row = {name: _plain(value) for name, value in dataclasses.asdict(one.row).items()}
            numbers = {name: _plain(value) for name, value in one.found.numbers.items()}
            entries.append(
                {"space": one.space, **row, "settings": one.found.settings, "numbers": numbers, "error": one.error}
            )
        return {
            "recipe": self.result.recipe.to_dict(),
            "rows": len(self.result.labels),
            "entries": entries,
            "curve": None if self.curve is None else dataclasses.asdict(self.curve),
            "notes": list(self.notes),
        }


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclasses.dataclass(frozen=True)
class _Asked:
    """The settings of one comparison, and what is to be said of them. ``k=0``: as many as DBSCAN finds."""

    n: int
    k: int
    min_cluster_size: int
    min_samples: int
    repeats: int
    counts: tuple[int, ...]
    seed: int
    notes: tuple[str, ...]

    @classmethod
    def checked(
        cls,
        n: int,
        recipe: Recipe,
        k: int | None,
        min_cluster_size: int | None,
        repeats: int,
        counts: Sequence[int],
        seed: int,
    ) -> _Asked:
        """What was asked for on so many rows; ValueError where an argument is out of range."""
        size = recipe.clustering.min_samples
        if k is not None:
            k = whole("k", k, 1, n, "It is the number of segments, and at most that of rows.")
        if min_cluster_size is None:
            min_cluster_size = max(2, min(n, max(2 * size, n // 200, 5)))
        way_out = "Leave it out to let the rows decide."
        least = whole("min_cluster_size", min_cluster_size, 2, max(2, n), way_out)
        repeats = whole("repeats", repeats, 0, 1_000, "5 is usual, and 0 leaves stability out.")
        seed = whole("seed", seed, 0, 2**32 - 1, "0 is usual.")
        way_out = "range(2, 16) is usual, and () leaves the curve out."
        ks = tuple(whole("a number in counts", one, 1, math.inf, way_out) for one in counts)
        fitting = tuple(one for one in ks if one <= n)
        notes = []
        fewest = math.ceil(LEAST_ROWS / SHARE)
        if n < fewest and repeats:
            repeats = 0
            notes.append(f"Stability is left out: {n:,} rows are too few to sample, {fewest} are the least.")
        if len(fitting) < len(ks):
            notes.append(f"The curve ends at k={n:,}, the number of rows.")
        if n > SAMPLED_ROWS and repeats:
            notes.append(
                f"Stability is judged on samples of {round(SHARE * SAMPLED_ROWS):,} of {n:,} rows, in which eps is "
                "widened where min_samples would fall below 5, so that the same density counts."
            )
        if n > CURVE_ROWS and fitting:
            notes.append(f"The curve of elbow and BIC is that of a sample of {CURVE_ROWS:,} of {n:,} rows.")
        return cls(n, k or 0, least, size, repeats, fitting, seed, tuple(notes))

    def with_count(self, clusters: int) -> _Asked:
        """The same, and where k was left open, that of so many segments."""
        return dataclasses.replace(self, k=self.k or min(self.n, max(_COUNTS[0], min(_COUNTS[1], clusters))))


def compare_methods(
    session: Session,
    recipe: Recipe | None = None,
    *,
    spaces: Sequence[str] = ("map",),
    k: int | None = None,
    min_cluster_size: int | None = None,
    repeats: int = 5,
    counts: Sequence[int] = tuple(range(2, 16)),
    seed: int = 0,
    told: Callable[[MethodsOfRecipe], None] | None = None,
    progress: Show | None = None,
    cancel: threading.Event | None = None,
) -> MethodsOfRecipe:
    """DBSCAN, HDBSCAN, KMeans and a Gaussian mixture side by side.

    Segments are found in each space, and scored on the recipe's map, the same for all. DBSCAN on the map is the
    recipe's own cut; elsewhere its eps is the one that the density profile of that space suggests.

    Args:
        session: of the table.
        recipe: the settings; ``Recipe()`` by default.
        spaces: where to look for segments: "map", the recipe's own; "features", which stay sparse where they are;
            "pca", "tsne", "umap": maps of the same features by these methods.
        k: segments of KMeans and of the mixture; by default as many as DBSCAN finds on the map, from 2 to 30.
        min_cluster_size: of HDBSCAN; by default the largest of twice min_samples, a 200th of the rows, and 5.
        repeats: samples of the rows that stability is judged on, 0 to 1,000; 0 leaves it out.
        counts: the k of the elbow and BIC curve on the map; empty leaves it out.
        seed: of centres, mixtures and samples.
        told: called in this thread with what there is so far, after each entry.
        progress: called in this thread as it goes on.
        cancel: when set, it stops: within density trees and scores, and between the fits of the others.

    Raises:
        RecipeError: the recipe cannot run on this table.
        ValueError: an argument is out of range.
        Cancelled: ``cancel`` was set.
    """
    resolved = session.resolve(recipe if recipe is not None else Recipe())
    named = _checked_spaces(spaces)
    asked = _Asked.checked(session.table.n_rows, resolved, k, min_cluster_size, repeats, counts, seed)
    steps = Steps("methods", progress, cancel)
    result = session.run(resolved, progress=steps.run(_RUN), cancel=cancel)
    asked = asked.with_count(result.scores.clusters)
    part = (1.0 - _RUN - (_CURVE if asked.counts else 0.0)) / len(named)
    made = MethodsOfRecipe(result, (), None, (*_notes(result, named), *asked.notes))
    for name in named:
        begun = steps.run(part * _SPACE, f"{SPACES[name].capitalize()}: ")
        within = space(session, resolved, result, name, progress=begun, cancel=cancel)
        for method, called in _NAMES.items():
            tick = steps.tick(part * (1 - _SPACE) / len(_NAMES), f"{called} on {SPACES[name]}")
            entry = _entry(result, within, method, asked, tick, steps.check)
            made = dataclasses.replace(made, entries=(*made.entries, entry))
            if told is not None:
                told(made)
    if asked.counts:
        tick = steps.tick(_CURVE, "Counting segments: elbow and BIC on the map")
        curve = count_curve(_sampled(result.embedding, seed), asked.counts, seed=seed, tick=tick)
        made = dataclasses.replace(made, curve=curve)
    if progress is not None:
        progress(Progress("methods", 1.0, 1.0, "Methods compared"))
    return made


def _checked_spaces(spaces: Sequence[str]) -> tuple[str, ...]:
    allowed = ", ".join(SPACES)
    if isinstance(spaces, str) or not spaces:
        raise ValueError(f"spaces={spaces!r} is not allowed: it must be a list of one or more of {allowed}.")
    for name in spaces:
        if name not in SPACES:
            hint = nearest(str(name), SPACES)
            raise ValueError(f"spaces: {name!r} is not allowed: it must be one of {allowed}.{hint}")
    return tuple(dict.fromkeys(spaces))


def _entry(result: Result, within: Space, method: Method, asked: _Asked, tick: Tick, check: Tick) -> Entry:
    tick(0.0)
    try:
        found = _found(within, method, asked)
    except (ValueError, np.linalg.LinAlgError) as error:
        settings = {"k": asked.k} if method in {"kmeans", "gmm"} else {"min_samples": asked.min_samples}
        none = Clustered(method, settings, np.full(asked.n, -1, np.int32), math.nan)
        row = Row(method, none.name, 0, math.nan, None, None, None, None, None, math.nan)
        tick(1.0)
        return Entry(within.name, none, row, str(error))
    anew = again(within.rows, found, seed=asked.seed, tick=check) if asked.repeats else None
    row = scored(result.embedding, found, again=anew, repeats=max(1, asked.repeats), seed=asked.seed, tick=tick)
    return Entry(within.name, found, row)


def _found(within: Space, method: Method, asked: _Asked) -> Clustered:
    """The clustering; ValueError, in words, where the method cannot run in this space."""
    if within.rows is None:
        raise ValueError(within.no_rows)
    if method in {"dbscan", "hdbscan"}:
        if within.index is None:
            raise ValueError(f"{_NAMES[method]} {within.no_index}")
        if method == "dbscan":
            return dbscan(within.index, eps=within.eps, min_samples=asked.min_samples)
        return hdbscan(within.index, min_cluster_size=asked.min_cluster_size, min_samples=asked.min_samples)
    if method == "kmeans":
        return kmeans(within.rows, asked.k, seed=asked.seed)
    if not sp.issparse(within.rows) and within.rows.shape[1] > _MIXTURE_COLUMNS:
        raise ValueError(
            f"a Gaussian mixture is fitted on up to {_MIXTURE_COLUMNS} columns here, and the features have "
            f"{within.rows.shape[1]:,}: take it on the map, or on principal components ('pca')."
        )
    return gaussian_mixture(within.rows, asked.k, seed=asked.seed)


def _sampled(points: npt.NDArray[np.float32], seed: int) -> npt.NDArray[np.float32]:
    n = len(points)
    if n <= CURVE_ROWS:
        return points
    return points[np.sort(np.random.default_rng(seed).choice(n, CURVE_ROWS, replace=False))]


def _notes(result: Result, spaces: tuple[str, ...]) -> list[str]:
    own = result.recipe.embedding.method
    same = {name for name in spaces if same_as_map(name, result.recipe)}
    notes = [
        f"All are scored on the recipe's map ({_MAPS[own]}), wherever their segments were found."
        + ("" if same == set(spaces) else " Segments that were found on that map have an advantage by it.")
    ]
    notes += [f"'{name}' is the recipe's own map." for name in spaces if name in same - {"map"}]
    if own in {"umap", "tsne"}:
        notes.append(f"{_MAPS[own]} draws segments apart, so scores are higher on its map than in the features.")
    notes.append(
        "The time of DBSCAN and HDBSCAN is that of their cut: the density tree, which both share, is not counted."
    )
    return notes + [f"{_SCORES.get(name, name.capitalize())} favours {words}" for name, words in FAVOURS.items()]
