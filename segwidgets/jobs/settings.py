"""Where and how a SageMaker job runs, and the defaults that a team keeps in a file."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets import __version__, storage
from segwidgets.data.errors import listed, nearest
from segwidgets.jobs.spec import SpecError

if TYPE_CHECKING:
    from segwidgets.aws import Cloud

#: The file in segwidgets' home, and its one table.
FILE = "settings.toml"
TABLE = "promote"
DEFAULT_INSTANCE = "ml.g4dn.xlarge"
#: Keywords of `promote` that are not settings of SageMaker but may have a default in the file all the same.
_OTHERS = {"target": str, "mode": str, "experiment": str, "trial": str, "tracking_uri": str}
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclasses.dataclass(frozen=True)
class SageMakerSettings:
    """Everything of a training job that is neither its data nor its recipe.

    ``max_run`` and ``max_wait`` are seconds, ``volume_gb`` is GB. ``kms_key`` encrypts what is written to S3,
    ``volume_kms_key`` the instance's disk. ``max_wait`` is how long a spot job may take with its waiting, twice
    ``max_run`` by default.
    """

    region: str
    role: str
    bucket: str
    image: str
    instance_type: str = DEFAULT_INSTANCE
    instance_count: int = 1
    prefix: str = "segwidgets"
    volume_gb: int = 50
    spot: bool = False
    max_run: int = 3600
    max_wait: int | None = None
    kms_key: str | None = None
    volume_kms_key: str | None = None
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    network_isolation: bool = False
    encrypt_traffic: bool = False
    tags: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not _ROLE.fullmatch(self.role):
            raise SpecError(f"role={self.role!r} is not allowed: it must be the ARN of a role, arn:aws:iam::…:role/….")
        if not _BUCKET.fullmatch(self.bucket):
            raise SpecError(f"bucket={self.bucket!r} is not allowed: give a bucket's name, without s3:// and slashes.")
        if self.instance_count != 1:
            raise SpecError(
                f"instance_count={self.instance_count!r} is not allowed: it must be 1. A job's stages run on one "
                "instance, more would cost and do nothing: take a larger instance_type."
            )
        for name in ("max_run", "volume_gb"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise SpecError(f"{name}={value!r} is not allowed: it must be a whole number from 1.")
        if self.max_wait is not None and not self.spot:
            raise SpecError(f"max_wait={self.max_wait!r} is only for spot jobs: add spot=True, or leave it out.")
        if self.spot and self.longest_wait < self.max_run:
            raise SpecError(
                f"max_wait={self.max_wait!r} is not allowed: it counts the run too, so it must be max_run "
                f"({self.max_run}) or more."
            )
        if bool(self.subnets) != bool(self.security_groups):
            raise SpecError("subnets and security_groups belong together: give both, or neither.")

    @property
    def longest_wait(self) -> int:
        """Seconds that a spot job may take with its waiting."""
        return 2 * self.max_run if self.max_wait is None else self.max_wait

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return {**dataclasses.asdict(self), "tags": dict(self.tags)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SageMakerSettings:
        """The settings that `to_dict` gave."""
        given = dict(values)
        for name in ("subnets", "security_groups"):
            given[name] = tuple(given.get(name) or ())
        given["tags"] = tuple(dict(given.get("tags") or {}).items())
        return cls(**given)


#: Keywords of `promote` that are settings of SageMaker.
KEYWORDS = tuple(field.name for field in dataclasses.fields(SageMakerSettings))


def defaults(path: Path | None = None) -> dict[str, Any]:
    """What the table ``[promote]`` of the settings file says; nothing where there is no file.

    Raises:
        SpecError: the file is not TOML, or names something that `promote` does not take, or with a wrong type.
    """
    import tomllib

    file = storage.home() / FILE if path is None else path
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{file} cannot be read: {error}. Mend it, or move it away.") from None
    strange = [name for name in content if name != TABLE]
    if strange:
        raise SpecError(f"{file} has {listed(strange)}: its settings belong under [{TABLE}].")
    found = dict(content.get(TABLE, {}))
    allowed = {**_OTHERS, **{field.name: _kind(str(field.type)) for field in dataclasses.fields(SageMakerSettings)}}
    for name, value in found.items():
        if name not in allowed:
            raise SpecError(f"{file} sets {name!r}, which is no setting of promote.{nearest(name, allowed)}")
        if not isinstance(value, allowed[name]) or (allowed[name] is int and isinstance(value, bool)):
            raise SpecError(f"{file} sets {name}={value!r}, which is not a {_WORDS[allowed[name]]}.")
    return found


_WORDS: dict[type, str] = {str: "text", int: "whole number", bool: "true or false", list: "list", dict: "table"}


def _kind(annotation: str) -> type:
    """The TOML type of a field, by its annotation."""
    plain = annotation.removesuffix(" | None")
    if plain.startswith("tuple[tuple"):
        return dict
    return {"str": str, "int": int, "bool": bool}.get(plain, list)


def resolve(cloud: Cloud, given: Mapping[str, Any]) -> SageMakerSettings:
    """The settings of a job: what is given, else what the file says, else what the account offers.

    The role is the one that asks (a notebook instance's own); the bucket SageMaker's usual one of the region; the
    image ``segwidgets:<version>`` in the account's own registry.

    Raises:
        SpecError: a setting is not allowed, or no role is given and the caller has none.
        AWSError: AWS had to be asked and could not be.
    """
    filed = {name: value for name, value in defaults().items() if name in KEYWORDS}
    said = {**filed, **{name: value for name, value in given.items() if value is not None}}
    said["region"] = cloud.region
    said["role"] = said.get("role") or own_role(cloud)
    said["bucket"] = said.get("bucket") or f"sagemaker-{cloud.region}-{cloud.account}"
    said["image"] = (
        said.get("image") or f"{cloud.account}.dkr.ecr.{cloud.region}.amazonaws.com/segwidgets:{__version__}"
    )
    return SageMakerSettings.from_dict(said)


def own_role(cloud: Cloud) -> str:
    """The role that asks, as SageMaker wants it named; SpecError where the caller is no role."""
    from segwidgets.aws import AWSError, explained

    arn = cloud.caller["Arn"]
    assumed = re.fullmatch(r"arn:(aws[a-z-]*):sts::(\d{12}):assumed-role/([^/]+)/.*", arn)
    if assumed is None:
        raise SpecError(
            f"role is missing: {arn} is not a role that SageMaker could take over. Give role='arn:aws:iam::…:role/…', "
            f"or write it into {storage.home() / FILE} under [{TABLE}]."
        )
    try:
        with explained("the caller's role was looked up"):
            return str(cloud.client("iam").get_role(RoleName=assumed[3])["Role"]["Arn"])
    except AWSError as error:
        raise SpecError(
            f"role is missing: the caller's role {assumed[3]!r} could not be looked up ({error}). Give role=… in full."
        ) from error
