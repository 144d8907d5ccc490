"""What moto lacks of tuning jobs: it tries hyperparameters at random, as real training jobs, and reads their logs."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.sagemaker.responses import SageMakerResponse

from .cloud import GROUP, REGION, Host


class Tuner:
    """Runs the training jobs of one tuning job, one after the other."""

    def __init__(self, address: str, backend: Any, job: Any, hosts: dict[str, Host]) -> None:
        self._address, self._backend, self._job, self._hosts = address, backend, job, hosts
        self.summaries: list[dict[str, Any]] = []
        self._stop = threading.Event()
        job.hyper_parameter_tuning_job_status = "InProgress"
        threading.Thread(target=self._run, name="tuner", daemon=True).start()

    def client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.client(service, endpoint_url=self._address, region_name=REGION, **keys)

    def stop(self) -> None:
        self._stop.set()
        self._job.hyper_parameter_tuning_job_status = "Stopping"
        for one in self.summaries:
            if one["TrainingJobStatus"] == "InProgress":
                self._hosts[one["TrainingJobName"]].stop()

    def _drawn(self, chance: random.Random) -> dict[str, str]:
        ranges = self._job.hyper_parameter_tuning_job_config["ParameterRanges"]
        found = {one["Name"]: chance.choice(one["Values"]) for one in ranges.get("CategoricalParameterRanges", [])}
        for one in ranges.get("IntegerParameterRanges", []):
            found[one["Name"]] = str(chance.randint(int(one["MinValue"]), int(one["MaxValue"])))
        for one in ranges.get("ContinuousParameterRanges", []):
            found[one["Name"]] = repr(chance.uniform(float(one["MinValue"]), float(one["MaxValue"])))
        return found

    def _run(self) -> None:
        try:
            self._tune()
        except Exception as error:  # noqa: BLE001 - the tuner's own faults end the tuning job too
            self._job.failure_reason = f"InternalServerError: {error!r}"
            self._job.hyper_parameter_tuning_job_status = "Failed"

    def _tune(self) -> None:
        definition, chance = self._job.training_job_definition, random.Random(1)
        for number in range(self._job.hyper_parameter_tuning_job_config["ResourceLimits"]["MaxNumberOfTrainingJobs"]):
            if self._stop.is_set():
                break
            tuned, name = self._drawn(chance), f"{self._job.hyper_parameter_tuning_job_name}-{number:03}-0f"
            static = {**definition["StaticHyperParameters"], "_tuning_objective_metric": "objective"}
            keys = ("AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig", "StoppingCondition")
            resources = definition.get("ResourceConfig") or definition["HyperParameterTuningResourceConfig"]
            self.client("sagemaker").create_training_job(
                TrainingJobName=name,
                HyperParameters={**static, **tuned},
                ResourceConfig=resources,
                Environment=definition.get("Environment", {}),
                **{key: definition[key] for key in keys},
            )
            summary = {
                "TrainingJobName": name,
                "TrainingJobArn": f"arn:aws:sagemaker:{REGION}:1:training-job/{name}",
                "CreationTime": utcnow(),
                "TrainingJobStatus": "InProgress",
                "TunedHyperParameters": tuned,
            }
            self.summaries.append(summary)
            if self._stop.is_set():  # it was told to stop while the job was made
                self._hosts[name].stop()
            job = self._backend.training_jobs[name]
            while job.training_job_status in {"InProgress", "Stopping"}:
                time.sleep(0.1)
            self._read(job, definition["AlgorithmSpecification"]["MetricDefinitions"], summary)
        ended = "Stopped" if self._stop.is_set() else "Completed"
        self._job.hyper_parameter_tuning_job_status = ended

    def _read(self, job: Any, metrics: list[dict[str, str]], summary: dict[str, Any]) -> None:
        """The last value of each metric that a line of the log tells, as SageMaker finds it."""
        logs, name = self.client("logs"), job.training_job_name
        lines: list[str] = []
        for stream in logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]:
            found = logs.get_log_events(logGroupName=GROUP, logStreamName=stream["logStreamName"], startFromHead=True)
            lines += [one["message"] for one in found["events"]]
        final = []
        for metric in metrics:
            told = [found[1] for line in lines if (found := re.search(metric["Regex"], line))]
            if told:
                final.append({"MetricName": metric["Name"], "Value": float(told[-1]), "Timestamp": utcnow()})
        job.final_metric_data_list = final
        if getattr(job, "failure_reason", ""):
            summary["FailureReason"] = job.failure_reason
        summary["TrainingJobStatus"] = job.training_job_status


@contextmanager
def tuning(address: str, hosts: dict[str, Host]) -> Iterator[dict[str, Tuner]]:
    """moto's SageMaker with tuners behind it; the tuners by the tuning job's name."""
    tuners: dict[str, Tuner] = {}
    create = SageMakerResponse.create_hyper_parameter_tuning_job

    def create_job(self: Any) -> Any:
        answer = create(self)
        name = self._get_param("HyperParameterTuningJobName")
        backend = self.sagemaker_backend
        tuners[name] = Tuner(address, backend, backend.hyper_parameter_tuning_jobs[name], hosts)
        return answer

    def listed(self: Any) -> ActionResult:
        found = tuners[self._get_param("HyperParameterTuningJobName")].summaries
        return ActionResult({"TrainingJobSummaries": [dict(one) for one in found]})

    def stop(self: Any) -> ActionResult:
        tuners[self._get_param("HyperParameterTuningJobName")].stop()
        return EmptyResult()

    SageMakerResponse.create_hyper_parameter_tuning_job = create_job
    SageMakerResponse.list_training_jobs_for_hyper_parameter_tuning_job = listed
    SageMakerResponse.stop_hyper_parameter_tuning_job = stop
    try:
        yield tuners
    finally:
        SageMakerResponse.create_hyper_parameter_tuning_job = create
        del SageMakerResponse.list_training_jobs_for_hyper_parameter_tuning_job
        del SageMakerResponse.stop_hyper_parameter_tuning_job
