"""One trial component of SageMaker Experiments, held to the limits of its API, and read back.

The client checks no limits, and smexperiments turns what it does not know into something else: a bool into 1.0, None
into "None", a number that is not finite into nothing. So only text and finite numbers go in from here.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateTrialComponent.html
"""

from __future__ import annotations

import datetime as dt
import logging
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segwidgets.tracking.base import MAX_VALUE, Run, State, cut
from segwidgets.tracking.smexperiments import Classes

_log = logging.getLogger(__name__)

#: Begin the names of parameters that are tags, metrics, and our own notes (times, state).
TAG = "tag."
METRIC = "metric."
OWN = "segwidgets."
#: The parameter that every run of ours has.
MARK = "tag.segwidgets.version"

#: What AWS adds to a training job's name for its component.
JOB_SUFFIX = "-aws-training-job"

PARAMETERS = 300
#: Of these many are kept for tags, metrics and our own notes, which are told after the parameters.
RESERVED = 100
KEY = 320
ARTIFACTS = 30
ARTIFACT_KEY = 128
ARTIFACT_VALUE = 2_048
MESSAGE = 1_024

_STATUS: dict[State, str] = {
    "running": "InProgress",
    "completed": "Completed",
    "failed": "Failed",
    "stopped": "Stopped",
}
_STATE: dict[str, State] = {"Stopping": "running", **{theirs: ours for ours, theirs in _STATUS.items()}}
_NAMED: dict[str, State] = {state: state for state in _STATUS}


class Component:
    """A trial component that is being written. Nothing is sent before `save`."""

    def __init__(self, tracker: Any, sm: Classes) -> None:
        self._tracker = tracker
        self._sm = sm
        component = tracker.trial_component
        self.of_a_job = component.source is not None or self.name.endswith(JOB_SUFFIX)
        if self.of_a_job:  # its status and times are AWS's to say: an old one must not be sent back
            component.status = component.start_time = component.end_time = None
        folder = os.environ.get("SAGEMAKER_METRICS_DIRECTORY", "")
        # A tracker that is loaded by name writes no metrics; the agent that reads them runs on a training host only.
        if os.environ.get("TRAINING_JOB_ARN") and folder and Path(folder).is_dir() and os.access(folder, os.W_OK):
            tracker._metrics_writer = sm.MetricsWriter(str(Path(folder) / f"{os.getpid()}.json"))

    @property
    def name(self) -> str:
        """Its name, unique in the account and region."""
        return str(self._tracker.trial_component.trial_component_name)

    @property
    def _parameters(self) -> dict[str, Any]:
        found: dict[str, Any] = self._tracker.trial_component.parameters
        return found

    def told(self, key: str) -> str | None:
        """A parameter as text; None where it was not told."""
        value = self._parameters.get(key)
        return None if value is None else str(value)

    def is_of(self, experiment: str) -> bool:
        """Whether it is a run of ours in this experiment, or a job's that has said nothing yet."""
        said = self.told(f"{TAG}segwidgets.experiment")
        return said == experiment or (said is None and self.of_a_job)

    def may_be(self, experiment: str) -> bool:
        """Whether a run in this experiment may take it: it is that run's, or nobody has said anything of it."""
        return self.is_of(experiment) or not self._parameters

    def text(self, key: str, value: object) -> None:
        """A parameter in words."""
        self._say(key, plain(value), PARAMETERS - RESERVED)

    def tag(self, tags: Mapping[str, str]) -> None:
        """Tags stand among the parameters: a component that AWS made for a job takes none of ours."""
        for key, value in tags.items():
            self._say(TAG + key, plain(value), PARAMETERS)

    def number(self, key: str, value: float) -> None:
        """A parameter that is a finite number."""
        self._say(key, float(value), PARAMETERS)

    def _say(self, key: str, value: str | float, most: int) -> None:
        short = cut(key, KEY)
        if short not in self._parameters and len(self._parameters) >= most:
            _log.warning("parameter %s of run %s is left out: it has %d already", short, self.name, most)
            return
        self._tracker.log_parameter(short, cut(value, MAX_VALUE) if isinstance(value, str) else value)

    def measure(self, key: str, value: float, step: int) -> None:
        """A metric of SageMaker's own, where we are on a training host that collects them."""
        if self._tracker._metrics_writer is None:
            return
        try:
            self._tracker.log_metric(key, value, iteration_number=step)
        except OSError as error:
            _log.warning("metrics of run %s are not collected by SageMaker: %s", self.name, error)
            self._tracker._metrics_writer = None

    def link(self, key: str, place: str) -> None:
        """An artifact: "input/…" is one that went in, anything else came out."""
        side, slash, name = key.partition("/")
        inward = bool(slash) and side == "input"
        short = cut(name if side in {"input", "output"} and slash else key, ARTIFACT_KEY)
        artifacts: dict[str, Any] = getattr(
            self._tracker.trial_component, "input_artifacts" if inward else "output_artifacts"
        )
        if len(place) > ARTIFACT_VALUE:
            _log.warning(
                "artifact %s of run %s is left out: its address has %d characters, %d are allowed",
                short,
                self.name,
                len(place),
                ARTIFACT_VALUE,
            )
            return
        artifacts.pop(short, None)  # the count of smexperiments takes a second word on it for another artifact
        if len(artifacts) >= ARTIFACTS:
            _log.warning("artifact %s of run %s is left out: it has %d already", short, self.name, ARTIFACTS)
            return
        (self._tracker.log_input if inward else self._tracker.log_output)(short, place)

    def state(self, state: State, reason: str | None = None, *, at: float) -> None:
        """How the run stands since ``at``. The status of a job's component is AWS's to say, so it is noted as well."""
        self._say(f"{OWN}state", state, PARAMETERS)
        if self.of_a_job:
            return
        component = self._tracker.trial_component
        when = dt.datetime.fromtimestamp(at, dt.timezone.utc)
        component.status = self._sm.Status(
            primary_status=_STATUS[state], message=cut(" ".join(reason.split()), MESSAGE) if reason else None
        )
        if state == "running":
            component.start_time = when
        else:
            component.end_time = when

    def save(self) -> None:
        """Send it."""
        self._tracker.trial_component.save()

    def close(self) -> None:
        """Nothing more is measured."""
        if self._tracker._metrics_writer is not None:
            self._tracker._metrics_writer.close()
            self._tracker._metrics_writer = None


def plain(value: object) -> str:
    """Any value as the text that stands for it: true, false, none, and numbers as they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "none" if value is None else str(value)


def described(item: Any) -> Run:
    """A run out of a search's answer."""
    said = {key: value.get("StringValue", value.get("NumberValue")) for key, value in (item.parameters or {}).items()}
    tags = {key.removeprefix(TAG): str(value) for key, value in said.items() if key.startswith(TAG)}
    metrics = {key.removeprefix(METRIC): float(value) for key, value in said.items() if key.startswith(METRIC)}
    own = {key: value for key, value in said.items() if key.startswith(OWN)}
    params = {key: str(value) for key, value in said.items() if not key.startswith((TAG, METRIC, OWN))}
    status = item.status or {}
    theirs = _STATE.get(str(status.get("PrimaryStatus", "")))
    noted = _NAMED.get(str(own.get(f"{OWN}state", "")))
    # AWS knows of a job that was killed; what we noted knows more than a status that stands still.
    state: State = theirs if theirs not in {None, "running"} or noted is None else noted  # type: ignore[assignment]
    if state == "failed" and status.get("Message") and "reason" not in tags:
        tags["reason"] = str(status["Message"])
    started = _milliseconds(own.get(f"{OWN}started")) or item.creation_time.timestamp() * 1000
    ended = _milliseconds(own.get(f"{OWN}ended"))
    if ended is None and state != "running":
        ended = item.last_modified_time.timestamp() * 1000
    return {
        "name": str(item.trial_component_name).removesuffix(JOB_SUFFIX),
        "run_id": str(item.trial_component_name),
        "experiment": tags.get("segwidgets.experiment", ""),
        "state": state,
        "started": started,
        "ended": ended,
        "params": params,
        "metrics": metrics,
        "tags": tags,
    }


def _milliseconds(seconds: Any) -> float | None:
    value = float(seconds) if seconds is not None else math.nan
    return value * 1000 if math.isfinite(value) else None
