"""DensityIndex: border points, anchors, new points, duplicates, weights, the portable form, and what it all takes."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN

from segwidgets.compute.density import DensityIndex, labels_from_portable
from segwidgets.compute.density.portable import anchors_from_portable, snap


def cloud(n: int, d: int = 3, seed: int = 0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    centers = rng.uniform(0, 12, (6, d))
    points = centers[rng.integers(0, 6, n)] + rng.normal(size=(n, d)) * 0.6
    points[::10] = rng.uniform(-2, 14, (len(points[::10]), d))
    return points


def with_duplicates(n: int, places: int) -> NDArray[np.float64]:
    return cloud(places)[np.random.default_rng(1).integers(0, places, n)]


@pytest.mark.parametrize("border", ["last", "", None, 1])
def test_an_unknown_border_rule_is_refused_with_the_known_ones(border: Any) -> None:
    with pytest.raises(ValueError, match=r"border=.*must be 'nearest' or 'first'"):
        DensityIndex(cloud(30)).labels(0.5, border=border)


def test_a_border_point_goes_to_the_core_point_it_reaches_first() -> None:
    # 1.3 is 0.9 from 2.2, which is a core point from 1.3 on, and 1.0 from 0.3, which is one from 0.8 on.
    points = np.array([[2.2], [2.9], [3.5], [3.6], [1.3], [0.3], [-0.3], [-0.4], [-0.5]])
    index = DensityIndex(points, 4)
    assert index.labels(1.5).tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert index.labels(1.5, border="first").tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1]


def test_a_border_point_between_two_clusters_does_not_depend_on_the_order_of_rows() -> None:
    left, middle = np.array([[-3.5], [-3.0], [-2.5], [-2.0]]), np.array([[0.0]])
    one, other = np.concatenate([left, middle, -left]), np.concatenate([-left, middle, left])
    # A tie goes to the smaller coordinate, in scikit-learn to the rows that come first.
    assert DensityIndex(one, 4).labels(2.0).tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1]
    assert DensityIndex(other, 4).labels(2.0).tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert DensityIndex(other, 4).labels(2.0, border="first").tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1]


def test_an_anchor_stays_until_its_cluster_merges_into_a_denser_one() -> None:
    points = np.round(cloud(2000), 2)
    index = DensityIndex(points, 6)
    core = index.core_distances_
    before: dict[int, int] = {}
    for eps in np.linspace(0.05, 4, 60):
        labels, anchors = index.labels(eps), index.anchors(eps)
        assert anchors.dtype == np.int32
        np.testing.assert_array_equal(labels[anchors], np.arange(labels.max() + 1))
        densest = [core[(labels == c) & (core <= eps)].min() for c in range(len(anchors))]
        np.testing.assert_array_equal(core[anchors], densest)
        for anchor in before:
            now = anchors[labels[anchor]]
            assert now == anchor or (core[now], *points[now]) < (core[anchor], *points[anchor])
        before = dict.fromkeys(anchors.tolist(), 0)


def test_new_points_join_the_clusters_of_the_points_they_reach() -> None:
    points = cloud(5000)
    index = DensityIndex(points, 8)
    labels = index.labels(0.4)
    np.testing.assert_array_equal(index.assign(points, 0.4), labels)
    new = cloud(40_000, seed=5)
    found = index.assign(new, 0.4)
    assert found.dtype == np.int32
    assert (found >= 0).any()
    assert (found < 0).any()
    core = np.flatnonzero(index.core_distances_ <= 0.4)
    near = DBSCAN(eps=0.4, min_samples=8).fit(points)
    np.testing.assert_array_equal(near.core_sample_indices_, core)
    apart = np.sqrt(((new[:300, None] - points[None, core]) ** 2).sum(-1))
    np.testing.assert_array_equal(found[:300] >= 0, (apart <= 0.4).any(axis=1))
    assert index.assign(np.empty((0, 3)), 0.4).shape == (0,)


@pytest.mark.parametrize("new", [np.zeros((4, 2)), np.zeros(3), np.full((2, 3), np.nan)])
def test_new_points_that_do_not_fit_are_refused(new: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match=r"points (of shape .*\(m, 3\)|has 6 NaN)"):
        DensityIndex(cloud(50)).assign(new, 0.4)


def test_nine_duplicates_in_ten_are_cheaper_than_none() -> None:
    one, other = cloud(100_000), with_duplicates(100_000, 10_000)
    DensityIndex(one[:500], 10, 16)
    taken = []
    for points in (one, other):
        began = time.perf_counter()
        index = DensityIndex(points, 10, 16)
        taken.append(time.perf_counter() - began)
    assert taken[1] < 0.6 * taken[0]
    eps = float(np.median(index.k_distances(15))) + 0.05
    for min_samples in (10, 16):
        theirs = DBSCAN(eps=eps, min_samples=min_samples).fit_predict(other)
        np.testing.assert_array_equal(index.labels(eps, min_samples, border="first"), theirs)


def test_duplicates_count_as_rows_everywhere() -> None:
    points = with_duplicates(600, 80)
    index = DensityIndex(points, 12, 20)
    distance = np.sqrt(((points[:, None] - points[None]) ** 2).sum(-1))
    distance.sort(axis=1)
    np.testing.assert_allclose(index.core_distances_, distance[:, 11], rtol=1e-14)
    np.testing.assert_allclose(index.k_distances(19), np.sort(distance[:, 19]), rtol=1e-14)
    edges, weights = index.tree_
    assert edges.shape == (599, 2)
    assert (np.diff(weights) >= 0).all()
    # The tree's edges up to an eps make its clusters.
    eps = float(weights[500])
    parent = np.arange(600)
    for a, b in edges[weights <= eps]:
        parent[parent == parent[a]] = parent[b]
    labels, core = index.labels(eps), index.core_distances_ <= eps
    pairs = set(zip(parent[core].tolist(), labels[core].tolist(), strict=True))
    assert len(pairs) == len(set(parent[core].tolist())) == labels.max() + 1


def test_negative_zero_is_zero() -> None:
    assert DensityIndex(np.array([[0.0, 1], [-0.0, 1], [5, 5]]), 2).labels(0).tolist() == [0, 0, -1]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(3), r"shape \(3,\)"),
        (np.array([1, 1, 0, 1]), "0.0 at row 2: every weight must be a finite number above 0"),
        (np.array([1, np.nan, 1, 1]), "nan at row 1"),
        (np.array([1, 0.1, 1, 1]), "cannot be added without rounding"),
        (np.array([1e300, 1, 1, 1]), "cannot be added without rounding"),
        (np.array([5e-324, 1, 1, 1]), "cannot be added without rounding"),
    ],
)
def test_weights_that_cannot_be_counted_exactly_are_refused(weights: NDArray[np.float64], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DensityIndex(cloud(4), 2, sample_weight=weights)


def test_a_stored_index_keeps_duplicates_weights_and_dimensions() -> None:
    points = with_duplicates(400, 150)[:, :2].astype(np.float32)
    weights = np.random.default_rng(0).integers(1, 9, 400) / 4
    for d, given in ((2, None), (1, weights), (2, weights)):
        index = DensityIndex(points[:, :d], 6, 12, sample_weight=given)
        arrays = index.to_arrays()
        assert arrays["points"].dtype == np.float32
        again = DensityIndex.from_arrays(arrays)
        assert again.dims == d
        for min_samples in (6, 3, 12):
            for eps in (0.0, 0.2, 0.9):
                np.testing.assert_array_equal(again.labels(eps, min_samples), index.labels(eps, min_samples))
                np.testing.assert_array_equal(again.anchors(eps, min_samples), index.anchors(eps, min_samples))
                new = cloud(50)[:, :d]
                np.testing.assert_array_equal(again.assign(new, eps, min_samples), index.assign(new, eps, min_samples))
        np.testing.assert_array_equal(again.profile([0.3]).largest, index.profile([0.3]).largest)


def test_the_portable_form_takes_twenty_bytes_a_row_and_cuts_alike() -> None:
    points = np.concatenate([cloud(2500), with_duplicates(500, 60)])
    index = DensityIndex(points, 7)
    for min_samples in (7, 1, 20):
        small = index.portable(min_samples)
        arrays = [getattr(small, name) for name in ("row", "gap", "core", "entry", "host")]
        assert sum(array.nbytes for array in arrays) == 20 * len(points)
        for eps in (0.0, 0.1, 0.35, 0.8, *small.core[:5].tolist(), *small.gap[1:6].tolist()):
            at = snap(eps)
            np.testing.assert_array_equal(labels_from_portable(small, eps), index.labels(at, min_samples))
            np.testing.assert_array_equal(anchors_from_portable(small, eps), index.anchors(at, min_samples))


@pytest.mark.parametrize("eps", [-1.0, np.nan, np.inf, 1e39])
def test_an_eps_beyond_float32_is_refused_by_the_portable_form(eps: float) -> None:
    with pytest.raises(ValueError, match=r"eps=.* below 3\.4e38"):
        labels_from_portable(DensityIndex(cloud(20), 3).portable(), eps)


_MEASURE = """
import re, sys
from pathlib import Path
import numpy as np
from segwidgets.compute.density import DensityIndex

def bytes_of(what):
    return 1024 * int(re.search(what + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

n, dims, most = map(int, sys.argv[1:])
points = np.random.default_rng(0).normal(size=(n, dims)).astype(np.float32)
index = DensityIndex(points[:3000], 5, most)
index.labels(0.1)
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
before = bytes_of("VmRSS")
index = DensityIndex(points, 5, most)
index.labels(0.1)
sys.stdout.write(f"{bytes_of('VmHWM') - before} {DensityIndex.estimate_bytes(n, dims, most)}")
"""


@pytest.mark.parametrize(("dims", "most"), [(3, 16), (2, 64), (8, 16)])
def test_what_an_index_takes_is_what_was_stated(dims: int, most: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, "200000", str(dims), str(most)], capture_output=True, text=True, check=True
    )
    taken, stated = map(int, done.stdout.split())
    assert 0.6 * stated < taken < 1.15 * stated
