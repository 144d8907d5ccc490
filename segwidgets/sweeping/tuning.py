"""A sweep as a tuning job of SageMaker, from the same space: the plan that is shown before anything is spent."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from segwidgets.aws import UnreachableError, explained
from segwidgets.data.errors import plural
from segwidgets.goals import Limits, check_objectives
from segwidgets.jobs import sdk, shipping
from segwidgets.jobs.checks import Check
from segwidgets.jobs.cost import dollars
from segwidgets.jobs.planning import RefusedError, settings_of, tracking
from segwidgets.jobs.sagemaker import environment
from segwidgets.jobs.sagemakerjob import is_unknown
from segwidgets.jobs.spec import JobSpec, SpecError
from segwidgets.jobs.trial import OBJECTIVE, text_of
from segwidgets.jobs.tuninglimits import check_tuning
from segwidgets.recipe import Recipe
from segwidgets.session import Session
from segwidgets.sweeping.space import Dimension, dimensions
from segwidgets.sweeping.tuningjob import Tuning
from segwidgets.tracking import address
from segwidgets.tracking.experiments import ensure_trial

if TYPE_CHECKING:
    from segwidgets.aws import AWSError, Cloud
    from segwidgets.data import Table
    from segwidgets.jobs.preflight import Preflight
    from segwidgets.jobs.settings import SageMakerSettings
    from segwidgets.jobs.shipping import Told

#: What a training job says of itself that a trial is told by; stability only where it is looked for.
_METRICS = ("clusters", "coverage", "largest", "smallest", "silhouette", "dbcv", "trustworthiness", "stability")
_NUMBER = r"([-+]?[0-9]+\.?[0-9]*(?:[eE][-+]?[0-9]+)?)"


@dataclasses.dataclass(frozen=True)
class TuningPlan:
    """A tuning job that could be launched."""

    spec: JobSpec
    table: Table
    settings: SageMakerSettings
    cloud: Cloud
    tracking_uri: str
    space: tuple[Dimension, ...]
    objective: str
    limits: Limits
    budget: int
    workers: int
    seconds: int | None
    seed: int

    def shipped(self) -> list[dict[str, Any]]:
        """What each training job will be given: channel, words and bytes of each part."""
        return [{"channel": one.channel, "words": one.words, "bytes": one.bytes} for one in self._parcels()]

    def request(self) -> dict[str, Any]:
        """The arguments of CreateHyperParameterTuningJob, exactly as they would be sent. Nothing is sent or uploaded.

        Raises SpecError where the request is beyond one of AWS's limits.
        """
        seen: list[dict[str, Any]] = []
        self._submit(shipping.addresses(self.settings, self._parcels()), seen.append)
        check_tuning(seen[0])
        return seen[0]

    def preflight(self, *, force: bool = False) -> Preflight:
        """Look at everything that could make the trials fail or cost more than is meant, before anything is spent."""
        from segwidgets.jobs.preflight import preflight

        found = preflight(
            self.settings,
            job_name=self.spec.name,
            table_bytes=shipping.table_bytes(self.table),
            rows=self.table.n_rows,
            columns=len(self.table.columns),
            mode="refit",
            cloud=self.cloud,
            force=force,
            tracking_uri=self.tracking_uri,
            at_once=self.workers,
        )
        return dataclasses.replace(found, checks=tuple(self._as_tuning(one, found) for one in found.checks))

    def checked(self, *, force: bool = False) -> TuningPlan:
        """The same plan, once the preflight has let it pass; RefusedError says why it did not."""
        found = self.preflight(force=force)
        refused = [f"{one.text} {one.way_out}".strip() for one in found.checks if one.state == "refused"]
        if refused and not force:
            raise RefusedError("the preflight refuses: " + " ".join(refused))
        return dataclasses.replace(self, spec=dataclasses.replace(self.spec, image_digest=found.image_digest))

    def launch(self, told: Told = lambda _done, _all: None) -> Tuning:
        """Upload what is missing and start it. ``told`` is given the bytes that are uploaded, of how many.

        Raises:
            SpecError: the request is beyond a limit.
            AWSError: AWS refused, or could not be reached. Nothing was started.
        """
        self.request()  # its limits, before anything is uploaded
        ensure_trial(self.cloud, self.spec.experiment, self.spec.trial)
        channels = shipping.ship(
            self.cloud, self.settings, self.spec, self.table, None, sweep=self._document(), told=told
        )
        self._submit(channels, self._send)
        return Tuning(self.cloud, self.spec.name, tracking(self.tracking_uri, self.settings)[0])

    def _send(self, request: dict[str, Any]) -> Any:
        check_tuning(request)
        client = self.cloud.client("sagemaker")
        try:
            with explained(f"tuning job {self.spec.name} was created"):
                return client.create_hyper_parameter_tuning_job(**request)
        except UnreachableError:
            # The answer may have been lost on its way here: the job of this token is ours.
            with explained(f"tuning job {self.spec.name} was looked at"):
                said = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=self.spec.name)
            if said["TrainingJobDefinition"]["StaticHyperParameters"].get("token") != self.spec.token:
                raise
            return said

    def _submit(self, channels: Mapping[str, str], send: Any) -> None:
        ranges = {one.name: _range(one) for one in self.space}
        static = {key: value for key, value in self.spec.hyperparameters().items() if key not in ranges and value}
        names = [one for one in _METRICS if one != "stability" or self.objective == one]
        sdk.tune(
            self.cloud,
            self.settings,
            name=self.spec.name,
            channels=channels,
            # Each training job has a name of its own.
            hyperparameters={key: value for key, value in static.items() if key != "job"},
            environment=environment(self.settings, tracking(self.tracking_uri, self.settings)[1]),
            ranges=ranges,
            metrics={one: f"metric {one}={_NUMBER}" for one in (OBJECTIVE, *names)},
            objective=OBJECTIVE,
            trials=self.budget,
            parallel=self.workers,
            seconds=self.seconds,
            seed=self.seed,
            send=send,
        )

    def _parcels(self) -> list[shipping.Parcel]:
        return shipping.parcels(self.spec, self.table, None, self._document())

    def _document(self) -> str:
        """What a trial needs to know of its sweep, and whoever looks at it later."""
        return json.dumps(
            {
                "tuned": [one.name for one in self.space],
                "whole": [one.name for one in self.space if one.whole],
                "objective": self.objective,
                "limits": self.limits.to_dict(),
                "budget": self.budget,
            },
            indent=1,
        )

    def _as_tuning(self, check: Check, found: Preflight) -> Check:
        """A look at one training job, as one at all of them."""
        if check.name == "name":
            return _name_free(self.cloud, self.spec.name)
        if check.name == "cost" and found.cost is not None and found.cost.ceiling is not None:
            most = dollars(found.cost.ceiling * self.budget)
            text = f"At most about {most} for {plural(self.budget, 'trial')}. Each: {check.text}"
            return dataclasses.replace(check, text=text)
        return check


def _name_free(cloud: Cloud, name: str) -> Check:
    from segwidgets.aws import AWSError

    try:
        with explained(f"tuning job {name} was looked for"):
            said = cloud.client("sagemaker").describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    except AWSError as error:
        return Check("name", "ok", f"{name} is free.") if is_unknown(error) else _unknown(error)
    state = str(said.get("HyperParameterTuningJobStatus", "there"))
    return Check("name", "refused", f"There is a tuning job {name!r} already ({state}).", "Choose another name.")


def _unknown(error: AWSError) -> Check:
    from segwidgets.jobs import checks

    return checks.unknown("name", error)


def _range(one: Dimension) -> sdk.Range:
    if one.choices:
        return sdk.Range(choices=tuple(text_of(value) for value in one.choices))
    return sdk.Range(low=one.low, high=one.high, whole=one.whole, by_ratio=one.by_ratio)


def plan_tuning(
    table: Table | Session,
    space: Mapping[str, Any],
    budget: int = 50,
    *,
    seconds: float | None = None,
    recipe: Recipe | None = None,
    objectives: Sequence[str] = ("silhouette",),
    limits: Limits | None = None,
    name: str | None = None,
    experiment: str = "segwidgets",
    tracking_uri: str | None = None,
    seed: int = 0,
    workers: int = 1,
    region: str | None = None,
    **settings: Any,
) -> TuningPlan:
    """What ``sweep(…, target="sagemaker")`` would do, without doing it; the same arguments, and it raises the same.

    A setting with one value only is the recipe's. The keywords in ``settings`` are those of
    `jobs.settings.SageMakerSettings`.
    """
    wanted = check_objectives(objectives)
    if len(wanted) > 1:
        raise SpecError(
            f"objectives={list(wanted)!r} is not allowed with target='sagemaker': a tuning job looks for one. Name the "
            "one that matters, and hold the other by a limit, such as objectives=['silhouette'], "
            "limits=Limits(max_noise=0.2)."
        )
    start = recipe if recipe is not None else Recipe()
    found = dimensions(space, start)
    for one in found:
        if one.only:
            start = start.replace(**{one.name: one.only[0]})
    tuned = tuple(one for one in found if not one.only)
    if not tuned:
        raise SpecError("space leaves nothing to tune: give a setting two values at least, or (low, high) apart.")
    where, cloud = settings_of("sagemaker", region, settings)
    if where is None or cloud is None:
        raise SpecError("target='sagemaker' needs settings of SageMaker, and there are none.")
    session = table if isinstance(table, Session) else Session(table)
    _check_fits(session, start, tuned)
    table = session.table
    label = name or f"sweep-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
    spec = JobSpec(
        name=label,
        recipe=start,
        mode="refit",
        experiment=experiment,
        trial=label,
        table_name=table.name,
        table_source=table.source,
        rows=table.n_rows,
        columns=len(table.columns),
        table_digest=table.digest,
        embedding_digest="",
        label_digest="",
        created=time.time(),
        sagemaker=where.to_dict(),
    )
    return TuningPlan(
        spec=spec,
        table=table,
        settings=where,
        cloud=cloud,
        tracking_uri=address.resolved(tracking_uri),
        space=tuned,
        objective=wanted[0],
        limits=limits or Limits(),
        budget=budget,
        workers=workers,
        seconds=None if seconds is None else round(seconds),
        seed=seed,
    )


def _check_fits(session: Session, start: Recipe, space: tuple[Dimension, ...]) -> None:
    """RecipeError where an end of the space does not fit the table: there a trial costs money and fails."""
    for one in space:
        for value in one.choices or (one.low, one.high):
            session.check(start.replace(**{one.name: value}))
