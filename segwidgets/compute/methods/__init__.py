"""Other ways to cluster the same points, one type for what each finds, and what scores say of them side by side."""

from segwidgets.compute.methods.again import again
from segwidgets.compute.methods.centres import gaussian_mixture, kmeans
from segwidgets.compute.methods.clustered import Clustered
from segwidgets.compute.methods.comparison import FAVOURS, SAMPLED_ROWS, Row, compare_methods, scored
from segwidgets.compute.methods.curves import CountCurve, count_curve
from segwidgets.compute.methods.densities import dbscan, hdbscan

__all__ = [
    "FAVOURS",
    "SAMPLED_ROWS",
    "Clustered",
    "CountCurve",
    "Row",
    "again",
    "compare_methods",
    "count_curve",
    "dbscan",
    "gaussian_mixture",
    "hdbscan",
    "kmeans",
    "scored",
]
