from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segwidgets.aws import AWSError, Cloud, CredentialsError
from segwidgets.lifecycle import bundle as bundles
from segwidgets.lifecycle import calls, deploy
from segwidgets.lifecycle.bundle import Bundle
from segwidgets.lifecycle.calls import WaitError, carry_out
from segwidgets.lifecycle.deploy import Place, Plan, plan, removal
from segwidgets.lifecycle.errors import LifecycleError

from .conftest import ACCOUNT, BUCKET, REGION, Instance, config_of, state_of
from .notebooks import Notebooks

Deployed = Callable[..., list[str]]


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


# -- bundle and configuration ------------------------------------------------------------------------------------------


def test_a_first_deployment_uploads_and_makes_the_configuration(cloud: Cloud, bundle: Bundle, place: Place) -> None:
    made = plan(cloud, "rapids", bundle, place)
    assert methods(made) == ["put_object", "create_notebook_instance_lifecycle_config"]
    done(cloud, made)
    key = f"segwidgets/kernels/{bundle.name}"
    assert cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read() == bundle.content
    for script in scripts_in(cloud).values():
        assert f"\nBUNDLE_URI='s3://{BUCKET}/{key}'\nBUNDLE_SHA256='{bundle.sha256}'\n".encode() in script


def test_a_plan_changes_nothing(cloud: Cloud, bundle: Bundle, place: Place, instance: Instance) -> None:
    plan(cloud, "rapids", bundle, place, instance=instance())
    assert "Contents" not in cloud.client("s3").list_objects_v2(Bucket=BUCKET)
    with pytest.raises(cloud.client("sagemaker").exceptions.ClientError):
        scripts_in(cloud)


def test_the_same_again_changes_nothing_and_says_so(cloud: Cloud, bundle: Bundle, place: Place) -> None:
    done(cloud, plan(cloud, "rapids", bundle, place))
    again = plan(cloud, "rapids", bundle, place)
    assert (again.steps, again.diff) == ((), "")
    assert again.notes == (
        f"The bundle is in S3 already: {place.uri(bundle)}",
        "Lifecycle configuration rapids is as it should be.",
    )


def test_a_new_bundle_is_a_small_diff(
    cloud: Cloud, bundle: Bundle, place: Place, project: Path, wheel: Path, notebooks: Notebooks
) -> None:
    done(cloud, plan(cloud, "rapids", bundle, place))
    (project / "conda-lock.yml").write_text("package: [1]\n")
    newer = bundles.build(wheel)
    made = plan(cloud, "rapids", newer, place)
    changed = [line for line in made.diff.splitlines() if line[0] in "+-"]
    assert len(changed) == 2 * (2 + 4)
    assert f"-BUNDLE_SHA256='{bundle.sha256}'" in changed
    assert f"+BUNDLE_SHA256='{newer.sha256}'" in changed
    done(cloud, made)
    assert notebooks.calls == ["update configuration"]
    assert newer.sha256.encode() in scripts_in(cloud)["OnStart"]


def test_a_changed_object_of_that_name_is_uploaded_anew(cloud: Cloud, bundle: Bundle, place: Place) -> None:
    done(cloud, plan(cloud, "rapids", bundle, place))
    other = bytes(len(bundle.content))
    cloud.client("s3").put_object(Bucket=BUCKET, Key=place.key(bundle), Body=other, ChecksumAlgorithm="SHA256")
    assert methods(plan(cloud, "rapids", bundle, place)) == ["put_object"]


def test_a_bundle_is_encrypted_with_the_teams_key_and_uploaded_anew_for_another(cloud: Cloud, bundle: Bundle) -> None:
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    done(cloud, plan(cloud, "rapids", bundle, Place(BUCKET)))
    keyed = Place(BUCKET, kms_key=key)
    made = plan(cloud, "rapids", bundle, keyed)
    assert methods(made) == ["put_object"]
    done(cloud, made)
    found = cloud.client("s3").head_object(Bucket=BUCKET, Key=keyed.key(bundle))
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", key)
    assert plan(cloud, "rapids", bundle, keyed).steps == ()


def test_what_is_deployed_is_bash(cloud: Cloud, bundle: Bundle, place: Place) -> None:
    done(cloud, plan(cloud, "rapids", bundle, place))
    for script in scripts_in(cloud).values():
        assert subprocess.run(["bash", "-n"], input=script, check=False).returncode == 0


def test_a_configuration_that_is_not_ours_is_not_overwritten_by_a_slip(
    cloud: Cloud, bundle: Bundle, place: Place, notebooks: Notebooks
) -> None:
    foreign(cloud)
    made = plan(cloud, "rapids", bundle, place)
    assert "its on-start.sh would be overwritten. Take another name, or --replace it" in refusals(made)
    assert "-echo mine" in made.diff
    done(cloud, plan(cloud, "rapids", bundle, place, replace=True))
    assert b"echo mine" not in scripts_in(cloud)["OnStart"]


@pytest.mark.parametrize("name", ["", "-x", "x-", "a b", "ä", "a" * 64, "a_b"])
def test_a_name_that_sagemaker_would_refuse_is_refused(cloud: Cloud, bundle: Bundle, place: Place, name: str) -> None:
    with pytest.raises(LifecycleError, match="is not allowed: 1 to 63 letters"):
        plan(cloud, name, bundle, place)


# -- where the bundle goes ---------------------------------------------------------------------------------------------


def test_the_bundle_goes_where_jobs_go(cloud: Cloud, tmp_path: Path) -> None:
    assert deploy.place(cloud) == Place(BUCKET, "segwidgets", None)
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "settings.toml").write_text(
        '[promote]\nbucket = "team"\nprefix = "seg"\nkms_key = "alias/team"\n'
    )
    assert deploy.place(cloud) == Place("team", "seg", "alias/team")
    assert deploy.place(cloud, bucket="mine", prefix="") == Place("mine", "", "alias/team")


def test_a_prefix_is_a_folder_and_may_be_empty(bundle: Bundle) -> None:
    assert Place("b", "/team/a/").uri(bundle) == f"s3://b/team/a/kernels/{bundle.name}"
    assert Place("b", "").uri(bundle) == f"s3://b/kernels/{bundle.name}"


def test_a_missing_bucket_is_refused_before_anything_changes(cloud: Cloud, bundle: Bundle) -> None:
    made = plan(cloud, "rapids", bundle, Place("nowhere-at-all"))
    assert made.steps == ()
    assert f"aws s3 mb s3://nowhere-at-all --region {REGION}" in refusals(made)


def test_a_bucket_of_another_region_is_refused(cloud: Cloud, bundle: Bundle) -> None:
    where = {"LocationConstraint": "us-west-2"}
    Cloud("us-west-2").client("s3").create_bucket(Bucket="far-away", CreateBucketConfiguration=where)
    made = plan(cloud, "rapids", bundle, Place("far-away"))
    assert f"Bucket 'far-away' is in us-west-2, the instance in {REGION}." in refusals(made)


def test_without_credentials_nothing_is_looked_at(
    cloud: Cloud, bundle: Bundle, place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(CredentialsError, match="aws configure"):
        plan(Cloud(), "rapids", bundle, place)


def test_a_network_that_is_down_is_said_in_words(bundle: Bundle, place: Place, cloud: Cloud) -> None:
    with pytest.raises(AWSError, match="could not be reached"):
        plan(Cloud(endpoint="http://127.0.0.1:9"), "rapids", bundle, place)


# -- onto an instance --------------------------------------------------------------------------------------------------


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


# -- away again --------------------------------------------------------------------------------------------------------


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


def test_no_step_tells_a_script_or_the_bundle_itself(cloud: Cloud, bundle: Bundle, place: Place) -> None:
    texts = [step.text for step in plan(cloud, "rapids", bundle, place).steps]
    assert f"Body=<{len(bundle.content):,} bytes>" in texts[0]
    assert all(len(text) < 600 for text in texts)
    assert ACCOUNT in texts[0]
