"""The other methods: HDBSCAN held to scikit-learn's, scores to their definitions, refusals in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.cluster import HDBSCAN
from sklearn.metrics import adjusted_rand_score, calinski_harabasz_score
from sklearn.metrics.cluster import contingency_matrix

from segwidgets.compute.density import DensityIndex
from segwidgets.compute.methods import (
    FAVOURS,
    Clustered,
    again,
    compare_methods,
    count_curve,
    dbscan,
    gaussian_mixture,
    hdbscan,
    kmeans,
    scored,
)
from segwidgets.compute.methods.again import thinned
from segwidgets.compute.methods.clustered import by_first_row
from segwidgets.compute.methods.comparison import balance
from segwidgets.compute.methods.curves import elbow
from segwidgets.compute.progress import Cancelled


def cloud(seed: int, n: int = 700) -> Any:
    """Balls of different sizes and widths, and noise between them."""
    rng = np.random.default_rng(seed)
    parts = [
        rng.normal(rng.uniform(0, 12, 3), rng.uniform(0.2, 0.8), (int(rng.integers(40, n // 4)), 3)) for _ in range(6)
    ]
    return np.vstack([*parts, rng.uniform(-1, 13, (60, 3))])


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("size", "least"), [(5, 15), (10, 30)])
def test_hdbscan_finds_what_scikit_learn_finds(seed: int, size: int, least: int) -> None:
    points = cloud(seed)
    ours = hdbscan(DensityIndex(points, size, size), min_cluster_size=least)
    theirs = HDBSCAN(min_cluster_size=least, min_samples=size, algorithm="brute", copy=True).fit_predict(points)
    # A point's lightest edges all weigh its core distance, so there are many trees: a row or two at a split may differ.
    assert ours.clusters == theirs.max() + 1
    shared = contingency_matrix(theirs, ours.labels)
    assert len(points) - shared.max(axis=1).sum() <= 0.01 * len(points)
    assert adjusted_rand_score(ours.labels, theirs) > 0.985


def test_hdbscan_takes_rows_at_one_place() -> None:
    places = np.repeat(np.array([[0.0, 0.0], [5.0, 5.0]]), 30, axis=0)
    points = np.vstack([places, np.random.default_rng(0).uniform(-20, 20, (20, 2))])
    found = hdbscan(DensityIndex(points, 5, 5), min_cluster_size=20)
    assert found.clusters == 2
    assert (found.labels[:30] == 0).all()
    assert (found.labels[30:60] == 1).all()


def test_fewer_rows_than_neighbours_are_all_noise() -> None:
    found = hdbscan(DensityIndex(np.eye(4)[:, :2], 10, 10), min_cluster_size=2)
    assert (found.labels == -1).all()


@pytest.mark.parametrize("least", [1, 0, -3, 10_000, True])
def test_a_least_size_that_cannot_be_is_refused(least: int) -> None:
    with pytest.raises(ValueError, match=r"min_cluster_size=.* is not allowed: it must be a whole number from 2 to"):
        hdbscan(DensityIndex(cloud(0), 5, 5), min_cluster_size=least)


def test_all_methods_answer_alike(points: Any, index: DensityIndex) -> None:
    eps = index.suggest_eps()
    found = [
        dbscan(index, eps=eps),
        hdbscan(index, min_cluster_size=40),
        kmeans(points, 4),
        gaussian_mixture(points, 4),
    ]
    for one in found:
        assert one.labels.shape == (len(points),)
        assert one.labels.dtype == np.int32
        assert one.seconds > 0
        first = [int(np.flatnonzero(one.labels == label)[0]) for label in range(one.clusters)]
        assert first == sorted(first), "segments are numbered by their first row, whatever the method"
        assert adjusted_rand_score(one.labels, np.repeat(range(4), 150)) > 0.9
    assert found[0].name.startswith("DBSCAN (eps=")
    assert found[3].strength is not None
    assert ((found[3].strength > 0) & (found[3].strength <= 1)).all()


@pytest.fixture(scope="module")
def points() -> Any:
    rng = np.random.default_rng(1)
    return np.vstack([rng.normal(place, 0.5, (150, 3)) for place in ((0, 0, 0), (6, 0, 0), (0, 6, 0), (0, 0, 6))])


@pytest.fixture(scope="module")
def index(points: Any) -> DensityIndex:
    return DensityIndex(points, 5, 32)


def test_kmeans_leaves_sparse_features_sparse_and_a_mixture_refuses_them(points: Any) -> None:
    matrix = sp.csr_matrix(np.abs(points))
    assert kmeans(matrix, 3).clusters == 3
    with pytest.raises(ValueError, match="needs dense features, and these are sparse: take it on the map"):
        gaussian_mixture(matrix, 3)


@pytest.mark.parametrize("method", [kmeans, gaussian_mixture])
@pytest.mark.parametrize("k", [0, 601, 2.5, True])
def test_a_number_of_segments_that_cannot_be_is_refused(points: Any, method: Any, k: Any) -> None:
    with pytest.raises(ValueError, match=r"k=.* is not allowed: it must be a whole number from 1 to 600"):
        method(points, k)


def test_the_same_seed_gives_the_same_segments(points: Any) -> None:
    for method in (kmeans, gaussian_mixture):
        assert np.array_equal(method(points, 4, seed=3).labels, method(points, 4, seed=3).labels)


def test_numbering_by_first_row_changes_nothing_else() -> None:
    assert by_first_row(np.array([7, 7, -1, 2, 7, 0])).tolist() == [0, 0, -1, 1, 0, 2]


def test_scores_are_those_of_their_definitions(points: Any) -> None:
    found = kmeans(points, 4)
    row = scored(points, found)
    assert row.coverage == 1.0
    assert row.silhouette is not None
    assert row.dbcv is not None
    assert row.calinski_harabasz == pytest.approx(calinski_harabasz_score(points, found.labels))
    assert row.balance == pytest.approx(1.0)
    assert row.stability is None


def test_stability_asks_the_method_again_on_samples(points: Any) -> None:
    found = kmeans(points, 4)
    asked: list[int] = []

    def again(rows: Any) -> Any:
        asked.append(len(rows))
        return kmeans(points[rows], 4).labels

    row = scored(points, found, again=again, repeats=3)
    assert asked == [480, 480, 480]
    assert row.stability == pytest.approx(1.0)
    assert scored(points, found, again=lambda rows: np.zeros(len(rows), np.int32), repeats=2).stability == 0.0


def test_scoring_can_be_cancelled(points: Any) -> None:
    def tick(done: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        scored(points, kmeans(points, 4), tick=tick)


def test_below_two_segments_there_is_no_score_but_a_count(points: Any) -> None:
    row = scored(points, Clustered("dbscan", {"eps": 1.0}, np.full(600, -1, np.int32), 0.1))
    assert (row.clusters, row.coverage) == (0, 0.0)
    assert row.silhouette is row.dbcv is row.calinski_harabasz is row.balance is None


def test_balance_is_the_entropy_of_the_sizes() -> None:
    labels = np.repeat([0, 1, -1], [75, 25, 10]).astype(np.int32)
    expected = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25)) / np.log(2)
    assert balance(labels) == pytest.approx(expected)


def test_the_table_has_a_line_a_method_and_the_intervals(points: Any, index: DensityIndex) -> None:
    frame = compare_methods([scored(points, kmeans(points, 4)), scored(points, dbscan(index, eps=1.0))])
    assert list(frame["method"]) == ["kmeans", "dbscan"]
    assert (frame["silhouette_low"] <= frame["silhouette"]).all()
    told = {"clusters", "method", "name", "seconds"}
    scores = {name for name in frame.columns if not name.endswith(("_low", "_high"))} - told
    assert scores == set(FAVOURS), "no score without what it favours"


def test_the_curves_find_the_number_of_balls(points: Any) -> None:
    told: list[float] = []
    curve = count_curve(points, range(2, 9), tick=told.append)
    assert curve.elbow == curve.lowest_bic == 4
    assert curve.bic is not None
    assert len(curve.k) == len(curve.inertia) == len(curve.bic) == 7
    assert told[-1] == 1.0
    assert count_curve(sp.csr_matrix(np.abs(points)), [2, 3]).bic is None


def test_a_straight_line_has_no_elbow() -> None:
    assert elbow([2, 3, 4, 5], [4.0, 3.0, 2.0, 1.0]) is None
    assert elbow([2, 3], [4.0, 3.0]) is None
    assert elbow([2, 3, 4, 5, 6], [10.0, 2.0, 1.5, 1.2, 1.0]) == 3


def test_no_number_to_try_is_refused(points: Any) -> None:
    with pytest.raises(ValueError, match="counts is empty"):
        count_curve(points, [])


def test_hdbscan_answers_any_min_samples_of_its_index(points: Any, index: DensityIndex) -> None:
    own = hdbscan(DensityIndex(points, 20, 20), min_cluster_size=40)
    other = hdbscan(index, min_cluster_size=40, min_samples=20)
    assert other.settings["min_samples"] == 20
    assert np.array_equal(own.labels, other.labels)


def test_the_tree_of_another_min_samples_is_that_of_an_index_of_it() -> None:
    doubled = np.vstack([cloud(3), cloud(3)[:50]])  # rows at one place hang on each other
    weights = DensityIndex(doubled, 5, 32).tree(20)[1]
    assert np.allclose(weights, DensityIndex(doubled, 20, 20).tree_[1])
    with pytest.raises(ValueError, match="min_samples=33 is not allowed"):
        DensityIndex(doubled, 5, 32).tree(33)


@pytest.mark.parametrize("method", ["dbscan", "hdbscan", "kmeans", "gmm"])
def test_a_sample_is_clustered_as_all_rows_were(points: Any, index: DensityIndex, method: str) -> None:
    found = {
        "dbscan": lambda: dbscan(index, eps=1.5, min_samples=10),
        "hdbscan": lambda: hdbscan(index, min_cluster_size=40, min_samples=10),
        "kmeans": lambda: kmeans(points, 4),
        "gmm": lambda: gaussian_mixture(points, 4),
    }[method]()
    rows = np.arange(0, 600, 2)
    labels = again(points, found)(rows)
    assert labels.shape == (300,)
    assert adjusted_rand_score(found.labels[rows], labels) > 0.95

    def stop(done: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        again(points, found, tick=stop)(rows)


def test_a_thin_sample_keeps_the_density_and_five_neighbours() -> None:
    assert thinned(10, 0.8, 3) == (8, 1.0)
    assert thinned(3, 0.8, 3) == (3, 1.0)
    assert thinned(100, 0.1, 3) == (10, 1.0)
    size, wider = thinned(10, 0.1, 2)
    assert size == 5
    assert size / (0.1 * 10) == pytest.approx(wider**2), "as many more rows as the disc is larger"
    assert thinned(4, 0.1, 2)[0] == 4


def test_a_thin_sample_of_a_large_table_finds_the_same_segments() -> None:
    rng = np.random.default_rng(0)
    many = np.vstack([rng.normal(place, 0.5, (5_000, 2)) for place in ((0, 0), (6, 0), (0, 6))])
    found = dbscan(DensityIndex(many, 10, 10), eps=0.25)
    rows = np.sort(rng.choice(15_000, 750, replace=False))
    assert adjusted_rand_score(found.labels[rows], again(many, found)(rows)) > 0.9


def test_samples_of_a_large_table_are_drawn_as_of_a_smaller_one(monkeypatch: pytest.MonkeyPatch, points: Any) -> None:
    monkeypatch.setattr("segwidgets.compute.methods.comparison.SAMPLED_ROWS", 200)
    asked: list[int] = []

    def listening(rows: Any) -> Any:
        asked.append(len(rows))
        return np.zeros(len(rows), np.int32)

    scored(points, kmeans(points, 4), again=listening, repeats=2)
    assert asked == [160, 160]


def test_a_mixture_takes_columns_that_say_the_same_in_single_precision() -> None:
    one = np.random.default_rng(0).normal(size=(3_000, 1))
    columns = np.hstack([one * (1 + at / 50) for at in range(100)]).astype(np.float32)
    assert gaussian_mixture(columns, 3).clusters == 3  # scikit-learn finds no Cholesky factor in single precision
