"""The runs, asked of a real environment whose jobs really ran: list, recipe, log, report, stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from segwidgets.data import samples
from segwidgets.jobs import Job, promote
from segwidgets.lab.rows import joined
from segwidgets.recipe import Recipe
from segwidgets.tracking.ledger import Ledger

from .conftest import RECIPE, Answer, Ask

pytestmark = pytest.mark.usefixtures("kernel", "promoted")


async def _listed(ask: Ask, **query: str) -> Answer:
    """The runs, once both lists were read: on a loaded machine that may take a second look."""
    deadline = time.monotonic() + 120
    while True:
        answer = await ask("runs", **query)
        if answer.status != 200 or "Still reading" not in answer.json["problem"] or time.monotonic() > deadline:
            return answer


async def test_runs_are_rows_of_the_leaderboard_and_of_the_jobs(ask: Ask, promoted: list[Job]) -> None:
    answer = await _listed(ask, experiment="lab")
    assert answer.status == 200
    said = answer.json
    assert (said["total"], said["problem"]) == (2, "")
    assert abs(time.time() - said["as_of"]) < 300
    assert [row["name"] for row in said["runs"]] == [job.name for job in reversed(promoted)]
    row = said["runs"][-1]
    job = promoted[0]
    assert row["status"] == "completed"
    assert row["verdict"] == "exact"
    assert row["eps"] == 0.6
    assert row["trial"] == "first"
    assert row["segments"] >= 1
    assert row["target"] == "local"
    assert row["progress"] == 1.0
    assert row["path"] == str(job.path)
    assert row["report"] is True


async def test_pages_tell_the_total(ask: Ask, promoted: list[Job]) -> None:
    first = (await _listed(ask, experiment="lab", limit="1")).json
    second = (await ask("runs", experiment="lab", limit="1", offset="1")).json
    assert (first["total"], second["total"]) == (2, 2)
    assert [first["runs"][0]["name"], second["runs"][0]["name"]] == [job.name for job in reversed(promoted)]
    assert (await ask("runs", experiment="of nobody")).json["total"] == 0


@pytest.mark.parametrize(("name", "value"), [("limit", "0"), ("limit", "5001"), ("offset", "-1"), ("limit", "ten")])
async def test_a_page_that_cannot_be_is_refused(name: str, value: str, ask: Ask) -> None:
    answer = await ask("runs", **{name: value})
    assert answer.status == 400
    assert f"{name}={value!r}" in answer.json["message"]


async def test_a_tracker_that_cannot_be_asked_is_named_without_its_password(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGWIDGETS_TRACKING_URI", "http://ana:s3cret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    answer = await _listed(ask)
    assert answer.status == 200
    assert answer.json["total"] >= 2
    assert "127.0.0.1:9" in answer.json["problem"]
    assert "s3cret" not in answer.text


async def test_a_recipe_comes_back_as_it_was_promoted(ask: Ask, promoted: list[Job]) -> None:
    answer = await ask(f"runs/{promoted[1].name}/recipe")
    assert answer.status == 200
    recipe = Recipe.from_dict(answer.json)
    assert recipe.clustering.eps == 0.8
    assert recipe.embedding.n_neighbors == RECIPE.embedding.n_neighbors


async def test_a_log_is_told_by_its_end(ask: Ask, promoted: list[Job]) -> None:
    whole = promoted[0].log().splitlines()
    answer = await ask(f"runs/{promoted[0].name}/log", lines="3")
    assert answer.json == {"lines": whole[-3:]}


@pytest.mark.parametrize("what", ["recipe", "log", "report", "stop"])
async def test_a_run_that_nobody_knows_is_not_found(what: str, ask: Ask) -> None:
    answer = await ask("runs/nobodys-run/" + what, post=what == "stop")
    assert (answer.status, answer.json["reason"]) == (404, "unknown")
    assert "nobodys-run" in answer.json["message"]


@pytest.fixture
def report_place(promoted: list[Job]) -> Iterator[Path]:
    """Where the job's own report lies, empty for a test's."""
    place = promoted[0].output_data / "report.html"
    own = place.read_bytes()
    place.unlink()
    yield place
    place.unlink(missing_ok=True)
    place.write_bytes(own)


async def test_the_jobs_own_report_is_shown(ask: Ask, promoted: list[Job]) -> None:
    answer = await ask(f"runs/{promoted[0].name}/report")
    assert answer.status == 200
    assert answer.text == (promoted[0].output_data / "report.html").read_text()


async def test_a_report_is_shown_in_a_box_that_reaches_nothing(
    ask: Ask, promoted: list[Job], report_place: Path
) -> None:
    missing = await ask(f"runs/{promoted[0].name}/report")
    assert (missing.status, missing.json["reason"]) == (404, "no-report")
    report_place.write_text("<!doctype html><title>Ségments</title>")
    answer = await ask(f"runs/{promoted[0].name}/report")
    assert (answer.status, answer.text) == (200, "<!doctype html><title>Ségments</title>")
    assert answer.headers["Content-Type"].startswith("text/html")
    ours = answer.headers.get_list("Content-Security-Policy")[-1]
    assert "sandbox allow-scripts" in ours
    assert "allow-same-origin" not in ours
    assert "default-src 'none'" in ours
    assert (await _listed(ask, experiment="lab")).json["runs"][-1]["report"] is True


async def test_a_report_that_leads_out_of_the_jobs_folder_is_none(
    ask: Ask, promoted: list[Job], report_place: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.html"
    secret.write_text("secret")
    report_place.symlink_to(secret)
    answer = await ask(f"runs/{promoted[0].name}/report")
    assert answer.status == 404
    assert "secret" not in answer.text


async def test_a_job_that_runs_is_stopped(ask: Ask) -> None:
    job = promote(RECIPE, samples.blobs(n=400), experiment="stop")
    # It waits for the stop, however slow this machine is.
    pid = Ledger(job.path).process()["pid"]
    os.kill(pid, signal.SIGSTOP)
    stopping = asyncio.ensure_future(ask(f"runs/{job.name}/stop", post=True))
    while not (job.path / "stop").exists() and not stopping.done():
        await asyncio.sleep(0.05)
    os.kill(pid, signal.SIGCONT)
    answer = await stopping
    assert (answer.status, answer.json) == (202, {})
    assert job.wait(60).status == "stopped"
    rows = (await _listed(ask, experiment="stop")).json["runs"]
    assert [row["status"] for row in rows] == ["stopped"]


async def test_a_job_that_has_ended_cannot_be_stopped(ask: Ask, promoted: list[Job]) -> None:
    answer = await ask(f"runs/{promoted[0].name}/stop", post=True)
    assert (answer.status, answer.json["reason"]) == (409, "ended")
    assert "completed" in answer.json["message"]


def test_a_job_knows_better_than_the_list_how_it_stands() -> None:
    board = [
        {"name": "a", "status": "running", "verdict": "", "started": "2026-11-26T10:00:00+00:00", "source": "local"}
    ]
    failed = {"name": "a", "status": "failed", "verdict": "out of memory", "reason": "out of memory", "progress": 0.5}
    young = {"name": "b", "status": "running", "verdict": None, "reason": None, "progress": 0.1, "created": 1.9e9}
    rows = joined(board, [young, failed])
    assert [(row["name"], row["status"], row["source"]) for row in rows] == [
        ("b", "running", ""),
        ("a", "failed", "local"),
    ]
    assert (rows[1]["verdict"], rows[1]["reason"]) == ("", "out of memory")
    assert rows[0]["started"].startswith("2030-03-17T")


def test_every_field_of_the_command_lines_own_lists_is_there(promoted: list[Job]) -> None:
    """What the leaderboard and the jobs tell is not lost on the way; a column that is added there is missed here."""
    from segwidgets.cli.jobs import _record
    from segwidgets.tracking.board import COLUMNS

    row = joined([dict.fromkeys(COLUMNS, "x")], [])[0]
    assert set(COLUMNS) <= set(row)
    record = json.loads(json.dumps(_record(promoted[0])))
    assert set(record) <= set(joined([], [record])[0])
