"""What the segments of a run are: for the analyst with ids, for others without."""

from __future__ import annotations

import dataclasses
import json
import threading

import numpy as np
import pandas as pd
import pytest

import segwidgets as sw
from segwidgets.layer import Layer
from segwidgets.segmentation import Segmentation, segmentation
from segwidgets.segments import SegmentsOfRun
from segwidgets.session import Progress, Session

RECIPE = sw.Recipe().replace(n_neighbors=10, n_epochs=50, eps=1.0)


@pytest.fixture(scope="module")
def table() -> sw.Table:
    frame = sw.samples.blobs(400).to_frame()
    frame.index = pd.Index([f"customer-{i}" for i in range(400)], name="customer")
    frame["city"] = np.where(np.arange(400) < 397, "Graz", "Hinterstoder")
    return sw.read(frame)


@pytest.fixture(scope="module")
def result(table: sw.Table) -> sw.Result:
    return Session(table).run(RECIPE)


@pytest.fixture(scope="module")
def made(table: sw.Table, result: sw.Result) -> Segmentation:
    """Three segments of which one is of 12 customers, whatever the map says."""
    labels = np.repeat(np.array([0, 1, 2], np.int32), [250, 138, 12])
    found = segmentation(result, reference=table)
    return Segmentation(
        "hand-made", found.recipe, found.table_digest, found.ids, labels, found.embedding, {0: "families"}, table
    )


@pytest.fixture(scope="module")
def found(made: Segmentation) -> SegmentsOfRun:
    return sw.describe_segments(made)


def test_a_result_is_described_with_the_table_it_was_made_from(table: sw.Table, result: sw.Result) -> None:
    found = sw.describe_segments(result, reference=table, top=3)
    assert {one.segment: one.size for one in found.described.segments if one.segment >= 0} == dict(
        enumerate(result.sizes)
    )
    assert all(len(one.differences) <= 3 for one in found.described.segments)
    with pytest.raises(ValueError, match="reference=TABLE"):
        sw.describe_segments(result)


def test_the_analyst_sees_customers_of_the_segment_itself(found: SegmentsOfRun, made: Segmentation) -> None:
    place = {str(customer): at for at, customer in enumerate(made.ids)}
    for segment in (0, 1, 2):
        for ids in (found.representatives(segment), found.boundary(segment)):
            assert 0 < len(ids) <= 5
            assert {made.labels[place[str(one)]] for one in ids} == {segment}
    with pytest.raises(ValueError, match="segment=9 is not there: the segments are 0, 1, 2"):
        found.boundary(9)


def test_what_is_public_names_no_customer_no_small_segment_and_no_rare_word(found: SegmentsOfRun) -> None:
    public = found.to_public()
    text = json.dumps(public, allow_nan=False)
    assert "customer-" not in text
    assert "Hinterstoder" not in text
    assert [one["segment"] for one in public["segments"]] == [0, 1]
    assert public["hidden"] == 1
    assert "Hinterstoder" in json.dumps(found.to_public(floor=1))


def test_no_rule_is_about_a_few_customers(found: SegmentsOfRun) -> None:
    assert found.explained is not None
    assert found.explained.left_out == (2,)
    rules = found.to_public()["explained"]["rules"]
    assert [rule["segment"] for rule in rules] == [0, 1]
    assert all(many >= 20 for rule in rules for many in rule["paths"])
    assert all(len(rule["paths"]) == len(rule["text"]) for rule in rules)
    assert found.explained.public(10_000).rules == ()


def test_a_name_that_people_gave_stands_before_the_proposed_one(found: SegmentsOfRun) -> None:
    assert found.called(0) == "families"
    proposed = {one.segment: one.name for one in found.described.segments}
    assert found.called(1) == proposed[1]
    assert [one["called"] for one in found.to_public()["segments"]] == ["families", proposed[1]]


def test_merged_segments_are_described_as_one(made: Segmentation, found: SegmentsOfRun) -> None:
    layer = Layer().merged(made.labels, [1, 2], "singles")
    both = sw.describe_segments(made, layer=layer)
    assert {one.segment: one.size for one in both.described.segments} == {0: 250, 1: 150}
    assert (both.called(0), both.called(1)) == ("families", "singles")
    apart = sw.describe_segments(made, layer=Layer())
    assert apart.to_public() == found.to_public()
    with pytest.raises(ValueError, match="fits the table"):
        sw.describe_segments(made, layer=Layer(locks=((0, (4_000,)),)))


def test_it_tells_how_far_it_is_and_can_be_cancelled(made: Segmentation) -> None:
    seen: list[float] = []
    sw.describe_segments(made, progress=lambda now: seen.append(now.overall))
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)
    stop = threading.Event()

    def told(now: Progress) -> None:
        if now.overall > 0.5:
            stop.set()

    with pytest.raises(sw.Cancelled):
        sw.describe_segments(made, progress=told, cancel=stop)


def test_a_run_of_one_segment_has_no_rules(made: Segmentation) -> None:
    alone = sw.describe_segments(dataclasses.replace(made, labels=np.zeros(400, np.int32)))
    assert alone.explained is None
    assert alone.to_public()["explained"] is None
