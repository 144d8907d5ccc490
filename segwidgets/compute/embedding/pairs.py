"""Rows compared value by value: which are equal, and how far pairs are apart, the same for a pair in any company.

A product of matrices rounds by its shape, so a row's distances from it differ in the last bits with the rows beside it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from numba import prange

from segwidgets.compute.kernel import kernel
from segwidgets.compute.progress import Tick

FloatArray = npt.NDArray[np.float32]
IndexArray = npt.NDArray[np.int32]

#: Values looked at between two looks at a cancellation: below 100 ms on one core.
VALUES_A_CALL = 20_000_000

#: A variance below this share of the mean square is rounding.
_FLAT = 1e-12

_EUCLIDEAN, _MANHATTAN, _COSINE, _CORRELATION, _HELLINGER, _JACCARD = range(6)
METRICS = {
    "euclidean": _EUCLIDEAN,
    "manhattan": _MANHATTAN,
    "cosine": _COSINE,
    "correlation": _CORRELATION,
    "hellinger": _HELLINGER,
    "jaccard": _JACCARD,
}


def as_rows(X: Any, like: Any = None) -> Any:
    """float32 in C order or as CSR with sorted indices, in the form of ``like`` where it is given."""
    if sp.issparse(X if like is None else like):
        rows = sp.csr_matrix(X, dtype=np.float32)
        if not rows.has_canonical_format:
            rows = rows.copy()
            rows.sum_duplicates()
        return rows
    return np.ascontiguousarray(X.toarray() if sp.issparse(X) else X, dtype=np.float32)


def width(X: Any) -> int:
    """Values in a row, about."""
    return max(1, int(X.nnz) // max(1, int(X.shape[0])) if sp.issparse(X) else int(X.shape[1]))


# -- rows that are on the map already ----------------------------------------------------------------------------------


def twins_of(X: Any, Q: Any, tick: Tick) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """The hashes of the new rows, and for each the first old row with the same values, or -1."""
    old = _keys(X, lambda done: tick(0.5 * done))
    new = _keys(Q, lambda done: tick(0.5 + 0.5 * done))
    order = np.argsort(old, kind="stable")
    at = np.minimum(np.searchsorted(old[order], new), len(old) - 1)
    twins = np.where(old[order[at]] == new, order[at], -1)
    found = np.flatnonzero(twins >= 0)
    for low in range(0, len(found), 65_536):
        tick(1.0)
        part = found[low : low + 65_536]
        apart = _distances(X, Q[part], twins[part, None].astype(np.int32), _MANHATTAN)[:, 0]
        twins[part[apart > 0]] = -1  # two rows with one hash
    return new, twins


def _keys(X: Any, tick: Tick) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of every row's non-zero values and their columns, the same for a sparse row and a dense one."""
    n = X.shape[0]
    keys = np.zeros(n, np.uint64)
    rows = max(1, VALUES_A_CALL // width(X))
    for low in range(0, n, rows):
        tick(low / n)
        high = min(n, low + rows)
        if sp.issparse(X):
            _sparse_keys(X.data, X.indices, X.indptr, keys, low, high)
        else:
            _dense_keys(X, keys, low, high)
    return keys


@kernel(inline="always")
def mixed(state: Any) -> Any:
    """Bits of a 64-bit number spread over all of it (the finisher of Stafford's Mix13, as in SplitMix64)."""
    state ^= state >> np.uint64(30)
    state *= np.uint64(0xBF58476D1CE4E5B9)
    state ^= state >> np.uint64(27)
    state *= np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return state


@kernel(inline="always")
def _hashed(column: Any, value: Any) -> Any:
    bits = np.uint64(np.float32(value).view(np.uint32))
    return mixed((np.uint64(column) << np.uint64(32) | bits) + np.uint64(0x9E3779B97F4A7C15))


@kernel(parallel=True)
def _dense_keys(X: Any, keys: Any, low: int, high: int) -> None:
    for i in prange(low, high):
        key = np.uint64(0)
        for j in range(X.shape[1]):
            if X[i, j] != 0:
                key += _hashed(j, X[i, j])
        keys[i] = key


@kernel(parallel=True)
def _sparse_keys(data: Any, indices: Any, indptr: Any, keys: Any, low: int, high: int) -> None:
    for i in prange(low, high):
        key = np.uint64(0)
        for e in range(indptr[i], indptr[i + 1]):
            if data[e] != 0:
                key += _hashed(indices[e], data[e])
        keys[i] = key


# -- distances pair by pair --------------------------------------------------------------------------------------------


def ranked(X: Any, Q: Any, candidates: IndexArray, k: int, metric: str) -> tuple[IndexArray, FloatArray]:
    """The k nearest of the candidates by distances that are the same for a row in any company."""
    distances = _distances(X, Q, candidates, METRICS[metric])
    order = np.lexsort((candidates, distances), axis=1)[:, :k]
    return np.take_along_axis(candidates, order, axis=1), np.take_along_axis(distances, order, axis=1)


def _distances(X: Any, Q: Any, candidates: IndexArray, metric: int) -> FloatArray:
    """(m, k) float32, from each row of Q to its candidates in X; summed in float64, in the order of the columns."""
    candidates = np.ascontiguousarray(candidates)
    if sp.issparse(X):
        return _sparse_distances(
            X.data, X.indices, X.indptr, Q.data, Q.indices, Q.indptr, X.shape[1], candidates, metric
        )
    return _dense_distances(X, Q, candidates, metric)


@kernel(inline="always")
def _term(a: Any, b: Any, metric: int) -> Any:
    """What one column adds to a pair: a difference, or for the others a product of a kind."""
    if metric == _EUCLIDEAN:
        return (a - b) * (a - b)
    if metric == _MANHATTAN:
        return abs(a - b)
    if metric == _HELLINGER:
        return math.sqrt(max(a * b, 0.0))
    if metric == _JACCARD:
        return 1.0 if a != 0 and b != 0 else 0.0
    return a * b


@kernel(inline="always")
def _finished(total: Any, d: int, metric: int, a1: Any, a2: Any, a0: Any, b1: Any, b2: Any, b0: Any) -> Any:
    """The distance from the sum of `_term`, with the rows' sums, sums of squares and counts of non-zero values.

    1 where it is undefined: cosine and Hellinger of a row of zeros, correlation of a row without variation.
    """
    if metric == _EUCLIDEAN:
        return math.sqrt(total)
    if metric == _MANHATTAN:
        return total
    left, right = a2, b2
    if metric == _JACCARD:
        left = right = a0 + b0 - total
    elif metric == _HELLINGER:
        left, right = a1, b1
    elif metric == _CORRELATION:
        total -= a1 * b1 / d
        left, right = a2 - a1 * a1 / d, b2 - b1 * b1 / d
        # What rounding leaves of a row of equal values is no variation.
        left = left if left > _FLAT * a2 else 0.0
        right = right if right > _FLAT * b2 else 0.0
    if left <= 0 or right <= 0:
        return 1.0
    apart = max(0.0, 1 - total / math.sqrt(left * right))
    return math.sqrt(apart) if metric == _HELLINGER else apart


@kernel(parallel=True)
def _dense_distances(X: Any, Q: Any, candidates: Any, metric: int) -> FloatArray:
    m, k = candidates.shape
    d = X.shape[1]
    distances = np.empty((m, k), np.float32)
    for i in prange(m):
        for j in range(k):
            r = candidates[i, j]
            total, a1, a2, a0, b1, b2, b0 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            for c in range(d):
                a, b = np.float64(Q[i, c]), np.float64(X[r, c])
                total += _term(a, b, metric)
                a1 += a
                a2 += a * a
                b1 += b
                b2 += b * b
                if a != 0:
                    a0 += 1.0
                if b != 0:
                    b0 += 1.0
            distances[i, j] = _finished(total, d, metric, a1, a2, a0, b1, b2, b0)
    return distances


@kernel(parallel=True)
def _sparse_distances(
    data: Any, indices: Any, indptr: Any, new_data: Any, new_indices: Any, new_indptr: Any, d: int, candidates: Any,
    metric: int,
) -> FloatArray:  # fmt: skip
    m, k = candidates.shape
    distances = np.empty((m, k), np.float32)
    for i in prange(m):
        for j in range(k):
            r = candidates[i, j]
            total, a1, a2, a0, b1, b2, b0 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            p, q = new_indptr[i], indptr[r]
            while p < new_indptr[i + 1] or q < indptr[r + 1]:
                at_a = new_indices[p] if p < new_indptr[i + 1] else d
                at_b = indices[q] if q < indptr[r + 1] else d
                a, b = 0.0, 0.0
                if at_a <= at_b:
                    a = np.float64(new_data[p])
                    p += 1
                if at_b <= at_a:
                    b = np.float64(data[q])
                    q += 1
                total += _term(a, b, metric)
                a1 += a
                a2 += a * a
                b1 += b
                b2 += b * b
                if a != 0:
                    a0 += 1.0
                if b != 0:
                    b0 += 1.0
            distances[i, j] = _finished(total, d, metric, a1, a2, a0, b1, b2, b0)
    return distances
