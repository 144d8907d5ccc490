"""Compiling happens once after an installation, and not in the kernel that shows the panel."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from segwidgets import storage, warmup


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEGWIDGETS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_fresh_installation_is_compiled_in_another_process_and_then_known(empty_home: Path) -> None:
    assert not warmup.is_done()
    assert warmup.wait(threading.Event())
    assert warmup.is_done()


#: Compiles all there is, and says how many kernels were compiled for it, and how many came from the disk.
COUNTED = """
import gc
from numba.core.dispatcher import Dispatcher
from segwidgets import warmup
warmup.run()
stats = [one.stats for one in gc.get_objects() if isinstance(one, Dispatcher)]
print(sum(sum(one.cache_misses.values()) for one in stats), sum(sum(one.cache_hits.values()) for one in stats))
"""


def test_the_compiled_code_lies_on_disk_for_every_later_process(empty_home: Path) -> None:
    def counted() -> list[int]:
        done = subprocess.run([sys.executable, "-c", COUNTED], stdout=subprocess.PIPE, text=True, check=True)
        return [int(number) for number in done.stdout.split()]

    counted()  # compiles what nobody has compiled yet
    compiled, loaded = counted()
    assert compiled == 0
    assert loaded > 20


def test_a_changed_source_asks_for_compiling_again(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage.write_atomic(empty_home / "compiled.json", '{"fingerprint": "of an older version"}')
    assert not warmup.is_done()


@pytest.mark.parametrize("content", ["", "[", '"x"', "[1]"])
def test_a_damaged_stamp_counts_as_none(empty_home: Path, content: str) -> None:
    storage.write_atomic(empty_home / "compiled.json", content)
    assert not warmup.is_done()


def test_whoever_waits_may_stop_waiting(empty_home: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    assert not warmup.wait(cancel)
    assert warmup.wait(threading.Event())  # the same process, still compiling, is waited for
    assert warmup.is_done()


def test_a_compiler_that_fails_is_told_and_does_no_harm(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", str(Path(sys.executable).parent / "pip"))
    assert warmup.wait(threading.Event())
    assert "the first run compiles" in caplog.text
    assert not warmup.is_done()
