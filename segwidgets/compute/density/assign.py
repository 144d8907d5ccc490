"""Which cluster a new point would be a border point of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from segwidgets.compute.density.bvh import Boxes
from segwidgets.compute.density.distance import at, axes_of, before, reach, squared, squared_to_box
from segwidgets.compute.kernel import kernel
from segwidgets.compute.progress import Tick, no_tick

_SLICE = 1 << 14  # new points between two ticks


@kernel(parallel=True)
def _node_cores(core: Any, start: Any, densest: Any) -> None:
    """The smallest core distance in each node."""
    leaves = start.size - 1
    for leaf in prange(leaves):
        least = np.inf
        for p in range(start[leaf], start[leaf + 1]):
            least = min(least, core[p])
        densest[leaves + leaf] = least
    for node in range(leaves - 1, 0, -1):
        densest[node] = min(densest[2 * node], densest[2 * node + 1])


@kernel(parallel=True)
def _reach_first(
    new: Any, axes: Any, eps: float, points: Any, start: Any, boxes: Any, core: Any, densest: Any, host: Any, least: Any
) -> None:
    """For each new point the core point that it reaches at the smallest eps, or -1; and that eps, or infinity."""
    leaves = start.size - 1
    for i in prange(host.size):
        stack = np.empty(64, np.int64)
        bound = np.empty(64, np.float64)
        here = at(new, i, axes)
        limit = eps
        square = eps * eps
        found = -1
        distance = np.inf
        stack[0] = 1
        bound[0] = 0.0
        top = 1
        while top > 0:
            top -= 1
            node = stack[top]
            # What is exactly at the limit may still win by distance or coordinates.
            if bound[top] > square or densest[node] > limit:
                continue
            if node >= leaves:
                for q in range(start[node - leaves], start[node - leaves + 1]):
                    if core[q] > limit:
                        continue
                    apart = squared(points, q, here)
                    if apart > square:
                        continue
                    d = reach(apart)
                    w = max(d, core[q])
                    if (
                        w < limit
                        or found < 0
                        or (w == limit and (d < distance or (d == distance and before(points, q, found))))
                    ):
                        limit = w
                        square = w * w
                        found = q
                        distance = d
            else:
                a, b = 2 * node, 2 * node + 1
                to_a, to_b = squared_to_box(boxes, a, here), squared_to_box(boxes, b, here)
                if to_a > to_b:
                    a, b = b, a
                    to_a, to_b = to_b, to_a
                stack[top] = b
                bound[top] = to_b
                stack[top + 1] = a
                bound[top + 1] = to_a
                top += 2
        host[i] = found
        least[i] = limit if found >= 0 else np.inf


def assign(
    tree: Boxes,
    core: NDArray[np.float64],
    labels: NDArray[np.int32],
    new: NDArray[np.float64],
    eps: float,
    tick: Tick = no_tick,
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Labels of ``new`` (m, d), by the core point that each reaches at the smallest eps, -1 if at none; and that eps.

    Args:
        tree: The boxes over the points.
        core: (u,) core distances, in the tree's order.
        labels: (u,) the clustering at ``eps``, in the tree's order.
        new: (m, d) with the tree's number of axes.
        eps: Where the clustering was cut.
        tick: Called between slices with the share done.
    """
    densest = np.empty(len(tree.boxes), np.float64)
    _node_cores(core, tree.start, densest)
    host = np.empty(len(new), np.int32)
    least = np.empty(len(new), np.float64)
    for low in range(0, len(new), _SLICE):
        tick(low / len(new))
        part = slice(low, low + _SLICE)
        _reach_first(
            new[part], axes_of(tree.points), eps, tree.points, tree.start, tree.boxes, core, densest, host[part],
            least[part],
        )  # fmt: skip
    return np.where(host >= 0, labels[host], np.int32(-1)), least
