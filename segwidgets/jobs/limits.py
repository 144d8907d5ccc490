"""AWS's limits on a training job, held before the call: the client does not, and AWS names them one at a time.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from segwidgets.data.errors import plural
from segwidgets.jobs.spec import JOB_NAME_LIMIT, SpecError, check_name

HYPERPARAMETERS, HYPERPARAMETER_KEY, HYPERPARAMETER_VALUE = 100, 256, 2_500
VARIABLES, VARIABLE = 100, 512
CHANNELS, CHANNEL_NAME = 20, 64
METRICS, METRIC_NAME, METRIC_REGEX = 40, 255, 500
TAGS, TAG_KEY, TAG_VALUE = 50, 128, 256
SUBNETS, SECURITY_GROUPS = 16, 5
URI, IMAGE, KMS_KEY, ROLE = 1_024, 255, 2_048, 2_048
VOLUME_GB = 16_384
#: Seconds that a job may run: what an account starts with, and the most that it can be raised to (5 and 28 days).
USUAL_RUN, LONGEST_RUN = 432_000, 2_419_200

_VARIABLE = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_CHANNEL = re.compile(r"[A-Za-z0-9.\-_]+")
_LINE = re.compile(r"[^\n\r\u0085\u2028\u2029]*")
_KEY = re.compile(r"[a-zA-Z0-9:/_-]*")
_INSTANCE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9-]+")
_URI = re.compile(r"(?:https|s3)://[^/]+(?:/.*)?")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-/]+")
_VPC_ID = re.compile(r"[-0-9a-zA-Z]{1,32}")


def check_request(request: Mapping[str, Any]) -> None:
    """SpecError unless the arguments of CreateTrainingJob are within AWS's limits; names the value and the way out.

    Whether the account's own quotas allow it is for the preflight: they can be raised.
    """
    check_name("name", request.get("TrainingJobName"), JOB_NAME_LIMIT)
    for check in _CHECKS:
        check(request)


# -- what every check says ---------------------------------------------------------------------------------------------


def _number(what: str, value: object, low: int, high: int | None, way_out: str) -> int:
    """The whole number, between the two."""
    if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
        allowed = f"from {low:,}" if high is None else f"from {low:,} to {high:,}"
        raise SpecError(f"{what}={value!r} is not allowed: it must be a whole number {allowed}. {way_out}")
    return value


def _count(what: str, given: int, most: int, way_out: str) -> None:
    if given > most:
        raise SpecError(f"{given:,} {what} are not allowed: SageMaker takes at most {most:,}. {way_out}")


def _text(what: str, value: object, most: int, way_out: str, *, rule: re.Pattern[str] | None = None) -> str:
    """The text, short enough and of the allowed characters."""
    if not isinstance(value, str):
        raise SpecError(f"{what}={value!r} is not allowed: it must be text. {way_out}")
    if len(value) > most:
        shown = value if len(value) <= 80 else f"{value[:60]}…"
        raise SpecError(
            f"{what}={shown!r} is not allowed: it has {len(value):,} characters of at most {most:,}. {way_out}"
        )
    if rule is not None and not rule.fullmatch(value):
        raise SpecError(f"{what}={value!r} is not allowed. {way_out}")
    return value


# -- one after the other -----------------------------------------------------------------------------------------------


def _hyperparameters(request: Mapping[str, Any]) -> None:
    given = request.get("HyperParameters") or {}
    way_out = "Long values travel in the channel 'recipe', not as hyperparameters."
    _count("hyperparameters", len(given), HYPERPARAMETERS, way_out)
    for key, value in given.items():
        _text("hyperparameter name", key, HYPERPARAMETER_KEY, "Give it a shorter name, in one line.", rule=_LINE)
        _text(f"hyperparameter {key}", value, HYPERPARAMETER_VALUE, f"It must be one line. {way_out}", rule=_LINE)


def _environment(request: Mapping[str, Any]) -> None:
    given = request.get("Environment") or {}
    _count("environment variables", len(given), VARIABLES, "Leave some out.")
    for key, value in given.items():
        words = "Letters (a to z), digits and underscores, not a digit first."
        _text("environment variable", key, VARIABLE, words, rule=_VARIABLE)
        _text(f"environment variable {key}", value, VARIABLE, "Give the job a file that says it, or shorten it.")


def _channels(request: Mapping[str, Any]) -> None:
    given = request.get("InputDataConfig") or []
    _count("input channels", len(given), CHANNELS, "Put several files into one channel.")
    seen: set[str] = set()
    for channel in given:
        words = "Letters (a to z), digits, dots, hyphens and underscores."
        name = _text("channel", channel.get("ChannelName"), CHANNEL_NAME, words, rule=_CHANNEL)
        if name in seen:
            raise SpecError(f"channel={name!r} is not allowed: there is one of that name. Name it otherwise.")
        seen.add(name)
        source = channel.get("DataSource", {}).get("S3DataSource", {})
        if "S3Uri" in source:
            _address(f"channel {name}", source["S3Uri"])


def _output(request: Mapping[str, Any]) -> None:
    given = request.get("OutputDataConfig") or {}
    _address("output", given.get("S3OutputPath"))
    _key("kms_key", given.get("KmsKeyId"))


def _address(what: str, value: object) -> None:
    _text(what, value, URI, "Give s3://bucket/prefix; a shorter prefix where it is too long.", rule=_URI)


def _key(what: str, value: object) -> None:
    if value is not None:
        _text(what, value, KMS_KEY, "Give a KMS key's id, ARN or alias (alias/…).", rule=_KEY)


def _image(request: Mapping[str, Any]) -> None:
    given = request.get("AlgorithmSpecification") or {}
    image = given.get("TrainingImage")
    if not image:
        raise SpecError("image is missing: give the address of the container, …dkr.ecr.….amazonaws.com/segwidgets:….")
    _text("image", image, IMAGE, "Give it a shorter repository or tag.", rule=_LINE)
    metrics = given.get("MetricDefinitions") or []
    _count(
        "metric definitions", len(metrics), METRICS, "Metrics beyond that are told to the tracker by the job itself."
    )
    for metric in metrics:
        name = _text("metric", metric.get("Name"), METRIC_NAME, "Give it a name, in one line.", rule=_LINE)
        _text(f"metric {name}", metric.get("Regex"), METRIC_REGEX, "Give it a shorter expression.", rule=_LINE)


def _role(request: Mapping[str, Any]) -> None:
    _text("role", request.get("RoleArn"), ROLE, "Give a role's ARN, arn:aws:iam::…:role/….", rule=_ROLE)


def _resources(request: Mapping[str, Any]) -> None:
    given = request.get("ResourceConfig") or {}
    words = "Types are named like 'ml.g4dn.xlarge'."
    _text("instance_type", given.get("InstanceType"), 64, words, rule=_INSTANCE)
    _number("instance_count", given.get("InstanceCount"), 1, None, "One instance is enough for every stage.")
    way_out = "It is GB of disk for the data, the map and the result; 50 is usual."
    _number("volume_gb", given.get("VolumeSizeInGB"), 1, VOLUME_GB, way_out)
    _key("volume_kms_key", given.get("VolumeKmsKeyId"))


def _times(request: Mapping[str, Any]) -> None:
    given = request.get("StoppingCondition") or {}
    way_out = (
        f"It is seconds. Accounts begin with {USUAL_RUN:,} (5 days); 'Longest run time for a training job' in Service "
        "Quotas raises that to 28 days."
    )
    max_run = _number("max_run", given.get("MaxRuntimeInSeconds"), 1, LONGEST_RUN, way_out)
    spot, wait = bool(request.get("EnableManagedSpotTraining")), given.get("MaxWaitTimeInSeconds")
    if spot:
        _number("max_wait", wait, max_run, None, f"It counts the run too, so it is max_run ({max_run:,}) or more.")
    elif wait is not None:
        raise SpecError(f"max_wait={wait!r} is only for spot jobs: add spot=True, or leave it out.")


def _network(request: Mapping[str, Any]) -> None:
    if "VpcConfig" not in request:
        return
    given = request["VpcConfig"] or {}
    for name, key, most in (("subnets", "Subnets", SUBNETS), ("security_groups", "SecurityGroupIds", SECURITY_GROUPS)):
        ids = given.get(key) or []
        if not ids:
            raise SpecError(f"{name} are missing: subnets and security_groups belong together. Give both, or neither.")
        _count(name.replace("_", " "), len(ids), most, "Leave some out.")
        for one in ids:
            _text(name, one, 32, "Ids look like 'subnet-0123456789abcdef0' and 'sg-…'.", rule=_VPC_ID)


def _tags(request: Mapping[str, Any]) -> None:
    given: Sequence[Mapping[str, Any]] = request.get("Tags") or []
    _count("tags", len(given), TAGS, "Leave some out.")
    seen: set[str] = set()
    for tag in given:
        key = _text("tag", tag.get("Key"), TAG_KEY, "Give it a shorter name.")
        value = _text(f"tag {key}", tag.get("Value"), TAG_VALUE, "Shorten it.")
        if not key:
            raise SpecError(f"a tag without a name (of value {value!r}) is not allowed: name it.")
        if key.lower().startswith("aws:"):
            raise SpecError(
                f"tag={key!r} is not allowed: names that begin with 'aws:' are AWS's own. Name it otherwise."
            )
        if key in seen:
            raise SpecError(f"tag={key!r} is not allowed twice: leave one out.")
        seen.add(key)
        for what, text in ((f"tag={key!r}", key), (f"tag {key}={value!r}", value)):
            wrong = sorted({one for one in text if not _in_tags(one)})
            if wrong:
                said = ", ".join(map(repr, wrong[:5]))
                raise SpecError(
                    f"{what} is not allowed: {plural(len(wrong), 'character')} of it ({said}) cannot stand in a tag. "
                    "Letters, digits, spaces and _ . : / = + - @ can."
                )


def _in_tags(one: str) -> bool:
    return unicodedata.category(one)[0] in "LNZ" or one in "_.:/=+-@"


def _experiment(request: Mapping[str, Any]) -> None:
    given = request.get("ExperimentConfig") or {}
    for what, key in (
        ("experiment", "ExperimentName"),
        ("trial", "TrialName"),
        ("trial component", "TrialComponentDisplayName"),
        ("run", "RunName"),
    ):
        if given.get(key) is not None:
            check_name(what, given[key])


_CHECKS: tuple[Callable[[Mapping[str, Any]], None], ...] = (
    _hyperparameters,
    _environment,
    _channels,
    _output,
    _image,
    _role,
    _resources,
    _times,
    _network,
    _tags,
    _experiment,
)
