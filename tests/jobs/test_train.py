from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Callable

import numpy as np
import pytest

from segwidgets import leaderboard
from segwidgets.data import samples
from segwidgets.jobs import Job, ResultError
from segwidgets.jobs.layout import Layout
from segwidgets.jobs.train import _Training, explain
from segwidgets.recipe import Recipe
from segwidgets.session import Session
from segwidgets.tracking.ledger import FAILURE_LIMIT

Assemble = Callable[..., Layout]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def _failed_with(layout: Layout, reason: str) -> None:
    """The job failed for this reason everywhere a reader may look, and has no result."""
    job = Job(layout.base)
    assert job.status == "failed"
    assert reason in str(job.reason)
    assert job.verdict == job.reason
    assert len((layout.base / "output/failure").read_text()) <= FAILURE_LIMIT
    row = leaderboard("spoilt").set_index("name").loc[job.name]
    assert row.status == "failed"
    assert reason in row.reason
    assert row.verdict == ""
    with pytest.raises(ResultError, match="manifest"):
        job.result()


def test_a_bad_recipe_leaves_a_failed_run_with_its_reason(assembled: Assemble, entry_point: Run) -> None:
    layout = assembled()
    recipe = layout.channel("recipe") / "recipe.json"
    recipe.write_text(recipe.read_text().replace('"min_samples": 10', '"min_samples": -1'))
    assert entry_point(layout).returncode == 1
    _failed_with(layout, "min_samples=-1 is not allowed")
    assert "RecipeError" in layout.ledger.failure_file.read_text()  # the traceback, below the reason


def test_a_recipe_that_was_not_promoted_is_refused(assembled: Assemble, entry_point: Run) -> None:
    layout = assembled()
    recipe = layout.channel("recipe") / "recipe.json"
    recipe.write_text(recipe.read_text().replace('"min_samples": 10', '"min_samples": 11'))
    assert entry_point(layout).returncode == 1
    _failed_with(layout, "recipe.json is not the recipe that was promoted")


def test_a_full_disk_leaves_a_failed_run_with_its_reason(recipe: Recipe, assembled: Assemble, entry_point: Run) -> None:
    """No file may grow above 20 KiB: neither the embedding of 24 KB nor the tracker's database can be written."""
    table = samples.blobs(n=2_000)
    points = np.random.default_rng(0).normal(size=(2_000, 3)).astype(np.float32)
    layout = assembled(table, Session(table).run(recipe, embedding=points))
    assert entry_point(layout, "ulimit -f 20;").returncode == 1
    assert layout.ledger.status["stage"] == "write"
    assert not layout.ledger.settled
    # The tracker could not be told then; the first look after it does.
    _failed_with(layout, "the disk is full")
    assert [path.name for path in layout.output_data.iterdir()] == ["record.json"]


def test_a_disk_that_is_full_from_the_start_leaves_its_reason_too(assembled: Assemble, entry_point: Run) -> None:
    layout = assembled()
    assert entry_point(layout, "ulimit -f 4;").returncode == 1
    _failed_with(layout, "the disk is full")


def test_missing_data_leaves_a_failed_run_with_its_reason(assembled: Assemble, entry_point: Run) -> None:
    layout = assembled()
    layout.channel("table").unlink()
    assert entry_point(layout).returncode == 1
    _failed_with(layout, "table")


def test_a_damaged_table_says_what_to_delete(recipe: Recipe, assembled: Assemble, entry_point: Run) -> None:
    table = samples.blobs(n=60, seed=60)
    points = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    layout = assembled(table, Session(table).run(recipe, embedding=points))
    stored = layout.channel("table").resolve()
    file = next(stored.glob("values*"))
    file.write_bytes(file.read_bytes()[:-8])
    assert entry_point(layout).returncode == 1
    _failed_with(layout, f"Delete {stored} and promote again")


def test_a_tampered_embedding_is_not_exact_and_the_verdict_says_how_far(assembled: Assemble, entry_point: Run) -> None:
    layout = assembled()
    file = layout.channel("embedding") / "embedding.npy"
    embedding = np.load(file)
    embedding[:150] = embedding[150:300]
    np.save(file, embedding)
    assert entry_point(layout).returncode == 0
    job = Job(layout.base)
    assert job.status == "completed"
    verdict = str(job.verdict)
    assert verdict.startswith("ARI=0.")
    assert "the embedding is not the promoted one" in verdict
    assert json.loads(layout.verdict.read_text())["verdict"] == verdict
    assert leaderboard("spoilt").set_index("name").loc[job.name].verdict == verdict


def test_damaged_expectations_are_not_compared_with(assembled: Assemble, entry_point: Run) -> None:
    layout = assembled()
    file = layout.channel("expected") / "labels.npy"
    np.save(file, np.zeros_like(np.load(file)))
    assert entry_point(layout).returncode == 1
    _failed_with(layout, "the promoted labels were damaged")


def test_a_tracker_that_is_down_costs_the_tracking_and_not_the_job(assembled: Assemble, entry_point: Run) -> None:
    layout = assembled()
    true = layout.ledger.job["tracking_uri"]
    layout.ledger.write_job({**layout.ledger.job, "tracking_uri": "sqlite:////proc/no/such/place.db"})
    assert entry_point(layout).returncode == 0
    assert not layout.ledger.settled
    layout.ledger.write_job({**layout.ledger.job, "tracking_uri": true})  # it is back
    assert leaderboard("spoilt").set_index("name").loc[layout.base.name].verdict == "exact"
    assert layout.ledger.settled


def test_a_truncated_result_is_refused(done: Job, assembled: Assemble) -> None:
    layout = assembled()
    shutil.copytree(done.path / "output/data/result", layout.result)
    layout.result.chmod(0o755)
    labels = layout.result / "labels.csv"
    labels.write_bytes(labels.read_bytes()[:-20])
    with pytest.raises(ResultError, match=r"labels\.csv is damaged"):
        Job(layout.base).result()


def test_an_error_is_told_in_words_for_people() -> None:
    assert explain(OSError(28, "No space left on device", "x")).startswith("the disk is full")
    assert explain(MemoryError()) == "out of memory"
    assert explain(KeyError("eps")) == "KeyError: 'eps'"


def test_what_is_written_down_leaves_the_pictures_out_so_that_a_late_failure_can_still_be_told(
    assembled: Assemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # a job that fails hears no SIGTERM any more; we do
    layout = assembled()
    layout.prepare()
    training = _Training(layout)
    training.record = {"name": "job", "documents": {"scores.json": "{}", "cloud.png": b"\x89PNG"}}
    assert training.fail(OSError(28, "No space left on device")) == 1
    assert layout.ledger.record["documents"] == {"scores.json": "{}"}
    assert json.loads((layout.output_data / "record.json").read_text()) == layout.ledger.record
