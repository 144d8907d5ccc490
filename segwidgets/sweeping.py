"""Sweeps: many recipes of one space on one table, chosen by Optuna, each a tracked run, all cached stages shared."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
import numbers
import secrets
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from segwidgets.compute.progress import Cancelled
from segwidgets.compute.stability import stability
from segwidgets.data import Table
from segwidgets.data.errors import missing_extra, nearest
from segwidgets.jobs.spec import run_tags
from segwidgets.recipe import Recipe, RecipeError
from segwidgets.result import Progress, Result
from segwidgets.session import Session
from segwidgets.tracking import address
from segwidgets.tracking.base import recipe_params

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["OBJECTIVES", "Limits", "Sweep", "Trial", "sweep"]

#: What a sweep can look for; more is better of each.
OBJECTIVES = ("silhouette", "coverage", "dbcv", "stability", "trustworthiness")
#: Samples of the rows that the objective "stability" takes.
_REPEATS = 5
#: What an objective counts as where a trial has none: the least that it can be.
_WORST = -1.0
_SETTINGS = (
    "n_neighbors",
    "min_dist",
    "spread",
    "n_components",
    "metric",
    "n_epochs",
    "seed",
    "eps",
    "min_samples",
    "pca",
)


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a clustering must keep to be of use; what does not leads the search away from there.

    ``max_noise``: share of rows in no segment. ``clusters``: how many segments, from and to. ``min_share``: share of
    the rows that the smallest segment has at least.
    """

    max_noise: float | None = None
    clusters: tuple[int, int] | None = None
    min_share: float | None = None

    def __post_init__(self) -> None:
        for name in ("max_noise", "min_share"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name}={value!r} is not allowed: it must be a share from 0 to 1.")
        if self.clusters is not None and not 0 <= self.clusters[0] <= self.clusters[1]:
            raise ValueError(f"clusters={self.clusters!r} is not allowed: it must be (least, most), such as (4, 9).")

    def excess(self, metrics: Mapping[str, float]) -> tuple[float, ...]:
        """How far each limit is overstepped; 0 or less where it is kept."""
        low, high = self.clusters or (2, math.inf)
        return (
            1 - metrics["coverage"] - (1.0 if self.max_noise is None else self.max_noise),
            max(low - metrics["clusters"], metrics["clusters"] - high),
            (self.min_share or 0.0) - metrics["smallest"],
        )


@dataclasses.dataclass(frozen=True)
class Trial:
    """One recipe of a sweep: its run's name, its scores, whether it keeps the limits; ``error``: why it has none."""

    number: int
    name: str
    recipe: Recipe
    values: tuple[float | None, ...]
    metrics: dict[str, float]
    kept: bool
    seconds: float
    error: str = ""


@dataclasses.dataclass(frozen=True)
class Sweep:
    """A sweep, finished or as far as its budget went."""

    name: str
    objectives: tuple[str, ...]
    trials: tuple[Trial, ...]

    @property
    def best(self) -> tuple[Trial, ...]:
        """The trials that keep the limits and that none of those beats in every objective (the Pareto front)."""
        able = [one for one in self.trials if one.kept]
        return tuple(one for one in able if not any(_beats(other, one) for other in able))

    def to_frame(self) -> pd.DataFrame:
        """A line a trial: its name, objectives, settings, and ``kept`` and ``best``."""
        import pandas as pd

        front = {one.number for one in self.best}
        lines = [
            {
                "trial": one.number,
                "name": one.name,
                **dict(zip(self.objectives, one.values, strict=True)),
                "clusters": one.metrics.get("clusters"),
                **{name: setting(one.recipe, name) for name in _SETTINGS},
                "kept": one.kept,
                "best": one.number in front,
                "seconds": one.seconds,
                "error": one.error,
            }
            for one in self.trials
        ]
        return pd.DataFrame(lines)


def _beats(one: Trial, other: Trial) -> bool:
    pairs = [
        (_WORST if a is None else a, _WORST if b is None else b) for a, b in zip(one.values, other.values, strict=True)
    ]
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def setting(recipe: Recipe, name: str) -> Any:
    """A setting of a recipe by its bare name."""
    return next(
        getattr(part, name) for part in (recipe.features, recipe.embedding, recipe.clustering) if hasattr(part, name)
    )


def sweep(
    table: Table | Session,
    space: Mapping[str, Any],
    budget: int = 50,
    *,
    seconds: float | None = None,
    recipe: Recipe | None = None,
    objectives: Sequence[str] = ("silhouette", "coverage"),
    limits: Limits | None = None,
    name: str | None = None,
    experiment: str = "segwidgets",
    tracking_uri: str | None = None,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
    told: Callable[[Sweep], None] | None = None,
) -> Sweep:
    """Try recipes of a space on a table, led by what the tried ones gave (Optuna's multi-objective TPE).

    Args:
        table: the rows, or a session on them, whose cache is used.
        space: settings by the names of `Recipe.replace`: ``(low, high)`` for numbers between, a list for one of them.
            Whole numbers stay whole; an eps, spread or n_neighbors whose range spans a factor of ten or more is
            searched by its logarithm.
        budget: trials at most.
        seconds: after which no further trial is begun.
        recipe: the settings that the space leaves alone; ``Recipe()`` by default.
        objectives: one or more of `OBJECTIVES`.
        limits: what a trial must keep to be among the best.
        name: of the sweep, under which the tracker groups its runs.
        experiment: of the tracker.
        tracking_uri: the tracker's address, as in `promote`.
        seed: of the search. The same seed tries the same recipes.
        progress: called in this thread as it goes on.
        cancel: when set, it stops after the stage that runs; what was tried is in what ``told`` was given.
        told: called with the sweep after each trial.

    Raises:
        ValueError: an argument is not allowed; before anything is tried.
        RecipeError: a setting of the space is unknown or out of range; before anything is tried.
        MissingExtraError: Optuna is not installed.
        Cancelled: ``cancel`` was set.
    """
    start = recipe if recipe is not None else Recipe()
    wanted = _checked_objectives(objectives)
    _check_space(space, start)
    if budget < 1:
        raise ValueError(f"budget={budget!r} is not allowed: it must be a whole number of trials from 1.")
    session = table if isinstance(table, Session) else Session(table)
    study, distributions = _study(space, len(wanted), seed)
    tracker = address.tracker(address.resolved(tracking_uri))
    keep, label = limits or Limits(), name or f"sweep-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
    made = Sweep(label, wanted, ())
    begun = time.monotonic()
    for number in range(budget):
        if seconds is not None and time.monotonic() - begun >= seconds:
            break
        with _quiet():
            asked = study.ask(distributions)
        meant = start.replace(**asked.params)
        run_name = f"{label}-{number}"
        with _tracked(tracker, experiment, run_name, label, meant) as log:
            trial = _tried(session, meant, number, run_name, wanted, keep, _share(progress, number, budget), cancel)
            log(trial)
        asked.set_user_attr("excess", list(keep.excess(trial.metrics)) if trial.metrics else [1.0])
        with _quiet():
            study.tell(asked, [_WORST if value is None else value for value in trial.values])
        made = dataclasses.replace(made, trials=(*made.trials, trial))
        if told is not None:
            told(made)
    return made


def _checked_objectives(objectives: Sequence[str]) -> tuple[str, ...]:
    if isinstance(objectives, str) or not objectives:
        raise ValueError(f"objectives={objectives!r} is not allowed: it must be a list of {', '.join(OBJECTIVES)}.")
    for one in objectives:
        if one not in OBJECTIVES:
            raise ValueError(
                f"objectives={one!r} is not allowed: it must be of {', '.join(OBJECTIVES)}.{nearest(one, OBJECTIVES)}"
            )
    return tuple(dict.fromkeys(objectives))


def _check_space(space: Mapping[str, Any], start: Recipe) -> None:
    """Both ends of every range, and every value of every list, must be a recipe's."""
    if not space:
        raise ValueError(
            'space is empty: name settings to try, such as {"n_neighbors": (5, 50), "min_samples": [5, 10]}.'
        )
    for name, values in space.items():
        if name not in _SETTINGS:
            raise RecipeError(
                f"{name!r} is no setting of a sweep.{nearest(name, _SETTINGS)} Settings: {', '.join(_SETTINGS)}."
            )
        if not isinstance(values, (tuple, list)) or not values:
            raise RecipeError(f"{name}={values!r} is not allowed in a space: give (low, high), or a list of values.")
        if isinstance(values, tuple) and (
            len(values) != 2 or not all(isinstance(one, numbers.Real) for one in values) or values[0] > values[1]
        ):
            raise RecipeError(
                f"{name}={values!r} is not allowed in a space: (low, high) must be two numbers, the lower first."
            )
        for value in values:
            start.replace(**{name: value})
    # Settings that only fit together (min_dist and spread) must fit in every corner.
    pairs = [(name, values) for name, values in space.items() if name in {"min_dist", "spread"}]
    for corner in itertools.product(*(values for _, values in pairs)):
        start.replace(**dict(zip((name for name, _ in pairs), corner, strict=True)))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's warnings of what it calls experimental."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _study(space: Mapping[str, Any], objectives: int, seed: int) -> tuple[Any, dict[str, Any]]:
    try:
        import optuna
    except ImportError as error:
        raise missing_extra("sweep", "A sweep") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    kinds = optuna.distributions
    distributions: dict[str, Any] = {}
    for name, values in space.items():
        if isinstance(values, list):
            distributions[name] = kinds.CategoricalDistribution(values)
            continue
        low, high = values
        by_ratio = low > 0 and high / low >= 10 and name in {"eps", "spread", "n_neighbors", "min_samples"}
        whole = all(isinstance(one, numbers.Integral) for one in values)
        kind = kinds.IntDistribution if whole else kinds.FloatDistribution
        distributions[name] = kind(low, high, log=by_ratio)
    with _quiet():
        sampler = optuna.samplers.TPESampler(seed=seed, constraints_func=lambda trial: trial.user_attrs["excess"])
        return optuna.create_study(directions=["maximize"] * objectives, sampler=sampler), distributions


def _share(progress: Callable[[Progress], None] | None, number: int, budget: int) -> Callable[[Progress], None] | None:
    if progress is None:
        return None

    def told(now: Progress) -> None:
        words = f"Trial {number + 1} of {budget}: {now.message}"
        progress(dataclasses.replace(now, overall=(number + now.overall) / budget, message=words))

    return told


@contextlib.contextmanager
def _tracked(
    tracker: Any, experiment: str, name: str, sweep_name: str, recipe: Recipe
) -> Iterator[Callable[[Trial], None]]:
    """A run of the tracker around a trial; ended whatever happens."""
    run_id = tracker.start(experiment=experiment, name=name, tags=run_tags(name, sweep_name), trial=sweep_name)

    def log(trial: Trial) -> None:
        tracker.log(
            run_id,
            params=recipe_params(trial.recipe),
            metrics=trial.metrics,
            documents={"recipe.json": trial.recipe.to_json()},
        )
        tracker.end(run_id, "failed" if trial.error else "completed", trial.error or None)

    try:
        yield log
    except BaseException as error:
        tracker.log(run_id, params=recipe_params(recipe))
        stopped = isinstance(error, (Cancelled, KeyboardInterrupt))
        tracker.end(run_id, "stopped" if stopped else "failed", str(error) or type(error).__name__)
        raise


def _tried(
    session: Session,
    recipe: Recipe,
    number: int,
    name: str,
    objectives: tuple[str, ...],
    limits: Limits,
    progress: Callable[[Progress], None] | None,
    cancel: threading.Event | None,
) -> Trial:
    begun = time.monotonic()
    try:
        result = session.run(recipe, progress=progress, cancel=cancel)
    except RecipeError as error:  # it does not fit this table: more neighbours than rows, say
        nothing = (None,) * len(objectives)
        return Trial(number, name, recipe, nothing, {}, kept=False, seconds=time.monotonic() - begun, error=str(error))
    metrics = result.metrics()
    if "stability" in objectives:
        found = _stability(result)
        metrics |= {} if found is None else {"stability": found}
    values = tuple(metrics.get(one) for one in objectives)
    kept = all(over <= 0 for over in limits.excess(metrics))
    return Trial(number, name, result.recipe, values, metrics, kept, time.monotonic() - begun)


def _stability(result: Result) -> float | None:
    clustering = result.recipe.clustering
    if not clustering.eps or not len(result.sizes):
        return None
    found = stability(
        result.embedding, result.labels, eps=clustering.eps, min_samples=clustering.min_samples, repeats=_REPEATS
    )
    return found.ari
