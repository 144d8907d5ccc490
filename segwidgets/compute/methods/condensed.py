"""HDBSCAN's clusters from a mutual-reachability spanning tree (Campello, Moulavi and Sander 2013).

The tree's merges, read from the top, split rows into ever denser clusters; a split counts where both sides have
``min_cluster_size`` rows, otherwise rows fall out. A cluster's stability sums, over its rows, how much denser than at
its birth (1 / eps) it was when they left it. The clusters that are kept have the largest stability in sum, none within
another; all rows together are never one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from segwidgets.compute.density.boruvka import find
from segwidgets.compute.kernel import kernel


@kernel()
def _merges(edges: Any, n: int, left: Any, right: Any, size: Any) -> None:
    """The dendrogram of edges sorted by weight: node n + i joins ``left[i]`` and ``right[i]``."""
    parent = np.arange(n)
    node = np.arange(n)
    for i in range(n - 1):
        a, b = find(parent, edges[i, 0]), find(parent, edges[i, 1])
        left[i], right[i] = node[a], node[b]
        ours = 1 if node[a] < n else size[node[a] - n]
        theirs = 1 if node[b] < n else size[node[b] - n]
        size[i] = ours + theirs
        parent[b] = a
        node[a] = n + i


@kernel()
def _condense(
    left: Any,
    right: Any,
    size: Any,
    density: Any,
    least: int,
    cluster_of: Any,
    parents: Any,
    birth: Any,
    stability: Any,
) -> Any:
    """Fill in each row's cluster, and the clusters' parents, densities at birth and stabilities; how many they are."""
    n = left.size + 1
    within = np.full(2 * n - 1, -1)
    fallen = np.zeros(2 * n - 1, np.bool_)
    within[2 * n - 2] = 0
    parents[0], birth[0] = -1, 0.0
    clusters = 1
    for i in range(n - 2, -1, -1):
        here = within[n + i]
        a, b = left[i], right[i]
        if fallen[n + i]:
            within[a] = within[b] = here
            fallen[a] = fallen[b] = True
            continue
        ours = 1 if a < n else size[a - n]
        theirs = 1 if b < n else size[b - n]
        gain = density[i] - birth[here]
        if ours >= least and theirs >= least:
            stability[here] += gain * (ours + theirs)
            for side in (a, b):
                within[side] = clusters
                parents[clusters], birth[clusters], stability[clusters] = here, density[i], 0.0
                clusters += 1
            continue
        for side, count in ((a, ours), (b, theirs)):
            within[side] = here
            if count < least:
                stability[here] += gain * count
                fallen[side] = True
    for p in range(n):
        cluster_of[p] = within[p]
    return clusters


@kernel()
def _chosen(parents: Any, stability: Any) -> Any:
    """For each cluster the kept one that it is, or lies in; -1: it lies in none."""
    clusters = parents.size
    best = stability.copy()
    below = np.zeros(clusters)
    kept = np.zeros(clusters, np.bool_)
    for c in range(clusters - 1, 0, -1):
        kept[c] = best[c] >= below[c]
        if not kept[c]:
            best[c] = below[c]
        below[parents[c]] += best[c]
    home = np.full(clusters, -1)
    for c in range(clusters):
        above = parents[c]
        if above >= 0 and home[above] >= 0:
            home[c] = home[above]
        elif kept[c]:
            home[c] = c
    return home


def condensed_labels(
    edges: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float64],
    *,
    min_cluster_size: int,
) -> npt.NDArray[np.int32]:
    """HDBSCAN's labels by excess of mass.

    Args:
        edges: (n - 1, 2) row numbers, the spanning tree, lightest first.
        weights: (n - 1,) float64, ascending.
        min_cluster_size: rows that a cluster has at least, from 2.

    Returns:
        (n,) int32, -1 for noise; clusters in no particular order.
    """
    n = len(edges) + 1
    if n < 2:
        return np.full(n, -1, np.int32)
    left, right, size = (np.empty(n - 1, np.int64) for _ in range(3))
    _merges(edges, n, left, right, size)
    # Rows at one place are infinitely dense: as dense as the closest pair that is not at one.
    positive = weights[(weights > 0) & np.isfinite(weights)]
    floor = float(positive.min()) if len(positive) else 1.0
    density = 1.0 / np.maximum(weights, floor)
    cluster_of = np.empty(n, np.int64)
    # A split needs min_cluster_size rows on both sides, so there are at most this many clusters.
    most = 2 * (n // min_cluster_size) + 1
    parents, birth, stability = np.empty(most, np.int64), np.zeros(most), np.zeros(most)
    clusters = int(_condense(left, right, size, density, min_cluster_size, cluster_of, parents, birth, stability))
    home = _chosen(parents[:clusters], stability[:clusters])
    labels: npt.NDArray[np.int32] = home[cluster_of].astype(np.int32)
    return labels
