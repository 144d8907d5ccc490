"""Planted changes are found: splits, merges, movers, drift of columns; and nothing where nothing changed."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import segwidgets as sw
from segwidgets.compute.drift import Changes, SegmentChange, Thresholds, changes, column_drift, judge, psi
from segwidgets.compute.drift.verdict import wilson
from segwidgets.data import DataError

N = 2000
IDS = np.array([f"c{i}" for i in range(N)], dtype=object)
BEFORE = np.repeat([0, 1, 2, 3], N // 4)


def of(found: Changes, before: int | None = None, after: int | None = None) -> SegmentChange:
    return next(
        one
        for one in found.segments
        if (one.before == before if before is not None else one.before is None and one.after == after)
    )


def test_the_same_segments_under_other_numbers_are_kept_and_nobody_moved() -> None:
    found = changes(IDS, BEFORE, IDS[::-1], (BEFORE[::-1] + 1) % 4)
    assert [(one.event, one.before, one.after, one.stayed) for one in found.segments] == [
        ("kept", i, (i + 1) % 4, 1.0) for i in range(4)
    ]
    assert (found.moved, found.moved_high, found.ari, found.ami) == pytest.approx((0, 0, 1, 1))
    assert not found.beyond_noise


def test_a_split_is_found() -> None:
    after = BEFORE.copy()
    after[300:500] = 4
    found = changes(IDS, BEFORE, IDS, after)
    assert (of(found, 0).event, of(found, 0).after, of(found, 0).others) == ("split", 0, (4,))
    assert of(found, 0).change == pytest.approx(-0.1)
    assert of(found, 0).low <= -0.1 <= of(found, 0).high < 0
    assert (of(found, after=4).event, of(found, after=4).others) == ("split", (0,))
    assert [of(found, i).event for i in (1, 2, 3)] == ["kept"] * 3


def test_a_merge_is_found_from_either_side() -> None:
    after = np.where(BEFORE == 3, 2, BEFORE)
    found = changes(IDS, BEFORE, IDS, after)
    assert [(of(found, i).event, of(found, i).after) for i in range(4)] == [
        ("kept", 0), ("kept", 1), ("merged", 2), ("merged", 2),
    ]  # fmt: skip
    assert {of(found, 2).others, of(found, 3).others} == {(3,), (2,)}


def test_five_percent_that_move_are_counted_with_an_interval_and_judged_against_the_baseline() -> None:
    rng = np.random.default_rng(0)
    after = BEFORE.copy()
    movers = rng.choice(np.flatnonzero(BEFORE == 1), N // 20, replace=False)
    after[movers] = 2
    found = changes(IDS, BEFORE, IDS, after)
    assert found.moved == pytest.approx(0.05)
    half = 1.96 * np.sqrt(0.05 * 0.95 / N)
    assert (found.moved_low, found.moved_high) == pytest.approx((0.05 - half, 0.05 + half), abs=0.003)
    assert found.beyond_noise
    assert (of(found, 1).event, of(found, 2).event) == ("shrunk", "grown")
    assert of(found, 2).change == pytest.approx(0.05)
    assert found.flows[2, 3] == 100
    calm = changes(IDS, BEFORE, IDS, after, baseline=0.08)
    assert not calm.beyond_noise
    assert {one.event for one in calm.segments} == {"kept"}


def test_new_and_gone_segments_and_customers_of_one_table_only() -> None:
    ids = np.concatenate([IDS[500:], [f"n{i}" for i in range(400)]]).astype(object)
    after = np.concatenate([BEFORE[500:], np.full(400, 9)])
    found = changes(IDS, BEFORE, ids, after)
    assert (found.common, found.arrived, found.left) == (1500, 400, 500)
    assert (of(found, 0).event, of(found, 0).after) == ("gone", None)
    assert of(found, after=9).event == "new"
    assert of(found, after=9).share_after == pytest.approx(400 / 1900)
    assert of(found, after=9).beyond_noise
    assert "c7" not in json.dumps(found.to_dict())


def test_the_interval_of_a_change_holds_0_about_95_times_in_100() -> None:
    rng = np.random.default_rng(2)
    held = []
    for trial in range(200):
        a = rng.integers(0, 2, 600)
        flips = rng.random(600) < 0.1  # as many either way: the share stays but for chance
        b = np.where(flips, 1 - a, a)
        one = of(changes(IDS[:600], a, IDS[:600], b, repeats=400, seed=trial), 0)
        held.append(one.low <= 0 <= one.high)
    assert 0.9 <= np.mean(held) <= 0.985


def test_the_index_is_siddiqis_sum() -> None:
    e, a = np.array([200.0, 300.0, 500.0]), np.array([100.0, 300.0, 600.0])
    hand = (0.1 - 0.2) * np.log(0.1 / 0.2) + (0.6 - 0.5) * np.log(0.6 / 0.5)
    assert psi(e * 1000, a * 1000) == pytest.approx(hand, rel=1e-4)
    assert psi(e, e) == 0
    assert np.isfinite(psi([10, 0], [0, 10]))
    with pytest.raises(ValueError, match="one row of bins"):
        psi([1, 2], [1, 2, 3])


def table(seed: int, n: int = 3000, **changed: object) -> sw.Table:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 10, n),
            "wine": rng.poisson(0.3, n).astype(float),
            "city": rng.choice(["Graz", "Linz"], n),
        }
    )
    return sw.read(frame.assign(**changed))


def test_another_sample_of_the_same_customers_is_stable() -> None:
    found = column_drift(table(0), table(1))
    assert {one.band for one in found} == {"stable"}
    assert all(one.psi < 0.1 for one in found)
    # So few rows that the index is large by chance alone.
    few = column_drift(table(0), table(2, n=30))
    assert {one.band for one in few} == {"stable"}


def test_planted_drift_is_found_in_its_column_and_its_band() -> None:
    rng = np.random.default_rng(3)
    found = {one.column: one for one in column_drift(table(0), table(1, age=rng.normal(50, 10, 3000)))}
    assert (found["age"].band, found["wine"].band, found["city"].band) == ("changed", "stable", "stable")
    # Normals one deviation apart have an index of 1 (the sum of both divergences); tenths lose a little, chance adds.
    assert found["age"].psi == pytest.approx(0.95, abs=0.15)
    mild = {one.column: one for one in column_drift(table(0), table(1, age=rng.normal(44, 10, 3000)))}
    assert mild["age"].band == "shifted"


def test_zeros_of_a_count_are_a_bin_of_their_own() -> None:
    wine = np.where(np.arange(3000) % 2, 0.0, 5.0)
    then, now = table(0, wine=wine), table(1, wine=np.where(np.arange(3000) % 10, 0.0, 5.0))
    one = next(one for one in column_drift(then, now) if one.column == "wine")
    assert one.psi == pytest.approx(psi([1500, 1500], [2700, 300]))
    assert one.bins == 2


def test_unseen_levels_and_missing_values_count() -> None:
    city = np.where(np.arange(3000) < 600, "Wien", "Graz")
    age = np.where(np.arange(3000) < 900, np.nan, np.random.default_rng(1).normal(40, 10, 3000))
    found = {one.column: one for one in column_drift(table(0), table(1, city=city, age=age))}
    assert found["city"].unseen == pytest.approx(0.2)
    assert found["age"].missing == (0.0, pytest.approx(0.3))
    verdict = judge(list(found.values()), none=0, rows=3000, none_before=0.0)
    assert verdict.word == "investigate"
    assert any("city: 20%" in reason for reason in verdict.reasons)
    assert any("age: 30%" in reason for reason in verdict.reasons)


def test_columns_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match="lacks the column 'wine'"):
        column_drift(table(0), sw.read(table(1).to_frame().drop(columns="wine")))
    with pytest.raises(DataError, match="holds texts in one table"):
        column_drift(table(0), table(1, age=np.repeat(["a", "b"], 1500)))


def test_the_verdict_and_its_thresholds() -> None:
    calm = column_drift(table(0), table(1))
    assert judge(calm, none=300, rows=3000, none_before=0.09).word == "reuse"
    said = judge(calm, none=600, rows=3000, none_before=0.09)
    assert said.word == "re-tune"
    assert "20.0% of the rows are in no segment" in said.reasons[0]
    assert judge(calm, none=600, rows=3000, none_before=0.09, thresholds=Thresholds(none_more=0.2)).word == "reuse"
    # 3 of 10 may be chance where the run had 5 % noise.
    assert judge(calm, none=2, rows=10, none_before=0.05).word == "reuse"
    with pytest.raises(ValueError, match=r"none_more=1\.5 is not allowed"):
        Thresholds(none_more=1.5)


def test_shares_have_wilsons_interval() -> None:
    from scipy.stats import binomtest

    expected = binomtest(7, 50).proportion_ci(method="wilson")
    assert wilson(7, 50) == pytest.approx((expected.low, expected.high))
