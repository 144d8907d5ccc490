"""Stability of one setting: held to scikit-learn and scipy, to hand-made cases, and to what is known of the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from segwidgets.compute.density import DensityIndex
from segwidgets.compute.progress import Cancelled
from segwidgets.compute.stability import Stability, agreement, jaccard_by_segment, stability
from segwidgets.compute.stability.agreement import adjusted_rand
from segwidgets.compute.stability.samples import sample, scaled

labels = st.integers(1, 60).flatmap(
    lambda n: st.tuples(*(st.lists(st.integers(-1, 6), min_size=n, max_size=n) for _ in range(2)))
)


@settings(deadline=None)  # the first call compiles
@given(labels)
def test_the_rand_index_is_scikit_learns(two: tuple[list[int], list[int]]) -> None:
    one, other = (np.array(values, np.int32) for values in two)
    assert adjusted_rand(one, other) == pytest.approx(adjusted_rand_score(one, other), abs=1e-12)


def test_with_thousands_of_clusters_the_index_is_the_same_by_another_way() -> None:
    rng = np.random.default_rng(0)
    one, other = (rng.integers(-1, 2_000, 5_000).astype(np.int32) for _ in range(2))
    assert adjusted_rand(one, other) == pytest.approx(adjusted_rand_score(one, other), abs=1e-12)


@settings(deadline=None)  # the first call compiles
@given(labels)
def test_the_mutual_information_is_scikit_learns_and_noise_is_a_label(two: tuple[list[int], list[int]]) -> None:
    both = agreement(*two)
    assert both.ami == pytest.approx(adjusted_mutual_info_score(*two), abs=1e-12)


def test_the_jaccard_index_of_a_segment_is_that_of_its_best_match() -> None:
    before = [0, 0, 0, 0, 1, 1, -1, -1]
    after = [0, 0, 0, 1, 1, 1, 0, -1]
    # {0,1,2,3} meets {0,1,2,6}: 3 of 5 rows; {4,5} meets {3,4,5}: 2 of 3.
    assert jaccard_by_segment(before, after) == pytest.approx([3 / 5, 2 / 3])


def test_a_segment_that_is_all_noise_afterwards_has_nothing_in_common_and_one_without_rows_is_not_told() -> None:
    found = jaccard_by_segment([0, 0, 2], [-1, -1, 0])
    assert (found[0], found[2]) == (0.0, 1.0)
    assert np.isnan(found[1])


@settings(deadline=None)  # the first call compiles
@given(labels)
def test_every_segment_comes_back_from_its_own_clustering(two: tuple[list[int], list[int]]) -> None:
    found = jaccard_by_segment(two[0], two[0])
    assert (found[np.isfinite(found)] == 1.0).all()


def test_a_sample_depends_on_its_number_alone() -> None:
    assert np.array_equal(sample(100, 0.8, 3, 1), sample(100, 0.8, 3, 1))
    assert not np.array_equal(sample(100, 0.8, 3, 1), sample(100, 0.8, 3, 2))
    rows = sample(100, 0.8, 0, 0)
    assert len(np.unique(rows)) == 80
    assert (np.diff(rows) > 0).all()


def test_fewer_rows_need_fewer_neighbours() -> None:
    assert [scaled(m, 0.8) for m in (1, 2, 5, 10)] == [1, 2, 4, 8]


@pytest.fixture(scope="module")
def three() -> Any:
    """Two balls far apart, and a dumbbell whose halves a few points hold together."""
    rng = np.random.default_rng(1)
    balls = [rng.normal(place, 0.3, (300, 3)) for place in ((0, 0, 0), (10, 0, 0))]
    halves = [rng.normal(place, 0.3, (150, 3)) for place in ((0, 10, 0), (2.6, 10, 0))]
    bridge = np.column_stack([np.linspace(0.7, 1.9, 7), np.full(7, 10.0), np.zeros(7)])
    points = np.vstack([*balls, *halves, bridge])
    eps = 0.45
    return points, DensityIndex(points, 4, 4).labels(eps), eps


def test_a_segment_that_hangs_by_a_thread_is_told_apart_from_those_that_do_not(three: Any) -> None:
    points, labels, eps = three
    assert labels.max() == 2
    seen = stability(points, labels, eps=eps, min_samples=4, repeats=20)
    by = {one.segment: one for one in seen.segments}
    assert by[0].word == by[1].word == "stable"
    assert by[2].jaccard < by[0].jaccard - 0.1
    assert by[0].dissolved == 0
    assert seen.ari_low <= seen.ari <= seen.ari_high <= 1
    assert seen.ami_low <= seen.ami <= seen.ami_high <= 1
    assert seen.repeats == 20


def test_a_segment_that_came_back_by_half_or_less_is_dissolved_and_samples_without_it_do_not_count() -> None:
    seen = Stability.of([1.0, 0.5], [0.8, 0.6], np.array([[0.5, 0.9, np.nan], [0.8, 0.7, 0.62]]), 0.8)
    assert [one.dissolved for one in seen.segments] == [0.5, 0.0, 0.0]
    assert [one.jaccard for one in seen.segments] == pytest.approx([0.65, 0.8, 0.62])
    assert [one.word for one in seen.segments] == ["doubtful", "stable", "doubtful"]
    assert (seen.ari, seen.ari_low, seen.ari_high) == (0.75, 0.5, 1.0)


def test_the_same_seed_gives_the_same_answer(three: Any) -> None:
    points, labels, eps = three
    first, second = (stability(points, labels, eps=eps, min_samples=4, repeats=3, seed=7) for _ in range(2))
    assert first == second


def test_where_all_is_noise_there_is_no_segment_to_tell_of() -> None:
    points = np.random.default_rng(0).uniform(size=(50, 2))
    seen = stability(points, np.full(50, -1, np.int32), eps=1e-6, min_samples=5, repeats=2)
    assert seen.segments == ()
    assert seen.ari == 1.0


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"repeats": 0}, "repeats=0 is not allowed: it must be a whole number from 1 to 1,000"),
        ({"share": 1.0}, "share=1.0 is not allowed: it must be from 0.1 to 0.99"),
        ({"labels": np.zeros(3, np.int32)}, "3 labels are not those of 907 points"),
    ],
)
def test_what_cannot_be_is_refused_in_words(three: Any, changed: dict[str, Any], words: str) -> None:
    points, labels, eps = three
    asked = {"labels": labels, "eps": eps, "min_samples": 4, **changed}
    with pytest.raises(ValueError, match=words):
        stability(points, **asked)


def test_few_rows_are_refused() -> None:
    with pytest.raises(ValueError, match=r"5 rows are too few to sample 80 % of: 12 rows|5 rows are too few"):
        stability(np.eye(5)[:, :2], np.zeros(5, np.int32), eps=1.0, min_samples=2)


def test_it_can_be_cancelled(three: Any) -> None:
    points, labels, eps = three
    told: list[float] = []

    def tick(done: float) -> None:
        told.append(done)
        if done > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        stability(points, labels, eps=eps, min_samples=4, tick=tick)
    assert told == sorted(told)
