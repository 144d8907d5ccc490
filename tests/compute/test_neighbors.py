"""The k nearest neighbours: exact against scikit-learn, for sparse and dense rows, ties and blanks included."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import pairwise_distances

from segwidgets.compute import neighbors as module
from segwidgets.compute.neighbors import neighbors
from segwidgets.compute.progress import Cancelled

METRICS = ("euclidean", "cosine", "manhattan", "correlation")


def rows(seed: int, n: int = 60, p: int = 12, density: float = 0.4) -> np.ndarray:
    random = np.random.default_rng(seed)
    X = random.poisson(2.0, (n, p)) * (random.random((n, p)) < density)
    X[:, 0] += 1  # no blank row: its cosine is undefined and has tests of its own
    X[:, 1] += np.arange(n) % 3  # nor a constant one
    X[X.std(axis=1) == 0, 2] += 5
    return X.astype(np.float32)


def reference(X: np.ndarray, metric: str) -> np.ndarray:
    return pairwise_distances(X.astype(np.float64), metric=metric)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("storage", ["dense", "sparse"])
def test_the_distances_are_scikit_learns(metric: str, storage: str) -> None:
    X = rows(0)
    found = neighbors(sp.csr_matrix(X) if storage == "sparse" else X, 10, metric)
    expected = np.sort(reference(X, metric), axis=1)[:, :10]
    np.testing.assert_allclose(found.distances, expected, atol=1e-3)
    assert found.exact


@pytest.mark.parametrize("metric", METRICS)
def test_a_neighbour_is_at_the_distance_that_is_told(metric: str) -> None:
    X = rows(1)
    found = neighbors(sp.csr_matrix(X), 8, metric)
    every = reference(X, metric)
    np.testing.assert_allclose(found.distances, np.take_along_axis(every, found.indices.astype(int), 1), atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 20), st.sampled_from(METRICS), st.booleans())
def test_each_row_comes_first_and_none_twice(seed: int, k: int, metric: str, sparse: bool) -> None:
    random = np.random.default_rng(seed)
    X = rows(seed, n=20)[random.integers(0, 5, 20)]  # heavy duplicates: a row may be crowded out of its own list
    found = neighbors(sp.csr_matrix(X) if sparse else X, k, metric)
    assert (found.indices[:, 0] == np.arange(20)).all()
    assert (found.distances[:, 0] == 0).all()
    assert all(len(set(line)) == k for line in found.indices.tolist())
    # A row that was crowded out gives up its farthest neighbour, not one of its duplicates.
    np.testing.assert_allclose(found.distances, np.sort(reference(X, metric), axis=1)[:, :k], atol=5e-3)
    assert (np.diff(found.distances, axis=1) >= -1e-3).all()


@pytest.mark.parametrize("metric", ["cosine", "correlation"])
@pytest.mark.parametrize("sparse", [True, False])
def test_a_blank_row_is_at_distance_one_from_the_rest(metric: str, sparse: bool) -> None:
    X = rows(2)
    X[7] = 0
    found = neighbors(sp.csr_matrix(X) if sparse else X, 5, metric)
    np.testing.assert_allclose(found.distances[7], [0, 1, 1, 1, 1])
    assert found.indices[7, 0] == 7


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "correlation"])
def test_negative_values_are_exact_too(metric: str) -> None:
    X = rows(8) - 1.5 * (rows(9) > 0)
    found = neighbors(sp.csr_matrix(X), 40, metric)
    expected = np.sort(reference(X, metric), axis=1)[:, :40]
    np.testing.assert_allclose(found.distances, expected, atol=1e-3)


def test_the_search_does_not_depend_on_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    X = sp.csr_matrix(rows(3))
    whole = neighbors(X, 6, "cosine")
    monkeypatch.setattr(module, "_BLOCK", 7)
    blocks = neighbors(X, 6, "cosine")
    np.testing.assert_array_equal(whole.indices, blocks.indices)


def test_the_approximate_search_finds_nearly_all(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(4)
    X = random.normal(size=(3000, 8)).astype(np.float32)
    exact = neighbors(X, 10, "euclidean")
    monkeypatch.setitem(module._EXACT_ROWS, "dense", 100)
    found = neighbors(X, 10, "euclidean")
    shared = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact.indices, found.indices, strict=True)])
    assert not found.exact
    assert shared > 0.95


@pytest.mark.parametrize("k", [1, 61])
def test_a_wrong_count_of_neighbours_is_refused_with_the_range(k: int) -> None:
    with pytest.raises(ValueError, match=f"n_neighbors={k}.*2 to 60"):
        neighbors(rows(5), k, "euclidean")


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(ValueError, match="'cosin'"):
        neighbors(rows(5), 5, "cosin")


def test_a_raising_tick_stops_the_search() -> None:
    def tick(done: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        neighbors(sp.csr_matrix(rows(6)), 5, "cosine", tick=tick)
