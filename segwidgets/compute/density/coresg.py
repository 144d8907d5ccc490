"""The spanning tree for another min_samples, without another neighbour search (CORE-SG).

Neto, Naldi, Sander, Campello: "CORE-SG: Efficient Computation of Multiple MSTs for Density-Based Methods" (ICDE
2022). Take the radii of the lists (how far each reaches) for core distances, and make the tree for those. The tree for
any core distances up to the radii lies within the listed edges and that tree: an edge (p, q) in no list is at least as
long as both lists' radii, so its weight in that tree's terms is its length, and the tree joins p and q by edges that
are no heavier, and no heavier still for smaller core distances. Ties at the end of a list do not matter to this.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwidgets.compute.density.boruvka import find, scan_lists
from segwidgets.compute.density.lists import Lists
from segwidgets.compute.kernel import kernel
from segwidgets.compute.progress import Tick, no_tick

_SLICE = 1 << 16  # points scanned between two ticks
_WORTH_A_ROUND = 0.1  # the share of components that a round from one side must join to be followed by another


@kernel()
def _join_proven(
    weight: Any,
    other: Any,
    radius: Any,
    core: Any,
    component: Any,
    parent: Any,
    best: Any,
    holder: Any,
    bound: Any,
    out: Any,
    tree: Any,
    count: int,
) -> int:
    """Join the components whose lightest edge in their own lists is lighter than any that is in others' lists only."""
    n = component.size
    best[:] = np.inf
    bound[:] = np.inf
    holder[:] = -1
    for p in range(n):
        c = component[p]
        if weight[p] < best[c]:
            best[c] = weight[p]
            holder[c] = p
        bound[c] = min(bound[c], max(radius[p], core[p]))
    for c in range(n):
        p = holder[c]
        if p >= 0 and best[c] <= bound[c]:
            a, b = find(parent, p), find(parent, other[p])
            if a != b:  # equal weights can close a circle
                parent[max(a, b)] = min(a, b)
                out[count] = best[c]
                tree[count, 0] = p
                tree[count, 1] = other[p]
                count += 1
    for p in range(n):
        component[p] = find(parent, p)
    return count


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


def bridges_of(
    edges: NDArray[np.int32], lengths: NDArray[np.float64], radius: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The edges that may be in no list, and their lengths: a shorter one is in the list of one of its ends."""
    far = (lengths >= radius[edges[:, 0]]) & (lengths >= radius[edges[:, 1]])
    return edges[far], lengths[far]


def spanning_tree(
    lists: Lists,
    core: NDArray[np.float64],
    edges: NDArray[np.int32],
    lengths: NDArray[np.float64],
    tick: Tick = no_tick,
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The mutual-reachability spanning tree under other core distances.

    Args:
        lists: u points and their neighbours.
        core: (u,) finite core distances of at most the lists' radii.
        edges: (b, 2) the `bridges_of` the tree for the radii.
        lengths: (b,) their lengths.
        tick: Called often with the share of edges found.

    Returns:
        Edges (u - 1, 2) int32 and their weights (u - 1,), in no order.
    """
    distances, indices, radius = lists.distances, lists.indices, lists.radius
    n = len(core)
    parent = np.arange(n, dtype=np.int32)
    component = parent.copy()
    best, ends = np.empty(n), np.empty((n, 2), np.int32)
    out, tree = np.empty(n - 1, np.float64), np.empty((n - 1, 2), np.int32)
    weight, other = np.empty(n), np.empty(n, np.int32)
    holder, bound, known = np.empty(n, np.int32), np.empty(n), np.zeros(n, np.int32)
    count = 0
    # While most edges are found there, looking at each point's own list on all cores is quickest.
    joined = n
    while count < n - 1 and joined > _WORTH_A_ROUND * (n - count):
        tick(count / (n - 1))
        scan_lists(distances, indices, core, component, -1, known, weight, other)
        tick(count / (n - 1))
        before = count
        count = _join_proven(weight, other, radius, core, component, parent, best, holder, bound, out, tree, count)
        joined = count - before
    active = np.flatnonzero(known < distances.shape[1]).astype(np.int32)
    best[:] = np.inf
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
