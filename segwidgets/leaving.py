"""What each group of columns does to the segments: the same run without it, beside the run with all."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from segwidgets.compute.analysis import RedundantGroup, without
from segwidgets.compute.features import resolve
from segwidgets.compute.stability import agreement
from segwidgets.data.errors import DataError, plural
from segwidgets.recipe import Recipe, RecipeError
from segwidgets.result import Progress, Result
from segwidgets.steps import part

if TYPE_CHECKING:
    from segwidgets.data import Table
    from segwidgets.session import Session

__all__ = ["Effect", "Effects", "LeavingForecast", "leave_out", "plan_groups", "prefix_groups", "same_groups"]

Show = Callable[[Progress], None]
Word = Literal["none", "some", "strong", "failed"]

#: How far below another seed's ARI is still that of chance, and below which share of it segments are other ones.
_LIKE_ANOTHER_SEED, _OTHERS = 0.05, 0.5
#: Scores whose change is told.
_SCORES = ("clusters", "coverage", "largest", "silhouette", "dbcv", "trustworthiness")
_PLAN_NAMES = {"count": "counts", "number": "numbers", "category": "categories"}


@dataclasses.dataclass(frozen=True)
class Effect:
    """One group left out.

    ``ari`` and ``ami``: agreement with the segments of all columns; None where the run failed, the AMI also where there
    are too many segments for it. ``changes``: each score without the group less that with it, where both have it.
    ``word``: "none" where another seed changes as much, "strong" below half of the ARI that another seed gives (below
    0.5 where there is none), else "some"; "failed" with ``problem``.
    """

    group: str
    columns: tuple[str, ...]
    ari: float | None
    ami: float | None
    changes: dict[str, float]
    word: Word
    problem: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class Effects:
    """``result`` of all columns; ``effects``, the strongest first; ``seed_ari``, what another seed alone gives.

    ``seed_ari`` is None for methods without a seed, and where it was not asked for.
    """

    result: Result
    effects: tuple[Effect, ...]
    seed_ari: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and dicts."""
        return {
            "seed_ari": self.seed_ari,
            "scores": {name: value for name, value in _scores(self.result).items() if value is not None},
            "effects": [dataclasses.asdict(one) for one in self.effects],
        }


@dataclasses.dataclass(frozen=True)
class LeavingForecast:
    """``runs`` that have to be computed of ``all``; ``seconds`` they will take, about, None where nothing tells it."""

    runs: int
    all: int
    seconds: float | None


def plan_groups(table: Table, recipe: Recipe | None = None) -> dict[str, tuple[str, ...]]:
    """The groups of the recipe's plan by what they are: "counts", "numbers", "categories".

    Raises:
        RecipeError: the recipe does not fit the table.
        DataError: no usable column is left.
    """
    found: dict[str, tuple[str, ...]] = {}
    for group in resolve(table, (recipe or Recipe()).features).plan or ():
        name = _PLAN_NAMES[group.kind]
        # Counts too few for a profile are scaled like numbers, and are a group of their own.
        there = 2
        while name in found:
            name, there = f"{_PLAN_NAMES[group.kind]} {there}", there + 1
        found[name] = group.columns
    return found


def prefix_groups(table: Table, prefixes: Sequence[str], recipe: Recipe | None = None) -> dict[str, tuple[str, ...]]:
    """The recipe's columns whose names begin with a text, for each text; a column belongs to the longest that fits.

    Raises:
        ValueError: no column begins so, or a text is empty.
    """
    columns = [name for names in plan_groups(table, recipe).values() for name in names]
    found: dict[str, list[str]] = {prefix: [] for prefix in prefixes}
    for name in columns:
        fitting = [prefix for prefix in found if prefix and name.startswith(prefix)]
        if fitting:
            found[max(fitting, key=len)].append(name)
    for prefix, names in found.items():
        if not names:
            raise ValueError(
                f"prefix {prefix!r} fits no column that another does not fit better: the recipe's columns are "
                f"{', '.join(map(repr, columns[:12]))}{' and more' if len(columns) > 12 else ''}."
            )
    return {prefix: tuple(names) for prefix, names in found.items()}


def same_groups(groups: Sequence[RedundantGroup]) -> dict[str, tuple[str, ...]]:
    """Groups of redundant columns, named by the one that is kept and how many go with it."""
    return {f"{group.keep} +{len(group.drop)}": group.columns for group in groups}


def leave_out(
    session: Session,
    recipe: Recipe | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    *,
    seed_run: bool = True,
    told: Callable[[LeavingForecast], None] | None = None,
    progress: Show | None = None,
    cancel: threading.Event | None = None,
) -> Effects:
    """Run the recipe without each group of columns in turn, and see what becomes of the segments.

    Metric and epochs are those that all columns lead to, so that only the columns change. An eps that the recipe leaves
    open is chosen anew, because another map has other distances. What the session has cached is not computed again.

    Args:
        session: of the table.
        recipe: the settings; ``Recipe()`` by default.
        groups: columns by a name for the group; those of the recipe's plan by default.
        seed_run: whether to make one more map of all columns with another seed: what columns change is only worth
            telling beside what chance changes. Methods without a seed need none.
        told: given the forecast once the run of all columns is there, before any other begins; it may set ``cancel``.
        progress: called in this thread as it goes on.
        cancel: when set, it stops.

    Raises:
        RecipeError: the recipe cannot run on this table.
        ValueError: there is no group, or one names no column of the recipe, or all of them.
        Cancelled: ``cancel`` was set.
    """
    asked = recipe if recipe is not None else Recipe()
    table = session.table
    resolved = session.resolve(asked)
    chosen = _checked(resolved, dict(groups) if groups is not None else plan_groups(table, asked))
    pinned = asked.replace(metric=resolved.embedding.metric, n_epochs=resolved.embedding.n_epochs)
    others: dict[str, Recipe] = {name: without(pinned, columns) for name, columns in chosen.items()}
    other_seed = None
    if seed_run and asked.embedding.method in {"umap", "tsne"}:
        other_seed = pinned.replace(seed=(asked.embedding.seed + 1) % 2**32)
    share = 1.0 / (1 + len(others) + (other_seed is not None))
    result = session.run(pinned, progress=part(progress, 0.0, share), cancel=cancel)
    if told is not None:
        told(_forecast(session, result, [*others.values(), *([other_seed] if other_seed is not None else [])]))
    begun, seed_ari = share, None
    if other_seed is not None:
        again = session.run(other_seed, progress=part(progress, begun, share), cancel=cancel)
        seed_ari = agreement(result.labels, again.labels).ari
        begun += share
    effects = []
    for name, other in others.items():
        try:
            found = session.run(other, progress=part(progress, begun, share), cancel=cancel)
        except (RecipeError, DataError) as error:  # such as PCA of more features than are left
            effects.append(Effect(name, chosen[name], None, None, {}, "failed", str(error)))
        else:
            effects.append(_effect(name, chosen[name], result, found, seed_ari))
        begun += share
    return Effects(result, tuple(sorted(effects, key=lambda one: 2.0 if one.ari is None else one.ari)), seed_ari)


def _checked(resolved: Recipe, groups: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    columns = {name for group in resolved.features.plan or () for name in group.columns}
    if not groups:
        raise ValueError("there is no group of columns to leave out: name some, such as {'fresh food': ['MILK']}.")
    for name, members in groups.items():
        if isinstance(members, str) or not members:
            raise ValueError(f"group {name!r} must be a list of columns, at least one; got {members!r}.")
        strange = [one for one in members if one not in columns]
        if strange:
            raise ValueError(f"group {name!r} names {strange[0]!r}, which is no column of the recipe.")
        if columns <= set(members):
            raise ValueError(
                f"group {name!r} has all {plural(len(columns), 'column')} of the recipe, so nothing is left without "
                "it: name smaller groups, such as columns with the same prefix."
            )
    return {name: tuple(members) for name, members in groups.items()}


def _forecast(session: Session, result: Result, others: Sequence[Recipe]) -> LeavingForecast:
    """By what each stage took for all columns; unknown where one of them came from the cache."""
    waiting = [stages for stages in (_pending(session, other) for other in others) if stages]
    after = sum(result.timings.get(name, 0.0) for name in ("clusters", "silhouette", "dbcv", "trust"))
    known = all(stage in result.timings for stages in waiting for stage in stages)
    seconds = sum(sum(result.timings[stage] for stage in stages) + after for stages in waiting) if known else None
    return LeavingForecast(len(waiting), len(others), seconds)


def _pending(session: Session, recipe: Recipe) -> tuple[str, ...]:
    try:
        return session.pending(recipe)
    except (RecipeError, DataError):
        return ()


def _effect(name: str, columns: tuple[str, ...], result: Result, found: Result, seed_ari: float | None) -> Effect:
    both = agreement(result.labels, found.labels)
    before, after = _scores(result), _scores(found)
    changes = {}
    for score in _SCORES:
        one, other = before[score], after[score]
        if one is not None and other is not None:
            changes[score] = other - one
    return Effect(name, columns, both.ari, both.ami, changes, judged(both.ari, seed_ari))


def judged(ari: float, seed_ari: float | None) -> Word:
    """How strong an effect is, in a word, beside the ARI that another seed alone gives; see `Effect`."""
    usual = 1.0 if seed_ari is None else seed_ari
    if ari >= usual - _LIKE_ANOTHER_SEED:
        return "none"
    return "strong" if ari < _OTHERS * usual else "some"


def _scores(result: Result) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name in _SCORES:
        value = getattr(result.scores, name)
        found[name] = None if value is None else float(getattr(value, "value", value))
    return found
