"""The search of a sweep: asks Optuna for recipes, has a place run them, tells Optuna and the tracker the outcome."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from segwidgets.compute.progress import Cancelled
from segwidgets.data import Table
from segwidgets.data.errors import missing_extra
from segwidgets.goals import WORST, Limits, check_objectives
from segwidgets.jobs.spec import TARGETS, check_choice, run_tags
from segwidgets.recipe import Recipe
from segwidgets.result import Progress
from segwidgets.session import Session
from segwidgets.sweeping.outcome import Sweep, Trial
from segwidgets.sweeping.places import Here, Place, Tried
from segwidgets.sweeping.space import Dimension, dimensions
from segwidgets.tracking import address
from segwidgets.tracking.base import Tracker, recipe_params

if TYPE_CHECKING:
    from distributed import Client

#: Seconds that the search waits for a trial before it looks at its budget, and whether it was cancelled.
_PATIENCE = 0.1
#: Settings that decide on the neighbours: where none of them is tried, one trial finds them for all.
_OF_NEIGHBORS = {"n_neighbors", "metric", "pca"}


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
    workers: int = 1,
    client: Client | str | None = None,
    target: str = "local",
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
    told: Callable[[Sweep], None] | None = None,
    **settings: Any,
) -> Sweep:
    """Try recipes of a space on a table, led by what the tried ones gave.

    The search is Optuna's multi-objective TPE. With ``target="sagemaker"`` it is SageMaker's Bayesian one, in a tuning
    job of the account; `plan_tuning` shows the request and the price before.

    Args:
        table: the rows, or a session on them, whose cache is used.
        space: settings by the names of `Recipe.replace`: ``(low, high)`` for numbers between, a list for one of them.
            Whole numbers stay whole; an eps, spread, n_neighbors or min_samples whose range spans a factor of ten or
            more is searched by its logarithm.
        budget: trials at most.
        seconds: after which no further trial is begun; a tuning job is ended by SageMaker then.
        recipe: the settings that the space leaves alone; ``Recipe()`` by default.
        objectives: one or more of `OBJECTIVES`; exactly one for a tuning job.
        limits: what a trial must keep to be among the best.
        name: of the sweep, under which the tracker groups its runs.
        experiment: of the tracker.
        tracking_uri: the tracker's address, as in `promote`.
        seed: of the search. The same seed tries the same recipes, with one worker.
        workers: trials at once: 1 runs them in this process, more in processes of their own, which share the cache's
            directory and this machine's cores; in a tuning job, training jobs at once.
        client: run on Dask: a ``distributed.Client``, or the address of a scheduler, with a trial for each thread that
            its workers have. The table travels to each worker once.
        target: "local", or "sagemaker" for a tuning job, which is waited for.
        progress: called in this thread as it goes on.
        cancel: when set, every trial is stopped and none stays behind; what was tried is in what ``told`` was given.
        told: called with the sweep after each trial.
        settings: of SageMaker, as in `promote`: ``instance_type``, ``role``, ``spot``, ``force`` and so on.

    Raises:
        ValueError: an argument is not allowed; before anything is tried.
        RecipeError: a setting of the space is unknown or out of range; before anything is tried.
        MissingExtraError: Optuna, Dask or SageMaker's SDK is not installed.
        RuntimeError: a process for the trials cannot be started, or the cluster cannot be reached.
        AWSError: AWS refused the tuning job, or could not be reached.
        Cancelled: ``cancel`` was set.
    """
    check_choice("target", target, TARGETS)
    start = recipe if recipe is not None else Recipe()
    wanted = check_objectives(objectives)
    found = dimensions(space, start)
    _check_count("budget", budget, "trials")
    _check_count("workers", workers, "trials at once")
    keep = limits or Limits()
    label = name or f"sweep-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
    if target == "sagemaker":
        from segwidgets.sweeping.tuning import plan_tuning

        if client is not None:
            raise ValueError("client is for trials on Dask, and target is 'sagemaker': leave one of them out.")
        force = bool(settings.pop("force", False))
        plan = plan_tuning(
            table, space, budget, seconds=seconds, recipe=start, objectives=wanted, limits=keep, name=label,
            experiment=experiment, tracking_uri=tracking_uri, seed=seed, workers=workers, **settings,
        )  # fmt: skip
        return plan.checked(force=force).launch().wait(progress=progress, cancel=cancel, told=told)
    if settings:
        odd = next(iter(settings))
        raise TypeError(f"sweep() takes {odd!r} with target='sagemaker' only: leave it out, or change the target.")
    if client is not None and workers != 1:
        raise ValueError(f"workers={workers!r} is not allowed with client: Dask's own workers run the trials.")
    session = table if isinstance(table, Session) else Session(table)
    search = _Search(
        found, start, budget, wanted, keep, label, experiment, address.tracker(address.resolved(tracking_uri)), told
    )
    with contextlib.closing(search), _place(session, wanted, workers, client, search.share(progress), cancel) as place:
        search.study(seed, place.slots)
        search.run(place, seconds, progress, cancel)
    return search.made


def _check_count(name: str, value: object, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name}={value!r} is not allowed: it must be a whole number of {what} from 1.")


def _place(
    session: Session,
    objectives: tuple[str, ...],
    workers: int,
    client: Client | str | None,
    progress: Callable[[Progress], None] | None,
    cancel: threading.Event | None,
) -> Place:
    if client is not None:
        from segwidgets.sweeping.dask import OnDask

        return OnDask(session, objectives, client)
    if workers > 1:
        from segwidgets.sweeping.processes import Processes

        return Processes(session, objectives, workers)
    return Here(session, objectives, progress, cancel)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's warnings of what it calls experimental."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@dataclasses.dataclass
class _Open:
    """A trial that runs."""

    asked: Any
    name: str
    run_id: str
    recipe: Recipe


class _Search:
    """One sweep as it goes on. Closed, it ends what the tracker still believes to run."""

    def __init__(
        self,
        space: tuple[Dimension, ...],
        start: Recipe,
        budget: int,
        objectives: tuple[str, ...],
        limits: Limits,
        label: str,
        experiment: str,
        tracker: Tracker,
        told: Callable[[Sweep], None] | None,
    ) -> None:
        self._space, self._start, self._budget = space, start, budget
        self._limits, self._experiment, self._tracker, self._told = limits, experiment, tracker, told
        self._open: dict[int, _Open] = {}
        self._begun = 0
        self._distributions, self._optuna = _distributions(space)
        self._study: Any = None
        self._overall = 0.0
        self.made = Sweep(label, objectives, ())

    def study(self, seed: int, slots: int) -> None:
        """Begin the search; with several trials at once it keeps away from where others still run."""
        with _quiet():
            sampler = self._optuna.samplers.TPESampler(
                seed=seed,
                constraints_func=lambda trial: trial.user_attrs.get("excess", [1.0]),
                **({"constant_liar": True} if slots > 1 else {}),
            )
            directions = ["maximize"] * len(self.made.objectives)
            self._study = self._optuna.create_study(directions=directions, sampler=sampler)

    def run(
        self,
        place: Place,
        seconds: float | None,
        progress: Callable[[Progress], None] | None,
        cancel: threading.Event | None,
    ) -> None:
        """Until the budget is spent or the time is up; raises Cancelled, and whatever the place raises."""
        begun = time.monotonic()
        try:
            while True:
                free = self._room(place.slots)
                while free and self._begun < self._budget and (seconds is None or time.monotonic() - begun < seconds):
                    self._begin(place)
                    free -= 1
                if not self._open:
                    return
                if cancel is not None and cancel.is_set() and place.slots > 1:
                    raise Cancelled("the sweep was cancelled")  # noqa: TRY301 - what is open is ended below
                for number, tried in place.ended(_PATIENCE):
                    self._end(number, tried)
                if progress is not None and place.slots > 1:
                    progress(self._standing(place))
        except BaseException as error:
            stopped = isinstance(error, (Cancelled, KeyboardInterrupt))
            self._leave("stopped" if stopped else "failed", str(error) or type(error).__name__)
            raise

    def close(self) -> None:
        """End what is still open; nothing, unless a place failed as it was left."""
        self._leave("stopped", "the sweep ended")

    def share(self, progress: Callable[[Progress], None] | None) -> Callable[[Progress], None] | None:
        """The progress of the only trial that runs, as that of the whole."""
        if progress is None:
            return None

        def told(now: Progress) -> None:
            done = len(self.made.trials)
            words = f"Trial {done + 1} of {self._budget}: {now.message}"
            progress(dataclasses.replace(now, overall=(done + now.overall) / self._budget, message=words))

        return told

    def _room(self, slots: int) -> int:
        """How many trials may begin: one first, where it finds the neighbours for all others."""
        alone = not self.made.trials and not _OF_NEIGHBORS & {one.name for one in self._space}
        return (1 if alone else slots) - len(self._open)

    def _begin(self, place: Place) -> None:
        number = self._begun
        with _quiet():
            asked = self._study.ask(self._distributions)
        meant, name = self._start.replace(**asked.params), f"{self.made.name}-{number}"
        run_id = self._tracker.start(
            experiment=self._experiment, name=name, tags=run_tags(name, self.made.name), trial=self.made.name
        )
        self._begun += 1
        self._open[number] = _Open(asked, name, run_id, meant)
        place.begin(number, meant)

    def _end(self, number: int, tried: Tried) -> None:
        one = self._open[number]
        trial = trial_of(number, one.name, tried, self.made.objectives, self._limits)
        self._tracker.log(
            one.run_id,
            params=recipe_params(trial.recipe),
            metrics=trial.metrics,
            documents={"recipe.json": trial.recipe.to_json()},
        )
        self._tracker.end(one.run_id, "failed" if trial.error else "completed", trial.error or None)
        del self._open[number]
        one.asked.set_user_attr("excess", list(self._limits.excess(trial.metrics)) if trial.metrics else [1.0])
        with _quiet():
            self._study.tell(one.asked, [WORST if value is None else value for value in trial.values])
        trials = sorted((*self.made.trials, trial), key=lambda one: one.number)
        self.made = dataclasses.replace(self.made, trials=tuple(trials))
        if self._told is not None:
            self._told(self.made)

    def _leave(self, state: Any, reason: str) -> None:
        while self._open:
            _, one = self._open.popitem()
            self._tracker.log(one.run_id, params=recipe_params(one.recipe))
            self._tracker.end(one.run_id, state, reason)

    def _standing(self, place: Place) -> Progress:
        """How far the whole is, how many trials run, and what the newest of them does."""
        running, done = place.standing(), len(self.made.trials)
        overall = (done + sum(one.overall for one in running.values())) / self._budget
        self._overall = max(self._overall, overall)  # a trial that failed takes its share with it
        words = f"{done} of {self._budget} trials done, {len(self._open)} running"
        if not running:
            return Progress("trials", done / self._budget, self._overall, words)
        newest = running[max(running)]
        return Progress(newest.stage, newest.done, self._overall, f"{words}: {newest.message}")


def trial_of(number: int, name: str, tried: Tried, objectives: tuple[str, ...], limits: Limits) -> Trial:
    """An outcome as a trial of the sweep."""
    values = tuple(tried.metrics.get(one) for one in objectives)
    kept = bool(tried.metrics) and limits.kept(tried.metrics)
    return Trial(number, name, tried.recipe, values, tried.metrics, kept, tried.seconds, tried.error)


def _distributions(space: tuple[Dimension, ...]) -> tuple[dict[str, Any], Any]:
    """Optuna's words for a space, and Optuna."""
    try:
        import optuna
    except ImportError as error:
        raise missing_extra("sweep", "A sweep") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    kinds = optuna.distributions
    found: dict[str, Any] = {}
    for one in space:
        if one.choices:
            found[one.name] = kinds.CategoricalDistribution(list(one.choices))
            continue
        kind = kinds.IntDistribution if one.whole else kinds.FloatDistribution
        found[one.name] = kind(one.low, one.high, log=one.by_ratio)
    return found, optuna
