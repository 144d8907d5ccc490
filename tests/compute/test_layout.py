"""The layout: reproducible for any number of threads, separating what is apart, stopped when asked."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.cluster import DBSCAN
from sklearn.datasets import make_blobs
from sklearn.manifold import trustworthiness
from sklearn.metrics import adjusted_rand_score

from segwidgets.compute import embedding
from segwidgets.compute.embedding import objective, optimiser
from segwidgets.compute.neighbors import neighbors
from segwidgets.compute.progress import Cancelled


@pytest.fixture(scope="module")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    X, truth = make_blobs(800, 10, centers=5, cluster_std=1.0, random_state=3)
    return X.astype(np.float32), truth


def lay_out(X: np.ndarray, dims: int = 3, seed: int = 0, n_epochs: int = 200) -> np.ndarray:
    graph = embedding.fuzzy_graph(neighbors(X, 15, "euclidean"))
    begin = embedding.spectral_start(graph, dims, seed)
    return embedding.layout(graph, begin, min_dist=0.0, spread=1.0, n_epochs=n_epochs, seed=seed).points


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
    begin = embedding.spectral_start(graph, 3, 0)
    before = numba.get_num_threads()
    layouts = []
    try:
        for threads in (1, before):
            numba.set_num_threads(threads)
            layouts.append(embedding.layout(graph, begin, min_dist=0.0, spread=1.0, n_epochs=60, seed=5).points)
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(*layouts)


def test_the_same_seed_gives_the_same_layout_and_another_one_another(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    X, _ = blobs
    np.testing.assert_array_equal(lay_out(X, n_epochs=30), lay_out(X, n_epochs=30))
    assert not np.array_equal(lay_out(X, n_epochs=30), lay_out(X, seed=1, n_epochs=30))


def test_a_graph_in_parts_gives_each_part_a_place() -> None:
    X = np.concatenate([np.random.default_rng(i).normal(100 * i, 1, (40, 4)) for i in range(7)]).astype(np.float32)
    begin = embedding.spectral_start(embedding.fuzzy_graph(neighbors(X, 10, "euclidean")), 3, 0)
    centres = begin.reshape(7, 40, 3).mean(axis=1)
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2)[~np.eye(7, dtype=bool)]
    assert apart.min() > 0.1


@pytest.mark.parametrize("n", [3, 5, 17])
def test_a_handful_of_rows_has_a_finite_layout(n: int) -> None:
    X = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    graph = embedding.fuzzy_graph(neighbors(X, 2, "euclidean"))
    begin = embedding.spectral_start(graph, 3, 0)
    done = embedding.layout(graph, begin, min_dist=0.0, spread=1.0, n_epochs=50, seed=0)
    assert np.isfinite(done.points).all()


def test_identical_rows_have_a_finite_layout() -> None:
    X = np.ones((50, 4), np.float32)
    assert np.isfinite(lay_out(X, n_epochs=50)).all()


def test_the_start_is_not_changed(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    graph = embedding.fuzzy_graph(neighbors(blobs[0], 15, "euclidean"))
    begin = embedding.spectral_start(graph, 3, 0)
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

    begin = embedding.spectral_start(graph, 3, 0)
    with pytest.raises(Cancelled):
        embedding.layout(graph, begin, min_dist=0.0, spread=1.0, n_epochs=100, seed=0, tick=tick)
    assert len(seen) == 52


def test_epochs_follow_umap_learns_rule() -> None:
    assert (embedding.default_epochs(10_000), embedding.default_epochs(10_001)) == (500, 200)


def graph_of(X: np.ndarray) -> csr_matrix:
    return embedding.fuzzy_graph(neighbors(X, 15, "euclidean"))


def test_a_layout_that_has_settled_stops_early_and_says_so(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    graph = graph_of(blobs[0])
    begin = embedding.spectral_start(graph, 3, 0)
    settings: dict[str, float] = {"min_dist": 0.1, "spread": 1.0, "n_epochs": 600, "seed": 0}
    early = embedding.layout(graph, begin, early_stop=True, **settings)  # type: ignore[arg-type]
    late = embedding.layout(graph, begin, **settings)  # type: ignore[arg-type]
    assert early.settled
    assert early.epochs < 560
    assert not late.settled
    assert late.epochs == 600
    theirs = trustworthiness(blobs[0], late.points, n_neighbors=15)
    assert trustworthiness(blobs[0], early.points, n_neighbors=15) > theirs - 0.01


def test_a_layout_that_still_moves_runs_to_the_end(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    graph = graph_of(blobs[0])
    far = np.random.default_rng(0).normal(scale=40, size=(800, 3)).astype(np.float32)
    done = embedding.layout(graph, far, min_dist=0.1, spread=1.0, n_epochs=40, seed=0, early_stop=True)
    assert (done.epochs, done.settled) == (40, False)


def test_a_warm_start_stays_near_where_it_began(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    graph = graph_of(blobs[0])
    settings: dict[str, float] = {"spread": 1.0, "seed": 0}
    full = embedding.layout(
        graph,
        embedding.spectral_start(graph, 3, 0),
        min_dist=0.0,
        n_epochs=200,
        **settings,  # type: ignore[arg-type]
    ).points
    moved = embedding.layout(
        graph,
        full,
        min_dist=0.3,
        n_epochs=10,
        learning_rate=0.3,
        early_stop=False,
        **settings,  # type: ignore[arg-type]
    ).points
    assert 0 < np.median(np.linalg.norm(moved - full, axis=1)) < 0.2 * full.std()
    assert trustworthiness(blobs[0], moved, n_neighbors=15) > trustworthiness(blobs[0], full, n_neighbors=15) - 0.01


def test_snapshots_stream_out_while_it_runs(
    blobs: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimiser, "_SNAPSHOT_EVERY", 0.0)
    graph = graph_of(blobs[0])
    seen: list[tuple[np.ndarray, int]] = []
    done = embedding.layout(
        graph, embedding.spectral_start(graph, 2, 0), min_dist=0.1, spread=1.0, n_epochs=20, seed=0,
        snapshot=lambda points, epochs: seen.append((points, epochs)),
    )  # fmt: skip
    assert [epochs for _, epochs in seen] == list(range(1, 21))
    assert all(points.shape == (800, 2) for points, _ in seen)
    np.testing.assert_array_equal(seen[-1][0], done.points)
    assert not np.array_equal(seen[0][0], seen[1][0])


def test_a_stronger_repulsion_and_more_negatives_spread_the_points(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    graph = graph_of(blobs[0])
    begin = embedding.spectral_start(graph, 3, 0)

    def extent(**settings: float) -> float:
        done = embedding.layout(graph, begin, min_dist=0.1, spread=1.0, n_epochs=100, seed=0, **settings)  # type: ignore[arg-type]
        return float(done.points.std())

    plain = extent()
    assert extent(repulsion_strength=5.0) > 1.2 * plain
    assert extent(negative_sample_rate=20) > 1.1 * plain


def test_a_long_epoch_can_be_cancelled_within_it(
    blobs: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = graph_of(blobs[0])
    begin = embedding.spectral_start(graph, 3, 0)
    whole = embedding.layout(graph, begin, min_dist=0.1, spread=1.0, n_epochs=5, seed=0).points
    monkeypatch.setattr(optimiser, "_ROWS_A_CALL", 100)
    ticks: list[float] = []
    parts = embedding.layout(graph, begin, min_dist=0.1, spread=1.0, n_epochs=5, seed=0, tick=ticks.append).points
    assert len(ticks) == 5 * 8 + 1
    assert ticks == sorted(ticks)
    np.testing.assert_array_equal(parts, whole)


def test_the_forces_are_umaps_to_half_a_per_cent() -> None:
    a, b = embedding.curve(0.1, 1.0)
    attract, repel = objective.force_tables(a, b, 2.0)
    d = np.geomspace(1e-6, 1e3, 500).astype(np.float32)
    cells = np.array([objective.cell(x) for x in d])
    np.testing.assert_allclose(attract[cells], -2 * a * b * d ** (b - 1) / (1 + a * d**b), rtol=6e-3)
    np.testing.assert_allclose(repel[cells], 4 * b / ((0.001 + d) * (1 + a * d**b)), rtol=8e-3)


@pytest.mark.parametrize("d", [0.0, 1e-30, 1e30])
def test_the_nearest_and_the_farthest_pairs_have_forces_too(d: float) -> None:
    assert objective.cell(np.float32(d)) in {0, len(objective.force_tables(1.0, 1.0)[0]) - 1}
