"""Scores against scikit-learn's, and intervals that hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from sklearn.manifold import trustworthiness as sklearn_trustworthiness
from sklearn.metrics import silhouette_samples, silhouette_score

from segwidgets.compute import scores
from segwidgets.compute.progress import Cancelled
from segwidgets.compute.scores import silhouettes, trust


def cloud(n: int, d: int = 3, clusters: int = 5, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    rng = np.random.default_rng(seed)
    labels = rng.choice(clusters, n, p=rng.dirichlet(np.ones(clusters))).astype(np.int32)
    points = (
        rng.uniform(0, 8, (clusters, d))[labels] + rng.normal(size=(n, d)) * rng.uniform(0.2, 2, clusters)[labels, None]
    )
    labels[::9] = -1
    return points, labels


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("clusters", [2, 7, 60])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_silhouette_of_all_points_is_scikit_learns(d: int, clusters: int, dtype: Any) -> None:
    points, labels = cloud(1500, d, clusters)
    points = points.astype(dtype)
    found = scores.silhouette(points, labels)
    clustered = labels >= 0
    assert found is not None
    expected = silhouette_score(points[clustered].astype(np.float64), labels[clustered])
    assert np.isclose(found.value, expected, atol=1e-9)
    assert found.low == found.value == found.high
    assert found.n_sampled == clustered.sum()


def test_a_cluster_of_one_scores_zero_as_in_scikit_learn() -> None:
    points = np.array([[0, 0], [0, 1], [5, 5], [5, 6], [90, 90]], float)
    labels = np.array([0, 0, 1, 1, 2])
    found = scores.silhouette(points, labels)
    assert found is not None
    assert np.isclose(found.value, silhouette_score(points, labels), atol=1e-12)
    everyone_alone = scores.silhouette(points, np.arange(5))
    assert everyone_alone is not None
    assert everyone_alone.value == 0


def test_duplicates_in_two_clusters_score_zero_not_nan() -> None:
    found = scores.silhouette(np.zeros((6, 3)), np.array([0, 0, 0, 1, 1, 1]))
    assert found is not None
    assert found.value == 0


def test_far_from_the_origin_nothing_is_lost() -> None:
    points, labels = cloud(800)
    there, here = scores.silhouette(points + 1e7, labels), scores.silhouette((points + 1e7) - 1e7, labels)
    assert there is not None
    assert here is not None
    assert np.isclose(there.value, here.value, atol=1e-7)


@pytest.mark.parametrize("labels", [np.full(10, -1), np.zeros(10, int), np.array([0] * 5 + [-1] * 5)])
def test_fewer_than_two_clusters_have_no_silhouette(labels: NDArray[np.int64]) -> None:
    assert scores.silhouette(np.random.default_rng(0).normal(size=(10, 3)), labels) is None


@pytest.mark.parametrize("clusters", [5, 400])
def test_a_sampled_silhouette_holds_the_exact_one_in_its_interval(
    clusters: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    points, labels = cloud(4000, clusters=clusters)
    exact = scores.silhouette(points, labels)
    assert exact is not None
    monkeypatch.setattr(silhouettes, "EXACT_PAIRS", 1000)
    found = [scores.silhouette(points, labels, sample=400, seed=seed) for seed in range(100)]
    estimates = [estimate for estimate in found if estimate is not None]
    assert len(estimates) == 100
    assert all(300 <= estimate.n_sampled <= 900 for estimate in estimates)
    held = sum(estimate.low <= exact.value <= estimate.high for estimate in estimates)
    assert held >= 85  # 95 are expected; below 88 happens once in two hundred
    standard_error = np.std([estimate.value for estimate in estimates]) / 10
    assert abs(np.mean([estimate.value for estimate in estimates]) - exact.value) < 4 * standard_error


def test_beyond_the_exact_cost_a_sample_is_taken_and_more_may_be_asked_for() -> None:
    # Clusters inside each other: none can be ruled out as the nearest.
    rng = np.random.default_rng(3)
    points = rng.normal(size=(30_000, 3)) * rng.uniform(0.5, 1.5, (30_000, 1))
    labels = rng.integers(-1, 4, 30_000)
    labels[:2000] = 4
    points[:2000] += 1.5
    sampled, exact = scores.silhouette(points, labels), scores.silhouette(points, labels, sample=30_000)
    assert sampled is not None
    assert exact is not None
    assert 1900 < sampled.n_sampled < 2100
    assert sampled.low < sampled.value < sampled.high
    assert exact.low == exact.high
    assert exact.n_sampled == (labels >= 0).sum()
    assert sampled.low - 0.02 < exact.value < sampled.high + 0.02
    some = np.flatnonzero(labels >= 0)[1900:2100]
    assert np.isclose(
        silhouette_samples(points[some], labels[some]).mean(),
        scores.silhouette(points[some], labels[some]).value,  # type: ignore[union-attr]
    )


def test_many_points_in_clusters_apart_are_cheap_and_therefore_exact() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 60, 40_000)
    points = rng.uniform(0, 100, (60, 3))[labels] + rng.normal(size=(40_000, 3))
    found = scores.silhouette(points, labels)
    assert found is not None
    assert found.n_sampled == 40_000
    assert found.low == found.high


@pytest.mark.parametrize("d", [1, 2, 3, 8, 20])
def test_silhouettes_of_clusters_are_the_means_of_scikit_learns_points(d: int) -> None:
    points, labels = cloud(1200, d, 6)
    labels[labels == 2] = -1
    labels[0] = 9
    clustered = labels >= 0
    expected = silhouette_samples(points[clustered], labels[clustered])
    found = scores.silhouette_by_cluster(points, labels)
    assert found is not None
    assert len(found) == 10
    for label, estimate in enumerate(found):
        own = labels[clustered] == label
        if not own.any():
            assert estimate is None
            continue
        assert estimate is not None
        assert np.isclose(estimate.value, expected[own].mean(), atol=1e-9)
        assert estimate.low == estimate.value == estimate.high
        assert estimate.n_sampled == own.sum()
    whole = scores.silhouette(points, labels)
    assert whole is not None
    assert np.isclose(whole.value, expected.mean(), atol=1e-9)


def test_sampled_silhouettes_of_clusters_hold_the_exact_ones_in_their_intervals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    points, labels = cloud(4000, clusters=12)
    exact = scores.silhouette_by_cluster(points, labels)
    assert exact is not None
    monkeypatch.setattr(silhouettes, "EXACT_PAIRS", 1000)
    held = asked = 0
    for seed in range(40):
        found = scores.silhouette_by_cluster(points, labels, sample=300, seed=seed)
        assert found is not None
        for estimate, true in zip(found, exact, strict=True):
            if true is None:
                assert estimate is None
                continue
            assert estimate is not None
            assert estimate.n_sampled == min(30, true.n_sampled)
            if true.n_sampled > 30:
                asked += 1
                held += estimate.low <= true.value <= estimate.high
            else:
                assert np.isclose(estimate.value, true.value)
                assert estimate.low == estimate.high
    assert asked > 200
    assert held > 0.9 * asked


def test_fewer_than_two_clusters_have_no_silhouettes_either() -> None:
    assert scores.silhouette_by_cluster(np.zeros((4, 3)), np.array([0, 0, -1, 0])) is None


@pytest.mark.parametrize(
    ("points", "labels", "message"),
    [
        (np.zeros((4, 21)), np.zeros(4, int), r"\(4, 21\).*\(n, 20\)"),
        (np.zeros((4, 0)), np.zeros(4, int), r"\(4, 0\)"),
        (np.zeros(4), np.zeros(4, int), r"\(4,\)"),
        (np.zeros((4, 3), complex), np.zeros(4, int), "complex"),
        (np.zeros((4, 3)), np.zeros(3, int), "one for each of the 4 points"),
        (np.zeros((4, 3)), np.zeros(4), "whole numbers"),
        (np.full((4, 3), np.nan), np.array([0, 0, 1, 1]), "NaN or infinite"),
    ],
)
def test_what_has_no_silhouette_is_refused(points: NDArray[Any], labels: NDArray[Any], message: str) -> None:
    for score in (scores.silhouette, scores.silhouette_by_cluster, scores.dbcv):
        with pytest.raises(ValueError, match=message):
            score(points, labels)


#: The metrics that scikit-learn has by these names and that take negative values; the others: test_trust_metrics.py.
SIGNED = ("euclidean", "cosine", "manhattan", "correlation")


def pair(n: int = 400, d: int = 12) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(n, d))
    return X, X[:, :3] + 0.3 * rng.normal(size=(n, 3))


@pytest.mark.parametrize("metric", SIGNED)
@pytest.mark.parametrize("k", [1, 5, 15])
def test_trustworthiness_of_all_rows_is_scikit_learns(metric: str, k: int) -> None:
    X, embedding = pair()
    expected = sklearn_trustworthiness(X, embedding, n_neighbors=k, metric=metric)
    found = scores.trustworthiness(X, embedding, metric=metric, n_neighbors=k, sample=400)
    assert np.isclose(found.value, expected, atol=1e-12)
    assert found.low == found.value == found.high
    assert found.n_sampled == 400


@pytest.mark.parametrize("metric", SIGNED)
def test_a_sparse_matrix_scores_like_the_same_one_dense(metric: str) -> None:
    rng = np.random.default_rng(0)
    X = sparse.random(300, 40, 0.3, format="csr", dtype=np.float32, rng=rng)
    embedding = rng.normal(size=(300, 3)).astype(np.float32)
    dense = scores.trustworthiness(X.toarray(), embedding, metric=metric)
    assert np.isclose(scores.trustworthiness(X, embedding, metric=metric).value, dense.value, atol=1e-12)
    expected = sklearn_trustworthiness(X.toarray().astype(np.float64), embedding, n_neighbors=15, metric=metric)
    assert np.isclose(dense.value, expected, atol=2e-3)


@pytest.mark.parametrize("metric", SIGNED)
def test_columns_are_taken_in_parts_without_a_seam(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    X, embedding = pair()
    whole = scores.trustworthiness(X, embedding, metric=metric)
    monkeypatch.setattr(trust, "_COLUMNS_PER_PRODUCT", 64)
    assert np.isclose(scores.trustworthiness(X, embedding, metric=metric).value, whole.value, atol=1e-12)


def test_a_random_embedding_of_rows_with_nothing_in_common_scores_a_half() -> None:
    rng = np.random.default_rng(0)
    X = sparse.random(2000, 500, 0.01, format="csr", rng=rng)
    found = scores.trustworthiness(X, rng.normal(size=(2000, 3)), metric="cosine")
    assert 0.45 < found.value < 0.55


def test_duplicates_of_a_row_are_no_error() -> None:
    rng = np.random.default_rng(0)
    distinct = rng.normal(size=(20, 6))
    which = np.repeat(np.arange(20), 40)
    spread = distinct[which, :3] * 100 + rng.normal(size=(800, 3)) * 0.01
    for metric in SIGNED:
        assert scores.trustworthiness(distinct[which], spread, metric=metric).value == 1.0


def test_rows_of_zeros_and_identical_points_have_a_score() -> None:
    rng = np.random.default_rng(0)
    X = np.where(rng.random((200, 10)) < 0.5, rng.random((200, 10)), 0)
    X[:50] = 0
    for metric in scores.METRICS:
        found = scores.trustworthiness(X, np.zeros((200, 3)), metric=metric)
        assert 0 <= found.low <= found.value <= found.high <= 1


def test_a_sampled_trustworthiness_holds_the_exact_one_in_its_interval() -> None:
    X, embedding = pair(1500)
    exact = scores.trustworthiness(X, embedding, metric="euclidean", sample=1500)
    found = [scores.trustworthiness(X, embedding, metric="euclidean", sample=150, seed=seed) for seed in range(60)]
    assert all(estimate.n_sampled == 150 for estimate in found)
    assert sum(estimate.low <= exact.value <= estimate.high for estimate in found) >= 50
    assert all(estimate.high - estimate.low < 0.1 for estimate in found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metric": "hamming"}, "must be one of euclidean, cosine"),
        ({"n_neighbors": 200}, r"below n / 2 = 200"),
        ({"n_neighbors": 0}, "from 1"),
        ({"sample": 1}, "from 2"),
        ({"embedding": np.zeros((399, 3))}, r"\(399, 3\)"),
        ({"embedding": np.full((400, 3), np.nan)}, "finite"),
        ({"X": np.full((400, 3), np.nan)}, "row 0 of X"),
    ],
)
def test_what_has_no_trustworthiness_is_refused(change: dict[str, Any], message: str) -> None:
    X, embedding = pair()
    with pytest.raises(ValueError, match=message):
        scores.trustworthiness(**{"X": X, "embedding": embedding, "metric": "euclidean", **change})


def test_scores_tell_how_far_they_are_and_can_be_stopped() -> None:
    X, embedding = pair(2000)
    _, labels = cloud(2000)
    told: list[float] = []
    scores.silhouette(embedding, labels, tick=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 5
    told.clear()
    scores.trustworthiness(X, embedding, metric="cosine", tick=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 5

    def stop(done: float) -> None:
        if done > 0.3:
            raise Cancelled

    for call in (
        lambda: scores.silhouette(embedding, labels, tick=stop),
        lambda: scores.trustworthiness(X, embedding, metric="cosine", tick=stop),
    ):
        with pytest.raises(Cancelled):
            call()


def test_coverage_and_sizes_leave_noise_out() -> None:
    labels = np.array([0, 0, -1, 1, -1], np.int32)
    assert scores.coverage(labels) == 0.6
    assert scores.sizes(labels).tolist() == [2, 1]
    assert scores.sizes(labels).dtype == np.int64
    assert scores.coverage([-1, -1]) == 0
    assert scores.sizes([-1, -1]).tolist() == []


def test_agreement_counts_noise_as_a_label() -> None:
    assert scores.adjusted_rand_index([0, 0, 1, 1, -1], [5, 5, 2, 2, 0]) == 1.0
    assert scores.adjusted_rand_index([0, 0, 1, 1], [0, 0, -1, 1]) < 1.0
    with pytest.raises(ValueError, match="one for each of the 2 points"):
        scores.adjusted_rand_index([0, 1], [0, 1, 2])
