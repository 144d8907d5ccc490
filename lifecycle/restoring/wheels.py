"""The pip half: wheels fetched once, each by its hash, kept on the volume, installed without a network."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from .errors import RestoreError
from .layout import remove_tree, sha256_of, write_if_new

#: Tries, and the seconds before the second one; each pause is twice the last.
TRIES, PAUSE = 4, 2.0
#: Seconds that one pip may take.
_LIMIT = 3600
_LINE = re.compile(r"(?P<name>[A-Za-z0-9._-]+)\s*==\s*(?P<version>[^\s;\\]+)")

Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Pin:
    """One line of a hashed requirements file."""

    name: str
    version: str
    hashes: frozenset[str]


def read_pins(text: str) -> tuple[Pin, ...]:
    """The pins of a requirements file made with hashes.

    Raises:
        RestoreError: a line has no exact version, or no sha256.
    """
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        bare = line.partition("#")[0].strip()
        if not bare:
            continue
        match = _LINE.match(bare)
        hashes = frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", bare))
        if match is None or not hashes:
            raise RestoreError(
                f"requirements.txt has a line without an exact version and a sha256: {bare[:60]!r}. "
                "Make it again (make lock) and deploy it."
            )
        found.append(Pin(normal(match["name"]), match["version"], hashes))
    return tuple(found)


def normal(name: str) -> str:
    """A package's name as pip compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def missing(pins: Iterable[Pin], folder: Path) -> list[Pin]:
    """The pins of which no file with one of their hashes lies in the folder. What is damaged there is deleted."""
    wanted = {digest for pin in pins for digest in pin.hashes}
    names = {pin.name for pin in pins}
    there = set()
    for file in sorted(folder.glob("*")):
        if not file.is_file() or file.name.startswith("."):
            continue
        digest = sha256_of(file)
        if digest in wanted:
            there.add(digest)
        elif normal(file.name.partition("-")[0]) in names:
            file.unlink()
    return [pin for pin in pins if not pin.hashes & there]


def fetch(
    python: Path, requirements: Path, folder: Path, say: Say, *, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Bring the wheels of a requirements file into the folder; those that lie there are not fetched again.

    The index is pip's own configuration's. Each file is checked against its hash by pip, and once more here.

    Raises:
        RestoreError: they could not be had.
    """
    pins = read_pins(requirements.read_text("utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    said = ""
    for turn in range(TRIES):
        if not missing(pins, folder):
            return
        if turn:
            say(f"pip could not fetch everything; try {turn + 1} of {TRIES}: {said}")
            sleep(PAUSE * 2 ** (turn - 1))
        work = folder / f".pip-{os.getpid()}"
        remove_tree(work)
        work.mkdir()
        try:
            # Into a directory of its own: what a killed pip leaves half-written there is nobody's wheel.
            said = _pip(
                python,
                [
                    *("download", "--require-hashes", "--no-deps", "--only-binary=:all:", "--find-links", str(folder)),
                    *("--dest", str(work), "--requirement", str(requirements)),
                ],
            )
            for file in work.iterdir():
                file.replace(folder / file.name)
        finally:
            remove_tree(work)
    left = missing(pins, folder)
    if left:
        names = ", ".join(pin.name for pin in left[:5]) + (" …" if len(left) > 5 else "")
        raise RestoreError(
            f"{len(left)} of {len(pins)} packages could not be fetched by pip ({names}). {said} Check the network, and "
            "where pip.conf or PIP_INDEX_URL points if the instance has no direct internet access."
        )


def install(python: Path, requirements: Path, folder: Path, more: Iterable[Path] = ()) -> None:
    """Install the wheels of a requirements file, and more wheels, from the folder alone.

    Raises:
        RestoreError: pip refused one.
    """
    common = [
        "install",
        "--no-index",
        "--no-deps",
        "--no-compile",
        "--disable-pip-version-check",
        "--no-warn-script-location",
    ]
    if read_pins(requirements.read_text("utf-8")):
        said = _pip(
            python,
            [*common, "--require-hashes", "--find-links", str(folder), "--requirement", str(requirements)],
        )
        if said:
            raise RestoreError(f"pip could not install what was fetched: {said}")
    for wheel in more:
        said = _pip(python, [*common, "--force-reinstall", str(wheel)])
        if said:
            raise RestoreError(f"pip could not install {wheel.name}: {said}")


def _pip(python: Path, arguments: list[str]) -> str:
    """Run pip; "" where it went well, else the end of what it said."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CONDA"))}
    command = [str(python), "-m", "pip", "--no-input", "--quiet", "--no-cache-dir", *arguments]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LIMIT,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**environment, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONNOUSERSITE": "1"},
        )
    except subprocess.TimeoutExpired:
        return f"pip did not end within {_LIMIT} s."
    except OSError as error:
        return f"{python} cannot be run: {error.strerror}."
    if not done.returncode:
        return ""
    told = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return " ".join(told[-3:])[-500:] or f"pip ended with exit code {done.returncode}."


def save(wheel: Path, folder: Path) -> Path:
    """A copy of a wheel in the folder, under its name."""
    target = folder / wheel.name
    write_if_new(target, wheel.read_bytes())
    return target
