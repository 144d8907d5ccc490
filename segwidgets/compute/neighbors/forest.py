"""Random-projection trees: rows cut in two by planes between two of them, again and again (Dasgupta and Freund 2008).

Rows of one leaf are likely neighbours, so that the search begins with them; and rows in the order of a tree have their
neighbours near by in memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import prange

from segwidgets.compute.kernel import kernel
from segwidgets.compute.neighbors.points import Points
from segwidgets.compute.progress import Tick

#: Rows of a task, and between two ticks.
_TASK, _STEP = 2048, 250_000
_MAX_LEVELS = 60
#: A cut that leaves less than this share on one side is made in the middle of the order instead: duplicates.
_LOPSIDED = 0.05


@kernel(fastmath=False)
def mixed(a: int, b: int, c: int) -> Any:
    """A random number of 64 bits that depends on three numbers only (the finaliser of SplitMix64, Steele 2014)."""
    z = np.uint64(a) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(b) * np.uint64(0xD1B54A32D192ED03)
    z += np.uint64(c) * np.uint64(0x8CB92BA72F3D8DD7)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def grow(points: Points, leaf: int, seed: int, tick: Tick) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """A tree over the points: rows in the order of the leaves (n,) int32, and where leaves begin (leaves + 1,).

    Leaves hold ``leaf`` rows at most. The same for the same seed, whatever the threads.
    """
    n = len(points.size)
    order, sides = np.arange(n, dtype=np.int32), np.empty(n, np.bool_)
    starts, stops = np.array([0], np.int64), np.array([n], np.int64)
    leaves = [np.array([n], np.int64)]
    for level in range(_MAX_LEVELS):
        split = stops - starts > leaf
        leaves.append(starts[~split])
        starts, stops = starts[split], stops[split]
        if not len(starts):
            break
        counts = -(-(stops - starts) // _TASK)
        node = np.repeat(np.arange(len(starts)), counts)
        low = starts[node] + _TASK * (np.arange(len(node)) - np.repeat(np.cumsum(counts) - counts, counts))
        high = np.minimum(low + _TASK, stops[node])
        begin = 0
        while begin < len(node):
            tick(0.0)
            end = int(np.searchsorted(high, low[begin] + _STEP, side="right"))
            end = max(end, begin + 1)
            _sides(points, order, starts, stops, node[begin:end], low[begin:end], high[begin:end], seed, level, sides)
            begin = end
        middle = _part(order, sides, starts, stops)
        starts, stops = np.concatenate([starts, middle]), np.concatenate([middle, stops])
        ranks = np.argsort(starts, kind="stable")
        starts, stops = starts[ranks], stops[ranks]
    else:
        leaves.append(starts)
    return order, np.sort(np.concatenate(leaves))


@kernel(parallel=True, fastmath=False)
def _sides(
    points: Any, order: Any, starts: Any, stops: Any, node: Any, low: Any, high: Any, seed: int, level: int, sides: Any
) -> None:
    """Which side of its node's plane each row lies on: nearer to the one or the other of two rows of the node."""
    for task in prange(node.size):
        first, last = starts[node[task]], stops[node[task]]
        count = np.uint64(last - first)
        one = np.uint64(mixed(seed, first, 2 * level)) % count
        two = np.uint64(mixed(seed, first, 2 * level + 1)) % (count - np.uint64(1))
        if two >= one:
            two += np.uint64(1)
        a, b = order[first + np.int64(one)], order[first + np.int64(two)]
        normal = np.zeros(points.width, np.float32)
        shift = np.float32(0)
        if points.dense.size > 0:
            for c in range(points.width):
                normal[c] = points.dense[a, c] - points.dense[b, c]
                shift -= normal[c] * (points.dense[a, c] + points.dense[b, c]) / 2
        else:
            for e in range(points.indptr[a], points.indptr[a + 1]):
                normal[points.indices[e]] += points.values[e]
                shift -= points.values[e] ** 2 / 2
            for e in range(points.indptr[b], points.indptr[b + 1]):
                normal[points.indices[e]] -= points.values[e]
                shift += points.values[e] ** 2 / 2
        for place in range(low[task], high[task]):
            row = order[place]
            total = shift
            if points.dense.size > 0:
                total += _dot(normal, points.dense[row])
            else:
                for e in range(points.indptr[row], points.indptr[row + 1]):
                    total += normal[points.indices[e]] * points.values[e]
            if total == 0:  # in the plane, as all rows are where the two are equal
                sides[place] = mixed(seed, row, level) & np.uint64(1)
            else:
                sides[place] = total > 0


@kernel(fastmath={"contract", "nsz", "reassoc"})
def _dot(a: Any, b: Any) -> Any:
    total = np.float32(0)
    for c in range(a.size):
        total += a[c] * b[c]
    return total


@kernel(parallel=True, fastmath=False)
def _part(order: Any, sides: Any, starts: Any, stops: Any) -> Any:
    """Move each node's rows to their sides, in their order; gives where the second side begins, (nodes,) int64."""
    middle = np.empty(starts.size, np.int64)
    for node in prange(starts.size):
        first, last = starts[node], stops[node]
        right = 0
        for place in range(first, last):
            right += sides[place]
        count = last - first
        if right < _LOPSIDED * count or right > (1 - _LOPSIDED) * count:
            middle[node] = first + count // 2
            continue
        aside = np.empty(right, np.int32)
        to, kept = first, 0
        for place in range(first, last):
            if sides[place]:
                aside[kept] = order[place]
                kept += 1
            else:
                order[to] = order[place]
                to += 1
        for j in range(right):
            order[to + j] = aside[j]
        middle[node] = to
    return middle
