"""A balanced tree of boxes over points in space, laid out as a heap.

Points are reordered so that every subtree is a run of rows: each level splits its runs at the median of their widest
axis. Median splits, not Morton codes, because one far outlier would put a whole cloud into a single Morton cell.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from segwidgets.compute.density.distance import axes_of
from segwidgets.compute.kernel import kernel
from segwidgets.compute.progress import Tick, no_tick

#: Most points a leaf holds.
LEAF_SIZE = 8


class Boxes(NamedTuple):
    """The tree: ``boxes[1]`` is the root, node v has children 2v and 2v + 1, leaf l is node ``len(start) - 1 + l``."""

    points: NDArray[np.float64]
    """(n, d), reordered."""
    rows: NDArray[np.int32]
    """(n,) the row number each reordered point had."""
    start: NDArray[np.int64]
    """(leaves + 1,) where each leaf's run begins."""
    boxes: NDArray[np.float64]
    """(2 * leaves, 2 * d) the lows, then the highs, of each node."""


@kernel(inline="always")
def _swap(points: Any, axes: Any, rows: Any, i: int, j: int) -> None:
    for axis in range(len(axes)):
        value = points[i, axis]
        points[i, axis] = points[j, axis]
        points[j, axis] = value
    row = rows[i]
    rows[i] = rows[j]
    rows[j] = row


@kernel(inline="always")
def _median(a: float, b: float, c: float) -> float:
    return max(min(a, b), min(max(a, b), c))


@kernel()
def _select(points: Any, axes: Any, rows: Any, low: int, high: int, middle: int, axis: int) -> None:
    """Reorder rows low..high so that ``middle`` holds the value it would hold if sorted (Hoare's selection)."""
    state = np.uint64(high) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(low)
    left, right = low, high - 1
    while left < right:
        # Random pivots: no order of input makes it quadratic. Equal values stop both scans: nor do duplicates.
        span = np.uint64(right - left + 1)
        picks = np.empty(3, np.int64)
        for k in range(3):
            state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
            picks[k] = left + np.int64((state >> np.uint64(33)) % span)
        pivot = _median(points[picks[0], axis], points[picks[1], axis], points[picks[2], axis])
        i, j = left, right
        while i <= j:
            while points[i, axis] < pivot:
                i += 1
            while points[j, axis] > pivot:
                j -= 1
            if i <= j:
                _swap(points, axes, rows, i, j)
                i += 1
                j -= 1
        if middle <= j:
            right = j
        elif middle >= i:
            left = i
        else:
            return


@kernel(parallel=True)
def _split_level(points: Any, axes: Any, rows: Any, start: Any, level: int, height: int) -> None:
    for node in prange(1 << level):
        low = start[node << (height - level)]
        high = start[(node + 1) << (height - level)]
        middle = start[(2 * node + 1) << (height - level - 1)]
        widest, axis = -1.0, 0
        for a in range(len(axes)):
            least, most = np.inf, -np.inf
            for i in range(low, high):
                least = min(least, points[i, a])
                most = max(most, points[i, a])
            if 0.5 * most - 0.5 * least > widest:  # halves: the difference of huge values would overflow
                widest = 0.5 * most - 0.5 * least
                axis = a
        _select(points, axes, rows, low, high, middle, axis)


@kernel(parallel=True)
def _bound(points: Any, start: Any, boxes: Any) -> None:
    leaves = start.size - 1
    dims = points.shape[1]
    for leaf in prange(leaves):
        for axis in range(dims):
            least, most = np.inf, -np.inf
            for i in range(start[leaf], start[leaf + 1]):
                least = min(least, points[i, axis])
                most = max(most, points[i, axis])
            boxes[leaves + leaf, axis] = least
            boxes[leaves + leaf, dims + axis] = most
    for node in range(leaves - 1, 0, -1):
        for axis in range(dims):
            boxes[node, axis] = min(boxes[2 * node, axis], boxes[2 * node + 1, axis])
            boxes[node, dims + axis] = max(boxes[2 * node, dims + axis], boxes[2 * node + 1, dims + axis])


def _height(n: int) -> int:
    return max(0, math.ceil(math.log2(n / LEAF_SIZE)))


def _boxes(points: NDArray[np.float64], rows: NDArray[np.int32]) -> Boxes:
    leaves = 1 << _height(len(points))
    start = (len(points) * np.arange(leaves + 1, dtype=np.int64)) // leaves
    boxes = np.empty((2 * leaves, 2 * points.shape[1]), np.float64)
    _bound(points, start, boxes)
    return Boxes(points, rows, start, boxes)


def build(points: NDArray[np.float64], tick: Tick = no_tick) -> Boxes:
    """The tree over ``points`` (n, d), n >= 1, finite, in C order, which it reorders; ``tick`` comes between levels."""
    n = len(points)
    height = _height(n)
    start = (n * np.arange((1 << height) + 1, dtype=np.int64)) >> height
    rows = np.arange(n, dtype=np.int32)
    for level in range(height):
        tick(level / height)
        _split_level(points, axes_of(points), rows, start, level, height)
    return _boxes(points, rows)


def rebuild(ordered: NDArray[np.float64]) -> Boxes:
    """The tree again, from its own reordered points."""
    return _boxes(ordered, np.arange(len(ordered), dtype=np.int32))
