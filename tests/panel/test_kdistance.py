from __future__ import annotations

import pathlib

import numpy as np
import pytest
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segwidgets.compute.density import Profile
from segwidgets.compute.guidance import MAX_KEPT, Knee, decimate
from segwidgets.panel.kdistance import KDistance

STATIC = pathlib.Path(__file__).parents[2] / "segwidgets" / "panel" / "static"


def decoded(plot: KDistance) -> tuple[np.ndarray, np.ndarray]:
    pairs = np.frombuffer(plot.curve, "<f4").reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def test_a_short_curve_travels_whole_and_sorted() -> None:
    plot = KDistance([3.0, 1.0, 2.0], eps=0.5, k=4)
    ranks, values = decoded(plot)
    assert (list(ranks), list(values), plot.n_points, plot.k, plot.eps) == ([0, 1, 2], [1, 2, 3], 3, 4, 0.5)


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    distances = np.sort(np.random.default_rng(0).pareto(2, 46_766))
    plot = KDistance(distances, k=9)
    ranks, values = decoded(plot)
    assert len(ranks) <= MAX_KEPT
    assert plot.n_points == 46_766
    assert (ranks[0], ranks[-1]) == (0, 46_765)
    np.testing.assert_array_equal(values, distances[ranks.astype(int)].astype(np.float32))


def test_a_lone_far_point_survives_the_thinning() -> None:
    distances = np.full(100_000, 0.1)
    distances[-1] = 50
    ranks, values = decoded(KDistance(distances))
    assert (ranks[-1], values[-1]) == (99_999, 50)
    assert values[-2] == np.float32(0.1)
    assert ranks[-2] >= 99_999 - 100, "the bucket with the jump is a thousandth of the curve"


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.float64, st.integers(0, 400), elements=st.floats(0, 1e6)), st.sampled_from([2, 4, 10, 50]))
def test_every_value_lies_between_the_kept_ones_around_it(values: np.ndarray, limit: int) -> None:
    values = np.sort(values)
    kept = decimate(values, limit)
    assert len(kept) <= max(limit, 0) or len(values) <= limit
    assert (np.diff(kept) > 0).all()
    if len(values):
        assert (kept[0], kept[-1]) == (0, len(values) - 1)
        # Every gap between kept places lies within one bucket, so a share read off the curve is off by one bucket.
        assert np.diff(kept, prepend=kept[0]).max() <= -(-len(values) // max(1, limit // 2))


def test_a_curve_of_a_million_points_keeps_at_most_two_thousand() -> None:
    kept = decimate(np.arange(1_000_000, dtype=float))
    assert len(kept) == MAX_KEPT
    assert np.diff(kept).max() <= 1000


def test_setting_a_curve_leaves_eps() -> None:
    plot = KDistance([1.0, 2.0], eps=0.7, k=3, knee=1.5)
    plot.set_curve([4.0, 5.0, 6.0], 7)
    assert (plot.eps, plot.k, plot.knee, plot.n_points) == (0.7, 7, None, 3)


def over(eps: list[float]) -> Profile:
    """Four clusters and a quarter of noise, at every eps."""
    n = len(eps)
    return Profile(np.array(eps), np.full(n, 4), np.full(n, 0.25), np.full(n, 0.3))


def test_the_profile_travels_as_rows_of_eps_clusters_and_noise() -> None:
    plot = KDistance([1.0, 2.0])
    plot.set_curve([1.0, 2.0], 3, profile=over([0.5, 1.5]), plateau=(0.75, 1.25))
    rows = np.frombuffer(plot.profile, "<f4").reshape(-1, 3)
    np.testing.assert_array_equal(rows, [[0.5, 4, 0.25], [1.5, 4, 0.25]])
    assert plot.plateau == (0.75, 1.25)
    plot.set_curve([1.0, 2.0], 3)
    assert (plot.profile, plot.plateau) == (b"", None)


def test_a_profile_that_does_not_ascend_is_refused_and_nothing_changes() -> None:
    plot = KDistance([1.0, 2.0])
    before = plot.get_state()
    with pytest.raises(ValueError, match="ascend"):
        plot.set_curve([3.0, 4.0], 3, profile=over([1.5, 0.5]))
    assert plot.get_state() == before


def test_a_knee_comes_with_its_confidence() -> None:
    plot = KDistance([1.0, 2.0], knee=Knee(1.5, 0, 0.625))
    assert (plot.knee, plot.knee_confidence) == (1.5, 0.625)
    plot.set_curve([1.0, 2.0], 3)
    assert (plot.knee, plot.knee_confidence) == (None, 0.0)


@pytest.mark.parametrize("plateau", [(0.2, 0.1), (-0.1, 0.3), (0.1, np.inf), (np.nan, 0.3)])
def test_a_plateau_that_cannot_be_is_refused(plateau: tuple[float, float]) -> None:
    plot = KDistance([1.0, 2.0], eps=0.2)
    plot.plateau = (0.1, 0.3)
    with pytest.raises(traitlets.TraitError, match="plateau="):
        plot.plateau = plateau
    before = plot.get_state()
    with pytest.raises(ValueError, match="plateau="):
        plot.set_curve([3.0, 4.0], 3, plateau=plateau)
    assert plot.get_state() == before
    assert plot.plateau == (0.1, 0.3)


def test_an_eps_beyond_the_curve_is_kept() -> None:
    plot = KDistance([1.0, 2.0], eps=100.0)
    assert plot.eps == 100.0
    plot.set_curve([0.1, 0.2], 3)
    assert plot.eps == 100.0


def test_eps_from_the_browser_is_observed() -> None:
    plot = KDistance([1.0, 2.0], eps=1.0)
    seen: list[float] = []
    plot.observe(lambda change: seen.append(change["new"]), "eps")
    plot._handle_msg({"content": {"data": {"method": "update", "state": {"eps": 1.25}}}})
    assert seen == [1.25]


def test_an_empty_plot_has_no_points() -> None:
    plot = KDistance()
    assert (plot.curve, plot.n_points) == (b"", 0)
    plot.set_curve(np.zeros(0), 5)
    assert plot.n_points == 0


def test_the_given_array_is_left_as_it_is() -> None:
    distances = np.array([3.0, 1.0, 2.0])
    KDistance(distances)
    np.testing.assert_array_equal(distances, [3.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("distances", "k", "knee", "named"),
    [
        ([[1.0, 2.0]], 3, None, r"shape \(1, 2\)"),
        ([1.0, np.nan], 3, None, "1 of 2"),
        ([1.0, np.inf], 3, None, "1 of 2"),
        ([-0.5, 1.0], 3, None, "-0.5"),
        (["a", "b"], 3, None, "dtype"),
        ([1.0], -1, None, "k=-1"),
        ([1.0], 3, -1.0, "knee=-1.0"),
        ([1.0], 3, np.nan, "knee=nan"),
    ],
)
def test_a_curve_that_cannot_be_is_refused_and_nothing_changes(
    distances: list, k: int, knee: float | None, named: str
) -> None:
    plot = KDistance([1.0, 2.0], eps=1.0, k=2, knee=1.0)
    before = plot.get_state()
    with pytest.raises(ValueError, match=named):
        plot.set_curve(distances, k, knee=knee)
    assert plot.get_state() == before


@pytest.mark.parametrize("eps", [-1.0, np.nan, np.inf])
def test_an_eps_that_cannot_be_is_refused(eps: float) -> None:
    with pytest.raises(ValueError, match="eps="):
        KDistance([1.0], eps=eps)
    plot = KDistance([1.0], eps=0.5)
    with pytest.raises(traitlets.TraitError, match="eps="):
        plot.eps = eps
    assert plot.eps == 0.5


def test_the_widget_carries_the_built_bundle() -> None:
    assert str(KDistance()._esm) == (STATIC / "kdistance.js").read_text(encoding="utf-8")
