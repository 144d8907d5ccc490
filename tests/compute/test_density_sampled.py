"""A sample of the rows tells the clustering of all rows, and nothing of a small cluster, at every eps."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from segwidgets.compute.density import DensityIndex
from segwidgets.compute.density.portable import snap
from segwidgets.compute.density.sampled import grown, sampled


def _cloud(seed: int, n: int, duplicates: bool) -> NDArray[np.float32]:
    """A few balls, some rows between them, and on a grid where rows shall have many equals."""
    rng = np.random.default_rng(seed)
    points = rng.normal(rng.integers(0, 4, (n, 1)) * 2.0, rng.choice([0.2, 0.6], (n, 1)), (n, 2))
    return (np.round(points, 0 if duplicates else 6)).astype(np.float32)


def _every_eps(index: DensityIndex) -> NDArray[np.float64]:
    """Where anything changes, and beside it."""
    whole = index.portable()
    turns = np.unique(np.concatenate((whole.gap, whole.core, whole.entry)))
    turns = turns[np.isfinite(turns)]
    below = np.nextafter(turns, np.float32(0))
    grid = np.unique(np.concatenate((turns, below))).astype(np.float64)
    return grid[:: max(1, len(grid) // 40)]


def _same(one: NDArray[np.int32], other: NDArray[np.int32]) -> bool:
    """Two labellings are one but for the numbers."""
    pairs = {(int(a), int(b)) for a, b in zip(one, other, strict=True)}
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 150),
    share=st.floats(0.02, 1),
    min_samples=st.integers(1, 8),
    floor=st.integers(2, 30),
    duplicates=st.booleans(),
)
def test_labels_are_those_of_all_rows_at_every_eps_but_for_small_clusters(
    seed: int, n: int, share: float, min_samples: int, floor: int, duplicates: bool
) -> None:
    index = DensityIndex(_cloud(seed, n, duplicates), min_samples, min_samples)
    rows = np.random.default_rng(seed).choice(n, max(1, int(share * n)), replace=False)
    told = sampled(index.portable(), rows, floor)
    assert len(told.gap) <= 2 * len(rows)
    for eps in _every_eps(index):
        labels = index.labels(float(eps))
        large = np.append(np.bincount(labels[labels >= 0], minlength=1) >= floor, False)
        expected = np.where(large[labels], labels, -1)[rows]
        shown = told.slots(float(eps))[told.leaf] - 1
        assert _same(expected, shown), f"at {eps!r}"
        assert ((expected < 0) == (shown < 0)).all()


def test_nothing_below_the_floor_is_in_the_arrays() -> None:
    rng = np.random.default_rng(1)
    points = np.vstack([rng.normal(0, 0.3, (200, 2)), rng.normal(9, 0.1, (12, 2))]).astype(np.float32)
    index = DensityIndex(points, 5, 5)
    whole = index.portable()
    from_eps = grown(whole, 20)[np.argsort(whole.row)]
    assert from_eps[:200].max() < 2 < from_eps[200:].min(), "the twelve are told of once they are part of the rest"
    told = sampled(whole, np.arange(212), 20)
    small = told.leaf[200:]
    for name in ("gap", "core", "entry"):
        assert getattr(told, name)[small].min() >= from_eps[200:].min(), name
    assert (told.slots(snap(0.5))[small] == 0).all()
    assert (sampled(whole, np.arange(212), 12).slots(snap(0.5))[small] > 0).all()


def test_a_floor_that_no_cluster_reaches_leaves_nothing() -> None:
    index = DensityIndex(_cloud(3, 40, duplicates=False), 4, 4)
    told = sampled(index.portable(), np.arange(40), 41)
    assert np.isinf(dataclasses.astuple(told)[1]).all()
    assert not told.slots(snap(1e6)).any()


@pytest.mark.parametrize("count", [1, 2])
def test_tables_of_next_to_nothing(count: int) -> None:
    index = DensityIndex(np.zeros((count, 2), np.float32), 1, 1)
    told = sampled(index.portable(), np.arange(count), 2)
    assert told.slots(1.0)[told.leaf].tolist() == [int(count == 2)] * count
