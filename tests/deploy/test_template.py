from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import decode_str
from moto.iam.policy_validation import IAMPolicyDocumentValidator

from segwidgets.aws import Cloud
from segwidgets.jobs import instances
from segwidgets.lifecycle import looks, scripts, template
from segwidgets.lifecycle.errors import LifecycleError

from .conftest import ROLE, ROOT
from .notebooks import Notebooks

TEMPLATE = ROOT / "lifecycle" / "template.yaml"
URI, SHA256 = "s3://team/segwidgets/kernels/segwidgets-kernel-0123456789abcdef.tar.gz", "0f" * 32
GIVEN = {"BundleUri": URI, "BundleSha256": SHA256, "ProjectBucket": "team"}


def decoded(text: str) -> dict[str, Any]:
    found, wrong = decode_str(text)
    assert not wrong
    return dict(json.loads(json.dumps(found)))


@pytest.fixture(scope="module")
def real() -> dict[str, Any]:
    return decoded(TEMPLATE.read_text())


def lint(text: str, tmp_path: Path) -> tuple[int, str]:
    path = tmp_path / "template.yaml"
    path.write_text(text)
    done = subprocess.run(
        [Path(sys.executable).parent / "cfn-lint", path], capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout


def policy(real: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The role's statements, those that are only sometimes there too."""
    said = real["Resources"]["Policy"]["Properties"]["PolicyDocument"]["Statement"]
    return [one["Fn::If"][1] if "Fn::If" in one else one for one in said]


# -- the file ----------------------------------------------------------------------------------------------------------


def test_the_template_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert template.main(["--check"]) == 0, "run python -m segwidgets.lifecycle.template"


def test_cfn_lint_finds_nothing(tmp_path: Path) -> None:
    assert lint(TEMPLATE.read_text(), tmp_path) == (0, "")


def test_nothing_is_found_that_cfn_lint_lets_pass(real: dict[str, Any]) -> None:
    assert template.problems(real, TEMPLATE.read_text()) == []


@pytest.mark.parametrize("hook", ["OnCreate", "OnStart"])
def test_its_scripts_are_the_files_with_the_bundle_filled_in(real: dict[str, Any], hook: str) -> None:
    (entry,) = real["Resources"]["LifecycleConfig"]["Properties"][hook]
    assert template.joined(entry["Content"], GIVEN) == scripts.filled(URI, SHA256)[hook]


def test_a_changed_script_makes_it_stale_and_one_command_mends_it(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, path = project / "lifecycle" / "on-start.sh", project / "lifecycle" / "template.yaml"
    assert template.main([]) == 0
    file.write_text(file.read_text().replace("\nset -u\n", '\nset -u\n\n  # ${!Ref} "odd" \\ text: *\t|\n'))
    assert template.main(["--check"]) == 1
    assert "is not up to date: run python -m segwidgets.lifecycle.template" in capsys.readouterr().err
    before = path.read_text()
    assert template.main([]) == 0
    assert template.main(["--check"]) == 0
    (entry,) = decoded(path.read_text())["Resources"]["LifecycleConfig"]["Properties"]["OnStart"]
    assert template.joined(entry["Content"], GIVEN) == scripts.filled(URI, SHA256)["OnStart"]
    changed = set(path.read_text().splitlines()) - set(before.splitlines())
    assert [line.strip() for line in changed] == ['# ${!Ref} "odd" \\ text: *\t|']


def test_a_template_without_its_marks_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = project / "lifecycle" / "template.yaml"
    path.write_text(path.read_text().replace("# on-start.sh ends\n", ""))
    assert template.main([]) == 2
    assert "'# on-start.sh ends', once each" in capsys.readouterr().err
    with pytest.raises(LifecycleError, match="once each"):
        template.rendered(path.read_text())


def test_the_command_of_the_readme_runs() -> None:
    command = [sys.executable, "-m", "segwidgets.lifecycle.template", "--check"]
    assert subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode == 0


# -- what cfn-lint lets pass -------------------------------------------------------------------------------------------

Spoil = Callable[[dict[str, Any]], None]


def _long(spoilt: dict[str, Any]) -> None:
    parts = spoilt["Resources"]["LifecycleConfig"]["Properties"]["OnStart"][0]["Content"]["Fn::Base64"]["Fn::Join"][1]
    parts[-1] += "#" * 1_000 + "\n"


def _p3(spoilt: dict[str, Any]) -> None:
    spoilt["Parameters"]["InstanceType"]["Default"] = "ml.p3.2xlarge"


def _unwarned(spoilt: dict[str, Any]) -> None:
    spoilt["Parameters"]["InstanceType"]["Description"] = "Its type."


def _old(spoilt: dict[str, Any]) -> None:
    spoilt["Resources"]["Notebook"]["Properties"]["PlatformIdentifier"] = "notebook-al2-v3"


def _small(spoilt: dict[str, Any]) -> None:
    spoilt["Parameters"]["VolumeSizeInGB"]["Default"] = 5


def _literal(spoilt: dict[str, Any]) -> None:
    spoilt["Resources"]["Notebook"]["Properties"]["InstanceType"] = "ml.p3.2xlarge"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_long, "SageMaker takes 12,288 and 16,384"),
        (_p3, "'ml.p3.2xlarge' does not run on today's notebook platform"),
        (_unwarned, "'ml.p3.2xlarge' does not run on today's notebook platform"),
        (_literal, "'ml.p3.2xlarge' does not run on today's notebook platform"),
        (_old, "must have PlatformIdentifier notebook-al2023-v1"),
        (_small, "has a volume of 5 GB"),
    ],
)
def test_what_aws_would_refuse_is_found(real: dict[str, Any], spoil: Spoil, words: str) -> None:
    spoilt = copy.deepcopy(real)
    spoil(spoilt)
    found = template.problems(spoilt, TEMPLATE.read_text())
    assert words in found[0]


def test_a_script_in_base64_is_measured_too(real: dict[str, Any]) -> None:
    spoilt = copy.deepcopy(real)
    spoilt["Resources"]["LifecycleConfig"]["Properties"]["OnStart"][0]["Content"] = scripts.encoded(b"#" * 13_000)
    assert any("13,000 bytes" in one for one in template.problems(spoilt, ""))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (f"# {ROLE}\n", "looks like an account's number"),
        ("# AKIAIOSFODNN7EXAMPLE\n", "looks like a secret"),
        ("#" * 60_000, "CloudFormation takes 51,200"),
    ],
)
def test_what_has_no_place_in_a_template_is_found(real: dict[str, Any], more: str, words: str) -> None:
    (found,) = template.problems(real, TEMPLATE.read_text() + more)
    assert words in found


# -- the instance ------------------------------------------------------------------------------------------------------


def test_the_instance_is_a_safe_default(real: dict[str, Any]) -> None:
    parameters, given = real["Parameters"], real["Resources"]["Notebook"]["Properties"]
    assert given["PlatformIdentifier"] == instances.PLATFORM
    assert given["InstanceMetadataServiceConfiguration"] == {"MinimumInstanceMetadataServiceVersion": "2"}
    assert given["LifecycleConfigName"] == {"Fn::GetAtt": ["LifecycleConfig", "NotebookInstanceLifecycleConfigName"]}
    assert parameters["InstanceType"]["Default"] == "ml.g4dn.xlarge"
    assert parameters["VolumeSizeInGB"]["Default"] == 50
    assert {"KmsKeyId", "SubnetId", "SecurityGroupIds", "RootAccess", "DirectInternetAccess"} <= set(given)


def test_every_type_that_can_be_chosen_has_a_gpu_that_rapids_runs_on(real: dict[str, Any]) -> None:
    for name in real["Parameters"]["InstanceType"]["AllowedValues"]:
        has = instances.instance(name)
        assert has is not None
        assert has.gpu is not None
        assert instances.judge(name, "notebook").state == ("refused" if name == "ml.p3.2xlarge" else "ok")


def test_without_internet_it_asks_for_a_vpc(real: dict[str, Any]) -> None:
    rule = real["Rules"]["WithoutInternetItNeedsAVpc"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "DirectInternetAccess"}, "Disabled"]}
    assert rule["Assertions"][0]["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "SubnetId"}, ""]}]}


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("BundleUri", [URI], ["", "s3://team", "https://team/key", "s3://team/it's", "s3://team/a b", 's3://t/"']),
        ("BundleSha256", [SHA256], ["", "0F" * 32, "0f" * 31]),
        ("ProjectPrefix", ["segwidgets", "team/a=1"], ["", "/a", "a/", "a//b", "a*"]),
        ("SecurityGroupIds", ["", "sg-0a1b2c3d", "sg-0a1b2c3d,sg-1"], ["sg-1, sg-2", "x", ",".join(["sg-1"] * 6)]),
        ("KmsKeyArn", ["", "arn:aws:kms:eu-central-1:000000000000:key/0-1"], ["alias/team", "*"]),
        ("NotebookName", ["crm-2"], ["", "-crm", "crm-", "crm_2"]),
        ("JobPrefix", ["segwidgets"], ["", "*", "a*"]),
    ],
)
def test_a_parameter_takes_what_it_says(real: dict[str, Any], name: str, good: list[str], bad: list[str]) -> None:
    parameter = real["Parameters"][name]
    assert parameter["Description"].endswith(".")
    assert parameter["ConstraintDescription"]
    for value in good:
        assert re.search(parameter["AllowedPattern"], value)
        if name == "BundleUri":
            assert scripts.filled(value, SHA256)
    for value in bad:
        assert not re.search(parameter["AllowedPattern"], value)


# -- the role ----------------------------------------------------------------------------------------------------------


def test_the_role_may_write_nothing_but_the_projects_own(real: dict[str, Any]) -> None:
    for statement in policy(real):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in actions)
        if statement["Resource"] == "*":
            looks = ("Describe", "Get", "List", "Search")
            assert all(action.partition(":")[2].startswith(looks) for action in actions) or "Condition" in statement


def test_the_role_reads_the_bundle_and_the_projects_prefix_and_no_other_object(real: dict[str, Any]) -> None:
    found = {one["Sid"]: one["Resource"] for one in policy(real) if "s3:" in str(one["Action"])}
    assert set(found) == {"ReadTheBundle", "ReadAndWriteTheProject", "ListTheProject"}
    assert found["ReadTheBundle"]["Fn::Sub"][0] == "arn:${AWS::Partition}:s3:::${BucketAndKey}"
    assert found["ReadAndWriteTheProject"]["Fn::Sub"].endswith(":${ProjectBucket}/${ProjectPrefix}/*")


def test_every_statement_is_as_iam_writes_it(real: dict[str, Any]) -> None:
    statements = policy(real)
    assert len({one["Sid"] for one in statements}) == len(statements)
    for one in statements:
        assert re.fullmatch(r"[A-Za-z0-9]+", one["Sid"])
        document = {"Version": "2012-10-17", "Statement": [{**one, "Resource": "*"}]}
        IAMPolicyDocumentValidator(json.dumps(document)).validate()


def test_the_role_can_be_given_to_jobs_of_sagemaker_only(real: dict[str, Any]) -> None:
    (passing,) = [one for one in policy(real) if "iam:PassRole" in str(one["Action"])]
    assert passing["Resource"] == {"Fn::GetAtt": ["Role", "Arn"]}
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_training_jobs_are_those_of_the_prefix(real: dict[str, Any]) -> None:
    (jobs,) = [one for one in policy(real) if "CreateTrainingJob" in str(one["Action"])]
    assert jobs["Resource"]["Fn::Sub"].endswith(":training-job/${JobPrefix}*")
    from segwidgets.jobs.spec import new_name

    assert new_name().startswith(real["Parameters"]["JobPrefix"]["Default"])


# -- as CloudFormation makes it ----------------------------------------------------------------------------------------


def test_a_stack_of_it_runs_the_scripts_of_the_files(cloud: Cloud, notebooks: Notebooks, real: dict[str, Any]) -> None:
    client, plain = cloud.client("cloudformation"), copy.deepcopy(real)
    # moto leaves a hole in a list where CloudFormation leaves AWS::NoValue out.
    document = plain["Resources"]["Policy"]["Properties"]["PolicyDocument"]
    document["Statement"] = [one for one in document["Statement"] if "Fn::If" not in one]
    client.create_stack(
        StackName="crm",
        TemplateBody=json.dumps(plain),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in GIVEN.items()],
    )
    outputs = client.describe_stacks(StackName="crm")["Stacks"][0]["Outputs"]
    told = {one["OutputKey"]: one["OutputValue"] for one in outputs}
    config, name = told["LifecycleConfigName"], told["NotebookName"]
    assert looks.configuration(cloud, config) == scripts.filled(URI, SHA256)
    found = looks.instance(cloud, name)
    assert (found["NotebookInstanceStatus"], found["RoleArn"]) == ("InService", told["RoleArn"])
    assert found["InstanceType"] == "ml.g4dn.xlarge"
