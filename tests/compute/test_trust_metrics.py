"""Trustworthiness under the metrics that scikit-learn has another name, or none, for."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import cdist
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

from segwidgets.compute import neighbors, scores
from segwidgets.compute.scores import trust


def table(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    X = random.gamma(0.5, 2, (300, 40)).astype(np.float32) * (random.random((300, 40)) < 0.5)
    X[:, 0] += 1
    return X.astype(np.float32), random.normal(size=(300, 2)) + X[:, :2]


def distances(X: np.ndarray, metric: str) -> np.ndarray:
    if metric == "jaccard":
        return cdist(X != 0, X != 0, "jaccard")
    roots = np.sqrt(X.astype(np.float64) / X.sum(axis=1, keepdims=True, dtype=np.float64))
    return cdist(roots, roots) / np.sqrt(2)


def test_the_metrics_are_those_of_the_neighbours() -> None:
    assert trust.METRICS == neighbors.METRICS


@pytest.mark.parametrize("storage", ["dense", "sparse"])
def test_hellingers_is_that_of_the_distances(storage: str) -> None:
    X, embedding = table()
    expected = sklearn_trustworthiness(distances(X, "hellinger"), embedding, n_neighbors=10, metric="precomputed")
    rows = sp.csr_matrix(X) if storage == "sparse" else X
    found = scores.trustworthiness(rows, embedding, metric="hellinger", n_neighbors=10)
    assert np.isclose(found.value, expected, atol=1e-9)


@pytest.mark.parametrize("storage", ["dense", "sparse"])
def test_jaccards_gives_rows_at_equal_distance_their_mean_rank(storage: str) -> None:
    X, embedding = table()
    every = distances(X, "jaccard")
    np.fill_diagonal(every, np.inf)
    near = cdist(embedding, embedding)
    np.fill_diagonal(near, np.inf)
    k, penalty = 10, 0.0
    for row, line in enumerate(every):
        for other in np.argsort(near[row])[:k]:
            best = int((line < line[other]).sum()) + 1
            worst = int((line <= line[other]).sum())
            penalty += (best + worst) / 2 - k if best > k else 0
    n = len(X)
    expected = 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * penalty
    rows = sp.csr_matrix(X) if storage == "sparse" else X
    found = scores.trustworthiness(rows, embedding, metric="jaccard", n_neighbors=k)
    assert np.isclose(found.value, expected, atol=1e-9)


@pytest.mark.parametrize("metric", ["hellinger", "jaccard"])
def test_blank_rows_are_no_error(metric: str) -> None:
    X, embedding = table()
    X[:100] = 0
    dense, sparse = (scores.trustworthiness(rows, embedding, metric=metric).value for rows in (X, sp.csr_matrix(X)))
    assert np.isclose(dense, sparse, atol=1e-9)
    assert 0 <= dense <= 1


@pytest.mark.parametrize("storage", ["dense", "sparse"])
def test_hellinger_refuses_negative_values_by_count(storage: str) -> None:
    X, embedding = table()
    X[3, 4:7] = -1
    with pytest.raises(ValueError, match="3 values of X are negative"):
        scores.trustworthiness(sp.csr_matrix(X) if storage == "sparse" else X, embedding, metric="hellinger")


@pytest.mark.parametrize("metric", ["hellinger", "jaccard"])
def test_values_that_are_not_finite_are_refused(metric: str) -> None:
    X, embedding = table()
    X[5, 2] = np.nan
    with pytest.raises(ValueError, match="row 5 of X"):
        scores.trustworthiness(X, embedding, metric=metric)
