"""The one distance of the package's density code, and where an eps reaches it.

scikit-learn's DBSCAN asks a KD-tree, which compares squares: q lies within eps of p when ``(dx² + dy²) + dz² <=
eps²``, both sides rounded to float64. The square root of the left side can be one rounding step too small for that,
so an eps taken from a k-distance plot would miss the very point it was taken from, or not, by luck. Here a distance
is therefore the smallest float64 eps that reaches the pair (`reach`; at most one step above the rounded square
root), and ``distance <= eps`` is scikit-learn's answer for every eps.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import prange

from segwidgets.compute.kernel import kernel

#: Squares are held at the largest float64, so that infinity still means "nothing found yet" in every search.
MAX_SQUARE = float(np.finfo(np.float64).max)
_SMALLEST_SAFE_SQUARE = 1e-290


@kernel(inline="always")
def squared(dx: float, dy: float, dz: float) -> float:
    """Squared length in scikit-learn's order of operations, at most `MAX_SQUARE`."""
    square = dx * dx + dy * dy + dz * dz
    return min(square, MAX_SQUARE)


@kernel(inline="always")
def squared_to_box(boxes: Any, node: int, x: float, y: float, z: float) -> float:
    """A lower bound of `squared` from (x, y, z) to any point in a box (low x, y, z, high x, y, z).

    Rounding is monotone and the order of operations is that of `squared`, so the bound holds to the last bit.
    """
    dx = max(boxes[node, 0] - x, x - boxes[node, 3], 0.0)
    dy = max(boxes[node, 1] - y, y - boxes[node, 4], 0.0)
    dz = max(boxes[node, 2] - z, z - boxes[node, 5], 0.0)
    return squared(dx, dy, dz)


@kernel()
def _smallest_reaching(square: float) -> float:
    """The smallest float64 whose rounded square is at least ``square``, by bisection (tiny or huge squares only)."""
    target = np.inf if square >= MAX_SQUARE else square
    low, high = 0.0, 1.35e154  # 1.35e154² overflows to infinity
    if low * low >= target:
        return low
    while True:
        middle = low + 0.5 * (high - low)
        # Geometric steps first: the answer may be near 1e-162.
        if low > 0.0 and high > 4.0 * low:
            middle = math.sqrt(low) * math.sqrt(high)
        elif low == 0.0 and high > 1e-300:
            middle = high * 1e-8
        if middle <= low or middle >= high:
            return high
        if middle * middle >= target:
            high = middle
        else:
            low = middle


@kernel()
def reach(square: float) -> float:
    """The smallest float64 eps with ``eps * eps >= square``: the distance in the sense of this package."""
    if square < _SMALLEST_SAFE_SQUARE or square >= MAX_SQUARE:
        return 0.0 if square == 0.0 else _smallest_reaching(square)
    eps = math.sqrt(square)
    if eps * eps < square:
        eps = np.nextafter(eps, np.inf)
    return eps


@kernel(parallel=True)
def reach_rows(squares: Any) -> None:
    """`reach` for every element of a (rows, columns) float64 array, in place."""
    for i in prange(squares.shape[0]):
        for j in range(squares.shape[1]):
            squares[i, j] = reach(squares[i, j])
