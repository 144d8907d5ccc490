"""Deploying: the bundle to S3, the scripts into a lifecycle configuration, and that onto an instance.

A plan is made first, which only reads; then it is carried out as it was told. Where everything is as it should be, the
plan has no steps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from segwidgets.aws import AWSError, explained
from segwidgets.jobs.checks import Check
from segwidgets.lifecycle import looks, scripts
from segwidgets.lifecycle.calls import Call, Step, Wait, start_command
from segwidgets.lifecycle.errors import LifecycleError

if TYPE_CHECKING:
    from segwidgets.aws import Cloud
    from segwidgets.lifecycle.bundle import Bundle

#: The folder of the bundles under a project's prefix.
FOLDER = "kernels"
#: States that an instance leaves by itself.
_ON_ITS_WAY = {"Pending": "InService", "Stopping": "Stopped", "Updating": "Stopped"}
#: What tells, at a bundle in S3, the key that it was encrypted with.
_KEY_NOTE = "segwidgets-kms-key"


@dataclasses.dataclass(frozen=True)
class Place:
    """Where bundles lie in S3; ``kms_key`` encrypts them, the bucket's own settings do without one."""

    bucket: str
    prefix: str = "segwidgets"
    kms_key: str | None = None

    def key(self, bundle: Bundle) -> str:
        """A bundle's key in the bucket."""
        return "/".join(part for part in (self.prefix.strip("/"), FOLDER, bundle.name) if part)

    def uri(self, bundle: Bundle) -> str:
        """A bundle's address."""
        return f"s3://{self.bucket}/{self.key(bundle)}"


@dataclasses.dataclass(frozen=True)
class Plan:
    """What would be done. ``diff`` is of the scripts, ``notes`` what is as it should be, or will be after it."""

    checks: tuple[Check, ...]
    steps: tuple[Step, ...] = ()
    diff: str = ""
    notes: tuple[str, ...] = ()

    @property
    def refused(self) -> tuple[Check, ...]:
        """What stands against it."""
        return tuple(check for check in self.checks if check.state == "refused")

    @property
    def remarks(self) -> tuple[Check, ...]:
        """What is not as it should be, and stands against nothing."""
        return tuple(check for check in self.checks if check.state in {"warning", "unknown"})


def place(cloud: Cloud, *, bucket: str | None = None, prefix: str | None = None) -> Place:
    """Where the bundle goes: what is given, else the settings file's ``[promote]``, else SageMaker's usual bucket.

    Raises:
        SpecError: the settings file cannot be read.
        AWSError: the account had to be asked for and could not be.
    """
    from segwidgets.jobs.settings import defaults

    filed = defaults()
    return Place(
        bucket or filed.get("bucket") or f"sagemaker-{cloud.region}-{cloud.account}",
        str(filed.get("prefix", "segwidgets") if prefix is None else prefix),
        filed.get("kms_key"),
    )


def plan(
    cloud: Cloud,
    name: str,
    bundle: Bundle,
    where: Place,
    *,
    instance: str | None = None,
    restart: bool = False,
    replace: bool = False,
    force: bool = False,
) -> Plan:
    """What deploying a bundle would do; changes nothing.

    Args:
        cloud: the account and region.
        name: of the lifecycle configuration.
        bundle: what the instance gets.
        where: where it goes in S3.
        instance: of the notebook instance that the configuration is attached to.
        restart: stop that instance for it, and start it again.
        replace: overwrite a configuration that is not segwidgets', and one that the instance has.
        force: restart an instance that AWS may not start again.

    Raises:
        LifecycleError: a name is not allowed, a script is not, or there is no such instance.
        AWSError: AWS refused, or could not be reached.
    """
    looks.named("configuration", name)
    if instance is not None:
        looks.named("instance", instance)
    elif restart:
        raise LifecycleError("--restart needs --instance: it says which one is stopped and started.")
    after = scripts.filled(where.uri(bundle), bundle.sha256)
    checks = [looks.who(cloud), looks.bucket(cloud, where.bucket)]
    before = looks.configuration(cloud, name)
    if before is not None:
        checks += _foreign(name, before, replace=replace)
    diff = scripts.diff(before or {}, after)
    notes: list[str] = []
    steps: list[Step] = []
    if any(check.name == "bucket" and check.state == "refused" for check in checks):
        return Plan(tuple(checks))
    steps += upload(cloud, bundle, where, notes)
    steps += _configure(name, before, after, notes)
    if instance is not None:
        found = looks.instance(cloud, instance)
        attach, more = _attach(name, found, changed=bool(diff), restart=restart, replace=replace, notes=notes)
        stops = any(isinstance(step, Call) and step.method == "stop_notebook_instance" for step in attach)
        checks += [*looks.of_instance(found, stops=stops, force=force), *more]
        steps += attach
        decrypt = f", and kms:Decrypt with {where.kms_key}" if where.kms_key else ""
        notes.append(f"Its role must be allowed s3:GetObject on {where.uri(bundle)}{decrypt}: {found.get('RoleArn')}")
    return Plan(tuple(checks), tuple(steps), diff, tuple(notes))


def upload(cloud: Cloud, bundle: Bundle, where: Place, notes: list[str]) -> list[Step]:
    """The step that uploads a bundle, none where S3 holds it, whole and under the same key."""
    key, note = where.key(bundle), where.kms_key or ""
    try:
        with explained(f"the bundle in s3://{where.bucket} was looked at"):
            found = cloud.client("s3").head_object(Bucket=where.bucket, Key=key, ChecksumMode="ENABLED")
    except AWSError as error:
        # Without s3:ListBucket what is not there is forbidden, not missing.
        if error.code not in {"404", "NoSuchKey", "NotFound", "403", "AccessDenied", "Forbidden"}:
            raise
        found = {}
    if (
        found.get("ContentLength") == len(bundle.content)
        and found.get("ChecksumSHA256") == bundle.checksum
        and found.get("Metadata", {}).get(_KEY_NOTE, "") == note
    ):
        notes.append(f"The bundle is in S3 already: {where.uri(bundle)}")
        return []
    given: dict[str, Any] = {
        "Bucket": where.bucket,
        "Key": key,
        "Body": bundle.content,
        "ChecksumAlgorithm": "SHA256",
        "ChecksumSHA256": bundle.checksum,
        "ContentType": "application/gzip",
        "Metadata": {_KEY_NOTE: note} if note else {},
    }
    if where.kms_key:
        given |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": where.kms_key}
    return [Call("s3", "put_object", given, f"the bundle was uploaded to {where.uri(bundle)}")]


def _foreign(name: str, before: dict[str, bytes], *, replace: bool) -> Iterable[Check]:
    """Scripts that somebody wrote by hand are not lost by a slip."""
    theirs = [scripts.HOOKS[hook] for hook, text in before.items() if text.strip() and not scripts.is_ours(text)]
    if theirs:
        yield Check(
            "configuration",
            "warning" if replace else "refused",
            f"Lifecycle configuration {name!r} is not segwidgets': its {' and '.join(theirs)} would be overwritten.",
            "Take another name." if replace else "Take another name, or --replace it: the lines with - would be gone.",
        )


def _configure(name: str, before: dict[str, bytes] | None, after: dict[str, bytes], notes: list[str]) -> list[Step]:
    if before == after:
        notes.append(f"Lifecycle configuration {name} is as it should be.")
        return []
    method, did = ("create", "made") if before is None else ("update", "updated")
    arguments = {
        "NotebookInstanceLifecycleConfigName": name,
        **{hook: [{"Content": scripts.encoded(text)}] for hook, text in after.items()},
    }
    if before is not None:
        notes.append("Instances with this configuration run the new scripts at their next start.")
    call = f"{method}_notebook_instance_lifecycle_config"
    return [Call("sagemaker", call, arguments, f"lifecycle configuration {name} was {did}")]


def _attach(
    name: str, found: dict[str, Any], *, changed: bool, restart: bool, replace: bool, notes: list[str]
) -> tuple[list[Step], list[Check]]:
    """The steps that bring a configuration onto an instance, and what stands against them."""
    instance, state = str(found["NotebookInstanceName"]), str(found["NotebookInstanceStatus"])
    has = str(found.get("NotebookInstanceLifecycleConfigName") or "")
    checks: list[Check] = []
    attached = has == name
    if has and not attached:
        what = f"{instance} has the lifecycle configuration {has!r}, which would no longer run."
        way_out = f"It stays in AWS, as {has}." if replace else "Put into it what you need, or --replace it."
        checks.append(Check("attached", "warning" if replace else "refused", what, way_out))
    if attached and not (changed and restart):
        notes.append(f"{instance} has this configuration already, and is {state}.")
        if changed:
            notes.append(f"The new kernel comes with the next start of {instance}; --restart does it now.")
        return [], checks
    if state not in {"Stopped", "InService", *_ON_ITS_WAY}:
        why = str(found.get("FailureReason") or "AWS does not say why")
        checks.append(Check("state", "refused", f"{instance} is {state}: {why}", "Mend it in the SageMaker console."))
        return [], checks
    if state != "Stopped" and not restart:
        checks.append(
            Check(
                "state",
                "refused",
                f"{instance} is {state}: a lifecycle configuration can be attached to a stopped instance only.",
                f"Stop it (aws sagemaker stop-notebook-instance --notebook-instance-name {instance}) and deploy again, "
                "or add --restart. That ends everything that runs on it.",
            )
        )
        return [], checks
    if state == "Stopped" and restart:
        notes.append(f"{instance} was stopped and stays so. To start it: {start_command(instance)}")
    return list(_steps(name, instance, state, attached=attached)), checks


def _steps(name: str, instance: str, state: str, *, attached: bool) -> Iterator[Step]:
    given = {"NotebookInstanceName": instance}
    settled = _ON_ITS_WAY.get(state, state)
    if settled != state:
        yield Wait(instance, settled)
    if settled == "InService":
        yield Call("sagemaker", "stop_notebook_instance", given, f"{instance} was stopped")
        yield Wait(instance, "Stopped")
    if not attached:
        change = {**given, "LifecycleConfigName": name}
        yield Call("sagemaker", "update_notebook_instance", change, f"{name} was attached to {instance}")
        yield Wait(instance, "Stopped")
    if state != "Stopped":
        yield Call("sagemaker", "start_notebook_instance", given, f"{instance} was started")
        yield Wait(instance, "InService")


# -- and away again ----------------------------------------------------------------------------------------------------


def removal(cloud: Cloud, name: str, *, instances: Sequence[str] = ()) -> Plan:
    """What taking a configuration away would do: off the stopped instances that are named, then deleted.

    Raises:
        LifecycleError: there is no such configuration or instance.
        AWSError: AWS refused, or could not be reached.
    """
    looks.named("configuration", name)
    checks = [looks.who(cloud)]
    before = looks.configuration(cloud, name)
    if before is None:
        raise LifecycleError(f"there is no lifecycle configuration {name!r} in {cloud.region}: nothing to remove.")
    using = looks.users(cloud, name)
    steps: list[Step] = []
    notes: list[str] = []
    for instance in dict.fromkeys(instances):
        if instance not in using:
            has = looks.instance(cloud, looks.named("instance", instance)).get("NotebookInstanceLifecycleConfigName")
            notes.append(f"{instance} does not use {name}" + (f", but {has}." if has else "."))
        elif using[instance] != "Stopped":
            checks.append(_not_stopped(instance, using[instance]))
        else:
            given = {"NotebookInstanceName": instance, "DisassociateLifecycleConfig": True}
            steps.append(Call("sagemaker", "update_notebook_instance", given, f"{name} was taken off {instance}"))
            steps.append(Wait(instance, "Stopped"))
    others = [f"{one} ({state})" for one, state in using.items() if one not in instances]
    if others:
        checks.append(
            Check(
                "in use",
                "refused",
                f"{name} is used by {', '.join(others)}.",
                "Stop them, and name each with --instance: then it is taken off.",
            )
        )
    delete = {"NotebookInstanceLifecycleConfigName": name}
    call = "delete_notebook_instance_lifecycle_config"
    steps.append(Call("sagemaker", call, delete, f"lifecycle configuration {name} was deleted"))
    notes.append("Bundles stay in S3, and what was restored stays on the instances' volumes.")
    return Plan(tuple(checks), tuple(steps), scripts.diff(before, {}), tuple(notes))


def _not_stopped(instance: str, state: str) -> Check:
    return Check(
        "state",
        "refused",
        f"{instance} is {state}: a lifecycle configuration can be taken off a stopped instance only.",
        f"Stop it (aws sagemaker stop-notebook-instance --notebook-instance-name {instance}) and remove again.",
    )
