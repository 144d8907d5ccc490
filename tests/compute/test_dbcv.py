"""DBCV against the paper's formulas written out, and on shapes whose score is known."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import make_blobs, make_moons

from segwidgets.compute import scores
from segwidgets.compute.progress import Cancelled
from segwidgets.compute.scores import mutual, validation

Metric = Literal["sqeuclidean", "euclidean"]


def value(points: NDArray[Any], labels: NDArray[Any], metric: Metric = "sqeuclidean") -> float:
    found = scores.dbcv(points, labels, metric=metric)
    assert found is not None
    assert found.low == found.value == found.high
    return found.value


def written_out(points: NDArray[Any], labels: NDArray[Any], metric: Metric) -> float:
    """Moulavi et al. 2014, with matrices; Kruskal's trees, ties by density, distance, coordinates."""
    n, d = points.shape
    order = np.lexsort(points.T[::-1])
    points, labels = points[order].astype(np.float64), labels[order]
    names = [name for name in np.unique(labels) if name >= 0 and (labels == name).sum() > 1]

    def distance(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
        squares = ((a[:, None] - b[None]) ** 2).sum(axis=2)
        return squares if metric == "sqeuclidean" else np.sqrt(squares)

    inner, core, sparseness = {}, {}, {}
    for name in names:
        mine = points[labels == name]
        m = len(mine)
        between = distance(mine, mine)
        density = (np.where(between > 0, between, np.inf) ** -float(d)).sum(axis=1) / (m - 1)
        a = np.array([x ** (-1 / d) if x > 0 else 0.0 for x in density])
        reach = np.maximum(between, np.maximum(a[:, None], a[None]))
        i, j = np.triu_indices(m, 1)
        tree, parent = [], np.arange(m)
        for edge in np.lexsort((j, i, between[i, j], np.minimum(a[i], a[j]), reach[i, j])):
            p, q = parent[i[edge]], parent[j[edge]]
            if p != q:
                parent[parent == p] = q
                tree.append((i[edge], j[edge]))
        degree = np.bincount(np.ravel(tree), minlength=m)
        weights = [reach[p, q] for p, q in tree]
        inside = [reach[p, q] for p, q in tree if degree[p] > 1 and degree[q] > 1]
        sparseness[name] = max(inside or weights)
        nodes = degree > 1 if (degree > 1).any() else np.ones(m, bool)
        inner[name], core[name] = mine[nodes], a[nodes]
    total = 0.0
    for name in names:
        separation = min(
            np.maximum(distance(inner[name], inner[other]), np.maximum(core[name][:, None], core[other][None])).min()
            for other in names
            if other != name
        )
        larger = max(separation, sparseness[name])
        total += (labels == name).sum() / n * ((separation - sparseness[name]) / larger if larger > 0 else 0.0)
    return float(total)


def cases() -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    rng = np.random.default_rng(0)
    lattice = rng.integers(0, 6, (250, 2)).astype(float)
    copies = rng.normal(size=(40, 3))[rng.integers(0, 40, 300)]
    moons, of_moon = make_moons(300, noise=0.08, random_state=0)
    found = {
        "moons": (moons, of_moon),
        "random labels": (rng.normal(size=(300, 3)), rng.integers(0, 4, 300)),
        "noise": (rng.normal(size=(300, 3)), rng.integers(-3, 4, 300)),
        "lattice": (lattice, rng.integers(-1, 3, 250)),
        "lattice in halves": (lattice, (lattice[:, 0] > 2).astype(int)),
        "nine copies in ten": (copies, (copies[:, 0] > 0).astype(int)),
        "small clusters": (rng.normal(size=(12, 3)), np.array([0, 0, 1, 1, 1, 2, -1, 3, 3, 3, 3, 7])),
        "far": (rng.normal(size=(100, 2)) + 1e6, rng.integers(0, 2, 100)),
        "float32": (rng.normal(size=(200, 3)).astype(np.float32), rng.integers(0, 2, 200)),
    }
    for d in (1, 2, 4, 7, 20):
        found[f"{d} columns"] = make_blobs(240, d, centers=4, cluster_std=1.5, random_state=d)
    return found


@pytest.mark.parametrize("metric", validation.METRICS)
@pytest.mark.parametrize("case", cases())
def test_dbcv_is_the_papers_formula(case: str, metric: Metric) -> None:
    points, labels = cases()[case]
    assert np.isclose(value(points, labels, metric), written_out(points, labels, metric), atol=1e-9)


def test_clusters_of_every_size_are_joined_by_the_same_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    points, labels = make_blobs([30, 500, 200, 3], 3, cluster_std=1.0, random_state=1)
    expected = written_out(points, labels, "sqeuclidean")
    assert np.isclose(value(points, labels), expected, atol=1e-12)
    monkeypatch.setattr(mutual, "_SMALL", 100)
    monkeypatch.setattr(mutual, "_PAIRS_PER_SLICE", 1000)
    assert np.isclose(value(points, labels), expected, atol=1e-12)


def test_two_moons_apart_score_high_and_the_wrong_halves_low() -> None:
    points, of_moon = make_moons(1000, noise=0.03, random_state=0)
    assert value(points, of_moon) > 0.8
    assert value(points, (points[:, 0] > 0.5).astype(int)) < 0


def test_random_labels_score_below_zero() -> None:
    rng = np.random.default_rng(0)
    assert value(rng.normal(size=(2000, 3)), rng.integers(0, 5, 2000)) < -0.5


def test_noise_counts_against_the_score() -> None:
    points, labels = make_blobs(600, 3, centers=3, cluster_std=0.3, random_state=0)
    with_noise = labels.copy()
    rng = np.random.default_rng(0)
    points = np.concatenate([points, rng.uniform(-10, 10, (600, 3))])
    assert np.isclose(
        value(points, np.concatenate([with_noise, np.full(600, -1)])), value(points[:600], labels) / 2, atol=1e-12
    )


def test_the_order_of_rows_the_names_of_clusters_and_the_unit_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    points = rng.integers(0, 5, (200, 3)).astype(float)
    labels = rng.integers(-1, 3, 200)
    expected = value(points, labels)
    order = rng.permutation(200)
    assert np.isclose(value(points[order], labels[order]), expected, atol=1e-12)
    assert np.isclose(value(points, np.where(labels >= 0, 10 - labels, -1)), expected, atol=1e-12)
    assert value(points * 2.0**-600, labels) == expected
    assert value(points * 2.0**600, labels) == expected


def test_clusters_without_extent_have_a_score() -> None:
    here, there = np.zeros((5, 3)), np.ones((5, 3))
    assert value(np.concatenate([here, there]), np.repeat([0, 1], 5)) == 1.0
    assert value(np.concatenate([here, here]), np.repeat([0, 1], 5)) == 0.0


@pytest.mark.parametrize(
    "labels", [np.full(6, -1), np.zeros(6, int), np.array([0, 0, 0, 1, -1, -1]), np.array([0, 1, 2, 3, 4, 5])]
)
def test_fewer_than_two_clusters_of_two_have_no_dbcv(labels: NDArray[Any]) -> None:
    assert scores.dbcv(np.random.default_rng(0).normal(size=(6, 2)), labels) is None


def shapes() -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    rng = np.random.default_rng(0)
    blobs, labels = make_blobs(4000, 3, centers=5, cluster_std=0.6, random_state=3)
    thirds = rng.integers(-1, 3, 3000)
    return {
        "moons": make_moons(4000, noise=0.06, random_state=0),
        "blobs and noise": (
            np.concatenate([blobs, rng.uniform(-10, 10, (1000, 3))]),
            np.concatenate([labels, np.full(1000, -1)]),
        ),
        "random labels": (rng.normal(size=(3000, 2)), thirds),
    }


@pytest.mark.parametrize("shape", shapes())
def test_beyond_the_exact_cost_the_interval_of_subsamples_holds_the_exact_value(
    shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    points, labels = shapes()[shape]
    exact = value(points, labels)
    monkeypatch.setattr(validation, "EXACT_PAIRS", 1_000_000)
    held = 0
    for seed in range(20):
        found = scores.dbcv(points, labels, seed=seed)
        assert found is not None
        assert found.low < found.value < found.high
        assert found.n_sampled < 0.5 * len(points)
        held += found.low <= exact <= found.high
    assert held >= 18


def test_a_sample_may_be_asked_for_and_all_points_too(monkeypatch: pytest.MonkeyPatch) -> None:
    points, labels = shapes()["blobs and noise"]
    exact = value(points, labels)
    sampled = scores.dbcv(points, labels, sample=1000)
    assert sampled is not None
    assert 950 < sampled.n_sampled < 1050
    assert sampled.low < exact < sampled.high
    monkeypatch.setattr(validation, "EXACT_PAIRS", 1000)
    everything = scores.dbcv(points, labels, sample=4000)
    assert everything is not None
    assert everything.value == exact
    assert everything.n_sampled == 4000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metric": "cosine"}, "must be one of sqeuclidean, euclidean"),
        ({"sample": 1}, "from 2"),
        ({"points": np.full((4, 2), np.inf)}, "NaN or infinite"),
    ],
)
def test_what_has_no_dbcv_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scores.dbcv(**{"points": np.zeros((4, 2)), "labels": np.array([0, 0, 1, 1]), **change})


def test_dbcv_tells_how_far_it_is_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutual, "_PAIRS_PER_SLICE", 100_000)
    points, labels = make_blobs([2500, 300, 300], 3, random_state=0)
    told: list[float] = []
    scores.dbcv(points, labels, tick=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 20

    def stop(done: float) -> None:
        if done > 0.6:
            raise Cancelled

    with pytest.raises(Cancelled):
        scores.dbcv(points, labels, tick=stop)
