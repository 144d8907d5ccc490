"""A job's report as people ask for it: since the last approved run, with the layer that they made."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

import segwidgets as sw
from segwidgets.cli import main
from segwidgets.compute.progress import Cancelled
from segwidgets.data import samples
from segwidgets.jobs import Job
from segwidgets.jobs.approval import TAG, last_approved
from segwidgets.layer import Layer
from segwidgets.reporting import report_job
from segwidgets.result import Progress
from segwidgets.tracking import address

from .report.test_report import Page

RECIPE = sw.Recipe().replace(n_neighbors=10, n_epochs=60, eps=0.6)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, Job]:
    """Two jobs of one table, the second promoted later."""
    table = samples.blobs(n=300)
    session = sw.Session(table)
    found = []
    for eps in (0.6, 0.9):
        result = session.run(RECIPE.replace(eps=eps))
        found.append(sw.promote(result.recipe, table, result=result, experiment="weekly").wait(300))
        assert found[-1].status == "completed", found[-1].log()
    return found[0], found[1]


def _words(job: Job, target: Path, **settings: object) -> str:
    return Page(report_job(job, target / "r.html", **settings).read_text()).words  # type: ignore[arg-type]


def test_it_compares_with_the_last_approved_run_once_there_is_one(two: tuple[Job, Job], tmp_path: Path) -> None:
    earlier, later = two
    assert last_approved(later) is None
    nothing = "No earlier run of this experiment and table has been approved: nothing to compare with."
    assert nothing in _words(later, tmp_path)
    assert main(["approve", earlier.name]) == 0
    assert earlier.approved is not None
    assert later.approved is None
    assert last_approved(later).name == earlier.name  # type: ignore[union-attr]
    said = _words(later, tmp_path)
    assert f"Since the last approved run The last approved run is {earlier.name}." in said
    assert "of the 300 customers that both runs know" in said
    assert nothing in _words(earlier, tmp_path), "not with a later run, and not with itself"
    assert "Since the" not in _words(later, tmp_path, since="none")


def test_an_approval_stays_and_its_tracker_is_told(two: tuple[Job, Job]) -> None:
    job = two[0].approve()
    at = job.approved
    assert job.approve().approved == at
    uri = json.loads((job.path / "job.json").read_text())["tracking_uri"]
    board = address.tracker(uri)
    runs = {one["name"]: one for one in board.search(board.experiments(), 50)}  # type: ignore[attr-defined]
    assert runs[job.name]["tags"][TAG].endswith("Z")


def test_a_job_that_has_not_completed_cannot_be_approved(two: tuple[Job, Job], tmp_path: Path) -> None:
    copy = tmp_path / "failed-job"
    copy.mkdir()
    (copy / "job.json").write_text('{"name": "failed-job", "target": "local"}')
    (copy / "status.json").write_text('{"state": "failed"}')
    with pytest.raises(ValueError, match="job failed-job cannot be approved, it is failed"):
        Job(copy).approve()
    assert not (copy / "approved.json").exists()


def test_a_layer_is_on_the_cards(two: tuple[Job, Job], tmp_path: Path) -> None:
    job = two[0]
    labels = job.result().labels
    layer = Layer().merged(labels, [0, 1], "regulars")
    size = int(np.isin(labels, [0, 1]).sum())
    said = _words(job, tmp_path, layer=layer, since="none")
    assert f"regulars {size:,} customers" in said
    assert "Segment 1 " not in said.partition("How firm")[0]
    assert "Cards and table have the names, merges and locks that people made" in said


def test_it_tells_its_progress_and_can_be_cancelled(two: tuple[Job, Job], tmp_path: Path) -> None:
    seen: list[Progress] = []
    report_job(two[0], tmp_path / "r.html", points=100, progress=seen.append)
    overall = [one.overall for one in seen]
    assert overall == sorted(overall)
    assert overall[-1] == 1
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled, match="cancelled while comparing"):
        report_job(two[0], tmp_path / "never.html", cancel=stop)
    assert not (tmp_path / "never.html").exists()


def test_the_command_takes_points_and_says_what_is_not_allowed(
    two: tuple[Job, Job], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "live.html"
    assert main(["report", two[0].name, "--out", str(target), "--points", "120", "--quiet"]) == 0
    assert "the places of 120 of the 300 customers" in target.read_text()
    assert main(["report", two[0].name, "--out", str(target), "--overwrite", "--points", "5", "--quiet"]) == 2
    assert "points=5 is not allowed" in capsys.readouterr().err
    assert "the places of 120" in target.read_text()
