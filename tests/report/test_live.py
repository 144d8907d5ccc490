"""The live map: exact labels at every step, nothing below the floor, nothing that tells of one customer."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree

from segwidgets.compute.density import DensityIndex
from segwidgets.compute.density.sampled import Sampled
from segwidgets.jobs import Job
from segwidgets.report import Facts, ReportError, make_report, making

POINTS = 200
TYPES = {"places": "<u2", "leaf": "<i4", "host": "<i4", "sizes": "<u4", "rest": "<u4"}


@pytest.fixture(scope="module")
def html(job: Job) -> str:
    return make_report(job.output_data, points=POINTS)


@pytest.fixture(scope="module")
def data(html: str) -> dict[str, Any]:
    return data_of(html)


def data_of(html: str) -> dict[str, Any]:
    """What the page's script reads, its arrays as arrays."""
    found = re.search(r'<script type="application/json" id="live-data">(.*?)</script>', html)
    assert found
    said = json.loads(found[1])
    for name in ("places", "leaf", "gap", "core", "entry", "host", "steps", "sizes", "rest"):
        said[name] = np.frombuffer(base64.b64decode(said[name]), TYPES.get(name, "<f4"))
    return said


def rows_of(data: dict[str, Any], embedding: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Which rows the dots are, told by whoever has the embedding: the file does not say."""
    places = data["places"].reshape(-1, data["dimensions"]) * np.array(data["scale"]) + np.array(data["offset"])
    away, rows = cKDTree(embedding).query(places)
    assert away.max() < 2 * np.max(data["scale"])
    assert len(set(rows)) == len(rows) == data["count"]
    return np.asarray(rows)


def test_labels_and_sizes_are_those_of_all_customers_at_every_step(job: Job, data: dict[str, Any]) -> None:
    embedding = job.result().embedding
    index = DensityIndex(embedding, job.result().recipe.clustering.min_samples)
    told = Sampled(*(data[name] for name in ("gap", "core", "entry", "host", "leaf")))
    rows, at, seen = rows_of(data, embedding), 0, set()
    for step, eps in enumerate(data["steps"].tolist()):
        labels, slots = index.labels(eps), told.slots(eps)
        size = np.bincount(labels[labels >= 0], minlength=1)
        shown = slots[told.leaf]
        assert ((shown > 0) == [label >= 0 and size[label] >= 20 for label in labels[rows]]).all(), f"eps {eps}"
        pairs = {(int(label), int(slot)) for label, slot in zip(labels[rows], shown, strict=True) if slot > 0}
        assert len(pairs) == len({label for label, _ in pairs}) == len({slot for _, slot in pairs}), f"eps {eps}"
        told_sizes = data["sizes"][at : at + slots.max(initial=0)]
        assert {int(told_sizes[slot - 1]) for _, slot in pairs} == {int(size[label]) for label, _ in pairs}
        none, undrawn, of_undrawn = data["rest"][3 * step : 3 * step + 3].tolist()
        assert none + of_undrawn + int(told_sizes.sum()) == len(labels)
        assert undrawn == (size >= 20).sum() - len(pairs)
        at += int(slots.max(initial=0))
        seen.add(len(pairs))
    assert at == len(data["sizes"])
    assert len(seen) > 2, "the slider shows several numbers of segments"


def test_the_slider_starts_at_the_chosen_eps_with_the_names_of_the_cards(job: Job, data: dict[str, Any]) -> None:
    facts = Facts.from_dict(json.loads((job.output_data / "report.json").read_text()))
    assert data["steps"][data["start"]] == np.float32(0.6)
    assert [one["name"] for one in data["names"]] == [one.name for one in facts.segments]
    assert sorted(colour for _, colour in data["colours"]) == list(range(len(facts.segments)))


def test_only_places_thresholds_and_counts_stand_in_it(html: str, data: dict[str, Any], job: Job) -> None:
    arrays = {"places", "leaf", "gap", "core", "entry", "host", "steps", "sizes", "rest"}
    assert set(data) - arrays == {
        "count", "rows", "floor", "dimensions", "offset", "scale", "leaves", "start", "names", "colours"
    }  # fmt: skip
    assert "SECRET" not in html
    rows = rows_of(data, job.result().embedding)
    assert abs(np.corrcoef(np.argsort(rows), np.arange(POINTS))[0, 1]) < 0.99
    again = data_of(make_report(job.output_data, points=POINTS))
    assert set(rows_of(again, job.result().embedding)) != set(rows), "nobody can draw the sample again"
    small = DensityIndex(job.result().embedding, 10).labels(0.6)
    twelve = np.flatnonzero(
        np.isin(rows, np.flatnonzero(np.isin(small, np.flatnonzero(np.bincount(small[small >= 0]) == 12))))
    )
    for name in ("gap", "core", "entry"):
        assert (data[name][data["leaf"][twelve]] > 0.6).all(), "of the twelve nothing is told before they join others"


def test_the_file_says_what_is_in_it_and_runs_one_script(html: str) -> None:
    assert f"a shuffled sample of the map: the places of {POINTS} of the 432 customers, without ids" in html
    script = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(script) == 1
    digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'" in html
    assert "Generated from segwidgets/frontend" in script[0]
    assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|import\(|https?://(?!www\.w3\.org)", script[0])
    assert len(html) < 5_000_000


def test_without_points_there_is_neither_sample_nor_script(job: Job) -> None:
    assert "script" not in make_report(job.output_data)


@pytest.mark.parametrize("points", [1, 99, 433, 10**9, -5, True])
def test_a_number_of_points_that_is_not_allowed_is_refused(job: Job, points: int) -> None:
    with pytest.raises(ReportError, match=f"points={points} is not allowed: .* a sample of 100 to 432 points"):
        make_report(job.output_data, points=points)


def test_a_file_that_would_grow_too_large_is_refused(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "LIMIT", 50_000)
    with pytest.raises(ReportError, match=r"points=200 makes a file of .* must stay under .*: take fewer points"):
        make_report(job.output_data, points=POINTS)


def test_another_map_than_the_jobs_is_refused(job: Job, tmp_path: Path) -> None:
    copy = shutil.copytree(job.output_data, tmp_path / "data")
    np.save(copy / "result" / "embedding.npy", np.zeros((432, 3), np.float32))
    with pytest.raises(ReportError, match=r"embedding\.npy is not the map that the report tells of"):
        make_report(copy, points=POINTS)
    (copy / "result" / "embedding.npy").unlink()
    with pytest.raises(ReportError, match=r"points= needs the job's map"):
        make_report(copy, points=POINTS)


def test_markup_in_a_name_stays_text(job: Job, html: str) -> None:
    assert data_of(html)["names"][0]["name"] == "<b>Big & bold</b>"
    assert "<b>Big" not in html
