"""The stability map as a matplotlib figure, for papers and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from segwidgets.compute.stability import Plateau, StabilityMap, plateaus
from segwidgets.stablesettings import MapsOfRecipe

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh

#: Plateaus that are marked.
_MARKED = 3
_EPS_COLOUR = "#d55e00"
_NOTHING = "0.85"
_AGREEMENT = "agreement with samples (mean ARI)"


def stability_figure(
    made: StabilityMap | MapsOfRecipe,
    *,
    eps: float | None = None,
    min_samples: int | None = None,
    width: float | None = None,
    height: float | None = None,
) -> Figure:
    """Agreement for every setting, bright for stable; what says nothing (fewer than two segments) stays grey.

    Args:
        made: a map; or the maps of several n_neighbors and min_dist, which are drawn beside and below each other on one
            scale. Their marks are numbered through all maps, the best plateau first.
        eps: of a setting to mark, with ``min_samples``.
        min_samples: see ``eps``.
        width: in inches; 6.4 for a map, more for several.
        height: in inches; 4.2 for a map, more for several.

    Returns:
        A figure of its own, which pyplot knows nothing of.
    """
    if isinstance(made, MapsOfRecipe):
        return _multiples(made, eps, min_samples, width, height)
    figure = Figure(figsize=(width or 6.4, height or 4.2), layout="constrained")
    axes = figure.subplots()
    drawn = _draw(axes, made)
    axes.set_xlabel("eps (distance on the map)")
    axes.set_ylabel("min_samples")
    _mark(axes, made, [(place, one) for place, one in enumerate(plateaus(made)[:_MARKED], 1)])
    _ring(axes, made, eps, min_samples)
    figure.colorbar(drawn, ax=axes, label=_AGREEMENT)
    return figure


def _multiples(
    made: MapsOfRecipe, eps: float | None, min_samples: int | None, width: float | None, height: float | None
) -> Figure:
    across, down = len(made.n_neighbors), len(made.min_dist)
    size = (width or 1.6 + 2.6 * across, height or 1.2 + 2.2 * down)
    figure = Figure(figsize=size, layout="constrained")
    every = figure.subplots(down, across, squeeze=False, sharex=True)
    best = list(enumerate(made.plateaus[:_MARKED], 1))
    drawn = None
    for row, apart in enumerate(made.min_dist):
        for column, near in enumerate(made.n_neighbors):
            axes = every[row, column]
            axes.set_title(f"n_neighbors {near}, min_dist {apart:g}", fontsize="small")
            one = made.at(near, apart)
            if one is None:
                axes.set_facecolor(_NOTHING)
                axes.set_yticks([])
                axes.text(0.5, 0.5, "not computed", transform=axes.transAxes, ha="center", va="center")
            else:
                drawn = _draw(axes, one.map)
                here = [(at, p.plateau) for at, p in best if (p.n_neighbors, p.min_dist) == (near, apart)]
                _mark(axes, one.map, here)
                _ring(axes, one.map, eps, min_samples)
            if row == down - 1:
                axes.set_xlabel("eps (distance on the map)", fontsize="small")
            if column == 0:
                axes.set_ylabel("min_samples", fontsize="small")
            axes.tick_params(labelsize="x-small")
    _tick(every[0, 0])
    if drawn is not None:
        figure.colorbar(drawn, ax=every, label=_AGREEMENT)
    return figure


def _tick(axes: Axes) -> None:
    """1, 2 and 5 of each power of ten, as plain numbers: what fits below a small panel. Panels share their eps."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _draw(axes: Axes, made: StabilityMap) -> QuadMesh:
    """The cells of one map; one scale of colours for all."""
    axes.set_facecolor(_NOTHING)
    grid = made.grid
    drawn = axes.pcolormesh(
        _edges(grid.eps), np.arange(len(grid.min_samples) + 1), np.ma.masked_invalid(made.mean), vmin=0, vmax=1
    )
    axes.set_xscale("log")
    shown = np.unique(np.linspace(0, len(grid.min_samples) - 1, min(10, len(grid.min_samples))).round().astype(int))
    axes.set_yticks(shown + 0.5, [str(grid.min_samples[at]) for at in shown])
    return drawn


def _mark(axes: Axes, made: StabilityMap, marked: list[tuple[int, Plateau]]) -> None:
    for place, one in marked:
        row = int(np.flatnonzero(made.grid.min_samples == one.min_samples)[0])
        axes.annotate(
            f"{place}: {one.clusters} segments", (one.eps, row + 0.5), color="white", ha="center", va="center",
            fontsize="small", bbox={"facecolor": "black", "alpha": 0.6, "linewidth": 0, "pad": 2},
        )  # fmt: skip


def _ring(axes: Axes, made: StabilityMap, eps: float | None, min_samples: int | None) -> None:
    if eps is not None and min_samples is not None:
        sizes = made.grid.min_samples
        at = float(np.interp(min_samples, sizes, np.arange(len(sizes)))) + 0.5
        axes.plot([eps], [at], marker="o", markersize=9, markerfacecolor="none", color=_EPS_COLOUR, markeredgewidth=2)


def _edges(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Borders between values that rise by ratios."""
    if len(values) == 1:
        return np.array([values[0] / 1.1, values[0] * 1.1])
    middle = np.sqrt(values[:-1] * values[1:])
    return np.concatenate([[values[0] ** 2 / middle[0]], middle, [values[-1] ** 2 / middle[-1]]])
