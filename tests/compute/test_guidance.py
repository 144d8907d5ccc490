"""Where to start: the suggested eps and the knee."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from segwidgets.compute import guidance
from segwidgets.compute.density import DensityIndex, Profile
from segwidgets.compute.scores import adjusted_rand_index


def blobs(n: int = 3000, centers: int = 5, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    center = np.stack([np.arange(centers) * 12.0, rng.uniform(0, 5, centers), rng.uniform(0, 5, centers)], axis=1)
    truth = rng.integers(0, centers, n)
    return center[truth] + rng.normal(size=(n, 3)), truth


def test_the_suggestion_finds_blobs_that_are_there() -> None:
    points, truth = blobs()
    index = DensityIndex(points)
    labels = index.labels(index.suggest_eps())
    assert labels.max() + 1 == 5
    assert adjusted_rand_index(labels[labels >= 0], truth[labels >= 0]) == 1.0
    assert (labels < 0).mean() < 0.05


def test_clear_groups_are_not_cut_into_splinters() -> None:
    # Splinters make the largest segment smaller: without a margin around eps they would win here.
    points, truth = blobs(600)
    flat = points[:, :2].copy()
    flat[:, 1] = np.random.default_rng(1).normal(size=600)
    index = DensityIndex(flat)
    labels = index.labels(index.suggest_eps())
    assert labels.max() + 1 == 5
    assert adjusted_rand_index(labels[labels >= 0], truth[labels >= 0]) == 1.0


def test_the_suggestion_stays_good_when_it_is_moved() -> None:
    points, _ = blobs(2000, 8, seed=3)
    index = DensityIndex(points, 6)
    eps = index.suggest_eps()
    moved = index.profile(np.geomspace(eps / 1.2, eps * 1.2, 50))
    assert set(moved.clusters.tolist()) == {8}


def test_the_suggestion_may_be_asked_for_another_min_samples() -> None:
    points, _ = blobs()
    index = DensityIndex(points, 10)
    for min_samples in (1, 4, 25):
        assert index.suggest_eps(min_samples) == DensityIndex(points, min_samples).suggest_eps()
    assert index.suggest_eps(4) != index.suggest_eps(25)


def test_one_cloud_gets_the_eps_that_leaves_little_noise() -> None:
    grid = np.linspace(0.1, 1.0, 10)
    core = np.linspace(0.1, 1.0, 100)
    profile = Profile(grid, np.ones(10, np.int64), np.linspace(0.9, 0, 10), 1 - np.linspace(0.9, 0, 10))
    assert guidance.suggest_eps(profile, core) == np.quantile(core, 0.95, method="inverted_cdf")


def test_the_middle_of_the_widest_good_stretch_is_taken() -> None:
    eps = np.geomspace(1, 100, 400)
    # A peak that is higher but narrow, and a broad stretch from 10 to 60.
    elsewhere = np.where((eps > 10) & (eps < 60), 0.5, np.where((eps > 3) & (eps < 3.5), 0.7, 0.1))
    profile = Profile(eps, np.full(400, 3), np.zeros(400), 1 - elsewhere)
    assert guidance.suggest_eps(profile, eps) == pytest.approx(np.sqrt(10 * 60), rel=0.02)


@pytest.mark.parametrize("grid", [[], [0.0, 1.0], [2.0, 1.0], [1.0, 1.0]])
def test_a_profile_without_an_ascending_grid_is_refused(grid: list[float]) -> None:
    n = len(grid)
    with pytest.raises(ValueError, match="ascending and above 0"):
        guidance.suggest_eps(Profile(np.array(grid), np.ones(n, np.int64), np.zeros(n), np.ones(n)), [1.0])


def test_the_grid_runs_over_the_core_distances_above_zero() -> None:
    core = np.concatenate([np.zeros(50), np.linspace(1, 2, 1000), [np.inf]])
    grid = guidance.eps_grid(core)
    assert len(grid) == 600
    assert grid[0] == pytest.approx(np.quantile(core[50:-1], 0.05) / 1.25, rel=0.01)
    assert grid[-1] == pytest.approx(np.quantile(core[50:-1], 0.995) * 1.25, rel=0.01)
    np.testing.assert_allclose(np.diff(np.log(grid)), np.log(grid[1] / grid[0]), rtol=1e-6)


def test_a_few_points_apart_from_a_thousand_duplicates_still_make_a_grid() -> None:
    grid = guidance.eps_grid(np.concatenate([np.zeros(999), [0.5]]))
    assert grid[0] < 0.5 < grid[-1]
    assert len(guidance.eps_grid([0.0, 0.0])) == 0
    assert len(guidance.eps_grid([np.inf])) == 0


@pytest.mark.parametrize(
    ("points", "min_samples"),
    [
        (np.zeros((1, 2)), 1),
        (np.zeros((40, 3)), 5),
        (np.full((40, 3), 1e200), 5),
        (np.full((5, 3), 7.0), 10),
        (np.repeat(np.arange(6.0), 20)[:, None] * [1, 0, 0], 10),
        (np.arange(30.0)[:, None] * [1, 1], 1),
        (np.arange(30.0)[:, None] * [5e-324, 1], 40),
        (np.concatenate([np.zeros((500, 2)), [[1, 1]]]), 4),
    ],
)
def test_a_suggestion_is_always_finite_and_above_zero(points: NDArray[np.float64], min_samples: int) -> None:
    index = DensityIndex(points, min_samples)
    eps = index.suggest_eps()
    assert np.isfinite(eps)
    assert eps > 0
    assert len(index.labels(eps)) == len(points)


def test_duplicates_alone_are_each_a_segment() -> None:
    index = DensityIndex(np.repeat(np.arange(6.0), 20)[:, None] * [1, 0, 0], 10)
    assert index.labels(index.suggest_eps()).max() + 1 == 6


def test_a_bend_is_found_where_it_is() -> None:
    curve = np.concatenate([np.linspace(1, 1.2, 900), np.linspace(1.2, 9, 100)])
    knee = guidance.knee(curve)
    assert knee is not None
    assert abs(knee.rank - 900) <= 2
    assert knee.value == curve[knee.rank]
    assert 0.7 < knee.confidence < 1


@pytest.mark.parametrize(
    "curve",
    [
        np.linspace(0, 1, 500),
        np.ones(500),
        np.sqrt(np.linspace(0, 1, 500)),
        np.sort(np.random.default_rng(0).normal(size=2000).clip(-2.5, 2.5)),
        np.array([0.0, 0.0, 1.0]),
        np.array([]),
    ],
)
def test_a_curve_without_a_bend_has_no_knee(curve: NDArray[np.float64]) -> None:
    assert guidance.knee(curve) is None


@pytest.mark.parametrize("curve", [[2.0, 1.0], [0.0, np.inf], [[0.0, 1.0]], [np.nan, 1.0]])
def test_what_is_no_k_distance_curve_is_refused(curve: list[float]) -> None:
    with pytest.raises(ValueError, match="ascending row of finite numbers"):
        guidance.knee(curve)
