"""Exact DBSCAN at every eps and min_samples, in two and three dimensions."""

from segwidgets.compute.density.index import DEFAULT_MAX_MIN_SAMPLES, DensityIndex
from segwidgets.compute.density.profile import Profile

__all__ = ["DEFAULT_MAX_MIN_SAMPLES", "DensityIndex", "Profile"]
