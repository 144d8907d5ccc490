"""k nearest neighbours of every row in feature space, and of other rows among them."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from segwidgets.compute.neighbors import approximate, cost, exact
from segwidgets.compute.neighbors.cost import Plan
from segwidgets.compute.neighbors.recall import Check
from segwidgets.compute.neighbors.rows import Matrix, Rows, code_of, is_sparse, prepare
from segwidgets.compute.neighbors.table import FloatArray, IndexArray, Neighbors
from segwidgets.compute.progress import Tick, no_tick

#: Share of the approximate search's work that the check of its recall takes, for the progress that is told.
_CHECKED = 0.1


def neighbors(
    X: Matrix,
    n_neighbors: int,
    metric: str,
    *,
    seed: int = 42,
    begin: Neighbors | None = None,
    floor: float = 0.95,
    tick: Tick = no_tick,
) -> Neighbors:
    """The ``n_neighbors`` nearest rows of each row of ``X``, itself included and first.

    The search is the one that `plan` names. An exact one depends on nothing but ``X`` and ``metric``: a smaller table
    is the beginning of a larger one, bit for bit, whatever the threads. An approximate one depends on ``seed`` and
    ``begin`` as well.

    Args:
        X: (n, p) CSR matrix or array, float32, finite.
        n_neighbors: neighbours per row, itself counted, 2 to n.
        metric: one of `METRICS`. Hellinger is that of rows scaled to the sum 1, Jaccard that of the sets of columns
            that are not zero. Where a row has no variation (zeros throughout, or constant for correlation) all but
            euclidean and manhattan are undefined; its distance to every other row is 1.
        seed: used by the approximate search only.
        begin: neighbours that are known already, such as a smaller table, for the approximate search to start from.
        floor: recall (on sampled rows) that the approximate search tries for, with more and more work and in the end
            by the exact search.
        tick: told the share done; may raise `Cancelled`.

    Raises:
        ValueError: when ``n_neighbors`` exceeds the rows, the metric is unknown or does not take the values, values
            are not finite, ``floor`` is not a share, or ``begin`` is of other rows.
    """
    n = X.shape[0]
    chosen = plan(X, n_neighbors, metric)
    if not 0 <= floor <= 1:
        raise ValueError(f"floor={floor} is no recall: take a share from 0 to 1; 0.95 is usual.")
    if begin is not None and len(begin.indices) != n:
        raise ValueError(
            f"begin is of {len(begin.indices)} rows and X has {n}: give a table of the same rows, or None."
        )
    code = code_of(metric)
    tick(0.0)
    rows = prepare(X, code, lambda _: tick(0.0))
    if chosen.exact:
        return _exact(code, rows, n_neighbors, tick)
    check = Check(code, rows, n_neighbors - 1, seed, lambda done: tick(_CHECKED * done))
    search = approximate.Search(code, rows, n_neighbors - 1, seed, begin)
    work = cost.effort(n_neighbors, sparse=is_sparse(rows))
    done = _CHECKED
    while True:
        # Nobody knows how many attempts there will be: each takes half of what is left.
        half = (1 - done) / 2
        indices, distances = search.run(work, _within(tick, done, done + half))
        done += half
        recall = check.recall(distances)
        if recall.value >= floor:
            tick(1.0)
            found = _with_own(indices, distances)
            return Neighbors(*found, exact=False, method="approximate, nearest-neighbour descent", recall=recall)
        work = work.harder()
        if cost.seconds(cost.descent_counts(X, work)) > chosen.exact_seconds:
            return _exact(code, rows, n_neighbors, _within(tick, done, 1.0))


def _within(tick: Tick, low: float, high: float) -> Tick:
    """A tick for the work between two shares."""
    return lambda done: tick(low + (high - low) * done)


def plan(X: Matrix, n_neighbors: int, metric: str) -> Plan:
    """Which search `neighbors` takes for this, by the predicted cost of both; depends on the data only.

    Raises:
        ValueError: as in `neighbors`.
    """
    n = X.shape[0]
    if not 2 <= n_neighbors <= n:
        raise ValueError(
            f"n_neighbors={n_neighbors} needs at least that many rows, and there are {n}: "
            f"take n_neighbors from 2 to {n}, or more rows."
        )
    return cost.planned(X, n_neighbors, code_of(metric))


def query(X: Matrix, Q: Matrix, k: int, metric: str, *, tick: Tick = no_tick) -> tuple[IndexArray, FloatArray]:
    """The ``k`` nearest rows of ``X`` of each row of ``Q``, exactly, by distance and, where equal, by index.

    Args:
        X: (n, p) CSR matrix or array, float32.
        Q: (m, p), in either form; it takes that of ``X``.
        k: 1 to n.
        metric: one of `METRICS`, as in `neighbors`.
        tick: told the share done; may raise `Cancelled`.

    Returns:
        Indices (m, k) int32 and distances (m, k) float32.

    Raises:
        ValueError: ``k`` exceeds the rows, the columns differ, the metric is unknown, or values do not fit it.
    """
    n = X.shape[0]
    if not 1 <= k <= n:
        raise ValueError(f"k={k} needs at least that many rows to choose from, and X has {n}: take k from 1 to {n}.")
    if Q.shape[1] != X.shape[1]:
        raise ValueError(f"Q has {Q.shape[1]} columns and X has {X.shape[1]}: give both the same features.")
    code = code_of(metric)
    if sp.issparse(X) != sp.issparse(Q):
        Q = sp.csr_matrix(Q) if sp.issparse(X) else Q.toarray()
    tick(0.0)
    rows, queries = prepare(X, code, lambda _: tick(0.0)), prepare(Q, code, lambda _: tick(0.0))
    return exact.nearest(code, rows, queries, k, np.full(Q.shape[0], -1, np.int32), tick)


def _exact(code: int, rows: Rows, k: int, tick: Tick) -> Neighbors:
    own = np.arange(len(rows.mean), dtype=np.int32)
    found = exact.nearest(code, rows, rows, k - 1, own, tick)
    method = "exact, inverted index" if is_sparse(rows) else "exact, all pairs"
    return Neighbors(*_with_own(*found), exact=True, method=method)


def _with_own(indices: IndexArray, distances: FloatArray) -> tuple[IndexArray, FloatArray]:
    """Each row before its neighbours."""
    n, k = indices.shape
    index, near = np.empty((n, k + 1), np.int32), np.zeros((n, k + 1), np.float32)
    index[:, 0] = np.arange(n)
    index[:, 1:], near[:, 1:] = indices, distances
    return index, near
