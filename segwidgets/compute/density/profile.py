"""How a clustering changes with eps, without making one."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from segwidgets.compute.density.hierarchy import Hierarchy


@dataclasses.dataclass(frozen=True, eq=False)
class Profile:
    """Number of clusters, noise and largest cluster at each eps of a grid (all arrays have its length)."""

    eps: NDArray[np.float64]
    clusters: NDArray[np.int64]
    """As in `DensityIndex.labels`."""
    noise: NDArray[np.float64]
    """Share of all points that is noise, 0 to 1, as in `DensityIndex.labels`."""
    largest: NDArray[np.float64]
    """Share of all points in the largest cluster, 0 to 1.

    A border point counts for the cluster of the core point that it reaches at the smallest eps, so that the share
    never falls as eps grows. scikit-learn may hand a border point between two clusters to the other one; nothing else
    differs.
    """


def profile(hierarchy: Hierarchy, eps: NDArray[np.float64]) -> Profile:
    """The profile over ``eps`` (any order).

    Clusters are core points less the tree's edges among them: both counts are places in a sorted array.
    """
    h = hierarchy
    n = len(h.leaf_of_row)
    cores = np.searchsorted(h.sorted_core, eps, "right")
    joined = np.searchsorted(h.weights, eps, "right")
    reached = np.searchsorted(h.sorted_entry, eps, "right")
    at, sizes = h.growth
    grown = np.searchsorted(at, eps, "right")
    alone = (cores > 0).astype(np.int64) if h.alone is None else np.append(0, h.alone)[cores]
    largest = np.maximum(np.append(0, sizes)[grown], alone)
    return Profile(eps, (cores - joined).astype(np.int64), 1.0 - reached / n, largest / n)
