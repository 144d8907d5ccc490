from __future__ import annotations

import os
import subprocess
import sys
import time

from segwidgets.tracking import process


def test_a_running_process_has_a_start_that_stays() -> None:
    assert process.started(os.getpid())
    assert process.started(os.getpid()) == process.started(os.getpid())
    assert process.identity() == process.identity(os.getpid())


def test_an_ended_process_counts_as_gone_even_before_it_is_waited_for() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    deadline = time.monotonic() + 30
    while process.started(child.pid) is not None:  # it becomes a zombie, and its number stays taken
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.wait()
    assert process.started(child.pid) is None
