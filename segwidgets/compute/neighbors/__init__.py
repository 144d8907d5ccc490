"""k nearest neighbours of every row in feature space, exact wherever that is the quicker way."""

from segwidgets.compute.neighbors.rows import METRICS as METRICS
from segwidgets.compute.neighbors.search import neighbors as neighbors
from segwidgets.compute.neighbors.search import query as query
from segwidgets.compute.neighbors.table import Neighbors as Neighbors
