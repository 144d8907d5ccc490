"""conda-lock.yml: made by conda-lock itself in a folder of its own, and read back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped,unused-ignore]
from names import distribution, look_up_table
from rattler import Version
from sources import LockError, Records, Source

INPUTS = ("environment.yml", "virtual-packages.yml")
LOCK = "conda-lock.yml"
# Of these a few other versions and builds are kept beside the locked ones, so that there is still something to solve.
DECOYS_OF = (
    "boto3", "botocore", "cuda-version", "cudf", "cuml", "fsspec", "ipykernel", "libcudf", "libcuml", "matplotlib-base",
    "numba", "numpy", "packaging", "pandas", "pyarrow", "python", "python_abi", "rich", "scikit-learn", "scipy",
)  # fmt: skip
DECOYS = 3


@dataclass(frozen=True)
class Package:
    """One locked package."""

    name: str
    version: str
    url: str
    md5: str
    sha256: str
    dependencies: Mapping[str, str]


def conda_lock(folder: Path, *options: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run conda-lock in `folder`, which holds the inputs. Nothing of the folder's place comes into the lock."""
    table = folder / "names.json"
    table.write_text(json.dumps(look_up_table()))
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return subprocess.run(
        [
            *(sys.executable, "-m", "conda_lock", "lock"),
            *("--conda", str(Path(__file__).with_name("rattler_conda.py"))),
            *("--file", INPUTS[0], "--virtual-package-spec", INPUTS[1], "--lockfile", LOCK),
            *("--pypi_to_conda_lookup_file", table.name),
            *options,
        ],
        cwd=folder,
        env={**os.environ, **variables, "PATH": programs},
        capture_output=True,
        text=True,
        check=False,
    )


def copy_inputs(root: Path, folder: Path) -> None:
    """The inputs of conda-lock, out of the repository."""
    for name in INPUTS:
        shutil.copyfile(root / name, folder / name)


def make(root: Path, source: Source, folder: Path) -> Path:
    """A new conda-lock.yml in `folder`, from the inputs under `root`."""
    copy_inputs(root, folder)
    (folder / LOCK).unlink(missing_ok=True)
    ended = conda_lock(folder, variables=source.variables)
    if ended.returncode:
        raise LockError(f"conda-lock could not solve environment.yml from {source}:\n{_said(ended.stderr)}")
    return folder / LOCK


def _said(text: str) -> str:
    """What conda-lock said before it printed its stack."""
    return text.partition("    Command:")[0].partition("Traceback (most recent call last)")[0].strip() or text.strip()


def is_stale(root: Path, folder: Path) -> bool:
    """Whether the inputs have changed since the lock was made, as `conda-lock --check-input-hash` says."""
    copy_inputs(root, folder)
    shutil.copyfile(root / LOCK, folder / LOCK)
    # A lock that is not stale asks for no solving; this answers none, so that a stale one ends at once.
    ended = conda_lock(folder, "--check-input-hash", variables=Source(folder).variables)
    return ended.returncode != 0 or "already locked" not in ended.stderr


def read(file: Path) -> dict[str, Package]:
    """The locked packages, by name."""
    content = yaml.safe_load(file.read_text())
    return {
        entry["name"]: Package(
            name=entry["name"],
            version=str(entry["version"]),
            url=entry["url"],
            md5=entry["hash"].get("md5", ""),
            sha256=entry["hash"].get("sha256", ""),
            dependencies={name: str(spec) for name, spec in entry["dependencies"].items()},
        )
        for entry in content["package"]
    }


def distributions(packages: Mapping[str, Package]) -> dict[str, str]:
    """The versions of what the conda half installs for Python, by the names that pip compares."""
    return {
        distribution(package.name): package.version
        for package in packages.values()
        if not package.dependencies.keys().isdisjoint({"python", "python_abi"})
    }


def kept_records(packages: Mapping[str, Package], source: Source) -> Records:
    """The records of the locked packages, and some that a solver has to pass by."""
    found = source.records(packages)
    kept: Records = {}
    for package in packages.values():
        if package.url not in found:
            raise LockError(
                f"{source} has no record of {package.url}, which it was just solved to. Run make lock again."
            )
        kept[package.url] = found[package.url]
    for name in DECOYS_OF:
        if name not in packages:
            continue
        channel = packages[name].url.rsplit("/", 2)[0]
        others = [url for url, record in found.items() if record["name"] == name and url.startswith(channel)]
        others.sort(key=lambda url: _rank(url, found[url]), reverse=True)
        kept.update({url: found[url] for url in [url for url in others if url not in kept][:DECOYS]})
    return kept


def _rank(url: str, record: Mapping[str, Any]) -> tuple[Version, int, str]:
    return Version(record["version"]), int(record["build_number"]), url
