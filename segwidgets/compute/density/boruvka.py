"""The mutual-reachability spanning tree of all points (Borůvka's algorithm, neighbour lists first, then the tree).

The weight of an edge is max(distance, core distance of one end, core distance of the other). A round takes for every
component its lightest edge to another component. Most are found in the neighbour lists; only a point whose whole
list lies in its own component, and whose listed radius could still beat the component's best, searches the tree of
boxes. Everything is compared in squares; nothing depends on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from segwidgets.compute.density.bvh import Boxes
from segwidgets.compute.density.distance import at, axes_of, squared, squared_to_box
from segwidgets.compute.kernel import kernel
from segwidgets.compute.progress import Tick, no_tick

_BLOCK = 128  # points that share a running best; fixed, so that the result does not depend on the threads
_SLICE = 128 * _BLOCK  # points searched between two ticks


@kernel()
def find(parent: Any, i: int) -> int:
    """The root of i in a union-find forest, halving the path."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel(parallel=True)
def scan_lists(
    squares: Any, indices: Any, core: Any, component: Any, skip: int, known: Any, weight: Any, other: Any
) -> None:
    """Per point the lightest listed edge that leaves its component (infinite: none); ``known`` skips what is inside."""
    k = squares.shape[1]
    for p in prange(component.size):
        c = component[p]
        best = np.inf
        partner = -1
        if c != skip:
            j = known[p]
            while j < k and component[indices[p, j]] == c:
                j += 1
            known[p] = j
            own = core[p]
            while j < k and squares[p, j] < best and own < best:
                q = indices[p, j]
                if component[q] != c:
                    w = max(squares[p, j], own, core[q])
                    if w < best:
                        best = w
                        partner = q
                j += 1
        weight[p] = best
        other[p] = partner


@kernel()
def _to_search(radius: Any, kept: Any, core: Any, component: Any, skip: int, weight: Any, other: Any, best: Any) -> Any:
    """Points that could have a lighter edge than their component's best (filled in here) outside their lists."""
    n = component.size
    best[:] = np.inf
    for p in range(n):
        c = component[p]
        # What an earlier search found is still the lightest there is, as long as it lies in another component.
        if c != skip and kept[p] >= 0 and component[kept[p]] != c and radius[p] < weight[p]:
            weight[p] = radius[p]
            other[p] = kept[p]
        best[c] = min(best[c], weight[p])
    chosen = np.empty(n, np.int32)
    count = 0
    for p in range(n):
        c = component[p]
        if c != skip and max(radius[p], core[p]) < best[c]:
            chosen[count] = p
            count += 1
    return chosen[:count].copy()


@kernel(parallel=True)
def _mark_nodes(component: Any, start: Any, node_component: Any) -> None:
    """The component that a whole node belongs to, or -1."""
    leaves = start.size - 1
    for leaf in prange(leaves):
        c = component[start[leaf]]
        for i in range(start[leaf] + 1, start[leaf + 1]):
            if component[i] != c:
                c = -1
                break
        node_component[leaves + leaf] = c
    for node in range(leaves - 1, 0, -1):
        a, b = node_component[2 * node], node_component[2 * node + 1]
        node_component[node] = a if a == b else -1


@kernel(parallel=True)
def _search_tree(
    points: Any,
    axes: Any,
    start: Any,
    boxes: Any,
    core: Any,
    radius: Any,
    kept: Any,
    component: Any,
    node_component: Any,
    chosen: Any,
    best: Any,
    weight: Any,
    other: Any,
) -> None:
    """For each chosen point an edge out of its component that is lighter than the component's best, if there is one.

    ``radius`` becomes what the search has shown: no edge out of the component, now or when it has grown, is lighter.
    """
    leaves = start.size - 1
    for block in prange((chosen.size + _BLOCK - 1) // _BLOCK):
        stack = np.empty(64, np.int64)
        bound = np.empty(64, np.float64)
        last_component = -1
        last_best = np.inf
        for position in range(block * _BLOCK, min(chosen.size, (block + 1) * _BLOCK)):
            p = chosen[position]
            c = component[p]
            if c != last_component:
                last_component = c
                last_best = best[c]
            limit = last_best
            own = core[p]
            if radius[p] >= limit or own >= limit:
                continue
            point = at(points, p, axes)
            partner = -1
            node = leaves + np.searchsorted(start, p, side="right") - 1
            top = 0
            if node_component[node] != c:
                stack[0] = node
                bound[0] = 0.0
                top = 1
            while True:
                while top > 0:
                    top -= 1
                    if bound[top] >= limit:
                        continue
                    here = stack[top]
                    if here >= leaves:
                        for q in range(start[here - leaves], start[here - leaves + 1]):
                            if component[q] != c:
                                d = squared(points, q, point)
                                w = max(d, own, core[q])
                                if w < limit:
                                    limit = w
                                    partner = q
                    else:
                        a, b = 2 * here, 2 * here + 1
                        to_a = np.inf if node_component[a] == c else squared_to_box(boxes, a, point)
                        to_b = np.inf if node_component[b] == c else squared_to_box(boxes, b, point)
                        if to_a > to_b:
                            a, b = b, a
                            to_a, to_b = to_b, to_a
                        if to_b < limit:
                            stack[top] = b
                            bound[top] = to_b
                            top += 1
                        if to_a < limit:
                            stack[top] = a
                            bound[top] = to_a
                            top += 1
                if node == 1 or own >= limit:
                    break
                sibling = node ^ 1
                node >>= 1
                if node_component[sibling] != c:
                    to_sibling = squared_to_box(boxes, sibling, point)
                    if to_sibling < limit:
                        stack[0] = sibling
                        bound[0] = to_sibling
                        top = 1
            radius[p] = limit
            kept[p] = partner
            if partner >= 0:
                weight[p] = limit
                other[p] = partner
                last_best = limit


@kernel()
def _lower_bests(chosen: Any, component: Any, weight: Any, best: Any) -> None:
    for p in chosen:
        best[component[p]] = min(best[component[p]], weight[p])


@kernel()
def _merge(
    weight: Any,
    other: Any,
    component: Any,
    parent: Any,
    size: Any,
    best: Any,
    holder: Any,
    out: Any,
    edges: Any,
    count: int,
) -> tuple[int, int]:
    """Join every component along its lightest edge; returns the number of edges so far and the largest component."""
    n = component.size
    best[:] = np.inf
    holder[:] = -1
    for p in range(n):
        c = component[p]
        if weight[p] < best[c]:
            best[c] = weight[p]
            holder[c] = p
    for c in range(n):
        p = holder[c]
        if p >= 0:
            a, b = find(parent, p), find(parent, other[p])
            if a != b:  # equal weights can close a circle
                if b < a:
                    a, b = b, a
                parent[b] = a
                size[a] += size[b]
                out[count] = best[c]
                edges[count, 0] = p
                edges[count, 1] = other[p]
                count += 1
    largest = 0
    for p in range(n):
        c = find(parent, p)
        component[p] = c
        if size[c] > size[largest]:
            largest = c
    return count, largest


def spanning_tree(
    tree: Boxes,
    squares: NDArray[np.float64],
    indices: NDArray[np.int32],
    core: NDArray[np.float64],
    tick: Tick = no_tick,
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The spanning tree of n >= 2 points, in the tree's order.

    Args:
        tree: The boxes over the points.
        squares: (n, k) squared distances to the nearest neighbours, ascending.
        indices: (n, k) which those are.
        core: (n,) squared core distances.
        tick: Called between the steps of every round with the share of edges found.

    Returns:
        Edges (n - 1, 2) int32 and their squared weights (n - 1,), in no order.
    """
    n, axes = len(core), axes_of(tree.points)
    radius = squares[:, -1].copy()
    kept = np.full(n, -1, np.int32)
    parent = np.arange(n, dtype=np.int32)
    component = parent.copy()
    size = np.ones(n, np.int32)
    known = np.zeros(n, np.int32)
    weight, other = np.empty(n, np.float64), np.empty(n, np.int32)
    best, holder = np.empty(n, np.float64), np.empty(n, np.int32)
    node_component = np.empty(len(tree.boxes), np.int32)
    out, edges = np.empty(n - 1, np.float64), np.empty((n - 1, 2), np.int32)
    # The largest component need not look for its edge: all others look for theirs, and looking is what costs.
    count, largest = 0, -1
    while count < n - 1:
        done = count / (n - 1)
        tick(done)
        scan_lists(squares, indices, core, component, largest, known, weight, other)
        tick(done)
        chosen = _to_search(radius, kept, core, component, largest, weight, other, best)
        if len(chosen):
            _mark_nodes(component, tree.start, node_component)
            for first in range(0, len(chosen), _SLICE):
                tick(done)
                part = chosen[first : first + _SLICE]
                _search_tree(
                    tree.points,
                    axes,
                    tree.start,
                    tree.boxes,
                    core,
                    radius,
                    kept,
                    component,
                    node_component,
                    part,
                    best,
                    weight,
                    other,
                )
                _lower_bests(part, component, weight, best)
        tick(done)
        count, largest = _merge(weight, other, component, parent, size, best, holder, out, edges, count)
    return edges, out
