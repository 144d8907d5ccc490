"""Scores of single rows: the means are those of the whole, and invented neighbours are found out."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples
from sklearn.neighbors import NearestNeighbors

from segwidgets.compute.progress import Cancelled
from segwidgets.compute.scores import row_trust, silhouette_rows


@pytest.fixture(scope="module")
def cloud() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 4, 600)
    return rng.normal(size=(600, 3)) + 4.0 * labels[:, None] * [1, 0.5, 0], labels


def table_of(X: np.ndarray, k: int) -> np.ndarray:
    return NearestNeighbors(n_neighbors=k).fit(X).kneighbors(X)[1]


def test_a_map_that_is_the_data_is_trusted_everywhere(cloud: tuple[np.ndarray, np.ndarray]) -> None:
    assert row_trust(table_of(cloud[0], 15), cloud[0]).min() == 1.0


def test_a_torn_off_point_is_not_trusted(cloud: tuple[np.ndarray, np.ndarray]) -> None:
    moved = cloud[0].copy()
    moved[:10] = cloud[0][cloud[1] == 3][:10] + 0.01
    moved[:10][cloud[1][:10] == 3] = -50
    trust = row_trust(table_of(cloud[0], 15), moved)
    assert trust[:10][cloud[1][:10] != 3].max() < 0.5
    assert np.median(trust[10:]) > 0.9


def test_a_map_by_chance_scores_what_chance_gives(cloud: tuple[np.ndarray, np.ndarray]) -> None:
    shuffled = np.random.default_rng(1).permutation(cloud[0])
    assert row_trust(table_of(cloud[0], 15), shuffled).mean() == pytest.approx(14 / 599, abs=0.02)


def test_the_table_must_be_of_the_map(cloud: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="600 rows"):
        row_trust(table_of(cloud[0], 5), cloud[0][:100])


def test_silhouettes_are_scikit_learns_and_noise_has_none(cloud: tuple[np.ndarray, np.ndarray]) -> None:
    points, labels = cloud
    values, exact = silhouette_rows(points, labels)
    assert exact
    inside = labels >= 0
    np.testing.assert_allclose(values[inside], silhouette_samples(points[inside], labels[inside]), atol=1e-5)
    assert np.isnan(values[~inside]).all()


def test_above_the_budget_the_simplified_one_says_so(cloud: tuple[np.ndarray, np.ndarray]) -> None:
    points, labels = cloud
    values, exact = silhouette_rows(points, labels, budget=0)
    assert not exact
    inside = labels >= 0
    centres = np.array([points[labels == label].mean(axis=0) for label in range(4)])
    distances = np.linalg.norm(points[inside][:, None] - centres, axis=2)
    own = distances[np.arange(inside.sum()), labels[inside]]
    distances[np.arange(inside.sum()), labels[inside]] = np.inf
    other = distances.min(axis=1)
    np.testing.assert_allclose(values[inside], (other - own) / np.maximum(other, own), atol=1e-5)


def test_one_cluster_has_no_silhouette(cloud: tuple[np.ndarray, np.ndarray]) -> None:
    values, exact = silhouette_rows(cloud[0], np.zeros(600, int))
    assert exact
    assert np.isnan(values).all()


def test_both_can_be_cancelled(cloud: tuple[np.ndarray, np.ndarray]) -> None:
    stop = threading.Event()
    stop.set()

    def tick(done: float) -> None:
        if stop.is_set():
            raise Cancelled(str(done))

    with pytest.raises(Cancelled):
        row_trust(table_of(cloud[0], 15), cloud[0], tick=tick)
    with pytest.raises(Cancelled):
        silhouette_rows(cloud[0], cloud[1], tick=tick)
