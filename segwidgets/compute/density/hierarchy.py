"""Every DBSCAN clustering for one min_samples: the spanning tree laid out so that a cut is one scan.

Merging the tree's edges from light to heavy and joining the lists of their members gives an order of all points, and
between neighbours in it a gap, the weight at which they came together. At any eps a cluster is a run of core points
with no gap above eps. Of two lists the one with the denser first point goes first, so that a run begins with its
anchor, the densest of its points. A border point is within eps of a core point but has fewer than min_samples points
there, so all of its core neighbours stand in its own neighbour list.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from segwidgets.compute.density.boruvka import find
from segwidgets.compute.density.distance import before
from segwidgets.compute.density.lists import Lists
from segwidgets.compute.kernel import kernel
from segwidgets.compute.progress import Tick, no_tick

_SLICE = 1 << 17  # edges laid out between two ticks


@kernel()
def _settle_ties(values: Any, order: Any) -> None:
    """Put equal values (already side by side) in the order they had."""
    low = 0
    for i in range(1, order.size + 1):
        if i == order.size or values[order[i]] != values[order[low]]:
            if i - low > 1:
                order[low:i] = np.sort(order[low:i])
            low = i


def _stable_order(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """``np.argsort(values, kind="stable")``, in a third of its time: numpy's other sort uses vectors."""
    order = np.argsort(values)
    _settle_ties(values, order)
    return order


@kernel()
def _join(
    edges: Any,
    weights: Any,
    low: int,
    high: int,
    core: Any,
    points: Any,
    parent: Any,
    head: Any,
    tail: Any,
    size: Any,
    following: Any,
    height: Any,
) -> None:
    """Join the lists along the edges low..high, which are sorted by weight."""
    for e in range(low, high):
        a, b = find(parent, edges[e, 0]), find(parent, edges[e, 1])
        if size[a] < size[b]:
            a, b = b, a
        parent[b] = a
        size[a] += size[b]
        x, y = a, b
        dense, other = core[head[a]], core[head[b]]
        if other < dense or (other == dense and before(points, head[b], head[a])):
            x, y = b, a
        following[tail[x]] = head[y]
        height[head[y]] = weights[e]
        head[a] = head[x]
        tail[a] = tail[y]


@kernel()
def _walk(leaf: int, following: Any, height: Any, order: Any, gap: Any) -> None:
    for i in range(order.size):
        order[i] = leaf
        gap[i] = height[leaf]
        leaf = following[leaf]


def _leaf_order(
    edges: NDArray[np.int32],
    weights: NDArray[np.float64],
    core: NDArray[np.float64],
    points: NDArray[np.float64],
    tick: Tick,
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Leaf order (n,) and gap (n,) before each leaf, from edges sorted by weight."""
    n = len(core)
    parent = np.arange(n, dtype=np.int32)
    head, tail, size = parent.copy(), parent.copy(), np.ones(n, np.int32)
    following, height = np.full(n, -1, np.int32), np.full(n, np.inf)
    for low in range(0, n - 1, _SLICE):
        tick(low / n)
        high = min(n - 1, low + _SLICE)
        _join(edges, weights, low, high, core, points, parent, head, tail, size, following, height)
    order, gap = np.empty(n, np.int32), np.empty(n, np.float64)
    tick(0.8)
    _walk(head[find(parent, 0)], following, height, order, gap)
    return order, gap


@kernel()
def host_of(p: int, distances: Any, indices: Any, core: Any, points: Any) -> tuple[Any, Any]:
    """The eps at which p stops being noise, and the core point that it then reaches (itself: it is one by then).

    That is the least max(distance, core distance of the other), ties by distance, then by coordinates.
    """
    entry = core[p]
    host = -1
    at = -1.0
    for j in range(distances.shape[1]):
        d = distances[p, j]
        if d > entry or d >= core[p]:
            break
        q = indices[p, j]
        w = max(d, core[q])
        if w < entry or (w == entry and host >= 0 and d == at and before(points, q, host)):
            entry = w
            host = q
            at = d
    return entry, np.int64(p if host < 0 else host)


@kernel(parallel=True)
def _hosts(distances: Any, indices: Any, core: Any, points: Any, entry: Any, host: Any) -> None:
    for p in prange(core.size):
        entry[p], host[p] = host_of(p, distances, indices, core, points)


@kernel(parallel=True)
def _by_leaf(
    order: Any,
    first: Any,
    core: Any,
    entry: Any,
    host: Any,
    leaf_of: Any,
    rows: Any,
    cores: Any,
    entries: Any,
    hosts: Any,
) -> None:
    """What is known by point, in leaf order; ``leaf_of`` is where each point went."""
    for i in prange(order.size):
        leaf_of[order[i]] = i
    for i in prange(order.size):
        p = order[i]
        rows[i] = first[p]
        cores[i] = core[p]
        entries[i] = entry[p]
        hosts[i] = leaf_of[host[p]]


@kernel()
def _largest(edges: Any, weights: Any, entry: Any, host: Any, comers: Any, count: Any) -> Any:
    """Rows in the largest cluster after each of the tree's edges and each arrival of a border point, by weight."""
    n = entry.size
    parent = np.arange(n).astype(np.int32)
    size = count.copy()
    total = weights.size + comers.size
    at, largest = np.empty(total, np.float64), np.empty(total, np.int64)
    i = j = 0
    most = 1
    for step in range(total):
        if j == comers.size or (i < weights.size and weights[i] <= entry[comers[j]]):
            p, q, at[step] = edges[i, 0], edges[i, 1], weights[i]
            i += 1
        else:
            p, q, at[step] = comers[j], host[comers[j]], entry[comers[j]]
            j += 1
        a, b = find(parent, p), find(parent, q)
        if a != b:
            if size[a] < size[b]:
                a, b = b, a
            parent[b] = a
            size[a] += size[b]
            most = max(most, size[a])
        largest[step] = most
    return at, largest


@dataclasses.dataclass(frozen=True, eq=False)
class Hierarchy:
    """All clusterings of u points for one ``min_samples``; distances are `reach`.

    Points are numbered as in the tree of boxes, leaves by their place in the order.
    """

    min_samples: int
    edges: NDArray[np.int32]
    """(u - 1, 2) points, lightest first."""
    weights: NDArray[np.float64]
    """(u - 1,) ascending."""
    order: NDArray[np.int32]
    """(u,) the point of each leaf."""
    gap: NDArray[np.float64]
    """(u,) at what eps each leaf joins the one before it."""
    row: NDArray[np.int32]
    """(u,) the first row of each leaf's point."""
    core: NDArray[np.float64]
    """(u,) by leaf: the eps from which on it is a core point; infinite where there are too few points."""
    entry: NDArray[np.float64]
    """(u,) by leaf: the eps at which it stops being noise."""
    host: NDArray[np.int32]
    """(u,) by leaf: the leaf of the core point that it reaches then."""
    leaf_of_row: NDArray[np.int32]
    """(n,) the leaf of each row."""
    count: NDArray[np.int64] | None
    """(u,) by leaf: how many rows it stands for; None: one each."""

    @classmethod
    def build(
        cls,
        min_samples: int,
        core: NDArray[np.float64],
        edges: NDArray[np.int32],
        weights: NDArray[np.float64],
        lists: Lists,
        tick: Tick = no_tick,
    ) -> Hierarchy:
        """From a spanning tree (edges in any order) and the neighbour lists; ``tick`` is called between the steps."""
        tick(0.0)
        by_weight = _stable_order(weights)
        tick(0.15)
        edges, weights = np.take(edges, by_weight, axis=0), weights[by_weight]
        order, gap = _leaf_order(edges, weights, core, lists.points, lambda done: tick(0.2 + 0.5 * done))
        u = len(core)
        entry, host = np.empty(u), np.empty(u, np.int32)
        tick(0.7)
        _hosts(lists.distances, lists.indices, core, lists.points, entry, host)
        tick(0.8)
        leaf_of, row, hosts = np.empty(u, np.int32), np.empty(u, np.int32), np.empty(u, np.int32)
        cores, entries = np.empty(u), np.empty(u)
        _by_leaf(order, lists.first, core, entry, host, leaf_of, row, cores, entries, hosts)
        tick(0.9)
        count = None if lists.count is None else lists.count[order]
        return cls(min_samples, edges, weights, order, gap, row, cores, entries, hosts, leaf_of[lists.point_of], count)

    @cached_property
    def sorted_core(self) -> NDArray[np.float64]:
        """Core distances of points, ascending."""
        return np.sort(self.core)

    @cached_property
    def alone(self) -> NDArray[np.int64] | None:
        """(u,) the most rows at one place among so many of the densest points; None: always one."""
        if self.count is None:
            return None
        return np.maximum.accumulate(self.count[np.argsort(self.core, kind="stable")])

    @cached_property
    def sorted_entry(self) -> NDArray[np.float64]:
        """The eps at which rows stop being noise, ascending."""
        entry = self.entry if self.count is None else np.repeat(self.entry, self.count)
        return np.sort(entry)

    @cached_property
    def growth(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Where the largest cluster of several points grows: eps ascending, and its size in rows from there on."""
        leaf_of = np.empty_like(self.order)
        leaf_of[self.order] = np.arange(len(self.order), dtype=np.int32)
        comers = np.flatnonzero(self.entry < self.core)
        comers = comers[np.argsort(self.entry[comers], kind="stable")]
        count = np.ones(len(self.order), np.int64) if self.count is None else self.count
        at, largest = _largest(leaf_of[self.edges], self.weights, self.entry, self.host, comers, count)
        grows = np.flatnonzero(np.diff(largest, prepend=1) > 0)
        return at[grows], largest[grows]
