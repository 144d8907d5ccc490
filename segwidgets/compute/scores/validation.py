"""DBCV: whether clusters of any shape are dense within and apart from each other."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segwidgets.compute.progress import Tick, no_tick
from segwidgets.compute.scores import mutual
from segwidgets.compute.scores.estimate import (
    Estimate,
    checked_labels,
    checked_points,
    checked_sample,
    t_interval,
)

METRICS = ("sqeuclidean", "euclidean")
#: DBCV is exact where the squares of the clusters' sizes add up to this at most: for one cluster of 24,000 points and
#: any number of small ones. In space that is about a second's work.
EXACT_PAIRS = 600_000_000

_SUBSAMPLES = 8
_FEWEST_OF_A_CLUSTER = 20


def _validity(points: NDArray[np.float64], start: NDArray[np.int64], squared: bool, tick: Tick) -> NDArray[np.float64]:
    """V of each cluster; points (d, n) sorted by cluster, each of 2 points or more."""
    size = np.diff(start)
    clusters = len(size)
    cluster = np.repeat(np.arange(clusters), size)
    points = np.ascontiguousarray(points[:, np.lexsort((*points[::-1], cluster))])
    core = mutual.core_squares(points, start, squared, lambda done: tick(0.5 * done))
    edges = mutual.spanning_trees(points, core, start, lambda done: tick(0.5 + 0.4 * done))
    weight = mutual.edge_weights(points, core, edges)
    internal = np.bincount(edges.ravel(), minlength=int(start[-1])) > 1
    first_edge = start[:-1] - np.arange(clusters)
    inner_edge = internal[edges].all(axis=1)
    sparseness = np.maximum.reduceat(np.where(inner_edge, weight, -1.0), first_edge)
    sparseness = np.where(sparseness < 0, np.maximum.reduceat(weight, first_edge), sparseness)
    internal |= np.repeat(np.add.reduceat(internal.astype(np.int64), start[:-1]) == 0, size)
    # Internal nodes only from here on, ascending by core distance within each cluster.
    nodes = np.lexsort((core, cluster))
    nodes = nodes[internal[nodes]]
    start = np.searchsorted(cluster[nodes], np.arange(clusters + 1))
    points, core = np.ascontiguousarray(points[:, nodes]), core[nodes]
    separation = mutual.separations(points, core, start, lambda done: tick(0.9 + 0.1 * done))
    if not squared:
        sparseness, separation = np.sqrt(sparseness), np.sqrt(separation)
    larger = np.maximum(sparseness, separation)
    return np.asarray(np.where(larger > 0, separation - sparseness, 0.0) / np.where(larger > 0, larger, 1.0))


def _sampled(
    columns: NDArray[np.float64], size: NDArray[np.int64], share: float, squared: bool, seed: int, tick: Tick
) -> NDArray[np.float64]:
    """DBCV, of the clustered points alone, of `_SUBSAMPLES` samples of ``share`` (0 to 1) of each cluster."""
    count = np.minimum(size, np.maximum(_FEWEST_OF_A_CLUSTER, np.rint(share * size).astype(np.int64)))
    begins = np.cumsum(size) - size
    start = np.concatenate(([0], np.cumsum(count)))
    rng = np.random.default_rng(seed)
    found = np.empty(_SUBSAMPLES)
    for turn in range(_SUBSAMPLES):
        rows = [first + rng.choice(n, k, replace=False) for first, n, k in zip(begins, size, count, strict=True)]
        points = columns[:, np.concatenate(rows)]
        at = turn / _SUBSAMPLES
        validity = _validity(points, start, squared, lambda done, at=at: tick(at + done / _SUBSAMPLES))  # type: ignore[misc]
        found[turn] = float(size @ validity) / float(size.sum())
    return found


def dbcv(
    points: ArrayLike,
    labels: ArrayLike,
    *,
    metric: Literal["sqeuclidean", "euclidean"] = "sqeuclidean",
    sample: int | None = None,
    seed: int = 0,
    tick: Tick = no_tick,
) -> Estimate | None:
    """Density-based clustering validation (Moulavi et al. 2014), from -1 to 1.

    A cluster's sparseness is the longest inner edge of its spanning tree of mutual reachability distances, its
    separation the shortest such distance from one of its inner nodes to one of another cluster; inner nodes have more
    than one edge, inner edges join two of them. Its validity is (separation - sparseness) / the larger of them; DBCV is
    the mean validity by size, where noise counts as points of validity 0. The all-points core distance of one of n
    points of a cluster in d columns is (Σ distance^-d / (n - 1))^(-1/d) over the others.

    What the paper leaves open is settled as by the authors' program (github.com/pajaskowiak/dbcv), or said here:

    - Distances are squared, as in that program; "euclidean" takes them as they are and gives lower values.
    - A duplicate would be infinitely dense: distances of 0 are left out of the sum. A point with nothing but duplicates
      in its cluster has core distance 0.
    - A cluster of one point is noise. A cluster without inner edges has all its edges for inner, one without inner
      nodes all its nodes. Clusters that lie in the same place without extent have validity 0.
    - A point's lightest edges usually all weigh its own core distance, so there are many spanning trees, with other
      inner nodes and very different scores. Here the edge to the denser point is taken, so that sparse points are the
      leaves, then the shorter, then the one whose ends have the smaller coordinates: no order of rows matters. The
      authors' program takes the one it meets first, mostly the same.

    It is exact while the squares of the clusters' sizes add up to at most 600 million (`EXACT_PAIRS`). Beyond that
    it is the mean over 8 stratified subsamples of a size that costs as much. Sparseness is a maximum and separation a
    minimum over all points, so a subsample is somewhat biased, and the interval is wider than that of a mean: it is
    where 95 % of such subsamples lie, widened both ways by twice what doubling their size has changed.

    Args:
        points: (n, 1) to (n, 20).
        labels: (n,) whole numbers, below 0 for noise.
        metric: "sqeuclidean" or "euclidean".
        sample: About how many points are in a subsample, 2 or more, instead of that rule. All, exactly, if there are no
            more than that.
        seed: Of the subsamples.
        tick: Called often with the share done.

    Returns:
        The estimate, or None with fewer than two clusters of two points or more.

    Raises:
        ValueError: Shapes do not match, or values are not finite.
    """
    if metric not in METRICS:
        raise ValueError(f"metric={metric!r} is not allowed: it must be one of {', '.join(METRICS)}.")
    if sample is not None:
        sample = checked_sample(sample)
    array = checked_points(points, "DBCV")
    cluster = checked_labels(labels, len(array))
    kept = np.flatnonzero(cluster >= 0)
    _, cluster, size = np.unique(cluster[kept], return_inverse=True, return_counts=True)
    kept, cluster = kept[size[cluster] > 1], cluster[size[cluster] > 1]
    _, cluster, size = np.unique(cluster, return_inverse=True, return_counts=True)
    if len(size) < 2:
        return None
    columns = array[kept].T.astype(np.float64)
    # DBCV has no unit. A power of two changes no digit, and keeps squares of tiny and huge coordinates in float64.
    largest = float(np.abs(columns).max())
    if largest > 0:
        columns = np.ldexp(columns, -math.frexp(largest)[1])
    columns = columns[:, np.argsort(cluster, kind="stable")]
    n, squared = len(kept), metric == "sqeuclidean"
    pairs = float((size.astype(np.float64) ** 2).sum())
    if n <= sample if sample is not None else pairs <= EXACT_PAIRS:
        validity = _validity(columns, np.concatenate(([0], np.cumsum(size))), squared, tick)
        tick(1.0)
        value = float(size @ validity) / len(array)
        return Estimate(value, value, value, n)
    # Subsamples of the whole size and of half of it, which cost a quarter.
    share = math.sqrt(EXACT_PAIRS / (1.25 * _SUBSAMPLES * pairs)) if sample is None else sample / n
    whole = _sampled(columns, size, share, squared, seed, lambda done: tick(0.8 * done))
    half = _sampled(columns, size, share / 2, squared, seed + 1, lambda done: tick(0.8 + 0.2 * done))
    tick(1.0)
    noise_apart = n / len(array)
    value = float(whole.mean()) * noise_apart
    error = t_interval(whole) * math.sqrt(_SUBSAMPLES + 1) + 2 * abs(float(whole.mean() - half.mean()))
    error *= noise_apart
    count = int(np.minimum(size, np.maximum(_FEWEST_OF_A_CLUSTER, np.rint(share * size))).sum())
    return Estimate(value, max(-1.0, value - error), min(1.0, value + error), count)
