from __future__ import annotations

import copy
from typing import Any

import pytest

from segwidgets.jobs.limits import check_request
from segwidgets.jobs.spec import SpecError

REQUEST: dict[str, Any] = {
    "TrainingJobName": "segwidgets-20261124-120000-abcdef",
    "HyperParameters": {"eps": "0.4"},
    "AlgorithmSpecification": {
        "TrainingInputMode": "File",
        "TrainingImage": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/segwidgets:1",
        "MetricDefinitions": [{"Name": "silhouette", "Regex": "silhouette=(.*)"}],
    },
    "RoleArn": "arn:aws:iam::123456789012:role/service-role/Segwidgets",
    "InputDataConfig": [
        {
            "ChannelName": "table",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/tables/1/"}},
        }
    ],
    "OutputDataConfig": {"S3OutputPath": "s3://b/jobs", "KmsKeyId": "alias/segwidgets"},
    "ResourceConfig": {"InstanceType": "ml.g4dn.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    "VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    "Tags": [{"Key": "team", "Value": "CRM Köln"}],
    "Environment": {"AWS_DEFAULT_REGION": "eu-central-1"},
    "ExperimentConfig": {"ExperimentName": "spring", "TrialName": "first", "TrialComponentDisplayName": "job"},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The request with one value of it changed; ``path`` has dots between its keys."""
    request = copy.deepcopy(REQUEST)
    *way, last = path.split(".")
    place = request
    for step in way:
        place = place[step]
    place[last] = value
    return request


def channel(name: str, uri: str = "s3://b/x") -> dict[str, Any]:
    return {"ChannelName": name, "DataSource": {"S3DataSource": {"S3Uri": uri}}}


def tag(key: str, value: str = "") -> dict[str, str]:
    return {"Key": key, "Value": value}


def metrics(count: int) -> list[dict[str, str]]:
    return [{"Name": f"m{i}", "Regex": "x"} for i in range(count)]


def test_a_usual_request_is_taken() -> None:
    check_request(REQUEST)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("TrainingJobName", "a" * 63),
        ("HyperParameters", {f"h{i}": "x" for i in range(100)}),
        ("HyperParameters", {"k" * 256: "v" * 2_500}),
        ("Environment", {f"V{i}": "x" for i in range(100)}),
        ("Environment", {"K" * 512: "v" * 512}),
        ("Environment", {"LINES": "two\nlines"}),
        ("InputDataConfig", [channel(f"c{i}") for i in range(20)]),
        ("AlgorithmSpecification.MetricDefinitions", metrics(40)),
        ("Tags", [tag(f"t{i}") for i in range(50)]),
        ("Tags", [tag("k" * 128, "v" * 256)]),
        ("Tags", [tag("laws:all")]),
        ("StoppingCondition.MaxRuntimeInSeconds", 1),
        ("StoppingCondition.MaxRuntimeInSeconds", 2_419_200),
        ("ResourceConfig.VolumeSizeInGB", 1),
        ("ResourceConfig.VolumeSizeInGB", 16_384),
        ("VpcConfig", {"Subnets": ["subnet-1"] * 16, "SecurityGroupIds": ["sg-1"] * 5}),
        ("ExperimentConfig.ExperimentName", "a" * 120),
        ("OutputDataConfig.S3OutputPath", "s3://b/" + "p" * 1_017),
        ("AlgorithmSpecification.TrainingImage", "i" * 255),
        ("ResourceConfig.VolumeKmsKeyId", "arn:aws:kms:eu-central-1:123456789012:key/1234-abcd"),
    ],
)
def test_what_is_just_within_a_limit_is_taken(path: str, value: Any) -> None:
    check_request(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("TrainingJobName", "a" * 64, "name='a+' is not allowed: 1 to 63"),
        ("TrainingJobName", "a_b", "'a-b' would do"),
        ("TrainingJobName", None, "name=None"),
        ("HyperParameters", {f"h{i}": "x" for i in range(101)}, "101 hyperparameters .* at most 100"),
        ("HyperParameters", {"k" * 257: "x"}, "hyperparameter name=.*257 characters of at most 256"),
        ("HyperParameters", {"k": "v" * 2_501}, "hyperparameter k=.*2,501 characters of at most 2,500.*channel"),
        ("HyperParameters", {"k": "two\nlines"}, "must be one line"),
        ("HyperParameters", {"k": 0.4}, "hyperparameter k=0.4 is not allowed: it must be text"),
        ("Environment", {f"V{i}": "x" for i in range(101)}, "101 environment variables .* at most 100"),
        ("Environment", {"K": "v" * 513}, "environment variable K=.*513 characters of at most 512"),
        ("Environment", {"K" * 513: "v"}, "513 characters of at most 512"),
        ("Environment", {"1K": "v"}, "'1K' is not allowed. Letters"),
        ("InputDataConfig", [channel(f"c{i}") for i in range(21)], "21 input channels .* at most 20"),
        ("InputDataConfig", [channel("c" * 65)], "65 characters of at most 64"),
        ("InputDataConfig", [channel("a b")], "channel='a b'"),
        ("InputDataConfig", [channel("a"), channel("a")], "there is one of that name"),
        ("InputDataConfig", [channel("a", "file:///x")], "channel a='file:///x'"),
        ("OutputDataConfig.S3OutputPath", "bucket", "output='bucket'"),
        ("OutputDataConfig.S3OutputPath", "s3://b/" + "p" * 1_018, "1,025 characters of at most 1,024"),
        ("OutputDataConfig.KmsKeyId", "my key", "kms_key='my key'"),
        ("OutputDataConfig.KmsKeyId", "k" * 2_049, "at most 2,048"),
        ("ResourceConfig.VolumeKmsKeyId", "my key", "volume_kms_key='my key'"),
        ("AlgorithmSpecification", {"TrainingInputMode": "File"}, "image is missing"),
        ("AlgorithmSpecification.TrainingImage", "i" * 256, "256 characters of at most 255"),
        ("AlgorithmSpecification.MetricDefinitions", metrics(41), "41 metric definitions .* at most 40"),
        ("AlgorithmSpecification.MetricDefinitions", [{"Name": "m" * 256, "Regex": "x"}], "at most 255"),
        ("AlgorithmSpecification.MetricDefinitions", [{"Name": "m", "Regex": "x" * 501}], "metric m=.*at most 500"),
        ("RoleArn", "Segwidgets", "role='Segwidgets'.*arn:aws:iam"),
        ("ResourceConfig.InstanceType", "g4dn.xlarge", "instance_type='g4dn.xlarge'.*ml.g4dn.xlarge"),
        ("ResourceConfig.InstanceCount", 0, "instance_count=0"),
        ("ResourceConfig.VolumeSizeInGB", 0, "volume_gb=0 .* from 1 to 16,384"),
        ("ResourceConfig.VolumeSizeInGB", 16_385, "volume_gb=16385 .* from 1 to 16,384"),
        ("ResourceConfig.VolumeSizeInGB", True, "volume_gb=True"),
        ("StoppingCondition.MaxRuntimeInSeconds", 0, "max_run=0 .* from 1 to 2,419,200"),
        ("StoppingCondition.MaxRuntimeInSeconds", 2_419_201, "max_run=2419201 .* 432,000 .*Service Quotas"),
        ("StoppingCondition.MaxRuntimeInSeconds", 1.5, "max_run=1.5"),
        ("StoppingCondition.MaxWaitTimeInSeconds", 7200, "max_wait=7200 is only for spot"),
        ("VpcConfig.Subnets", [], "subnets are missing"),
        ("VpcConfig.SecurityGroupIds", [], "security_groups are missing"),
        ("VpcConfig.Subnets", ["subnet-1"] * 17, "17 subnets .* at most 16"),
        ("VpcConfig.SecurityGroupIds", ["sg-1"] * 6, "6 security groups .* at most 5"),
        ("VpcConfig.Subnets", ["subnet_1"], "subnets='subnet_1'"),
        ("Tags", [tag(f"t{i}") for i in range(51)], "51 tags .* at most 50"),
        ("Tags", [tag("k" * 129)], "129 characters of at most 128"),
        ("Tags", [tag("k", "v" * 257)], "tag k=.*257 characters of at most 256"),
        ("Tags", [tag("AWS:team")], "tag='AWS:team' is not allowed.*AWS's own"),
        ("Tags", [tag("")], "without a name"),
        ("Tags", [tag("a"), tag("a")], "not allowed twice"),
        ("Tags", [tag("who?")], r"tag='who\?' is not allowed: 1 character of it \('\?'\)"),
        ("Tags", [tag("who", "a\tb")], "tag who='a.tb' is not allowed"),
        ("ExperimentConfig.ExperimentName", "a" * 121, "experiment=.*1 to 120"),
        ("ExperimentConfig.TrialName", "a b", "trial='a b'"),
        ("ExperimentConfig.TrialComponentDisplayName", "-", "trial component='-'"),
    ],
)
def test_what_is_beyond_a_limit_is_refused_in_words(path: str, value: Any, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        check_request(changed(path, value))


def spot(wait: Any) -> dict[str, Any]:
    times = {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": wait}
    return {**REQUEST, "EnableManagedSpotTraining": True, "StoppingCondition": times}


def test_a_spot_job_may_wait_as_long_as_it_may_run() -> None:
    check_request(spot(3600))


@pytest.mark.parametrize("wait", [3599, None])
def test_a_spot_job_that_may_not_wait_as_long_as_it_may_run_is_refused(wait: Any) -> None:
    with pytest.raises(SpecError, match=f"max_wait={wait} is not allowed.* max_run"):
        check_request(spot(wait))


def test_a_long_value_is_not_repeated_whole() -> None:
    with pytest.raises(SpecError) as caught:
        check_request(changed("HyperParameters", {"k": "v" * 100_000}))
    assert len(str(caught.value)) < 400
