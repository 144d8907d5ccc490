"""Make the lock of the kernel's environment, or check the one there is. `make lock` runs it; see environment.yml.

Written, all at once and only when everything went well:
    conda-lock.yml              the conda half, by conda-lock
    lifecycle/requirements.txt  the pip half, by uv; lifecycle/bootstrap.txt  what the restore itself needs
    tests/lifecycle/channel.json, requires.json
                                what CI's checks read: the records of the locked packages and some more, and what
                                the pip half requires
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import conda_half
from complete import Halves, conda_specs, own_requirements, problems, virtual_versions
from pip_half import compile_pins, read_pins, with_metadata, write_metadata, write_pins
from sources import LockError, find_source, read_records, unpack_snapshot, write_records

ROOT = Path(__file__).parents[2]
REQUIREMENTS = "lifecycle/requirements.txt"
BOOTSTRAP = "lifecycle/bootstrap.txt"
RECORDS = "tests/lifecycle/channel.json"
METADATA = "tests/lifecycle/requires.json"
# The oldest Python that a notebook instance may start the restore with.
OLDEST_PYTHON = "3.10"

PIP_COMMENT = """
Made by `make lock` out of requirements.in; do not edit. Versions and hashes, no addresses, of wheels only, for Python
{python} on Linux, x86-64, beside the packages of conda-lock.yml, none of which is named here:
    pip install --require-hashes --no-deps --requirement requirements.txt
"""
BOOTSTRAP_COMMENT = """
Made by `make lock`; do not edit. What the restore itself needs, under Python {python} or later on Linux, x86-64:
    pip install --require-hashes --no-deps --requirement bootstrap.txt
"""


def lock(root: Path, snapshot: Path | None) -> None:
    """Make everything anew."""
    source = find_source(snapshot, root.parent / "shared" / "channel-snapshot")
    print(f"Locking from {source}.")
    with tempfile.TemporaryDirectory(prefix="lock-") as name:
        folder = Path(name)
        made = {conda_half.LOCK: conda_half.make(root, source, folder)}
        packages = conda_half.read(made[conda_half.LOCK])
        write_records(conda_half.kept_records(packages, source), _made(made, folder, RECORDS))
        python = packages["python"].version
        print(
            f"The conda half: {len(packages)} packages. Compiling the pip half, and fetching it once by its hashes ..."
        )

        conda = conda_half.distributions(packages)
        compiled = compile_pins((root / "lifecycle/requirements.in").read_text(), conda, python, folder)
        pins = [pin for pin in compiled if pin.name not in conda]
        write_pins(pins, PIP_COMMENT.format(python=python), _made(made, folder, REQUIREMENTS))
        pins = with_metadata(pins, made[REQUIREMENTS], python, folder)
        write_metadata(pins, python, _made(made, folder, METADATA))

        rattler = compile_pins(f"py-rattler=={version('py-rattler')}", {}, OLDEST_PYTHON, folder)
        write_pins(rattler, BOOTSTRAP_COMMENT.format(python=OLDEST_PYTHON), _made(made, folder, BOOTSTRAP))

        found = list(problems(read(root, made)))
        if found:
            raise LockError(
                "The new lock would not do, so nothing was written:\n" + "\n".join(f"  {text}" for text in found)
            )
        changed = [target for target, file in made.items() if _replace(file, root / target)]
    print(f"The pip half: {len(pins)} packages. Written: {', '.join(changed) or 'nothing, since nothing has changed'}.")


def _made(made: dict[str, Path], folder: Path, target: str) -> Path:
    made[target] = folder / target.replace("/", "-")
    return made[target]


def _replace(new: Path, old: Path) -> bool:
    """Put `new` in the place of `old` by a rename; whether that changed anything."""
    content = new.read_bytes()
    if old.is_file() and old.read_bytes() == content:
        return False
    beside = old.with_name(f".{old.name}.new")
    beside.write_bytes(content)
    beside.replace(old)
    return True


def read(root: Path, made: dict[str, Path] | None = None) -> Halves:
    """The lock under `root`; of the files in `made`, those."""
    at = {name: root / name for name in (conda_half.LOCK, RECORDS, REQUIREMENTS, METADATA)} | (made or {})
    return Halves(
        packages=conda_half.read(at[conda_half.LOCK]),
        records=read_records(at[RECORDS]),
        virtual=virtual_versions(root / "virtual-packages.yml"),
        asked=conda_specs(root / "environment.yml"),
        pins=read_pins(at[REQUIREMENTS]),
        metadata=json.loads(at[METADATA].read_text()),
        own=own_requirements(root / "pyproject.toml"),
    )


def check(root: Path, snapshot: Path | None) -> None:
    """Refuse a lock that is stale, lacks something, has halves that do not fit, or cannot be made again. No network."""
    with tempfile.TemporaryDirectory(prefix="lock-") as name:
        folder = Path(name)
        found = list(problems(read(root)))
        if conda_half.is_stale(root, folder):
            found.append("environment.yml or virtual-packages.yml has changed since conda-lock.yml was made")
        if not found:
            kept = unpack_snapshot(read_records(root / RECORDS), folder / "kept")
            again = conda_half.make(root, kept, folder).read_bytes()
            if again != (root / conda_half.LOCK).read_bytes():
                found.append(
                    "conda-lock makes another lock of the same records: this one was edited, or is another version's"
                )
        if found:
            listed = "\n".join(f"  {text}" for text in found)
            raise LockError(f"The lock will not do:\n{listed}\nRun `make lock` and commit what it changes.")
        if snapshot is not None:
            conda_half.make(root, find_source(snapshot, snapshot), folder)
    print("The lock is that of environment.yml and complete, its halves fit, and it can be made again.")


def main() -> int:
    """0 when it is done, 1 with the reason when not."""
    parser = argparse.ArgumentParser(prog="lock", description="Make the kernel's lock, or check it.")
    parser.add_argument(
        "--check",
        action="store_true",
        help="check the lock that is there; fetches nothing",
    )
    parser.add_argument("--snapshot", type=Path, help="a folder of channel indexes, instead of channels")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository (this one)")
    asked = parser.parse_args()
    try:
        if asked.check:
            check(asked.root, asked.snapshot)
        else:
            lock(asked.root, asked.snapshot)
    except LockError as why:
        print(why, file=sys.stderr)
        return 1
    except FileNotFoundError as why:
        print(
            f"{why.filename} is missing. Run `make lock` in a whole checkout: it makes what can be made.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
