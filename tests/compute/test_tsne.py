"""t-SNE on our neighbours: reproducible, separating what is apart, stopped when asked."""

from __future__ import annotations

import os
import sys
import time

import numba
import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from sklearn.datasets import make_blobs
from sklearn.manifold import trustworthiness
from sklearn.metrics import adjusted_rand_score

from segwidgets.compute.embedding import tsne as module
from segwidgets.compute.embedding.pca import pca
from segwidgets.compute.embedding.tsne import perplexity_of, tsne
from segwidgets.compute.neighbors import Neighbors, neighbors
from segwidgets.compute.progress import Cancelled
from segwidgets.data.errors import MissingExtraError


@pytest.fixture(scope="module")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    X, truth = make_blobs(600, 10, centers=5, cluster_std=1.0, random_state=3)
    return X.astype(np.float32), truth


@pytest.fixture(scope="module")
def found(blobs: tuple[np.ndarray, np.ndarray]) -> Neighbors:
    return neighbors(blobs[0], 30, "euclidean")


def lay_out(found: Neighbors, c: int = 3, seed: int = 0, n_epochs: int = 90, **more: object) -> np.ndarray:
    return tsne(found, c, perplexity=10, metric="euclidean", seed=seed, n_epochs=n_epochs, **more)


@pytest.mark.parametrize("c", [2, 3])
def test_groups_that_are_apart_stay_apart(blobs: tuple[np.ndarray, np.ndarray], found: Neighbors, c: int) -> None:
    X, truth = blobs
    points = lay_out(found, c, n_epochs=300, begin=pca(X, c))
    assert points.shape == (600, c)
    assert points.dtype == np.float32
    assert points.flags.c_contiguous
    assert adjusted_rand_score(truth, DBSCAN(eps=4, min_samples=5).fit_predict(points)) > 0.99
    assert trustworthiness(X, points, n_neighbors=15) > 0.9


def test_rows_that_come_without_neighbours_get_three_times_the_perplexity(
    blobs: tuple[np.ndarray, np.ndarray], found: Neighbors
) -> None:
    points = tsne(blobs[0], 2, perplexity=10, metric="euclidean", seed=0, n_epochs=40)
    np.testing.assert_array_equal(points, lay_out(found, 2, n_epochs=40))


def test_the_interpolation_keeps_neighbours_as_the_tree_does(
    blobs: tuple[np.ndarray, np.ndarray], found: Neighbors, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, _ = blobs
    by_tree = lay_out(found, 2, n_epochs=200, begin=pca(X, 2))
    monkeypatch.setattr(module, "_INTERPOLATE_FROM", 0)
    by_grid = lay_out(found, 2, n_epochs=200, begin=pca(X, 2))
    assert not np.array_equal(by_tree, by_grid)
    tree, grid = (trustworthiness(X, points, n_neighbors=15) for points in (by_tree, by_grid))
    assert grid == pytest.approx(tree, abs=0.02)


@pytest.mark.parametrize("c", [2, 3])
@pytest.mark.parametrize("interpolate_from", [0, 10_000])
def test_the_map_is_the_same_for_a_seed_and_any_number_of_threads(
    found: Neighbors, c: int, interpolate_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_INTERPOLATE_FROM", interpolate_from)
    before = numba.get_num_threads()
    try:
        maps = []
        for threads in (1, before):
            numba.set_num_threads(threads)
            maps.append(lay_out(found, c, n_epochs=30))
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(*maps)
    assert not np.array_equal(maps[0], lay_out(found, c, seed=1, n_epochs=30))


def test_it_starts_where_it_is_told_at_any_scale(blobs: tuple[np.ndarray, np.ndarray], found: Neighbors) -> None:
    begin = pca(blobs[0], 2)
    kept = begin.copy()
    first = lay_out(found, 2, n_epochs=40, begin=begin)
    np.testing.assert_array_equal(begin, kept)
    np.testing.assert_array_equal(first, lay_out(found, 2, n_epochs=40, begin=4 * begin))
    assert not np.array_equal(first, lay_out(found, 2, n_epochs=40))
    with pytest.raises(ValueError, match=r"begin has the shape \(600, 3\)"):
        lay_out(found, 2, begin=pca(blobs[0], 3))


@pytest.mark.parametrize("c", [2, 3])
@pytest.mark.parametrize("interpolate_from", [0, 10_000])
def test_a_handful_of_rows_and_equal_rows_have_a_finite_map(
    c: int, interpolate_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_INTERPOLATE_FROM", interpolate_from)
    for X in (np.eye(3, dtype=np.float32), np.ones((50, 4), np.float32), np.zeros((20, 2), np.float32)):
        few = neighbors(X, 3, "euclidean")
        for begin in (None, np.zeros((len(X), c), np.float32)):
            points = tsne(few, c, perplexity=1, metric="euclidean", seed=0, n_epochs=30, begin=begin)
            assert np.isfinite(points).all()


def test_a_perplexity_beyond_the_neighbours_is_refused(found: Neighbors) -> None:
    with pytest.raises(ValueError, match=r"perplexity=40 is not allowed: .* from 1 to 29\. Take a larger n_neighbors"):
        tsne(found, 2, perplexity=40, metric="euclidean", seed=0)
    assert perplexity_of(90) == 30
    assert perplexity_of(2) == 1


def test_progress_rises_to_the_end(found: Neighbors) -> None:
    told: list[float] = []
    lay_out(found, 2, n_epochs=40, tick=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_raising_tick_stops_it_soon(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    X = np.tile(blobs[0], (4, 1)) + np.random.default_rng(0).normal(size=(2400, 10)).astype(np.float32)
    found = neighbors(X, 30, "euclidean")
    looked: list[float] = []

    def tick(done: float) -> None:
        looked.append(time.monotonic())
        if done > 0.1:
            raise Cancelled

    with pytest.raises(Cancelled):
        lay_out(found, 3, n_epochs=300, tick=tick)
    # Of a machine on which others are at work no more than its share.
    limit = 0.2 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert np.median(np.diff(looked)) < limit


def test_without_the_package_the_way_to_install_it_is_told(found: Neighbors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(MissingExtraError, match=r'method=\'tsne\' needs .* pip install "segwidgets\[tsne\]"'):
        lay_out(found)
