"""segwidgets: find segments in sparse customer records, and promote what you found.

The public names are handed out lazily (PEP 562): importing the package costs milliseconds and pulls in neither
numpy nor numba, mlflow or boto3, because JupyterLab's server environment imports it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segwidgets.lazy import lazy

__version__ = "0.1.0"

if TYPE_CHECKING:
    from segwidgets.alternatives import compare_methods
    from segwidgets.analysis import analyse_features
    from segwidgets.assignment import assign
    from segwidgets.comparing import compare, drift
    from segwidgets.compute.dbscan import DBSCAN
    from segwidgets.compute.density import DensityIndex
    from segwidgets.data import DataError, Table, read, samples
    from segwidgets.jobs import Job, leaderboard, promote
    from segwidgets.leaving import leave_out
    from segwidgets.panel import KDistance, Panel, PointCloud
    from segwidgets.recipe import Clustering, ColumnGroup, Embedding, Features, Recipe, RecipeError
    from segwidgets.segments import describe_segments
    from segwidgets.session import Cancelled, Result, Session
    from segwidgets.stable import stability, stability_map
    from segwidgets.stablesettings import plan_maps, stability_maps
    from segwidgets.sweeping import sweep

_HOMES = {
    "DBSCAN": "compute.dbscan",
    "Cancelled": "session",
    "Clustering": "recipe",
    "ColumnGroup": "recipe",
    "DataError": "data",
    "DensityIndex": "compute.density",
    "Embedding": "recipe",
    "Features": "recipe",
    "Job": "jobs",
    "KDistance": "panel",
    "Panel": "panel",
    "PointCloud": "panel",
    "Recipe": "recipe",
    "RecipeError": "recipe",
    "Result": "session",
    "Session": "session",
    "Table": "data",
    "analyse_features": "analysis",
    "assign": "assignment",
    "compare": "comparing",
    "compare_methods": "alternatives",
    "describe_segments": "segments",
    "drift": "comparing",
    "leaderboard": "jobs",
    "leave_out": "leaving",
    "plan_maps": "stablesettings",
    "promote": "jobs",
    "read": "data",
    "samples": "data",
    "stability": "stable",
    "stability_map": "stable",
    "stability_maps": "stablesettings",
    "sweep": "sweeping",
}

__all__ = [
    "DBSCAN",
    "Cancelled",
    "Clustering",
    "ColumnGroup",
    "DataError",
    "DensityIndex",
    "Embedding",
    "Features",
    "Job",
    "KDistance",
    "Panel",
    "PointCloud",
    "Recipe",
    "RecipeError",
    "Result",
    "Session",
    "Table",
    "__version__",
    "analyse_features",
    "assign",
    "compare",
    "compare_methods",
    "describe_segments",
    "drift",
    "leaderboard",
    "leave_out",
    "plan_maps",
    "promote",
    "read",
    "samples",
    "stability",
    "stability_map",
    "stability_maps",
    "sweep",
]


__getattr__, __dir__ = lazy(__name__, _HOMES)
