"""Whether neighbours on the map were neighbours in the data."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import ArrayLike, NDArray

from segwidgets.compute.kernel import kernel
from segwidgets.compute.progress import Tick, no_tick
from segwidgets.compute.scores.estimate import Estimate, checked_sample, estimate

METRICS = ("euclidean", "cosine", "manhattan", "correlation", "hellinger", "jaccard")

_COLUMNS_PER_PRODUCT = 65_536


@kernel(parallel=True)
def _count_below(distances: Any, thresholds: Any) -> Any:
    """How many distances of each row lie below each of its thresholds, (rows, thresholds) int64."""
    rows, n = distances.shape
    below = np.zeros(thresholds.shape, np.int64)
    for t in prange(rows):
        for first in range(0, n, 4096):  # a tile stays in the cache for all thresholds
            last = min(n, first + 4096)
            for j in range(thresholds.shape[1]):
                limit = thresholds[t, j]
                count = 0
                for q in range(first, last):
                    count += distances[t, q] < limit
                below[t, j] += count
    return below


class _Comparer:
    """Distances from some rows of X to all rows, up to what keeps each row's order; X is never made dense as a whole.

    Products stand in for euclidean, cosine and correlation distances: what is left out is the same along a row.
    Hellinger's order is the cosine's of the roots; Jaccard's distance is made of the products of ones.
    """

    def __init__(self, X: Any, metric: str) -> None:
        from scipy import sparse

        self.sparse = bool(sparse.issparse(X))
        self.X: Any = X.tocsr() if self.sparse else np.asarray(X)
        if metric == "hellinger":
            stored: Any = self.X.data if self.sparse else self.X
            below = int(np.count_nonzero(stored < 0))
            if below:
                raise ValueError(
                    f"metric='hellinger' compares shares, and {below} values of X are negative: take cosine or "
                    "euclidean, or leave out the columns with negative values."
                )
            wide: Any = self.X.astype(np.float64)
            self.X = wide.sqrt() if self.sparse else np.sqrt(wide)
            metric = "cosine"
        elif metric == "jaccard":
            self.X = self._pattern()
        self.metric = metric
        n, self.d = self.X.shape
        self.squares, self.mean = np.empty(n, np.float64), np.empty(n, np.float64)
        for first in range(0, n, _COLUMNS_PER_PRODUCT):
            rows = slice(first, min(n, first + _COLUMNS_PER_PRODUCT))
            part: Any = self.X[rows].astype(np.float64)
            squares = part.multiply(part) if self.sparse else part**2
            self.squares[rows] = np.asarray(squares.sum(axis=1)).ravel()
            self.mean[rows] = np.asarray(part.sum(axis=1)).ravel() / self.d
        if not np.isfinite(self.squares).all():
            row = int(np.flatnonzero(~np.isfinite(self.squares))[0])
            raise ValueError(f"row {row} of X has NaN, infinite or overflowing values: remove, fill or scale them.")
        rest = self.squares
        if metric == "correlation":
            rest = self.squares - self.d * self.mean**2
            rest = np.where(rest > 1e-13 * self.squares, rest, 0.0)
        # A row of zeros, or a constant one, has no direction: its product is 0 with all others, and so is this.
        self.norm = np.where(rest > 0, np.sqrt(rest), np.inf)

    def _pattern(self) -> Any:
        """1 where a finite value is not zero; others are kept, to be refused."""
        if not self.sparse:
            return np.where(np.isfinite(self.X), self.X != 0, self.X).astype(np.float32)
        X = self.X.copy()
        X.data = np.where(np.isfinite(X.data), X.data != 0, X.data).astype(np.float32)
        return X

    def distances(self, rows: NDArray[np.int64], tick: Tick) -> NDArray[np.float64]:
        """(len(rows), n), a row's own infinite."""
        n = len(self.squares)
        out = np.empty((len(rows), n), np.float64)
        queries = self.X[rows].astype(np.float64)
        if self.sparse and self.metric != "manhattan":
            queries = queries.toarray()
        for first in range(0, n, _COLUMNS_PER_PRODUCT):
            tick(first / n)
            columns = slice(first, min(n, first + _COLUMNS_PER_PRODUCT))
            part = self.X[columns].astype(np.float64)
            if self.metric == "manhattan":
                from sklearn.metrics import pairwise_distances

                out[:, columns] = pairwise_distances(queries, part, metric="manhattan")
                continue
            product = (part @ queries.T).T
            if self.metric == "euclidean":
                out[:, columns] = self.squares[columns] - 2 * product
            elif self.metric == "cosine":
                out[:, columns] = -product / self.norm[columns]
            elif self.metric == "jaccard":
                either = self.squares[rows, None] + self.squares[columns] - product
                out[:, columns] = 1 - product / np.maximum(either, 1)
            else:
                means = self.d * np.outer(self.mean[rows], self.mean[columns])
                out[:, columns] = (means - product) / self.norm[columns]
        out[np.arange(len(rows)), rows] = np.inf
        return out

    def rounding(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
        """How far the distances of equal rows may differ by rounding alone, for others (len(rows), k)."""
        if self.metric in {"manhattan", "jaccard"}:
            return np.zeros(others.shape)
        if self.metric == "euclidean":
            size = self.squares[rows, None] + self.squares[others]
        else:
            size = np.sqrt(self.squares[rows, None] * self.squares[others]) / self.norm[others]
        return np.asarray(1e-13 * size, dtype=np.float64)


def trustworthiness(
    X: Any,
    embedding: ArrayLike,
    *,
    metric: str,
    n_neighbors: int = 15,
    sample: int = 1000,
    seed: int = 0,
    tick: Tick = no_tick,
) -> Estimate:
    """How far neighbours in the embedding are neighbours in X as well, 0 to 1 (Venna and Kaski 2001).

    Computed for ``sample`` rows with their exact ranks among all rows; with ``sample >= n`` it is exact and equals
    ``sklearn.manifold.trustworthiness`` where no two rows of X are equally far from a third. Those that are (to
    rounding; sparse rows with nothing in common are) get their mean rank, where scikit-learn's order is arbitrary. If
    the best rank of theirs is within n_neighbors they count as neighbours: duplicates are no error.

    Args:
        X: (n, d) csr matrix or array, finite.
        embedding: (n, c) array, finite; its neighbours are Euclidean.
        metric: one of `METRICS`, in X, with the meaning that it has in `segwidgets.compute.neighbors`.
        n_neighbors: Fewer than n / 2.
        sample: Rows to compute it for, 2 or more.
        seed: Of the sample.
        tick: Called often with the share done.

    Raises:
        ValueError: A value is out of range, or X and embedding do not match.
    """
    from scipy.spatial import cKDTree

    if metric not in METRICS:
        raise ValueError(f"metric={metric!r} is not allowed: it must be one of {', '.join(METRICS)}.")
    low = np.asarray(embedding, dtype=np.float64)
    n = X.shape[0]
    if low.ndim != 2 or len(low) != n or len(X.shape) != 2 or not X.shape[1] or not np.isfinite(low).all():
        raise ValueError(
            f"X {X.shape} and embedding {low.shape} must be finite and have a row for each of the same points."
        )
    if isinstance(n_neighbors, bool) or not 1 <= operator.index(n_neighbors) < n / 2:
        raise ValueError(f"n_neighbors={n_neighbors!r} is not allowed: it must be from 1 and below n / 2 = {n / 2:g}.")
    k = operator.index(n_neighbors)
    count = min(checked_sample(sample), n)
    rows = np.sort(np.random.default_rng(seed).choice(n, count, replace=False))
    comparer = _Comparer(X, metric)
    tick(0.0)
    # Degenerate embeddings are the reason for balanced_tree=False: medians of duplicates take for ever.
    nearest = cKDTree(low, balanced_tree=False).query(low[rows], k + 1)[1]
    # The point itself is not its neighbour; where k + 1 duplicates crowd it out, the last one goes.
    itself = nearest == rows[:, None]
    itself[~itself.any(axis=1), k] = True
    nearest = nearest[~itself].reshape(count, k)
    penalty = np.empty(count, np.float64)
    step = max(16, min(128, 4_000_000 // n))
    for first in range(0, count, step):
        part = slice(first, min(count, first + step))
        share = (part.stop - first) / count
        distances = comparer.distances(rows[part], lambda done, at=first, by=share: tick(at / count + by * done))  # type: ignore[misc]
        those = np.take_along_axis(distances, nearest[part], axis=1)
        rounding = comparer.rounding(rows[part], nearest[part])
        best = _count_below(distances, those - rounding) + 1
        worst = np.maximum(best, _count_below(distances, np.nextafter(those + rounding, np.inf)))
        penalty[part] = np.where(best > k, (best + worst) / 2 - k, 0.0).sum(axis=1)
    tick(1.0)
    each = 1.0 - 2.0 / (k * (2.0 * n - 3.0 * k - 1.0)) * penalty
    value = float(each.mean())
    if count == n:
        return Estimate(value, value, value, n)
    return estimate(value, float(each.var(ddof=1)) / count * (1 - count / n), count, 0.0)
