from __future__ import annotations

import dataclasses
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber
from moto.server import ThreadedMotoServer

from segwidgets.aws import Cloud
from segwidgets.jobs import checks, quota
from segwidgets.jobs.checks import Check
from segwidgets.jobs.preflight import Preflight, preflight, working_set
from segwidgets.jobs.settings import SageMakerSettings

REGION, ACCOUNT = "eu-central-1", "123456789012"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
SETTINGS = SageMakerSettings(
    region=REGION,
    role=f"arn:aws:iam::{ACCOUNT}:role/service-role/preflight-job",
    bucket="preflight-data",
    image=f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/preflight:1",
    instance_type="ml.m5.xlarge",
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    running.start()
    yield f"http://127.0.0.1:{port}"
    running.stop()


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Cloud]:
    """Makes a `Cloud` at an address, with test credentials and a home of its own."""
    monkeypatch.setenv("SEGWIDGETS_HOME", str(tmp_path))
    monkeypatch.setattr("segwidgets.aws.ATTEMPTS", 1)
    monkeypatch.setattr(quota, "_ATTEMPTS", 1)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    return lambda address: Cloud(endpoint=address)


@pytest.fixture
def cloud(server: str, account: Callable[[str], Cloud]) -> Cloud:
    """The account, with everything that ``SETTINGS`` names."""
    found = account(server)
    ignore = found.client("ecr").exceptions.RepositoryAlreadyExistsException
    try:
        found.client("ecr").create_repository(repositoryName="preflight")
    except ignore:
        return found
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": {"digest": "sha256:" + "0" * 64, "size": 1},
        "layers": [],
    }
    found.client("ecr").put_image(
        repositoryName="preflight", imageManifest=json.dumps(manifest), imageManifestMediaType=kind, imageTag="1"
    )
    found.client("s3").create_bucket(Bucket="preflight-data", CreateBucketConfiguration={"LocationConstraint": REGION})
    found.client("iam").create_role(
        RoleName="preflight-job", Path="/service-role/", AssumeRolePolicyDocument=json.dumps(TRUST)
    )
    trust = json.dumps(TRUST).replace("sagemaker.", "ec2.")
    found.client("iam").create_role(RoleName="preflight-ec2", AssumeRolePolicyDocument=trust)
    return found


def ask(
    cloud: Cloud, *, force: bool = False, name: str = "segwidgets-free", patience: float = 20.0, **given: Any
) -> Preflight:
    """A preflight of a small table; ``given`` changes the settings."""
    settings = dataclasses.replace(SETTINGS, **given)
    size = {"table_bytes": 10_000_000, "rows": 100_000, "columns": 10, "mode": "embedding"}
    return preflight(settings, job_name=name, cloud=cloud, force=force, patience=patience, **size)  # type: ignore[arg-type]


def check(found: Preflight, name: str) -> Check:
    return next(one for one in found.checks if one.name == name)


# -- against a server --------------------------------------------------------------------------------------------------


def test_an_account_that_has_everything_passes(cloud: Cloud) -> None:
    found = ask(cloud)
    assert found.ok
    # moto has no quotas of SageMaker's: what cannot be read is unknown, and does not stop the job.
    assert {one.name for one in found.checks if one.state != "ok"} == {"quota"}
    assert [one.name for one in found.checks] == [
        "credentials",
        "role",
        "bucket",
        "image",
        "instance",
        "quota",
        "disk",
        "memory",
        "network",
        "name",
        "cost",
    ]


def test_the_images_digest_is_told(cloud: Cloud) -> None:
    found = ask(cloud)
    assert found.image_digest.startswith("sha256:")
    assert found.image_digest in check(found, "image").text


def test_an_image_by_its_digest_is_found_too(cloud: Cloud) -> None:
    by_tag = ask(cloud).image_digest
    again = ask(cloud, image=SETTINGS.image.removesuffix(":1") + "@" + by_tag)
    assert check(again, "image").state == "ok"


@pytest.mark.parametrize(
    ("given", "name", "says", "way_out"),
    [
        ({"role": f"arn:aws:iam::{ACCOUNT}:role/nobody"}, "role", "There is no role 'nobody'", "name another"),
        ({"role": f"arn:aws:iam::{ACCOUNT}:role/preflight-ec2"}, "role", "not let SageMaker", "sts:AssumeRole"),
        ({"role": "arn:aws:iam::999999999999:role/x"}, "role", "of account 999999999999", f"role of {ACCOUNT}"),
        ({"bucket": "preflight-nowhere"}, "bucket", "no bucket 'preflight-nowhere'", "aws s3 mb"),
        ({"image": SETTINGS.image + "0"}, "image", "There is no image .*preflight:10", "segwidgets image push"),
        ({"image": SETTINGS.image.replace("/preflight", "/other")}, "image", "There is no image", "image push"),
        ({"instance_type": "ml.m5.xlrage"}, "instance", "Did you mean 'ml.m5.xlarge'", "update boto3"),
        ({"volume_kms_key": "k", "instance_type": "ml.g5.xlarge"}, "volume_kms_key", "disk of its own", "Leave"),
        (
            {"kms_key": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"},
            "kms_key",
            "is a key of us-east-1",
            f"a key of {REGION}",
        ),
    ],
)
def test_what_is_missing_is_refused_with_the_way_out(
    cloud: Cloud, given: dict[str, Any], name: str, says: str, way_out: str
) -> None:
    found = ask(cloud, **given)
    assert not found.ok
    one = check(found, name)
    assert one.state == "refused"
    assert re.search(says, one.text)
    assert way_out in one.way_out
    assert [other.name for other in found.checks if other.state == "refused"] == [name]


def test_a_bucket_of_another_region_is_refused(cloud: Cloud) -> None:
    there = cloud.session.client("s3", region_name="us-west-2", endpoint_url=cloud.endpoint)
    there.create_bucket(Bucket="preflight-west", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    one = check(ask(cloud, bucket="preflight-west"), "bucket")
    assert one.state == "refused"
    assert "is in us-west-2, the job in eu-central-1" in one.text


@pytest.mark.parametrize(
    ("image", "state"),
    [("docker.io/team/segwidgets:1", "unknown"), (SETTINGS.image.replace(REGION, "us-east-1"), "warning")],
)
def test_an_image_elsewhere_is_not_looked_at(cloud: Cloud, image: str, state: str) -> None:
    found = ask(cloud, image=image)
    assert check(found, "image").state == state
    assert found.image_digest == ""


def test_a_name_that_is_taken_is_refused(cloud: Cloud) -> None:
    cloud.client("sagemaker").create_training_job(
        TrainingJobName="segwidgets-taken",
        AlgorithmSpecification={"TrainingImage": SETTINGS.image, "TrainingInputMode": "File"},
        RoleArn=SETTINGS.role,
        OutputDataConfig={"S3OutputPath": "s3://preflight-data/x"},
        ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    assert check(ask(cloud, name="segwidgets-taken"), "name").state == "refused"


def test_force_lets_a_type_through_that_is_no_good(cloud: Cloud) -> None:
    assert check(ask(cloud, instance_type="ml.p2.xlarge"), "instance").state == "refused"
    assert check(ask(cloud, instance_type="ml.p2.xlarge", force=True), "instance").state == "warning"


def test_it_travels_as_json(cloud: Cloud) -> None:
    said = json.loads(json.dumps(ask(cloud).to_dict()))
    assert said["ok"] is True
    assert said["checks"][0]["name"] == "credentials"
    assert said["cost"]["ceiling"] > 0


# -- data, network, cost -----------------------------------------------------------------------------------------------


def sized(cloud: Cloud, *, rows: int, table_bytes: int, **given: Any) -> Preflight:
    settings = dataclasses.replace(SETTINGS, **given)
    return preflight(
        settings, job_name="free", table_bytes=table_bytes, rows=rows, columns=10, mode="embedding", cloud=cloud
    )


def test_data_beyond_the_volume_is_refused(cloud: Cloud) -> None:
    one = check(sized(cloud, rows=1_000, table_bytes=26 * 10**9, instance_type="ml.r5.24xlarge"), "disk")
    assert one.state == "refused"
    assert "volume_gb=50" in one.text


def test_a_built_in_disk_counts_instead_of_the_volume(cloud: Cloud) -> None:
    one = check(sized(cloud, rows=1_000, table_bytes=10**9, instance_type="ml.g4dn.xlarge", volume_gb=1), "disk")
    assert one.state == "ok"
    assert "125 GB" in one.text


@pytest.mark.parametrize(("rows", "state"), [(100_000, "ok"), (8_000_000, "warning"), (40_000_000, "refused")])
def test_data_beyond_the_memory_is_told(cloud: Cloud, rows: int, state: str) -> None:
    found = sized(cloud, rows=rows, table_bytes=10, instance_type="ml.m5.xlarge")
    assert check(found, "memory").state == state
    assert "of 16 GiB" in check(found, "memory").text


def test_a_refit_takes_more_memory_than_a_cut() -> None:
    assert working_set(0, 10**7, "refit") > working_set(0, 10**7, "embedding") > working_set(0, 0, "embedding")


def test_isolation_warns_that_no_tracker_is_reached(cloud: Cloud) -> None:
    one = check(ask(cloud, network_isolation=True), "network")
    assert one.state == "warning"
    assert "reaches no tracker" in one.text
    assert check(ask(cloud), "network").state == "ok"


def test_an_unknown_price_is_unknown_and_stops_nothing(cloud: Cloud) -> None:
    found = ask(cloud, instance_type="ml.r7i.xlarge")
    assert found.ok
    assert check(found, "cost").state == "unknown"
    assert found.cost is not None
    assert found.cost.ceiling is None


def test_a_broken_price_table_costs_the_cost_only(cloud: Cloud, tmp_path: Path) -> None:
    (tmp_path / "prices.json").write_text("{")
    found = ask(cloud)
    assert found.ok
    assert found.cost is None
    assert "cannot be read" in check(found, "cost").text


# -- what a server lacks -----------------------------------------------------------------------------------------------


@pytest.fixture
def stubbed(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Stubber]]:
    """Makes a stub of a service's client, which must be asked for all that it was told."""
    stubs: list[Stubber] = []
    monkeypatch.setattr(quota, "client", lambda _cloud: cloud.client("service-quotas"))

    def stub(service: str) -> Stubber:
        made = Stubber(cloud.client(service))
        made.activate()
        stubs.append(made)
        return made

    yield stub
    for made in stubs:
        made.deactivate()
        made.assert_no_pending_responses()


def quota_page(*entries: tuple[str, float], after: str | None = None) -> dict[str, Any]:
    listed = [{"QuotaName": name, "QuotaCode": f"L-{len(name)}", "Value": value} for name, value in entries]
    return {"Quotas": listed, **({"NextToken": after} if after else {})}


ON_DEMAND, SPOT = "ml.m5.xlarge for training job usage", "ml.m5.xlarge for spot training job usage"


@pytest.mark.parametrize(
    ("given", "listed", "state", "says"),
    [
        ({}, [(ON_DEMAND, 4.0), (SPOT, 0.0)], "ok", "4 at once"),
        ({}, [(ON_DEMAND, 0.0), (SPOT, 4.0)], "refused", "may have 0 of 1"),
        ({"spot": True}, [(ON_DEMAND, 4.0), (SPOT, 0.0)], "refused", "spot training job usage"),
        ({}, [("ml.m5.2xlarge for training job usage", 4.0)], "unknown", "has no 'ml.m5.xlarge for training"),
        ({"max_run": 500_000}, [(ON_DEMAND, 1.0), (quota.LONGEST, 432_000.0)], "refused", "max_run=500000 .* 432,000"),
        ({"max_run": 500_000}, [(ON_DEMAND, 1.0), (quota.LONGEST, 2_419_200.0)], "ok", "1 at once"),
    ],
)
def test_a_quota_is_held_against_the_job(
    cloud: Cloud,
    stubbed: Callable[[str], Stubber],
    given: dict[str, Any],
    listed: list[tuple[str, float]],
    state: str,
    says: str,
) -> None:
    stubbed("service-quotas").add_response("list_service_quotas", quota_page(*listed))
    one = checks.quotas(cloud, dataclasses.replace(SETTINGS, **given))
    assert one.state == state
    assert re.search(says, one.text)


def test_a_quota_is_looked_for_on_every_page_and_its_code_is_kept(
    cloud: Cloud, stubbed: Callable[[str], Stubber]
) -> None:
    stub = stubbed("service-quotas")
    stub.add_response("list_service_quotas", quota_page(("other", 1.0), after="next"))
    second = quota_page((ON_DEMAND, 2.0))
    stub.add_response(
        "list_service_quotas", second, {"ServiceCode": "sagemaker", "MaxResults": 100, "NextToken": "next"}
    )
    assert quota.quotas(cloud, [ON_DEMAND]) == {ON_DEMAND: 2.0}
    code = second["Quotas"][0]["QuotaCode"]
    stub.add_response("get_service_quota", {"Quota": {"Value": 3.0}}, {"ServiceCode": "sagemaker", "QuotaCode": code})
    assert quota.quotas(cloud, [ON_DEMAND]) == {ON_DEMAND: 3.0}


def test_a_kept_code_that_is_none_any_more_is_looked_up_anew(
    cloud: Cloud, stubbed: Callable[[str], Stubber], tmp_path: Path
) -> None:
    (tmp_path / quota.FILE).write_text(json.dumps({ON_DEMAND: "L-gone"}))
    stub = stubbed("service-quotas")
    stub.add_client_error("get_service_quota", "NoSuchResourceException")
    stub.add_response("list_service_quotas", quota_page((ON_DEMAND, 5.0)))
    assert quota.quotas(cloud, [ON_DEMAND]) == {ON_DEMAND: 5.0}


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "ServiceException"])
@pytest.mark.parametrize(
    ("service", "operation", "name"),
    [
        ("iam", "get_role", "role"),
        ("service-quotas", "list_service_quotas", "quota"),
        ("ecr", "describe_images", "image"),
        ("kms", "describe_key", "kms_key"),
        ("sagemaker", "describe_training_job", "name"),
        ("s3", "head_bucket", "bucket"),
    ],
)
def test_a_look_that_may_not_be_taken_is_unknown_and_stops_nothing(
    cloud: Cloud, stubbed: Callable[[str], Stubber], service: str, operation: str, name: str, code: str
) -> None:
    stubbed(service).add_client_error(operation, code, "not now")
    given = {"kms_key": "1234"} if name == "kms_key" else {}
    found = ask(cloud, **given)
    one = check(found, name)
    assert one.state == "unknown"
    assert one.text
    assert found.ok


def test_a_bucket_that_may_not_be_looked_at_is_unknown(cloud: Cloud, stubbed: Callable[[str], Stubber]) -> None:
    stubbed("s3").add_client_error("head_bucket", "403", "Forbidden", 403)
    one = checks.bucket(cloud, SETTINGS)
    assert one.state == "unknown"
    assert "another account's" in one.text


@pytest.mark.parametrize(
    ("metadata", "state", "says"),
    [
        ({"KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT"}, "ok", "enabled"),
        ({"KeyState": "PendingDeletion"}, "refused", "its state is PendingDeletion"),
        ({"KeyState": "Enabled", "KeyUsage": "SIGN_VERIFY", "KeySpec": "RSA_2048"}, "refused", "cannot encrypt"),
    ],
)
def test_a_key_must_be_able_to_encrypt(
    cloud: Cloud, stubbed: Callable[[str], Stubber], metadata: dict[str, Any], state: str, says: str
) -> None:
    stubbed("kms").add_response("describe_key", {"KeyMetadata": {"KeyId": "1234", **metadata}})
    (one,) = checks.keys(cloud, dataclasses.replace(SETTINGS, kms_key="1234"))
    assert one.state == state
    assert says in one.text


def test_a_key_that_is_not_there_is_refused(cloud: Cloud, stubbed: Callable[[str], Stubber]) -> None:
    stubbed("kms").add_client_error("describe_key", "NotFoundException", "no such key")
    (one,) = checks.keys(cloud, dataclasses.replace(SETTINGS, volume_kms_key="1234"))
    assert (one.name, one.state) == ("volume_kms_key", "refused")


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId"])
def test_credentials_that_do_not_hold_are_refused(cloud: Cloud, stubbed: Callable[[str], Stubber], code: str) -> None:
    stub = stubbed("sts")
    stub.add_client_error("get_caller_identity", code)
    one = checks.credentials(cloud)
    assert one.state == "refused"
    assert "aws" in one.text


def test_expired_credentials_are_told_once(cloud: Cloud, stubbed: Callable[[str], Stubber]) -> None:
    stubbed("s3").add_client_error("head_bucket", "ExpiredToken")
    one = check(ask(cloud), "bucket")
    assert (one.state, one.text) == ("unknown", "Not looked at: the credentials do not hold.")


@pytest.mark.parametrize(
    ("statement", "trusts"),
    [
        ({"Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com", "sagemaker.amazonaws.com"]}}, True),
        ({"Effect": "Allow", "Principal": "*"}, True),
        ({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"}}, False),
        ({"Effect": "Deny", "Principal": {"Service": "sagemaker.amazonaws.com"}}, False),
        ({"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:TagSession"}, False),
    ],
)
def test_a_trust_policy_is_read(statement: dict[str, Any], trusts: bool) -> None:
    whole = {"Action": "sts:AssumeRole", **statement}
    assert checks._trusts({"Statement": [whole]}) is trusts
    assert checks._trusts({"Statement": whole}) is trusts


# -- no network --------------------------------------------------------------------------------------------------------


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_without_a_network_it_is_told_within_the_time(account: Callable[[str], Cloud]) -> None:
    begun = time.monotonic()
    found = ask(account(f"http://127.0.0.1:{closed_port()}"), patience=3.0)
    assert time.monotonic() - begun < 20
    for name in ("credentials", "role", "bucket", "image", "quota", "name"):
        assert check(found, name).state == "unknown"
        assert check(found, name).text
    assert check(found, "instance").state == "ok"
    assert found.cost is not None


def test_a_server_that_never_answers_does_not_hold_it_up(account: Callable[[str], Cloud]) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        begun = time.monotonic()
        found = ask(account(f"http://127.0.0.1:{silent.getsockname()[1]}"), patience=1.5)
        assert time.monotonic() - begun < 20, "the network's own time-outs are longer"
    assert check(found, "bucket").text == "AWS did not answer within 1.5 s."
    assert check(found, "memory").state == "ok"


def test_a_service_that_fails_is_not_asked_for_long(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segwidgets.aws.ATTEMPTS", 6)
    monkeypatch.setattr(quota, "_ATTEMPTS", 3)
    begun = time.monotonic()
    one = check(ask(Cloud(endpoint=cloud.endpoint)), "quota")  # moto has no such call, and answers with status 500
    assert time.monotonic() - begun < 20
    assert one.state == "unknown"
    assert "did not answer" not in one.text
    assert "\n" not in one.text


def test_a_look_that_breaks_costs_only_itself(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Check:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(checks, "role", broken)
    found = ask(cloud)
    assert check(found, "role").state == "unknown"
    assert "ZeroDivisionError" in check(found, "role").text
    assert check(found, "bucket").state == "ok"
