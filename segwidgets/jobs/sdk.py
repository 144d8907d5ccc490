"""The SageMaker SDK, all of it that is used, behind one function: the next SDK replaces this file.

``sagemaker`` 2.x, because 3.x has no public way to name an experiment. Its telemetry is off.
https://sagemaker.readthedocs.io/en/v2/api/training/estimators.html
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from segwidgets.aws import explained
from segwidgets.data.errors import missing_extra

if TYPE_CHECKING:
    from segwidgets.aws import Cloud
    from segwidgets.jobs.settings import SageMakerSettings

#: Read by the SDK when a session is made: no defaults of the machine's, no telemetry.
_CONFIG = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}

Request = dict[str, Any]


class _Gate:
    """A SageMaker client that hands the one request on to ``send`` and passes everything else through."""

    def __init__(self, send: Callable[[Request], Any], client: Any) -> None:
        self._send, self._client = send, client

    def create_training_job(self, **request: Any) -> Any:
        return self._send(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def submit(
    cloud: Cloud,
    settings: SageMakerSettings,
    *,
    name: str,
    channels: Mapping[str, str],
    hyperparameters: Mapping[str, str],
    environment: Mapping[str, str],
    experiment: Mapping[str, str],
    send: Callable[[Request], Any],
) -> None:
    """Have the SDK make the request for a training job, and ``send`` it.

    Args:
        cloud: the account and region.
        settings: where and how it runs.
        name: the job's name.
        channels: S3 address of each input channel.
        hyperparameters: text by name.
        environment: the container's variables.
        experiment: ``ExperimentName``, ``TrialName`` and ``TrialComponentDisplayName``.
        send: is given the arguments of CreateTrainingJob; it sends them, or looks at them.

    Raises:
        MissingExtraError: the SDK is not installed.
        AWSError: what ``send`` raised, in words.
    """
    os.environ.setdefault("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
    for logger in ("sagemaker", "sagemaker.config"):  # it tells where it looks for defaults that it does not take
        logging.getLogger(logger).setLevel(logging.WARNING)
    try:
        from sagemaker.estimator import Estimator
        from sagemaker.inputs import TrainingInput
        from sagemaker.session import Session
    except ImportError as error:
        raise missing_extra("aws", "a SageMaker job") from error
    session = Session(
        boto_session=cloud.session,
        sagemaker_client=_Gate(send, cloud.client("sagemaker")),
        default_bucket=settings.bucket,
        sagemaker_config=_CONFIG,
    )
    estimator = Estimator(
        image_uri=settings.image,
        role=settings.role,
        instance_count=settings.instance_count,
        instance_type=settings.instance_type,
        volume_size=settings.volume_gb,
        volume_kms_key=settings.volume_kms_key,
        max_run=settings.max_run,
        use_spot_instances=settings.spot,
        max_wait=settings.longest_wait if settings.spot else None,
        output_path=f"s3://{settings.bucket}/{settings.prefix}/jobs",
        output_kms_key=settings.kms_key,
        hyperparameters=dict(hyperparameters),
        environment=dict(environment),
        tags=[{"Key": key, "Value": value} for key, value in settings.tags],
        subnets=list(settings.subnets) or None,
        security_group_ids=list(settings.security_groups) or None,
        enable_network_isolation=settings.network_isolation,
        encrypt_inter_container_traffic=settings.encrypt_traffic,
        enable_sagemaker_metrics=True,
        disable_profiler=True,
        debugger_hook_config=False,
        sagemaker_session=session,
    )
    inputs = {channel: TrainingInput(address) for channel, address in channels.items()}
    with explained(f"training job {name} was created"):
        estimator.fit(inputs, wait=False, logs=False, job_name=name, experiment_config=dict(experiment))
