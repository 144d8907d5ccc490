"""Stability as a tab shows it: plateaus in words, maps as grids, segments as a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segwidgets.compute.stability import Plateau, StabilityMap
from segwidgets.names import Names
from segwidgets.panel import html
from segwidgets.panel.heatmap import Facet, Mark
from segwidgets.recipe import Recipe
from segwidgets.stable import StabilityOfRecipe


def plateau_words(one: Plateau) -> str:
    """A plateau in a line."""
    low, high = one.eps_range
    few, many = one.min_samples_range
    return (
        f"{one.clusters} segments, {one.noise:.0%} noise, agreement {one.ari:.2f}: eps {one.eps:.3g} of {low:.3g} to "
        f"{high:.3g}, min_samples {one.min_samples} of {few} to {many}"
    )


def facet(made: StabilityMap, found: Sequence[tuple[int, Plateau]], current: Recipe | None, title: str = "") -> Facet:
    """A stability map as a grid of the heat map: plateaus labelled by their numbers, ``current`` marked on it."""
    grid = made.grid
    marks = [
        Mark(
            int(np.searchsorted(grid.min_samples, one.min_samples)), int(np.searchsorted(grid.eps, one.eps)),
            f"{number}: {one.clusters} segments", plateau_words(one),
        )
        for number, one in found
    ]  # fmt: skip
    return Facet(
        values=made.mean,
        rows=[str(size) for size in grid.min_samples.tolist()],
        title=title,
        columns=[f"{eps:.3g}" for eps in grid.eps.tolist()],
        marks=marks,
        here=None if current is None else _here(grid.eps, grid.min_samples, current),
        more=(made.clusters, made.noise),
    )


def _here(eps: npt.NDArray[np.float64], sizes: npt.NDArray[np.int64], recipe: Recipe) -> tuple[float, float] | None:
    at = recipe.clustering.eps
    if not at:
        return None
    column = np.interp(np.log(at), np.log(eps), np.arange(len(eps)), left=-0.5, right=len(eps) - 0.5)
    row = np.interp(recipe.clustering.min_samples, sizes, np.arange(len(sizes)), left=-0.5, right=len(sizes) - 0.5)
    return float(row), float(column)


def table(found: StabilityOfRecipe, names: Names) -> str:
    """The segments with their stability, as an HTML table."""
    called = names.of(found.result.labels)
    s = found.samples
    body = "".join(
        f"<tr><th scope=row>{html.escape(called.get(one.segment, f'segment {one.segment}'))}</th>"
        f"<td>{one.jaccard:.2f}</td><td>{one.dissolved:.0%}</td><td>{html.escape(one.word)}</td></tr>"
        for one in s.segments
    )
    ami = "" if s.ami is None else f", adjusted mutual information {s.ami:.3f}"
    return (
        f'<div role="status">All rows: ARI {s.ari:.3f} ({s.ari_low:.3f} to {s.ari_high:.3f}){ami}, on {s.repeats} '
        f"samples of {s.share:.0%} of the rows.</div>"
        '<table class="sw-lines" aria-label="Stability of the segments"><thead><tr><th scope=col>segment</th>'
        "<th scope=col>Jaccard</th><th scope=col>dissolved</th><th scope=col></th></tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )
