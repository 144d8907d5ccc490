"""DensityIndex against sklearn.cluster.DBSCAN, number by number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN

from segwidgets.compute.density import DensityIndex


def squares(points: NDArray) -> NDArray:
    difference = points[:, None].astype(np.float64) - points[None].astype(np.float64)
    total = difference[..., 0] ** 2
    for axis in range(1, points.shape[1]):
        total = total + difference[..., axis] ** 2
    return total


def theirs(points: NDArray, eps: float, min_samples: int) -> NDArray:
    """scikit-learn's labels.

    Two exceptions. It refuses eps = 0, and where eps² is rounded below a square whose root is rounded to eps, its
    KD-tree says yes or no depending on the boxes of its nodes: there the pairs are given to it by its rule for leaves.
    And below 12 points it would not use the tree but a matrix product, which does not compute the distances exactly.
    """
    pairs = squares(np.unique(points, axis=0))
    if eps == 0 or ((pairs > eps * eps) & (np.sqrt(pairs) <= eps)).any():
        outside = (squares(points) > eps * eps).astype(np.float64)
        return DBSCAN(eps=0.5, min_samples=min_samples, metric="precomputed").fit_predict(outside)
    return DBSCAN(eps=eps, min_samples=min_samples, algorithm="kd_tree").fit_predict(points)


def check(points: NDArray, eps: float, built_for: int, asked: int, most: int | None = None) -> None:
    index = DensityIndex(points, built_for, most)
    labels = index.labels(eps, asked, border="first")
    expected = theirs(points, eps, asked)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, expected)
    profile = index.profile([eps], asked)
    assert profile.clusters[0] == expected.max() + 1
    assert round(profile.noise[0] * len(points)) == (expected < 0).sum()


def points_of(kind: str, n: int, d: int, step: int, rng: np.random.Generator) -> NDArray:
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
def cases(draw: st.DrawFn) -> tuple[NDArray, float, int, int, int | None]:
    """A small cloud of a degenerate kind, an eps (often exactly a distance of it), and two min_samples."""
    n = draw(st.integers(1, 60))
    d = draw(st.sampled_from([2, 3]))
    kind = draw(st.sampled_from(["lattice", "duplicates", "line", "one", "cloud", "zeros"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    points = points_of(kind, n, d, draw(st.integers(1, 6)), rng)
    points = points * draw(st.sampled_from([1.0, 1.0, 1e-3, 1e6, 1e-100, 1e100]))
    if draw(st.booleans()) and np.abs(points).max() < 1e30:
        points = points.astype(np.float32)
    pairs = np.sqrt(np.unique(squares(points)))
    how = draw(st.sampled_from(["distance", "between", "above", "below"]))
    eps = float(pairs[draw(st.integers(0, len(pairs) - 1))])
    if how == "between":
        eps = eps * draw(st.floats(0.5, 2.0))
    elif how == "above":
        eps = float(np.nextafter(eps, np.inf))
    elif how == "below" and eps > 0:
        eps = float(np.nextafter(eps, 0))
    built_for, asked = draw(st.integers(1, n + 2)), draw(st.integers(1, n + 2))
    most = draw(st.sampled_from([None, max(built_for, asked)]))
    if most is None and asked > max(built_for, 64):
        asked = built_for
    return points, eps, built_for, asked, most


@given(cases())
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_small_degenerate_clouds_are_labelled_alike(case: tuple[NDArray, float, int, int, int | None]) -> None:
    check(*case)


@given(
    hnp.arrays(
        np.float64, st.tuples(st.integers(1, 20), st.sampled_from([2, 3])), elements=st.floats(-1e3, 1e3, width=32)
    ),
    st.floats(1e-6, 2e3),
    st.integers(1, 8),
)
@settings(max_examples=200, deadline=None)
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


@pytest.mark.parametrize(("n", "d"), [(10_000, 2), (10_000, 3), (50_000, 3)])
def test_large_clouds_are_labelled_alike(n: int, d: int) -> None:
    points = cloud(n, d)
    index = DensityIndex(points, 10)
    settings_tried = [(10, 0.3), (10, 0.8), (5, 0.5), (32, 0.9), (2, 0.1)]
    for min_samples, quantile in settings_tried[: 5 if n <= 10_000 else 2]:
        eps = float(index.k_distances(max(1, min_samples - 1))[int(quantile * n)])
        expected = DBSCAN(eps=eps, min_samples=min_samples).fit_predict(points)
        assert expected.max() >= 0
        np.testing.assert_array_equal(index.labels(eps, min_samples, border="first"), expected)


@pytest.mark.parametrize("min_samples", [1, 5, 12, 40])
def test_a_cloud_with_nine_duplicates_in_ten_is_labelled_alike(min_samples: int) -> None:
    rng = np.random.default_rng(5)
    points = np.round(rng.normal(size=(120, 3)), 1)[rng.integers(0, 120, 1200)]
    index = DensityIndex(points, min_samples)
    for eps in (0.0, 0.05, 0.1, 0.2, 0.35, 0.5):
        np.testing.assert_array_equal(index.labels(eps, border="first"), theirs(points, eps, min_samples))
