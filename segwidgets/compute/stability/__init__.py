"""How far a clustering depends on the rows that were looked at: one setting by segment, and all settings at once."""

from segwidgets.compute.stability.agreement import Agreement, agreement, jaccard_by_segment
from segwidgets.compute.stability.grid import Grid, checked_eps_grid, checked_sizes_grid, default_grid
from segwidgets.compute.stability.map import Forecast, StabilityMap, forecast, stability_map
from segwidgets.compute.stability.plateaus import Plateau, plateaus
from segwidgets.compute.stability.setting import SegmentStability, Stability, stability

__all__ = [
    "Agreement",
    "Forecast",
    "Grid",
    "Plateau",
    "SegmentStability",
    "Stability",
    "StabilityMap",
    "agreement",
    "checked_eps_grid",
    "checked_sizes_grid",
    "default_grid",
    "forecast",
    "jaccard_by_segment",
    "plateaus",
    "stability",
    "stability_map",
]
