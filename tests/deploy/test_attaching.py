from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from segwidgets.aws import AWSError, Cloud
from segwidgets.lifecycle import bundle as bundles
from segwidgets.lifecycle import calls
from segwidgets.lifecycle.bundle import Bundle
from segwidgets.lifecycle.calls import WaitError, carry_out
from segwidgets.lifecycle.deploy import Place, plan
from segwidgets.lifecycle.errors import LifecycleError

from .conftest import REGION, Instance, config_of, state_of
from .notebooks import Notebooks
from .plans import done, foreign, methods, refusals


def test_a_stopped_instance_gets_the_configuration_and_stays_stopped(
    cloud: Cloud, bundle: Bundle, place: Place, instance: Instance, notebooks: Notebooks
) -> None:
    name = instance()
    made = plan(cloud, "rapids", bundle, place, instance=name)
    said = done(cloud, made)
    assert notebooks.calls == ["update"]
    assert (config_of(cloud, name), state_of(cloud, name)) == ("rapids", "Stopped")
    assert "sagemaker.update_notebook_instance(NotebookInstanceName='crm', LifecycleConfigName='rapids')" in said
    assert any("s3:GetObject" in note and ":role/notebook" in note for note in made.notes)


def test_a_running_instance_is_refused_before_anything_changes(
    cloud: Cloud, bundle: Bundle, place: Place, instance: Instance
) -> None:
    made = plan(cloud, "rapids", bundle, place, instance=instance(on=True))
    assert "crm is InService: a lifecycle configuration can be attached to a stopped instance only." in refusals(made)
    assert "--restart" in refusals(made)
    assert "aws sagemaker stop-notebook-instance --notebook-instance-name crm" in refusals(made)


def test_restart_stops_attaches_and_starts(
    cloud: Cloud, bundle: Bundle, place: Place, instance: Instance, notebooks: Notebooks
) -> None:
    name = instance(on=True)
    said = done(cloud, plan(cloud, "rapids", bundle, place, instance=name, restart=True))
    assert notebooks.calls == ["stop", "update", "start"]
    assert (config_of(cloud, name), state_of(cloud, name)) == ("rapids", "InService")
    states = [line.split()[2] for line in said if line.startswith("crm is ")]
    assert states == ["Stopping", "Stopped", "Updating", "Stopped", "Pending", "InService"]


def test_restart_leaves_a_stopped_instance_stopped_and_says_how_to_start_it(
    cloud: Cloud, bundle: Bundle, place: Place, instance: Instance, notebooks: Notebooks
) -> None:
    made = plan(cloud, "rapids", bundle, place, instance=instance(), restart=True)
    done(cloud, made)
    assert notebooks.calls == ["update"]
    assert "aws sagemaker start-notebook-instance --notebook-instance-name crm" in " ".join(made.notes)


def test_an_instance_on_its_way_is_waited_for(
    cloud: Cloud, bundle: Bundle, place: Place, instance: Instance, notebooks: Notebooks
) -> None:
    name = instance(on=True)
    cloud.client("sagemaker").stop_notebook_instance(NotebookInstanceName=name)
    notebooks.calls.clear()
    assert "crm is Stopping" in refusals(plan(cloud, "rapids", bundle, place, instance=name))
    made = plan(cloud, "rapids", bundle, place, instance=name, restart=True)
    done(cloud, made)
    assert notebooks.calls == ["update", "start"]


def test_an_instance_that_has_it_is_left_alone(
    cloud: Cloud, bundle: Bundle, place: Place, instance: Instance, notebooks: Notebooks
) -> None:
    done(cloud, plan(cloud, "rapids", bundle, place))
    name = instance(on=True, config="rapids")
    made = plan(cloud, "rapids", bundle, place, instance=name, restart=True)
    assert made.steps == ()
    assert "crm has this configuration already, and is InService." in made.notes


def test_new_scripts_wait_for_the_next_start_unless_it_is_to_be_now(
    cloud: Cloud, bundle: Bundle, project: Path, wheel: Path, place: Place, instance: Instance, notebooks: Notebooks
) -> None:
    done(cloud, plan(cloud, "rapids", bundle, place))
    name = instance(on=True, config="rapids")
    (project / "conda-lock.yml").write_text("package: [1]\n")
    newer = bundles.build(wheel)
    later = plan(cloud, "rapids", newer, place, instance=name)
    assert methods(later) == ["put_object", "update_notebook_instance_lifecycle_config"]
    assert "The new kernel comes with the next start of crm; --restart does it now." in later.notes
    done(cloud, plan(cloud, "rapids", newer, place, instance=name, restart=True))
    assert notebooks.calls == ["update configuration", "stop", "start"]


def test_another_configuration_is_not_taken_off_by_a_slip(
    cloud: Cloud, bundle: Bundle, place: Place, instance: Instance
) -> None:
    foreign(cloud, "theirs")
    name = instance(config="theirs")
    made = plan(cloud, "rapids", bundle, place, instance=name)
    assert "crm has the lifecycle configuration 'theirs', which would no longer run." in refusals(made)
    done(cloud, plan(cloud, "rapids", bundle, place, instance=name, replace=True))
    assert config_of(cloud, name) == "rapids"


def test_an_instance_that_is_not_there_is_named(cloud: Cloud, bundle: Bundle, place: Place, instance: Instance) -> None:
    instance()
    with pytest.raises(LifecycleError, match=f"there is no notebook instance 'other' in {REGION}"):
        plan(cloud, "rapids", bundle, place, instance="other")


def test_restart_without_an_instance_is_refused(cloud: Cloud, bundle: Bundle, place: Place) -> None:
    with pytest.raises(LifecycleError, match="--restart needs --instance"):
        plan(cloud, "rapids", bundle, place, restart=True)


def test_a_failed_instance_is_refused_with_its_reason(
    cloud: Cloud, bundle: Bundle, place: Place, instance: Instance, notebooks: Notebooks
) -> None:
    name = instance()
    notebooks.fails.add(name)
    cloud.client("sagemaker").start_notebook_instance(NotebookInstanceName=name)
    while state_of(cloud, name) != "Failed":
        pass
    made = plan(cloud, "rapids", bundle, place, instance=name, restart=True)
    assert "crm is Failed: the lifecycle script took longer than 5 minutes." in refusals(made)


# -- what will not do --------------------------------------------------------------------------------------------------

WARNED: list[tuple[dict[str, Any], str, str]] = [
    ({"kind": "ml.p3.2xlarge"}, "has no support for ml.p2, ml.p3", "Take ml.g4dn.xlarge (T4)"),
    ({"platform": "notebook-al2-v3"}, "notebook-al2-v3 is Amazon Linux 2 or older", "notebook-al2023-v1"),
    ({"volume": 5}, "Its volume has 5 GB.", "--volume-size-in-gb 50"),
    ({"internet": "Disabled"}, "no direct internet access", "NAT gateway"),
]


@pytest.mark.parametrize(("given", "words", "way_out"), WARNED)
def test_what_will_not_do_is_said_with_the_way_out(
    cloud: Cloud,
    bundle: Bundle,
    place: Place,
    instance: Instance,
    given: dict[str, Any],
    words: str,
    way_out: str,
) -> None:
    made = plan(cloud, "rapids", bundle, place, instance=instance(**given))
    (remark,) = made.remarks
    assert words in remark.text
    assert way_out in remark.way_out
    assert made.refused == ()
    assert "update_notebook_instance" in methods(made)


@pytest.mark.parametrize("given", [{"kind": "ml.p3.2xlarge"}, {"platform": "notebook-al2-v2"}])
def test_an_instance_that_may_never_start_again_is_not_stopped(
    cloud: Cloud, bundle: Bundle, place: Place, instance: Instance, given: dict[str, Any]
) -> None:
    name = instance(on=True, **given)
    made = plan(cloud, "rapids", bundle, place, instance=name, restart=True)
    assert "Once stopped it may never start again." in refusals(made)
    assert "--force" in refusals(made)
    forced = plan(cloud, "rapids", bundle, place, instance=name, restart=True, force=True)
    done(cloud, forced)
    assert state_of(cloud, name) == "InService"


def test_a_good_instance_has_no_remarks(cloud: Cloud, bundle: Bundle, place: Place, instance: Instance) -> None:
    assert plan(cloud, "rapids", bundle, place, instance=instance()).remarks == ()


# -- waiting -----------------------------------------------------------------------------------------------------------


def test_an_instance_that_does_not_come_up_says_where_to_look(
    cloud: Cloud, bundle: Bundle, place: Place, instance: Instance, notebooks: Notebooks
) -> None:
    name = instance(on=True)
    notebooks.fails.add(name)
    with pytest.raises(WaitError, match=r"took longer than 5 minutes\. What its scripts printed is in CloudWatch"):
        done(cloud, plan(cloud, "rapids", bundle, place, instance=name, restart=True))


def test_an_instance_that_gets_nowhere_is_not_waited_for_without_end(
    cloud: Cloud, instance: Instance, notebooks: Notebooks
) -> None:
    name = instance(on=True)
    notebooks.slow.add(name)
    cloud.client("sagemaker").stop_notebook_instance(NotebookInstanceName=name)
    with pytest.raises(WaitError, match="crm is still Stopping after"):
        carry_out(cloud, [calls.Wait(name, "Stopped", patience=0)], say=lambda _: None, pause=lambda _: None)


def test_ctrl_c_while_waiting_says_what_is_off(
    cloud: Cloud, bundle: Bundle, place: Place, instance: Instance, notebooks: Notebooks
) -> None:
    name = instance(on=True)
    made = plan(cloud, "rapids", bundle, place, instance=name, restart=True)
    said: list[str] = []

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(cloud, made.steps, say=said.append, pause=interrupted)
    assert notebooks.calls == ["stop"]
    assert "crm was stopped for this and not started again." in said[-1]
    assert "aws sagemaker start-notebook-instance --notebook-instance-name crm" in said[-1]


def test_a_refusal_after_the_stop_says_what_is_off(
    cloud: Cloud, bundle: Bundle, place: Place, instance: Instance
) -> None:
    name = instance(on=True)
    made = plan(cloud, "rapids", bundle, place, instance=name, restart=True)
    stops = [step for step in made.steps if isinstance(step, calls.Call) and step.service == "sagemaker"]
    said: list[str] = []
    with pytest.raises(AWSError, match="rapids was attached to crm"):  # nobody waited for it to be Stopped
        carry_out(cloud, stops[1:], say=said.append, pause=lambda _: None)
    assert "crm was stopped for this" in said[-1]
