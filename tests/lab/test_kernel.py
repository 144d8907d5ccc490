"""How the kernel's restore stands, its log, starting it again, and whether the halves fit."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import segwidgets
from segwidgets.lab.kernelpython import install, mismatch

from .conftest import Ask


async def test_where_no_restore_ran_there_is_none(ask: Ask) -> None:
    answer = await ask("kernel")
    assert (answer.status, answer.json["state"]) == (200, "none")
    assert answer.headers["Cache-Control"] == "no-store"


async def test_the_status_file_is_told_as_it_stands(ask: Ask, write_status: Callable[..., None]) -> None:
    write_status(state="restoring", phase="downloading", finished=None, fraction=0.43, seconds_left=120.0)
    said = (await ask("kernel")).json
    assert (said["state"], said["phase"]) == ("restoring", "downloading")
    assert "43 %" in said["line"]
    write_status()
    assert (await ask("kernel")).json["line"] == "ready"


async def test_a_broken_status_file_is_told_in_words(ask: Ask, kernel_dir: Path) -> None:
    kernel_dir.mkdir()
    (kernel_dir / "status.json").write_text('{"version": 1, "state": "rea')
    answer = await ask("kernel")
    assert (answer.status, answer.json["state"]) == (200, "unreadable")
    assert answer.json["reason"]


async def test_the_end_of_the_log_is_shown(ask: Ask, kernel_dir: Path, write_status: Callable[..., None]) -> None:
    write_status()
    (kernel_dir / "restore.log").write_text("".join(f"line {number}\n" for number in range(1000)))
    answer = await ask("kernel/log", lines="2")
    assert answer.json["lines"] == ["line 998", "line 999"]
    assert answer.json["path"] == str(kernel_dir / "restore.log")


@pytest.mark.parametrize("lines", ["0", "-1", "many", "1e3", "999999999999", "²"])
async def test_a_number_of_lines_that_cannot_be_is_refused(lines: str, ask: Ask) -> None:
    answer = await ask("kernel/log", lines=lines)
    assert answer.status == 400
    assert lines in answer.json["message"]
    assert "from 1 to 5000" in answer.json["message"]


def _retry(kernel_dir: Path, script: str) -> Path:
    program = kernel_dir / "retry"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


async def test_retry_starts_the_restore_outside_of_the_server(
    ask: Ask, kernel_dir: Path, write_status: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "s3cret")
    write_status(state="failed", reason="The disk was full.")
    _retry(kernel_dir, "(sleep 0.2; ps -o sid= -p $$ >session; env >environment; mv environment told) & exit 0")
    answer = await ask("kernel/retry", post=True)
    assert (answer.status, answer.json) == (202, {})
    deadline = time.monotonic() + 30
    while not (kernel_dir / "told").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "s3cret" not in (kernel_dir / "told").read_text()


async def test_a_restore_that_runs_is_not_started_again(
    ask: Ask, kernel_dir: Path, write_status: Callable[..., None]
) -> None:
    write_status(state="restoring", phase="downloading", finished=None)
    program = _retry(kernel_dir, "touch started")
    answer = await ask("kernel/retry", post=True)
    assert (answer.status, answer.json["reason"]) == (409, "restoring")
    assert not (program.parent / "started").exists()


async def test_a_restore_that_another_hand_has_just_started_is_a_conflict_too(
    ask: Ask, kernel_dir: Path, write_status: Callable[..., None]
) -> None:
    write_status(state="failed", reason="The disk was full.")
    _retry(kernel_dir, "exit 75")
    assert (await ask("kernel/retry", post=True)).status == 409


async def test_a_restore_that_cannot_start_says_where_the_log_is(
    ask: Ask, kernel_dir: Path, write_status: Callable[..., None]
) -> None:
    write_status(state="failed", reason="The disk was full.")
    _retry(kernel_dir, "exit 3")
    answer = await ask("kernel/retry", post=True)
    assert answer.status == 500
    assert "exit 3" in answer.json["message"]
    assert str(kernel_dir / "restore.log") in answer.json["message"]


async def test_where_no_restore_ran_there_is_nothing_to_retry(ask: Ask) -> None:
    answer = await ask("kernel/retry", post=True)
    assert (answer.status, answer.json["reason"]) == (404, "no-restore")


async def test_hello_names_both_halves(ask: Ask, kernel: str) -> None:
    said = (await ask("hello")).json
    assert said == {
        "api": 1,
        "version": segwidgets.__version__,
        "kernel": {"python": kernel, "version": segwidgets.__version__, "problem": ""},
    }


@pytest.mark.parametrize(
    ("theirs", "line"),
    [
        ("0.0.9", f"python -m pip install 'segwidgets=={segwidgets.__version__}'"),
        ("99.1", f"{sys.executable} -m pip install --no-deps 'segwidgets==99.1'"),
    ],
)
async def test_halves_of_two_versions_say_the_line_that_mends_it(
    theirs: str, line: str, ask: Ask, pretend: Callable[[str], Path]
) -> None:
    pretend(f"echo segwidgets {theirs}")
    said = (await ask("hello")).json["kernel"]
    assert said["version"] == theirs
    assert line in said["problem"]


async def test_the_version_is_asked_once(ask: Ask, pretend: Callable[[str], Path]) -> None:
    calls = pretend(f"echo segwidgets {segwidgets.__version__}")
    for _ in range(3):
        assert (await ask("hello")).json["kernel"]["problem"] == ""
    assert calls.read_text() == "-m segwidgets.cli --version\n"


async def test_an_environment_that_was_mended_is_asked_again(ask: Ask, pretend: Callable[[str], Path]) -> None:
    pretend("echo segwidgets 0.0.1")
    assert (await ask("hello")).json["kernel"]["problem"]
    pretend(f"echo segwidgets {segwidgets.__version__}")
    assert (await ask("hello")).json["kernel"]["problem"] == ""


async def test_an_environment_without_segwidgets_names_the_line_that_installs_it(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pretend: Callable[[str], Path]
) -> None:
    # A real Python that sees nothing but its standard library.
    pretend(f"exec '{sys.executable}' -I -S \"$@\"")
    problem = (await ask("hello")).json["kernel"]["problem"]
    assert install(str(tmp_path / "python")) in problem


async def test_the_restored_kernel_comes_before_all_others(
    ask: Ask, kernel: str, write_status: Callable[..., None], tmp_path: Path
) -> None:
    for name, version in (("rapids", "7.1"), ("cpu", "7.2")):
        program = tmp_path / name / "bin" / "python"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\necho segwidgets {version}\n")
        program.chmod(0o755)
    both = {
        "rapids": {"name": "rapids", "env": str(tmp_path / "rapids")},
        "cpu": {"name": "segwidgets-cpu", "env": str(tmp_path / "cpu")},
    }
    write_status(kernels=both)
    assert (await ask("hello")).json["kernel"]["version"] == "7.1"
    write_status(kernels={**both, "rapids": None})
    assert (await ask("hello")).json["kernel"]["version"] == "7.2"
    write_status(kernels={"rapids": {"name": "rapids", "env": str(tmp_path / "gone")}, "cpu": None})
    assert (await ask("hello")).json["kernel"]["python"] == kernel


async def test_a_kernelspec_tells_the_python_and_its_variables(
    ask: Ask, jp_kernel_dir: Path, tmp_path: Path, jp_serverapp: Any
) -> None:
    import json

    program = tmp_path / "env" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "segwidgets $OF_THE_KERNEL"\n')
    program.chmod(0o755)
    spec = jp_kernel_dir / "rapids" / "kernel.json"
    spec.parent.mkdir()
    said = {"argv": [str(program), "-m", "x"], "display_name": "RAPIDS", "language": "python"}
    spec.write_text(json.dumps({**said, "env": {"OF_THE_KERNEL": "8.8"}}))
    kernel = (await ask("hello")).json["kernel"]
    assert (kernel["python"], kernel["version"]) == (str(program), "8.8")


async def test_a_python_that_is_named_and_not_there_is_said(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGWIDGETS_PYTHON", "/nowhere/bin/python")
    said = (await ask("hello")).json["kernel"]
    assert said["python"] is None
    assert "SEGWIDGETS_PYTHON='/nowhere/bin/python'" in said["problem"]
    answer = await ask("runs")
    assert (answer.status, answer.json["reason"]) == (503, "kernel-missing")


def test_equal_versions_need_no_mending() -> None:
    assert mismatch("python", segwidgets.__version__) == ""
