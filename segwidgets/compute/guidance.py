"""What settings to start from: rules over profiles and k-distance curves. Plain numpy, no state."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from segwidgets.compute.density.profile import Profile

#: Places of a curve that are drawn at most.
MAX_KEPT = 2_000
_GRID_SIZE = 600
_LOWEST, _HIGHEST = 0.05, 0.995
#: A suggested eps must stay as good when it is moved by this factor either way.
_MARGIN = 1.25
_AS_GOOD = 0.01
_FALLBACK_QUANTILE = 0.95
_KNEE_POINTS = 5
_CLEAR_KNEE = 0.15


def eps_grid(core_distances: ArrayLike) -> NDArray[np.float64]:
    """600 eps worth trying: spaced evenly by ratio, from the 5 % to the 99.5 % quantile of the core distances.

    Of the finite core distances above 0, and by the margin of `suggest_eps` further at both ends. Ascending, above 0;
    empty if there are none.
    """
    core = np.asarray(core_distances, dtype=np.float64)
    core = core[np.isfinite(core) & (core > 0)]
    if not len(core):
        return np.empty(0)
    low, high = np.quantile(core, [_LOWEST, _HIGHEST], method="inverted_cdf")
    grid = np.unique(np.exp(np.linspace(np.log(low / _MARGIN), np.log(high) + np.log(_MARGIN), _GRID_SIZE)))
    kept: NDArray[np.float64] = grid[np.isfinite(grid) & (grid > 0)]
    return kept


def core_k(min_samples: int) -> int:
    """Which k-distance is the core distance: DBSCAN counts the point itself, so one less; at least the first."""
    return max(1, min_samples - 1)


def shown_eps(sorted_k_distances: ArrayLike, points: int = 400) -> NDArray[np.float64]:
    """The eps over which clusterings differ, for sliders and plots: spaced evenly by ratio, (points,) ascending.

    From half of the 1 % quantile of the k-distances above 0 to one and a half of the largest; empty where none is.
    """
    curve = np.asarray(sorted_k_distances, dtype=np.float64)
    positive = curve[curve > 0]
    if not len(positive):
        return np.empty(0)
    low, high = np.quantile(positive, [0.01, 1.0])
    grid: NDArray[np.float64] = np.geomspace(low / 2, high * 1.5, points)
    return grid


def suggest_eps(profile: Profile, core_distances: ArrayLike) -> float:
    """The eps at which most points are in a segment other than the largest one, and stay so when eps is moved.

    What counts at an eps is the least of ``(1 - noise) - largest`` within a quarter up and down of it: without the
    margin a map of a few clear groups is best cut into splinters, since each one makes the largest segment smaller.
    Over the profile's grid (`eps_grid`) that is maximised, and the geometric middle of the widest contiguous stretch
    (by ratio) within 1 % of the maximum is taken. If there is never a second segment, it is the 0.95 quantile of the
    core distances, at which little is noise. The knee of the k-distance curve is not used: on real data it tends to
    give one giant segment.

    Raises:
        ValueError: The profile is empty or not ascending above 0.
    """
    eps = np.asarray(profile.eps, dtype=np.float64)
    if not len(eps) or eps[0] <= 0 or (np.diff(eps) <= 0).any():
        raise ValueError(
            "the profile's eps must be ascending and above 0, and at least one: take eps_grid(core_distances)."
        )
    elsewhere = (1.0 - profile.noise) - profile.largest
    first = np.searchsorted(eps, eps / _MARGIN, side="left")
    last = np.searchsorted(eps, eps * _MARGIN, side="right")
    steady = np.array([elsewhere[a:b].min() for a, b in zip(first, last, strict=True)])
    best = float(steady.max())
    # Shares are multiples of 1/n that passed through a subtraction: less than this is none.
    if best <= 1e-12:
        core = np.asarray(core_distances, dtype=np.float64)
        at = float(np.quantile(core[np.isfinite(core)], _FALLBACK_QUANTILE, method="inverted_cdf"))
        return at if at > 0 else float(eps[-1])
    good = steady >= best * (1 - _AS_GOOD)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], good.astype(np.int8), [0]))))
    starts, ends = edges[::2], edges[1::2] - 1
    widest = int(np.argmax(np.log(eps[ends]) - np.log(eps[starts])))
    return float(np.exp((np.log(eps[starts[widest]]) + np.log(eps[ends[widest]])) / 2))


@dataclasses.dataclass(frozen=True)
class Knee:
    """Where a k-distance curve bends."""

    value: float
    """The k-distance there, an eps."""
    rank: int
    """Its place in the sorted curve, from 0."""
    confidence: float
    """0 to 1: how much further the curve hangs below its chord than it rises above it, both axes scaled to 0..1."""


def knee(sorted_k_distances: ArrayLike) -> Knee | None:
    """The knee of an ascending k-distance curve, or None where it has no clear one.

    The point furthest below the chord from the first to the last point, axes scaled to 0..1 (Satopää, Albrecht, Irwin,
    Raghavan: "Finding a 'Kneedle' in a Haystack", ICDCSW 2011). A straight line has none, nor has a curve that rises
    above its chord about as far as it hangs below, such as the curve of one Gaussian cloud without its tail.

    Raises:
        ValueError: The values are not one ascending row of finite numbers.
    """
    curve = np.asarray(sorted_k_distances, dtype=np.float64)
    if curve.ndim != 1 or not np.isfinite(curve).all() or (np.diff(curve) < 0).any():
        raise ValueError("k-distances must be one ascending row of finite numbers: sort them and leave infinities out.")
    if len(curve) < _KNEE_POINTS or curve[-1] <= curve[0]:
        return None
    below = np.linspace(0.0, 1.0, len(curve)) - (curve - curve[0]) / (curve[-1] - curve[0])
    rank = int(np.argmax(below))
    confidence = float(below[rank] + min(0.0, below.min()))
    if confidence < _CLEAR_KNEE:
        return None
    return Knee(float(curve[rank]), rank, confidence)


def decimate(sorted_values: NDArray[np.float64], limit: int = MAX_KEPT) -> NDArray[np.intp]:
    """Places, ascending, of at most ``limit`` values that draw the same curve as all of them.

    Args:
        sorted_values: (n,) ascending values.
        limit: Even number of places to keep, 2 or more.

    Returns:
        (m,) places, m <= limit. All of them if n <= limit; else the least and the greatest value of each of limit / 2
        buckets of equal width, which on an ascending curve are the bucket's ends. The first and last place are kept.
    """
    n = len(sorted_values)
    if n <= limit:
        return np.arange(n, dtype=np.intp)
    edges = np.linspace(0, n, limit // 2 + 1).astype(np.intp)
    return np.unique(np.concatenate([edges[:-1], edges[1:] - 1]))
