"""k nearest neighbours of every row in feature space, and of other rows among them."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from segwidgets.compute.neighbors import exact
from segwidgets.compute.neighbors.rows import Matrix, Rows, code_of, is_sparse, prepare
from segwidgets.compute.neighbors.table import FloatArray, IndexArray, Neighbors
from segwidgets.compute.progress import Tick, no_tick


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
    n = X.shape[0]
    if not 2 <= n_neighbors <= n:
        raise ValueError(
            f"n_neighbors={n_neighbors} needs at least that many rows, and there are {n}: "
            f"take n_neighbors from 2 to {n}, or more rows."
        )
    code = code_of(metric)
    rows = prepare(X, code)
    return _exact(code, rows, n_neighbors, tick)


def _exact(code: int, rows: Rows, k: int, tick: Tick) -> Neighbors:
    n = len(rows.mean)
    own = np.arange(n, dtype=np.int32)
    indices, distances = exact.nearest(code, rows, rows, k - 1, own, tick)
    method = "exact, inverted index" if is_sparse(rows) else "exact, all pairs"
    zeros = np.zeros((n, 1), np.float32)
    return Neighbors(np.hstack([own[:, None], indices]), np.hstack([zeros, distances]), exact=True, method=method)


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
    rows, queries = prepare(X, code), prepare(Q, code)
    return exact.nearest(code, rows, queries, k, np.full(Q.shape[0], -1, np.int32), tick)
