"""The container of SageMaker jobs: built from this very package, and pushed to the account's registry (ECR).

It runs docker, podman or finch, whichever is there. A password only ever goes through the program's input.
"""

from __future__ import annotations

import base64
import dataclasses
import importlib.resources
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import segwidgets
from segwidgets import __version__
from segwidgets.aws import AWSError, explained
from segwidgets.jobs.spec import SpecError

if TYPE_CHECKING:
    from segwidgets.aws import Cloud

ENGINES = ("docker", "podman", "finch")
REPOSITORY = "segwidgets"
#: SageMaker's instances with NVIDIA's GPUs are of this kind, whatever the machine that builds is.
PLATFORM = "linux/amd64"

_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_REPOSITORY = re.compile(r"(?=.{2,256}$)[a-z0-9]+(?:[._/-][a-z0-9]+)*")
#: buildx would wrap the image into an index with attestations, a manifest that SageMaker does not take.
_PLAIN_MANIFEST = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
_STDERR = 2

Say = Callable[[str], None]


class ImageError(RuntimeError):
    """The image could not be built or pushed; the message says which command failed, and the way out."""


@dataclasses.dataclass(frozen=True)
class Image:
    """An image by its repository and tag. Raises SpecError where the registry would not take them."""

    repository: str = REPOSITORY
    tag: str = __version__

    def __post_init__(self) -> None:
        if not _REPOSITORY.fullmatch(self.repository):
            raise SpecError(
                f"repository={self.repository!r} is not allowed: 2 to 256 small letters (a to z) and digits, with "
                "single hyphens, dots, underscores and slashes between."
            )
        if not _TAG.fullmatch(self.tag):
            raise SpecError(
                f"tag={self.tag!r} is not allowed: 1 to 128 letters (a to z), digits, dots, hyphens and underscores, "
                "with neither dot nor hyphen at its beginning."
            )

    @property
    def local(self) -> str:
        """Its name on the machine that builds."""
        return f"{self.repository}:{self.tag}"


def engine() -> str:
    """The program that builds images: the first of docker, podman and finch on the path. Raises ImageError."""
    for name in ENGINES:
        if shutil.which(name):
            return name
    raise ImageError(
        "an image needs docker, podman or finch, and none of them is on the path: install one, or run this where there "
        "is one. A notebook instance has docker."
    )


def build(
    image: Image, *, base: str | None = None, wheel: Path | None = None, dry_run: bool = False, say: Say = print
) -> str:
    """Build the image on this machine; returns its local name.

    Args:
        image: its repository and tag.
        base: the image that it is built on; the Dockerfile's RAPIDS by default.
        wheel: a wheel of segwidgets; made from the checkout that this runs from by default.
        dry_run: only tell the commands.
        say: is told each command before it runs.

    Raises:
        ImageError: there is no program to build with, no wheel, or a command failed.
    """
    program = engine()
    with tempfile.TemporaryDirectory() as place:
        context = Path(place)
        if wheel is not None and not (wheel.is_file() and wheel.suffix == ".whl"):
            raise ImageError(f"wheel={str(wheel)!r} is not a wheel: give the path of a file that ends with .whl.")
        shipped = importlib.resources.files("segwidgets.jobs").joinpath("container")
        for name in ("Dockerfile", "requirements.txt"):
            (context / name).write_bytes(shipped.joinpath(name).read_bytes())
        if wheel is None:
            making = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(context), str(_checkout())]
            _run(making, dry_run=dry_run, say=say)
        else:
            shutil.copy(wheel, context)
        command = [program, "build", "--platform", PLATFORM, "--tag", image.local]
        if program == "podman":
            command += ["--format", "docker"]
        if base is not None:
            command += ["--build-arg", f"BASE={base}"]
        _run([*command, str(context)], dry_run=dry_run, say=say)
    return image.local


def _checkout() -> Path:
    """The directory of the checkout that this package runs from."""
    root = Path(segwidgets.__file__).parents[1]
    if not (root / "pyproject.toml").is_file():
        raise ImageError(
            "segwidgets was installed from a wheel, so there is no checkout to make one from: give that wheel "
            "(--wheel segwidgets-….whl)."
        )
    return root


def push(
    cloud: Cloud, image: Image, *, immutable: bool = False, dry_run: bool = False, say: Say = print
) -> tuple[str, str]:
    """Push a built image to the account's registry; returns its address and its digest ("" in a dry run).

    A repository that is missing is made, with a scan of every push, and with tags that cannot be moved where they are
    to be ``immutable``.

    Raises:
        ImageError: there is no program to push with, the image was not built, or a command failed.
        AWSError: the registry refused.
    """
    program = engine()
    registry = f"{cloud.account}.dkr.ecr.{cloud.region}.{_suffix(cloud.region)}"
    address = f"{registry}/{image.local}"
    if not dry_run and _status([program, "image", "inspect", image.local]) != 0:
        raise ImageError(
            f"{program} has no image {image.local} here, or does not answer: run 'segwidgets image build' with this "
            "repository and tag first."
        )
    _make_repository(cloud, image.repository, immutable=immutable, dry_run=dry_run, say=say)
    login = [program, "login", "--username", "AWS", "--password-stdin", registry]
    _run(login, dry_run=dry_run, say=say, given=None if dry_run else _password(cloud))
    _run([program, "tag", image.local, address], dry_run=dry_run, say=say)
    _run([program, "push", address], dry_run=dry_run, say=say)
    if dry_run:
        return address, ""
    with explained(f"the digest of {address} was looked up"):
        found = cloud.client("ecr").describe_images(
            repositoryName=image.repository, imageIds=[{"imageTag": image.tag}]
        )["imageDetails"]
    return address, str(found[0]["imageDigest"])


def _suffix(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def _make_repository(cloud: Cloud, name: str, *, immutable: bool, dry_run: bool, say: Say) -> None:
    client = cloud.client("ecr")
    try:
        with explained(f"repository {name} was looked at"):
            client.describe_repositories(repositoryNames=[name])
    except AWSError as error:
        if error.code != "RepositoryNotFoundException":
            raise
    else:
        return
    say(f"make the repository {name} in {cloud.region}, scanned on push" + (", tags immutable" if immutable else ""))
    if not dry_run:
        with explained(f"repository {name} was made"):
            client.create_repository(
                repositoryName=name,
                imageScanningConfiguration={"scanOnPush": True},
                imageTagMutability="IMMUTABLE" if immutable else "MUTABLE",
            )


def _password(cloud: Cloud) -> str:
    """The registry's password for the next twelve hours."""
    with explained("a password for the registry was asked for"):
        token = cloud.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    return base64.b64decode(token).decode().partition(":")[2]


def _run(command: Sequence[str], *, dry_run: bool, say: Say, given: str | None = None) -> None:
    """Tell a command and run it, its output to ours for errors; ``given`` is its input."""
    say(shlex.join(command))
    if dry_run:
        return
    status = _status(command, given=given, output=_STDERR)
    if status != 0:
        raise ImageError(f"{shlex.join(command[:3])} … ended with status {status}: what it said stands above.")


def _status(command: Sequence[str], *, given: str | None = None, output: int = subprocess.DEVNULL) -> int:
    done = subprocess.run(
        list(command),
        input=given if given is not None else "",
        stdout=output,
        stderr=output,
        env={**os.environ, **_PLAIN_MANIFEST},
        text=True,
        check=False,
    )
    return done.returncode
