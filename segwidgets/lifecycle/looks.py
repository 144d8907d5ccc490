"""The looks before anything changes: who asks, the bucket, the configuration, the instance. All only read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from segwidgets.aws import AWSError, explained
from segwidgets.jobs import instances
from segwidgets.jobs.checks import Check, State
from segwidgets.lifecycle import scripts
from segwidgets.lifecycle.calls import describe
from segwidgets.lifecycle.errors import LifecycleError

if TYPE_CHECKING:
    from segwidgets.aws import Cloud

#: GB of an instance's volume: what the environment and its packages need with a second one beside it, and what is asked
#: for.
LEAST_VOLUME, GOOD_VOLUME = 20, 50
_NAME = re.compile(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9])*")
_OLD_PLATFORM = re.compile(r"notebook-al[12]-v\d+")


def named(what: str, name: str) -> str:
    """The name, when SageMaker takes it; LifecycleError otherwise."""
    if len(name) > 63 or not _NAME.fullmatch(name):
        raise LifecycleError(
            f"{what} {name!r} is not allowed: 1 to 63 letters (a to z) and digits, with hyphens between."
        )
    return name


def bucket(cloud: Cloud, name: str) -> Check:
    """Whether the bundle's bucket is there, and in the region where the instance is."""
    try:
        with explained(f"bucket {name} was looked at"):
            said = cloud.client("s3").head_bucket(Bucket=name)
    except AWSError as error:
        if error.code in {"404", "NoSuchBucket", "NotFound"}:
            make = f"aws s3 mb s3://{name} --region {cloud.region}"
            return Check("bucket", "refused", f"There is no bucket {name!r}.", f"Create it ({make}), or give --bucket.")
        if error.code not in {"403", "AccessDenied", "Forbidden", "301", "PermanentRedirect"}:
            raise
        text = f"Bucket {name!r} may not be looked at: it is another account's, or s3:ListBucket is not allowed."
        return Check("bucket", "unknown", text, "Look at its name, and at the permissions of who asks.")
    headers = said.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region = said.get("BucketRegion") or headers.get("x-amz-bucket-region") or ""
    if region and region != cloud.region:
        return Check(
            "bucket",
            "refused",
            f"Bucket {name!r} is in {region}, the instance in {cloud.region}.",
            f"Give a bucket in {cloud.region} (--bucket), or deploy in {region} (--region).",
        )
    return Check("bucket", "ok", f"s3://{name} can be reached" + (f", in {region}." if region else "."))


def configuration(cloud: Cloud, name: str) -> dict[str, bytes] | None:
    """The scripts of a lifecycle configuration by their hook; None where there is no such configuration.

    Raises:
        AWSError: AWS refused, or could not be reached.
    """
    try:
        with explained(f"lifecycle configuration {name} was looked at"):
            found = cloud.client("sagemaker").describe_notebook_instance_lifecycle_config(
                NotebookInstanceLifecycleConfigName=name
            )
    except AWSError as error:
        if is_missing(error):
            return None
        raise
    return scripts.decoded(found)


def is_missing(error: AWSError) -> bool:
    """Whether AWS says that there is nothing of that name."""
    said = str(error).lower()
    return error.code in {"ResourceNotFound", "RecordNotFound"} or (
        error.code == "ValidationException" and any(one in said for one in ("not exist", "recordnotfound", "not found"))
    )


def users(cloud: Cloud, name: str) -> dict[str, str]:
    """The instances that use a lifecycle configuration: name -> state. Raises AWSError."""
    found: dict[str, str] = {}
    with explained(f"the instances with lifecycle configuration {name} were looked for"):
        client, token = cloud.client("sagemaker"), None
        while True:
            # The filter finds longer names, too.
            given = {"NotebookInstanceLifecycleConfigNameContains": name, **({"NextToken": token} if token else {})}
            page = client.list_notebook_instances(**given)
            for one in page.get("NotebookInstances", ()):
                if one.get("NotebookInstanceLifecycleConfigName") == name:
                    found[str(one["NotebookInstanceName"])] = str(one["NotebookInstanceStatus"])
            token = page.get("NextToken")
            if not token:
                return found


def instance(cloud: Cloud, name: str) -> dict[str, Any]:
    """What AWS says of an instance; LifecycleError where there is none of that name."""
    try:
        return describe(cloud, name)
    except AWSError as error:
        if is_missing(error):
            raise LifecycleError(
                f"there is no notebook instance {name!r} in {cloud.region}: look at its name and region (--region). A "
                "new one is made with a template: segwidgets lifecycle template."
            ) from None
        raise


def of_instance(found: Mapping[str, Any], *, stops: bool, force: bool) -> Iterator[Check]:
    """What would keep the kernels from an instance: its type, platform, volume, network.

    An instance that AWS would not start again is refused where it would be stopped, unless ``force`` says otherwise.
    """
    bad: State = "refused" if stops and not force else "warning"
    judged = instances.judge(str(found.get("InstanceType", "")), "notebook")
    ends = " Once stopped it may never start again." if stops else ""
    way = " --force goes on all the same." if bad == "refused" else ""
    if judged.state == "refused":
        yield Check("type", bad, judged.text + ends, f"{judged.way_out}{way}".strip())
    else:
        yield Check("type", judged.state, judged.text, judged.way_out)
    platform = str(found.get("PlatformIdentifier") or "")
    if _OLD_PLATFORM.fullmatch(platform):
        yield Check(
            "platform",
            bad,
            f"Its platform {platform} is Amazon Linux 2 or older: RAPIDS needs glibc 2.28, which it does not have, and "
            f"AWS starts no such instance since 2026-07-01.{ends}",
            f"Make a new one with {instances.PLATFORM} (segwidgets lifecycle template), and take your files over.{way}",
        )
    volume = found.get("VolumeSizeInGB")
    if isinstance(volume, int) and volume < LEAST_VOLUME:
        yield Check(
            "volume",
            "warning",
            f"Its volume has {volume} GB. The RAPIDS kernel needs {LEAST_VOLUME}, so there will be a CPU kernel only.",
            f"While it is stopped: aws sagemaker update-notebook-instance --notebook-instance-name "
            f"{found.get('NotebookInstanceName')} --volume-size-in-gb {GOOD_VOLUME}. It can never shrink again.",
        )
    if found.get("DirectInternetAccess") == "Disabled":
        yield Check(
            "network",
            "warning",
            "It has no direct internet access. A first restore fetches packages from conda.anaconda.org and PyPI.",
            "Its VPC needs a NAT gateway or a proxy to them, and a way to S3.",
        )


def who(cloud: Cloud) -> Check:
    """Who asks; the look that tells first whether there are credentials. Raises CredentialsError."""
    caller = cloud.caller
    return Check("credentials", "ok", f"{caller['Arn']} in account {caller['Account']}, {cloud.region}.")
