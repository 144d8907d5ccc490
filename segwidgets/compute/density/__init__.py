"""Exact DBSCAN at every eps and min_samples, in up to 20 dimensions."""

from segwidgets.compute.density.distance import MAX_DIMENSIONS
from segwidgets.compute.density.index import DEFAULT_MAX_MIN_SAMPLES, DensityIndex
from segwidgets.compute.density.portable import Portable, labels_from_portable
from segwidgets.compute.density.profile import Profile

__all__ = [
    "DEFAULT_MAX_MIN_SAMPLES",
    "MAX_DIMENSIONS",
    "DensityIndex",
    "Portable",
    "Profile",
    "labels_from_portable",
]
