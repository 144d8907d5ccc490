"""The SageMaker SDK, all of it that is used, behind one function: the next SDK replaces this file.

``sagemaker`` 2.x, because 3.x has no public way to name an experiment. Its telemetry is off.
https://sagemaker.readthedocs.io/en/v2/api/training/estimators.html
"""

from __future__ import annotations

import dataclasses
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


@dataclasses.dataclass(frozen=True)
class Range:
    """What a tuned hyperparameter may be: one of ``choices``, or a number from ``low`` to ``high``, both included.

    ``whole``: whole numbers only; ``by_ratio``: searched by its logarithm.
    """

    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    by_ratio: bool = False


class _Gate:
    """A SageMaker client that hands the one request on to ``send`` and passes everything else through."""

    def __init__(self, send: Callable[[Request], Any], client: Any) -> None:
        self._send, self._client = send, client

    def create_training_job(self, **request: Any) -> Any:
        return self._send(request)

    def create_hyper_parameter_tuning_job(self, **request: Any) -> Any:
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
    estimator, inputs = _estimator(cloud, settings, channels, hyperparameters, environment, send)
    with explained(f"training job {name} was created"):
        estimator.fit(inputs, wait=False, logs=False, job_name=name, experiment_config=dict(experiment))


def tune(
    cloud: Cloud,
    settings: SageMakerSettings,
    *,
    name: str,
    channels: Mapping[str, str],
    hyperparameters: Mapping[str, str],
    environment: Mapping[str, str],
    ranges: Mapping[str, Range],
    metrics: Mapping[str, str],
    objective: str,
    trials: int,
    parallel: int,
    seconds: int | None,
    seed: int,
    send: Callable[[Request], Any],
) -> None:
    """Have the SDK make the request for a tuning job, and ``send`` it.

    Args:
        cloud: the account and region.
        settings: where and how each training job runs.
        name: the tuning job's name.
        channels: S3 address of each input channel.
        hyperparameters: text by name, those that are not tuned.
        environment: the container's variables.
        ranges: of the tuned hyperparameters.
        metrics: regular expressions that find a metric in a line of the log, by its name.
        objective: the metric that is to be as large as can be.
        trials: training jobs at most.
        parallel: training jobs at once.
        seconds: after which SageMaker ends it; None for no such end.
        seed: of the search.
        send: is given the arguments of CreateHyperParameterTuningJob; it sends them, or looks at them.

    Raises:
        MissingExtraError: the SDK is not installed.
        AWSError: what ``send`` raised, in words.
    """
    estimator, inputs = _estimator(cloud, settings, channels, hyperparameters, environment, send)
    from sagemaker.tuner import HyperparameterTuner

    tuner = HyperparameterTuner(
        estimator,
        objective_metric_name=objective,
        objective_type="Maximize",
        hyperparameter_ranges={key: _parameter(one) for key, one in ranges.items()},
        metric_definitions=[{"Name": key, "Regex": one} for key, one in metrics.items()],
        strategy="Bayesian",
        max_jobs=trials,
        max_parallel_jobs=parallel,
        max_runtime_in_seconds=seconds,
        early_stopping_type="Off",  # a trial tells its scores at its end, so there is nothing to stop it by
        random_seed=seed,
        tags=[{"Key": key, "Value": value} for key, value in settings.tags] or None,
    )
    with explained(f"tuning job {name} was created"):
        tuner.fit(inputs, job_name=name, wait=False)


def _parameter(one: Range) -> Any:
    from sagemaker.parameter import CategoricalParameter, ContinuousParameter, IntegerParameter

    if one.choices:
        return CategoricalParameter(list(one.choices))
    kind = IntegerParameter if one.whole else ContinuousParameter
    return kind(one.low, one.high, scaling_type="Logarithmic" if one.by_ratio else "Linear")


def _estimator(
    cloud: Cloud,
    settings: SageMakerSettings,
    channels: Mapping[str, str],
    hyperparameters: Mapping[str, str],
    environment: Mapping[str, str],
    send: Callable[[Request], Any],
) -> tuple[Any, dict[str, Any]]:
    """The SDK's estimator and inputs."""
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
    return estimator, {channel: TrainingInput(address) for channel, address in channels.items()}
