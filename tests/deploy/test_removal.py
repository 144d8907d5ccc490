from __future__ import annotations

import pytest

from segwidgets.aws import Cloud
from segwidgets.lifecycle.bundle import Bundle
from segwidgets.lifecycle.deploy import Place, plan, removal
from segwidgets.lifecycle.errors import LifecycleError

from .conftest import REGION, Instance, config_of
from .notebooks import Notebooks
from .plans import done, methods, refusals


def test_a_configuration_that_nobody_uses_is_deleted(cloud: Cloud, bundle: Bundle, place: Place) -> None:
    done(cloud, plan(cloud, "rapids", bundle, place))
    made = removal(cloud, "rapids")
    assert "--- on-start.sh (in AWS)\n+++ /dev/null" in made.diff
    done(cloud, made)
    with pytest.raises(LifecycleError, match=f"no lifecycle configuration 'rapids' in {REGION}: nothing to remove"):
        removal(cloud, "rapids")


def test_one_in_use_is_not_and_its_users_are_named(
    cloud: Cloud, bundle: Bundle, place: Place, instance: Instance
) -> None:
    for name in ("rapids", "rapids-2"):
        done(cloud, plan(cloud, name, bundle, place))
    for at in range(5):
        instance(f"crm-{at}", on=at == 0, config="rapids-2" if at == 3 else "rapids")
    made = removal(cloud, "rapids", instances=["crm-1"])
    assert "rapids is used by crm-0 (InService), crm-2 (Stopped), crm-4 (Stopped)." in refusals(made)


def test_it_is_taken_off_the_stopped_instances_that_are_named(
    cloud: Cloud, bundle: Bundle, place: Place, instance: Instance, notebooks: Notebooks
) -> None:
    done(cloud, plan(cloud, "rapids", bundle, place))
    names = [instance(name, config="rapids") for name in ("one", "two")]
    done(cloud, removal(cloud, "rapids", instances=names))
    assert notebooks.calls == ["update", "update", "delete configuration"]
    assert [config_of(cloud, name) for name in names] == [None, None]


def test_it_is_not_taken_off_a_running_instance(cloud: Cloud, bundle: Bundle, place: Place, instance: Instance) -> None:
    done(cloud, plan(cloud, "rapids", bundle, place))
    made = removal(cloud, "rapids", instances=[instance(on=True, config="rapids")])
    assert "crm is InService: a lifecycle configuration can be taken off a stopped instance only." in refusals(made)


def test_an_instance_that_does_not_use_it_is_said_and_left_alone(
    cloud: Cloud, bundle: Bundle, place: Place, instance: Instance
) -> None:
    done(cloud, plan(cloud, "rapids", bundle, place))
    made = removal(cloud, "rapids", instances=[instance()])
    assert "crm does not use rapids." in made.notes
    assert methods(made) == ["delete_notebook_instance_lifecycle_config"]
