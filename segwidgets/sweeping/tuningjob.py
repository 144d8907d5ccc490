"""A tuning job of SageMaker as it goes on, read back as a sweep; any machine of the account can look at it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from segwidgets.aws import Cloud, explained
from segwidgets.compute.progress import Cancelled
from segwidgets.goals import Limits
from segwidgets.jobs.spec import SWEEP, SpecError, run_tags
from segwidgets.jobs.trial import OBJECTIVE, overlaid
from segwidgets.recipe import Recipe
from segwidgets.result import Progress
from segwidgets.sweeping.outcome import Sweep, Trial
from segwidgets.sweeping.places import Tried
from segwidgets.sweeping.search import trial_of
from segwidgets.tracking import address
from segwidgets.tracking.base import recipe_params

if TYPE_CHECKING:
    import datetime as dt

#: Seconds between two looks, and between two looks whether the sweep was cancelled.
_EVERY, _LOOK = 15.0, 0.2
_RUNNING = {"InProgress", "Stopping"}


class Tuning:
    """A tuning job.

    Args:
        cloud: the account and region.
        name: its name.
        tracking_uri: a tracker that only this machine can reach; it is told of each trial at the next look.
    """

    def __init__(self, cloud: Cloud, name: str, tracking_uri: str = "") -> None:
        self.cloud, self.name = cloud, name
        self._here = tracking_uri
        self._ended: dict[str, Trial] = {}
        self._sources: tuple[Recipe, dict[str, Any], str] | None = None

    @classmethod
    def load(cls, name: str, region: str | None = None, *, tracking_uri: str | None = None) -> Tuning:
        """The tuning job of that name, started by whomever; SpecError where it is none of ours."""
        uri = address.resolved(tracking_uri)
        found = cls(Cloud(region), name, ",".join(part for part in address.parts(uri) if address.is_local(part)))
        found._read(found._described())
        return found

    @property
    def status(self) -> str:
        """How it stands, in SageMaker's word: "InProgress", "Completed", "Failed", "Stopping" or "Stopped"."""
        return str(self._described()["HyperParameterTuningJobStatus"])

    @property
    def reason(self) -> str:
        """Why it failed, in SageMaker's words; "" where it did not. Raises AWSError."""
        return str(self._described().get("FailureReason") or "")

    def stop(self) -> None:
        """Stop it, and the training jobs that run. Raises AWSError."""
        with explained(f"tuning job {self.name} was stopped"):
            self.cloud.client("sagemaker").stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=self.name)

    def sweep(self) -> Sweep:
        """What it has found so far: the trials that have ended, in the order they were begun. Raises AWSError."""
        recipe, sweep, experiment = self._read(self._described())
        found = []
        for number, job in enumerate(self._jobs()):
            name = job["TrainingJobName"]
            if job["TrainingJobStatus"] in _RUNNING:
                continue
            if name not in self._ended:
                self._ended[name] = self._trial(number, job, recipe, sweep)
                self._track(self._ended[name], job, experiment)
            found.append(self._ended[name])
        return Sweep(self.name, (sweep["objective"],), tuple(found))

    def wait(
        self,
        *,
        every: float = _EVERY,
        progress: Callable[[Progress], None] | None = None,
        cancel: threading.Event | None = None,
        told: Callable[[Sweep], None] | None = None,
    ) -> Sweep:
        """Wait for its end. Ctrl-C leaves it running: `load` finds it again.

        Args:
            every: seconds between two looks.
            progress: called in this thread at each look.
            cancel: when set, the tuning job is stopped, with all its training jobs.
            told: called with the sweep when a trial has ended.

        Raises:
            AWSError: it failed, or AWS could not be asked.
            Cancelled: ``cancel`` was set.
        """
        seen = -1
        while True:
            said = self._described()
            state = said["HyperParameterTuningJobStatus"]
            made = self.sweep()
            if told is not None and len(made.trials) > max(seen, 0):
                told(made)
            seen = len(made.trials)
            if progress is not None:
                progress(self._standing(said, seen))
            if state not in _RUNNING:
                if state == "Failed" and not made.trials:
                    raise SpecError(
                        f"tuning job {self.name} failed: {said.get('FailureReason') or 'no reason is told'}"
                    )
                return made
            until = time.monotonic() + every
            while time.monotonic() < until:
                if cancel is not None and cancel.is_set():
                    self.stop()
                    raise Cancelled(f"tuning job {self.name} was told to stop")
                time.sleep(_LOOK)

    def _standing(self, said: dict[str, Any], done: int) -> Progress:
        _, sweep, _ = self._read(said)
        running = said.get("TrainingJobStatusCounters", {}).get("InProgress", 0)
        words = f"{done} of {sweep['budget']} trials done, {running} running in SageMaker"
        share = min(1.0, done / sweep["budget"])
        return Progress("trials", share, share, words)

    def _described(self) -> dict[str, Any]:
        with explained(f"tuning job {self.name} was looked at"):
            found: dict[str, Any] = self.cloud.client("sagemaker").describe_hyper_parameter_tuning_job(
                HyperParameterTuningJobName=self.name
            )
        return found

    def _jobs(self) -> list[dict[str, Any]]:
        """Its training jobs, in the order they were begun."""
        client, found = self.cloud.client("sagemaker"), []
        asked: dict[str, Any] = {"HyperParameterTuningJobName": self.name, "MaxResults": 100}
        while True:
            with explained(f"the trials of {self.name} were listed"):
                said = client.list_training_jobs_for_hyper_parameter_tuning_job(**asked)
            found += said["TrainingJobSummaries"]
            if not said.get("NextToken"):
                return sorted(found, key=lambda one: (one["CreationTime"], one["TrainingJobName"]))
            asked["NextToken"] = said["NextToken"]

    def _read(self, said: dict[str, Any]) -> tuple[Recipe, dict[str, Any], str]:
        """The recipe it starts from, what it looks for, and its experiment: out of the channel that its trials read."""
        if self._sources is None:
            job = said.get("TrainingJobDefinition") or {}
            places = {one["ChannelName"]: one["DataSource"]["S3DataSource"]["S3Uri"] for one in job["InputDataConfig"]}
            if "recipe" not in places:
                raise SpecError(f"tuning job {self.name!r} is no sweep of segwidgets: it has no channel 'recipe'.")
            bucket, _, prefix = places["recipe"].removeprefix("s3://").partition("/")
            s3 = self.cloud.client("s3")

            def text(name: str) -> str:
                with explained(f"{places['recipe']}{name} was read"):
                    return str(s3.get_object(Bucket=bucket, Key=f"{prefix}{name}")["Body"].read().decode())

            experiment = job.get("StaticHyperParameters", {}).get("experiment", "segwidgets")
            self._sources = Recipe.from_json(text("recipe.json")), json.loads(text(SWEEP)), experiment
        return self._sources

    def _trial(self, number: int, job: dict[str, Any], recipe: Recipe, sweep: dict[str, Any]) -> Trial:
        """A training job that has ended, as a trial."""
        name, state = job["TrainingJobName"], job["TrainingJobStatus"]
        with explained(f"trial {name} was looked at"):
            said = self.cloud.client("sagemaker").describe_training_job(TrainingJobName=name)
        told = {one["MetricName"]: float(one["Value"]) for one in said.get("FinalMetricDataList") or []}
        metrics = {key: value for key, value in told.items() if key != OBJECTIVE}
        begun, ended = said.get("TrainingStartTime"), said.get("TrainingEndTime")
        error = ""
        if state != "Completed":
            error, metrics = said.get("FailureReason") or f"SageMaker says {state}", {}
        elif not {"coverage", "clusters", "smallest"} <= set(metrics):
            error, metrics = "its scores were not found in its log", {}
        meant = overlaid(recipe, job["TunedHyperParameters"], sweep["tuned"], sweep["whole"])
        tried = Tried(meant, metrics, _seconds(begun, ended), error)
        return trial_of(number, name, tried, (sweep["objective"],), Limits.from_dict(sweep["limits"]))

    def _track(self, trial: Trial, job: dict[str, Any], experiment: str) -> None:
        """Tell the tracker that the job itself could not reach, once."""
        if not self._here:
            return
        tracker = address.tracker(self._here)
        if tracker.find(experiment=experiment, name=trial.name) is not None:
            return
        run = tracker.start(
            experiment=experiment,
            name=trial.name,
            tags=run_tags(trial.name, self.name),
            trial=self.name,
            at=job["CreationTime"].timestamp(),
        )
        documents = {"recipe.json": trial.recipe.to_json()}
        tracker.log(run, params=recipe_params(trial.recipe), metrics=trial.metrics, documents=documents)
        stopped = job["TrainingJobStatus"] == "Stopped"
        state: Any = "stopped" if stopped else "failed" if trial.error else "completed"
        tracker.end(run, state, trial.error or None)


def _seconds(begun: dt.datetime | None, ended: dt.datetime | None) -> float:
    return (ended - begun).total_seconds() if begun and ended else 0.0
