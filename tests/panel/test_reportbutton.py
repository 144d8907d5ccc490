"""The report button beside a finished job: the file, and the link that downloads it."""

from __future__ import annotations

import base64
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from segwidgets.data import Table, samples
from segwidgets.jobs import Job, promote
from segwidgets.names import Names
from segwidgets.panel.promotion import Promotion
from segwidgets.panel.reportbutton import ReportButton, _link
from segwidgets.recipe import Recipe
from segwidgets.result import Result
from segwidgets.session import Session

RECIPE = Recipe().replace(eps=0.6, n_neighbors=10, n_epochs=100)
ROWS = 400


@pytest.fixture(scope="module", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGWIDGETS_HOME", str(tmp_path_factory.mktemp("home")))
        for name in ("MLFLOW_TRACKING_URI", "SEGWIDGETS_TRACKING_URI"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def table() -> Table:
    return samples.blobs(n=ROWS, seed=11)


@pytest.fixture(scope="module")
def result(table: Table) -> Result:
    return Session(table).run(RECIPE)


@pytest.fixture(scope="module")
def done(table: Table, result: Result) -> Job:
    job = promote(RECIPE, table, result=result, experiment="panel", trial="report").wait(120)
    assert job.status == "completed", job.log()
    return job


@pytest.fixture
def button(done: Job) -> Iterator[ReportButton]:
    made = ReportButton()
    made.offer(done)
    yield made
    made.close()


def linked(button: ReportButton) -> tuple[str, bytes]:
    """The name and the content that the link downloads."""
    found = re.search(r'<a download="([^"]+)" href="data:text/html;base64,([^"]+)">', button.made.value)
    assert found is not None, button.made.value + error(button)
    return found[1], base64.b64decode(found[2], validate=True)


def error(button: ReportButton) -> str:
    return str(button.work.view.children[1].value)


def write(button: ReportButton) -> None:
    button.button.click()
    assert button.wait(120)


def test_the_report_is_written_anew_and_linked_whole(button: ReportButton, done: Job) -> None:
    target = done.output_data / "report.html"
    target.write_text("an old one")
    write(button)
    assert not error(button)
    assert button.written == target
    name, content = linked(button)
    assert name == f"report-{done.name}.html"
    assert content == target.read_bytes()
    assert f"{ROWS} customers" in content.decode()
    assert f"<code>{target}</code>" in button.made.value


def test_a_live_map_is_there_only_when_it_was_asked_for(button: ReportButton) -> None:
    assert button.points.disabled
    assert button.points.value == ROWS, "no more than there are"
    write(button)
    assert b"<script" not in linked(button)[1]
    button.live.value = True
    assert not button.points.disabled
    files = []
    for points in (100, ROWS):
        button.points.value = points
        write(button)
        files.append(linked(button)[1].decode())
        assert "<script" in files[-1]
        assert "Its live map holds places of a sample of the customers" in files[-1]
    assert len(files[0]) < len(files[1]), "as many points as were asked for"


def test_a_number_of_points_that_is_not_allowed_is_told_in_words(button: ReportButton) -> None:
    button.live.value = True
    for points in (0, 7, ROWS + 1):
        button.points.value = points
        write(button)
        assert f"points={points} " in error(button)
        assert button.made.value == ""


def test_the_floor_is_the_users_and_never_shows_single_people(button: ReportButton, done: Job) -> None:
    assert button.floor.value == 20
    button.floor.value = ROWS
    write(button)
    assert f"fewer than {ROWS} customers" in linked(button)[1].decode()
    before = (done.output_data / "report.html").read_bytes()
    button.floor.value = 4
    write(button)
    assert "floor=4 is not allowed: it must be a whole number from 5" in error(button)
    assert (done.output_data / "report.html").read_bytes() == before, "what was there is still whole"
    button.floor.value = 20
    write(button)
    assert not error(button)


def test_a_file_of_ones_own_choice_is_written_and_no_other_lost(button: ReportButton, tmp_path: Path) -> None:
    target = tmp_path / "for <us>.html"
    button.path.value = f" {target} "
    for _ in range(2):
        write(button)
        assert button.written == target
    assert "for &lt;us&gt;.html" in button.made.value
    other = tmp_path / "minutes.html"
    other.write_text("of the meeting")
    button.path.value = str(other)
    write(button)
    assert "is there already, and is not of this panel" in error(button)
    assert other.read_text() == "of the meeting"
    button.path.value = str(tmp_path)
    write(button)
    assert "is a folder: name a file in it" in error(button)


def test_a_job_that_left_nothing_is_told_in_words(button: ReportButton, done: Job) -> None:
    copy = done.path.with_name("emptied")
    shutil.copytree(done.path, copy, symlinks=True)
    try:
        (copy / "output" / "data" / "report.json").unlink()
        button.offer(Job(copy))
        write(button)
        assert "holds no report.json: the job has not finished, or failed" in error(button)
        assert button.written is None
    finally:
        shutil.rmtree(copy)


def test_what_is_too_large_for_a_page_is_named_without_a_link(tmp_path: Path) -> None:
    path = tmp_path / "large.html"
    path.write_bytes(b"x" * 5_000_001)
    told = _link(path, "large.html")
    assert "<a " not in told
    assert "larger than 5 MB: take it from there" in told


def test_it_stands_beside_a_finished_job_and_beside_no_other(table: Table, result: Result, done: Job) -> None:
    promotion = Promotion(table, lambda _: (result, Names()), lambda *_: None)
    try:
        assert promotion.wait(30)
        report = promotion.following.report
        assert report.view.layout.display == "none"
        promotion.following.follow(done, threading.Event())
        assert report.view.layout.display == ""
        report.button.click()
        assert promotion.wait(120)
        assert linked(report)[1] == (done.output_data / "report.html").read_bytes()
        failed = done.path.with_name("failed")
        shutil.copytree(done.path, failed, symlinks=True)
        try:
            (failed / "status.json").write_text('{"state": "failed", "reason": "it was too large"}')
            promotion.following.follow(Job(failed), threading.Event())
            assert Job(failed).status == "failed"
            assert report.view.layout.display == "none"
            assert report.made.value == ""
        finally:
            shutil.rmtree(failed)
    finally:
        promotion.close()
