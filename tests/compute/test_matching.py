"""Segments are matched by the rows they share, each with one partner at most, and nobody is counted twice."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import adjusted_rand_score

from segwidgets.compute.matching import compare, match, renumber

PAIRS = st.integers(1, 40).flatmap(
    lambda n: st.tuples(*(arrays(np.int32, n, elements=st.integers(-1, 4)) for _ in range(2)))
)


def without_gaps(labels: np.ndarray) -> np.ndarray:
    kept = np.unique(labels[labels >= 0])
    return np.where(labels < 0, -1, np.searchsorted(kept, labels)).astype(np.int32)


def test_another_numbering_is_seen_through() -> None:
    before = np.array([0, 0, 1, 1, 2, 2, -1])
    after = np.array([2, 2, 0, 0, 1, 1, -1])
    found = match(before, after)
    assert found.before.tolist() == [1, 2, 0]
    assert found.jaccard.tolist() == [1, 1, 1]
    np.testing.assert_array_equal(renumber(after, found), before)


def test_a_split_keeps_the_number_of_the_larger_part() -> None:
    before = np.zeros(10, int)
    after = np.array([0] * 3 + [1] * 7)
    found = match(before, after)
    assert found.before.tolist() == [-1, 0]
    assert found.pairs == ((0, 1),)
    assert renumber(after, found).tolist() == [1] * 3 + [0] * 7


def test_the_best_pairing_as_a_whole_is_taken_not_the_best_pair_first() -> None:
    # The largest overlap is 5, but taking 4 + 4 leaves more rows at home than 5 + 0.
    before = np.array([0] * 9 + [1] * 4)
    after = np.array([0] * 5 + [1] * 4 + [0] * 4)
    assert match(before, after).before.tolist() == [1, 0]


@given(PAIRS)
def test_no_other_pairing_leaves_more_rows_at_home(pair: tuple[np.ndarray, np.ndarray]) -> None:
    before, after = map(without_gaps, pair)
    found = match(before, after)
    partners = [one for one in found.before.tolist() if one >= 0]
    assert len(partners) == len(set(partners))

    def at_home(choice: dict[int, int]) -> int:
        return sum(int(((before == choice[label]) & (after == label)).sum()) for label in choice)

    ours = at_home({after: before for before, after in found.pairs})
    ways = max(before.max(initial=-1), after.max(initial=-1)) + 1
    best = max(at_home(dict(enumerate(order))) for order in itertools.permutations(range(ways)))
    assert ours == best


@given(PAIRS)
def test_renumbering_keeps_the_partition(pair: tuple[np.ndarray, np.ndarray]) -> None:
    before, after = map(without_gaps, pair)
    new = renumber(after, match(before, after))
    np.testing.assert_array_equal(new < 0, after < 0)
    assert len(set(zip(new.tolist(), after.tolist(), strict=True))) == len(set(after.tolist()))


@given(PAIRS)
def test_everybody_is_counted_once(pair: tuple[np.ndarray, np.ndarray]) -> None:
    before, after = map(without_gaps, pair)
    found = compare(before, after)
    assert sum(rows for *_, rows in found.flows) == found.moved + found.joined_noise + found.left_noise
    stayed = sum(int(((before == one) & (after == other)).sum()) for one, other in found.matching.pairs)
    nowhere = int(((before < 0) & (after < 0)).sum())
    assert stayed + nowhere + found.moved + found.joined_noise + found.left_noise == len(before)
    assert found.ari == pytest.approx(adjusted_rand_score(before, after))
    assert sum(found.sizes_a) == int((before >= 0).sum())


def test_the_same_clustering_moves_nobody() -> None:
    labels = np.array([0, 1, 1, -1, 2])
    found = compare(labels, labels)
    assert (found.ari, found.moved, found.joined_noise, found.left_noise, found.flows) == (1.0, 0, 0, 0, ())


def test_thousands_of_segments_are_matched_at_once() -> None:
    before = np.repeat(np.arange(5_000), 4)
    after = np.random.default_rng(0).permutation(5_000)[before]
    found = match(before, after)
    np.testing.assert_array_equal(renumber(after, found), before)


def test_segments_that_all_overlap_need_no_table_of_all_pairs() -> None:
    # One chain of overlaps joins all segments; a table of 6,000 x 6,000 pairs would be 288 MB.
    before = np.repeat(np.arange(6_000), 4)
    after = np.roll(before, 1)
    tracemalloc.start()
    try:
        found = match(before, after)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    assert found.before.tolist() == list(range(6_000))
    assert compare(before, after).moved == 6_000


def test_labels_that_were_not_matched_are_not_renumbered() -> None:
    found = match(np.array([0, 1]), np.array([0, 1]))
    with pytest.raises(ValueError, match="segments 0 to 1"):
        renumber(np.array([0, 2]), found)


@pytest.mark.parametrize("bad", [np.array([0.5, 1]), np.array([0, 1, 2])])
def test_labels_that_do_not_fit_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"label"):
        match(np.array([0, 1]), bad)
