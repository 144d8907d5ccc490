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


def hdbscan(index: DensityIndex, *, min_cluster_size: int = 50, min_samples: int | None = None) -> Clustered:
    """HDBSCAN* by excess of mass, from the spanning tree that the index has: no eps, one density for each segment.

    Args:
        index: of the points.
        min_cluster_size: rows that a segment has at least, from 2 to the number of rows.
        min_samples: the index's own by default, or another that it answers; the point itself counts, as in
            scikit-learn.

    Raises:
        ValueError: min_cluster_size or min_samples is out of range.
    """
    if isinstance(min_cluster_size, bool) or not 2 <= min_cluster_size <= max(index.n, 2):
        raise ValueError(
            f"min_cluster_size={min_cluster_size!r} is not allowed: it must be a whole number from 2 to {index.n:,}, "
            "the number of rows."
        )
    edges, weights = index.tree(min_samples)
    # Compiled code is there before the clock runs: the first method in a row is not slower than the rest.
    condensed_labels(np.array([[0, 1]], np.int32), np.ones(1), min_cluster_size=2)
    begin = time.perf_counter()
    if len(weights) and not np.isfinite(weights).any():  # fewer rows than min_samples: nothing is dense anywhere
        labels = np.full(index.n, -1, np.int32)
    else:
        labels = condensed_labels(edges, weights, min_cluster_size=min_cluster_size)
    settings = {"min_cluster_size": min_cluster_size, "min_samples": min_samples or index.min_samples}
    return Clustered("hdbscan", settings, by_first_row(labels), time.perf_counter() - begin)
