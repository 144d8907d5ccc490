"""lifecycle/requirements.txt: what no conda channel has, compiled by uv against what the conda half installs.

The versions of the conda half are constraints, and its names are left out of what is written, so pip has no cause to
install any of them again. Written are names, versions and hashes, and no address: the restore asks whatever index the
instance's pip knows.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import tomllib
from names import normalised
from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename
from sources import LockError

# Amazon Linux 2023's glibc, as in virtual-packages.yml.
GLIBC = 34
PLATFORMS = [
    *(f"manylinux_2_{minor}_x86_64" for minor in range(GLIBC, 4, -1)),
    *("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"),
]
UV_PLATFORM = f"x86_64-manylinux_2_{GLIBC}"


@dataclass(frozen=True)
class Pinned:
    """One distribution of the pip half: the hashes of its wheels that fit, and what it requires where that is known."""

    name: str
    version: str
    hashes: tuple[str, ...]
    requires: tuple[str, ...] = ()


def compile_pins(requirements: str, constraints: Mapping[str, str], python: str, folder: Path) -> list[Pinned]:
    """What `requirements` come to under `constraints` (versions by name) for this Python on Linux, x86-64.

    Only wheels: no instance's compiler can be relied on, and a source distribution runs code at installation.
    """
    (folder / "requirements.in").write_text(requirements)
    (folder / "constraints.txt").write_text(
        "".join(f"{name}=={version}\n" for name, version in sorted(constraints.items()))
    )
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "compile", "requirements.in", "--constraint", "constraints.txt"),
            *("--python-version", python, "--python-platform", UV_PLATFORM, "--no-build", "--quiet"),
            *("--format", "pylock.toml", "--output-file", "pylock.toml"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise LockError(
            f"uv could not compile the packages that pip installs:\n{ended.stderr.strip()}\n"
            "If uv is missing, run `make lock`, which installs it. If versions do not fit, conda brings one that a "
            "package here cannot live with: set a limit for it in environment.yml."
        )
    packages: list[dict[str, Any]] = tomllib.loads((folder / "pylock.toml").read_text())["packages"]
    return [_pinned(package, python) for package in packages]


def _pinned(package: Mapping[str, Any], python: str) -> Pinned:
    fits = tags(python)
    hashes = []
    for wheel in package.get("wheels", []):
        file = wheel.get("name") or unquote(wheel["url"].rsplit("/", 1)[1])
        if not parse_wheel_filename(file)[3].isdisjoint(fits):
            hashes.append(wheel["hashes"]["sha256"])
    if not hashes:
        raise LockError(
            f"{package['name']} {package['version']} has no wheel for Python {python} on Linux, x86-64: ask for another"
        )
    return Pinned(normalised(package["name"]), package["version"], tuple(sorted(hashes)))


def tags(python: str) -> set[Tag]:
    """What a wheel may be tagged with to be installed here."""
    version = tuple(int(part) for part in python.split(".")[:2])
    interpreter = f"cp{version[0]}{version[1]}"
    return {*cpython_tags(version, platforms=PLATFORMS), *compatible_tags(version, interpreter, PLATFORMS)}


def with_metadata(pins: Iterable[Pinned], file: Path, python: str, folder: Path) -> list[Pinned]:
    """The same, each with what its wheel's metadata requires.

    pip fetches every wheel for that, by the hashes in `file`, as the restore will: what cannot be had is not locked.
    """
    short = "".join(python.split(".")[:2])
    ended = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--dry-run",
                "--ignore-installed",
                "--report",
                "report.json",
            ),
            *(
                "--require-hashes",
                "--no-deps",
                "--only-binary=:all:",
                "--requirement",
                str(file),
                "--target",
                "nowhere",
            ),
            *(
                "--python-version",
                short,
                "--implementation",
                "cp",
                "--abi",
                f"cp{short}",
                "--abi",
                "abi3",
                "--abi",
                "none",
            ),
            *(word for platform in PLATFORMS for word in ("--platform", platform)),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise LockError(f"pip cannot fetch what was compiled, by its hashes:\n{ended.stderr.strip()}")
    report = json.loads((folder / "report.json").read_text())
    metadata = {normalised(entry["metadata"]["name"]): entry["metadata"] for entry in report["install"]}
    return [
        Pinned(pin.name, pin.version, pin.hashes, tuple(sorted(metadata[pin.name].get("requires_dist", []))))
        for pin in pins
    ]


def write_pins(pins: Sequence[Pinned], comment: str, file: Path) -> None:
    """A file for `pip install --require-hashes --no-deps`, with a comment on top."""
    lines = [f"# {line}".rstrip() for line in comment.strip().splitlines()]
    lines.extend(
        " \\\n    ".join([f"{pin.name}=={pin.version}", *(f"--hash=sha256:{digest}" for digest in pin.hashes)])
        for pin in sorted(pins, key=lambda pin: pin.name)
    )
    file.write_text("\n".join(lines) + "\n")


def read_pins(file: Path) -> dict[str, Pinned]:
    """What `write_pins` wrote, by name."""
    pins = {}
    for line in file.read_text().replace("\\\n", " ").splitlines():
        words = line.partition("#")[0].split()
        if words:
            name, _, version = words[0].partition("==")
            pins[name] = Pinned(name, version, tuple(word.removeprefix("--hash=sha256:") for word in words[1:]))
    return pins


def write_metadata(pins: Sequence[Pinned], python: str, file: Path) -> None:
    """What the pip half requires where it is installed, for checks that fetch nothing."""
    wanted = extras_wanted({pin.name: pin.requires for pin in pins}, python)
    entries = {
        pin.name: {
            "version": pin.version,
            "requires": [text for text in pin.requires if any(applying([text], python, wanted.get(pin.name, ())))],
        }
        for pin in sorted(pins, key=lambda pin: pin.name)
    }
    file.write_text(json.dumps(entries, indent=1) + "\n")


def extras_wanted(requires: Mapping[str, Iterable[str]], python: str) -> dict[str, set[str]]:
    """The extras that the packages of `requires` ask of one another and of others, by name."""
    wanted: dict[str, set[str]] = {}
    size = -1
    while size != (size := sum(map(len, wanted.values()))):
        for name, texts in requires.items():
            for requirement in applying(texts, python, wanted.get(name, ())):
                wanted.setdefault(normalised(requirement.name), set()).update(requirement.extras)
    return wanted


def applying(requirements: Iterable[str], python: str, extras: Iterable[str] = ()) -> Iterator[Requirement]:
    """Those that hold for this Python on Linux, x86-64, with these extras asked for."""
    machine = {
        "implementation_name": "cpython", "os_name": "posix", "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux", "sys_platform": "linux",
        "python_full_version": python, "python_version": ".".join(python.split(".")[:2]),
    }  # fmt: skip
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is None or any(
            requirement.marker.evaluate({**machine, "extra": extra}) for extra in ("", *extras)
        ):
            yield requirement
