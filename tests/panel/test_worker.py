"""A lane runs the newest task and cancels what is stale."""

from __future__ import annotations

import threading
import time

from segwidgets.panel.worker import Lane
from segwidgets.session import Cancelled


def test_a_task_runs_off_the_calling_thread() -> None:
    lane, seen = Lane("test"), []
    lane.submit(lambda _: seen.append(threading.current_thread()))
    assert lane.wait(5)
    assert seen[0] is not threading.current_thread()
    assert seen[0].daemon
    lane.close()


def test_the_newest_of_many_tasks_wins() -> None:
    lane, seen = Lane("test", delay=0.05), []
    for number in range(50):
        lane.submit(lambda _, number=number: seen.append(number))
    assert lane.wait(5)
    assert seen == [49]
    lane.close()


def test_a_newer_task_cancels_the_one_that_runs() -> None:
    lane, seen, started = Lane("test"), [], threading.Event()

    def long(cancel: threading.Event) -> None:
        started.set()
        if cancel.wait(10):
            seen.append("stale")
            raise Cancelled

    lane.submit(long)
    assert started.wait(5)
    begin = time.perf_counter()
    lane.submit(lambda _: seen.append("new"))
    assert lane.wait(5)
    assert seen == ["stale", "new"]
    assert time.perf_counter() - begin < 5
    lane.close()


def test_cancel_stops_what_runs_and_forgets_what_waits() -> None:
    lane, seen, started = Lane("test", delay=0.0), [], threading.Event()

    def long(cancel: threading.Event) -> None:
        started.set()
        cancel.wait(10)
        raise Cancelled

    lane.submit(long)
    assert started.wait(5)
    lane.cancel()
    assert lane.wait(5)
    lane.submit(lambda _: seen.append("alive"))
    assert lane.wait(5)
    assert seen == ["alive"]
    lane.close()


def test_a_failure_is_told_and_the_lane_lives_on() -> None:
    failures: list[Exception] = []
    lane, seen = Lane("test", failed=failures.append), []

    def broken(_: threading.Event) -> None:
        raise ValueError("eps")

    lane.submit(broken)
    assert lane.wait(5)
    lane.submit(lambda _: seen.append("alive"))
    assert lane.wait(5)
    assert [str(error) for error in failures] == ["eps"]
    assert seen == ["alive"]
    lane.close()


def test_a_stale_failure_is_not_told() -> None:
    failures: list[Exception] = []
    lane, started = Lane("test", failed=failures.append), threading.Event()

    def broken(cancel: threading.Event) -> None:
        started.set()
        cancel.wait(10)
        raise ValueError("nobody asks any more")

    lane.submit(broken)
    assert started.wait(5)
    lane.submit(lambda _: None)
    assert lane.wait(5)
    assert failures == []
    lane.close()


def test_waiting_for_a_busy_lane_ends_with_the_time() -> None:
    lane, stop = Lane("test"), threading.Event()
    lane.submit(lambda _: stop.wait(10) and None)
    assert not lane.wait(0.05)
    assert not lane.idle
    stop.set()
    assert lane.wait(5)
    assert lane.idle
    lane.close()


def test_a_closed_lane_takes_nothing() -> None:
    lane, seen = Lane("test"), []
    lane.close()
    lane.submit(lambda _: seen.append(1))
    assert lane.wait(1)
    assert seen == []
