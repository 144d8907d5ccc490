"""Our graph, curve and layout against umap-learn's."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import make_blobs
from sklearn.manifold import trustworthiness

from segwidgets.compute import embedding
from segwidgets.compute.neighbors import neighbors

with warnings.catch_warnings():  # umap-learn tells that TensorFlow is absent, and numba of its own decorators
    warnings.simplefilter("ignore")
    from umap.umap_ import find_ab_params, fuzzy_simplicial_set, simplicial_set_embedding


def cloud(n: int = 600) -> np.ndarray:
    X, _ = make_blobs(n, 10, centers=6, cluster_std=1.5, random_state=0)
    return X.astype(np.float32)


@pytest.mark.parametrize("k", [2, 5, 15, 40])
@pytest.mark.parametrize("case", ["blobs", "duplicates", "lattice"])
def test_the_graph_is_umap_learns(k: int, case: str) -> None:
    X = cloud()
    if case == "duplicates":
        X = np.repeat(X[:60], 10, axis=0)
    elif case == "lattice":
        X = np.stack(np.meshgrid(np.arange(25), np.arange(24)), -1).reshape(-1, 2).astype(np.float32)
    found = neighbors(X, k, "euclidean")
    ours = embedding.fuzzy_graph(found)
    theirs, _, _ = fuzzy_simplicial_set(
        X, k, np.random.RandomState(0), "euclidean", knn_indices=found.indices, knn_dists=found.distances
    )
    theirs = csr_matrix(theirs)
    theirs.setdiag(0)
    assert abs(ours - theirs).max() < 2e-4


@pytest.mark.parametrize(("min_dist", "spread"), [(0.0, 1.0), (0.1, 1.0), (0.5, 2.0), (0.99, 1.0)])
def test_the_curve_is_umap_learns(min_dist: float, spread: float) -> None:
    np.testing.assert_allclose(embedding.curve(min_dist, spread), find_ab_params(spread, min_dist), rtol=1e-6)


def test_the_layout_keeps_neighbours_as_well_as_umap_learns() -> None:
    X = cloud(1500)
    found = neighbors(X, 15, "euclidean")
    graph = embedding.fuzzy_graph(found)
    begin = embedding.spectral_start(graph, 3, 0)
    ours = embedding.layout(graph, begin, min_dist=0.1, spread=1.0, n_epochs=200, seed=0).points
    a, b = embedding.curve(0.1, 1.0)
    theirs, _ = simplicial_set_embedding(
        X, graph, 3, 1.0, a, b, 1.0, 5, 200, begin.copy(), np.random.RandomState(0), "euclidean", {},
        densmap=False, densmap_kwds={}, output_dens=False,
    )  # fmt: skip
    assert trustworthiness(X, ours, n_neighbors=15) > trustworthiness(X, theirs, n_neighbors=15) - 0.005
