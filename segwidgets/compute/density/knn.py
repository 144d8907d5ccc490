"""Exact nearest neighbours of every point, from the tree of boxes."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from segwidgets.compute.density.bvh import Boxes
from segwidgets.compute.density.distance import at, axes_of, squared, squared_between, squared_to_box
from segwidgets.compute.kernel import kernel
from segwidgets.compute.progress import Tick, no_tick

_SECONDS_BETWEEN_TICKS = 0.04


@kernel(parallel=True)
def _by_point(
    points: Any, axes: Any, start: Any, boxes: Any, first: int, last: int, squares: Any, indices: Any
) -> None:
    """Fill the rows of the leaves first..last: squares ascending, the point itself left out. For many dimensions."""
    leaves = start.size - 1
    k = squares.shape[1]
    for leaf in prange(first, last):
        stack = np.empty(64, np.int64)
        bound = np.empty(64, np.float64)
        best = np.empty(k, np.float64)
        near = np.empty(k, np.int32)
        for p in range(start[leaf], start[leaf + 1]):
            point = at(points, p, axes)
            found = 0
            worst = np.inf
            # From the point's own leaf upwards: the sibling of each node on the way to the root is searched.
            node = leaves + leaf
            stack[0] = node
            bound[0] = 0.0
            top = 1
            while True:
                while top > 0:
                    top -= 1
                    if bound[top] >= worst:
                        continue
                    here = stack[top]
                    if here >= leaves:
                        for q in range(start[here - leaves], start[here - leaves + 1]):
                            if q == p:
                                continue
                            d = squared(points, q, point)
                            if d < worst:
                                j = found if found < k else k - 1
                                while j > 0 and best[j - 1] > d:
                                    best[j] = best[j - 1]
                                    near[j] = near[j - 1]
                                    j -= 1
                                best[j] = d
                                near[j] = q
                                if found < k:
                                    found += 1
                                if found == k:
                                    worst = best[k - 1]
                    else:
                        a, b = 2 * here, 2 * here + 1
                        to_a = squared_to_box(boxes, a, point)
                        to_b = squared_to_box(boxes, b, point)
                        if to_a > to_b:
                            a, b = b, a
                            to_a, to_b = to_b, to_a
                        if to_b < worst:
                            stack[top] = b
                            bound[top] = to_b
                            top += 1
                        if to_a < worst:
                            stack[top] = a
                            bound[top] = to_a
                            top += 1
                if node == 1:
                    break
                stack[0] = node ^ 1
                bound[0] = squared_to_box(boxes, node ^ 1, point)
                top = 1
                node >>= 1
            for j in range(k):
                squares[p, j] = best[j]
                indices[p, j] = near[j]


@kernel(parallel=True)
def _by_leaf(points: Any, axes: Any, start: Any, boxes: Any, first: int, last: int, squares: Any, indices: Any) -> None:
    """As `_by_point`, but the points of a leaf go through the tree together.

    They are near each other in few dimensions, so that they visit the same nodes; in 8 it takes half as long again.
    """
    leaves = start.size - 1
    k = squares.shape[1]
    for leaf in prange(first, last):
        stack = np.empty(64, np.int64)
        bound = np.empty(64, np.float64)
        low = start[leaf]
        worst = np.full(start[leaf + 1] - low, np.inf)
        found = np.zeros(worst.size, np.int64)
        widest = np.inf  # the largest of worst
        own = leaves + leaf
        node = own
        stack[0] = node
        bound[0] = 0.0
        top = 1
        while True:
            while top > 0:
                top -= 1
                if bound[top] >= widest:
                    continue
                here = stack[top]
                if here >= leaves:
                    widest = 0.0
                    for i in range(worst.size):
                        p = low + i
                        point = at(points, p, axes)
                        limit = worst[i]
                        if squared_to_box(boxes, here, point) < limit:
                            count = found[i]
                            for q in range(start[here - leaves], start[here - leaves + 1]):
                                d = squared(points, q, point)
                                if d < limit and q != p:
                                    j = count if count < k else k - 1
                                    while j > 0 and squares[p, j - 1] > d:
                                        squares[p, j] = squares[p, j - 1]
                                        indices[p, j] = indices[p, j - 1]
                                        j -= 1
                                    squares[p, j] = d
                                    indices[p, j] = q
                                    if count < k:
                                        count += 1
                                    if count == k:
                                        limit = squares[p, k - 1]
                            found[i] = count
                            worst[i] = limit
                        widest = max(widest, limit)
                else:
                    a, b = 2 * here, 2 * here + 1
                    to_a, to_b = squared_between(boxes, own, a, axes), squared_between(boxes, own, b, axes)
                    if to_a > to_b:
                        a, b = b, a
                        to_a, to_b = to_b, to_a
                    if to_b < widest:
                        stack[top] = b
                        bound[top] = to_b
                        top += 1
                    if to_a < widest:
                        stack[top] = a
                        bound[top] = to_a
                        top += 1
            if node == 1:
                break
            stack[0] = node ^ 1
            bound[0] = squared_between(boxes, own, node ^ 1, axes)
            top = 1
            node >>= 1


def neighbors(tree: Boxes, k: int, tick: Tick = no_tick) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """The k nearest other points of every point, 1 <= k <= n - 1, in the tree's order.

    Returns squared distances (n, k) float64, ascending, and indices (n, k) int32. Which of several points at the
    same k-th distance are listed is not defined, but is the same in every run. ``tick`` is called about every 40 ms.
    """
    n, leaves = len(tree.points), len(tree.start) - 1
    squares = np.empty((n, k), np.float64)
    indices = np.empty((n, k), np.int32)
    axes = axes_of(tree.points)
    search = _by_leaf if tree.points.shape[1] == 3 else _by_point
    first, step = 0, 64
    while first < leaves:
        tick(first / leaves)
        last = min(leaves, first + step)
        began = time.perf_counter()
        search(tree.points, axes, tree.start, tree.boxes, first, last, squares, indices)
        took = max(time.perf_counter() - began, 1e-6)
        # The first call may have compiled or loaded the kernel, so a step may grow but never collapses.
        step = max(64, min(8 * step, int((last - first) * _SECONDS_BETWEEN_TICKS / took)))
        first = last
    return squares, indices
