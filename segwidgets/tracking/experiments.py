"""Runs in SageMaker Experiments, through the classes of ``sagemaker-experiments`` (imported as ``smexperiments``).

A run is a trial component in a trial of an experiment. In a SageMaker training job it is the component that AWS makes
for the job, elsewhere one of our own. What Experiments cannot be asked for again, such as a metric's last value outside
of a training job, stands among the component's parameters as well, and `Experiments.search` reads it from there.

https://docs.aws.amazon.com/sagemaker/latest/dg/experiments.html
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import math
import os
import re
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from segwidgets import __version__
from segwidgets.aws import AWSError, Cloud, explained
from segwidgets.data.errors import MissingExtraError
from segwidgets.tracking.base import Run, State, TrackingError, cut
from segwidgets.tracking.component import JOB_SUFFIX, MARK, METRIC, OWN, Component, described
from segwidgets.tracking.smexperiments import classes

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_log = logging.getLogger(__name__)

#: Begins the address; the region follows.
SCHEME = "experiments:"
#: The folder that documents go to, as ``s3://bucket/prefix``; without it they are left out.
ARTIFACTS = "SEGWIDGETS_ARTIFACTS"
#: Seconds to wait for the component that AWS makes for a training job, and between two looks.
PATIENCE = 30.0
BETWEEN = 2.0
#: How many components of the account a search looks at: other people's stand among them.
SCANNED = 20_000
#: What experiments, trials and components may be called.
NAME_LIMIT = 120
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*")


def region_of(uri: str) -> str:
    """The region that ``experiments:`` means here; raises TrackingError where none is known."""
    with told_apart(uri, "the region was looked up"):
        return Cloud().region


@contextlib.contextmanager
def told_apart(uri: str, doing: str) -> Iterator[None]:
    """AWS's errors, and a missing package, become TrackingError: a job goes on without its tracker."""
    try:
        with explained(doing):
            yield
    except (AWSError, MissingExtraError) as error:
        raise TrackingError(f"the tracker at {uri} failed: {error}") from error


def trial_of(experiment: str, trial: str) -> str:
    """The trial's name; that of a run which was given none tells the experiment and the day."""
    return trial or f"{experiment[:109]}-{dt.datetime.now(dt.timezone.utc):%Y-%m-%d}"


def ensure_trial(cloud: Cloud, experiment: str, trial: str) -> str:
    """The experiment and the trial, made where they are missing, also when another makes them at the same time.

    Returns:
        The trial's name.

    Raises:
        AWSError: a name is not allowed, AWS refuses, or the trial belongs to another experiment.
        MissingExtraError: the extra ``aws`` is not installed.
    """
    _check("experiment", experiment)
    name = trial_of(experiment, trial)
    _check("trial", name)
    sm = classes()
    client = cloud.client("sagemaker")
    tags = [{"Key": "segwidgets", "Value": __version__}]
    with explained(f"experiment {experiment!r} was made ready"):
        _made(
            lambda: sm.Experiment.create(experiment_name=experiment, tags=tags, sagemaker_boto_client=client),
            lambda: sm.Experiment.load(experiment_name=experiment, sagemaker_boto_client=client),
        )
    with explained(f"trial {name!r} was made ready"):
        found = _found(lambda: sm.Trial.load(trial_name=name, sagemaker_boto_client=client))
        if found is None:
            _made(
                lambda: sm.Trial.create(
                    experiment_name=experiment, trial_name=name, tags=tags, sagemaker_boto_client=client
                ),
                lambda: sm.Trial.load(trial_name=name, sagemaker_boto_client=client),
            )
            found = sm.Trial.load(trial_name=name, sagemaker_boto_client=client)
    if found.experiment_name != experiment:
        raise AWSError(
            f"trial={name!r} is not allowed: a trial of this name belongs to experiment {found.experiment_name!r}. "
            "Choose another name."
        )
    return name


def _check(what: str, name: str) -> None:
    """Raises AWSError where Experiments has no such names: its client lets them through."""
    if len(name) > NAME_LIMIT or not _NAME.fullmatch(name):
        raise AWSError(
            f"{what}={name!r} is not allowed: in SageMaker Experiments it must be 1 to {NAME_LIMIT} letters, digits "
            "and hyphens, with a letter or digit at both ends."
        )


def _made(create: Any, load: Any) -> Any:
    """What is created, or loaded where it is there already or may only be looked at; the first error counts."""
    from botocore.exceptions import ClientError

    try:
        return create()
    except ClientError:
        with contextlib.suppress(ClientError):
            return load()
        raise


def _found(load: Any) -> Any:
    """What is loaded, or None where there is no such thing."""
    from botocore.exceptions import ClientError

    try:
        return load()
    except ClientError as error:
        if _is_missing(error):
            return None
        raise


def _is_missing(error: ClientError) -> bool:
    said = error.response.get("Error", {})
    text = str(said.get("Message", "")).lower()
    return said.get("Code") in {"ResourceNotFound", "ResourceNotFoundException"} or (
        said.get("Code") == "ValidationException" and ("could not find" in text or "does not exist" in text)
    )


class ExperimentsTracker:
    """A `Tracker` and a `Board` on SageMaker Experiments.

    Args:
        uri: ``experiments:REGION``, or ``experiments:`` for the environment's region.
        cloud: the account and region; those of the environment and the address by default.

    Raises TrackingError, also where the extra ``aws`` is not installed.
    """

    def __init__(self, uri: str = SCHEME, cloud: Cloud | None = None) -> None:
        self.uri = uri
        with told_apart(uri, "it was opened"):
            self._sm = classes()
            self._cloud = cloud or Cloud(uri.removeprefix(SCHEME) or None)
            self._client = self._cloud.client("sagemaker")
        self._components: dict[str, Component] = {}

    # -- a Tracker -----------------------------------------------------------------------------------------------------

    def start(
        self, *, experiment: str, name: str, tags: Mapping[str, str], trial: str = "", at: float | None = None
    ) -> str:
        """Begin a run; its id is the component's name. Experiment and trial are made when they are missing."""
        begun = time.time() if at is None else at
        with told_apart(self.uri, f"run {name!r} was begun"):
            # A job's component stands in its trial already, and a job's role may not be allowed to make any.
            component = self._of_the_job(name) or self._own(name, experiment, trial)
            component.tag({**tags, "segwidgets.trial": trial, "segwidgets.experiment": experiment})
            component.number(f"{OWN}started", begun)
            component.state("running", at=begun)
            component.save()
        self._components[component.name] = component
        return component.name

    def _of_the_job(self, name: str) -> Component | None:
        """The component that AWS makes for the training job we are in; None elsewhere, or where it does not come."""
        arn = os.environ.get("TRAINING_JOB_ARN", "")
        if not arn:
            return None
        meant = arn.rpartition("/")[2] or name
        until = time.monotonic() + PATIENCE
        while True:
            found = self._load(meant + JOB_SUFFIX)
            if found is not None:
                return found
            if time.monotonic() >= until:
                _log.warning(
                    "AWS has made no trial component for job %s within %g s: the run has one of its own",
                    meant,
                    PATIENCE,
                )
                return None
            time.sleep(BETWEEN)

    def _own(self, name: str, experiment: str, trial: str) -> Component:
        from botocore.exceptions import ClientError

        _check("name", name)
        group = self._sm.Trial.load(
            trial_name=ensure_trial(self._cloud, experiment, trial), sagemaker_boto_client=self._client
        )
        found = self._load(name)
        if found is not None and not found.may_be(experiment):
            raise TrackingError(
                f"name={name!r} is not allowed: there is a trial component of this name in {self.uri}, which is "
                "another run's. Choose another name."
            )
        if found is None:
            try:
                self._sm.TrialComponent.create(
                    trial_component_name=name,
                    display_name=name,
                    tags=[{"Key": "segwidgets", "Value": __version__}],
                    sagemaker_boto_client=self._client,
                )
            except ClientError:
                if self._load(name) is None:  # nobody made it meanwhile
                    raise
            found = self._load(name)
        if found is None:
            raise TrackingError(f"trial component {name!r} was made in {self.uri}, and is not there")
        group.add_trial_component(name)
        return found

    def _load(self, name: str) -> Component | None:
        tracker = _found(
            lambda: self._sm.Tracker.load(
                trial_component_name=name,
                boto3_session=self._cloud.session,
                sagemaker_boto_client=self._client,
            )
        )
        return None if tracker is None else Component(tracker, self._sm)

    def find(self, *, experiment: str, name: str) -> str | None:
        """The name of the component that this run has, or None."""
        with told_apart(self.uri, f"run {name!r} was looked for"):
            for candidate in (name + JOB_SUFFIX, name):
                found = self._load(candidate)
                if found is not None and found.is_of(experiment):
                    self._components[candidate] = found
                    return candidate
        return None

    def log(
        self,
        run_id: str,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        documents: Mapping[str, str | bytes] | None = None,
        links: Mapping[str, str] | None = None,
        step: int = 0,
    ) -> None:
        """Add to a run. Metrics become parameters too: nothing else can be read back outside of a training job.

        Documents go to ``$SEGWIDGETS_ARTIFACTS`` under the run's name; without it they are left out.
        """
        with told_apart(self.uri, f"run {run_id} was written"):
            component = self._component(run_id)
            component.tag(tags or {})
            for key, value in (metrics or {}).items():
                if math.isfinite(value):
                    component.number(f"{METRIC}{key}", float(value))
                    component.measure(key, float(value), step)
                else:
                    _log.info("metric %s=%s of run %s is left out: it is not a finite number", key, value, run_id)
            for key, text in (params or {}).items():
                component.text(key, text)
            for key, place in {**(links or {}), **self._keep(run_id, documents or {})}.items():
                component.link(key, place)
            component.save()

    def _keep(self, run_id: str, documents: Mapping[str, str | bytes]) -> dict[str, str]:
        """Upload the documents; returns their links."""
        folder = os.environ.get(ARTIFACTS, "").rstrip("/")
        if not documents:
            return {}
        if not folder:
            _log.info("%s of run %s are left out: $%s names no place", ", ".join(documents), run_id, ARTIFACTS)
            return {}
        bucket, _, prefix = folder.removeprefix("s3://").partition("/")
        if not folder.startswith("s3://") or not bucket:
            raise TrackingError(f"${ARTIFACTS}={folder!r} is not allowed: it must be s3://BUCKET/PREFIX.")
        places = {}
        for name, content in documents.items():
            key = "/".join(part for part in (prefix, run_id, name) if part)
            body = content.encode() if isinstance(content, str) else content
            self._cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
            places[f"output/{name}"] = f"s3://{bucket}/{key}"
        return places

    def _component(self, run_id: str) -> Component:
        if run_id not in self._components:
            found = self._load(run_id)
            if found is None:
                raise TrackingError(f"the tracker at {self.uri} knows no run {run_id!r}")
            self._components[run_id] = found
        return self._components[run_id]

    def end(self, run_id: str, state: State, reason: str | None = None, *, at: float | None = None) -> None:
        """End a run; the reason is the status's message, and the tag ``reason``."""
        ended = time.time() if at is None else at
        with told_apart(self.uri, f"run {run_id} was ended"):
            component = self._component(run_id)
            if reason:
                component.tag({"reason": cut(reason)})
            component.number(f"{OWN}ended", ended)
            component.state(state, reason, at=ended)
            component.save()
            component.close()

    # -- a Board -------------------------------------------------------------------------------------------------------

    def experiments(self) -> dict[str, str]:
        """The experiments of the region: name -> name."""
        with told_apart(self.uri, "its experiments were listed"):
            listed = self._sm.Experiment.list(sagemaker_boto_client=self._client)
            return {item.experiment_name: item.experiment_name for item in listed}

    def search(self, experiments: Mapping[str, str], limit: int) -> list[Run]:
        """The newest runs of ours in these experiments, newest first; other people's components are passed over."""
        runs: list[Run] = []
        if not experiments:
            return runs
        with told_apart(self.uri, "its runs were listed"):
            for seen, item in enumerate(self._newest(experiments)):
                if MARK in (item.parameters or {}):
                    run = described(item)
                    if run["experiment"] in experiments:
                        runs.append(run)
                if len(runs) >= limit:
                    break
                if seen >= SCANNED:
                    _log.warning("%s has more than %d trial components: older ones are not shown", self.uri, SCANNED)
                    break
        return sorted(runs, key=lambda run: run["started"], reverse=True)

    def _newest(self, experiments: Mapping[str, str]) -> Iterator[Any]:
        """The components of an experiment, or all of the account, newest first."""
        from botocore.exceptions import ClientError

        if len(experiments) == 1:
            try:
                yield from self._searched(self._sm.inside(next(iter(experiments))))
            except ClientError as error:
                if not str(error.response["Error"]["Code"]).startswith("Validation"):
                    raise
            else:
                return
        # Moto's server, and an account's search before its index has the property, know no parents.
        yield from self._searched(None)

    def _searched(self, expression: Any) -> Iterator[Any]:
        found: Iterator[Any] = self._sm.TrialComponent.search(
            search_expression=expression,
            sort_by="CreationTime",
            sort_order="Descending",
            max_results=100,
            sagemaker_boto_client=self._client,
        )
        return found
