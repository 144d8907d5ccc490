"""The panel's promote part, with real local jobs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from segwidgets.data import Table, samples
from segwidgets.jobs import Job, promote
from segwidgets.jobs.recipes import UnknownRecipeError
from segwidgets.names import Names
from segwidgets.panel import html
from segwidgets.panel.board import found
from segwidgets.panel.promotion import Promotion
from segwidgets.recipe import Recipe
from segwidgets.result import Result
from segwidgets.session import Session
from segwidgets.storage import home

RECIPE = Recipe().replace(eps=0.6, n_neighbors=10, n_epochs=100)


@pytest.fixture(scope="module", autouse=True)
def _own_tracker() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "SEGWIDGETS_TRACKING_URI"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def table() -> Table:
    return samples.blobs(n=400, seed=11)


@pytest.fixture(scope="module")
def result(table: Table) -> Result:
    return Session(table).run(RECIPE)


@pytest.fixture(scope="module")
def done(table: Table, result: Result) -> Job:
    names = Names().renamed([0], "Beer")
    return promote(RECIPE, table, result=result, names=names, experiment="panel", trial="done").wait(120)


@pytest.fixture
def went() -> list[tuple[Recipe, Names]]:
    return []


@pytest.fixture
def promotion(table: Table, result: Result, went: list[Any]) -> Iterator[Promotion]:
    made = Promotion(table, lambda _: (result, Names()), lambda recipe, names: went.append((recipe, names)))
    made.show(result)
    yield made
    made.close()


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not come to that within {seconds} s"
        time.sleep(0.02)


def signalled(job: Job, number: signal.Signals) -> None:
    """Signal a job's process, where it has one any more."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(json.loads((job.path / "job.json").read_text())["process"]["pid"], number)


@pytest.fixture
def endless(table: Table, result: Result) -> Iterator[Job]:
    """A job that has started and does not end by itself: its process is held up, as a large table would."""
    job = promote(RECIPE, table, result=result, experiment="panel", trial="endless")
    signalled(job, signal.SIGSTOP)
    yield job
    signalled(job, signal.SIGCONT)
    job.wait(60)


def test_a_refit_is_promoted_and_its_verdict_told_honestly(promotion: Promotion) -> None:
    promotion.mode.value = "refit"
    assert "the map" not in promotion.shipped.value
    promotion.start()
    assert promotion.wait(180)
    job = promotion.job
    assert job is not None
    assert json.loads((job.path / "job.json").read_text())["params"]["mode"] == "refit"
    assert job.status == "completed"
    assert str(job.verdict) in promotion.following.verdict.value
    assert job.name in {run["name"] for run in promotion.board.runs.runs}


def test_each_choice_has_its_sentence(promotion: Promotion) -> None:
    seen = set()
    for target in promotion.target.options:
        promotion.target.value = target
        for mode in promotion.mode.options:
            promotion.mode.value = mode
            seen.add(promotion.words.value)
    assert len(seen) == 4


def test_elsewhere_nothing_is_promoted_before_it_was_checked(promotion: Promotion) -> None:
    assert not promotion.button.disabled
    promotion.target.value = "sagemaker"
    assert promotion.button.disabled
    assert promotion.remote.view.layout.display == ""
    promotion.start()
    assert promotion.wait(30)
    assert "has not been checked" in promotion.following.verdict.value
    assert promotion.job is None
    promotion.target.value = "local"
    assert not promotion.button.disabled
    assert promotion.remote.view.layout.display == "none"


def test_only_what_is_given_is_passed_on(promotion: Promotion) -> None:
    fields = promotion.remote.fields
    assert promotion.remote.keywords() == {}
    fields["bucket"].value, fields["max_run"].value, fields["spot"].value = " mine ", "7,200", False
    assert promotion.remote.keywords() == {"bucket": "mine", "max_run": 7200, "spot": False}
    fields["max_run"].value = "an hour"
    promotion.target.value = "sagemaker"
    promotion.check()
    assert promotion.wait(30)
    assert "an hour" in promotion.remote.report.value
    assert promotion.button.disabled


def test_a_new_panel_follows_the_job_that_still_runs_and_stops_it(endless: Job, table: Table, result: Result) -> None:
    again = Promotion(table, lambda _: (result, Names()), lambda *_: None)
    try:
        until(lambda: again.job is not None)
        assert again.job is not None
        assert again.job.name == endless.name
        until(lambda: "is running" in again.following.verdict.value)
        assert again.following.stop.layout.display == ""
        again.following.stop.click()
        signalled(endless, signal.SIGCONT)
        assert again.wait(120)
        assert endless.status == "stopped"
        assert 'data-state="stopped"' in again.following.verdict.value
        assert again.following.stop.layout.display == "none"
    finally:
        again.close()


def test_a_panel_of_another_table_follows_nothing(endless: Job, result: Result) -> None:
    assert endless.status == "running"
    other = Promotion(samples.blobs(n=60, seed=3), lambda _: (result, Names()), lambda *_: None)
    assert other.wait(30)
    assert other.job is None
    other.close()


def test_the_end_of_the_log_is_unfolded(promotion: Promotion, done: Job) -> None:
    promotion.following.follow(done, threading.Event())
    assert promotion.following.log.layout.display == "none"
    promotion.following.log_shown.value = True
    assert promotion.wait(30)
    last = done.log().splitlines()[-1]
    assert html.escape(last) in promotion.following.log.value
    assert promotion.following.log_shown.description == "Hide log"
    promotion.following.log_shown.value = False
    assert promotion.following.log.layout.display == "none"


def test_a_long_log_is_cut_to_its_end() -> None:
    shown = html.log([f"line {i}" for i in range(940, 1000)], 1000)
    assert "The last 60 of 1,000 lines" in shown
    assert html.escape("<b>") in html.log(["<b>"], 1)


def open_run(promotion: Promotion, name: str) -> str:
    """What the leaderboard says once the user has opened a run."""
    promotion.board.show([{"name": name, "status": "completed"}])
    run = promotion.board.runs.runs[0]
    data = {"method": "custom", "content": {"kind": "open", "id": run["id"]}}
    promotion.board.runs._handle_msg({"content": {"data": data}, "buffers": []})
    assert promotion.wait(30)
    return str(promotion.board.runs.message)


def test_a_run_is_opened_with_its_recipe_and_names(promotion: Promotion, done: Job, went: list[Any]) -> None:
    assert done.name in open_run(promotion, done.name)
    recipe, names = went[0]
    assert recipe.clustering == RECIPE.clustering
    assert recipe.embedding.n_neighbors == 10
    assert names == Names().renamed([0], "Beer")


def test_a_run_of_another_table_keeps_its_names_to_itself(done: Job) -> None:
    recipe, names, told = found(done.name, samples.blobs(n=60, seed=3))
    assert recipe.clustering.eps == 0.6
    assert names == Names()
    assert "another table" in told


def test_a_run_that_is_not_here_is_told_in_words(promotion: Promotion, went: list[Any]) -> None:
    told = open_run(promotion, "segwidgets-from-afar")
    assert "segwidgets-from-afar is neither on this machine nor in its trackers" in told
    assert went == []
    assert promotion.board.errors.value == ""


def test_a_damaged_recipe_is_told(table: Table, done: Job) -> None:
    copy = home() / "jobs" / "damaged"
    shutil.copytree(done.path, copy, symlinks=True)
    recipe: Path = copy / "input" / "data" / "recipe" / "recipe.json"
    try:
        recipe.write_text("{")
        with pytest.raises(UnknownRecipeError, match="cannot be read"):
            found("damaged", table)
        recipe.unlink()
        with pytest.raises(UnknownRecipeError, match=r"no recipe\.json"):
            found("damaged", table)
    finally:
        shutil.rmtree(copy)


def test_a_recipe_that_does_not_fit_the_table_is_told_beside_the_runs(table: Table, result: Result, done: Job) -> None:
    def refuse(recipe: Recipe, _: Names) -> None:
        raise ValueError(f"n_neighbors={recipe.embedding.n_neighbors} is too many")

    made = Promotion(table, lambda _: (result, Names()), refuse)
    assert "n_neighbors=10 is too many" in open_run(made, done.name)
    made.close()


def test_a_leaderboard_that_cannot_be_read_says_why(promotion: Promotion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGWIDGETS_TRACKING_URI", "gopher://nowhere")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "gopher://nowhere")
    promotion.board.refresh.click()
    assert promotion.board.refresh.disabled
    assert promotion.wait(120)
    assert "gopher" in promotion.board.errors.value
    assert not promotion.board.refresh.disabled
