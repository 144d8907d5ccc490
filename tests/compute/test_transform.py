"""New rows on a finished map: where they belong, the same in any company, stopped when asked."""

from __future__ import annotations

import time
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.datasets import make_blobs
from sklearn.metrics import pairwise_distances

from segwidgets.compute.embedding import transform as module
from segwidgets.compute.embedding import twins
from segwidgets.compute.embedding.pca import pca
from segwidgets.compute.embedding.transform import default_epochs, place, strengths, transform
from segwidgets.compute.progress import Cancelled

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def blobs() -> Rows:
    """Old rows, a map of them, and new rows."""
    X, _ = make_blobs(700, 10, centers=5, cluster_std=1.0, random_state=3)
    X = X.astype(np.float32)
    return X[:500], pca(X[:500], 3), X[500:]


def counts(n: int, seed: int = 0) -> sparse.csr_matrix:
    return sparse.csr_matrix(np.random.default_rng(seed).poisson(0.1, (n, 40)).astype(np.float32))


def moved(old: Any, points: np.ndarray, new: Any, metric: str = "euclidean", **more: Any) -> np.ndarray:
    return transform(old, points, new, n_neighbors=10, metric=metric, **{"n_epochs": 150, "seed": 1, **more})


@pytest.mark.parametrize("c", [1, 2, 3])
def test_new_rows_lie_among_their_own(blobs: Rows, c: int) -> None:
    old, points, new = blobs
    placed = moved(old, points[:, :c].copy(), new)
    assert placed.shape == (200, c)
    assert placed.dtype == np.float32
    assert placed.flags.c_contiguous
    nearest_old = pairwise_distances(new, old).argmin(axis=1)
    apart = np.linalg.norm(placed - points[nearest_old, :c], axis=1)
    assert np.median(apart) < 0.2 * np.linalg.norm(points.std(axis=0))


def test_the_map_and_the_rows_are_not_changed(blobs: Rows) -> None:
    kept = [array.copy() for array in blobs]
    moved(*blobs)
    for array, before in zip(blobs, kept, strict=True):
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan", "correlation"])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_an_old_row_that_comes_again_takes_its_old_place(blobs: Rows, metric: str, form: Any) -> None:
    old, points, new = blobs
    again = np.concatenate([new[:5], old[100:120], new[5:9]])
    placed = moved(form(old), points, form(again), metric)
    np.testing.assert_array_equal(placed[5:25], points[100:120])
    assert not (placed[:5] == points[:5]).any()


def test_among_equal_old_rows_the_first_ones_place_is_taken() -> None:
    old = np.repeat(np.arange(30, dtype=np.float32), 20)[:, None] * np.ones(3, np.float32)
    points = np.random.default_rng(0).normal(size=(600, 2)).astype(np.float32)
    np.testing.assert_array_equal(moved(old, points, old[[45, 599]]), points[[40, 580]])


CASES = {
    "dense": lambda: (np.random.default_rng(0).normal(size=(300, 7)), np.random.default_rng(1).normal(size=(60, 7))),
    "lattice": lambda: (
        np.stack(np.meshgrid(np.arange(20), np.arange(15)), -1).reshape(-1, 2),
        np.stack(np.meshgrid(np.arange(8), np.arange(8)), -1).reshape(-1, 2) + 0.5,
    ),
    "sparse": lambda: (counts(300), counts(60, 1)),
}


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("case", list(CASES))
def test_a_row_has_the_same_place_alone_and_in_any_company(case: str, metric: str) -> None:
    old, new = (rows.astype(np.float32) for rows in CASES[case]())
    points = np.random.default_rng(2).normal(size=(300, 3)).astype(np.float32)
    whole = moved(old, points, new, metric)
    order = np.random.default_rng(3).permutation(new.shape[0])
    np.testing.assert_array_equal(moved(old, points, new[order], metric), whole[order])
    np.testing.assert_array_equal(moved(old, points, new[7:20], metric), whole[7:20])
    for row in range(0, new.shape[0], 6):
        np.testing.assert_array_equal(moved(old, points, new[row : row + 1], metric), whole[row : row + 1])


def test_chunks_change_nothing(blobs: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = moved(*blobs)
    monkeypatch.setattr(module, "_STEPS_A_CALL", 1)
    monkeypatch.setattr(twins, "VALUES_A_CALL", 50)
    np.testing.assert_array_equal(moved(*blobs), whole)


def test_the_places_are_the_same_for_any_number_of_threads(blobs: Rows) -> None:
    before = numba.get_num_threads()
    places = []
    try:
        for threads in (1, before):
            numba.set_num_threads(threads)
            places.append(moved(*blobs))
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(*places)


def test_sparse_and_dense_rows_have_the_same_places() -> None:
    old = sparse.random(300, 40, density=0.2, format="csr", random_state=0, dtype=np.float32)  # no two equally far
    new = sparse.random(60, 40, density=0.2, format="csr", random_state=1, dtype=np.float32)
    points = np.random.default_rng(2).normal(size=(300, 3)).astype(np.float32)
    whole = moved(old, points, new)
    np.testing.assert_array_equal(whole, moved(old.toarray(), points, new.toarray()))
    np.testing.assert_array_equal(whole, moved(old, points, new.toarray()))
    np.testing.assert_array_equal(whole, moved(old.toarray(), points, new))


def test_another_seed_shakes_otherwise_but_only_a_little(blobs: Rows) -> None:
    one, other = moved(*blobs), moved(*blobs, seed=2)
    assert not np.array_equal(one, other)
    assert np.median(np.linalg.norm(one - other, axis=1)) < 1


def test_without_epochs_a_row_stays_at_the_mean_of_its_neighbours_places(blobs: Rows) -> None:
    old, points, new = blobs
    placed = moved(old, points, new, n_epochs=0)
    apart = pairwise_distances(new.astype(float), old.astype(float))
    near = np.argsort(apart, axis=1)[:, :10].astype(np.int32)
    weights = strengths(np.take_along_axis(apart, near, axis=1).astype(np.float32))
    np.testing.assert_allclose(placed, place(points, near, weights), atol=1e-4)


def test_strengths_sum_to_what_umap_asks_and_fall_with_distance() -> None:
    distances = np.sort(np.random.default_rng(0).random((50, 15)).astype(np.float32) * 10, axis=1)
    found = strengths(distances)
    np.testing.assert_allclose(found[:, 1:].sum(axis=1), np.log2(15), atol=1e-4)
    assert (np.diff(found, axis=1) <= 0).all()
    np.testing.assert_array_equal(strengths(np.zeros((2, 4), np.float32)), np.ones((2, 4)))
    np.testing.assert_array_equal(strengths(distances[:1]), found[:1])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 12))
def test_a_placed_row_is_the_weighted_mean_of_its_neighbours(seed: int, n: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 2)).astype(np.float32)
    near = rng.integers(0, n, (5, k)).astype(np.int32)
    weights = (rng.random((5, k)) * (rng.random((5, k)) < 0.7)).astype(np.float32)
    placed = place(points, near, weights)
    for row in range(5):
        total = weights[row].sum()
        wanted = (weights[row, :, None] * points[near[row]]).sum(axis=0) / total if total else points[near[row, 0]]
        np.testing.assert_allclose(placed[row], wanted, atol=1e-5)


def test_rows_far_from_everything_and_empty_rows_have_a_finite_place() -> None:
    old, points = counts(300), np.random.default_rng(2).normal(size=(300, 3)).astype(np.float32)
    old = old[old.getnnz(axis=1) > 0]
    points = points[: old.shape[0]]
    new = sparse.vstack([sparse.csr_matrix((2, 40)), 1e6 * counts(3, 5)]).tocsr()
    for metric in ("euclidean", "cosine", "manhattan"):
        placed = moved(old, points, new, metric)
        assert np.isfinite(placed).all()
        np.testing.assert_array_equal(placed[0], placed[1])  # both empty
    assert np.isfinite(moved(np.ones((20, 3), np.float32), points[:20], np.zeros((1, 3), np.float32))).all()


def test_few_rows_will_do(blobs: Rows) -> None:
    old, points, new = blobs
    one = transform(old[:1], points[:1], new[:1], n_neighbors=1, metric="euclidean")
    assert np.isfinite(one).all()
    assert moved(old, points, new[:0]).shape == (0, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_neighbors": 501}, "n_neighbors=501 needs .* there are 500: take n_neighbors from 1 to 500"),
        ({"n_neighbors": 0}, "n_neighbors=0 needs"),
        ({"metric": "chebyshev"}, "metric='chebyshev' is not known: take one of euclidean"),
        ({"embedding": np.zeros((500, 4), np.float32)}, r"the embedding has the shape \(500, 4\)"),
        ({"embedding": np.zeros((499, 3), np.float32)}, r"500 rows need \(500, 1 to 3\)"),
        ({"Q": np.zeros((3, 9), np.float32)}, "the new rows have 9 features and the old ones 10"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(blobs: Rows, change: dict[str, Any], message: str) -> None:
    given = {"X": blobs[0], "embedding": blobs[1], "Q": blobs[2], "n_neighbors": 10, "metric": "euclidean"}
    with pytest.raises(ValueError, match=message):
        transform(**{**given, **change})


def test_progress_rises_to_the_end(blobs: Rows) -> None:
    told: list[float] = []
    moved(*blobs, tick=told.append)
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)


def test_a_raising_tick_stops_it_soon(blobs: Rows) -> None:
    old, points, _ = blobs
    new = np.random.default_rng(0).normal(size=(20_000, 10)).astype(np.float32)
    moved(old, points, new[:10])  # compiled
    looked: list[tuple[float, float]] = []

    def tick(done: float) -> None:
        looked.append((time.monotonic(), done))
        if done > 0.9:
            raise Cancelled

    with pytest.raises(Cancelled):
        moved(old, points, new, n_epochs=600, tick=tick)
    settling = [at for at, done in looked if done > 0.75]
    assert np.median(np.diff(settling)) < 0.2


def test_epochs_follow_umap_learns_rule() -> None:
    assert (default_epochs(10_000), default_epochs(10_001)) == (100, 30)
