"""Every DBSCAN clustering for one min_samples: the spanning tree laid out so that a cut is one scan.

Merging the tree's edges from light to heavy and joining the lists of their members gives an order of all points, and
between neighbours in it a gap, the weight at which they came together. At any eps a cluster is a run of core points
with no gap above eps. A border point is within eps of a core point but has fewer than min_samples points there, so
all of its core neighbours stand among its own nearest min_samples - 1.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from segwidgets.compute.density.boruvka import find
from segwidgets.compute.kernel import kernel
from segwidgets.compute.progress import Tick, no_tick


@kernel()
def _leaf_order(edges: Any, weights: Any) -> tuple[Any, Any]:
    """Leaf order (n,) and gap (n,) before each leaf, from edges sorted by weight."""
    n = weights.size + 1
    parent = np.arange(n).astype(np.int32)
    first, last = parent.copy(), parent.copy()
    size = np.ones(n, np.int32)
    following = np.full(n, -1, np.int32)
    height = np.full(n, np.inf)
    for e in range(n - 1):
        a, b = find(parent, edges[e, 0]), find(parent, edges[e, 1])
        if size[a] < size[b]:
            a, b = b, a
        following[last[a]] = first[b]
        height[first[b]] = weights[e]
        last[a] = last[b]
        parent[b] = a
        size[a] += size[b]
    order, gap = np.empty(n, np.int32), np.empty(n, np.float64)
    leaf = first[find(parent, 0)]
    for i in range(n):
        order[i] = leaf
        gap[i] = height[leaf]
        leaf = following[leaf]
    return order, gap


@kernel(parallel=True)
def _entries(distances: Any, indices: Any, core: Any, listed: int, entry: Any, host: Any) -> None:
    """The eps at which each point stops being noise, and the core point that it then reaches (itself once core)."""
    for p in prange(core.size):
        eps = core[p]
        via = -1
        for j in range(listed):
            d = distances[p, j]
            if d > eps:
                break
            q = indices[p, j]
            w = max(d, core[q])
            if w < eps:
                eps = w
                via = q
        entry[p] = eps
        host[p] = p if via < 0 else via


@kernel()
def _cut(
    eps: float, order: Any, gap: Any, core: Any, entry: Any, rows: Any, distances: Any, indices: Any, listed: int
) -> Any:
    """scikit-learn's labels by row; ``core`` and ``entry`` stand in leaf order, ``rows`` gives each point's row."""
    n = order.size
    label = np.full(n, -1, np.int32)  # in the tree's order of points
    lowest = np.empty(n, np.int32)
    border = np.empty(n, np.int32)
    clusters = borders = 0
    for i in range(n):
        if entry[i] > eps:
            continue
        p = order[i]
        if core[i] <= eps:
            if gap[i] > eps:
                lowest[clusters] = rows[p]
                clusters += 1
            elif rows[p] < lowest[clusters - 1]:
                lowest[clusters - 1] = rows[p]
            label[p] = clusters - 1
        else:
            border[borders] = p
            borders += 1
    # scikit-learn numbers clusters by their lowest core row.
    rank = np.empty(clusters, np.int32)
    rank[np.argsort(lowest[:clusters])] = np.arange(clusters).astype(np.int32)
    out = np.full(n, -1, np.int32)
    for p in range(n):
        if label[p] >= 0:
            label[p] = rank[label[p]]
            out[rows[p]] = label[p]
    # And gives a border point to the lowest cluster among its core neighbours. Border points have no label yet.
    for i in range(borders):
        p = border[i]
        least = clusters
        for j in range(listed):
            if distances[p, j] > eps:
                break
            c = label[indices[p, j]]
            if 0 <= c < least:
                least = c
        out[rows[p]] = least
    return out


@kernel()
def _largest(edges: Any, weights: Any, entry: Any, host: Any, comers: Any) -> Any:
    """Size of the largest cluster after each of the tree's edges and each arrival of a border point, by weight."""
    n = entry.size
    parent = np.arange(n).astype(np.int32)
    size = np.ones(n, np.int64)
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
    """All clusterings for one ``min_samples``. Points are numbered as in the tree of boxes; distances are `reach`."""

    min_samples: int
    core: NDArray[np.float64]
    """(n,) distance to the (min_samples - 1)-th nearest other point; infinite where there are too few points."""
    edges: NDArray[np.int32]
    """(n - 1, 2), lightest first."""
    weights: NDArray[np.float64]
    """(n - 1,) ascending."""
    order: NDArray[np.int32]
    gap: NDArray[np.float64]
    entry: NDArray[np.float64]
    """(n,) the eps at which a point stops being noise."""
    host: NDArray[np.int32]
    """(n,) the core point that it reaches then."""
    core_by_leaf: NDArray[np.float64]
    entry_by_leaf: NDArray[np.float64]
    listed: int
    """How many listed neighbours can matter to a border point."""

    @classmethod
    def build(
        cls,
        min_samples: int,
        core: NDArray[np.float64],
        edges: NDArray[np.int32],
        weights: NDArray[np.float64],
        distances: NDArray[np.float64],
        indices: NDArray[np.int32],
        tick: Tick = no_tick,
    ) -> Hierarchy:
        """From a spanning tree (edges in any order) and the neighbour lists; ``tick`` is called between the steps."""
        tick(0.0)
        by_weight = np.argsort(weights, kind="stable")
        edges, weights = np.ascontiguousarray(edges[by_weight]), weights[by_weight]
        tick(0.2)
        order, gap = _leaf_order(edges, weights)
        tick(0.6)
        listed = min(min_samples - 1, distances.shape[1])
        entry, host = np.empty(len(core), np.float64), np.empty(len(core), np.int32)
        _entries(distances, indices, core, listed, entry, host)
        tick(0.9)
        return cls(min_samples, core, edges, weights, order, gap, entry, host, core[order], entry[order], listed)

    def labels(
        self, eps: float, rows: NDArray[np.int32], distances: NDArray[np.float64], indices: NDArray[np.int32]
    ) -> NDArray[np.int32]:
        """(n,) labels in row order, -1 for noise, numbered as by scikit-learn."""
        cut: NDArray[np.int32] = _cut(
            eps, self.order, self.gap, self.core_by_leaf, self.entry_by_leaf, rows, distances, indices, self.listed
        )
        return cut

    @cached_property
    def sorted_core(self) -> NDArray[np.float64]:
        """Core distances, ascending."""
        return np.sort(self.core)

    @cached_property
    def sorted_entry(self) -> NDArray[np.float64]:
        """The eps at which points stop being noise, ascending."""
        return np.sort(self.entry)

    @cached_property
    def growth(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Where the largest cluster grows: eps ascending, and its size in points from there on."""
        comers = np.flatnonzero(self.entry < self.core)
        comers = comers[np.argsort(self.entry[comers], kind="stable")]
        at, largest = _largest(self.edges, self.weights, self.entry, self.host, comers)
        grows = np.flatnonzero(np.diff(largest, prepend=1) > 0)
        return at[grows], largest[grows]
