"""DensityIndex: what it refuses, what holds for any cloud, and how it is stopped and stored."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from segwidgets.compute.density import DensityIndex
from segwidgets.compute.progress import Cancelled


def cloud(n: int, d: int = 3, seed: int = 0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    centers = rng.uniform(0, 12, (6, d))
    points = centers[rng.integers(0, 6, n)] + rng.normal(size=(n, d)) * 0.6
    points[::10] = rng.uniform(-2, 14, (len(points[::10]), d))
    return points


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((0, 3)), "no rows"),
        (np.zeros((4, 21)), r"\(4, 21\).*\(n, d\) with d from 1 to 20"),
        (np.zeros(4), r"\(4,\)"),
        (np.array([[0, 0, 0], [0, np.nan, 0]]), "1 NaN or infinite values, the first at row 1, column 1"),
        (np.array([[0, np.inf], [np.nan, 0]]), "2 NaN or infinite values, the first at row 0, column 1"),
        (np.array([["a", "b"]]), "dtype"),
    ],
)
def test_points_that_cannot_be_clustered_are_refused_with_the_reason(points: NDArray[Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DensityIndex(points)


@pytest.mark.parametrize("min_samples", [0, -1, 2.5, True, "10", None])
def test_a_min_samples_below_one_or_not_whole_is_refused(min_samples: Any) -> None:
    with pytest.raises(ValueError, match=r"min_samples=.* must be a whole number from 1"):
        DensityIndex(cloud(20), min_samples)


def test_a_limit_below_min_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="max_min_samples=4 is not allowed: it must be from min_samples=5"):
        DensityIndex(cloud(20), 5, 4)


def test_an_index_larger_than_the_machine_is_refused_before_work_starts() -> None:
    began = time.perf_counter()
    with pytest.raises(ValueError, match=r"GB of this machine's .* lower max_min_samples"):
        DensityIndex(np.random.default_rng(0).random((400_000, 3)), 5, 10**9)
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("eps", [-1e-9, np.nan, np.inf, "0.5", None, True])
def test_an_eps_that_is_no_distance_is_refused(eps: Any) -> None:
    with pytest.raises(ValueError, match=r"eps=.* must be a finite number from 0"):
        DensityIndex(cloud(20)).labels(eps)


@pytest.mark.parametrize("min_samples", [0, 65, 1.5])
def test_a_min_samples_beyond_the_limit_is_refused_with_the_way_out(min_samples: Any) -> None:
    index = DensityIndex(cloud(90))
    message = r"from 1 to 64\. Build the index with a larger max_min_samples"
    with pytest.raises(ValueError, match=message):
        index.labels(0.5, min_samples)
    with pytest.raises(ValueError, match=message):
        index.profile([0.5], min_samples)
    with pytest.raises(ValueError, match=message):
        index.suggest_eps(min_samples)


def test_an_index_that_lists_all_points_answers_every_min_samples() -> None:
    index = DensityIndex(cloud(12), 40, 12)
    assert (index.labels(1e9) == -1).all()
    assert (index.labels(1e9, 12) == 0).all()
    assert (index.labels(1e9, 13) == -1).all()
    assert (DensityIndex.from_arrays(index.to_arrays()).labels(1e9, 12) == 0).all()


@pytest.mark.parametrize("grid", [[[0.1]], [0.1, np.nan], [-0.1], [np.inf]])
def test_a_grid_that_is_not_a_row_of_distances_is_refused(grid: Any) -> None:
    with pytest.raises(ValueError, match="eps_grid"):
        DensityIndex(cloud(20)).profile(grid)


@pytest.mark.parametrize("k", [-1, 20, 2.0])
def test_a_k_beyond_the_other_points_is_refused(k: Any) -> None:
    with pytest.raises(ValueError, match=r"k=.*from 0 to 19"):
        DensityIndex(cloud(20)).k_distances(k)


def test_a_single_point_is_noise_or_its_own_cluster() -> None:
    index = DensityIndex([[1.0, 2.0]], 2)
    assert index.labels(1.0).tolist() == [-1]
    assert index.labels(0.0, 1).tolist() == [0]
    assert index.tree_[0].shape == (0, 2)
    assert index.profile([0.5]).noise.tolist() == [1.0]
    assert index.profile([0.5], 1).largest.tolist() == [1.0]


def test_fewer_points_than_min_samples_are_all_noise() -> None:
    index = DensityIndex(cloud(9), 10)
    assert (index.labels(1e9) == -1).all()
    assert np.isinf(index.core_distances_).all()
    profile = index.profile([0.1, 1e9])
    assert (profile.clusters == 0).all()
    assert (profile.noise == 1).all()
    assert (profile.largest == 0).all()
    assert (index.labels(1e9, 9) == 0).all()


def test_an_eps_of_zero_joins_exact_duplicates_only() -> None:
    points = np.array([[0, 0], [1, 1], [0, -0.0], [1 + 2**-52, 1], [1, 1], [1, 1]])
    assert DensityIndex(points, 2).labels(0).tolist() == [0, 1, 0, -1, 1, 1]


def test_identical_points_are_one_cluster_quickly() -> None:
    points = np.full((200_000, 3), 0.3)
    DensityIndex(points[:100], 5).labels(0.0)
    began = time.perf_counter()
    index = DensityIndex(points, 10)
    assert (index.labels(0.0) == 0).all()
    assert (index.labels(0.0, 25) == 0).all()
    assert time.perf_counter() - began < 10
    assert index.suggest_eps() > 0


def test_one_far_outlier_does_not_slow_the_search() -> None:
    points = cloud(50_000)
    points[7] = 1e12
    DensityIndex(points[:500])
    began = time.perf_counter()
    DensityIndex(points)
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("scale", [1e-170, 1e-155, 1e150, 1e160, 1e300])
def test_coordinates_whose_squares_leave_float64_still_make_an_index(scale: float) -> None:
    points = cloud(300) * scale
    index = DensityIndex(points, 4)
    eps = index.tree_[1]
    assert np.isfinite(eps).all()
    assert (np.diff(index.k_distances(3)) >= 0).all()
    assert (index.labels(float(eps[-1])) == 0).all()
    # Nothing is nearer than the smallest distance there is: below it all points are noise.
    if index.core_distances_.min() > 0:
        assert (index.labels(float(np.nextafter(index.core_distances_.min(), 0))) == -1).all()


def test_the_third_coordinate_of_flat_points_changes_no_bit() -> None:
    flat = cloud(700, 2)
    index, padded = DensityIndex(flat), DensityIndex(np.column_stack([flat, np.full(700, 3.5)]))
    np.testing.assert_array_equal(index.core_distances_, padded.core_distances_)
    np.testing.assert_array_equal(index.tree_[1], padded.tree_[1])
    expected = np.sqrt(((flat[:, None] - flat[None]) ** 2).sum(-1))
    np.testing.assert_allclose(index.k_distances(9), np.sort(np.sort(expected, axis=1)[:, 9]), rtol=4e-16)


def test_core_and_k_distances_are_those_of_a_search_in_full() -> None:
    points = cloud(3000)
    index = DensityIndex(points, 7, 20)
    found = cKDTree(points).query(points, 20)[0]
    np.testing.assert_allclose(index.core_distances_, found[:, 6], rtol=1e-15)
    np.testing.assert_allclose(index.k_distances(19), np.sort(found[:, 19]), rtol=1e-15)
    assert (index.k_distances(0) == 0).all()


def test_a_point_is_core_from_its_core_distance_on() -> None:
    points = cloud(400).astype(np.float32)
    index = DensityIndex(points, 5)
    core = index.core_distances_
    wide = points.astype(np.float64)
    squares = sum((wide[:, None, axis] - wide[None, :, axis]) ** 2 for axis in range(3))
    for row in range(0, 400, 7):
        just, before = core[row], np.nextafter(core[row], 0)
        assert (squares[row] <= just * just).sum() >= 5
        assert (squares[row] <= before * before).sum() < 5


def test_the_tree_has_the_least_weight_there_is() -> None:
    points = cloud(400)
    distance = cdist(points, points)
    for min_samples in (1, 2, 6, 32):
        index = DensityIndex(points, min_samples)
        edges, weights = index.tree_
        core = index.core_distances_
        np.testing.assert_array_equal(weights, np.sort(weights))
        np.testing.assert_allclose(
            weights, np.maximum(distance[edges[:, 0], edges[:, 1]], core[edges].max(axis=1)), rtol=1e-15
        )
        assert np.isclose(weights.sum(), prim(np.maximum(distance, np.maximum(core[:, None], core))), rtol=1e-12)


def prim(weights: NDArray[np.float64]) -> float:
    """Weight of a minimum spanning tree of a full matrix."""
    near, inside, total = weights[0].copy(), np.zeros(len(weights), bool), 0.0
    inside[0] = True
    for _ in range(len(weights) - 1):
        nearest = int(np.argmin(np.where(inside, np.inf, near)))
        total += near[nearest]
        inside[nearest] = True
        near = np.minimum(near, weights[nearest])
    return total


def test_another_min_samples_gives_what_an_index_built_for_it_gives() -> None:
    points = np.round(cloud(2000), 1)
    index = DensityIndex(points, 10)
    for min_samples in (1, 2, 3, 9, 10, 11, 63, 64, 4, 10):
        own = DensityIndex(points, min_samples, max(2, min_samples))
        np.testing.assert_array_equal(index._hierarchy(min_samples).weights, own._hierarchy(None).weights)
        for eps in (0.1, 0.3, 0.7):
            np.testing.assert_array_equal(index.labels(eps, min_samples), own.labels(eps))


def test_clusters_merge_and_never_split_as_eps_grows() -> None:
    points = np.round(cloud(1500), 1)
    index = DensityIndex(points, 6)
    core = index.core_distances_
    before, at = index.labels(0.0), 0.0
    for eps in np.linspace(0.05, 3, 40):
        now = index.labels(eps)
        was_core = core <= at
        for cluster in range(before.max() + 1):
            assert len(set(now[was_core & (before == cluster)])) == 1
        assert not ((before >= 0) & (now < 0)).any(), "a clustered point became noise"
        before, at = now, eps


def test_a_profile_says_what_the_labels_say() -> None:
    points = np.round(cloud(1200), 1)
    index = DensityIndex(points, 6)
    grid = np.concatenate([np.linspace(0, 4, 60), index.k_distances(5)[::60], index.tree_[1][::60]])
    for min_samples in (6, 1, 15):
        profile = index.profile(grid, min_samples)
        core = DensityIndex(points, min_samples).core_distances_
        for i, eps in enumerate(grid):
            labels = index.labels(eps, min_samples)
            sizes = np.bincount(labels[labels >= 0], minlength=1)
            cores = np.bincount(labels[core <= eps], minlength=1)
            assert profile.clusters[i] == labels.max() + 1
            assert np.isclose(profile.noise[i], (labels < 0).mean(), atol=1e-12)
            # Only border points between two clusters may be counted elsewhere.
            assert cores.max() / len(points) <= profile.largest[i] + 1e-12
            assert abs(profile.largest[i] - sizes.max() / len(points)) < 0.02
            if labels.max() == 0:
                assert np.isclose(profile.largest[i], sizes.max() / len(points))
    assert (np.diff(index.profile(np.sort(grid)).largest) >= 0).all()


def test_the_largest_cluster_counts_each_border_point_where_it_first_belongs() -> None:
    points = np.round(cloud(250), 1)
    index = DensityIndex(points, 6)
    core = index.core_distances_
    distance = cdist(points, points)
    for eps in index.k_distances(5)[[60, 100, 140, 180, 220]]:
        labels = index.labels(eps)
        is_core = core <= eps
        reached = np.where(is_core[None], np.maximum(distance, core[None]), np.inf)
        members = [
            # Ties in reach between clusters may go either way: both bounds are checked.
            {labels[q] for q in np.flatnonzero(np.isclose(reached[p], reached[p].min(), rtol=1e-12))}
            for p in np.flatnonzero(~is_core & (labels >= 0))
        ]
        sure = np.bincount(labels[is_core], minlength=labels.max() + 1)
        most = sure.copy()
        for choice in members:
            for cluster in choice:
                most[cluster] += 1
                sure[cluster] += len(choice) == 1
        assert sure.max() <= round(index.profile([eps]).largest[0] * len(points)) <= most.max()


def test_a_stored_index_answers_as_the_one_that_was_stored() -> None:
    points = cloud(900)
    index = DensityIndex(points, 8, 20)
    again = DensityIndex.from_arrays({name: array.copy() for name, array in index.to_arrays().items()})
    assert (again.n, again.min_samples, again.max_min_samples) == (900, 8, 20)
    for min_samples in (8, 3, 20):
        np.testing.assert_array_equal(again.labels(0.5, min_samples), index.labels(0.5, min_samples))
    np.testing.assert_array_equal(again.core_distances_, index.core_distances_)
    np.testing.assert_array_equal(again.k_distances(19), index.k_distances(19))
    np.testing.assert_array_equal(again.tree_[0], index.tree_[0])
    assert again.suggest_eps() == index.suggest_eps()


@pytest.mark.parametrize(("n", "min_samples"), [(1, 1), (2, 5), (9, 40)])
def test_a_tiny_index_can_be_stored(n: int, min_samples: int) -> None:
    index = DensityIndex(cloud(n), min_samples)
    again = DensityIndex.from_arrays(index.to_arrays())
    np.testing.assert_array_equal(again.labels(1.0, 1), index.labels(1.0, 1))
    np.testing.assert_array_equal(again.labels(1.0), index.labels(1.0))


def test_damaged_arrays_are_refused_by_name() -> None:
    arrays = DensityIndex(cloud(50)).to_arrays()
    with pytest.raises(ValueError, match=r"indices is missing"):
        DensityIndex.from_arrays({name: array for name, array in arrays.items() if name != "indices"})
    with pytest.raises(ValueError, match=r"own_weights is float64 .* damaged"):
        DensityIndex.from_arrays({**arrays, "own_weights": arrays["own_weights"][1:]})
    with pytest.raises(ValueError, match=r"point_of is float64 .* damaged"):
        DensityIndex.from_arrays({**arrays, "point_of": arrays["point_of"].astype(float)})
    with pytest.raises(ValueError, match=r"format 99 cannot be read"):
        DensityIndex.from_arrays({**arrays, "format": np.array([99, 50, 50, 3, 10, 64, 49])})


def test_two_builds_are_equal_bit_by_bit() -> None:
    points = np.round(cloud(4000), 1)
    first, second = DensityIndex(points).to_arrays(), DensityIndex(points).to_arrays()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_a_build_tells_how_far_it_is() -> None:
    told: list[float] = []
    DensityIndex(cloud(20_000), tick=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert 0 <= told[0] < 0.1
    assert len(told) > 10


def test_a_build_stops_soon_after_it_is_asked_to() -> None:
    DensityIndex(cloud(500))
    points = cloud(150_000)
    for delay in (0.0, 0.05, 0.2):
        stop, asked = threading.Event(), [0.0]

        def ask(stop: threading.Event = stop, asked: list[float] = asked) -> None:
            asked[0] = time.perf_counter()
            stop.set()

        def tick(done: float, stop: threading.Event = stop) -> None:
            if stop.is_set():
                raise Cancelled

        timer = threading.Timer(delay, ask)
        timer.start()
        with pytest.raises(Cancelled):
            DensityIndex(points, tick=tick)
        # 200 ms are meant; a busy test machine may need more.
        assert time.perf_counter() - asked[0] < 0.6


def test_threads_may_ask_one_index_at_once() -> None:
    points = cloud(5000)
    index = DensityIndex(points)
    settings = [(0.2 + 0.05 * i, 3 + i % 9) for i in range(24)]
    expected = [DensityIndex(points, m).labels(eps) for eps, m in settings]
    wrong: list[int] = []

    def ask(start: int) -> None:
        for i in range(start, len(settings), 4):
            eps, min_samples = settings[i]
            if (index.labels(eps, min_samples) != expected[i]).any():
                wrong.append(i)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_move_of_eps_on_a_real_map_takes_milliseconds() -> None:
    index = DensityIndex(cloud(46_766))
    index.labels(0.5)
    grid = np.linspace(0.01, 3, 2000)
    index.profile(grid)
    began = time.perf_counter()
    index.labels(0.4)
    assert time.perf_counter() - began < 0.05
    began = time.perf_counter()
    index.profile(grid)
    assert time.perf_counter() - began < 0.05
