"""The lifecycle scripts as files: what SageMaker takes, what shellcheck says, line ends that no checkout changes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .instance import SCRIPTS
from .parcels import filled

ROOT = SCRIPTS.parent
NAMES = ["on-create.sh", "on-start.sh"]


@pytest.mark.parametrize("name", NAMES)
def test_a_script_fits_with_the_longest_address_filled_in(name: str) -> None:
    address = f"s3://{'b' * 63}/{'k' * 300}"
    assert len(filled(address, "0" * 64, name).encode()) <= 12_288


@pytest.mark.parametrize("name", NAMES)
def test_the_two_lines_to_be_filled_in_stand_near_the_top(name: str) -> None:
    lines = SCRIPTS.joinpath(name).read_text().splitlines()
    for line in ("BUNDLE_URI=''", "BUNDLE_SHA256=''"):
        assert lines.count(line) == 1
        assert lines.index(line) < 20


@pytest.mark.parametrize("name", NAMES)
def test_a_script_is_plain_ascii_with_unix_line_ends_and_can_be_executed(name: str) -> None:
    content = SCRIPTS.joinpath(name).read_bytes()
    assert content.startswith(b"#!/bin/bash\n")
    assert b"\r" not in content
    assert content.isascii()
    assert SCRIPTS.joinpath(name).stat().st_mode & 0o111 == 0o111


@pytest.mark.parametrize("place", [*(f"lifecycle/{name}" for name in NAMES), "tests/lifecycle/scripts.bats"])
def test_git_gives_every_checkout_unix_line_ends(place: str) -> None:
    command = ["git", "ls-files", "--eol", place]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    index, working, attributes = told.stdout.split("\t")[0].split(maxsplit=2)
    assert (index, working, attributes.strip()) == ("i/lf", "w/lf", "attr/text eol=lf")


@pytest.mark.parametrize("name", NAMES)
def test_windows_line_ends_executed_as_a_program_fail_loudly(name: str, tmp_path: Path) -> None:
    # Through `bash script` they do no harm (test_on_start.py); this is the one way that cannot be mended in the script.
    script = tmp_path / name
    script.write_bytes(SCRIPTS.joinpath(name).read_bytes().replace(b"\n", b"\r\n"))
    script.chmod(0o755)
    with pytest.raises(FileNotFoundError):
        subprocess.run([str(script)], check=False)


@pytest.mark.parametrize("name", NAMES)
def test_shellcheck_has_nothing_to_say(name: str) -> None:
    shellcheck = Path(sys.executable).parent / "shellcheck"
    done = subprocess.run(
        [str(shellcheck), "--norc", str(SCRIPTS / name)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout
