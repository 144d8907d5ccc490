"""Trials in processes: the same outcomes as here, one map for all, and nothing that stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import segwidgets as sw
from segwidgets import storage
from segwidgets.result import Progress
from segwidgets.sweeping import Sweep

SPACE: dict[str, Any] = {"eps": (0.2, 3.0), "min_samples": [3, 5, 10]}
Workers = Callable[[], list[int]]
Until = Callable[..., None]


def test_processes_find_what_this_process_finds_and_share_one_map(
    session: sw.Session, recipe: sw.Recipe, workers: Workers
) -> None:
    said: list[Progress] = []
    made = sw.sweep(
        session,
        SPACE,
        5,
        recipe=recipe.replace(seed=3),
        workers=2,
        name="two",
        experiment="split",
        progress=said.append,
    )
    assert [one.number for one in made.trials] == [0, 1, 2, 3, 4]
    # The first one ran alone and made the map; whichever process ran another found it in the cache's directory.
    assert ["seconds_layout" in one.metrics for one in made.trials] == [True, False, False, False, False]
    again = session.run(made.trials[1].recipe)
    assert again.metrics()["coverage"] == made.trials[1].metrics["coverage"]
    board = sw.leaderboard(experiment="split")
    assert set(board["name"]) == {f"two-{number}" for number in range(5)}
    assert set(board["status"]) == {"completed"}
    assert [one.overall for one in said] == sorted(one.overall for one in said)
    assert said[-1].overall == 1.0
    assert said[-1].message == "5 of 5 trials done, 0 running"
    assert not workers()
    assert not list(storage.home().glob("sweep-*"))


def test_a_process_that_dies_is_a_failed_trial_and_the_sweep_goes_on(
    slow: tuple[sw.Session, sw.Recipe], workers: Workers
) -> None:
    told: list[Sweep] = []
    killed: set[int] = set()
    stop = threading.Event()

    def kill(now: Progress) -> None:
        if now.stage != "trials" and not told and not killed:  # a trial runs
            killed.update(workers())
            for one in killed:
                os.kill(one, signal.SIGKILL)
        if told and set(workers()) - killed and now.stage != "trials":  # another took its place
            stop.set()

    asked: dict[str, Any] = {"progress": kill, "told": told.append, "cancel": stop, "experiment": "killed"}
    with pytest.raises(sw.Cancelled):
        sw.sweep(slow[0], {"seed": [1, 2, 3]}, 9, recipe=slow[1], workers=2, **asked)
    first = told[-1].trials[0]
    assert "was killed (signal 9)" in first.error
    assert "fewer workers" in first.error
    assert not first.kept
    assert set(sw.leaderboard(experiment="killed")["status"]) == {"failed", "stopped"}
    assert not workers()


def test_a_cancelled_sweep_leaves_no_process_and_says_stopped(
    slow: tuple[sw.Session, sw.Recipe], workers: Workers
) -> None:
    stop = threading.Event()
    asked: list[float] = []

    def cancel(now: Progress) -> None:
        if now.stage != "trials" and not asked:
            assert len(workers()) == 2
            assert "0 of 4 trials done, 2 running: " in now.message
            asked.append(time.monotonic())
            stop.set()

    with pytest.raises(sw.Cancelled):
        sw.sweep(
            slow[0],
            {"n_neighbors": [14, 15, 16]},
            4,
            recipe=slow[1],
            workers=2,
            experiment="ended",
            progress=cancel,
            cancel=stop,
        )
    assert time.monotonic() - asked[0] < 10
    assert not workers()
    assert set(sw.leaderboard(experiment="ended")["status"]) == {"stopped"}


SCRIPT = """
import segwidgets as sw
print("begun", flush=True)
tell, recipe = lambda now: print(now.stage, flush=True), sw.Recipe().replace(n_epochs=10_000)
sw.sweep(sw.samples.blobs(60_000), {"seed": [1, 2, 3]}, 4, recipe=recipe, workers=2, progress=tell)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ctrl_c_and_even_a_kill_of_the_parent_leave_no_process(number: int, wait_until: Until) -> None:
    """A script without ``if __name__ == "__main__"``, read from nowhere: the processes need none of it."""
    with subprocess.Popen(
        # What runs the tests in the background ignores SIGINT, and so would all that it starts.
        ["env", "--default-signal=INT", sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        for line in parent.stdout:
            if line.strip() not in {"begun", "trials"}:
                break
        under = [
            int(name)
            for name in os.listdir("/proc")  # noqa: PTH208
            if name.isdigit() and _parent(int(name)) == parent.pid
        ]
        assert under
        parent.send_signal(number)
        parent.stdout.close()
        wait_until(lambda: parent.poll() is not None, 15)
        wait_until(lambda: not any(_parent(pid) is not None for pid in under), 5)
        assert parent.stderr is not None
        if number == signal.SIGINT:
            assert "KeyboardInterrupt" in parent.stderr.read()


def _parent(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[1])


def test_processes_that_cannot_start_say_why(
    session: sw.Session, recipe: sw.Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.devnull)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match=r"no process for trials can be started: .*status 1.*workers=1"):
        sw.sweep(session, SPACE, 2, recipe=recipe, workers=2, experiment="startless")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"workers": 0}, ValueError, "workers=0 is not allowed"),
        ({"workers": 2, "client": "tcp://127.0.0.1:1"}, ValueError, "workers=2 is not allowed with client"),
        ({"target": "moon"}, ValueError, "target='moon' is not allowed"),
        ({"spot": True}, TypeError, "takes 'spot' with target='sagemaker' only"),
        ({"target": "sagemaker", "client": "tcp://127.0.0.1:1"}, ValueError, "leave one of them out"),
    ],
)
def test_places_that_cannot_be_are_refused(
    session: sw.Session, recipe: sw.Recipe, change: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        sw.sweep(session, SPACE, 2, recipe=recipe, **change)
