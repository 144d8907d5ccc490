"""Who moved between two segmentations, as a flow diagram for papers and reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from segwidgets.compute.drift import Changes
from segwidgets.palette import noise_colour, segment_colours

#: Width of a bar and gap between bars, in shares of the axes.
_BAR, _GAP = 0.04, 0.015


def flow_figure(
    found: Changes,
    *,
    before: Callable[[int], str] = lambda label: "none" if label < 0 else f"segment {label}",
    after: Callable[[int], str] = lambda label: "none" if label < 0 else f"segment {label}",
    width: float = 6.4,
    height: float = 4.2,
) -> Figure:
    """Bars of the segments before and after, and bands between them as wide as the customers who went that way.

    Args:
        found: from `compare`.
        before: what a segment before is called, by its number; -1 is noise.
        after: what one after is called.
        width: in inches.
        height: in inches.

    Returns:
        A figure of its own, which pyplot knows nothing of; ``savefig("flow.svg")`` keeps its words as words.
    """
    if not (width > 0 and height > 0):
        raise ValueError(f"width={width!r} and height={height!r} are not allowed: take inches above 0.")
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    flows = found.flows.astype(np.float64) / max(1, found.common)
    colours = [noise_colour(), *segment_colours(flows.shape[0] - 1)]
    later = [noise_colour(), *_matched(found, colours, flows.shape[1] - 1)]
    left, right = _places(flows.sum(axis=1)), _places(flows.sum(axis=0))
    out, into = left.copy(), right.copy()
    for at, row in enumerate(flows):
        for to, share in enumerate(row):
            if share > 0:
                axes.add_patch(_band(out[at], into[to], share, colours[at]))
                out[at] += share
                into[to] += share
    for x, places, shares, tints, called, side in (
        (0.0, left, flows.sum(axis=1), colours, before, "right"),
        (1 - _BAR, right, flows.sum(axis=0), later, after, "left"),
    ):
        for at, share in enumerate(shares):
            if share > 0:
                axes.bar(x, share, width=_BAR, bottom=places[at], align="edge", color=[tints[at]])
                beside = x - 0.01 if side == "right" else x + _BAR + 0.01
                text = f"{called(at - 1)} ({share:.0%})"
                axes.text(beside, places[at] + share / 2, text, ha=side, va="center", fontsize=8)
    axes.set_xlim(-0.3, 1.3)
    axes.invert_yaxis()
    axes.set_title(f"{found.moved:.1%} of {found.common:,} customers moved", fontsize=10)
    return figure


def _matched(found: Changes, colours: list[Any], many: int) -> list[Any]:
    """A segment after has its match's colour."""
    tints = list(segment_colours(many))
    for one in found.segments:
        if one.before is not None and one.after is not None:
            tints[one.after] = colours[one.before + 1]
    return tints


def _places(shares: Any) -> Any:
    """Where each bar begins, one under the other; segments of nobody take no room."""
    begin = np.zeros(len(shares))
    there = np.flatnonzero(shares > 0)
    begin[there] = np.concatenate([[0.0], np.cumsum(shares[there] + _GAP)[:-1]])
    return begin


def _band(low: float, high: float, share: float, colour: Any) -> PathPatch:
    begin, end = _BAR, 1 - _BAR
    middle = (begin + end) / 2
    points = [
        (begin, low), (middle, low), (middle, high), (end, high),
        (end, high + share), (middle, high + share), (middle, low + share), (begin, low + share), (begin, low),
    ]  # fmt: skip
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    return PathPatch(Path(points, codes), facecolor=colour, alpha=0.45, linewidth=0)
