"""Looks at what a training job stands on in AWS: credentials, role, bucket, key, image, quota, name. All only read.

A look that may not be taken says "unknown", never "refused": the caller's permissions are not the job's.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from segwidgets.aws import AWSError, CredentialsError, explained
from segwidgets.jobs import instances, limits, quota
from segwidgets.jobs.sagemakerjob import is_unknown

if TYPE_CHECKING:
    from segwidgets.aws import Cloud
    from segwidgets.jobs.settings import SageMakerSettings

State = Literal["ok", "warning", "refused", "unknown"]

_REGISTRY = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[a-z0-9._/-]+?)(?::(?P<tag>[\w.-]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_SAGEMAKER = re.compile(r"sagemaker\.amazonaws\.com(?:\.cn)?")


@dataclasses.dataclass(frozen=True)
class Check:
    """One look: what it found, and where that is no good the way out."""

    name: str
    state: State
    text: str
    way_out: str = ""


def unknown(name: str, error: AWSError) -> Check:
    """A look that AWS did not answer."""
    if isinstance(error, CredentialsError):
        return Check(name, "unknown", "Not looked at: the credentials do not hold.")
    said = " ".join(str(error).split())
    return Check(name, "unknown", f"It could not be looked at: {said if len(said) <= 300 else said[:299] + '…'}")


def credentials(cloud: Cloud) -> Check:
    """Who asks."""
    try:
        caller = cloud.caller
    except CredentialsError as error:
        return Check("credentials", "refused", _sentence(error), "Promote again once they hold.")
    return Check("credentials", "ok", f"{caller['Arn']} in account {caller['Account']}, {cloud.region}.")


def role(cloud: Cloud, settings: SageMakerSettings) -> Check:
    """Whether the role exists, in this account, and lets SageMaker take it on."""
    account, path = settings.role.split(":")[4], settings.role.partition(":role/")[2]
    name = path.rpartition("/")[2]
    if account != cloud.account:
        return Check(
            "role",
            "refused",
            f"role={settings.role!r} is of account {account}, the caller is in {cloud.account}: SageMaker takes a role "
            "of the job's own account only.",
            f"Give a role of {cloud.account}.",
        )
    try:
        with explained(f"role {name} was looked up"):
            found = cloud.client("iam").get_role(RoleName=name)["Role"]
    except AWSError as error:
        if error.code not in {"NoSuchEntity", "NoSuchEntityException"}:
            raise
        return Check(
            "role", "refused", f"There is no role {name!r} in account {account}.", "Create it, or name another."
        )
    if not _trusts(found.get("AssumeRolePolicyDocument") or {}):
        return Check(
            "role",
            "refused",
            f"Role {name!r} does not let SageMaker take it on.",
            "Its trust policy must allow sts:AssumeRole to the service sagemaker.amazonaws.com.",
        )
    return Check("role", "ok", f"{name}, which SageMaker may take on.")


def _trusts(policy: Any) -> bool:
    """Whether a trust policy allows SageMaker to take the role on, whatever its conditions say."""
    allowed = False
    for statement in _many(policy.get("Statement") if isinstance(policy, Mapping) else None):
        principal = statement.get("Principal") or {}
        services = _many(principal.get("Service")) if isinstance(principal, Mapping) else [principal]
        actions = [str(one).lower() for one in _many(statement.get("Action"))]
        meant = any(one == "*" or _SAGEMAKER.fullmatch(str(one)) for one in services)
        if meant and any(one in {"*", "sts:*", "sts:assumerole"} for one in actions):
            if statement.get("Effect") == "Deny":
                return False
            allowed = True
    return allowed


def _many(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def bucket(cloud: Cloud, settings: SageMakerSettings) -> Check:
    """Whether the bucket is there, and in the job's region."""
    name = settings.bucket
    try:
        with explained(f"bucket {name} was looked at"):
            said = cloud.client("s3").head_bucket(Bucket=name)
    except AWSError as error:
        if error.code in {"403", "AccessDenied", "Forbidden"}:
            text = f"Bucket {name!r} may not be looked at: it is another account's, or s3:ListBucket is not allowed."
            return Check("bucket", "unknown", text, "Look at its name, and at the permissions of who asks.")
        if error.code not in {"404", "NoSuchBucket", "NotFound"}:
            raise
        make = f"aws s3 mb s3://{name} --region {cloud.region}"
        return Check("bucket", "refused", f"There is no bucket {name!r}.", f"Create it ({make}), or name another.")
    headers = said.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = said.get("BucketRegion") or headers.get("x-amz-bucket-region") or ""
    if region and region != cloud.region:
        return Check(
            "bucket",
            "refused",
            f"Bucket {name!r} is in {region}, the job in {cloud.region}: SageMaker reads from its own region only.",
            f"Name a bucket in {cloud.region}, or run the job in {region}.",
        )
    return Check("bucket", "ok", f"s3://{name} can be reached" + (f", in {region}." if region else "."))


def keys(cloud: Cloud, settings: SageMakerSettings) -> Iterator[Check]:
    """Whether the KMS keys that are named can encrypt here."""
    if settings.kms_key:
        yield _key(cloud, "kms_key", settings.kms_key)
    if settings.volume_kms_key:
        has = instances.instance(settings.instance_type)
        if has is not None and has.disk:
            yield Check(
                "volume_kms_key",
                "refused",
                f"{settings.instance_type} has a disk of its own, which it encrypts itself: SageMaker takes no "
                "volume_kms_key for it.",
                "Leave volume_kms_key out.",
            )
        else:
            yield _key(cloud, "volume_kms_key", settings.volume_kms_key)


def _key(cloud: Cloud, name: str, key: str) -> Check:
    region = key.split(":")[3] if key.startswith("arn:") and key.count(":") >= 5 else cloud.region
    if region != cloud.region:
        text = f"{name}={key!r} is a key of {region}, the job is in {cloud.region}."
        return Check(name, "refused", text, f"Give a key of {cloud.region}.")
    try:
        with explained(f"key {key} was looked at"):
            found = cloud.client("kms").describe_key(KeyId=key)["KeyMetadata"]
    except AWSError as error:
        if error.code == "NotFoundException":
            text = f"There is no key {key!r} in {cloud.region}."
            return Check(name, "refused", text, "Look at its id; an alias is written alias/….")
        return unknown(name, error)
    if found.get("KeyState") != "Enabled":
        text = f"Key {key!r} cannot be used: its state is {found.get('KeyState')}."
        return Check(name, "refused", text, "Enable it, or give another.")
    if found.get("KeyUsage", "ENCRYPT_DECRYPT") != "ENCRYPT_DECRYPT" or found.get("KeySpec") not in {
        None,
        "SYMMETRIC_DEFAULT",
    }:
        text = f"Key {key!r} cannot encrypt data ({found.get('KeyUsage')}, {found.get('KeySpec')})."
        return Check(name, "refused", text, "Give a symmetric key for encryption.")
    return Check(name, "ok", f"{key} is enabled. Whether the role may use it, its policy says.")


def image(cloud: Cloud, settings: SageMakerSettings) -> tuple[Check, str]:
    """Whether the container is in the registry; and its digest, "" where that is not known."""
    found = _REGISTRY.fullmatch(settings.image)
    if found is None:
        text = f"{settings.image} is not in ECR, so it could not be looked at."
        way_out = "SageMaker takes images from ECR, and from other registries inside a VPC."
        return Check("image", "unknown", text, way_out), ""
    if found["region"] != cloud.region:
        text = f"{settings.image} is in {found['region']}, the job in {cloud.region}, so it was not looked at."
        way_out = f"SageMaker pulls from its own region: segwidgets image push --region {cloud.region}."
        return Check("image", "warning", text, way_out), ""
    which = {"imageDigest": found["digest"]} if found["digest"] else {"imageTag": found["tag"] or "latest"}
    try:
        with explained(f"image {settings.image} was looked at"):
            said = cloud.client("ecr").describe_images(
                registryId=found["account"], repositoryName=found["repository"], imageIds=[which]
            )["imageDetails"]
    except AWSError as error:
        if error.code not in {"RepositoryNotFoundException", "ImageNotFoundException"}:
            raise
        said = []
    if not said:
        way_out = "Build and push it: segwidgets image push."
        return Check("image", "refused", f"There is no image {settings.image}.", way_out), ""
    digest = str(said[0].get("imageDigest", ""))
    size = said[0].get("imageSizeInBytes")
    large = f", {size / 1e9:.1f} GB" if size else ""
    return Check("image", "ok", f"{settings.image} ({digest}{large})."), digest


def quotas(cloud: Cloud, settings: SageMakerSettings, at_once: int = 1) -> Check:
    """Whether the account may have such an instance, or one for each of the jobs that run at once, for so long."""
    wanted = settings.instance_count * at_once
    which = quota.of_type(settings.instance_type, spot=settings.spot)
    long = settings.max_run > limits.USUAL_RUN
    found = quota.quotas(cloud, [which, *([quota.LONGEST] if long else [])])
    ask = f"Ask for more in Service Quotas, Amazon SageMaker, {which!r}, or take another instance_type."
    if which not in found:
        return Check("quota", "unknown", f"Service Quotas has no {which!r} in {cloud.region}.", ask)
    allowed = found[which]
    if allowed < wanted:
        text = f"The account may have {allowed:g} of {wanted}: {which!r}."
        return Check("quota", "refused", text, ask)
    if long and found.get(quota.LONGEST, limits.USUAL_RUN) < settings.max_run:
        most = found.get(quota.LONGEST, limits.USUAL_RUN)
        text = f"max_run={settings.max_run!r} is longer than the account may run a job: {most:,.0f} s."
        return Check("quota", "refused", text, f"Shorten it, or ask for more in Service Quotas, {quota.LONGEST!r}.")
    return Check("quota", "ok", f"{allowed:g} at once ({which}).")


def name_free(cloud: Cloud, job_name: str) -> Check:
    """Whether the account has no job of this name yet: SageMaker takes a name once, for ever."""
    try:
        with explained(f"job {job_name} was looked for"):
            found = cloud.client("sagemaker").describe_training_job(TrainingJobName=job_name)
    except AWSError as error:
        if not is_unknown(error):
            raise
        return Check("name", "ok", f"{job_name} is free.")
    state = str(found.get("TrainingJobStatus", "there"))
    return Check("name", "refused", f"There is a training job {job_name!r} already ({state}).", "Choose another name.")


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]
