"""Ranks that stay sparse: each column keeps how far a value's rank is from the rank of its zeros."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.stats import rankdata


def shifted_ranks(matrix: sparse.csc_matrix) -> sparse.csc_matrix:
    """Average ranks of each column's present values, minus the rank that its zeros share.

    Shifting a column changes no correlation, so Pearson's r of these is Spearman's rho, and zeros stay zeros.

    Args:
        matrix: (n, d) float64 CSC without stored zeros; NaN for missing.

    Returns:
        (n, d) CSC with the same entries, NaN where it was.
    """
    n_rows = matrix.shape[0]
    ranked = np.full(matrix.nnz, np.nan)
    for start, stop in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        column = matrix.data[start:stop]
        there = np.flatnonzero(~np.isnan(column))
        values = column[there]
        zeros = n_rows - len(column)
        below = int(np.count_nonzero(values < 0))
        own = rankdata(values) + np.where(values > 0, zeros, 0)
        # Without zeros this is half a rank from its neighbours, so no entry becomes a zero.
        ranked[start + there] = own - (below + (zeros + 1) / 2)
    return sparse.csc_matrix((ranked, matrix.indices, matrix.indptr), shape=matrix.shape)
