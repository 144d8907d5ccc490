from __future__ import annotations

import dataclasses
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segwidgets import kernelstatus
from segwidgets.kernelstatus import KernelStatus, kernel_dir, read, tail

BOOT = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
RESTORING: dict[str, Any] = {
    "version": 1,
    "state": "restoring",
    "phase": "downloading",
    "started": 1_700_000_000.0,
    "updated": 1_700_000_009.5,
    "finished": None,
    "packages": {"done": 12, "all": 274},
    "bytes": {"done": 123, "all": 456},
    "rate": 1e6,
    "seconds_left": 100.0,
    "fraction": 0.43,
    "key": "0123456789abcdef",
    "warm": False,
    "kernels": {"rapids": None, "cpu": {"name": "segwidgets-cpu", "env": "/e/0-1"}},
    "driver": "535.161.07",
    "gpu": "Tesla T4",
    "instance_type": "ml.g4dn.xlarge",
    "reason": "",
    "log": "/k/restore.log",
    "pid": os.getpid(),
    "boot": BOOT,
}
#: As on-start.sh tells it before restore.py can.
STARTING = {
    **RESTORING,
    "phase": "starting",
    "started": 1_700_000_000,
    "fraction": None,
    "seconds_left": None,
    "key": "",
}

Write = Callable[..., Path]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEGWIDGETS_KERNEL_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def write(place: Path) -> Write:
    def write(**changes: Any) -> Path:
        (place / "status.json").write_text(json.dumps({**RESTORING, **changes}))
        return place

    return write


@pytest.fixture
def dead() -> int:
    """A process that is no more."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


# -- where -------------------------------------------------------------------------------------------------------------


def test_the_directory_is_the_volumes_or_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEGWIDGETS_KERNEL_DIR", raising=False)
    assert kernel_dir() == Path("/home/ec2-user/SageMaker/.rapids-kernel")
    monkeypatch.setenv("SEGWIDGETS_KERNEL_DIR", "~/kernels")
    assert kernel_dir() == Path.home() / "kernels"


def test_another_directory_can_be_read(write: Write, tmp_path_factory: pytest.TempPathFactory) -> None:
    write()
    assert read(tmp_path_factory.mktemp("empty")).state == "none"
    assert read().state == "restoring"


# -- what is said ------------------------------------------------------------------------------------------------------


def test_a_status_comes_out_as_it_went_in(write: Write) -> None:
    write()
    assert read().to_dict() == RESTORING


def test_what_the_restore_itself_writes_is_read_whole(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "lifecycle"))
    layout = importlib.import_module("restoring.layout").Layout(place)
    report = importlib.import_module("restoring.reporting").Report(layout, key="0123456789abcdef")
    report.phase(
        "downloading", gpu="Tesla T4", kernels={"rapids": None, "cpu": {"name": "segwidgets-cpu", "env": "/e"}}
    )
    report.count(packages=(1, 4), volume=(25, 100))
    report.tell()
    assert read().to_dict() == json.loads((place / "status.json").read_text())
    assert read().line().startswith("restoring 25 %")
    report.finish("ready")
    assert read().line() == "ready"
    assert [line.split()[1] for line in tail()] == ["downloading", "ready."]


def test_a_status_cannot_be_changed(write: Write) -> None:
    write()
    with pytest.raises(dataclasses.FrozenInstanceError):
        read().state = "ready"  # type: ignore[misc]


def test_what_is_not_said_is_not_known(place: Path) -> None:
    (place / "status.json").write_text('{"version": 1, "state": "ready"}')
    assert read() == KernelStatus("ready")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"seconds_left": 100}, "restoring 43 % (2 min left)"),
        ({"seconds_left": 7.2}, "restoring 43 % (8 s left)"),
        ({"seconds_left": 0}, "restoring 43 % (1 s left)"),
        ({"seconds_left": 20_000}, "restoring 43 % (6 h left)"),
        ({"seconds_left": None}, "restoring 43 %"),
        ({"fraction": 1.0, "seconds_left": None}, "restoring 99 %"),
        ({"fraction": -3, "seconds_left": None}, "restoring 0 %"),
        ({"fraction": None, "phase": "smoke test"}, "restoring (smoke test)"),
        ({"fraction": None, "phase": ""}, "restoring"),
        ({"state": "ready"}, "ready"),
        ({"state": "failed"}, "failed"),
        ({"state": "degraded"}, "degraded, the CPU kernel only"),
        ({"state": "degraded", "kernels": {"rapids": {"name": "r", "env": "e"}}}, "degraded, an older RAPIDS kernel"),
    ],
)
def test_a_line_says_how_it_stands(write: Write, changes: dict[str, Any], line: str) -> None:
    write(**changes)
    assert read().line() == line


def test_nothing_there_is_an_answer_that_names_the_way_out(place: Path) -> None:
    status = read()
    assert (status.state, status.line()) == ("none", "not restored here")
    assert "segwidgets lifecycle deploy" in status.reason
    assert read(place / "missing" / "too").state == "none"


# -- a restore that is no more -----------------------------------------------------------------------------------------


def test_a_restore_whose_process_is_gone_has_failed(write: Write, dead: int) -> None:
    place = write(pid=dead)
    status = read()
    assert (status.state, status.phase, status.seconds_left) == ("failed", "downloading", None)
    assert status.reason.startswith("The restore was interrupted while it was at 'downloading'.")
    assert str(place / "retry") in status.reason
    assert status.kernels["cpu"] == RESTORING["kernels"]["cpu"]


def test_a_restore_that_ended_and_was_not_waited_for_has_failed(write: Write) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    write(pid=child.pid)
    assert read().state == "failed"
    child.wait()


def test_a_restore_from_before_the_machines_last_start_has_failed(write: Write) -> None:
    write(boot="11111111-2222-3333-4444-555555555555")
    assert read().state == "failed"


def test_a_system_without_boot_ids_goes_by_the_process(
    write: Write, dead: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(kernelstatus, "_BOOT", tmp_path / "missing")
    write()
    assert read().state == "restoring"
    write(pid=dead)
    assert read().state == "failed"


@pytest.mark.parametrize("pid", [0, -1, -5, None, 2**31, 2**70])
def test_what_cannot_be_a_process_is_none_and_gets_no_signal(write: Write, pid: int | None) -> None:
    write(pid=pid)
    assert read().state == "failed"


def test_a_process_of_somebody_else_runs(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_pid: int, _signal: int) -> None:  # what the system says to anybody but root
        raise PermissionError

    monkeypatch.setattr(os, "kill", refused)
    write(pid=1)
    assert read().state == "restoring"


@pytest.mark.parametrize("state", ["ready", "degraded", "failed"])
def test_what_has_ended_needs_no_process(write: Write, dead: int, state: str) -> None:
    write(state=state, pid=dead, boot="earlier", reason="why")
    assert (read().state, read().reason) == (state, "why")


def test_what_the_shell_says_before_python_runs_is_read(place: Path) -> None:
    (place / "status.json").write_text(json.dumps(STARTING))
    assert read().line() == "restoring (starting)"


# -- a file that cannot be read ----------------------------------------------------------------------------------------


def test_half_a_file_is_unreadable_and_says_what_to_do(write: Write) -> None:
    place = write()
    file = place / "status.json"
    file.write_bytes(file.read_bytes()[:200])
    status = read()
    assert (status.state, status.line()) == ("unreadable", "status unreadable")
    assert str(file) in status.reason
    assert str(place / "retry") in status.reason
    assert status.log == str(place / "restore.log")


def test_a_later_version_is_not_guessed_at(write: Write) -> None:
    write(version=2)
    status = read()
    assert status.state == "unreadable"
    assert "is of version 2, and this segwidgets reads version 1" in status.reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": "1"}, "its version is '1', not 1"),
        ({"version": True}, "its version is True"),
        ({"state": "splendid"}, "its state is 'splendid', not one of restoring, ready"),
        ({"state": ["ready"]}, "its state is ['ready']"),
        ({"started": "now"}, "its started is 'now', not a number"),
        ({"fraction": True}, "its fraction is True, not a number"),
        ({"rate": 10**400}, "not a number"),
        ({"packages": 3}, "its packages is 3, not a table of done and all"),
        ({"bytes": {"done": "x"}}, "its done is 'x'"),
        ({"kernels": []}, "its kernels are [], not a table"),
        ({"kernels": {"rapids": "rapids"}}, "its rapids kernel is 'rapids'"),
        ({"reason": ["x" * 500]}, "…, not a text"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(write: Write, changes: dict[str, Any], words: str) -> None:
    write(**changes)
    status = read()
    assert status.state == "unreadable"
    assert words in status.reason
    assert len(status.reason) < 500


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 100,
        b"[]",
        b"3",
        b"null",
        b'{"version": 1, "state": "ready", "rate": NaN}',
        b'{"version": 1, "state": "ready", "rate": 1e999}',
        b'{"version": 1, "state": "ready"' + b" " * 2_000_000 + b"}",
        b"[" * 100_000,
        b"9" * 10_000,
        '{"version": 1, "state": "ready"}'.encode("utf-16")[:-1],
    ],
    ids=lambda content: repr(content[:45]),
)
def test_garbage_is_unreadable(place: Path, content: bytes) -> None:
    (place / "status.json").write_bytes(content)
    assert read().state == "unreadable"


def test_a_directory_in_its_place_is_unreadable(place: Path) -> None:
    (place / "status.json").mkdir()
    assert read().state == "unreadable"


def test_half_a_surrogate_pair_can_be_printed_all_the_same(place: Path) -> None:
    (place / "status.json").write_text('{"version": 1, "state": "failed", "reason": "\\ud800!"}')
    assert read().reason.encode() == b"?!"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*RESTORING, "done", "all", "x"]), inner)
    ),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(list(RESTORING)), _JSON), end=st.integers(0, 2_000))
def test_whatever_the_file_holds_is_an_answer_that_can_be_shown(place: Path, changes: Any, end: int) -> None:
    (place / "status.json").write_text(json.dumps({**RESTORING, **changes})[: end if end > 10 else None])
    status = read()
    assert status.state in kernelstatus.STATES
    assert status.line()
    assert json.loads(json.dumps(status.to_dict(), allow_nan=False))["state"] == status.state
    assert (status.reason != "") or status.state in {"ready", "restoring", "failed", "degraded"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=300))
def test_whatever_bytes_the_file_holds_are_unreadable(place: Path, content: bytes) -> None:
    (place / "status.json").write_bytes(content)
    assert read().state == "unreadable"


# -- its log -----------------------------------------------------------------------------------------------------------


def test_a_log_that_is_missing_has_no_lines(place: Path) -> None:
    assert tail() == []
    assert tail(place / "missing" / "too") == []


def test_the_last_lines_come_and_no_more(place: Path) -> None:
    (place / "restore.log").write_text("".join(f"line {at}\n" for at in range(1_000)))
    assert tail(lines=2) == ["line 998", "line 999"]
    assert len(tail()) == 200
    assert tail(lines=0) == []
    assert len(tail(lines=5_000)) == 1_000


def test_a_line_that_is_being_written_comes_too(place: Path) -> None:
    (place / "restore.log").write_bytes(b"one\r\n\ntwo")
    assert tail() == ["one", "", "two"]


@pytest.mark.parametrize(
    ("limit", "lines"), [(4, ["ccc"]), (5, ["ccc"]), (7, ["ccc"]), (8, ["bbb", "ccc"]), (12, ["aaa", "bbb", "ccc"])]
)
def test_a_line_that_the_limit_cuts_is_left_out(place: Path, limit: int, lines: list[str]) -> None:
    (place / "restore.log").write_bytes(b"aaa\nbbb\nccc\n")
    assert tail(limit=limit) == lines


def test_bytes_that_are_no_text_do_not_matter(place: Path) -> None:
    (place / "restore.log").write_bytes(b"\xff\xfe ok\n")
    assert tail() == ["\ufffd\ufffd ok"]


def test_a_log_that_cannot_be_read_says_why(place: Path) -> None:
    (place / "restore.log").mkdir()
    (line,) = tail()
    assert line.endswith("restore.log cannot be read: Is a directory.")


# -- who imports it ----------------------------------------------------------------------------------------------------


def test_it_needs_nothing_but_the_standard_library() -> None:
    probe = "import sys; was = {*sys.modules}; import segwidgets.kernelstatus; print(*{*sys.modules} - was)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    names = set(done.stdout.split())
    assert "segwidgets.kernelstatus" in names
    assert {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) == {"segwidgets"}
