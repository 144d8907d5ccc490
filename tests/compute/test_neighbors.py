"""The k nearest neighbours, exactly: against scikit-learn and scipy, ties, duplicates and blanks included."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.metrics import pairwise_distances

from segwidgets.compute.neighbors import METRICS, exact, inverted, neighbors, query, tiles
from segwidgets.compute.progress import Cancelled

SIGNED = [metric for metric in METRICS if metric != "hellinger"]
STORAGES = {"dense": lambda X: X, "sparse": sp.csr_matrix}
storages = pytest.mark.parametrize("storage", STORAGES)


def rows(seed: int, n: int = 60, p: int = 12, density: float = 0.4) -> np.ndarray:
    random = np.random.default_rng(seed)
    X = random.poisson(2.0, (n, p)) * (random.random((n, p)) < density)
    X[:, 0] += 1  # no blank row: its cosine is undefined and has tests of its own
    X[:, 1] += np.arange(n) % 3  # nor a constant one
    X[X.std(axis=1) == 0, 2] += 5
    return X.astype(np.float32)


def reference(X: np.ndarray, metric: str, Q: np.ndarray | None = None) -> np.ndarray:
    """(m, n) float64 distances, of blank rows as well."""
    X = X.astype(np.float64)
    Q = X if Q is None else Q.astype(np.float64)
    if metric == "jaccard":
        blank = ~Q.any(axis=1)[:, None] | ~X.any(axis=1)
        return np.where(blank, 1, cdist(Q != 0, X != 0, "jaccard"))
    if metric == "hellinger":
        roots = [np.sqrt(A / np.maximum(A.sum(axis=1, keepdims=True), 1e-300)) for A in (Q, X)]
        return np.where((Q.sum(1) == 0)[:, None] | (X.sum(1) == 0), 1, cdist(*roots) / np.sqrt(2))
    if metric in {"cosine", "correlation"}:
        centred = [A - A.mean(axis=1, keepdims=True) if metric == "correlation" else A for A in (Q, X)]
        flat = [np.abs(A).max(axis=1) < 1e-9 for A in centred]
        similar = pairwise_distances(*centred, metric="cosine")
        return np.where(flat[0][:, None] | flat[1], 1, similar)
    return pairwise_distances(Q, X, metric=metric)


def check(X: np.ndarray, storage: str, k: int, metric: str) -> None:
    """The distances are those of the k nearest, itself first, and each is that of the row that is named."""
    found = neighbors(STORAGES[storage](X), k, metric)
    every = reference(X, metric)
    np.fill_diagonal(every, -1)
    expected = np.sort(every, axis=1)[:, :k]
    expected[:, 0] = 0
    tolerance = 3e-6 * max(1.0, float(expected.max()))
    np.testing.assert_allclose(found.distances, expected, atol=tolerance)
    np.fill_diagonal(every, 0)
    of_named = np.take_along_axis(every, found.indices.astype(int), 1)
    np.testing.assert_allclose(found.distances, of_named, atol=tolerance)
    assert (found.indices[:, 0] == np.arange(len(X))).all()
    assert all(len(set(line)) == k for line in found.indices.tolist())
    assert found.exact
    assert found.recall is None
    # Ordered by distance and, where those are equal, by index; the row itself aside.
    near, index = found.distances[:, 1:], found.indices[:, 1:].astype(np.int64)
    step = np.diff(near, axis=1)
    assert ((step > 0) | ((step == 0) & (np.diff(index, axis=1) > 0))).all()


@pytest.mark.parametrize("metric", METRICS)
@storages
@pytest.mark.parametrize("k", [2, 10, 60])
def test_the_distances_are_the_references(metric: str, storage: str, k: int) -> None:
    check(rows(0), storage, k, metric)


@pytest.mark.parametrize("metric", METRICS)
@storages
def test_more_rows_than_a_tile_of_any_search_holds(metric: str, storage: str) -> None:
    check(rows(1, n=4500, p=9), storage, 12, metric)


@pytest.mark.parametrize("metric", SIGNED)
@storages
def test_negative_values_are_exact_too(metric: str, storage: str) -> None:
    X = rows(8) - 1.5 * (rows(9) > 0)
    check(X.astype(np.float32), storage, 40, metric)


@pytest.mark.parametrize("metric", METRICS)
@storages
def test_rows_with_nothing_in_common_are_found(metric: str, storage: str) -> None:
    X = np.kron(np.eye(6), np.ones((10, 3))).astype(np.float32)
    X[:, 0] += np.arange(60) % 7 == 0
    check(X, storage, 25, metric)


@pytest.mark.parametrize("metric", ["cosine", "correlation", "hellinger", "jaccard"])
@storages
def test_a_blank_row_is_at_distance_one_from_the_rest(metric: str, storage: str) -> None:
    X = rows(2)
    X[[7, 30]] = 0
    found = neighbors(STORAGES[storage](X), 5, metric)
    assert found.indices[7].tolist() == [7, 0, 1, 2, 3]
    np.testing.assert_array_equal(found.distances[7], [0, 1, 1, 1, 1])
    check(X, storage, 60, metric)


@pytest.mark.parametrize("metric", METRICS)
@storages
def test_a_table_of_blank_rows_only_has_neighbours(metric: str, storage: str) -> None:
    found = neighbors(STORAGES[storage](np.zeros((5, 3), np.float32)), 3, metric)
    assert found.indices.tolist() == [[0, 1, 2], [1, 0, 2], [2, 0, 1], [3, 0, 1], [4, 0, 1]]


@pytest.mark.parametrize("metric", METRICS)
@storages
@pytest.mark.parametrize("scale", [1e-18, 1e15])
def test_the_scale_of_the_values_is_no_matter(metric: str, storage: str, scale: float) -> None:
    X = rows(3)
    plain, scaled = (neighbors(STORAGES[storage](A.astype(np.float32)), 8, metric) for A in (X, X * scale))
    factor = scale if metric in {"euclidean", "manhattan"} else 1
    np.testing.assert_allclose(scaled.distances, plain.distances * factor, rtol=1e-5, atol=1e-6 * factor)


@storages
def test_near_duplicates_far_from_the_origin_keep_their_distance(storage: str) -> None:
    X = rows(4) + np.float32(1000)
    X[1] = X[0]
    X[1, 3] = np.nextafter(X[0, 3], np.float32(2000))
    found = neighbors(STORAGES[storage](X), 3, "euclidean")
    assert found.indices[0, 1] == 1
    assert found.distances[0, 1] == X[1, 3] - X[0, 3]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 20), st.sampled_from(METRICS), st.sampled_from(sorted(STORAGES)))
@example(0, 20, "euclidean", "dense")
def test_duplicates_take_no_rows_place_and_come_in_order(seed: int, k: int, metric: str, storage: str) -> None:
    random = np.random.default_rng(seed)
    X = rows(seed, n=20)[random.integers(0, 5, 20)]
    if seed % 2:
        X[random.random(20) < 0.3] = 0
    check(X, storage, k, metric)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(2, 30),
    st.integers(2, 30),
    st.sampled_from(METRICS),
    st.sampled_from(sorted(STORAGES)),
)
def test_a_larger_table_begins_with_the_smaller_one(seed: int, k: int, more: int, metric: str, storage: str) -> None:
    random = np.random.default_rng(seed)
    X = STORAGES[storage](rows(seed, n=200, p=5)[random.integers(0, 150, 200)])
    small, large = min(k, more), max(k, more)
    expected, found = neighbors(X, small, metric), neighbors(X, large, metric).first(small)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.distances, expected.distances)


def test_more_duplicates_than_candidates_are_kept_of_do_not_change_the_beginning() -> None:
    X = sp.csr_matrix(np.repeat(rows(5, n=6), 500, axis=0))
    large = neighbors(X, 60, "cosine")
    for k in (2, 7, 40):
        np.testing.assert_array_equal(neighbors(X, k, "cosine").indices, large.first(k).indices)


@pytest.mark.parametrize("metric", METRICS)
def test_blocks_and_tiles_do_not_change_the_result(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    X = rows(3, n=300)
    whole = [neighbors(storage(X), 6, metric) for storage in STORAGES.values()]
    monkeypatch.setattr(inverted, "_TILE", 64)
    monkeypatch.setattr(inverted, "POPULAR", 2.0)
    monkeypatch.setattr(tiles, "_TILE", 64)
    monkeypatch.setattr(exact, "_PAIRS_A_STEP", 1)
    for before, storage in zip(whole, STORAGES.values(), strict=True):
        found = neighbors(storage(X), 6, metric)
        np.testing.assert_array_equal(found.indices, before.indices)
        np.testing.assert_array_equal(found.distances, before.distances)


def test_the_number_of_threads_does_not_change_the_result() -> None:
    program = (
        "import numpy, scipy.sparse, hashlib, numba; from segwidgets.compute.neighbors import neighbors\n"
        "X = numpy.random.default_rng(0).poisson(.3, (1500, 30)).astype('float32')\n"
        "for rows in (X, scipy.sparse.csr_matrix(X)):\n"
        "    for metric in ('cosine', 'manhattan'):\n"
        "        found = neighbors(rows, 9, metric)\n"
        "        print(hashlib.sha256(found.indices.tobytes() + found.distances.tobytes()).hexdigest())\n"
    )
    results = set()
    for threads in ("1", "3"):
        environment = {"NUMBA_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "PATH": ""}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        results.add(done.stdout)
    assert len(results) == 1


@pytest.mark.parametrize("metric", METRICS)
@storages
def test_other_rows_find_their_nearest(metric: str, storage: str) -> None:
    X, Q = rows(10), rows(11, n=25)
    Q[3], Q[4] = X[9], 0
    form = STORAGES[storage]
    indices, distances = query(form(X), form(Q), 60, metric)
    every = reference(X, metric, Q)
    np.testing.assert_allclose(distances, np.sort(every, axis=1), atol=2e-5)
    np.testing.assert_allclose(distances, np.take_along_axis(every, indices.astype(int), 1), atol=2e-5)
    assert indices.dtype == np.int32
    assert distances.dtype == np.float32
    few = query(form(X), form(Q), 4, metric)
    np.testing.assert_array_equal(few[0], indices[:, :4])
    mixed = query(form(X), sp.csr_matrix(Q), 4, metric)
    np.testing.assert_array_equal(mixed[0], few[0])


def test_the_first_of_a_table_are_asked_for_within_it() -> None:
    found = neighbors(rows(5), 5, "euclidean")
    assert found.first(5) is found
    with pytest.raises(ValueError, match=r"k=6.*from 1 to 5"):
        found.first(6)


@pytest.mark.parametrize("k", [1, 61])
def test_a_wrong_count_of_neighbours_is_refused_with_the_range(k: int) -> None:
    with pytest.raises(ValueError, match=rf"n_neighbors={k}.*2 to 60"):
        neighbors(rows(5), k, "euclidean")


@pytest.mark.parametrize("k", [0, 61])
def test_a_query_for_more_rows_than_there_are_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match=rf"k={k}.*1 to 60"):
        query(rows(5), rows(6), k, "euclidean")


def test_a_query_of_other_features_is_refused() -> None:
    with pytest.raises(ValueError, match="Q has 11 columns and X has 12"):
        query(rows(5), rows(5)[:, 1:], 3, "euclidean")


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'cosin'.*hellinger or jaccard"):
        neighbors(rows(5), 5, "cosin")


@storages
def test_hellinger_refuses_negative_values_by_count(storage: str) -> None:
    X = rows(5)
    X[2, :3] = -1
    with pytest.raises(ValueError, match="3 values are negative"):
        neighbors(STORAGES[storage](X), 5, "hellinger")


@storages
def test_values_that_are_not_finite_are_refused_by_count(storage: str) -> None:
    X = rows(5)
    X[0, 0], X[1, 1] = np.nan, np.inf
    with pytest.raises(ValueError, match="2 NaN or infinite"):
        neighbors(STORAGES[storage](X), 5, "euclidean")


@pytest.mark.parametrize("metric", ["cosine", "manhattan"])
@storages
def test_a_raising_tick_stops_the_search(metric: str, storage: str) -> None:
    def tick(done: float) -> None:
        if done > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        neighbors(STORAGES[storage](rows(6)), 5, metric, tick=tick)


def test_progress_runs_from_0_to_1() -> None:
    told: list[float] = []
    neighbors(rows(6, n=3000), 5, "cosine", tick=told.append)
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0, 1)


def test_the_callers_matrix_stays_as_it_is() -> None:
    X = sp.csr_matrix(rows(7))
    X.data[::3] = 0  # stored zeros
    X.indices[: X.indptr[1]] = X.indices[: X.indptr[1]][::-1].copy()  # out of order
    before = X.copy()
    found = neighbors(X, 5, "manhattan")
    np.testing.assert_array_equal(X.data, before.data)
    np.testing.assert_array_equal(X.indices, before.indices)
    np.testing.assert_array_equal(found.indices, neighbors(sp.csr_matrix(X.toarray()), 5, "manhattan").indices)
