"""What a deployment will ask of AWS, step by step: told before it is done, and done as it was told."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from segwidgets.aws import explained
from segwidgets.lifecycle.errors import LifecycleError

if TYPE_CHECKING:
    from segwidgets.aws import Cloud

#: Seconds between two looks at an instance, and how long it may take to get where it is going.
LOOKS = 5.0
PATIENCE = 1_200.0
#: Characters of a value that are shown whole.
_SHOWN = 200

Say = Callable[[str], None]
Pause = Callable[[float], None]


class WaitError(LifecycleError):
    """An instance that was waited for failed, or took too long. What was changed before stays changed."""


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of boto3: ``what`` says it as a sentence's end, as in "while the configuration was made"."""

    service: str
    method: str
    arguments: Mapping[str, Any]
    what: str

    @property
    def text(self) -> str:
        """The call as Python writes it; long texts and bytes by their length."""
        given = ", ".join(f"{name}={_shown(value)}" for name, value in self.arguments.items())
        return f"{self.service}.{self.method}({given})"

    def do(self, cloud: Cloud, say: Say, _pause: Pause) -> None:
        """Ask AWS. Raises AWSError."""
        say(self.text)
        with explained(self.what):
            getattr(cloud.client(self.service), self.method)(**self.arguments)


@dataclasses.dataclass(frozen=True)
class Wait:
    """Look at an instance until it is ``state``."""

    instance: str
    state: str
    patience: float = PATIENCE

    @property
    def text(self) -> str:
        """In words."""
        return f"wait until {self.instance} is {self.state}"

    def do(self, cloud: Cloud, say: Say, pause: Pause) -> None:
        """Wait. Raises WaitError where it fails, or takes too long."""
        began, last = time.monotonic(), ""
        while True:
            found = describe(cloud, self.instance)
            now = str(found["NotebookInstanceStatus"])
            passed = time.monotonic() - began
            if now != last:
                say(f"{self.instance} is {now} ({passed:.0f} s)")
                last = now
            if now == self.state:
                return
            if now == "Failed":
                raise WaitError(f"{self.instance} has failed: {_why(found)}")
            if passed > self.patience:
                raise WaitError(
                    f"{self.instance} is still {now} after {passed / 60:.0f} min, and should be {self.state}. Look at "
                    "it in the SageMaker console, and deploy again when it has settled."
                )
            pause(LOOKS)


Step = Call | Wait


def describe(cloud: Cloud, instance: str) -> dict[str, Any]:
    """What AWS says of a notebook instance. Raises AWSError."""
    with explained(f"notebook instance {instance} was looked at"):
        return dict(cloud.client("sagemaker").describe_notebook_instance(NotebookInstanceName=instance))


def _why(found: Mapping[str, Any]) -> str:
    said = str(found.get("FailureReason") or "AWS does not say why").rstrip(".")
    return (
        f"{said}. What its scripts printed is in CloudWatch: /aws/sagemaker/NotebookInstances, "
        f"{found.get('NotebookInstanceName', '')}/LifecycleConfigOnStart."
    )


def carry_out(cloud: Cloud, steps: Sequence[Step], *, say: Say, pause: Pause = time.sleep) -> None:
    """Do the steps in their order.

    Args:
        cloud: the account and region.
        steps: what to do.
        say: is told each call before it is made, and each state of an instance that is waited for.
        pause: waits some seconds between two looks; what it raises ends the waiting.

    Raises:
        AWSError: AWS refused a call. What came before it stays done.
        WaitError: an instance failed, or took too long.
    """
    off: set[str] = set()
    try:
        for step in steps:
            step.do(cloud, say, pause)
            if isinstance(step, Call) and step.method == "stop_notebook_instance":
                off.add(str(step.arguments["NotebookInstanceName"]))
            elif isinstance(step, Call) and step.method == "start_notebook_instance":
                off.discard(str(step.arguments["NotebookInstanceName"]))
    except BaseException:  # Ctrl-C, too
        for name in sorted(off):
            say(f"{name} was stopped for this and not started again. Once it is Stopped: {start_command(name)}")
        raise


def start_command(instance: str) -> str:
    """What starts an instance, for a message."""
    return f"aws sagemaker start-notebook-instance --notebook-instance-name {instance}"


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return f"<{len(value):,} bytes>"
    if isinstance(value, list):
        return f"[{', '.join(_shown(one) for one in value)}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name!r}: {_shown(one)}" for name, one in value.items()) + "}"
    if isinstance(value, str) and len(value) > _SHOWN:
        return f"<{len(value):,} characters>"
    return repr(value)
