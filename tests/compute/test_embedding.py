"""The layout: reproducible for any number of threads, separating what is apart, stopped when asked."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from segwidgets.compute import embedding
from segwidgets.compute.neighbors import neighbors
from segwidgets.compute.progress import Cancelled


@pytest.fixture(scope="module")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    X, truth = make_blobs(800, 10, centers=5, cluster_std=1.0, random_state=3)
    return X.astype(np.float32), truth


def lay_out(X: np.ndarray, dims: int = 3, seed: int = 0, n_epochs: int = 200) -> np.ndarray:
    graph = embedding.fuzzy_graph(neighbors(X, 15, "euclidean"))
    begin = embedding.start(graph, dims, seed)
    return embedding.layout(graph, begin, min_dist=0.0, spread=1.0, n_epochs=n_epochs, seed=seed)


@pytest.mark.parametrize("dims", [2, 3])
def test_groups_that_are_apart_stay_apart(blobs: tuple[np.ndarray, np.ndarray], dims: int) -> None:
    X, truth = blobs
    points = lay_out(X, dims)
    assert points.shape == (800, dims)
    assert points.dtype == np.float32
    assert adjusted_rand_score(truth, DBSCAN(eps=0.8, min_samples=5).fit_predict(points)) > 0.99


def test_the_layout_is_the_same_for_any_number_of_threads(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    X, _ = blobs
    graph = embedding.fuzzy_graph(neighbors(X, 15, "euclidean"))
    begin = embedding.start(graph, 3, 0)
    before = numba.get_num_threads()
    layouts = []
    try:
        for threads in (1, before):
            numba.set_num_threads(threads)
            layouts.append(embedding.layout(graph, begin, min_dist=0.0, spread=1.0, n_epochs=60, seed=5))
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(*layouts)


def test_the_same_seed_gives_the_same_layout_and_another_one_another(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    X, _ = blobs
    np.testing.assert_array_equal(lay_out(X, n_epochs=30), lay_out(X, n_epochs=30))
    assert not np.array_equal(lay_out(X, n_epochs=30), lay_out(X, seed=1, n_epochs=30))


def test_a_graph_in_parts_gives_each_part_a_place() -> None:
    X = np.concatenate([np.random.default_rng(i).normal(100 * i, 1, (40, 4)) for i in range(7)]).astype(np.float32)
    begin = embedding.start(embedding.fuzzy_graph(neighbors(X, 10, "euclidean")), 3, 0)
    centres = begin.reshape(7, 40, 3).mean(axis=1)
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2)[~np.eye(7, dtype=bool)]
    assert apart.min() > 0.1


@pytest.mark.parametrize("n", [3, 5, 17])
def test_a_handful_of_rows_has_a_finite_layout(n: int) -> None:
    X = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    graph = embedding.fuzzy_graph(neighbors(X, 2, "euclidean"))
    points = embedding.layout(graph, embedding.start(graph, 3, 0), min_dist=0.0, spread=1.0, n_epochs=50, seed=0)
    assert np.isfinite(points).all()


def test_identical_rows_have_a_finite_layout() -> None:
    X = np.ones((50, 4), np.float32)
    assert np.isfinite(lay_out(X, n_epochs=50)).all()


def test_the_start_is_not_changed(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    graph = embedding.fuzzy_graph(neighbors(blobs[0], 15, "euclidean"))
    begin = embedding.start(graph, 3, 0)
    kept = begin.copy()
    embedding.layout(graph, begin, min_dist=0.0, spread=1.0, n_epochs=10, seed=0)
    np.testing.assert_array_equal(begin, kept)


def test_a_raising_tick_stops_the_layout(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    graph = embedding.fuzzy_graph(neighbors(blobs[0], 15, "euclidean"))
    seen: list[float] = []

    def tick(done: float) -> None:
        seen.append(done)
        if done > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        embedding.layout(graph, embedding.start(graph, 3, 0), min_dist=0.0, spread=1.0, n_epochs=100, seed=0, tick=tick)
    assert len(seen) == 52


def test_epochs_follow_umap_learns_rule() -> None:
    assert (embedding.default_epochs(10_000), embedding.default_epochs(10_001)) == (500, 200)
