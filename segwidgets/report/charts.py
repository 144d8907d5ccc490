"""The report's plots as SVG within the page: sharp on paper, dark where the page is, each with its words."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from segwidgets.report.facts import Facts

_WIDTH, _HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 12, 40
#: Points of a line at most: more than pixels are not seen.
_POINTS = 400


class _Scale:
    """From values to pixels, by ratios where values span decades."""

    def __init__(self, low: float, high: float, first: float, last: float, *, by_ratio: bool = False) -> None:
        self._log = by_ratio and low > 0
        self.low, self.high = (math.log(low), math.log(high)) if self._log else (low, high)
        self._first, self._last = first, last

    def __call__(self, value: float) -> float:
        at = math.log(max(value, 1e-300)) if self._log else value
        share = (at - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return self._first + min(1.0, max(0.0, share)) * (self._last - self._first)

    def ticks(self, count: int = 5) -> list[float]:
        """Round values within the range."""
        if self._log:
            low, high = math.exp(self.low), math.exp(self.high)
            steps = [
                m * 10.0**e
                for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
                for m in (1, 2, 5)
            ]
            kept = [step for step in steps if low <= step <= high]
            return kept if len(kept) <= 2 * count else [step for step in kept if str(f"{step:e}")[0] == "1"]
        span = self.high - self.low
        if span <= 0:
            return [self.low]
        step = 10.0 ** math.floor(math.log10(span / count))
        step *= next(m for m in (1, 2, 5, 10) if span / (step * m) <= count)
        first = math.ceil(self.low / step) * step
        return [first + i * step for i in range(int((self.high - first) / step + 1e-9) + 1)]


def _thinned(count: int) -> range:
    return range(0, count, max(1, count // _POINTS))


def _line(x: Sequence[float], y: Sequence[float], along: _Scale, up: _Scale, css: str) -> str:
    places = " ".join(f"{along(x[i]):.1f},{up(y[i]):.1f}" for i in _thinned(len(x)))
    return f'<polyline class="{css}" points="{places}"/>'


def _axes(along: _Scale, up: _Scale, below: str, beside: str, percent: bool) -> str:
    bottom = _HEIGHT - _BOTTOM
    parts = [f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{_WIDTH - _RIGHT}"/>']
    parts += [
        f'<text class="tick" x="{along(value):.1f}" y="{bottom + 16}" text-anchor="middle">{value:.3g}</text>'
        for value in along.ticks()
    ]
    for value in up.ticks():
        words = f"{value:.0%}" if percent else f"{value:,.3g}"
        parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{up(value) + 4:.1f}" text-anchor="end">{words}</text>')
        parts.append(f'<path class="grid" d="M{_LEFT} {up(value):.1f}H{_WIDTH - _RIGHT}"/>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    below, beside = html.escape(below), html.escape(beside)
    parts.append(f'<text class="tick" x="{middle:.0f}" y="{_HEIGHT - 6}" text-anchor="middle">{below}</text>')
    at = (_TOP + bottom) / 2
    parts.append(
        f'<text class="tick" transform="translate(12 {at:.0f}) rotate(-90)" text-anchor="middle">{beside}</text>'
    )
    return "".join(parts)


def _svg(words: str, inside: str) -> str:
    said = html.escape(words)
    view = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{said}"'
    return f'<svg class="chart" {view}>{inside}</svg><figcaption>{said}</figcaption>'


def k_distance(facts: Facts) -> str:
    """The sorted k-distances, the chosen eps and its plateau; empty where there is nothing to draw."""
    eps = float(facts.recipe.clustering.eps or 0)
    shown = [(d, p / max(1, facts.rows)) for d, p in zip(facts.k_distances, facts.k_places, strict=True) if d > 0]
    if len(shown) < 2 or eps <= 0:
        return ""
    distances, shares = [d for d, _ in shown], [s for _, s in shown]
    along = _Scale(min(*distances, eps), max(*distances, eps), _LEFT, _WIDTH - _RIGHT, by_ratio=True)
    up = _Scale(0, 1, _HEIGHT - _BOTTOM, _TOP)
    parts = [_axes(along, up, "eps (distance on the map)", "customers within", percent=True)]
    words = (
        f"Distances to the {facts.k}th neighbour, from the densest customer to the loneliest; eps {eps:.3g} was chosen."
    )
    if facts.plateau is not None and facts.plateau[1] > facts.plateau[0]:
        low, high = (along(value) for value in facts.plateau)
        width, height = max(1.0, high - low), _HEIGHT - _BOTTOM - _TOP
        parts.append(f'<rect class="plateau" x="{low:.1f}" y="{_TOP}" width="{width:.1f}" height="{height}"/>')
        words += f" From {facts.plateau[0]:.3g} to {facts.plateau[1]:.3g} the segments stay about the same (shaded)."
    parts.append(_line(distances, shares, along, up, "data"))
    parts.append(f'<path class="chosen" d="M{along(eps):.1f} {_TOP}V{_HEIGHT - _BOTTOM}"/>')
    return _svg(words, "".join(parts))


def clusters_over_eps(facts: Facts) -> str:
    """How many segments there would be for every eps; empty where there is nothing to draw."""
    eps = float(facts.recipe.clustering.eps or 0)
    if not facts.profile or len(facts.profile["eps"]) < 2 or eps <= 0:
        return ""
    grid, counts = facts.profile["eps"], [float(count) for count in facts.profile["clusters"]]
    along = _Scale(min(*grid, eps), max(*grid, eps), _LEFT, _WIDTH - _RIGHT, by_ratio=True)
    up = _Scale(0, max(*counts, 1.0), _HEIGHT - _BOTTOM, _TOP)
    parts = [_axes(along, up, "eps (distance on the map)", "segments", percent=False)]
    parts.append(_line(grid, counts, along, up, "data"))
    parts.append(f'<path class="chosen" d="M{along(eps):.1f} {_TOP}V{_HEIGHT - _BOTTOM}"/>')
    return _svg(f"Segments for every eps; the line marks the chosen {eps:.3g}.", "".join(parts))
