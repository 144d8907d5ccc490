"""The Compare tab: finished jobs beside what is shown, and beside this week's table."""

from __future__ import annotations

import dataclasses
import shutil
import threading
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import segwidgets as sw
from segwidgets.jobs import Job
from segwidgets.names import Names
from segwidgets.panel.tabs.comparison import CompareTab
from segwidgets.panel.tabs.comparisonwords import EARLIER, MOST_SEGMENTS
from segwidgets.panel.tabs.tab import Surroundings, Tab
from segwidgets.result import Result
from segwidgets.session import Session

RECIPE = sw.Recipe().replace(eps=0.6, n_neighbors=10, n_epochs=100)
#: Customers that are put into another segment.
MOVED = 30


class Page(HTMLParser):
    """The cells of each table by its caption; fails where tags do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.scopes: list[str | None] = []
        self.words: list[str] = []
        self.labels: list[str] = []
        self._open: list[str] = []
        self._caption = ""
        self.feed(text)
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._open.append(tag)
        if tag == "svg":
            self.labels.append(given["aria-label"] or "")
        if tag == "th":
            self.scopes.append(given.get("scope"))
        if tag == "tr":
            self.tables[self._caption].append([])
        if tag in {"th", "td"}:
            self.tables[self._caption][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Nothing is left open."""

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] == "style":
            return
        self.words.append(data)
        if self._open[-1] == "caption":
            self._caption = data
            self.tables[data] = []
        if self._open[-1] in {"th", "td"}:
            self.tables[self._caption][-1][-1] += data

    def table(self, beginning: str) -> list[list[str]]:
        return next(rows for caption, rows in self.tables.items() if caption.startswith(beginning))

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@dataclasses.dataclass
class Shown:
    """What a panel would show."""

    result: Result | None
    names: Names = dataclasses.field(default_factory=Names)


@pytest.fixture(scope="module", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGWIDGETS_HOME", str(tmp_path_factory.mktemp("home")))
        for name in ("MLFLOW_TRACKING_URI", "SEGWIDGETS_TRACKING_URI"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return sw.samples.blobs(1200).to_frame()


@pytest.fixture(scope="module")
def table(frame: pd.DataFrame) -> sw.Table:
    return sw.read(frame.iloc[:600])


@pytest.fixture(scope="module")
def result(table: sw.Table) -> Result:
    return Session(table).run(RECIPE)


@pytest.fixture(scope="module")
def job(table: sw.Table, result: Result) -> Job:
    names = Names().renamed([int(np.flatnonzero(result.labels == 0)[0])], "<i>Beer</i>")
    done = sw.promote(RECIPE, table, result=result, names=names).wait(120)
    assert done.verdict == "exact", done.log()
    return done


Make = Callable[[sw.Table, Shown], CompareTab]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[CompareTab] = []

    def build(table: sw.Table, shown: Shown) -> CompareTab:
        around = Surroundings(Session(table), lambda: shown.result, lambda: RECIPE, lambda _: None, lambda: shown.names)
        made.append(CompareTab(around))
        assert made[-1].wait(30)
        return made[-1]

    yield build
    for tab in made:
        tab.close()


@pytest.fixture
def shown(result: Result) -> Shown:
    """What is shown: the job's segments, but MOVED customers of segment 0 are in segment 1."""
    labels = result.labels.copy()
    labels[np.flatnonzero(labels == 0)[:MOVED]] = 1
    return Shown(dataclasses.replace(result, labels=labels))


@pytest.fixture
def tab(table: sw.Table, shown: Shown, job: Job, make: Make) -> CompareTab:
    assert job.status == "completed"
    return make(table, shown)


def alert(tab: CompareTab) -> str:
    """What went wrong, as the tab shows it."""
    return "".join(work.view.children[1].value for work in (tab.comparing, tab.drifting))


def test_finished_jobs_are_listed_with_their_segments_and_date(tab: CompareTab, job: Job, result: Result) -> None:
    assert isinstance(tab.title, str)
    as_tab: Tab = tab
    assert as_tab.title == "Compare"
    label, name = tab.job.options[0]
    assert name == tab.chosen == job.name
    assert f"{job.name} · {result.scores.clusters} segments · " in label


def test_a_job_that_finished_meanwhile_is_there_after_a_refresh(tab: CompareTab, job: Job) -> None:
    newer = job.path.with_name("another-job")
    shutil.copytree(job.path, newer, symlinks=True)
    try:
        tab.refresh.click()
        assert tab.wait(30)
        assert {name for _, name in tab.job.options} == {job.name, "another-job"}
        assert tab.chosen == job.name, "the choice stays"
    finally:
        shutil.rmtree(newer)


def test_customers_who_moved_show_up(tab: CompareTab, result: Result, shown: Shown) -> None:
    tab.comparing.start()
    assert tab.wait(60)
    assert not alert(tab)
    page = Page(tab.moved.value)
    share = f"{MOVED / len(result.labels):.1%}"
    assert f"{share} of the 600 customers that both runs know are in another segment now" in page.text
    assert "more than chance explains" in page.text
    matrix = page.table("Who moved")
    stayed = int((result.labels == 0).sum()) - MOVED
    head, *rows = matrix
    beer = next(row for row in rows if row[0] == "<i>Beer</i>")
    assert int(beer[head.index("segment 0")]) == stayed
    assert int(beer[head.index("segment 1")]) == MOVED
    cells = sum(int(cell.replace(",", "")) for row in rows for cell in row[1:])
    assert cells == len(result.labels)
    events = page.table("What became")
    assert events[0] == ["What happened", "Then", "Now", "Share then", "Share now", "More than chance"]
    assert next(row for row in events if row[1] == "<i>Beer</i>")[0] == "shrunk"
    assert set(page.scopes) == {"col", "row"}
    assert "<i>Beer" not in tab.moved.value


def test_the_diagram_is_drawn_with_its_words(tab: CompareTab) -> None:
    tab.comparing.start()
    assert tab.wait(60)
    page = Page(tab.moved.value)
    assert len(page.labels) == 1
    assert page.labels[0].startswith("Flow diagram of who moved between the segments.")
    assert "are in another segment now" in page.labels[0]
    assert "currentColor" in tab.moved.value, "in the theme's ink"


def test_segments_bear_the_names_of_the_panel(tab: CompareTab, shown: Shown, result: Result) -> None:
    shown.names = Names().renamed([int(np.flatnonzero(result.labels == 2)[0])], "a & b")
    tab.comparing.start()
    assert tab.wait(60)
    assert "a & b" in Page(tab.moved.value).table("Who moved")[0]


def test_a_baseline_decides_what_is_chance(tab: CompareTab) -> None:
    tab.baseline.value = "20%"
    tab.comparing.start()
    assert tab.wait(60)
    assert "no more than chance explains" in tab.moved.value
    assert "No baseline was given" not in tab.moved.value
    tab.baseline.value = "a fifth"
    tab.comparing.start()
    assert tab.wait(60)
    assert "from 0 to 1, such as 0.02 or 2%" in alert(tab)
    assert "no more than chance explains" in tab.moved.value, "what was found stays"


def test_a_baseline_of_the_runs_own_rows_is_worked_out(tab: CompareTab) -> None:
    tab.baseline.value = "own"
    tab.comparing.start()
    assert tab.wait(120)
    assert tab.compared is not None
    assert tab.compared.changes.baseline is not None
    assert "No baseline was given" not in tab.moved.value


def test_a_comparison_with_an_earlier_setting_says_so_and_stays(tab: CompareTab, result: Result, shown: Shown) -> None:
    tab.comparing.start()
    assert tab.wait(60)
    told = tab.moved.value
    assert shown.result is not None
    tab.show(shown.result)
    assert tab.earlier.value == ""
    shown.result = result
    tab.show(result)
    assert EARLIER in tab.earlier.value
    assert tab.moved.value == told
    tab.comparing.start()
    assert tab.wait(60)
    assert tab.earlier.value == ""
    assert "0.0% of the 600 customers" in tab.moved.value


def test_too_many_segments_are_told_in_the_table_only(tab: CompareTab, result: Result, shown: Shown) -> None:
    labels = np.arange(len(result.labels), dtype=np.int32) % (MOST_SEGMENTS + 1)
    shown.result = dataclasses.replace(result, labels=labels)
    tab.comparing.start()
    assert tab.wait(60)
    page = Page(tab.moved.value)
    assert not page.labels
    assert f"× {MOST_SEGMENTS + 1} segments are left out" in page.text
    assert list(page.tables) == ["What became of each segment"]


def test_without_a_common_customer_a_plain_line_says_so(frame: pd.DataFrame, job: Job, make: Make) -> None:
    other = sw.read(frame.iloc[600:])
    tab = make(other, Shown(Session(other).run(RECIPE)))
    assert tab.chosen == job.name
    tab.comparing.start()
    assert tab.wait(60)
    assert "have no id in common, so nobody can be followed" in tab.moved.value
    assert not alert(tab)
    assert tab.compared is None


def test_a_folder_of_results_is_compared_too(tab: CompareTab, result: Result, tmp_path: Path) -> None:
    result.save(tmp_path / "saved")
    tab.other.value = f" {tmp_path / 'saved'} "
    tab.comparing.start()
    assert tab.wait(60)
    assert f"From {tmp_path / 'saved'} to what is shown" in Page(tab.moved.value).text
    tab.drifting.start()
    assert tab.wait(60)
    assert "does not hold its own rows" in alert(tab)


def test_a_name_that_is_none_is_told_in_words(tab: CompareTab) -> None:
    tab.other.value = "<b>nobody</b>"
    tab.comparing.start()
    assert tab.wait(60)
    assert "there is no job" in alert(tab)
    assert "<b>nobody" not in alert(tab)
    tab.other.value = ""
    tab.comparing.start()
    assert tab.wait(60)
    assert not alert(tab)


def test_a_run_that_fits_the_table_may_be_reused(frame: pd.DataFrame, job: Job, make: Make) -> None:
    tab = make(sw.read(frame.iloc[600:]), Shown(None))
    assert tab.comparing.button.disabled, "nothing is shown yet"
    assert not tab.drifting.button.disabled
    tab.drifting.start()
    assert tab.wait(120)
    assert not alert(tab)
    page = Page(tab.fits.value)
    assert 'data-word="reuse"' in tab.fits.value
    assert "Reuse: the run may be used on this table as it is." in page.text
    assert f"then, in job {job.name};" in page.text
    sizes = page.table("What each segment")
    assert sizes[1][0] == "<i>Beer</i>"
    assert sizes[-1][0] == "none"
    assert sum(int(row[1]) for row in sizes[1:]) == sum(int(row[3]) for row in sizes[1:]) == 600


def test_a_moved_column_is_a_reason_to_look_at_the_data(frame: pd.DataFrame, job: Job, make: Make) -> None:
    week = frame.iloc[600:].copy()
    name = week.select_dtypes("number").columns[1]
    week[name] += 40
    tab = make(sw.read(week), Shown(None))
    tab.drifting.start()
    assert tab.wait(120)
    columns = Page(tab.fits.value).table("How far the columns")
    assert columns[1][0] == name, "the worst first"
    assert columns[1][3] == "changed"
    assert [float(row[1]) for row in columns[1:]] == sorted((float(row[1]) for row in columns[1:]), reverse=True)
    assert 'data-word="re-tune"' in tab.fits.value
    assert f"(PSI above 0.25): {name}" in Page(tab.fits.value).text


def test_a_run_that_does_not_fit_the_table_is_told_in_words(frame: pd.DataFrame, job: Job, make: Make) -> None:
    name = frame.select_dtypes("number").columns[1]
    tab = make(sw.read(frame.iloc[600:].drop(columns=name)), Shown(None))
    tab.drifting.start()
    assert tab.wait(120)
    assert f"lacks the column &#x27;{name}&#x27;" in alert(tab)
    assert tab.fits.value == ""


def test_work_that_is_cancelled_leaves_what_was_found(tab: CompareTab) -> None:
    tab.comparing.start()
    assert tab.wait(60)
    before = tab.moved.value
    stop = threading.Event()
    stop.set()
    with pytest.raises(sw.Cancelled):
        tab.drifting._do(lambda _: None, stop)
    assert tab.moved.value == before
    assert tab.fits.value == ""


def test_without_a_finished_job_there_is_nothing_to_compare(
    table: sw.Table, result: Result, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGWIDGETS_HOME", str(tmp_path))
    tab = make(table, Shown(result))
    assert tab.job.options == (("no job of this machine has finished", ""),)
    assert tab.comparing.button.disabled
    assert tab.drifting.button.disabled
    tab.other.value = "some-job"
    assert not tab.comparing.button.disabled
