from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from segwidgets.aws import AWSError, Cloud, CredentialsError
from segwidgets.lifecycle import bundle as bundles
from segwidgets.lifecycle import deploy
from segwidgets.lifecycle.bundle import Bundle
from segwidgets.lifecycle.deploy import Place, plan
from segwidgets.lifecycle.errors import LifecycleError

from .conftest import ACCOUNT, BUCKET, REGION, Instance
from .notebooks import Notebooks
from .plans import done, foreign, methods, refusals, scripts_in

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


def test_no_step_tells_a_script_or_the_bundle_itself(cloud: Cloud, bundle: Bundle, place: Place) -> None:
    texts = [step.text for step in plan(cloud, "rapids", bundle, place).steps]
    assert f"Body=<{len(bundle.content):,} bytes>" in texts[0]
    assert all(len(text) < 600 for text in texts)
    assert ACCOUNT in texts[0]
