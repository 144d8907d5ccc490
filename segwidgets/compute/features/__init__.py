"""Features: a table of customers as one matrix of numbers, by a plan that says what is done to which column and why.

How much a column counts. All blocks are scaled so that in a Euclidean distance one aspect of a customer counts about
like any other, whatever its unit:

- A standardised number column has variance 1, so the squared difference of two random customers in it is 2 on average.
- A category is one column of zeros and ones a level. Two customers in different levels are at squared distance 2: as
  far apart as two typical customers in a number column, so the ones stay as they are. A missing category is a row of
  zeros, at squared distance 1 from every level: known to be none, close to none.
- The count columns together (what somebody buys) are one profile of length 1. Two customers with nothing in common
  are at squared distance 2, so the whole profile counts like one number column, however many columns it has. That is
  meant: its hundreds of columns are one aspect, and would drown everything else if each counted for itself.

What is learned from a table (medians, scales, weights, levels, components) is a `Fitted`, which makes the same features
of any other table with these columns.
"""

from segwidgets.compute.features.components import MAX_COVARIANCE, Components, principal
from segwidgets.compute.features.fitted import SPARSE_BELOW, FeatureMatrix, Fitted, build, fit
from segwidgets.compute.features.groups import NORMAL_IQR
from segwidgets.compute.features.plan import MIN_PROFILE, default_metric, resolve

__all__ = [
    "MAX_COVARIANCE",
    "MIN_PROFILE",
    "NORMAL_IQR",
    "SPARSE_BELOW",
    "Components",
    "FeatureMatrix",
    "Fitted",
    "build",
    "default_metric",
    "fit",
    "principal",
    "resolve",
]
