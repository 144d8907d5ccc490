"""Guidance warns when it should, and is silent when all is well."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import segwidgets as sw
from segwidgets.cache import Cache
from segwidgets.compute.advice import Advice, advise, plateau
from segwidgets.compute.scores import Estimate
from segwidgets.result import Result


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> sw.Session:
    return sw.Session(sw.samples.blobs(600, seed=1), cache=Cache(tmp_path_factory.mktemp("cache")))


def at(session: sw.Session, **settings: float) -> Result:
    return session.run(sw.Recipe().replace(**settings))


def codes(result: Result) -> set[str]:
    return {one.code for one in advise(result)}


def mended(session: sw.Session, result: Result, code: str) -> Result:
    advice = next(one for one in advise(result) if one.code == code)
    assert advice.change is not None
    return session.run(result.recipe.replace(**advice.change))


def test_clear_groups_at_the_suggested_eps_need_no_warning(session: sw.Session) -> None:
    assert [one for one in advise(at(session)) if one.level == "warn"] == []


@pytest.mark.parametrize("min_samples", [1, 2, 3])
def test_too_few_min_samples_for_the_dimensions(session: sw.Session, min_samples: int) -> None:
    result = at(session, min_samples=min_samples)
    assert "min_samples" in codes(result)
    assert "min_samples" not in codes(mended(session, result, "min_samples"))
    text = next(one.text for one in advise(result) if one.code == "min_samples")
    assert f"min_samples = {min_samples}" in text


def test_an_eps_that_reaches_nobody(session: sw.Session) -> None:
    result = at(session, eps=0.01)
    assert {"noise", "no-core"} <= codes(result)
    assert not {"noise", "no-core"} & codes(mended(session, result, "noise"))


def test_an_eps_that_joins_everybody(session: sw.Session) -> None:
    result = at(session, eps=50.0)
    assert {"giant", "all-core"} <= codes(result)
    assert "giant" not in codes(mended(session, result, "giant"))


def test_an_eps_on_a_cliff_and_one_on_a_plateau(session: sw.Session) -> None:
    result = at(session)
    core = result.density.k_distances(9)
    steep = float(np.quantile(core, 0.3))
    on_the_slope = at(session, eps=steep)
    low, high = plateau(result.density, steep, 10)
    assert high / low < 1.1
    assert "cliff" in codes(on_the_slope)
    assert "cliff" not in codes(mended(session, on_the_slope, "cliff"))


def test_a_plateau_holds_the_same_clustering(session: sw.Session) -> None:
    result = at(session)
    eps = float(result.recipe.clustering.eps or 0)
    low, high = plateau(result.density, eps, 10)
    assert low < eps < high
    here = result.density.labels(eps, 10)
    for other in (low, high):
        labels = result.density.labels(other, 10)
        assert labels.max() == here.max()
        assert abs((labels < 0).mean() - (here < 0).mean()) <= 0.02
    beyond = result.density.labels(high * 1.02, 10)
    assert beyond.max() != here.max() or abs((beyond < 0).mean() - (here < 0).mean()) > 0.02 or high >= 7.9 * eps


def test_an_eps_of_zero_has_no_plateau(session: sw.Session) -> None:
    assert plateau(at(session).density, 0.0, 10) == (0.0, 0.0)


def with_scores(result: Result, **scores: Estimate) -> Result:
    return dataclasses.replace(result, scores=dataclasses.replace(result.scores, **scores))


def test_a_map_that_is_not_to_be_trusted(session: sw.Session) -> None:
    low = Estimate(0.6, 0.58, 0.62, 100)
    assert "trust" in codes(with_scores(at(session), trustworthiness=low))
    assert "recall" in codes(with_scores(at(session), recall=low))


def test_warnings_stand_before_notes(session: sw.Session) -> None:
    levels = [one.level for one in advise(at(session, eps=50.0))]
    assert levels == sorted(levels, reverse=True)
    assert set(levels) == {"warn", "note"}
    assert all(isinstance(one, Advice) and one.text.endswith(".") for one in advise(at(session, eps=50.0)))
