"""The set-up scripts say what to do when something is missing or taken."""

from __future__ import annotations

import runpy
import socket
import sys
from pathlib import Path

import pytest

CI = Path(__file__).parents[1] / ".ci"


@pytest.mark.parametrize("version", [(3, 10, 9), (3, 14, 0)])
def test_a_python_that_does_not_fit_is_told_with_the_way_out(
    version: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(CI / "check_python.py"))
    assert ".".join(map(str, version)) in str(ended.value)
    assert "PYTHON=" in str(ended.value)


@pytest.mark.parametrize("minor", [11, 12, 13])
def test_a_python_that_fits_passes_in_silence(
    minor: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, minor, 0))
    runpy.run_path(str(CI / "check_python.py"))
    assert capsys.readouterr() == ("", "")


def test_a_taken_port_is_passed_over() -> None:
    lab = runpy.run_path(str(CI / "lab.py"))
    first = lab["free_port"]()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", first))
        holder.listen()
        assert lab["free_port"]() > first


def test_the_pinned_versions_name_no_address() -> None:
    text = (CI / "constraints.txt").read_text()
    assert "://" not in text
    assert all("==" in line for line in text.splitlines() if line and not line.startswith("#"))


def test_the_lock_of_the_front_end_names_no_address() -> None:
    assert "://" not in (CI.parent / "segwidgets" / "frontend" / "package-lock.json").read_text()


def test_what_the_tests_begin_with_is_there() -> None:
    tests = Path(__file__).parent
    longest = runpy.run_path(str(tests / "conftest.py"))["LONGEST"]
    assert longest
    assert [name for name in longest if not (tests / name).exists()] == []
