"""The spanning tree for another min_samples, without another neighbour search (CORE-SG).

Neto, Naldi, Sander, Campello: "CORE-SG: Efficient Computation of Multiple MSTs for Density-Based Methods" (ICDE
2022). With K listed neighbours and the tree for min_samples = K + 1, the tree for any smaller min_samples lies within
the listed edges and that tree: an edge (p, q) in no list is at least as long as both lists' radii, so its weight under
K + 1 is its length, and the tree joins p and q by edges that are no heavier, and no heavier still for a smaller
min_samples. Ties at the K-th neighbour do not matter to this.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwidgets.compute.density.boruvka import find
from segwidgets.compute.kernel import kernel
from segwidgets.compute.progress import Tick, no_tick

_SLICE = 1 << 16  # points scanned between two ticks


@kernel()
def _offer(w: float, p: int, q: int, component: Any, best: Any, ends: Any) -> None:
    """Remember the edge (p, q) where it is the lightest so far that leaves a component."""
    for c in (component[p], component[q]):
        if w < best[c]:
            best[c] = w
            ends[c, 0] = p
            ends[c, 1] = q


@kernel()
def _scan_lists(
    distances: Any, indices: Any, core: Any, component: Any, active: Any, first: int, last: int, best: Any, ends: Any
) -> None:
    """Offer the listed edges of active[first:last]; a point with none left is struck out by -1."""
    for position in range(first, last):
        p = active[position]
        own = core[p]
        alive = False
        for j in range(distances.shape[1]):
            q = indices[p, j]
            if component[q] != component[p]:
                alive = True
                _offer(max(distances[p, j], own, core[q]), p, q, component, best, ends)
        if not alive:
            active[position] = -1


@kernel()
def _scan_edges(edges: Any, lengths: Any, core: Any, component: Any, best: Any, ends: Any) -> None:
    for e in range(lengths.size):
        p, q = edges[e, 0], edges[e, 1]
        if component[p] != component[q]:
            _offer(max(lengths[e], core[p], core[q]), p, q, component, best, ends)


@kernel()
def _merge(component: Any, parent: Any, best: Any, ends: Any, out: Any, tree: Any, count: int) -> int:
    for c in range(best.size):
        if best[c] < np.inf:
            a, b = find(parent, ends[c, 0]), find(parent, ends[c, 1])
            if a != b:  # equal weights can close a circle
                parent[max(a, b)] = min(a, b)
                out[count] = best[c]
                tree[count, 0] = ends[c, 0]
                tree[count, 1] = ends[c, 1]
                count += 1
    for p in range(best.size):
        component[p] = find(parent, p)
        best[p] = np.inf
    return count


def spanning_tree(
    distances: NDArray[np.float64],
    indices: NDArray[np.int32],
    core: NDArray[np.float64],
    edges: NDArray[np.int32],
    lengths: NDArray[np.float64],
    tick: Tick = no_tick,
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The mutual-reachability spanning tree under other core distances.

    Args:
        distances: (n, K) to the nearest neighbours.
        indices: (n, K) which those are.
        core: (n,) core distances for a min_samples of at most K + 1.
        edges: (n - 1, 2) the tree for min_samples = K + 1.
        lengths: (n - 1,) plain distances between the ends of those edges.
        tick: Called often with the share of edges found.

    Returns:
        Edges (n - 1, 2) int32 and their weights (n - 1,), in no order.
    """
    n = len(core)
    parent = np.arange(n, dtype=np.int32)
    component, active = parent.copy(), parent.copy()
    best, ends = np.full(n, np.inf), np.empty((n, 2), np.int32)
    out, tree = np.empty(n - 1, np.float64), np.empty((n - 1, 2), np.int32)
    count = 0
    while count < n - 1:
        for first in range(0, len(active), _SLICE):
            tick(count / (n - 1))
            last = min(len(active), first + _SLICE)
            _scan_lists(distances, indices, core, component, active, first, last, best, ends)
        active = active[active >= 0]
        _scan_edges(edges, lengths, core, component, best, ends)
        count = _merge(component, parent, best, ends, out, tree, count)
        open_edges = component[edges[:, 0]] != component[edges[:, 1]]
        edges, lengths = edges[open_edges], lengths[open_edges]
    return tree, out
