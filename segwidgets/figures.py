"""Each plot of the panel as a matplotlib figure, for papers and reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from segwidgets.compute.advice import plateau
from segwidgets.compute.embedding.pca import display
from segwidgets.compute.guidance import core_k, decimate, knee, shown_eps
from segwidgets.palette import noise_colour, segment_colours
from segwidgets.result import Result

#: Points of a scatter at most: more makes a PDF that nobody can open.
_DRAWN = 50_000
#: Bars at most; further segments are told as a number.
_BARS = 30
_EPS_COLOUR, _DATA_COLOUR = "#d55e00", "#0072b2"


def figure(result: Result, name: str, *, width: float = 6.4, height: float = 4.0) -> Figure:
    """One plot of a result.

    Args:
        result: a run.
        name: one of `FIGURES`: "k-distance", "profile", "clusters", "map" or "sizes".
        width: in inches.
        height: in inches.

    Returns:
        A figure of its own, which pyplot knows nothing of: ``figure.savefig("name.pdf")``.

    Raises:
        ValueError: an unknown name, or a size that is none.
    """
    if name not in FIGURES:
        raise ValueError(f"name={name!r} is no figure: take one of {', '.join(map(repr, FIGURES))}.")
    if not (width > 0 and height > 0):
        raise ValueError(f"width={width!r} and height={height!r} are not allowed: take inches above 0.")
    made = Figure(figsize=(width, height), layout="constrained")
    FIGURES[name](result, made)
    return made


def _eps(result: Result) -> tuple[float, int]:
    c = result.recipe.clustering
    return float(c.eps or 0), c.min_samples


def _k_distance(result: Result, made: Figure) -> None:
    eps, min_samples = _eps(result)
    k = core_k(min_samples)
    curve = result.density.k_distances(k)
    kept = decimate(curve)
    axes = made.subplots()
    axes.plot(curve[kept], (kept + 1) / len(curve), color=_DATA_COLOUR)
    axes.axvline(eps, color=_EPS_COLOUR, label=f"eps = {eps:.4g}")
    bend = knee(curve)
    if bend is not None:
        axes.axvline(bend.value, color="0.5", linestyle=":", label=f"knee {bend.value:.4g} ({bend.confidence:.0%})")
    axes.set_xlabel("eps (distance on the map)")
    axes.set_ylabel(f"share of points whose {k}-distance is below")
    axes.legend(frameon=False)


def _profile(result: Result, made: Figure) -> None:
    eps, min_samples = _eps(result)
    grid = shown_eps(result.density.k_distances(core_k(min_samples)))
    if not len(grid):  # duplicates only
        grid = np.array([eps / 2, eps, eps * 2])
    found = result.density.profile(grid, min_samples)
    upper, lower = made.subplots(2, sharex=True)
    upper.plot(found.eps, found.clusters, color=_DATA_COLOUR)
    upper.set_ylabel("clusters")
    lower.plot(found.eps, found.noise, color=_DATA_COLOUR)
    lower.set_ylabel("noise share")
    lower.set_ylim(0, 1)
    lower.set_xlabel("eps (distance on the map)")
    lower.set_xscale("log")
    # A plateau may reach far beyond the distances there are; the axis does not follow it.
    lower.set_xlim(grid[0], grid[-1])
    for axes in (upper, lower):
        axes.axvspan(*plateau(result.density, eps, min_samples), color=_EPS_COLOUR, alpha=0.12, linewidth=0)
        axes.axvline(eps, color=_EPS_COLOUR)


def _named(result: Result, label: int) -> str:
    return result.names.get(label, f"segment {label}")


def _colours(result: Result) -> dict[int, Any]:
    """Colours by label: by size, as the map begins."""
    order = np.argsort(-result.sizes, kind="stable")
    return dict(zip(order.tolist(), segment_colours(len(order)), strict=True))


def _clusters(result: Result, made: Figure) -> None:
    points = display(result.embedding)
    every = max(1, -(-len(points) // _DRAWN))
    points, labels = points[::every], result.labels[::every]
    axes: Any = made.add_subplot(projection="3d" if points.shape[1] == 3 else None)
    axes.scatter(*points[labels < 0].T, s=1, color=noise_colour(), linewidths=0, rasterized=True, label="noise")
    for label, colour in _colours(result).items():
        chosen = points[labels == label]
        axes.scatter(*chosen.T, s=2, color=[colour], linewidths=0, rasterized=True, label=_named(result, label))
    axes.set_xticks([])
    axes.set_yticks([])
    if points.shape[1] == 3:
        axes.set_zticks([])
    sample = f", 1 in {every} points" if every > 1 else ""
    axes.set_title(f"{result.scores.clusters} segments, {1 - result.scores.coverage:.0%} noise{sample}", fontsize=10)
    if len(result.sizes) <= _BARS // 2:
        axes.legend(frameon=False, markerscale=4, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _map(result: Result, made: Figure) -> None:
    """The map as it looks from where it is widest: a figure in three dimensions hides half of it on paper."""
    points = display(result.embedding)
    if points.shape[1] > 2 and len(points) > 2:
        centred = points - points.mean(axis=0)
        points = centred @ np.linalg.svd(centred[:: max(1, len(points) // _DRAWN)], full_matrices=False)[2][:2].T
    every = max(1, -(-len(points) // _DRAWN))
    points, labels = points[::every], result.labels[::every]
    axes = made.subplots()
    # From one dot in a hundred points of the page to one in a hundred of the figure.
    area = float(np.clip(20_000 / max(1, len(points)), 0.4, 12.0))
    for label, colour in [(-1, noise_colour()), *_colours(result).items()]:
        x, y = points[labels == label].T
        axes.scatter(x, y, s=area if label >= 0 else area / 2, color=[colour], linewidths=0, rasterized=True)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_axis_off()


def _sizes(result: Result, made: Figure) -> None:
    colours = _colours(result)
    shown = list(colours)[:_BARS]
    axes = made.subplots()
    axes.barh(
        range(len(shown)), [int(result.sizes[label]) for label in shown], color=[colours[label] for label in shown]
    )
    axes.set_yticks(range(len(shown)), [_named(result, label) for label in shown], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("rows")
    left = len(colours) - len(shown)
    rest = f"; {left:,} smaller segments are left out" if left else ""
    axes.set_title(f"{1 - result.scores.coverage:.0%} of the rows are noise{rest}", fontsize=10)


#: What `figure` draws, by name.
FIGURES: dict[str, Callable[[Result, Figure], None]] = {
    "k-distance": _k_distance,
    "profile": _profile,
    "clusters": _clusters,
    "map": _map,
    "sizes": _sizes,
}
