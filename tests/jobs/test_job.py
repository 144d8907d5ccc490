from __future__ import annotations

import os
import signal
import time

import pytest

from segwidgets import leaderboard
from segwidgets.data import Table
from segwidgets.jobs import Job, ResultError, promote
from segwidgets.recipe import Recipe
from segwidgets.result import Result


def _pid_once_at_work(job: Job) -> int:
    """The job's process, held still (SIGSTOP) as soon as it has said its first word."""
    deadline = time.monotonic() + 60
    while "process" not in job._ledger.status:
        assert time.monotonic() < deadline, job.log()
        time.sleep(0.01)
    pid = int(job._ledger.process()["pid"])
    os.kill(pid, signal.SIGSTOP)
    return pid


def test_a_killed_job_is_found_failed_with_a_reason_and_has_no_result(
    table: Table, recipe: Recipe, result: Result
) -> None:
    job = promote(recipe, table, result=result, experiment="killed")
    pid = _pid_once_at_work(job)
    assert job.status == "running"
    assert job.verdict is None
    os.killpg(pid, signal.SIGKILL)
    assert job.wait(30).status == "failed"
    assert "ended without a word" in str(job.reason)
    assert (job.path / "output/failure").read_text().startswith("the process ended without a word")
    with pytest.raises(ResultError, match="no whole result"):
        job.result()
    row = leaderboard("killed").set_index("name").loc[job.name]
    assert row.status == "failed"
    assert "ended without a word" in row.reason
    assert (row.eps, row.n_neighbors) == (0.6, 10)  # what was tried is known all the same


def test_the_leaderboard_notices_a_killed_job_by_itself(table: Table, recipe: Recipe, result: Result) -> None:
    job = promote(recipe, table, result=result, experiment="killed-too")
    os.killpg(_pid_once_at_work(job), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while job._ledger.alive():  # the kernel takes a moment
        assert time.monotonic() < deadline
    assert leaderboard("killed-too")["status"].tolist() == ["failed"]


def test_a_job_is_stopped_and_says_so(table: Table, recipe: Recipe, result: Result) -> None:
    job = promote(recipe, table, result=result, experiment="stopped")
    os.kill(_pid_once_at_work(job), signal.SIGCONT)
    assert job.stop().status == "stopped"
    assert str(job.verdict).startswith("stopped on request")
    assert (job.path / "output/failure").exists()
    assert leaderboard("stopped")["status"].tolist() == ["stopped"]
    assert job.stop().status == "stopped"


def test_a_job_that_ignores_being_asked_is_killed(
    table: Table, recipe: Recipe, result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segwidgets.jobs.job.GRACE", 0.5)
    job = promote(recipe, table, result=result, experiment="stubborn")
    _pid_once_at_work(job)  # held still, it hears no SIGTERM
    assert job.stop().status == "stopped"
    assert "the process was killed" in str(job.reason)


def test_waiting_has_a_limit_and_the_job_goes_on(table: Table, recipe: Recipe, result: Result) -> None:
    job = promote(recipe, table, result=result, experiment="patience")
    pid = _pid_once_at_work(job)
    with pytest.raises(TimeoutError, match="It goes on"):
        job.wait(0.2)
    os.kill(pid, signal.SIGCONT)
    assert job.wait(120).verdict == "exact"
    assert job.progress.overall == 1.0


def test_a_job_has_a_session_of_its_own_and_so_survives_the_kernel(
    table: Table, recipe: Recipe, result: Result
) -> None:
    job = promote(recipe, table, result=result, experiment="apart")
    pid = _pid_once_at_work(job)
    assert os.getsid(pid) == pid != os.getsid(0)
    os.killpg(pid, signal.SIGKILL)
    job.wait(30)
