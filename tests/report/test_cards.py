"""The cards: effects with intervals, proposed names, rules; less of all that at a higher floor."""

from __future__ import annotations

import json
from typing import Any

import pytest

import segwidgets as sw
from segwidgets.jobs import Job
from segwidgets.report import Facts
from segwidgets.report.cards import cards, fidelity

from .test_report import Page


@pytest.fixture(scope="module")
def said(job: Job) -> dict[str, Any]:
    return json.loads((job.output_data / "report.json").read_text())


def _difference(**changes: Any) -> dict[str, Any]:
    return {
        "name": "col", "measure": "median", "inside": 3.0, "outside": 1.0, "effect": 0.8, "low": 0.6, "high": 1.0,
        "delta": 0.4, "adjusted": 0.001, "rows": 500, "text": "col: median 3, elsewhere 1",
    } | changes  # fmt: skip


def _described(differences: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    one = {"segment": 0, "size": 100, "name": "more col", "differences": differences} | changes
    rule = {"segment": 0, "text": ["col above 2", "col at most 0"], "paths": [90, 8], "size": 100, "precision": 0.9}
    explained = {"rules": [rule | {"recall": 0.8}], "accuracy": 0.9, "baseline": 0.4, "coverage": 0.97}
    return {"segments": [one], "explained": explained}


def test_the_cards_are_what_describe_segments_says(job: Job, said: dict[str, Any], table: sw.Table) -> None:
    described = {one.segment: one for one in sw.describe_segments(job, reference=table).described.segments}
    facts = Facts.from_dict(said)
    assert len(facts.segments) == 5
    for one in facts.segments:
        theirs = {each.text: each for each in described[one.labels[0]].differences}
        assert one.features
        for told in one.features:
            assert (told.effect, told.low, told.high) == pytest.approx(
                (theirs[told.text].effect, theirs[told.text].low, theirs[told.text].high)
            )
        assert one.proposed == ("" if one.name == "<b>Big & bold</b>" else described[one.labels[0]].name)


def test_a_card_shows_effects_with_intervals_a_name_as_proposed_and_its_rule(job: Job, said: dict[str, Any]) -> None:
    page, facts = Page((job.output_data / "report.html").read_text()), Facts.from_dict(said)
    for one in facts.segments:
        assert one.features[0].interval in page.words
        assert one.rule is not None
        assert one.rule.paths[0] in page.words
        assert not one.proposed or f"{one.proposed} proposed name" in page.words
    assert "Names marked as proposed come from what sets a segment apart; nobody has chosen them." in page.words
    assert facts.fidelity is not None
    assert f"Rules tell the segment of {facts.fidelity.accuracy:.0%}" in page.words
    assert facts.caveat in page.words


def test_what_could_be_chance_or_is_small_is_not_told() -> None:
    chance, small = _difference(adjusted=0.06, text="chance"), _difference(effect=0.19, text="small")
    card = cards(_described([_difference(), chance, small]), 20)[0]
    assert [one.text for one in card.features] == ["col: median 3, elsewhere 1"]
    assert card.features[0].interval == "effect +0.80 (+0.60 to +1.00)"


def test_what_few_customers_have_is_told_nowhere() -> None:
    level = _difference(name="town: Ulm", measure="share", rows=19, text="rare level")
    counted = _difference(name="caviar", measure="any", inside=0.1, outside=0.01, rows=600, text="rare count")
    described = _described([level, counted, _difference()])
    assert [one.text for one in cards(described, 20)[0].features] == ["col: median 3, elsewhere 1"]
    assert len(cards(described, 5)[0].features) == 3
    assert cards(_described([level], name="more town: Ulm"), 20)[0].proposed == ""
    assert cards(_described([level], name="more town: Ulm"), 19)[0].proposed == "more town: Ulm"


def test_paths_and_segments_below_the_floor_are_left_out() -> None:
    described = _described([_difference()])
    rule = cards(described, 20)[0].rule
    assert rule is not None
    assert rule.paths == ("col above 2",)
    assert cards(described, 101) == {}
    found = fidelity(described)
    assert found is not None
    assert found.accuracy == 0.9


def test_a_file_of_an_earlier_version_still_makes_a_report(said: dict[str, Any]) -> None:
    earlier = {name: value for name, value in said.items() if name != "described"}
    facts = Facts.from_dict(earlier)
    assert [one.size for one in facts.segments] == [one.size for one in Facts.from_dict(said).segments]
    assert all(one.features and not one.proposed and one.rule is None for one in facts.segments)
    assert facts.fidelity is None
