"""What sets segments apart: effect sizes by their formulas, in the right direction, on any kind of column."""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import segwidgets as sw
from segwidgets.compute.profiles import SegmentProfile, profile_segments
from segwidgets.compute.progress import Cancelled


def cohens_d(inside: np.ndarray, outside: np.ndarray) -> float:
    n, m = len(inside), len(outside)
    pooled = ((n - 1) * inside.var(ddof=1) + (m - 1) * outside.var(ddof=1)) / (n + m - 2)
    return float((inside.mean() - outside.mean()) / np.sqrt(pooled))


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 600
    segment = np.repeat([0, 1, 2], n // 3)
    age = rng.normal(40, 5, n) + 10 * (segment == 1)
    age[:20] = np.nan
    return pd.DataFrame(
        {
            "age": age,
            "income": 1e9 + rng.normal(0, 1, n) - 2 * (segment == 2),
            "city": np.where(rng.random(n) < np.where(segment == 0, 0.9, 0.2), "Graz", "Linz"),
            **{f"c{i}": rng.poisson(0.2 + 2 * (segment == i)) * 1.0 for i in range(3)},
        }
    )


LABELS = np.repeat([0, 1, 2], 200)


def of(profiles: tuple[SegmentProfile, ...], segment: int) -> SegmentProfile:
    return next(one for one in profiles if one.segment == segment)


def test_numbers_are_compared_by_cohens_d_and_missing_ones_left_out(frame: pd.DataFrame) -> None:
    found = profile_segments(sw.read(frame), LABELS, top=20).segments
    effects = {feature.name: feature.effect for feature in of(found, 1).features}
    known = ~frame["age"].isna().to_numpy()
    mine = LABELS == 1
    expected = cohens_d(frame["age"][mine & known].to_numpy(), frame["age"][~mine & known].to_numpy())
    assert effects["age"] == pytest.approx(expected, rel=1e-6)
    # Large numbers with a small spread keep it.
    income = {feature.name: feature for feature in of(found, 2).features}["income"]
    expected = cohens_d(frame["income"][LABELS == 2].to_numpy(), frame["income"][LABELS != 2].to_numpy())
    assert income.effect == pytest.approx(expected, rel=1e-3)
    assert income.direction == "less"


def test_counts_are_told_as_shares_of_rows_that_have_any(frame: pd.DataFrame) -> None:
    table = sw.read(frame)
    assert table.column("c1").kind == "count"
    feature = {one.name: one for one in of(profile_segments(table, LABELS, top=20).segments, 1).features}["c1"]
    inside = (frame["c1"][LABELS == 1] > 0).mean()
    outside = (frame["c1"][LABELS != 1] > 0).mean()
    assert feature.text == f"c1: {inside:.0%}, elsewhere {outside:.0%}"
    logged = np.log1p(frame["c1"].to_numpy())
    assert feature.effect == pytest.approx(cohens_d(logged[LABELS == 1], logged[LABELS != 1]), rel=1e-6)
    assert feature.direction == "more"


def test_categories_are_compared_level_by_level_by_cohens_h(frame: pd.DataFrame) -> None:
    feature = {one.name: one for one in of(profile_segments(sw.read(frame), LABELS, top=20).segments, 0).features}
    inside, outside = ((frame["city"][part] == "Graz").mean() for part in (LABELS == 0, LABELS != 0))
    expected = 2 * np.arcsin(np.sqrt(inside)) - 2 * np.arcsin(np.sqrt(outside))
    assert feature["city: Graz"].effect == pytest.approx(expected)


def test_the_strongest_come_first_and_no_more_than_asked_for(frame: pd.DataFrame) -> None:
    for one in profile_segments(sw.read(frame), LABELS, top=3).segments:
        strength = [abs(feature.effect) for feature in one.features]
        assert len(strength) <= 3
        assert strength == sorted(strength, reverse=True)


def test_noise_is_described_too_and_sizes_add_up(frame: pd.DataFrame) -> None:
    labels = np.where(np.arange(600) % 7 == 0, -1, LABELS)
    found = profile_segments(sw.read(frame), labels)
    assert [one.segment for one in found.segments] == [-1, 0, 1, 2]
    assert sum(one.size for one in found.segments) == 600
    assert sum(one.share for one in found.segments) == pytest.approx(1)
    assert set(found.to_frame()["segment"]) <= {-1, 0, 1, 2}


@pytest.mark.parametrize("label", [0, -1])
def test_where_all_rows_are_one_segment_nothing_sets_it_apart(frame: pd.DataFrame, label: int) -> None:
    found = profile_segments(sw.read(frame), np.full(600, label)).segments
    assert [(one.segment, one.features) for one in found] == [(label, ())]


def test_a_sparse_table_stays_sparse_and_says_the_same_as_a_dense_one() -> None:
    X = sparse.random(500, 700, density=0.02, random_state=0, format="lil")
    X[:250, 3] = 4
    X = X.tocsr()
    X.data = np.ceil(X.data * 5)
    labels = np.repeat([0, 1], 250)
    wide = profile_segments(sw.read(X), labels, top=2).segments
    assert wide[0].features[0].name == "x3"
    assert wide[0].features[0].text.startswith("x3: 100%")


def test_a_column_of_tiny_numbers_sets_nobody_apart_by_its_size_alone() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"tiny": rng.normal(size=600) * 1e-14, "usual": rng.normal(size=600)})
    features = [one for segment in profile_segments(sw.read(frame), LABELS).segments for one in segment.features]
    assert all(abs(one.effect) < 0.5 for one in features)


def test_it_can_be_cancelled_and_refuses_labels_of_other_rows(frame: pd.DataFrame) -> None:
    stop = threading.Event()
    stop.set()

    def tick(done: float) -> None:
        if stop.is_set():
            raise Cancelled(str(done))

    with pytest.raises(Cancelled):
        profile_segments(sw.read(frame), LABELS, tick=tick)
    with pytest.raises(ValueError, match="label"):
        profile_segments(sw.read(frame), LABELS[:10])
