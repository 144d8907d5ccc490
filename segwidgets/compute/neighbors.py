"""k nearest neighbours of every row in feature space.

Exact wherever that is affordable: for sparse rows through blocked top-n products, for dense rows through blocked brute
force. Beyond that, approximate by nearest-neighbour descent (Dong, Moses and Li 2011, through pynndescent).
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from segwidgets.compute.progress import Tick, no_tick

FloatArray = npt.NDArray[np.float32]
#: Rows of features: CSR where most entries are zero, else an array (scipy carries no types, hence Any).
Matrix: TypeAlias = Any

#: Rows a block of queries holds: small enough to answer a cancellation at once, large enough to use both cores.
_BLOCK = 512
#: Row counts up to which the exact search is taken, by the kind of rows: above, descent is the quicker one.
_EXACT_ROWS = {"sparse": 150_000, "dense": 60_000, "manhattan": 20_000}


@dataclasses.dataclass(frozen=True)
class Neighbors:
    """``indices`` (n, k) int32 and ``distances`` (n, k) float32, nearest first; a row's first neighbour is itself.

    ``exact`` says whether the search was exact; ``method`` names it.
    """

    indices: npt.NDArray[np.int32]
    distances: FloatArray
    exact: bool
    method: str


def neighbors(X: Matrix, n_neighbors: int, metric: str, *, seed: int = 42, tick: Tick = no_tick) -> Neighbors:
    """The ``n_neighbors`` nearest rows of each row of ``X``, itself included and first.

    Args:
        X: (n, p) CSR matrix or array, float32.
        n_neighbors: neighbours per row, itself counted, 2 to n.
        metric: "euclidean", "cosine", "manhattan" or "correlation". Cosine and correlation of a row without any
            variation are undefined; its distance to every other row is 1.
        seed: used by the approximate search only.
        tick: told the share done; may raise `Cancelled`.

    Raises:
        ValueError: when ``n_neighbors`` exceeds the rows or the metric is unknown.
    """
    n = X.shape[0]
    if not 2 <= n_neighbors <= n:
        raise ValueError(
            f"n_neighbors={n_neighbors} needs at least that many rows, and there are {n}: "
            f"take n_neighbors from 2 to {n}, or more rows."
        )
    if metric not in {"euclidean", "cosine", "manhattan", "correlation"}:
        raise ValueError(f"metric={metric!r} is not known: take euclidean, cosine, manhattan or correlation.")
    sparse = sp.issparse(X)
    kind = "manhattan" if metric == "manhattan" else "sparse" if sparse else "dense"
    if n > _EXACT_ROWS[kind]:
        return _descent(X, n_neighbors, metric, seed, tick)
    if metric == "manhattan":
        return _brute(X, n_neighbors, "manhattan", "exact blocked search", tick)
    if sparse:
        return _products(cast("sp.csr_matrix", X), n_neighbors, metric, tick)
    rows = np.asarray(X, dtype=np.float32)
    if metric == "correlation":
        rows = rows - rows.mean(axis=1, keepdims=True)
    if metric == "euclidean":
        return _brute(rows, n_neighbors, "euclidean", "exact blocked search", tick)
    # For unit rows |a - b|^2 = 2 (1 - a.b), so the Euclidean order is the cosine order.
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    flat = norms[:, 0] < 1e-12
    found = _brute(rows / np.where(norms < 1e-12, 1, norms), n_neighbors, "euclidean", "exact blocked search", tick)
    distances = found.distances.astype(np.float64) ** 2 / 2
    # A flat row is the zero vector now: at 1/2 from every unit row by the formula, at 1 by definition.
    undefined = flat[:, None] | flat[found.indices]
    distances[undefined] = 1
    distances[:, 0] = 0
    return dataclasses.replace(found, distances=distances.astype(np.float32))


def _self_first(
    indices: npt.NDArray[np.int32], distances: npt.NDArray[np.floating[Any]], start: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.floating[Any]]]:
    """Put each row itself first: among exact duplicates a search may list it anywhere, or not at all."""
    own = np.arange(start, start + len(indices), dtype=np.int32)[:, None]
    is_self = indices == own
    # Rows that lost themselves to duplicates give up their farthest neighbour.
    is_self[~is_self.any(axis=1), -1] = True
    # A stable sort on "is not self" moves the row itself to the front and leaves the rest in order.
    order = np.argsort(~is_self, axis=1, kind="stable")
    indices = np.take_along_axis(indices, order, axis=1)
    distances = np.take_along_axis(distances, order, axis=1)
    indices[:, 0] = own[:, 0]
    distances[:, 0] = 0
    return indices, distances


def _brute(X: Matrix, k: int, metric: str, method: str, tick: Tick) -> Neighbors:
    from sklearn.neighbors import NearestNeighbors

    n = X.shape[0]
    search = NearestNeighbors(n_neighbors=k, algorithm="brute", metric=metric, n_jobs=-1).fit(X)
    indices = np.empty((n, k), np.int32)
    distances = np.empty((n, k), np.float32)
    for start in range(0, n, _BLOCK):
        tick(start / n)
        stop = min(n, start + _BLOCK)
        near, index = search.kneighbors(X[start:stop])
        indices[start:stop], distances[start:stop] = _self_first(index.astype(np.int32), near, start)
    tick(1.0)
    return Neighbors(indices, distances, exact=True, method=method)


@dataclasses.dataclass(frozen=True)
class _Factors:
    """``left @ right.T - shift`` orders rows as a metric does: the larger, the nearer; ``squares`` are |row|^2."""

    left: sp.csr_matrix
    right: sp.csr_matrix
    shift: float
    squares: npt.NDArray[np.float64]


def _as_products(X: sp.csr_matrix, metric: str) -> _Factors:
    """Rows as factors of inner products, with extra columns where the metric needs them.

    Cosine: unit rows. Correlation: ``sum((a - mean a)(b - mean b)) = a.b - p mean_a mean_b``, so one more column
    carries the means and nothing becomes dense. Euclidean: ``|a - b|^2 = |a|^2 - 2 (a.b - |b|^2 / 2)``, so one more
    column carries the norms. The product keeps positive entries only, so where one may be negative a constant column
    lifts them all; then every pair is looked at, which plain counts spare.
    """
    X = sp.csr_matrix(X, dtype=np.float64)
    n, p = X.shape
    squares = np.asarray(X.multiply(X).sum(axis=1)).ravel()
    ones = np.ones((n, 1))
    if metric == "euclidean":
        # a.b - |b|^2 / 2 >= -(3/2) max |x|^2 by Cauchy and Schwarz.
        shift = 1.6 * squares.max() + 1e-9
        right = sp.hstack([X, sp.csr_matrix(shift - squares[:, None] / 2)], format="csr")
        return _Factors(sp.hstack([X, sp.csr_matrix(ones)], format="csr"), right, shift, squares)
    means = np.asarray(X.mean(axis=1)).ravel() if metric == "correlation" else np.zeros(n)
    norms = np.sqrt(np.maximum(squares - p * means**2, 0))
    flat = norms <= 1e-9 * np.sqrt(np.maximum(squares, 1e-300))
    inverse = np.where(flat, 0, 1 / np.where(flat, 1, norms))
    left = right = sp.csr_matrix(sp.diags(inverse) @ X)
    if metric == "correlation":
        centre = (means * inverse * math.sqrt(p))[:, None]
        left = sp.hstack([left, sp.csr_matrix(centre)], format="csr")
        right = sp.hstack([right, sp.csr_matrix(-centre)], format="csr")
    elif X.nnz == 0 or X.data.min() >= 0:
        return _Factors(left, right, 0.0, squares)
    shift = 1.1  # unit rows: no product is below -1
    lifted = [sp.hstack([m, sp.csr_matrix(c * ones)], format="csr") for m, c in ((left, 1.0), (right, shift))]
    return _Factors(lifted[0], lifted[1], shift, squares)


def _products(X: sp.csr_matrix, k: int, metric: str, tick: Tick) -> Neighbors:
    """Exact neighbours of sparse rows by top-n sparse products, a block of rows at a time."""
    from sparse_dot_topn import sp_matmul_topn

    n = X.shape[0]
    factors = _as_products(X, metric)
    left, right = factors.left, factors.right.T.tocsr()
    indices = np.empty((n, k), np.int32)
    distances = np.empty((n, k), np.float64)
    for start in range(0, n, _BLOCK):
        tick(start / n)
        stop = min(n, start + _BLOCK)
        top = sp_matmul_topn(left[start:stop], right, top_n=k, sort=True, n_threads=_threads())
        index, product = _fill(top, k, n, start)
        product -= factors.shift
        if metric == "euclidean":
            near = np.sqrt(np.maximum(factors.squares[start:stop, None] - 2 * product, 0))
        else:
            near = np.clip(1 - product, 0, 2)
        indices[start:stop], distances[start:stop] = _self_first(index, near, start)
    tick(1.0)
    return Neighbors(indices, distances.astype(np.float32), exact=True, method="exact top-n products")


def _fill(top: sp.csr_matrix, k: int, n: int, start: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """The ragged rows of ``top`` as (rows, k) arrays.

    A row that shares no column with k others is at the product 0 from the rest; the next rows in order that it has not
    named yet stand in for them, so that the result does not depend on chance.
    """
    rows = top.shape[0]
    counts = np.diff(top.indptr)
    index = np.full((rows, k), -1, np.int32)
    product = np.zeros((rows, k))
    place = np.arange(top.nnz) - np.repeat(top.indptr[:-1], counts)
    line = np.repeat(np.arange(rows), counts)
    index[line, place] = top.indices
    product[line, place] = top.data
    for row in np.flatnonzero(counts < k):
        have = set(index[row, : counts[row]].tolist())
        candidate = start + int(row)
        for slot in range(counts[row], k):
            while candidate % n in have:
                candidate += 1
            have.add(candidate % n)
            index[row, slot] = candidate % n
    return index, product


def _threads() -> int:
    import numba

    return int(numba.get_num_threads())


def _descent(X: Matrix, k: int, metric: str, seed: int, tick: Tick) -> Neighbors:
    from pynndescent import NNDescent

    tick(0.0)
    index = NNDescent(X, n_neighbors=k, metric=metric, random_state=seed, low_memory=True, compressed=False)
    tick(0.9)
    found, near = index.neighbor_graph
    near = np.where(found < 0, np.inf, near)
    if (found < 0).any():
        lost = int((found < 0).any(axis=1).sum())
        raise ValueError(
            f"the approximate search found fewer than {k} neighbours for {lost} rows: "
            "take a smaller n_neighbors, or metric='euclidean'."
        )
    indices, distances = _self_first(found.astype(np.int32), near, 0)
    tick(1.0)
    return Neighbors(indices, distances.astype(np.float32), exact=False, method="approximate (NN-descent)")
