"""Rows in the form in which their distances are computed, for every metric, sparse or dense."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from segwidgets.compute.progress import Tick, no_tick

#: Rows of features: CSR where most entries are zero, else an array (scipy carries no types, hence Any).
Matrix: TypeAlias = Any

METRICS = ("euclidean", "cosine", "manhattan", "correlation", "hellinger", "jaccard")
EUCLIDEAN, COSINE, MANHATTAN, CORRELATION, HELLINGER, JACCARD = range(len(METRICS))

#: Values of an array that are converted between two ticks.
_VALUES_A_STEP = 4_000_000


class Rows(NamedTuple):
    """What `pair.distance` reads, either an array or CSR; the other's arrays are empty.

    Hellinger's values are square roots, Jaccard's are ones. A value x of row r counts as ``(x - mean[r]) *
    inverse[r]`` for cosine, correlation and hellinger, so that these are unit vectors; ``inverse`` is 0 for a row
    without any variation.

    Attributes:
        dense: (n, p) float32, C-ordered, or (0, 0).
        indptr: (n + 1,) int64.
        indices: (nnz,) int32, ascending in each row.
        values: (nnz,) float32.
        mean: (n,) float64; zeros but for correlation.
        inverse: (n,) float64.
        squares: (n,) float64, sum of squares of the values.
        sums: (n,) float64, sum of their magnitudes; for jaccard, how many are not zero.
        width: p.
    """

    dense: npt.NDArray[np.float32]
    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]
    values: npt.NDArray[np.float32]
    mean: npt.NDArray[np.float64]
    inverse: npt.NDArray[np.float64]
    squares: npt.NDArray[np.float64]
    sums: npt.NDArray[np.float64]
    width: int


def code_of(metric: str) -> int:
    """The number of a metric in the kernels; raises ValueError."""
    if metric not in METRICS:
        raise ValueError(f"metric={metric!r} is not known: take {', '.join(METRICS[:-1])} or {METRICS[-1]}.")
    return METRICS.index(metric)


def is_sparse(rows: Rows) -> bool:
    """Whether the rows are CSR."""
    return rows.dense.size == 0


def prepare(X: Matrix, code: int, tick: Tick = no_tick) -> Rows:
    """``X`` (n, p) as `Rows`; an array keeps its memory where the metric takes its values as they are.

    Raises:
        ValueError: NaN or infinite values, or negative ones for hellinger.
    """
    n, p = X.shape
    sparse = sp.issparse(X)
    if sparse:
        X = _canonical(X)
        dense, values = np.empty((0, 0), np.float32), np.asarray(X.data, np.float32)
    else:
        dense, values = np.ascontiguousarray(X, dtype=np.float32), np.empty(0, np.float32)
    _check(values if sparse else dense, code)
    if code == HELLINGER:
        dense, values = np.sqrt(dense), np.sqrt(values)
    elif code == JACCARD:
        dense, values = (dense != 0).astype(np.float32), np.ones(len(values), np.float32)
    squares, sums, totals, spread = (np.zeros(n) for _ in range(4))
    if sparse:
        line = sp.csr_matrix((values.astype(np.float64), X.indices, X.indptr), shape=(n, p))
        tick(0.0)
        squares[:] = line.multiply(line).sum(axis=1).ravel()
        totals[:] = line.sum(axis=1).ravel()
        sums[:] = abs(line).sum(axis=1).ravel()
    else:
        step = max(1, _VALUES_A_STEP // max(p, 1))
        for first in range(0, n, step):
            tick(first / n)
            part = dense[first : first + step].astype(np.float64)
            here = slice(first, first + step)
            squares[here], totals[here], sums[here] = (part**2).sum(1), part.sum(1), np.abs(part).sum(1)
            if code == CORRELATION:
                spread[here] = ((part - part.mean(axis=1, keepdims=True)) ** 2).sum(1)
    mean = totals / max(p, 1) if code == CORRELATION else np.zeros(n)
    if code != CORRELATION:
        spread = squares
    elif sparse:
        spread = np.maximum(squares - p * mean**2, 0)
    # What is left of a constant row is rounding.
    flat = spread <= 1e-13 * squares
    inverse = np.where(flat, 0, 1 / np.sqrt(np.where(flat, 1, spread)))
    indptr = X.indptr.astype(np.int64) if sparse else np.zeros(1, np.int64)
    indices = X.indices.astype(np.int32, copy=False) if sparse else np.empty(0, np.int32)
    return Rows(dense, indptr, indices, values, mean, inverse, squares, sums, p)


def taken(rows: Rows, which: npt.NDArray[np.integer[Any]]) -> Rows:
    """Some of the rows, in the order of ``which``."""
    parts = (rows.mean[which], rows.inverse[which], rows.squares[which], rows.sums[which])
    if not is_sparse(rows):
        return Rows(rows.dense[which], rows.indptr, rows.indices, rows.values, *parts, rows.width)
    lines = sp.csr_matrix((rows.values, rows.indices, rows.indptr), shape=(len(rows.mean), rows.width))[which]
    return Rows(
        rows.dense, lines.indptr.astype(np.int64), lines.indices.astype(np.int32), lines.data, *parts, rows.width
    )


def _canonical(X: Matrix) -> sp.csr_matrix:
    """CSR with sorted columns, none twice and no stored zeros; the caller's matrix stays as it is."""
    X = sp.csr_matrix(X)
    if not X.has_canonical_format or (X.data == 0).any():
        X = X.copy()
        X.sum_duplicates()
        X.eliminate_zeros()
    return X


def _check(values: npt.NDArray[np.float32], code: int) -> None:
    bad = values.size - int(np.count_nonzero(np.isfinite(values)))
    if bad:
        raise ValueError(f"X has {bad} NaN or infinite values, which are at no distance: fill or remove them.")
    below = int(np.count_nonzero(values < 0)) if code == HELLINGER else 0
    if below:
        raise ValueError(
            f"metric='hellinger' compares shares, and {below} values are negative: take cosine or euclidean, or "
            "leave out the columns with negative values."
        )
