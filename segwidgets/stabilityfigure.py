"""The stability map as a matplotlib figure, for papers and reports."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from segwidgets.compute.stability import StabilityMap, plateaus

#: Plateaus that are marked.
_MARKED = 3
_EPS_COLOUR = "#d55e00"


def stability_figure(
    made: StabilityMap,
    *,
    eps: float | None = None,
    min_samples: int | None = None,
    width: float = 6.4,
    height: float = 4.2,
) -> Figure:
    """Agreement for every setting, bright for stable; what says nothing (fewer than two segments) stays grey.

    Args:
        made: the map.
        eps: of a setting to mark, with ``min_samples``.
        min_samples: see ``eps``.
        width: in inches.
        height: in inches.

    Returns:
        A figure of its own, which pyplot knows nothing of.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.set_facecolor("0.85")
    grid = made.grid
    drawn = axes.pcolormesh(
        _edges(grid.eps), np.arange(len(grid.min_samples) + 1), np.ma.masked_invalid(made.mean), vmin=0, vmax=1
    )
    axes.set_xscale("log")
    axes.set_xlabel("eps (distance on the map)")
    axes.set_ylabel("min_samples")
    shown = np.unique(np.linspace(0, len(grid.min_samples) - 1, min(10, len(grid.min_samples))).round().astype(int))
    axes.set_yticks(shown + 0.5, [str(grid.min_samples[at]) for at in shown])
    for place, one in enumerate(plateaus(made)[:_MARKED], 1):
        row = int(np.flatnonzero(grid.min_samples == one.min_samples)[0])
        axes.annotate(
            f"{place}: {one.clusters} segments", (one.eps, row + 0.5), color="white", ha="center", va="center",
            fontsize="small", bbox={"facecolor": "black", "alpha": 0.6, "linewidth": 0, "pad": 2},
        )  # fmt: skip
    if eps is not None and min_samples is not None:
        at = float(np.interp(min_samples, grid.min_samples, np.arange(len(grid.min_samples)))) + 0.5
        axes.plot([eps], [at], marker="o", markersize=9, markerfacecolor="none", color=_EPS_COLOUR, markeredgewidth=2)
    figure.colorbar(drawn, ax=axes, label="agreement with samples (mean ARI)")
    return figure


def _edges(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Borders between values that rise by ratios."""
    if len(values) == 1:
        return np.array([values[0] / 1.1, values[0] * 1.1])
    middle = np.sqrt(values[:-1] * values[1:])
    return np.concatenate([[values[0] ** 2 / middle[0]], middle, [values[-1] ** 2 / middle[-1]]])
