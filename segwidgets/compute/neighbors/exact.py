"""Exact search: every query against every row."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from segwidgets.compute.neighbors import inverted, tiles
from segwidgets.compute.neighbors.rows import CORRELATION, EUCLIDEAN, JACCARD, MANHATTAN, Rows, is_sparse
from segwidgets.compute.neighbors.scan import Scoring, offsets, scoring
from segwidgets.compute.neighbors.table import FloatArray, IndexArray
from segwidgets.compute.progress import Tick

#: Comparisons between two ticks, about 0.1 s.
_PAIRS_A_STEP = 60_000_000


def nearest(
    code: int, X: Rows, Q: Rows, k: int, own: npt.NDArray[np.int32], tick: Tick
) -> tuple[IndexArray, FloatArray]:
    """The ``k`` nearest rows of ``X`` of each of ``Q``'s, row ``own[q]`` left out, by distance and index.

    Args:
        code: of the metric.
        X: rows, more than ``k``, or ``k`` where nothing is left out.
        Q: queries, prepared alike.
        k: neighbours, 1 or more.
        own: (m,) int32; -1 leaves nothing out.
        tick: told the share done; may raise `Cancelled`.

    Returns:
        (m, k) int32 and (m, k) float32.
    """
    m = len(Q.mean)
    near = np.full((m, k), np.inf, np.float32)
    index = np.full((m, k), np.iinfo(np.int32).max, np.int32)
    tick(0.0)
    if is_sparse(X) or code == MANHATTAN:
        _by_columns(code, X, Q, own, near, index, tick)
    else:
        _by_products(code, X, Q, own, near, index, tick)
    tick(1.0)
    return index, near


def _step(cost: int, block: int) -> int:
    """Queries between two ticks, from the comparisons that each costs: whole blocks, one for each thread at least."""
    threads = int(numba.get_num_threads())
    return max(1, _PAIRS_A_STEP // (cost * block * threads)) * block * threads


def centre_of(X: Rows) -> FloatArray:
    """The mean of the rows, (p,): distances do not change with it, but the rounding of products does."""
    return np.asarray(X.dense.mean(axis=0, dtype=np.float64), np.float32)


def _by_columns(
    code: int, X: Rows, Q: Rows, own: npt.NDArray[np.int32], near: FloatArray, index: IndexArray, tick: Tick
) -> None:
    """Through the inverted index; rows of an array have all columns."""
    centre = None if is_sparse(X) else centre_of(X)
    others = sparse_parts(code, X, centre)
    queries = others if Q is X else sparse_parts(code, Q, centre)
    size = np.concatenate([others.size, queries.size])
    largest = float(size.max(initial=0))
    if code == EUCLIDEAN:
        largest = float(np.sqrt(largest))
    how = scoring(code, X, Q, largest)
    others, same = _scaled(others, how), queries is others
    table = inverted.build(others, X.width, how)
    queries = others if same else _scaled(queries, how)
    m = len(own)
    step = _step(len(X.mean), inverted.BLOCK)
    for first in range(0, m, step):
        tick(first / m)
        inverted.search(how, queries, table, first, min(m, first + step), Q, X, own, near, index)


def sparse_parts(code: int, rows: Rows, centre: FloatArray | None) -> inverted.Lines:
    """Lines whose products are the scores; those of an array are taken from ``centre`` (p,)."""
    n, p = len(rows.mean), rows.width
    if centre is None:
        indptr, indices, values = rows.indptr, rows.indices, rows.values
    else:
        values = (rows.dense - centre).ravel()
        indptr, indices = np.arange(n + 1, dtype=np.int64) * p, np.tile(np.arange(p, dtype=np.int32), n)
    middle = np.zeros(n, np.float32)
    if code == EUCLIDEAN:
        size = rows.squares
    elif code == JACCARD:
        size = rows.sums
    elif code == MANHATTAN:
        size = rows.sums if centre is None else np.abs(values.reshape(n, p)).sum(axis=1, dtype=np.float64)
    else:
        size = rows.squares * rows.inverse**2
        middle = np.asarray(rows.mean * rows.inverse * np.sqrt(p), np.float32)
        values = np.asarray(values * np.repeat(rows.inverse, np.diff(indptr)), np.float32)
    return inverted.Lines(indptr, indices, values, size, middle)


def _scaled(lines: inverted.Lines, how: Scoring) -> inverted.Lines:
    if how.scale == 1:
        return lines
    power = how.scale**2 if how.code == EUCLIDEAN else how.scale
    return lines._replace(values=np.asarray(lines.values * how.scale, np.float32), size=lines.size * power)


def _by_products(
    code: int, X: Rows, Q: Rows, own: npt.NDArray[np.int32], near: FloatArray, index: IndexArray, tick: Tick
) -> None:
    """Through products of the two arrays."""
    n, m = len(X.mean), len(Q.mean)
    centre = centre_of(X) if code == EUCLIDEAN else None
    largest = 0.0
    if centre is not None:
        largest = max(_longest(X, centre, tick), _longest(Q, centre, tick))
    how = scoring(code, X, Q, largest)
    right, size = dense_factors(code, X, centre, how.scale, tick)
    left, sizes = (right, size) if Q is X else dense_factors(code, Q, centre, how.scale, tick)
    table, begins, others = tiles.build(right, tick), offsets(how, size), size.astype(np.float32)
    step = _step(n * (16 + X.width) // 16, tiles.BLOCK)
    for first in range(0, m, step):
        tick(first / m)
        last = min(m, first + step)
        tiles.search(how, left, sizes, table, begins, others, first, last, Q, X, own, near, index)


def _longest(rows: Rows, centre: FloatArray, tick: Tick) -> float:
    """Length of the longest row from the centre."""
    longest = 0.0
    for first in range(0, len(rows.dense), 65_536):
        tick(0.0)
        part = rows.dense[first : first + 65_536].astype(np.float64) - centre
        longest = max(longest, float((part**2).sum(axis=1).max(initial=0)))
    return float(np.sqrt(longest))


def dense_factors(
    code: int, rows: Rows, centre: FloatArray | None, scale: float, tick: Tick
) -> tuple[FloatArray, npt.NDArray[np.float64]]:
    """Arrays whose products are the scores, (n, p) float32, and the rows' sizes (n,) float64."""
    if code == JACCARD:
        return rows.dense, rows.sums
    n = len(rows.dense)
    out, size = np.empty_like(rows.dense), np.empty(n)
    for first in range(0, n, 65_536):
        tick(0.0)
        part = slice(first, first + 65_536)
        values = rows.dense[part].astype(np.float64)
        if centre is not None:
            values = (values - centre) * scale
        elif code == CORRELATION:
            values = (values - rows.mean[part, None]) * rows.inverse[part, None]
        else:
            values = values * rows.inverse[part, None]
        out[part], size[part] = values, (values**2).sum(axis=1)
    return out, size
