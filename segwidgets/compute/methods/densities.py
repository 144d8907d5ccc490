"""DBSCAN and HDBSCAN from one density index."""

from __future__ import annotations

import time

import numpy as np

from segwidgets.compute.density import DensityIndex
from segwidgets.compute.methods.clustered import Clustered, by_first_row
from segwidgets.compute.methods.condensed import condensed_labels


def dbscan(index: DensityIndex, *, eps: float, min_samples: int | None = None) -> Clustered:
    """DBSCAN at one eps: `DensityIndex.labels`.

    Raises:
        ValueError: as there.
    """
    begin = time.perf_counter()
    labels = index.labels(eps, min_samples)
    settings = {"eps": eps, "min_samples": min_samples or index.min_samples}
    return Clustered("dbscan", settings, by_first_row(labels), time.perf_counter() - begin)


def hdbscan(index: DensityIndex, *, min_cluster_size: int = 50) -> Clustered:
    """HDBSCAN* by excess of mass, from the spanning tree that the index has: no eps, one density for each segment.

    ``min_samples`` is the index's own, and counts the point itself, as in scikit-learn.

    Args:
        index: of the points.
        min_cluster_size: rows that a segment has at least, from 2 to the number of rows.

    Raises:
        ValueError: min_cluster_size is out of range.
    """
    if isinstance(min_cluster_size, bool) or not 2 <= min_cluster_size <= max(index.n, 2):
        raise ValueError(
            f"min_cluster_size={min_cluster_size!r} is not allowed: it must be a whole number from 2 to {index.n:,}, "
            "the number of rows."
        )
    begin = time.perf_counter()
    edges, weights = index.tree_
    if len(weights) and not np.isfinite(weights).any():  # fewer rows than min_samples: nothing is dense anywhere
        labels = np.full(index.n, -1, np.int32)
    else:
        labels = condensed_labels(edges, weights, min_cluster_size=min_cluster_size)
    settings = {"min_cluster_size": min_cluster_size, "min_samples": index.min_samples}
    return Clustered("hdbscan", settings, by_first_row(labels), time.perf_counter() - begin)
