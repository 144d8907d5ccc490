"""From quick sums to exact lists: which rows might be nearer than a query's k-th so far.

A search first computes, for a query and many rows at once, a float32 score that is the larger the nearer a row is:

    euclidean        a.b - |b|^2 / 2           as |a - b|^2 = |a|^2 - 2 (a.b - |b|^2 / 2)
    cosine and kin   a.b of unit rows          as d = 1 - a.b (hellinger: d^2)
    manhattan        S(a, b) - |b|             as |a - b| = |a| + |b| - S, S = sum of |a| + |b| - |a - b|
    jaccard          shared columns            as d <= D where shared >= c (|a| + |b|), c = (1 - D) / (2 - D)

Rows whose score, within the bound of its rounding error, reaches the k-th best are kept in a `Pool`; at the end, or
when equal ones overflow it, they are compared in full (`pair.distance`), and that decides. So the lists are the same
whatever the blocks, threads and instruction set. The error of a sum of m products is at most m u |a| |b| in any order
(Higham 2002, section 3.1), u = 2^-24, and that is at most m u (|a|^2 + |b|^2) / 2: one part rides on the other rows'
offsets, one on the query's limit. ``slack`` is twice that, so that it holds for differences that float32 distances do
not show as well: such rows are ordered by index.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from segwidgets.compute.kernel import kernel
from segwidgets.compute.neighbors import pair
from segwidgets.compute.neighbors.rows import (
    CORRELATION,
    COSINE,
    EUCLIDEAN,
    HELLINGER,
    JACCARD,
    MANHATTAN,
    Rows,
    is_sparse,
)

#: Scores are looked at together before they are looked at one by one.
_CHUNK = 64
_NEVER = np.float32(np.inf)
#: Rows that are kept beside twice the neighbours.
_SPARE = 64


class Scoring(NamedTuple):
    """How scores of a search become limits.

    Attributes:
        code: of the metric.
        scale: what distances are multiplied by, so that no row is longer than 1: squares neither over- nor underflow.
        slack: relative rounding error of a score.
        positive: 1 when no score of rows with something in common can be 0 or less, else 0.
    """

    code: int
    scale: float
    slack: float
    positive: int


def scoring(code: int, X: Rows, Q: Rows, largest: float) -> Scoring:
    """The scoring for queries ``Q`` among ``X``; ``largest`` is the length (or sum) of the longest row."""
    terms = X.width
    if is_sparse(X):
        terms = min(terms, int(np.diff(Q.indptr).max(initial=0)))
    scaled = code in {EUCLIDEAN, MANHATTAN}
    scale = 1 / largest if scaled and largest > 0 else 1.0
    parts = (X.values, Q.values) if is_sparse(X) else (X.dense, Q.dense)
    positive = code not in {EUCLIDEAN, MANHATTAN, CORRELATION} and all(part.min(initial=0) >= 0 for part in parts)
    return Scoring(code, scale, 1.2e-7 * (terms + 10), int(positive))


class Pool(NamedTuple):
    """Candidates of some queries, (queries, capacity), and what is known of each query.

    Attributes:
        keys: float32, the least that a row's score may be in truth.
        tops: float32, its score.
        rows: int32, ascending.
        filled: (queries,) int64, how many; -1 where they were compared in full already, and the list is exact so far.
        least: (queries,) float32, what a score must reach.
    """

    keys: npt.NDArray[np.float32]
    tops: npt.NDArray[np.float32]
    rows: npt.NDArray[np.int32]
    filled: npt.NDArray[np.int64]
    least: npt.NDArray[np.float32]


@kernel(fastmath=False)
def pool(how: Any, queries: int, k: int) -> Any:
    """An empty `Pool`. Jaccard's scores are exact, so that its lists are made at once."""
    size = 2 * k + _SPARE
    count = np.full(queries, -1 if how.code == JACCARD else 0, np.int64)
    parts = np.empty((queries, size), np.float32), np.empty((queries, size), np.float32)
    return Pool(parts[0], parts[1], np.empty((queries, size), np.int32), count, np.full(queries, -_NEVER))


def offsets(how: Scoring, size: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """What a score begins with, (n,) float32, from the rows' sizes (n,): |b|^2, |b| for manhattan."""
    if how.code == EUCLIDEAN:
        return np.asarray((how.slack - 1) * size / 2, np.float32)
    if how.code == MANHATTAN:
        return np.asarray((how.slack - 1) * size, np.float32)
    if how.code == CORRELATION:
        return np.asarray(how.slack * size / 2, np.float32)
    return np.zeros(len(size), np.float32)


@kernel(fastmath=False)
def limit(how: Any, size: float, worst: float) -> Any:  # noqa: PLR0911 - a metric each
    """``(weight, least)``: a row nearer than ``worst`` has a score plus weight times its size of ``least`` or more.

    Rows come in ascending order, so that one at the very distance ``worst`` comes too late.
    """
    if worst == np.inf:
        return np.float32(0), -_NEVER
    if worst == 0:
        return np.float32(0), _NEVER
    # The distance may have been rounded down to float32.
    d = worst * (1 + 2e-7) * how.scale
    if how.code == EUCLIDEAN:
        return np.float32(0), np.float32((size * (1 - how.slack) - d * d) / 2 - 1e-30)
    if how.code == MANHATTAN:
        return np.float32(0), np.float32(size * (1 - how.slack) - d - 1e-30)
    if how.code == JACCARD:
        if worst >= 1:
            return np.float32(0), np.float32(0.5)
        share = (1 - d) / (2 - d) * (1 - 1e-6)
        return np.float32(-share), np.float32(share * size)
    if worst >= 1 and how.positive == 1:
        return np.float32(0), np.float32(1e-37)
    if how.code == HELLINGER:
        d = d * d
    return np.float32(0), np.float32(1 - d - how.slack * (1 + size) / 2)


@kernel(fastmath=False)
def _margin(how: Any, size: float) -> Any:
    """How far a score may lie below another's key while its row is nearer."""
    if how.code == EUCLIDEAN:
        return how.slack * size + 1e-30
    if how.code == MANHATTAN:
        return 2 * how.slack * size + 1e-30
    return how.slack * (1 + size)


@kernel(fastmath=False)
def _spread(how: Any) -> Any:
    """A row's key is its score less this times its size."""
    if how.code in (COSINE, HELLINGER):
        return np.float32(0)
    return np.float32(2 * how.slack if how.code == MANHATTAN else how.slack)


@kernel(fastmath=False)
def settle(how: Any, held: Any, b: int, Q: Any, q: int, X: Any, near: Any, index: Any) -> None:
    """Compare the candidates of place ``b`` in full and put them into query ``q``'s list."""
    for j in range(held.filled[b]):
        row = held.rows[b, j]
        pair.insert(near, index, pair.distance(how.code, Q, q, X, row), row)
    held.filled[b] = -1


@kernel(fastmath=False)
def _thin(how: Any, held: Any, b: int, size: float, Q: Any, q: int, X: Any, near: Any, index: Any) -> None:
    """Make room among the candidates of place ``b``."""
    full, k = held.rows.shape[1], near.size
    least = np.float32(np.partition(held.keys[b], full - k)[full - k] - _margin(how, size))
    kept = 0
    for j in range(full):
        if held.tops[b, j] >= least:
            held.keys[b, kept] = held.keys[b, j]
            held.tops[b, kept] = held.tops[b, j]
            held.rows[b, kept] = held.rows[b, j]
            kept += 1
    held.least[b] = least
    held.filled[b] = kept
    if kept > full - _SPARE // 2:
        settle(how, held, b, Q, q, X, near, index)


@kernel(fastmath={"contract", "nsz"})
def scan(
    how: Any, scores: Any, sizes: Any, low: int, size: float, Q: Any, q: int, X: Any, own: int, near: Any, index: Any,
    held: Any, b: int,
) -> None:  # fmt: skip
    """Take those of the rows low, low + 1, … that may belong into query ``q``'s list ``near``, ``index`` (k,).

    Args:
        how: `Scoring`.
        scores: (rows,) float32.
        sizes: (rows,) float32.
        low: first row.
        size: the query's.
        Q: queries' `Rows`.
        q: query.
        X: `Rows`.
        own: a row to leave out, or -1.
        near: (k,) float32, infinite where there is none yet.
        index: (k,) int32.
        held: `Pool`.
        b: the query's place in it.
    """
    n = scores.size
    last = near.size - 1
    spread = _spread(how)
    pooled = held.filled[b] >= 0
    weight, least = np.float32(0), held.least[b]
    if not pooled:
        weight, least = limit(how, size, near[last])
    for first in range(0, n, _CHUNK):
        stop = min(n, first + _CHUNK)
        if stop - first == _CHUNK:
            # The fixed length is what makes this a few vector instructions.
            part, others = scores[first:stop], sizes[first:stop]
            hits = np.int32(0)
            if weight == 0:
                for i in range(_CHUNK):
                    hits += np.int32(part[i] >= least)
            else:
                for i in range(_CHUNK):
                    hits += np.int32(part[i] + weight * others[i] >= least)
            if hits == 0:
                continue
        for i in range(first, stop):
            if scores[i] + weight * sizes[i] < least or low + i == own:
                continue
            if pooled:
                count = held.filled[b]
                held.keys[b, count] = scores[i] - spread * sizes[i]
                held.tops[b, count] = scores[i]
                held.rows[b, count] = low + i
                held.filled[b] = count + 1
                if count + 1 < held.rows.shape[1]:
                    continue
                _thin(how, held, b, size, Q, q, X, near, index)
                least = held.least[b]
                pooled = held.filled[b] >= 0
                if not pooled:
                    weight, least = limit(how, size, near[last])
            elif how.code == JACCARD:
                either = size + np.float64(sizes[i]) - np.float64(scores[i])
                d = np.float32(1) if scores[i] == 0 else np.float32(1 - np.float64(scores[i]) / either)
                if pair.insert(near, index, d, low + i):
                    weight, least = limit(how, size, near[last])
            elif pair.insert(near, index, pair.distance(how.code, Q, q, X, low + i), low + i):
                weight, least = limit(how, size, near[last])
