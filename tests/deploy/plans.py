"""What the tests of deploying do with a plan."""

from __future__ import annotations

import base64

from segwidgets.aws import Cloud
from segwidgets.lifecycle import calls
from segwidgets.lifecycle.calls import carry_out
from segwidgets.lifecycle.deploy import Plan


def done(cloud: Cloud, made: Plan) -> list[str]:
    """Carries a plan out; what was said meanwhile."""
    assert made.refused == ()
    said: list[str] = []
    carry_out(cloud, made.steps, say=said.append, pause=lambda _seconds: None)
    return said


def methods(made: Plan) -> list[str]:
    return [step.method if isinstance(step, calls.Call) else step.text for step in made.steps]


def scripts_in(cloud: Cloud, name: str = "rapids") -> dict[str, bytes]:
    found = cloud.client("sagemaker").describe_notebook_instance_lifecycle_config(
        NotebookInstanceLifecycleConfigName=name
    )
    return {hook: base64.b64decode(found[hook][0]["Content"]) for hook in ("OnCreate", "OnStart")}


def foreign(cloud: Cloud, name: str = "rapids") -> None:
    """A configuration that somebody wrote by hand."""
    content = [{"Content": base64.b64encode(b"#!/bin/bash\necho mine\n").decode()}]
    cloud.client("sagemaker").create_notebook_instance_lifecycle_config(
        NotebookInstanceLifecycleConfigName=name, OnStart=content
    )


def refusals(made: Plan) -> str:
    return " ".join(f"{check.text} {check.way_out}" for check in made.refused)
