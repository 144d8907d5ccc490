"""The widgets: the panel, and the two parts of it that are useful alone. No arithmetic happens here."""

from segwidgets.panel.kdistance import KDistance
from segwidgets.panel.panel import Panel
from segwidgets.panel.pointcloud import PointCloud

__all__ = ["KDistance", "Panel", "PointCloud"]
