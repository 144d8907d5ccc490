"""One eps: labels from the leaf order in one scan over the leaves and one over the rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from segwidgets.compute.density.boruvka import find
from segwidgets.compute.density.hierarchy import Hierarchy, host_of
from segwidgets.compute.density.lists import Lists
from segwidgets.compute.kernel import kernel

_BLOCKS = 16  # parts scanned at once; what comes out does not depend on it
_NOISE, _BORDER = -1, -2


class Cut(NamedTuple):
    """A clustering."""

    labels: NDArray[np.int32]
    """(n,) by row, -1 for noise; clusters are numbered by their first core row."""
    anchors: NDArray[np.int32]
    """(clusters,) the row of each cluster's densest point."""


@kernel()
def _ranks(lowest: Any, n: int) -> Any:
    """The rank of each cluster by its lowest core row."""
    clusters = lowest.size
    rank = np.empty(clusters, np.int32)
    if 32 * clusters < n:
        by_row = np.argsort(lowest)
        for c in range(clusters):
            rank[by_row[c]] = c
        return rank
    holder = np.full(n, -1, np.int32)
    for c in range(clusters):
        holder[lowest[c]] = c
    place = 0
    for row in range(n):
        if holder[row] >= 0:
            rank[holder[row]] = place
            place += 1
    return rank


@kernel(parallel=True)
def _runs(eps: float, gap: Any, core: Any, entry: Any, row: Any, n: int, label: Any) -> Any:
    """Fill in the cluster of each core leaf, `_BORDER` or `_NOISE`; returns each cluster's rank and first leaf."""
    u = gap.size
    size = (u + _BLOCKS - 1) // _BLOCKS
    begun = np.zeros(_BLOCKS + 1, np.int64)
    for block in prange(_BLOCKS):
        count = 0
        for i in range(block * size, min(u, (block + 1) * size)):
            if core[i] <= eps and gap[i] > eps:
                count += 1
        begun[block + 1] = count
    for block in range(_BLOCKS):
        begun[block + 1] += begun[block]
    clusters = begun[_BLOCKS]
    lowest = np.full(clusters, n, np.int32)
    start = np.empty(clusters, np.int32)
    carried = np.full(_BLOCKS, n, np.int32)  # the lowest row of the run that began in an earlier block
    for block in prange(_BLOCKS):
        c = begun[block] - 1
        least = np.int32(n)
        fresh = False
        for i in range(block * size, min(u, (block + 1) * size)):
            if core[i] <= eps:
                if gap[i] > eps:
                    if fresh:
                        lowest[c] = least
                    else:
                        carried[block] = least
                        fresh = True
                    c += 1
                    start[c] = i
                    least = row[i]
                elif row[i] < least:
                    least = row[i]
                label[i] = c
            elif entry[i] <= eps:
                label[i] = _BORDER
            else:
                label[i] = _NOISE
        if fresh:
            lowest[c] = least
        else:
            carried[block] = least
    for block in range(_BLOCKS):
        if begun[block] > 0:
            c = begun[block] - 1
            lowest[c] = min(lowest[c], carried[block])
    return _ranks(lowest, n), start


@kernel(parallel=True)
def _settle_nearest(label: Any, host: Any) -> None:
    """Border leaves take the cluster of the core leaf that they reach first."""
    for i in prange(label.size):
        if label[i] == _BORDER:
            label[i] = label[host[i]]


@kernel(parallel=True)
def _settle_first(
    eps: float, label: Any, rank: Any, order: Any, distances: Any, indices: Any, core: Any, leaf_of_row: Any, first: Any
) -> None:
    """Border leaves take the first cluster among their core neighbours, as in scikit-learn."""
    for i in prange(label.size):
        if label[i] == _BORDER:
            p = order[i]
            least = -1
            for j in range(distances.shape[1]):
                if distances[p, j] > eps:
                    break
                leaf = leaf_of_row[first[indices[p, j]]]
                if core[leaf] <= eps:
                    c = label[leaf]
                    if least < 0 or rank[c] < rank[least]:
                        least = c
            label[i] = least


@kernel(parallel=True)
def _by_row(label: Any, rank: Any, leaf_of_row: Any, out: Any) -> None:
    for row in prange(out.size):
        c = label[leaf_of_row[row]]
        out[row] = rank[c] if c >= 0 else -1


def cut(hierarchy: Hierarchy, lists: Lists, eps: float, *, first: bool) -> Cut:
    """The clustering at ``eps``; ``first``: border points as scikit-learn hands them out."""
    h = hierarchy
    n = len(h.leaf_of_row)
    label, out = np.empty(len(h.order), np.int32), np.empty(n, np.int32)
    rank, start = _runs(eps, h.gap, h.core, h.entry, h.row, n, label)
    if first:
        _settle_first(eps, label, rank, h.order, lists.distances, lists.indices, h.core, h.leaf_of_row, lists.first)
    else:
        _settle_nearest(label, h.host)
    _by_row(label, rank, h.leaf_of_row, out)
    anchors = np.empty(len(rank), np.int32)
    anchors[rank] = h.row[start]
    return Cut(out, anchors)


@kernel(parallel=True)
def _join_in_parts(
    eps: float, distances: Any, indices: Any, core: Any, parts: int, parent: Any, open_ends: Any
) -> None:
    """Join core neighbours within each part of the points; mark points with neighbours in another part."""
    u = core.size
    size = (u + parts - 1) // parts
    for part in prange(parts):
        low, high = part * size, min(u, (part + 1) * size)
        for p in range(low, high):
            open_ends[p] = 0
            if core[p] > eps:
                continue
            a = find(parent, p)
            for j in range(distances.shape[1]):
                if distances[p, j] > eps:
                    break
                q = indices[p, j]
                if q < low or q >= high:
                    open_ends[p] = 1
                elif parent[q] != a and core[q] <= eps:
                    b = find(parent, q)
                    if a < b:
                        parent[b] = a
                    elif b < a:
                        parent[a] = b
                        a = b


@kernel()
def _join_across(
    eps: float, distances: Any, indices: Any, core: Any, open_ends: Any, edges: Any, lengths: Any, parent: Any
) -> None:
    """Join what lies in two parts, and along the edges that no list holds."""
    for p in range(core.size):
        if open_ends[p]:
            for j in range(distances.shape[1]):
                if distances[p, j] > eps:
                    break
                q = indices[p, j]
                if core[q] <= eps:
                    a, b = find(parent, p), find(parent, q)
                    parent[max(a, b)] = min(a, b)
    for e in range(lengths.size):
        p, q = edges[e, 0], edges[e, 1]
        if lengths[e] <= eps and core[p] <= eps and core[q] <= eps:
            a, b = find(parent, p), find(parent, q)
            parent[max(a, b)] = min(a, b)


@kernel()
def _number(eps: float, core: Any, row: Any, n: int, parent: Any, label: Any) -> Any:
    """The rank of each cluster; ``label`` becomes the cluster of each core point, -1 for others."""
    lowest = np.empty(core.size, np.int32)
    clusters = 0
    for p in range(core.size):
        label[p] = _NOISE
        if core[p] <= eps:
            root = find(parent, p)  # the smallest of its cluster, so it comes first
            if root == p:
                label[p] = clusters
                lowest[clusters] = row[p]
                clusters += 1
            else:
                c = label[root]
                label[p] = c
                lowest[c] = min(lowest[c], row[p])
    return _ranks(lowest[:clusters], n)


@kernel(parallel=True)
def _settle_direct(
    eps: float, distances: Any, indices: Any, core: Any, points: Any, label: Any, rank: Any, first: bool, out: Any
) -> None:
    """The final label of each point."""
    for p in prange(core.size):
        c = label[p]
        if core[p] > eps:
            if first:
                for j in range(distances.shape[1]):
                    if distances[p, j] > eps:
                        break
                    q = indices[p, j]
                    if core[q] <= eps and (c < 0 or rank[label[q]] < rank[c]):
                        c = label[q]
            else:
                entry, host = host_of(p, distances, indices, core, points)
                if entry <= eps:
                    c = label[host]
        out[p] = rank[c] if c >= 0 else -1


def cut_directly(
    lists: Lists,
    core: NDArray[np.float64],
    bridges: NDArray[np.int32],
    lengths: NDArray[np.float64],
    eps: float,
    *,
    first: bool,
    parts: int = 8,
) -> NDArray[np.int32]:
    """(n,) labels for core distances that have no hierarchy yet: one eps, without a spanning tree.

    What `coresg` says of trees holds for the graph within eps: the listed edges and ``bridges``, the edges of its tree
    that no list holds, of the given ``lengths``, connect what all edges connect.
    """
    u = len(core)
    parent, open_ends = np.arange(u, dtype=np.int32), np.empty(u, np.uint8)
    _join_in_parts(eps, lists.distances, lists.indices, core, parts, parent, open_ends)
    _join_across(eps, lists.distances, lists.indices, core, open_ends, bridges, lengths, parent)
    label, out = np.empty(u, np.int32), np.empty(u, np.int32)
    rank = _number(eps, core, lists.first, len(lists.point_of), parent, label)
    _settle_direct(eps, lists.distances, lists.indices, core, lists.points, label, rank, first, out)
    found: NDArray[np.int32] = lists.by_row(out)
    return found
