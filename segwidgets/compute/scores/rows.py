"""Scores of single rows, to colour a map by: how far to trust a point, and how well it sits in its segment."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from segwidgets.compute.progress import Tick, no_tick
from segwidgets.compute.scores.estimate import checked_labels, checked_points
from segwidgets.compute.scores.silhouettes import EXACT_PAIRS, _Clustered

_ROWS_A_SLICE = 50_000
#: Comparisons of a slice of `row_trust`: bounds its memory, and how long a cancellation waits.
_PAIRS_A_SLICE = 4_000_000


def row_trust(neighbors: NDArray[np.integer], embedding: ArrayLike, *, tick: Tick = no_tick) -> NDArray[np.float32]:
    """The share of each row's nearest on the map that are among its nearest in the data.

    A point that scores 0 lies beside points that the map invented as its neighbours; the mean over all rows is the
    precision of the map's neighbourhoods (Venna, Peltonen, Nybo, Aidos and Kaski 2010, JMLR 11).

    Args:
        neighbors: (n, k) the nearest rows of each in the data, itself first.
        embedding: (n, c) the map.
        tick: called with the share done; may raise `Cancelled`.

    Returns:
        (n,) float32, 0 to 1.

    Raises:
        ValueError: shapes do not match, or values are not finite.
    """
    points = checked_points(embedding, "trust")
    n, k = neighbors.shape
    if len(points) != n:
        raise ValueError(f"neighbours are of {n:,} rows, and the map has {len(points):,}: take the map's own table.")
    tree = cKDTree(points)
    share = np.empty(n, np.float32)
    step = max(1, _PAIRS_A_SLICE // k**2)
    for first in range(0, n, step):
        tick(first / n)
        rows = np.arange(first, min(n, first + step))
        _, near = tree.query(points[rows], k=k, workers=-1)
        near = np.asarray(near).reshape(len(rows), -1)
        known = (near[:, :, None] == neighbors[rows][:, None, :]).any(axis=2)
        own = near == rows[:, None]
        share[rows] = (known & ~own).sum(axis=1) / max(1, k - 1)
    tick(1.0)
    # Where duplicates push a row out of its own list, all k of the others may be known.
    return np.minimum(share, np.float32(1))


def silhouette_rows(
    points: ArrayLike, labels: ArrayLike, *, budget: float = EXACT_PAIRS, tick: Tick = no_tick
) -> tuple[NDArray[np.float32], bool]:
    """Every row's silhouette, and whether it is exact.

    Above ``budget`` distances it is the simplified silhouette, by the clusters' centres instead of their points
    (Hruschka, de Campos and Castro 2004, "Evolutionary algorithms for clustering gene-expression data").

    Args:
        points: (n, 1) to (n, 20).
        labels: (n,) whole numbers, below 0 for noise.
        budget: distances that the exact one may take.
        tick: called with the share done; may raise `Cancelled`.

    Returns:
        (n,) float32 from -1 to 1, NaN for noise, and for all with fewer than two clusters; and whether it is exact.

    Raises:
        ValueError: shapes do not match, or values are not finite.
    """
    array = checked_points(points, "silhouette")
    cluster = checked_labels(labels, len(array))
    values = np.full(len(array), np.nan, np.float32)
    clustered = _Clustered.of(array, cluster)
    if clustered is None:
        return values, True
    kept = np.flatnonzero(cluster >= 0)
    kept = kept[np.argsort(np.unique(cluster[kept], return_inverse=True)[1], kind="stable")]
    if len(kept) * clustered.pairs_per_row() <= budget:
        values[kept] = clustered.rows(np.arange(len(kept)), tick)
        return values, True
    tree = cKDTree(clustered.center)
    for first in range(0, len(kept), _ROWS_A_SLICE):
        tick(first / len(kept))
        part = slice(first, first + _ROWS_A_SLICE)
        place = np.ascontiguousarray(clustered.columns[:, part].T)
        own = clustered.cluster[part]
        within = np.linalg.norm(place - clustered.center[own], axis=1)
        distances, nearest = tree.query(place, k=2, workers=-1)
        apart = np.where(nearest[:, 0] == own, distances[:, 1], distances[:, 0])
        values[kept[part]] = (apart - within) / np.maximum(np.maximum(apart, within), np.finfo(np.float64).tiny)
    tick(1.0)
    return values, False
