"""How good an embedding and its segments are: exact where that is cheap, else with a 95 % interval.

Samples are of the rows that are asked about, never of the rows they are compared with, and never of centroids in
their place: both would be biased.
"""

from __future__ import annotations

import dataclasses
import operator
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import ArrayLike, NDArray

from segwidgets.compute.kernel import kernel
from segwidgets.compute.progress import Tick, no_tick

#: Up to so many clustered points the silhouette is computed for every one of them.
EXACT_ROWS = 20_000
METRICS = ("euclidean", "cosine", "manhattan", "correlation")

_Z95 = 1.959963984540054
_ROWS_PER_SLICE = 256
_COLUMNS_PER_PRODUCT = 65_536


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A score with its 95 % interval; an exact one has ``low == value == high``."""

    value: float
    low: float
    high: float
    n_sampled: int
    """Rows the score was computed for."""


def _estimate(value: float, variance: float, n_sampled: int, least: float) -> Estimate:
    half = _Z95 * float(np.sqrt(max(variance, 0.0)))
    return Estimate(value, max(least, value - half), min(1.0, value + half), n_sampled)


def _labels(labels: ArrayLike, n: int | None = None) -> NDArray[np.int64]:
    array = np.asarray(labels)
    if array.ndim != 1 or array.dtype.kind not in "iu" or (n is not None and len(array) != n):
        rows = "" if n is None else f", one for each of the {n} points"
        raise ValueError(
            f"labels is {array.dtype} {array.shape}: it must be one row of whole numbers{rows}; -1 is noise."
        )
    return array.astype(np.int64)


def _sample_size(sample: int) -> int:
    number = -1 if isinstance(sample, bool) else operator.index(sample)
    if number < 2:
        raise ValueError(f"sample={sample!r} is not allowed: it must be a whole number from 2; 2000 is usual.")
    return number


def coverage(labels: ArrayLike) -> float:
    """Share of points that are not noise, 0 to 1 (0 of no points)."""
    array = _labels(labels)
    return float((array >= 0).mean()) if len(array) else 0.0


def sizes(labels: ArrayLike) -> NDArray[np.int64]:
    """Points in each cluster, (clusters,) int64 by label; noise is not counted."""
    array = _labels(labels)
    return np.bincount(array[array >= 0]).astype(np.int64)


def adjusted_rand_index(a: ArrayLike, b: ArrayLike) -> float:
    """Agreement of two labelings beyond chance, 1 for the same partition (Hubert and Arabie 1985).

    Noise is a label of its own: two labelings that disagree on what is noise disagree.
    """
    from sklearn.metrics import adjusted_rand_score

    first = _labels(a)
    return float(adjusted_rand_score(first, _labels(b, len(first))))


@kernel(parallel=True, fastmath={"reassoc"})
def _silhouette_rows(
    columns: Any, start: Any, cluster: Any, center: Any, variance: Any, queries: Any, out: Any
) -> None:
    """Silhouettes of the points ``queries``; ``columns`` is (3, n), points sorted by cluster.

    The mean distance from x to a cluster lies between its distance to the centre and sqrt(that² + the cluster's
    variance) (Jensen), so a cluster whose lower bound is above the best upper bound cannot be the nearest.
    """
    for u in prange(queries.size):
        p = queries[u]
        own = cluster[p]
        members = start[own + 1] - start[own]
        if members < 2:
            out[u] = 0.0  # as in scikit-learn
            continue
        x, y, z = columns[0, p], columns[1, p], columns[2, p]
        lower = np.empty(start.size - 1, np.float64)
        nearest = 1e308  # of a mean, an upper bound at first
        guess = -1
        for g in range(lower.size):
            dx, dy, dz = center[g, 0] - x, center[g, 1] - y, center[g, 2] - z
            square = dx * dx + dy * dy + dz * dz
            lower[g] = np.sqrt(square)
            if g != own:
                upper = np.sqrt(square + variance[g])
                if upper < nearest:
                    nearest = upper
                    guess = g
        limit = nearest * (1.0 + 1e-9)
        nearest = 1e308
        inside = 0.0
        for turn in range(-2, lower.size):
            # The own cluster and the best guess come first: they lower the limit for all others.
            g = own if turn == -2 else (guess if turn == -1 else turn)
            if turn >= 0 and (g in {own, guess} or lower[g] * (1.0 - 1e-9) > limit):
                continue
            total = 0.0
            for q in range(start[g], start[g + 1]):
                dx, dy, dz = columns[0, q] - x, columns[1, q] - y, columns[2, q] - z
                total += np.sqrt(dx * dx + dy * dy + dz * dz)
            if g == own:
                inside = total / (members - 1)
            else:
                mean = total / (start[g + 1] - start[g])
                if mean < nearest:
                    nearest = mean
                    limit = min(limit, mean * (1.0 + 1e-9))
        larger = max(inside, nearest)
        out[u] = (nearest - inside) / larger if larger > 0.0 else 0.0


def _strata(size: NDArray[np.int64], sample: int) -> NDArray[np.int64]:
    """A stratum per cluster: its own, or shared by clusters of about its size so that 2 rows or more are drawn."""
    enough = 2.0 * size.sum() / sample
    stratum = np.empty(len(size), np.int64)
    current, filled = 0, 0.0
    for g in np.argsort(size, kind="stable"):
        if filled >= enough:
            current, filled = current + 1, 0.0
        stratum[g] = current
        filled += size[g]
    return stratum


def silhouette(
    points: ArrayLike, labels: ArrayLike, *, sample: int = 2000, seed: int = 0, tick: Tick = no_tick
) -> Estimate | None:
    """Mean silhouette (Rousseeuw 1987, Euclidean) of the clustered points; noise is left out altogether.

    Up to 20,000 clustered points, or ``sample`` if that is more, it is exact and equals
    ``sklearn.metrics.silhouette_score``; beyond, a stratified sample of about ``sample`` points is compared with all
    clustered points. A cluster of one point scores 0. Show `coverage` beside it: noise is not in it.

    Args:
        points: (n, 2) or (n, 3).
        labels: (n,) whole numbers, below 0 for noise.
        sample: About how many points to score when not all are, 2 or more.
        seed: Of the sample.
        tick: Called often with the share done.

    Returns:
        The estimate, or None with fewer than two clusters.

    Raises:
        ValueError: Shapes do not match, or values are not finite.
    """
    array = np.asarray(points)
    if array.ndim != 2 or array.shape[1] not in {2, 3}:
        raise ValueError(
            f"points of shape {array.shape} have no silhouette here: give an array of shape (n, 2) or (n, 3)."
        )
    if not np.isfinite(array).all():
        raise ValueError("points has NaN or infinite values: remove or fill them.")
    cluster = _labels(labels, len(array))
    sample = _sample_size(sample)
    kept = np.flatnonzero(cluster >= 0)
    _, cluster, size = np.unique(cluster[kept], return_inverse=True, return_counts=True)
    if len(size) < 2:
        return None
    by_cluster = np.argsort(cluster, kind="stable")
    cluster, kept = cluster[by_cluster], kept[by_cluster]
    n = len(kept)
    columns = np.zeros((3, n), np.float64)
    columns[: array.shape[1]] = array[kept].T
    columns -= columns.mean(axis=1, keepdims=True)  # bounds are differences of small numbers then
    start = np.concatenate(([0], np.cumsum(size)))
    center = np.add.reduceat(columns, start[:-1], axis=1).T / size[:, None]
    variance = np.add.reduceat(((columns - center[cluster].T) ** 2).sum(axis=0), start[:-1]) / size
    exact = n <= max(EXACT_ROWS, sample)
    if exact:
        queries = np.arange(n)
    else:
        stratum = _strata(size, sample)[cluster]
        queries = _draw(stratum, sample, seed)
    out = np.empty(len(queries), np.float64)
    for first in range(0, len(queries), _ROWS_PER_SLICE):
        tick(first / len(queries))
        part = slice(first, first + _ROWS_PER_SLICE)
        _silhouette_rows(columns, start, cluster, center, variance, queries[part], out[part])
    tick(1.0)
    if exact:
        value = float(out.mean())
        return Estimate(value, value, value, n)
    share = np.bincount(stratum) / n
    drawn = stratum[queries]
    count = np.bincount(drawn)
    mean = np.bincount(drawn, out) / count
    spread = np.bincount(drawn, (out - mean[drawn]) ** 2) / np.maximum(count - 1, 1)
    variance_of_mean = share**2 * spread / count * (1 - count / np.bincount(stratum))
    return _estimate(float(share @ mean), float(variance_of_mean.sum()), len(queries), -1.0)


def _draw(stratum: NDArray[np.int64], sample: int, seed: int) -> NDArray[np.int64]:
    """Rows drawn without replacement in proportion to the strata, 2 or more from each that has them, ascending."""
    shuffled = np.random.default_rng(seed).permutation(len(stratum))
    shuffled = shuffled[np.argsort(stratum[shuffled], kind="stable")]
    size = np.bincount(stratum)
    count = np.minimum(size, np.maximum(2, np.rint(sample * size / len(stratum)).astype(np.int64)))
    first = np.concatenate(([0], np.cumsum(size)[:-1]))
    return np.sort(np.concatenate([shuffled[at : at + k] for at, k in zip(first, count, strict=True)]))


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
    """

    def __init__(self, X: Any, metric: str) -> None:
        from scipy import sparse

        self.sparse = bool(sparse.issparse(X))
        self.X: Any = X.tocsr() if self.sparse else np.asarray(X)
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
            else:
                means = self.d * np.outer(self.mean[rows], self.mean[columns])
                out[:, columns] = (means - product) / self.norm[columns]
        out[np.arange(len(rows)), rows] = np.inf
        return out

    def rounding(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
        """How far the distances of equal rows may differ by rounding alone, for others (len(rows), k)."""
        if self.metric == "manhattan":
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
        metric: "euclidean", "cosine", "manhattan" or "correlation", in X.
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
    count = min(_sample_size(sample), n)
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
    return _estimate(value, float(each.var(ddof=1)) / count * (1 - count / n), count, 0.0)
