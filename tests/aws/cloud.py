"""AWS as far as one machine can have it: the moto server over HTTP, and a training host that runs SageMaker's jobs.

moto records a training job and calls it completed. Here a host does what SageMaker does: it brings the channels from
S3 into ``/opt/ml``'s layout, runs the entry point in an environment of its own, streams its output to CloudWatch, takes
the result back to S3 and says how it ended; StopTrainingJob, which moto lacks, sends SIGTERM.

    python tests/aws/cloud.py [PORT]      prints what to set, and serves until it is stopped
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import requests
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.sagemaker.exceptions import ResourceInUseException
from moto.sagemaker.responses import SageMakerResponse
from moto.server import ThreadedMotoServer

REGION = "eu-central-1"
ACCOUNT = "123456789012"
BUCKET = f"sagemaker-{REGION}-{ACCOUNT}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/segwidgets-job"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/segwidgets:test"
GROUP = "/aws/sagemaker/TrainingJobs"
#: What boto3 needs to find the server and nothing else.
VARIABLES = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


class Host:
    """Runs one training job."""

    def __init__(self, address: str, work: Path, job: Any, environment: dict[str, str]) -> None:
        self.base = work / job.training_job_name
        self._address, self._job, self._environment = address, job, environment
        self._stop = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._stream = f"{job.training_job_name}/algo-1-{time.time_ns()}"
        job.training_job_status, job.training_end_time = "InProgress", None
        self._component = f"{job.training_job_name}-aws-training-job"
        self._say("Starting")
        threading.Thread(target=self._run, name=f"host-{job.training_job_name}", daemon=True).start()

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self._address,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",  # noqa: S106 - moto's
        )

    def stop(self) -> None:
        self._job.training_job_status = "Stopping"
        self._say("Stopping")
        self._stop.set()
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def _say(self, status: str) -> None:
        self._job.secondary_status = status
        self._job.secondary_status_transitions = [
            *(self._job.secondary_status_transitions if status != "Starting" else []),
            {"Status": status, "StartTime": utcnow(), "StatusMessage": status},
        ]

    def _end(self, state: str, reason: str | None = None) -> None:
        self._job.billable_time_in_seconds = max(1, round((utcnow() - self._job.training_start_time).total_seconds()))
        self._job.training_end_time = utcnow()
        if reason:
            self._job.failure_reason = reason[:1024]
        self._say(state)
        self.client("sagemaker").update_trial_component(
            TrialComponentName=self._component, Status={"PrimaryStatus": state}
        )
        self._job.training_job_status = state

    def _run(self) -> None:
        try:
            self._component_made()
            self._say("Downloading")
            self._bring()
            self._job.training_start_time = utcnow()
            self._say("Training")
            status = self._train()
            self._say("Uploading")
            self._take_back()
            failure = self.base / "output" / "failure"
            if self._stop.is_set():
                self._end("Stopped")
            elif status == 0:
                self._end("Completed")
            else:
                said = failure.read_text() if failure.exists() else ""
                self._end("Failed", f"AlgorithmError: {said}, exit code: {status}")
        except Exception as error:  # noqa: BLE001 - SageMaker's own faults end a job too
            self._end("Failed", f"InternalServerError: {error!r}")

    def _component_made(self) -> None:
        """What AWS does by itself and moto does not."""
        sagemaker, config = self.client("sagemaker"), self._job.experiment_config or {}
        sagemaker.create_trial_component(
            TrialComponentName=self._component,
            DisplayName=config.get("TrialComponentDisplayName", "Training"),
            Status={"PrimaryStatus": "InProgress"},
            StartTime=utcnow(),
        )
        if config.get("TrialName"):
            sagemaker.associate_trial_component(TrialComponentName=self._component, TrialName=config["TrialName"])

    def _bring(self) -> None:
        s3 = self.client("s3")
        for channel in self._job.input_data_config:
            place = self.base / "input" / "data" / channel["ChannelName"]
            place.mkdir(parents=True)
            bucket, _, prefix = channel["DataSource"]["S3DataSource"]["S3Uri"].removeprefix("s3://").partition("/")
            for one in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
                s3.download_file(bucket, one["Key"], str(place / one["Key"].removeprefix(prefix)))
        config = self.base / "input" / "config"
        config.mkdir(parents=True)
        (config / "hyperparameters.json").write_text(json.dumps(self._job.hyper_parameters))
        channels = {one["ChannelName"]: {"TrainingInputMode": "File"} for one in self._job.input_data_config}
        (config / "inputdataconfig.json").write_text(json.dumps(channels))
        hosts = {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"}
        (config / "resourceconfig.json").write_text(json.dumps(hosts))
        for name in ("model", "output/data"):
            (self.base / name).mkdir(parents=True)

    def _train(self) -> int:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.base),
            "NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR", ""),
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),  # a checkout beside the installed one
            **VARIABLES,
            "AWS_ENDPOINT_URL": self._address,
            **self._environment,
            "SAGEMAKER_BASE_DIR": str(self.base),
            "TRAINING_JOB_NAME": self._job.training_job_name,
            "TRAINING_JOB_ARN": self._job.arn,
        }
        if self._stop.is_set():
            return 143
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "segwidgets.jobs.train", "train"],
            cwd=self.base,
            env={name: value for name, value in environment.items() if value},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        logs = self.client("logs")
        if not logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]:
            logs.create_log_group(logGroupName=GROUP)
        logs.create_log_stream(logGroupName=GROUP, logStreamName=self._stream)
        assert self._process.stdout is not None
        with self._process:
            for line in self._process.stdout:
                if line.strip():
                    event = {"timestamp": int(time.time() * 1000), "message": line.rstrip("\n")}
                    logs.put_log_events(logGroupName=GROUP, logStreamName=self._stream, logEvents=[event])
        return self._process.returncode

    def _take_back(self) -> None:
        bucket, _, prefix = self._job.output_data_config["S3OutputPath"].removeprefix("s3://").partition("/")
        for source, name in (("output/data", "output.tar.gz"), ("model", "model.tar.gz")):
            packed = self.base / name
            with tarfile.open(packed, "w:gz") as archive:
                for path in sorted((self.base / source).iterdir()):
                    archive.add(path, path.name)
            key = f"{prefix}/{self._job.training_job_name}/output/{name}"
            self.client("s3").upload_file(str(packed), bucket, key)


@contextmanager
def hosting(work: Path, address: Callable[[], str]) -> Iterator[dict[str, Host]]:
    """moto's SageMaker with a training host behind it; the hosts by the job's name."""
    hosts: dict[str, Host] = {}
    create = SageMakerResponse.create_training_job

    def create_training_job(self: Any) -> Any:
        name = self._get_param("TrainingJobName")
        if name in self.sagemaker_backend.training_jobs:
            raise ResourceInUseException(message="Training job names must be unique within an AWS account and region")
        answer = create(self)
        job = self.sagemaker_backend.training_jobs[name]
        hosts[name] = Host(address(), work, job, self._get_param("Environment") or {})
        return answer

    def stop_training_job(self: Any) -> ActionResult:
        hosts[self._get_param("TrainingJobName")].stop()
        return EmptyResult()

    SageMakerResponse.create_training_job = create_training_job
    SageMakerResponse.stop_training_job = stop_training_job
    try:
        yield hosts
    finally:
        SageMakerResponse.create_training_job = create
        del SageMakerResponse.stop_training_job


@contextmanager
def serving(work: Path, port: int = 0) -> Iterator[tuple[str, dict[str, Host]]]:
    """The address of a server that holds a bucket, a role that SageMaker may take on, and an image; and its hosts."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    host, number = server.get_host_and_port()
    address = f"http://{host}:{number}"
    # All simulated accounts of one process are one: another test's must not be found here.
    requests.post(f"{address}/moto-api/reset", timeout=10)
    try:
        with hosting(work, lambda: address) as hosts:
            furnish(address)
            yield address, hosts
    finally:
        server.stop()


def furnish(address: str) -> None:
    """What an account has before the first job."""
    made: dict[str, Any] = {"region_name": REGION, "endpoint_url": address}
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    s3, iam, ecr = (boto3.client(name, **made, **keys) for name in ("s3", "iam", "ecr"))
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    iam.create_role(RoleName="segwidgets-job", AssumeRolePolicyDocument=json.dumps(TRUST))
    ecr.create_repository(repositoryName="segwidgets")
    docker = "application/vnd.docker"
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{docker}.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 2,
            "digest": "sha256:" + "0" * 64,
        },
        "layers": [],
    }
    ecr.put_image(repositoryName="segwidgets", imageManifest=json.dumps(manifest), imageTag="test")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), int((sys.argv[1:] or ["0"])[0])) as (url, _):
        told = {"variables": {**VARIABLES, "AWS_ENDPOINT_URL": url}, "role": ROLE, "image": IMAGE}
        print(json.dumps(told), flush=True)  # noqa: T201 - what whoever started it needs to know
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
