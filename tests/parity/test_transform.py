"""New rows on a finished map, against umap-learn's transform."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from sklearn.datasets import load_digits
from sklearn.manifold import trustworthiness
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import KNeighborsClassifier

from segwidgets.compute.embedding import fuzzy_graph, layout, spectral_start
from segwidgets.compute.embedding.transform import strengths, transform
from segwidgets.compute.neighbors import neighbors

with warnings.catch_warnings():  # umap-learn tells that TensorFlow is absent, and numba of its own decorators
    warnings.simplefilter("ignore")
    from umap import UMAP
    from umap.umap_ import compute_membership_strengths, smooth_knn_dist

Halves = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(scope="module", params=["euclidean", "cosine"])
def halves(request: pytest.FixtureRequest) -> Halves:
    """Digits in halves: the old ones, the new ones, a map of the old, and new ones on it by us and by umap-learn."""
    X = load_digits().data.astype(np.float32)
    old, new = X[::2], X[1::2]
    graph = fuzzy_graph(neighbors(old, 15, request.param))
    points = layout(graph, spectral_start(graph, 3, 0), min_dist=0.1, spread=1.0, n_epochs=300, seed=0).points
    ours = transform(old, points, new, n_neighbors=15, metric=request.param, min_dist=0.1, n_epochs=300, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reducer = UMAP(
            15, n_components=3, metric=request.param, min_dist=0.1, n_epochs=300, random_state=0, init=points
        )
        reducer.fit(old)
        reducer.embedding_ = points.copy()  # both place on the very same map
        theirs = reducer.transform(new)
    return old, new, points, ours, theirs


def test_new_rows_keep_their_neighbours_as_well_as_with_umap_learn(halves: Halves) -> None:
    old, new, points, ours, theirs = halves
    whole = np.vstack([old, new])
    for rows, mine, other in (
        (new, ours, theirs),
        (whole, np.vstack([points, ours]), np.vstack([points, theirs])),
    ):
        assert trustworthiness(rows, mine, n_neighbors=15) > trustworthiness(rows, other, n_neighbors=15) - 0.02


def test_new_rows_join_the_segments_that_they_join_with_umap_learn(halves: Halves) -> None:
    _, _, points, ours, theirs = halves
    truth = load_digits().target
    mine, other = (
        adjusted_rand_score(truth[1::2], KNeighborsClassifier(5).fit(points, truth[::2]).predict(placed))
        for placed in (ours, theirs)
    )
    assert mine > other - 0.02
    segments = DBSCAN(eps=0.5, min_samples=5).fit_predict(points)
    joined = [KNeighborsClassifier(1).fit(points, segments).predict(placed) for placed in (ours, theirs)]
    assert adjusted_rand_score(*joined) > 0.9


def test_new_rows_lie_where_umap_learn_lays_them(halves: Halves) -> None:
    _, _, points, ours, theirs = halves
    apart = np.linalg.norm(ours - theirs, axis=1)
    assert np.median(apart) < 0.05 * np.linalg.norm(points.std(axis=0))


@pytest.mark.parametrize("k", [2, 5, 15])
def test_strengths_are_umap_learns(k: int) -> None:
    distances = np.sort(np.random.default_rng(0).random((200, k)).astype(np.float32) + 0.2, axis=1)
    sigmas, rhos = smooth_knn_dist(distances, float(k), local_connectivity=0.0)
    indices = np.tile(np.arange(k, dtype=np.int32), (200, 1))
    _, _, wanted, _ = compute_membership_strengths(indices, distances, sigmas, rhos, bipartite=True)
    np.testing.assert_allclose(strengths(distances), wanted.reshape(200, k), atol=2e-4)
