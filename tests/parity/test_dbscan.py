"""DensityIndex against sklearn.cluster.DBSCAN, number by number, and against the border rule written out in full."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN

from segwidgets.compute.density import DensityIndex, labels_from_portable
from segwidgets.compute.density.portable import anchors_from_portable

#: Points, eps, the min_samples of the index, the one asked for, and max_min_samples.
Cloud = tuple[NDArray, float, int, int, "int | None"]


def squares(points: NDArray) -> NDArray:
    """Squared distances (n, n), summed axis by axis as in scikit-learn's trees."""
    wide = points.astype(np.float64)
    with np.errstate(over="ignore"):
        total = (wide[:, None, 0] - wide[None, :, 0]) ** 2
        for axis in range(1, points.shape[1]):
            total = total + (wide[:, None, axis] - wide[None, :, axis]) ** 2
    return total


def theirs(points: NDArray, eps: float, min_samples: int) -> NDArray:
    """scikit-learn's labels.

    Two exceptions. It refuses eps = 0, and where eps² is rounded below a square whose root is rounded to eps (or both
    leave float64's range), its KD-tree says yes or no depending on the boxes of its nodes: there the pairs are given
    to it by its rule for leaves. And below 12 points it would not use the tree but a matrix product, which does not
    compute the distances exactly.
    """
    pairs = squares(np.unique(points, axis=0))
    at_the_edge = ((pairs > eps * eps) & (np.sqrt(pairs) <= eps)).any() or not 1e-290 < eps * eps < 1e300
    if eps == 0 or at_the_edge:
        outside = (squares(points) > eps * eps).astype(np.float64)
        return DBSCAN(eps=0.5, min_samples=min_samples, metric="precomputed").fit_predict(outside)
    return DBSCAN(eps=eps, min_samples=min_samples, algorithm="kd_tree").fit_predict(points)


def _points_of(kind: str, n: int, d: int, step: int, rng: np.random.Generator) -> NDArray:
    if kind == "lattice":
        return rng.integers(0, step, (n, d)) * rng.choice([1.0, 0.1, 1 / 3])
    if kind == "duplicates":
        return rng.normal(size=(1 + n // 6, d))[rng.integers(0, 1 + n // 6, n)]
    if kind == "line":
        return rng.integers(0, 20, (n, 1)) * rng.normal(size=(1, d))
    if kind == "one":
        return np.tile(rng.normal(size=(1, d)), (n, 1))
    if kind == "zeros":
        return rng.choice([0.0, -0.0, 1.0], (n, d))
    return rng.normal(size=(n, d))


@st.composite
def clouds(draw: st.DrawFn, *, moderate: bool = False) -> Cloud:
    """A small cloud of a degenerate kind, an eps (often exactly a distance of it), and two min_samples.

    ``moderate``: without coordinates whose squares leave float64.
    """
    n = draw(st.integers(1, 60))
    d = draw(st.one_of(st.sampled_from([1, 2, 3]), st.integers(1, 20)))
    kind = draw(st.sampled_from(["lattice", "duplicates", "line", "one", "cloud", "zeros"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    points = _points_of(kind, n, d, draw(st.integers(1, 6)), rng)
    scales = [1.0, 1.0, 1.0, 1e-3, 1e6]
    points = points * draw(st.sampled_from(scales if moderate else [*scales, 1e-100, 1e100, 1e-155, 1e152]))
    if draw(st.booleans()) and np.abs(points).max() < 1e30:
        points = points.astype(np.float32)
    pairs = np.unique(squares(points))
    pairs = np.sqrt(pairs[np.isfinite(pairs)])
    how = draw(st.sampled_from(["distance", "between", "above", "below"]))
    eps = float(pairs[draw(st.integers(0, len(pairs) - 1))])
    if how == "between":
        eps = eps * draw(st.floats(0.5, 2.0))
    elif how == "above":
        eps = float(np.nextafter(eps, np.inf))
    elif how == "below" and eps > 0:
        eps = float(np.nextafter(eps, 0))
    built_for = draw(st.one_of(st.sampled_from([1, 2, 3]), st.integers(1, n + 2)))
    asked = draw(st.one_of(st.just(built_for), st.integers(1, n + 2)))
    return points, eps, built_for, asked, draw(st.sampled_from([None, max(built_for, asked)]))


def check(points: NDArray, eps: float, built_for: int, asked: int, most: int | None = None) -> None:
    index = DensityIndex(points, built_for, most)
    expected = theirs(points, eps, asked)
    labels = index.labels(eps, asked, border="first")  # the first time without a tree, then with one
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_array_equal(index.labels(eps, asked, border="first"), expected)
    profile = index.profile([eps], asked)
    assert profile.clusters[0] == expected.max() + 1
    assert round(profile.noise[0] * len(points)) == (expected < 0).sum()


@given(clouds())
@settings(max_examples=2500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_small_degenerate_clouds_are_labelled_alike(case: Cloud) -> None:
    check(*case)


def reach(points: NDArray) -> NDArray:
    """The smallest eps whose square reaches each pair, (n, n)."""
    pairs = squares(points)
    distance = np.sqrt(pairs)
    return np.where(distance * distance < pairs, np.nextafter(distance, np.inf), distance)


def nearest(points: NDArray, eps: float, min_samples: int) -> tuple[NDArray, list[int]]:
    """Labels with each border point at the core point it reaches first, and the densest row of each cluster."""
    distance, labels = reach(points), theirs(points, eps, min_samples)
    n = len(points)
    core = np.sort(distance, axis=1)[:, min_samples - 1] if min_samples <= n else np.full(n, np.inf)
    is_core = core <= eps
    place = [tuple(row) for row in (points + 0.0).tolist()]
    out = labels.copy()
    for p in np.flatnonzero(~is_core & (labels >= 0)):
        near = [q for q in np.flatnonzero(is_core) if distance[p, q] <= eps]
        out[p] = labels[min(near, key=lambda q: (max(distance[p, q], core[q]), distance[p, q], place[q]))]
    anchors = [
        min(np.flatnonzero(is_core & (labels == c)), key=lambda q: (core[q], place[q], q))
        for c in range(labels.max() + 1)
    ]
    return out, anchors


@given(clouds(moderate=True), st.randoms(use_true_random=False))
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_way_to_ask_follows_the_rule_for_border_points(case: Cloud, random: Random) -> None:
    points, eps, built_for, asked, most = case
    index = DensityIndex(points, built_for, most)
    expected, anchors = nearest(points, eps, asked)
    for _ in range(2):
        np.testing.assert_array_equal(index.labels(eps, asked), expected)
    np.testing.assert_array_equal(index.anchors(eps, asked), anchors)
    np.testing.assert_array_equal(index.assign(points, eps, asked), expected)
    assert index.profile([eps], asked).largest[0] * len(points) == pytest.approx(
        np.bincount(expected[expected >= 0], minlength=1).max()
    )
    snapped = float(np.float32(eps))
    np.testing.assert_array_equal(labels_from_portable(index.portable(asked), snapped), index.labels(snapped, asked))
    np.testing.assert_array_equal(anchors_from_portable(index.portable(asked), snapped), index.anchors(snapped, asked))
    order = list(range(len(points)))
    random.shuffle(order)
    shuffled = DensityIndex(points[order], built_for, most).labels(eps, asked)
    assert len(set(zip(shuffled, expected[order], strict=True))) == len(set(expected)) == len(set(shuffled))


@given(clouds(moderate=True), st.integers(0, 2**32 - 1))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_new_point_is_what_it_would_be_as_a_border_point(case: Cloud, seed: int) -> None:
    points, eps, built_for, asked, most = case
    rng = np.random.default_rng(seed)
    new = points[rng.integers(0, len(points), 12)] + rng.choice([0, 1, 0.1, -1 / 3], (12, points.shape[1]))
    index = DensityIndex(points, built_for, most)
    labels = index.labels(eps, asked)
    both = reach(np.concatenate([points.astype(np.float64), new]))
    distance = both[len(points) :, : len(points)]
    core = DensityIndex(points, asked, max(asked, 1)).core_distances_
    place = [tuple(row) for row in (points + 0.0).tolist()]
    for found, apart in zip(index.assign(new, eps, asked), distance, strict=True):
        near = [q for q in range(len(points)) if core[q] <= eps and apart[q] <= eps]
        first = min(near, key=lambda q: (max(apart[q], core[q]), apart[q], place[q]), default=None)
        assert found == (-1 if first is None else labels[first])


@given(clouds(), st.integers(0, 2**32 - 1), st.sampled_from([1.0, 0.25, 3.0]))
@settings(max_examples=800, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_rows_with_weights_are_labelled_alike(case: Cloud, seed: int, unit: float) -> None:
    points, eps, built_for, asked, _ = case
    weights = np.random.default_rng(seed).integers(1, 6, len(points)) * unit
    index = DensityIndex(points, built_for, max(built_for, asked), sample_weight=weights)
    outside = (squares(points) > eps * eps).astype(np.float64)
    expected = DBSCAN(eps=0.5, min_samples=asked, metric="precomputed").fit_predict(outside, sample_weight=weights)
    for _ in range(2):
        np.testing.assert_array_equal(index.labels(eps, asked, border="first"), expected)
    profile = index.profile([eps], asked)
    assert profile.clusters[0] == expected.max() + 1
    assert round(profile.noise[0] * len(points)) == (expected < 0).sum()


@given(
    hnp.arrays(np.float64, st.tuples(st.integers(1, 20), st.integers(1, 5)), elements=st.floats(-1e3, 1e3, width=32)),
    st.floats(1e-6, 2e3),
    st.integers(1, 8),
)
@settings(max_examples=300, deadline=None)
def test_whatever_hypothesis_thinks_of_is_labelled_alike(points: NDArray, eps: float, min_samples: int) -> None:
    check(points, eps, min_samples, min_samples)


@pytest.mark.parametrize("seed", range(20))
def test_an_eps_taken_from_the_curve_is_labelled_alike(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(int(rng.integers(50, 400)), 3)).astype(np.float32)
    index = DensityIndex(points, 6)
    for eps in [*index.k_distances(5)[::40], *index.tree_[1][::40]]:
        np.testing.assert_array_equal(
            index.labels(eps, border="first"), DBSCAN(eps=eps, min_samples=6).fit_predict(points)
        )


def cloud(n: int, d: int) -> NDArray:
    """Blobs of several densities, a line and noise, float32."""
    rng = np.random.default_rng(n)
    centers = rng.uniform(0, 60, (15, d))
    which = rng.integers(0, 15, n // 2)
    blobs = centers[which] + rng.normal(size=(n // 2, d)) * rng.uniform(0.3, 2, 15)[which, None]
    line = np.linspace(0, 1, n // 4)[:, None] * rng.uniform(20, 60, d) + rng.normal(size=(n // 4, d)) * 0.2
    noise = rng.uniform(-5, 65, (n - n // 2 - n // 4, d))
    points = np.concatenate([blobs, line, noise])
    return points[rng.permutation(n)].astype(np.float32)


@pytest.mark.parametrize(("n", "d"), [(10_000, 1), (10_000, 2), (10_000, 3), (10_000, 8), (100_000, 3)])
def test_large_clouds_are_labelled_alike(n: int, d: int) -> None:
    points = cloud(n, d)
    index = DensityIndex(points, 10)
    settings_tried = [(10, 0.3), (10, 0.8), (5, 0.5), (32, 0.9), (2, 0.1)]
    for min_samples, quantile in settings_tried[: 5 if n <= 10_000 else 2]:
        eps = float(index.k_distances(max(1, min_samples - 1))[int(quantile * n)])
        expected = DBSCAN(eps=eps, min_samples=min_samples, algorithm="kd_tree").fit_predict(points)
        assert expected.max() >= 0
        np.testing.assert_array_equal(index.labels(eps, min_samples, border="first"), expected)


@pytest.mark.parametrize("min_samples", [1, 5, 12, 40])
def test_a_cloud_with_nine_duplicates_in_ten_is_labelled_alike(min_samples: int) -> None:
    rng = np.random.default_rng(5)
    points = np.round(rng.normal(size=(120, 3)), 1)[rng.integers(0, 120, 1200)]
    index = DensityIndex(points, min_samples)
    for eps in (0.0, 0.05, 0.1, 0.2, 0.35, 0.5):
        np.testing.assert_array_equal(index.labels(eps, border="first"), theirs(points, eps, min_samples))


def test_a_wide_cloud_is_labelled_alike() -> None:
    rng = np.random.default_rng(8)
    points = rng.normal(size=(10, 20))[rng.integers(0, 10, 3000)] * 3 + rng.normal(size=(3000, 20))
    index = DensityIndex(points, 5)
    for eps in (4.0, 4.6, 5.5):
        expected = DBSCAN(eps=eps, min_samples=5, algorithm="kd_tree").fit_predict(points)
        assert expected.max() >= 0
        np.testing.assert_array_equal(index.labels(eps, border="first"), expected)
