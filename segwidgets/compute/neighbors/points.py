"""Rows in the form in which the approximate search compares them: quickly, in float32, and in any order it likes.

Dense rows are compared by their differences. Sparse ones by their products: the row whose neighbours are sought is
spread out over all columns once, and then only the others' entries are visited, without a branch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from segwidgets.compute.kernel import kernel
from segwidgets.compute.neighbors.exact import centre_of, dense_factors, sparse_parts
from segwidgets.compute.neighbors.rows import CORRELATION, EUCLIDEAN, JACCARD, MANHATTAN, Rows, is_sparse
from segwidgets.compute.progress import Tick

SQUARED, ABSOLUTE, SHARED = range(3)


class Points(NamedTuple):
    """Rows by an array (n, p) float32 or, where that is (0, 0), CSR.

    Attributes:
        kind: SQUARED (euclidean; cosine and its kin of unit rows), ABSOLUTE (manhattan) or SHARED (jaccard).
        dense: (n, p) float32.
        indptr: (n + 1,) int64.
        indices: (nnz,) int32.
        values: (nnz,) float32.
        size: (n,) float32, |x|^2, |x| or the number of columns, by kind.
        centre: (n,) float32: products of a and b count less ``centre[a] * centre[b]``.
        width: p.
    """

    kind: int
    dense: npt.NDArray[np.float32]
    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]
    values: npt.NDArray[np.float32]
    size: npt.NDArray[np.float32]
    centre: npt.NDArray[np.float32]
    width: int


def points_of(code: int, rows: Rows, tick: Tick) -> Points:
    """The points of ``rows``."""
    n = len(rows.mean)
    kind = {MANHATTAN: ABSOLUTE, JACCARD: SHARED}.get(code, SQUARED)
    none = np.zeros(n, np.float32)
    if is_sparse(rows):
        lines = sparse_parts(code, rows, None)
        size = lines.size - lines.centre.astype(np.float64) ** 2 if code == CORRELATION else lines.size
        empty = np.empty((0, 0), np.float32)
        sizes = size.astype(np.float32)
        return Points(kind, empty, lines.indptr, lines.indices, lines.values, sizes, lines.centre, rows.width)
    if code == MANHATTAN:
        dense, size = rows.dense, rows.sums
    else:
        dense, size = dense_factors(code, rows, centre_of(rows) if code == EUCLIDEAN else None, 1.0, tick)
    blank = np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32)
    return Points(kind, dense, *blank, size.astype(np.float32), none, rows.width)


def permuted(points: Points, order: npt.NDArray[np.int32], tick: Tick) -> Points:
    """The points in another order."""
    parts = points.size[order], points.centre[order], points.width
    if points.dense.size:
        dense = np.empty_like(points.dense)
        for first in range(0, len(order), 65_536):
            tick(0.0)
            dense[first : first + 65_536] = points.dense[order[first : first + 65_536]]
        return Points(points.kind, dense, points.indptr, points.indices, points.values, *parts)
    shape = (len(points.size), points.width)
    lines = sp.csr_matrix((points.values, points.indices, points.indptr), shape=shape)[order]
    return Points(points.kind, points.dense, lines.indptr.astype(np.int64), lines.indices, lines.data, *parts)


@kernel(fastmath=False, forceinline=True)
def spread_out(points: Any, a: int, room: Any) -> None:
    """Write row ``a`` over all columns, ``room`` (p,) float32, which holds zeros; nothing for dense points."""
    if points.dense.size == 0:
        for e in range(points.indptr[a], points.indptr[a + 1]):
            room[points.indices[e]] = points.values[e]


@kernel(fastmath=False, forceinline=True)
def clear(points: Any, a: int, room: Any) -> None:
    """Undo `spread_out`."""
    if points.dense.size == 0:
        for e in range(points.indptr[a], points.indptr[a + 1]):
            room[points.indices[e]] = 0


@kernel(fastmath={"contract", "nsz", "reassoc"}, forceinline=True)
def _differences(dense: Any, kind: int, a: int, b: int) -> Any:
    total = np.float32(0)
    if kind == SQUARED:
        for c in range(dense.shape[1]):
            step = dense[a, c] - dense[b, c]
            total += step * step
    elif kind == ABSOLUTE:
        for c in range(dense.shape[1]):
            total += abs(dense[a, c] - dense[b, c])
    else:
        for c in range(dense.shape[1]):
            total += dense[a, c] * dense[b, c]
    return total


@kernel(fastmath=False, forceinline=True)
def _products(kind: int, room: Any, indices: Any, values: Any, begin: int, end: int) -> Any:
    total = np.float32(0)
    if kind == ABSOLUTE:
        for e in range(np.uint64(begin), np.uint64(end)):
            mine = room[indices[e]]
            total += abs(mine) + abs(values[e]) - abs(mine - values[e])
    else:
        for e in range(np.uint64(begin), np.uint64(end)):
            total += room[indices[e]] * values[e]
    return total


@kernel(fastmath=False, forceinline=True)
def compare(points: Any, a: int, b: int, room: Any) -> Any:
    """How far ``b`` is from ``a``, which is spread out in ``room``: float32, the smaller, the nearer.

    The same whichever of the two is spread out.
    """
    if points.dense.size > 0:
        total = _differences(points.dense, points.kind, a, b)
        if points.kind != SHARED:
            return total
    else:
        total = _products(points.kind, room, points.indices, points.values, points.indptr[b], points.indptr[b + 1])
        if points.kind == SQUARED:
            total -= points.centre[a] * points.centre[b]
            return max(np.float32(points.size[a] + points.size[b] - 2 * total), np.float32(0))
        if points.kind == ABSOLUTE:
            return max(np.float32(points.size[a] + points.size[b] - total), np.float32(0))
    return np.float32(1 - total / (points.size[a] + points.size[b] - total))
