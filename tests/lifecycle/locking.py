"""The lock program and its conda, run as `make lock` and conda-lock run them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / ".ci" / "lock"
HOST = "https://conda.anaconda.org"
SHARED = ROOT.parent / "shared" / "channel-snapshot"
# What a lock is made from, what it consists of, and what is kept to check it.
FILES = (
    "environment.yml",
    "virtual-packages.yml",
    "conda-lock.yml",
    "pyproject.toml",
    "lifecycle/requirements.in",
    "lifecycle/requirements.txt",
    "lifecycle/bootstrap.txt",
    "tests/lifecycle/channel.json",
    "tests/lifecycle/requires.json",
)


def lock(*words: str, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """`python .ci/lock …` on this repository or on a copy of what it reads."""
    return subprocess.run(
        [sys.executable, str(PROGRAM), "--root", str(root), *words], capture_output=True, text=True, check=False
    )


def conda(*words: str, channels: Path | str = "") -> subprocess.CompletedProcess[str]:
    """The conda that conda-lock is handed, reading `channels` in the place of the real ones."""
    mapped = f"{HOST}={channels}" if isinstance(channels, Path) else channels
    return subprocess.run(
        [sys.executable, str(PROGRAM / "rattler_conda.py"), *words],
        env={**os.environ, "CHANNEL_MAP": mapped, "CONDA_SUBDIR": "linux-64"},
        capture_output=True,
        text=True,
        check=False,
    )


def copied(folder: Path) -> Path:
    """A copy of everything that the lock program reads and writes."""
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder


def locked(root: Path = ROOT) -> dict[str, dict[str, Any]]:
    """The packages of conda-lock.yml, by name."""
    return {entry["name"]: entry for entry in yaml.safe_load((root / "conda-lock.yml").read_text())["package"]}


def write_channel(folder: Path, channel: str, subdir: str, records: Mapping[str, Mapping[str, Any]]) -> None:
    """One sub-directory of a channel, from its records by file name."""
    place = folder / channel / subdir
    place.mkdir(parents=True, exist_ok=True)
    index = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": dict(records), "repodata_version": 1}
    (place / "repodata.json").write_text(json.dumps(index))


def snapshot(folder: Path) -> Path:
    """The records that are kept beside the tests, as a snapshot."""
    by_place: dict[tuple[str, str], dict[str, Any]] = {}
    for path, record in json.loads((ROOT / "tests/lifecycle/channel.json").read_text()).items():
        channel, subdir, file = path.split("/")
        by_place.setdefault((channel, subdir), {})[file] = {**record, "subdir": subdir}
    for channel in ("rapidsai", "conda-forge"):
        for subdir in ("linux-64", "noarch"):
            write_channel(folder, channel, subdir, by_place.get((channel, subdir), {}))
    return folder
