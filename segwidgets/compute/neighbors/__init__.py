"""k nearest neighbours of every row in feature space, exact wherever that is the quicker way."""

from segwidgets.compute.neighbors.cost import Plan as Plan
from segwidgets.compute.neighbors.rows import METRICS as METRICS
from segwidgets.compute.neighbors.search import neighbors as neighbors
from segwidgets.compute.neighbors.search import plan as plan
from segwidgets.compute.neighbors.search import query as query
from segwidgets.compute.neighbors.table import Neighbors as Neighbors
from segwidgets.compute.neighbors.warm import warm_up as warm_up
