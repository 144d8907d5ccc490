"""A SageMaker training job, seen from any kernel, panel or shell: a folder of its records, and looks at AWS."""

from __future__ import annotations

import json
import re
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets import storage
from segwidgets.jobs.job import Job
from segwidgets.jobs.spec import SpecError
from segwidgets.jobs.store import jobs_root
from segwidgets.result import Progress
from segwidgets.tracking import process
from segwidgets.tracking.base import State

if TYPE_CHECKING:
    from segwidgets.aws import Cloud

#: Seconds between two looks at AWS, which allows few describe calls a second for a whole account.
LOOK_EVERY = 2.0
#: Seconds after a call without an answer until "AWS knows no such job" is believed.
SETTLES = 120.0
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
#: What the entry point prints of its progress; read back from the log.
PROGRESS_LINE = re.compile(r"progress (?P<overall>\d\.\d+) (?P<stage>\S+) (?P<message>.*)")

_ENDED = {"completed", "failed", "stopped"}
_STATES: dict[str, State] = {"Completed": "completed", "Failed": "failed", "Stopped": "stopped"}
_SECONDARY = {
    "Starting": (0.02, "Starting the instance"),
    "Pending": (0.02, "Waiting for an instance"),
    "LaunchingMLInstances": (0.02, "Starting the instance"),
    "PreparingTrainingStack": (0.04, "Preparing the instance"),
    "Downloading": (0.06, "Downloading the data"),
    "DownloadingTrainingImage": (0.06, "Downloading the image"),
    "Training": (0.1, "Running"),
    "Uploading": (0.96, "Uploading the result"),
    "Stopping": (0.96, "Stopping"),
    "Interrupted": (0.02, "Interrupted: the spot instance was taken away"),
    "Restarting": (0.02, "Starting again on another spot instance"),
}
_OVERTIME = {
    "MaxRuntimeExceeded": "SageMaker stopped it: max_run is over. Promote again with a larger max_run.",
    "MaxWaitTimeExceeded": "SageMaker stopped it: max_wait is over before a spot instance was done. Promote again with "
    "a larger max_wait, or without spot.",
}


class SageMakerJob(Job):
    """A job that runs in SageMaker. A look at it is kept for two seconds; one that has ended is never asked for again.

    Args:
        path: its folder, which the launcher or `Job.attach` made.
        cloud: the account and region; those of its record by default.
    """

    def __init__(self, path: Path, cloud: Cloud | None = None) -> None:
        super().__init__(path)
        self._cloud_given = cloud
        self._looked = 0.0
        #: Why the last look told nothing new; "" when it did.
        self.trouble = ""

    @property
    def cloud(self) -> Cloud:
        """The account and region that it runs in."""
        if self._cloud_given is None:
            from segwidgets.aws import Cloud

            self._cloud_given = Cloud(self._ledger.job.get("region"))
        return self._cloud_given

    # -- how it stands -------------------------------------------------------------------------------------------------

    @property
    def status(self) -> State:
        """One of "running", "completed", "failed" and "stopped"; `trouble` says when AWS could not be asked."""
        said = self._ledger.status.get("state", "running")
        if said not in _ENDED and time.monotonic() - self._looked >= LOOK_EVERY:
            self.look()
            said = self._ledger.status.get("state", "running")
        state: State = said if said in _ENDED else "running"
        if state in _ENDED:
            self._tell()
        return state

    def look(self) -> None:
        """Ask AWS how it stands, and write that down. Never raises: `trouble` says what went wrong."""
        from segwidgets.aws import AWSError, explained

        self._looked = time.monotonic()
        if self._ledger.status.get("state") in _ENDED:
            return
        try:
            with explained(f"job {self.name} was looked at"):
                said = self.cloud.client("sagemaker").describe_training_job(TrainingJobName=self.name)
            self._take_down(said)
            self.trouble = ""
        except (AWSError, OSError, ImportError) as error:
            if isinstance(error, AWSError) and is_unknown(error):
                self._absent()
            else:
                self.trouble = str(error)

    def _absent(self) -> None:
        """AWS knows no such job: it is not made yet, or its call never arrived, or it was deleted."""
        job = self._ledger.job
        launcher = job.get("process") or {}
        called = job.get("called")
        if called is None:
            alive = launcher.get("boot") == process.boot_id() and process.started(
                int(launcher.get("pid", 0))
            ) == launcher.get("started")
            if alive:
                return
            self._end("failed", "it never reached AWS: its launcher ended while it uploaded. Promote again.")
        elif job.get("answered"):
            self._end("failed", f"AWS knows no job {self.name} in {self.cloud.region} any more: it was deleted.")
        elif time.time() - float(called) > SETTLES:
            self._end("failed", "it never reached AWS: the call was lost with the network. Promote again.")

    def _take_down(self, said: Mapping[str, Any]) -> None:
        job = self._ledger.job
        if not job.get("answered"):  # the answer was lost, the job was not
            self._ledger.write_job({**job, "answered": True, "arn": said.get("TrainingJobArn", "")})
        begun = _seconds(said.get("TrainingStartTime") or said.get("CreationTime"))
        status = self._ledger.status | ({"begun": begun} if begun else {})
        state = _STATES.get(str(said.get("TrainingJobStatus")))
        if state is None:
            self._ledger.write_status({**status, "state": "running", **self._how_far(said)})
            return
        status["ended"] = _seconds(said.get("TrainingEndTime")) or time.time()
        if said.get("BillableTimeInSeconds") is not None:
            status["billable_seconds"] = float(said["BillableTimeInSeconds"])
        self._ledger.write_status(status)
        if state == "completed":
            self._fetch(said)
        else:
            secondary = str(said.get("SecondaryStatus", ""))
            reason = _OVERTIME.get(secondary) or str(said.get("FailureReason") or "")
            self._end(state, reason or ("stopped on request" if state == "stopped" else "SageMaker gives no reason"))

    def _end(self, state: State, reason: str) -> None:
        self._ledger.write_failure(reason)
        reason = " ".join(reason.split())
        self._ledger.write_status({"ended": time.time(), **self._ledger.status, "state": state, "reason": reason})

    def _how_far(self, said: Mapping[str, Any]) -> dict[str, Any]:
        secondary = str(said.get("SecondaryStatus", ""))
        overall, message = _SECONDARY.get(secondary, (0.02, secondary or "Waiting for SageMaker"))
        told = {"stage": secondary.lower() or "start", "done": 0.0, "overall": overall, "message": message}
        if secondary == "Training":
            for line in reversed(self._events(limit=50)):
                if found := PROGRESS_LINE.search(line):
                    # Its own measure begins and ends at nothing; before and after it stands SageMaker's own work.
                    return {**told, **found.groupdict(), "overall": 0.1 + 0.85 * float(found["overall"])}
        return told

    # -- what it left --------------------------------------------------------------------------------------------------

    def _fetch(self, said: Mapping[str, Any]) -> None:
        """Bring the output home, whole or not at all, and write down how it ended."""
        from segwidgets.aws import AWSError, explained

        address = f"{str(said['OutputDataConfig']['S3OutputPath']).rstrip('/')}/{self.name}/output/output.tar.gz"
        bucket, _, key = address.removeprefix("s3://").partition("/")
        packed = self.path / ".output.tar.gz"
        try:
            with explained(f"{address} was downloaded"):
                self.cloud.client("s3").download_file(bucket, key, str(packed))
            with storage.atomic_directory(self._layout.output_data) as work, tarfile.open(packed) as archive:
                archive.extractall(work, filter="data")
            judged = str(json.loads(self._layout.verdict.read_text())["verdict"])
            record = json.loads((self._layout.output_data / "record.json").read_text())
            record.pop("run_id", None)  # of the tracker inside; those outside have their own
        except AWSError as error:
            if error.code not in {"404", "NoSuchKey", "NotFound"}:
                raise
            self._end("failed", f"it completed, but its output is missing: {address}")
        except (tarfile.TarError, KeyError, TypeError, ValueError, FileNotFoundError) as error:
            self._end("failed", f"it completed, but its output cannot be read ({error}): {address}")
        else:
            record["metrics"] = {**record.get("metrics", {}), **self._spent()}
            self._ledger.write_record(record)
            done = {"stage": "done", "done": 1.0, "overall": 1.0, "message": judged}
            self._ledger.write_status({**self._ledger.status, **done, "state": "completed", "verdict": judged})
        finally:
            packed.unlink(missing_ok=True)

    def _fetch_recipe(self, said: Mapping[str, Any]) -> None:
        """Bring the recipe and the job's description home, which lie in its channel ``recipe``."""
        from segwidgets.aws import explained

        for channel in said.get("InputDataConfig", []):
            if channel["ChannelName"] == "recipe":
                address = str(channel["DataSource"]["S3DataSource"]["S3Uri"]).removeprefix("s3://")
                bucket, _, prefix = address.partition("/")
                place = self._layout.channel("recipe")
                place.mkdir(parents=True)
                for name in ("recipe.json", "spec.json"):
                    with explained(f"{name} of {self.name} was downloaded"):
                        self.cloud.client("s3").download_file(bucket, f"{prefix}{name}", str(place / name))

    def _spent(self) -> dict[str, float]:
        """Billable seconds, and USD where a price is known: of the on-demand price, which spot lies below."""
        from segwidgets.jobs.cost import price

        seconds = self._ledger.status.get("billable_seconds")
        if seconds is None:
            return {}
        settings = self._ledger.job.get("settings", {})
        known = price(str(settings.get("instance_type", "")), self.cloud.region)
        spent = {} if known is None else {"cost_usd": float(seconds) * known.hourly / 3600}
        return {"billable_seconds": float(seconds), **spent}

    @property
    def progress(self) -> Progress:
        """How far it is, by SageMaker's own status and by its log."""
        now = super().progress
        return Progress(now.stage, now.done, now.overall, f"{now.message} ({self.trouble})") if self.trouble else now

    def log(self) -> str:
        """The end of its log in CloudWatch; from disk once it has ended. Raises AWSError."""
        file = self.path / "log.txt"
        if file.exists():
            return file.read_text(errors="replace")
        text = "".join(line + "\n" for line in self._events(limit=10_000))
        if text and self.status in _ENDED:
            storage.write_atomic(file, text)
        return text

    def _events(self, limit: int) -> list[str]:
        """The last lines of the log, oldest first; none while there is no log yet."""
        from segwidgets.aws import AWSError, explained

        client = self.cloud.client("logs")
        try:
            with explained(f"the log of {self.name} was read"):
                streams = client.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{self.name}/")
                names = [stream["logStreamName"] for stream in streams["logStreams"]]
                if not names:
                    return []
                found = client.get_log_events(
                    logGroupName=LOG_GROUP, logStreamName=min(names), limit=limit, startFromHead=False
                )
        except AWSError as error:
            if error.code == "ResourceNotFoundException":
                return []
            raise
        return [str(event["message"]).rstrip("\n") for event in found["events"]]

    def stop(self) -> Job:
        """Ask SageMaker to stop it, and return it: SIGTERM, then two minutes for its last words. Raises AWSError."""
        from segwidgets.aws import AWSError, explained

        if self.status != "running":
            return self
        self._ledger.ask_stop()
        try:
            with explained(f"job {self.name} was stopped"):
                self.cloud.client("sagemaker").stop_training_job(TrainingJobName=self.name)
        except AWSError as error:
            self.look()
            if self._ledger.status.get("state") not in _ENDED:
                raise
            self.trouble = str(error)
        self._looked = 0.0
        return self


def is_unknown(error: Any) -> bool:
    """Whether AWS says that it knows no such job."""
    said = str(error).lower()
    return error.code in {"ResourceNotFound", "ResourceNotFoundException"} or (
        error.code == "ValidationException" and ("not find" in said or "not found" in said)
    )


def _seconds(moment: Any) -> float | None:
    return None if moment is None else float(moment.timestamp())


def attach(name: str, cloud: Cloud) -> SageMakerJob:
    """The job of that name in the account, also where another machine promoted it.

    Raises:
        SpecError: there is none, or it is no job of ours.
        AWSError: AWS cannot be asked.
    """
    from segwidgets.aws import AWSError, explained
    from segwidgets.jobs.spec import check_name, run_tags

    check_name("name", name, 63)
    place = jobs_root() / name
    if (place / "job.json").exists():
        return SageMakerJob(place, cloud)
    try:
        with explained(f"job {name} was looked for"):
            said = cloud.client("sagemaker").describe_training_job(TrainingJobName=name)
    except AWSError as error:
        if is_unknown(error):
            raise SpecError(
                f"there is no job {name!r} in {cloud.region}: look in another region, or at its name."
            ) from None
        raise
    headline = said.get("HyperParameters", {})
    if headline.get("job") != name:
        raise SpecError(f"{name!r} is a training job, but none that segwidgets promoted.")
    place.parent.mkdir(parents=True, exist_ok=True)
    with storage.atomic_directory(place) as work:
        job = SageMakerJob(work, cloud)
        for folder in (job._layout.model, job._layout.output_data):
            folder.mkdir(parents=True)
        job._ledger.write_job(
            {
                "name": name,
                "target": "sagemaker",
                "region": cloud.region,
                "experiment": headline.get("experiment", ""),
                "trial": headline.get("trial", ""),
                "created": _seconds(said["CreationTime"]),
                "tracking_uri": "",
                "params": {key: value for key, value in headline.items() if key not in {"job", "experiment", "trial"}},
                "tags": run_tags(name, headline.get("trial", "")),
                "called": _seconds(said["CreationTime"]),
                "answered": True,
                "arn": said.get("TrainingJobArn", ""),
            }
        )
        job._ledger.mark_settled()  # whoever promoted it has told its trackers
        job._fetch_recipe(said)
    return SageMakerJob(place, cloud)
