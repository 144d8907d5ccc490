"""Notebook instances as SageMaker has them: what moto lacks of them, with AWS's own refusals.

moto keeps instances and lifecycle configurations and lets nobody change one; its instances stop and start at once, and
it knows neither GPU types of today nor platforms. Here a change takes a few looks, and is refused where AWS refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import FakeSagemakerNotebookInstance
from moto.sagemaker.responses import SageMakerResponse

#: Looks that a change of state takes.
LOOKS = 2


class Notebooks:
    """What the instances are about to be: ``fails`` never come up, ``slow`` never get anywhere."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.platforms: dict[str, str] = {}
        self.fails: set[str] = set()
        self.slow: set[str] = set()
        self._ends: dict[str, tuple[int, str]] = {}

    def becomes(self, notebook: Any, by: str, end: str) -> None:
        notebook.status = by
        self._ends[notebook.notebook_instance_name] = (LOOKS, end)

    def look(self, notebook: Any) -> None:
        name = notebook.notebook_instance_name
        if name not in self._ends or name in self.slow:
            return
        left, end = self._ends.pop(name)
        if left:
            self._ends[name] = (left - 1, end)
        else:
            notebook.status = end


def _only(notebook: Any, *states: str) -> None:
    if notebook.status not in states:
        arn, wanted = notebook.arn, ", ".join(states)
        raise ValidationError(
            message=f"Status ({notebook.status}) not in ([{wanted}]). Unable to transition for ({arn})"
        )


@contextmanager
def noting() -> Iterator[Notebooks]:  # noqa: C901, PLR0915 - one call of AWS's after the other
    """moto's SageMaker with these instances in it."""
    book = Notebooks()

    def found(self: Any) -> Any:
        name = self._get_param("NotebookInstanceName")
        known = self.sagemaker_backend.notebook_instances
        if name not in known:
            raise ValidationError(message="RecordNotFound")
        return known[name]

    def describe_notebook_instance(self: Any) -> ActionResult:
        notebook = found(self)
        book.look(notebook)
        said = notebook.to_dict() | {
            "PlatformIdentifier": book.platforms.get(notebook.notebook_instance_name, "notebook-al2023-v1")
        }
        if notebook.status == "Failed":
            said["FailureReason"] = "the lifecycle script took longer than 5 minutes."
        return ActionResult(said)

    def stop_notebook_instance(self: Any) -> EmptyResult:
        notebook = found(self)
        _only(notebook, "InService")
        book.calls.append("stop")
        book.becomes(notebook, "Stopping", "Stopped")
        return EmptyResult()

    def start_notebook_instance(self: Any) -> EmptyResult:
        notebook = found(self)
        _only(notebook, "Stopped")
        book.calls.append("start")
        ends = "Failed" if notebook.notebook_instance_name in book.fails else "InService"
        book.becomes(notebook, "Pending", ends)
        return EmptyResult()

    def update_notebook_instance(self: Any) -> EmptyResult:
        notebook = found(self)
        _only(notebook, "Stopped", "Failed")
        book.calls.append("update")
        if self._get_param("DisassociateLifecycleConfig"):
            notebook.lifecycle_config_name = None
        elif name := self._get_param("LifecycleConfigName"):
            self.sagemaker_backend.describe_notebook_instance_lifecycle_config(name)
            notebook.lifecycle_config_name = name
        book.becomes(notebook, "Updating", "Stopped")
        return EmptyResult()

    def update_notebook_instance_lifecycle_config(self: Any) -> EmptyResult:
        name = self._get_param("NotebookInstanceLifecycleConfigName")
        self.sagemaker_backend.describe_notebook_instance_lifecycle_config(name)
        book.calls.append("update configuration")
        config = self.sagemaker_backend.notebook_instance_lifecycle_configurations[name]
        config.on_create, config.on_start = self._get_param("OnCreate"), self._get_param("OnStart")
        return EmptyResult()

    def delete_notebook_instance_lifecycle_config(self: Any) -> EmptyResult:
        name = self._get_param("NotebookInstanceLifecycleConfigName")
        using = [one for one in self.sagemaker_backend.notebook_instances.values() if one.lifecycle_config_name == name]
        if using:
            raise ValidationError(message=f"Unable to delete {name}: it is associated with {len(using)} instances.")
        self.sagemaker_backend.delete_notebook_instance_lifecycle_config(name)
        book.calls.append("delete configuration")
        return EmptyResult()

    def list_notebook_instances(self: Any) -> ActionResult:
        contains = self._get_param("NotebookInstanceLifecycleConfigNameContains", "")
        every = [one.to_dict() for one in self.sagemaker_backend.notebook_instances.values()]
        matching = [one for one in every if contains in (one.get("NotebookInstanceLifecycleConfigName") or "")]
        begin = int(self._get_param("NextToken", 0))
        page = {"NotebookInstances": matching[begin : begin + 2]}
        return ActionResult(page | ({"NextToken": str(begin + 2)} if begin + 2 < len(matching) else {}))

    with pytest.MonkeyPatch.context() as patch:
        for call in (
            describe_notebook_instance,
            stop_notebook_instance,
            start_notebook_instance,
            update_notebook_instance,
            update_notebook_instance_lifecycle_config,
            delete_notebook_instance_lifecycle_config,
            list_notebook_instances,
        ):
            patch.setattr(SageMakerResponse, call.__name__, call, raising=False)
        patch.setattr(FakeSagemakerNotebookInstance, "validate_instance_type", lambda *_: None)
        yield book
