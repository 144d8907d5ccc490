"""Rows by a hash of their values: which new ones are on the map already, and a key for their random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from numba import prange

from segwidgets.compute.kernel import kernel
from segwidgets.compute.progress import Tick

#: Values looked at between two looks at a cancellation: below 100 ms on one core.
VALUES_A_CALL = 20_000_000


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
        differs = X[twins[part]] != Q[part]
        twins[part[np.asarray(differs.sum(axis=1)).ravel() > 0]] = -1  # two rows with one hash
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
