"""The stability map: cell by cell what a sample's own clustering says; unfinished ones go on; plateaus are found."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from sklearn.metrics import adjusted_rand_score

from segwidgets.compute.density import DensityIndex
from segwidgets.compute.progress import Cancelled
from segwidgets.compute.stability import Grid, StabilityMap, default_grid, forecast, plateaus, stability_map
from segwidgets.compute.stability.samples import sample, scaled

GRID = Grid(np.geomspace(0.15, 12.0, 9), np.array([3, 5, 8, 13]))


@pytest.fixture(scope="module")
def cloud() -> Any:
    rng = np.random.default_rng(3)
    places = rng.uniform(0, 20, (5, 3))
    return np.vstack([*(rng.normal(place, 0.4, (120, 3)) for place in places), rng.uniform(0, 20, (60, 3))])


@pytest.fixture(scope="module")
def made(cloud: Any) -> StabilityMap:
    return stability_map(cloud, GRID, repeats=3)


def test_each_cell_is_what_scikit_learn_says_of_the_sample(cloud: Any, made: StabilityMap) -> None:
    for repeat, row, column in ((0, 0, 2), (1, 2, 4), (2, 3, 6)):
        eps, size = float(GRID.eps[column]), int(GRID.min_samples[row])
        rows = sample(len(cloud), made.share, made.seed, repeat)
        whole = DensityIndex(cloud, size, size).labels(eps)
        part = DBSCAN(eps=eps, min_samples=scaled(size, made.share)).fit_predict(cloud[rows])
        theirs = adjusted_rand_score(whole[rows], part)
        # scikit-learn gives a border point to the first cluster, not to the nearest one.
        assert made.ari[repeat, row, column] == pytest.approx(theirs, abs=0.02)


def test_the_map_tells_what_all_rows_give(cloud: Any, made: StabilityMap) -> None:
    index = DensityIndex(cloud, 5, 5)
    for column, eps in enumerate(GRID.eps.tolist()):
        labels = index.labels(eps)
        assert made.clusters[1, column] == labels.max() + 1
        assert made.noise[1, column] == pytest.approx((labels < 0).mean(), abs=1e-6)


def test_neighbouring_settings_are_compared_on_all_rows(cloud: Any, made: StabilityMap) -> None:
    index = DensityIndex(cloud, 5, 8)
    here, there = (index.labels(float(GRID.eps[column]), 5) for column in (3, 4))
    assert made.across[1, 3] == pytest.approx(adjusted_rand_score(here, there), abs=1e-6)
    here, there = (index.labels(float(GRID.eps[3]), size) for size in (5, 8))
    assert made.along[1, 3] == pytest.approx(adjusted_rand_score(here, there), abs=1e-6)


def test_one_giant_segment_is_no_agreement(made: StabilityMap) -> None:
    assert made.clusters[0, -1] == 1
    assert (made.ari[:, 0, -1] == 1.0).all()
    assert np.isnan(made.mean[0, -1])


def test_the_widest_plateau_is_the_truth(made: StabilityMap) -> None:
    found = plateaus(made)
    assert found[0].clusters == 5
    assert found[0].ari > 0.95
    assert found[0].eps_range[0] <= found[0].eps <= found[0].eps_range[1]
    assert found[0].min_samples_range[0] <= found[0].min_samples <= found[0].min_samples_range[1]
    assert [one.cells for one in found] == sorted((one.cells for one in found), reverse=True)


def test_a_region_is_split_where_the_segments_change(made: StabilityMap) -> None:
    across = np.ones_like(made.across)
    across[:, 3] = 0.5
    seen = plateaus(
        dataclasses.replace(
            made,
            ari=np.ones_like(made.ari),
            clusters=np.full_like(made.clusters, 3),
            noise=made.noise * 0,
            largest=made.largest * 0,
            across=across,
            along=np.ones_like(made.along),
        )
    )
    assert [one.cells for one in seen] == [20, 16]
    # The middle, furthest from every edge.
    assert GRID.eps.tolist().index(seen[0].eps) in {5, 6, 7}
    assert seen[0].min_samples in {5, 8}


def test_nothing_is_a_plateau_where_nothing_is_stable(made: StabilityMap) -> None:
    assert plateaus(dataclasses.replace(made, ari=made.ari * 0)) == ()


def test_a_map_that_was_stopped_goes_on_and_comes_to_the_same(cloud: Any, made: StabilityMap) -> None:
    kept: list[StabilityMap] = []

    def told(unfinished: StabilityMap) -> None:
        kept.append(unfinished)
        if len(kept) == 5:
            raise Cancelled

    with pytest.raises(Cancelled):
        stability_map(cloud, GRID, repeats=3, told=told)
    assert kept[-1].done == pytest.approx(5 / 12)
    rest: list[StabilityMap] = []
    whole = stability_map(cloud, GRID, repeats=3, so_far=kept[-1], told=rest.append)
    assert len(rest) == 7, "what was there is not computed again"
    assert np.array_equal(whole.ari, made.ari)


def test_a_budget_ends_it_with_what_it_has(cloud: Any) -> None:
    part = stability_map(cloud, GRID, repeats=3, budget=0.0)
    assert part.done == 0
    assert np.isnan(part.mean).all()
    assert part.clusters.max() > 1, "what all rows give is there"


def test_an_index_that_is_there_is_used_and_gives_the_same(cloud: Any, made: StabilityMap) -> None:
    index = DensityIndex(cloud, 10, 64)
    assert np.array_equal(stability_map(cloud, GRID, index=index, repeats=3).ari, made.ari)


def test_another_map_cannot_be_gone_on_with(cloud: Any, made: StabilityMap) -> None:
    with pytest.raises(ValueError, match="so_far is a map of other points"):
        stability_map(cloud, GRID, repeats=3, seed=1, so_far=made)


@pytest.mark.parametrize(
    ("eps", "sizes", "words"),
    [
        ([0.0, 1.0], [3], "the grid needs numbers above 0"),
        ([], [3], "the grid needs numbers above 0"),
        ([1.0], [1], "the grid needs whole numbers from 2"),
        ([1.0], [2.5], "the grid needs whole numbers from 2"),
        (np.arange(1, 200), np.arange(2, 200), "10,000 cells are the most"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(eps: Any, sizes: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Grid(np.asarray(eps, dtype=float), np.asarray(sizes))


def test_more_neighbours_than_a_sample_has_rows_are_refused(cloud: Any) -> None:
    with pytest.raises(ValueError, match="min_samples=600 is not allowed in the grid: samples have 528 rows"):
        stability_map(cloud, Grid(np.array([1.0]), np.array([600])))


def test_the_usual_grid_covers_what_the_plot_shows(cloud: Any) -> None:
    grid = default_grid(DensityIndex(cloud, 10))
    assert grid.shape == (20, 40)
    assert (grid.min_samples[0], grid.min_samples[-1]) == (4, 64)


def test_rows_at_one_place_have_no_map() -> None:
    with pytest.raises(ValueError, match="all rows stand at one place"):
        default_grid(DensityIndex(np.zeros((50, 2)), 5))


def test_a_forecast_grows_with_the_work(cloud: Any) -> None:
    few, many = (forecast(cloud, GRID, repeats=repeats) for repeats in (1, 50))
    assert few.seconds > 0
    assert many.seconds > 5 * few.seconds
    assert (few.cells, many.repeats) == (36, 50)
