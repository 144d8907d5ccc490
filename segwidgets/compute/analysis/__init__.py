"""What the columns of a table have to say: how far they go together, how many aspects they have, how full they are."""

from segwidgets.compute.analysis.choices import with_components, without
from segwidgets.compute.analysis.columns import MOST_COLUMNS
from segwidgets.compute.analysis.components import TARGETS, ComponentAnalysis, Loading, components
from segwidgets.compute.analysis.correlation import MEASURES, Correlations, Measure, Pair, correlations
from segwidgets.compute.analysis.redundancy import SAME, Dropped, RedundantGroup, redundant_groups
from segwidgets.compute.analysis.sparsity import QUANTILES, ColumnFill, Popularity, Sparsity, sparsity

__all__ = [
    "MEASURES",
    "MOST_COLUMNS",
    "QUANTILES",
    "SAME",
    "TARGETS",
    "ColumnFill",
    "ComponentAnalysis",
    "Correlations",
    "Dropped",
    "Loading",
    "Measure",
    "Pair",
    "Popularity",
    "RedundantGroup",
    "Sparsity",
    "components",
    "correlations",
    "redundant_groups",
    "sparsity",
    "with_components",
    "without",
]
