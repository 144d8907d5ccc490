# ruff: noqa: ARG001 - numba matches the versions of a function by the names of all arguments
"""The one distance of the package's density code, and where an eps reaches it.

scikit-learn's DBSCAN asks a KD-tree, which compares squares: q lies within eps of p when ``((dx² + dy²) + dz²) + … <=
eps²``, both sides rounded to float64. The square root of the left side can be one rounding step too small for that,
so an eps taken from a k-distance plot would miss the very point it was taken from, or not, by luck. Here a distance
is therefore the smallest float64 eps that reaches the pair (`reach`; at most one step above the rounded square
root), and ``distance <= eps`` is scikit-learn's answer for every eps.

Kernels are written once for any number of axes. They carry ``axes``: a tuple of three for up to three dimensions
(missing ones are zeros, which change no sum), which makes numba compile a version with three unrolled steps, or an
array with an element per axis, which makes it compile one with a loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import numpy as np
from numba import prange, types
from numba.extending import overload
from numpy.typing import NDArray

from segwidgets.compute.kernel import kernel

#: Squares are held at the largest float64, so that infinity still means "nothing found yet" in every search.
MAX_SQUARE = float(np.finfo(np.float64).max)
#: The most dimensions that the tree of boxes is made for; beyond, boxes no longer tell near from far.
MAX_DIMENSIONS = 20
_SMALLEST_SAFE_SQUARE = 1e-290

Axes: TypeAlias = "tuple[int, int, int] | NDArray[np.int64]"


def axes_of(points: NDArray[np.float64]) -> Axes:
    """What tells the kernels how many axes the points have."""
    return (0, 1, 2) if points.shape[1] == 3 else np.arange(points.shape[1])


def at(points: Any, p: int, axes: Any) -> Any:
    """The coordinates of p: three numbers in registers, or a row."""
    raise NotImplementedError("for kernels only")


def squared(points: Any, q: int, here: Any) -> float:
    """Squared distance from q to ``here`` in scikit-learn's order of operations, at most `MAX_SQUARE`."""
    raise NotImplementedError("for kernels only")


def squared_to_box(boxes: Any, node: int, here: Any) -> float:
    """A lower bound of `squared` from ``here`` to any point in a box (all lows, then all highs).

    Rounding is monotone and the order of operations is that of `squared`, so the bound holds to the last bit.
    """
    raise NotImplementedError("for kernels only")


def _versions(of: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Numba's ``overload``: the decorated function picks the version of ``of`` that fits the arguments' types."""
    return cast("Callable[[Callable[..., Any]], Callable[..., Any]]", overload(of))


@_versions(at)
def _at(points: Any, p: Any, axes: Any) -> Any:
    def three(points: Any, p: Any, axes: Any) -> Any:
        return points[p, 0], points[p, 1], points[p, 2]

    def any_number(points: Any, p: Any, axes: Any) -> Any:
        return points[p]

    return three if isinstance(axes, types.UniTuple) else any_number


@_versions(squared)
def _squared(points: Any, q: Any, here: Any) -> Any:
    def three(points: Any, q: Any, here: Any) -> Any:
        dx = points[q, 0] - here[0]
        dy = points[q, 1] - here[1]
        dz = points[q, 2] - here[2]
        return min(dx * dx + dy * dy + dz * dz, MAX_SQUARE)

    def any_number(points: Any, q: Any, here: Any) -> Any:
        total = 0.0
        for axis in range(here.size):
            step = points[q, axis] - here[axis]
            total += step * step
        return min(total, MAX_SQUARE)

    return three if isinstance(here, types.UniTuple) else any_number


@_versions(squared_to_box)
def _squared_to_box(boxes: Any, node: Any, here: Any) -> Any:
    def three(boxes: Any, node: Any, here: Any) -> Any:
        dx = max(boxes[node, 0] - here[0], here[0] - boxes[node, 3], 0.0)
        dy = max(boxes[node, 1] - here[1], here[1] - boxes[node, 4], 0.0)
        dz = max(boxes[node, 2] - here[2], here[2] - boxes[node, 5], 0.0)
        return min(dx * dx + dy * dy + dz * dz, MAX_SQUARE)

    def any_number(boxes: Any, node: Any, here: Any) -> Any:
        total = 0.0
        count = here.size
        for axis in range(count):
            step = max(boxes[node, axis] - here[axis], here[axis] - boxes[node, count + axis], 0.0)
            total += step * step
        return min(total, MAX_SQUARE)

    return three if isinstance(here, types.UniTuple) else any_number


@kernel()
def squared_between(boxes: Any, a: int, b: int, axes: Any) -> float:
    """A lower bound of `squared` from any point in one box to any point in another."""
    total = 0.0
    for axis in range(len(axes)):
        high = len(axes) + axis
        step = max(boxes[a, axis] - boxes[b, high], boxes[b, axis] - boxes[a, high], 0.0)
        total += step * step
    return min(total, MAX_SQUARE)


@kernel()
def before(points: Any, a: int, b: int) -> bool:
    """Whether the coordinates of a come before those of b, compared axis by axis."""
    for axis in range(points.shape[1]):
        if points[a, axis] != points[b, axis]:
            return bool(points[a, axis] < points[b, axis])
    return False


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


@kernel(parallel=True)
def reach_all(squares: Any) -> None:
    """`reach` for every element of a 1-D float64 array, in place."""
    for i in prange(squares.size):
        squares[i] = reach(squares[i])


@kernel(parallel=True)
def lengths(points: Any, axes: Any, edges: Any, out: Any) -> None:
    """`reach` between the ends of each edge."""
    for e in prange(out.size):
        out[e] = reach(squared(points, edges[e, 0], at(points, edges[e, 1], axes)))
