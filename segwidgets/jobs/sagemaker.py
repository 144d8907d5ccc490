"""The SageMaker launcher: the trial, the uploads, the call, and a record that survives a network that drops."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from segwidgets import storage
from segwidgets.aws import AWSError, UnreachableError, explained
from segwidgets.jobs import sdk, shipping
from segwidgets.jobs.layout import Layout
from segwidgets.jobs.limits import check_request
from segwidgets.jobs.sagemakerjob import SageMakerJob
from segwidgets.jobs.spec import JobSpec, SpecError
from segwidgets.jobs.store import jobs_root
from segwidgets.tracking import process
from segwidgets.tracking.experiments import ensure_trial

if TYPE_CHECKING:
    from segwidgets.aws import Cloud
    from segwidgets.data import Table
    from segwidgets.jobs.settings import SageMakerSettings
    from segwidgets.result import Result

_log = logging.getLogger(__name__)


def environment(settings: SageMakerSettings, tracking: str) -> dict[str, str]:
    """The container's variables. With network isolation no tracker can be reached from inside, so none is named."""
    found = {"AWS_DEFAULT_REGION": settings.region, "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONUNBUFFERED": "1"}
    if settings.network_isolation:
        return {**found, "SEGWIDGETS_TRACKING_URI": "none:"}
    place = f"s3://{settings.bucket}/{settings.prefix}/artifacts"
    return {**found, "SEGWIDGETS_TRACKING_URI": tracking, "SEGWIDGETS_ARTIFACTS": place}


def arguments(settings: SageMakerSettings, spec: JobSpec, channels: dict[str, str], tracking: str) -> dict[str, Any]:
    """What `sdk.submit` is given."""
    return {
        "name": spec.name,
        "channels": channels,
        "hyperparameters": spec.hyperparameters(),
        "environment": environment(settings, tracking),
        "experiment": {
            "ExperimentName": spec.experiment,
            "TrialName": spec.trial,
            "TrialComponentDisplayName": spec.name,
        },
    }


def request(
    cloud: Cloud, settings: SageMakerSettings, spec: JobSpec, channels: dict[str, str], tracking: str
) -> dict[str, Any]:
    """The arguments of CreateTrainingJob, exactly as they would be sent, held to AWS's limits. Nothing is sent."""
    seen: list[dict[str, Any]] = []
    sdk.submit(cloud, settings, **arguments(settings, spec, channels, tracking), send=seen.append)
    check_request(seen[0])
    return seen[0]


def launch(
    cloud: Cloud,
    settings: SageMakerSettings,
    spec: JobSpec,
    table: Table,
    result: Result,
    *,
    local_tracking: str,
    remote_tracking: str,
    told: shipping.Told = lambda _done, _all: None,
) -> SageMakerJob:
    """Upload what is missing and start the job.

    The job's name is the token that keeps one click from becoming two jobs: SageMaker takes a name once. When the
    network fails under the call itself, the job is returned all the same, and its next look finds out whether it runs.

    Raises:
        SpecError: there is a job of this name, or the request is beyond a limit. Nothing was started.
        AWSError: AWS refused, or could not be reached before the call. Nothing was started.
    """
    layout = _assemble(settings, spec, local_tracking)
    job = SageMakerJob(layout.base, cloud)
    try:
        ensure_trial(cloud, spec.experiment, spec.trial)
        channels = shipping.ship(cloud, settings, spec, table, result, told=told)
        links = {f"input/{channel}": place for channel, place in channels.items()}
        links["output/result"] = f"s3://{settings.bucket}/{settings.prefix}/jobs/{spec.name}/output/output.tar.gz"
        layout.ledger.write_job({**layout.ledger.job, "links": links})
        sdk.submit(
            cloud,
            settings,
            **arguments(settings, spec, channels, remote_tracking),
            send=_sender(cloud, layout, spec),
        )
    except BaseException:
        if not layout.ledger.job.get("called"):
            shutil.rmtree(layout.base, ignore_errors=True)
        raise
    return job


def _assemble(settings: SageMakerSettings, spec: JobSpec, local_tracking: str) -> Layout:
    """The job's folder: its records, and the recipe."""
    root = jobs_root()
    root.mkdir(parents=True, exist_ok=True)
    place = root / spec.name
    try:
        place.mkdir()
    except FileExistsError:
        raise SpecError(f"name={spec.name!r} is not allowed: there is a job of this name. Choose another.") from None
    layout = Layout(place)
    for folder in (layout.model, layout.output_data):
        folder.mkdir(parents=True)
    storage.write_atomic(layout.channel("recipe") / "recipe.json", spec.recipe.to_json())
    storage.write_atomic(layout.channel("recipe") / "spec.json", spec.to_json())
    layout.ledger.write_job(
        {
            "name": spec.name,
            "target": "sagemaker",
            "region": settings.region,
            "settings": settings.to_dict(),
            "experiment": spec.experiment,
            "trial": spec.trial,
            "created": spec.created,
            "rows": spec.rows,
            "columns": spec.columns,
            "tracking_uri": local_tracking,
            "params": spec.params(),
            "tags": spec.tags(),
            "process": process.identity(),
        }
    )
    if not local_tracking:
        layout.ledger.mark_settled()
    return layout


def _sender(cloud: Cloud, layout: Layout, spec: JobSpec) -> Callable[[dict[str, Any]], Any]:
    """Sends the one request, with what is needed to find out later whether it arrived written down before it."""

    def send(request: dict[str, Any]) -> Any:
        check_request(request)
        ledger = layout.ledger
        ledger.write_job({**ledger.job, "called": time.time(), "request": request})
        answer: dict[str, Any] = {}
        try:
            with explained(f"training job {spec.name} was created"):
                answer = cloud.client("sagemaker").create_training_job(**request)
        except UnreachableError as error:
            _log.warning("%s; whether %s runs is found out by the next look", error, spec.name)
            return answer
        except AWSError:
            # boto3 tries again by itself when an answer is lost, and is then told that the name is taken.
            if not _is_ours(cloud, spec):
                ledger.write_job({key: value for key, value in ledger.job.items() if key != "called"})
                raise
        ledger.write_job({**ledger.job, "answered": True, "arn": answer.get("TrainingJobArn", "")})
        return answer

    return send


def _is_ours(cloud: Cloud, spec: JobSpec) -> bool:
    """Whether the job of this name is the one that was just asked for."""
    try:
        with explained(f"training job {spec.name} was looked at"):
            said = cloud.client("sagemaker").describe_training_job(TrainingJobName=spec.name)
    except AWSError:
        return False
    return bool(said.get("HyperParameters", {}).get("token") == spec.token)
