from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from segwidgets.tracking import Ledger, MLflowTracker, leaderboard, process
from segwidgets.tracking.ledger import FAILURE_LIMIT, SILENCE, settle, unsettled
from segwidgets.tracking.mlflow import MARK


@pytest.fixture(scope="session")
def gone() -> dict[str, str | int]:
    """A process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    known = process.identity(child.pid)
    child.communicate()
    return known


def _job(path: Path, who: dict[str, str | int], **more: Any) -> Ledger:
    path.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(path)
    ledger.write_job({"name": path.name, "experiment": "ledger", "process": who, **more})
    return ledger


def test_a_job_whose_process_runs_is_running(tmp_path: Path) -> None:
    ledger = _job(tmp_path, process.identity())
    assert ledger.state() == "running"
    assert ledger.reason is None


def test_a_job_whose_process_is_gone_has_failed(tmp_path: Path, gone: dict[str, str | int]) -> None:
    ledger = _job(tmp_path, gone)
    assert ledger.state() == "failed"
    assert str(ledger.reason).startswith("the process ended without a word before it had begun")
    assert ledger.state() == "failed"


def test_a_later_process_of_the_same_number_is_not_taken_for_the_job(tmp_path: Path) -> None:
    ledger = _job(tmp_path, {**process.identity(), "started": "1"})
    assert ledger.state() == "failed"


def test_a_job_of_another_boot_lives_while_it_gives_signs_of_life(tmp_path: Path) -> None:
    ledger = _job(tmp_path, {**process.identity(), "boot": "another"})
    assert ledger.state() == "running"
    long_ago = time.time() - SILENCE - 1
    os.utime(tmp_path / "job.json", (long_ago, long_ago))
    assert ledger.state() == "failed"


def test_a_job_that_was_being_stopped_is_stopped_not_failed(tmp_path: Path, gone: dict[str, str | int]) -> None:
    ledger = _job(tmp_path, gone)
    ledger.write_status({"state": "running", "stage": "layout"})
    ledger.ask_stop()
    assert ledger.state() == "stopped"
    assert ledger.reason == "stopped on request while it was at 'layout'; the process was killed"


def test_the_last_line_of_the_log_is_part_of_the_reason(tmp_path: Path, gone: dict[str, str | int]) -> None:
    ledger = _job(tmp_path, gone)
    (tmp_path / "log.txt").write_text("begun\nFatal Python error: Segmentation fault\n\n")
    assert ledger.state() == "failed"
    assert str(ledger.reason).endswith("its log ends with: Fatal Python error: Segmentation fault")


def test_an_ended_job_counts_as_running_until_it_has_told_its_tracker(tmp_path: Path) -> None:
    ledger = _job(tmp_path, process.identity())
    ledger.write_status({"state": "completed", "verdict": "exact"})
    assert ledger.state() == "running"
    ledger.mark_settled()
    assert ledger.state() == "completed"


def test_a_long_reason_fits_what_sagemaker_keeps(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.write_failure("no\nsuch column", "x" * 5_000 + "end")
    text = ledger.failure_file.read_text()
    assert len(text) == FAILURE_LIMIT
    assert text.startswith("no such column\n")
    assert text.endswith("end")
    ledger.write_failure("y" * 5_000)
    assert len(ledger.failure_file.read_text()) == FAILURE_LIMIT


def test_settling_begins_a_run_for_a_job_that_never_had_one(
    tmp_path: Path, gone: dict[str, str | int], tracker: MLflowTracker
) -> None:
    ledger = _job(tmp_path / "never-begun", gone, tracking_uri=tracker.uri)
    _job(tmp_path / "elsewhere", gone, tracking_uri="http://tracker.invalid")
    settle(tmp_path, tracker)
    assert ledger.settled
    assert [left.path.name for left in unsettled(tmp_path)] == ["elsewhere"]
    run_id = tracker.find(experiment="ledger", name="never-begun")
    assert run_id is not None
    settle(tmp_path, tracker)
    assert tracker.find(experiment="ledger", name="never-begun") == run_id


def test_a_job_found_dead_later_is_not_said_to_have_run_until_then(
    tmp_path: Path, gone: dict[str, str | int], tracker: MLflowTracker
) -> None:
    ledger = _job(tmp_path / "long-dead", gone, tracking_uri=tracker.uri, tags={MARK: "1"})
    yesterday = time.time() - 86_400
    ledger.write_status({"state": "running", "begun": yesterday - 60})
    for name in ("job.json", "status.json"):
        os.utime(ledger.path / name, (yesterday, yesterday))
    settle(tmp_path, tracker)
    row = leaderboard("ledger", tracking_uri=tracker.uri).set_index("name").loc["long-dead"]
    assert row.duration == pytest.approx(60, abs=1)
