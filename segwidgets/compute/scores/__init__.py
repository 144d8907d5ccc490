"""How good an embedding and its segments are: exact where that is cheap, else with a 95 % interval.

Samples are of the rows that are asked about, never of the rows they are compared with, and never of centroids in
their place: both would be biased. DBCV cannot be estimated from a sample at all: it is exact or not there.
"""

from segwidgets.compute.scores.counts import adjusted_rand_index, coverage, sizes
from segwidgets.compute.scores.estimate import Estimate
from segwidgets.compute.scores.rows import row_trust, silhouette_rows
from segwidgets.compute.scores.silhouettes import silhouette, silhouette_by_cluster
from segwidgets.compute.scores.trust import METRICS, trustworthiness
from segwidgets.compute.scores.validation import dbcv

__all__ = [
    "METRICS",
    "Estimate",
    "adjusted_rand_index",
    "coverage",
    "dbcv",
    "row_trust",
    "silhouette",
    "silhouette_by_cluster",
    "silhouette_rows",
    "sizes",
    "trustworthiness",
]
