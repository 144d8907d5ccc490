"""The report: what it says is the job's, small segments are hidden, nothing is loaded, nobody's id is in it."""

from __future__ import annotations

import datetime as dt
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

import segwidgets as sw
from segwidgets.cli import main
from segwidgets.jobs import Job
from segwidgets.palette import css, segment_colours
from segwidgets.report import Facts, ReportError, make_report
from segwidgets.session import Session

from .conftest import RECIPE

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """Text, tags and attributes; fails where tags do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in {"style", "script"}:
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def html(job: Job) -> str:
    return (job.output_data / "report.html").read_text()


def test_a_job_leaves_its_report_and_it_is_well_formed_and_small(html: str) -> None:
    page = Page(html)
    assert len(html) < 5_000_000
    assert page.words.count("432 customers") >= 1
    for heading in ("The map", "The segments", "How firm the setting is", "How it was made", "What it does not say"):
        assert heading in page.words


def test_nothing_is_loaded_and_nothing_can_run(html: str) -> None:
    page = Page(html)
    assert not [tag for tag, _ in page.tags if tag in {"script", "iframe", "link", "object", "form"}]
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), f"{tag} {name}"
            if name in {"src", "href"}:
                assert str(value).startswith("data:"), f"{tag} {name}={value}"
    assert "default-src 'none'" in html
    assert "url(" not in html


def test_no_id_stands_in_it(html: str, said: dict[str, Any]) -> None:
    assert "SECRET" not in html
    assert "SECRET" not in json.dumps(said)


def test_names_are_text_and_never_markup(html: str) -> None:
    page = Page(html)
    assert "<b>Big & bold</b>" in page.words
    assert "col<0>" in page.words or "col<1>" in page.words
    assert "<b>Big" not in html


def test_a_segment_below_the_floor_is_counted_and_not_shown(html: str, job: Job, said: dict[str, Any]) -> None:
    page = Page(html)
    small = [one for one in said["segments"] if one["segment"] >= 0 and one["size"] < 20]
    assert [one["size"] for one in small] == [12]
    assert "1 segment of fewer than 20 customers (12 in all) is left out" in page.words
    assert f"Segment {small[0]['segment']}" not in page.words
    shown = Page(make_report(job.output_data, floor=10))
    assert f"Segment {small[0]['segment']}" in shown.words
    assert "left out" not in shown.words


@pytest.mark.parametrize("floor", [4, 0, -1])
def test_a_floor_that_would_show_single_people_is_refused(job: Job, floor: int) -> None:
    with pytest.raises(ReportError, match=f"floor={floor} is not allowed: it must be a whole number from 5"):
        make_report(job.output_data, floor=floor)


def test_a_card_has_the_colour_that_the_map_has(html: str, said: dict[str, Any]) -> None:
    dots = re.findall(r'class="dot" style="background:(#[0-9a-f]{6})"', html)
    sizes = [one["size"] for one in said["segments"] if one["segment"] >= 0]
    shown = sum(size >= 20 for size in sizes)
    assert dots == [css(colour) for colour in segment_colours(len(sizes))[:shown]], "by size, as the figure's"


def test_the_map_shows_no_segment_below_the_floor(job: Job, said: dict[str, Any]) -> None:
    picture = plt.imread(job.output_data / "figures" / "map.png")[..., :3]
    sizes = [one["size"] for one in said["segments"] if one["segment"] >= 0]
    seen = [bool((np.abs(picture - colour).max(axis=2) < 0.01).any()) for colour in segment_colours(len(sizes))]
    assert sizes[-1] == 12
    assert seen == [True] * (len(sizes) - 1) + [False]


def test_a_map_that_tells_more_than_the_floor_allows_is_left_out(job: Job) -> None:
    page = make_report(job.output_data, floor=70)
    assert "It is left out: the job drew it with segments of fewer than 70 customers." in Page(page).words
    assert "<img" not in page


def test_segments_of_one_name_are_one_segment(said: dict[str, Any]) -> None:
    merged = {**said, "names": {"0": "alike", "1": "alike"}}
    facts = Facts.from_dict(merged)
    size = {one["segment"]: one["size"] for one in said["segments"]}
    assert facts.segments[0].name == "alike"
    assert facts.segments[0].size == size[0] + size[1]
    assert facts.segments[0].labels == (0, 1)


def test_stability_is_told_of_the_whole_and_of_each_segment(said: dict[str, Any], html: str) -> None:
    assert said["stability"]["repeats"] == 10
    assert 0.9 < said["stability"]["ari"] <= 1
    shown = [one["segment"] for one in said["segments"] if one["segment"] >= 0 and one["size"] >= 20]
    steady = [one for one in said["stability"]["segments"] if one["segment"] in shown and one["jaccard"] >= 0.75]
    assert f"Of {len(shown)} segments {len(steady)} come back when only 80% of the customers" in Page(html).words


def test_a_setting_on_a_plateau_and_one_on_none_are_told_apart(said: dict[str, Any], job: Job, tmp_path: Path) -> None:
    assert "eps could be anything from" in Page((job.output_data / "report.html").read_text()).words
    (tmp_path / "report.json").write_text(json.dumps({**said, "plateau": [0.6, 0.6]}))
    assert "eps stands on no plateau" in Page(make_report(tmp_path)).words


def test_the_chosen_eps_and_its_plateau_are_told_and_drawn(said: dict[str, Any], html: str) -> None:
    low, high = said["plateau"]
    told = f"eps could be anything from {low:.3g} to {high:.3g}, a factor of {high / low:.2f}, with about the same"
    firm = Page(html).words.partition("How firm the setting is")[2].partition("How it was made")[0]
    assert told in firm
    assert "eps 0.6 was chosen." in firm
    assert "Segments for every eps; the line marks the chosen 0.6." in firm
    assert html.count('class="plateau"') == 1


def test_method_limits_and_the_appendix_with_recipe_and_digests_stand_in_it(said: dict[str, Any], html: str) -> None:
    words = Page(html).words
    assert "UMAP with 10 neighbours" in words
    assert f"DBSCAN: {RECIPE.clustering.min_samples} customers within eps 0.6" in words
    assert "its verdict: exact." in words
    assert "The axes of the map mean nothing" in words
    assert "No customer's id or values stand in this file" in words
    appendix = words.partition("Appendix")[2]
    recipe = {name: value for name, value in said["recipe"].items() if name != "features"}
    assert " ".join(json.dumps(recipe, indent=1).split()) in appendix
    assert set(said["digests"]) == {"recipe", "table", "embedding", "labels", "lock"}
    for name, digest in said["digests"].items():
        assert f"{name} {digest}".strip() in appendix


def test_without_segments_it_says_so(said: dict[str, Any], tmp_path: Path) -> None:
    noise = [{"segment": -1, "size": 432, "share": 1.0, "features": []}]
    nothing = {**said, "segments": noise, "stability": None, "profile": None, "plateau": None, "names": {}}
    nothing["scores"] = {**said["scores"], "clusters": 0, "silhouette": None, "trustworthiness": None}
    (tmp_path / "report.json").write_text(json.dumps(nothing))
    page = Page(make_report(tmp_path))
    assert "Among 432 customers no segment was found" in page.words
    assert "The segments" not in page.words


def test_the_same_job_gives_the_same_page(job: Job) -> None:
    when = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
    one, two = (make_report(job.output_data, made=when, title="Our <customers>") for _ in range(2))
    assert one == two
    assert "Our <customers>" in Page(one).words
    assert "26 November 2026" in one


def test_a_comparison_stands_in_its_own_part(job: Job) -> None:
    page = Page(make_report(job.output_data, comparison={"sentences": ["Two grew."], "rows": [["A", "<12>"]]}))
    assert "Since the last approved run" in page.words
    assert "Two grew." in page.words
    assert "<12>" in page.words


def test_what_changed_since_an_earlier_job_is_told(
    job: Job, table: sw.Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Session(table).run(RECIPE.replace(eps=2.0))
    earlier = sw.promote(other.recipe, table, result=other).wait(120)
    target = tmp_path / "since.html"
    assert main(["report", job.name, "--out", str(target), "--since", earlier.name]) == 0, capsys.readouterr().err
    page = Page(target.read_text())
    assert f"Since the run {earlier.name}" in page.words
    assert "of the 432 customers that both runs know are in another segment now" in page.words
    assert "0 customers came, 0 left." in page.words
    assert "SECRET" not in target.read_text()
    assert main(["report", job.name, "--out", str(tmp_path / "no.html"), "--since", "nobody"]) == 2
    assert not (tmp_path / "no.html").exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"rows": 3}', '{"rows": "x", "segments": 1}'])
def test_a_damaged_file_is_told_with_the_way_out(tmp_path: Path, content: str) -> None:
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(ReportError, match="run the job again"):
        make_report(tmp_path)


def test_a_job_that_has_not_finished_has_no_report(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"holds no report\.json: the job has not finished, or failed"):
        make_report(tmp_path)


def test_the_command_writes_it_and_overwrites_nothing_unasked(
    job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "for the client.html"
    assert main(["report", job.name, "--out", str(target), "--title", "Spring"]) == 0
    assert capsys.readouterr().out.strip() == str(target)
    assert "<title>Spring</title>" in target.read_text()
    assert main(["report", job.name, "--out", str(target)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["report", job.name, "--out", str(target), "--overwrite", "--floor", "3"]) == 2
    assert "floor=3 is not allowed" in capsys.readouterr().err
    assert "<title>Spring</title>" in target.read_text(), "what was there is still whole"
