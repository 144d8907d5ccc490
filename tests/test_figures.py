"""The static plots show what the panel shows."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest

import segwidgets as sw
from segwidgets.cache import Cache
from segwidgets.figures import FIGURES, figure
from segwidgets.palette import segment_colours
from segwidgets.result import Result


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return sw.Session(sw.samples.blobs(400), cache=Cache(tmp_path_factory.mktemp("cache"))).run(sw.Recipe())


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_can_be_saved(result: Result, name: str, tmp_path: Path) -> None:
    made = figure(result, name, width=5, height=3)
    assert made.get_size_inches().tolist() == [5, 3]
    made.savefig(io.BytesIO(), format="png")
    made.savefig(tmp_path / f"{name}.pdf")
    assert (tmp_path / f"{name}.pdf").stat().st_size > 1_000


def test_the_line_of_eps_stands_at_eps(result: Result) -> None:
    for name in ("k-distance", "profile"):
        for axes in figure(result, name).axes:
            places = [line.get_xdata()[0] for line in axes.lines if len(set(line.get_xdata())) == 1]
            assert result.recipe.clustering.eps in places


def test_the_curve_is_that_of_the_k_distances(result: Result) -> None:
    line = figure(result, "k-distance").axes[0].lines[0]
    np.testing.assert_array_equal(line.get_xdata(), result.density.k_distances(9))
    assert line.get_ydata()[-1] == 1


def test_bars_are_the_sizes_largest_first_under_their_names_and_colours(result: Result) -> None:
    named = dataclasses.replace(result, names={int(np.argmax(result.sizes)): "regulars"})
    axes = figure(named, "sizes").axes[0]
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == sorted(result.sizes.tolist(), reverse=True)
    assert axes.get_yticklabels()[0].get_text() == "regulars"
    np.testing.assert_allclose(axes.patches[0].get_facecolor()[:3], segment_colours(1)[0])


@pytest.mark.parametrize("dims", [2, 3])
def test_clusters_are_drawn_one_colour_each(dims: int, tmp_path: Path) -> None:
    session = sw.Session(sw.samples.blobs(300), cache=Cache(tmp_path))
    found = session.run(sw.Recipe(embedding=sw.Embedding(method="pca", n_components=dims)))
    axes = figure(found, "clusters").axes[0]
    assert len(axes.collections) == found.scores.clusters + 1
    assert axes.name == ("3d" if dims == 3 else "rectilinear")


def test_what_is_no_figure_is_refused(result: Result) -> None:
    with pytest.raises(ValueError, match="'k-distance', 'profile', 'clusters', 'map', 'sizes'"):
        figure(result, "pie")
    with pytest.raises(ValueError, match="inches"):
        figure(result, "sizes", width=0)


def test_a_plateau_without_end_does_not_stretch_the_axis(result: Result) -> None:
    for axes in figure(result, "profile").axes:
        drawn = axes.lines[0].get_xdata()
        assert axes.get_xlim() == pytest.approx((drawn[0], drawn[-1]))
