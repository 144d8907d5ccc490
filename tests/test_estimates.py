"""What a move will run and how long, by what was seen."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import segwidgets as sw
from segwidgets.cache import Cache
from segwidgets.estimates import Estimates


@pytest.fixture
def session(tmp_path: Path) -> sw.Session:
    return sw.Session(sw.samples.blobs(300), cache=Cache(tmp_path))


def test_before_anything_ran_the_stages_are_named_without_a_time(session: sw.Session) -> None:
    text = Estimates().text(session, sw.Recipe())
    assert text.startswith("Will run: features, ")
    assert text.endswith("layout, density tree.")


def test_after_a_run_the_time_is_that_of_the_stages_that_are_left(session: sw.Session) -> None:
    estimates = Estimates()
    result = session.run(sw.Recipe())
    estimates.learn(dataclasses.replace(result, timings={**result.timings, "layout": 7.0, "density": 1.2}))
    assert estimates.text(session, sw.Recipe()) == ""
    assert estimates.text(session, sw.Recipe().replace(min_dist=0.3)) == "Will run: layout, density tree, about 8 s."
    assert estimates.cost(session, result.recipe, "min_dist") == "layout onwards, about 8 s"
    assert estimates.cost(session, result.recipe, "metric").startswith("start onwards")


@pytest.mark.parametrize("name", ["n_neighbors", "spread", "n_epochs", "seed", "n_components", "repulsion_strength"])
def test_every_setting_of_the_map_has_a_cost(session: sw.Session, name: str) -> None:
    estimates = Estimates()
    result = session.run(sw.Recipe())
    estimates.learn(result)
    assert "onwards, about" in estimates.cost(session, result.recipe, name)
