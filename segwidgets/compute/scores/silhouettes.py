"""How much nearer points are to their own cluster than to the next: for all clusters together, and for each."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import ArrayLike, NDArray

from segwidgets.compute.kernel import kernel
from segwidgets.compute.progress import Tick, no_tick
from segwidgets.compute.scores.estimate import (
    Estimate,
    checked_labels,
    checked_points,
    checked_sample,
    estimate,
    t_interval,
)

#: A silhouette of all points is taken where it costs at most so many distances in space, about half a second's work.
EXACT_PAIRS = 400_000_000

_PILOT_ROWS = 256
_PAIRS_PER_SLICE = 10_000_000
_TILE = 256
_FEWEST_OF_A_CLUSTER = 30


@kernel()
def _bounds(columns: Any, p: int, own: int, center: Any, variance: Any, lower: Any) -> tuple[float, int]:
    """Fill the lower bounds of p's mean distance to each cluster; the best upper bound of another, and whose it is.

    The mean distance from x to a cluster lies between its distance to the centre and sqrt(that² + the cluster's
    variance) (Jensen), so a cluster whose lower bound is above the best upper bound cannot be the nearest.
    """
    best = 1e308
    guess = -1
    for g in range(lower.size):
        square = 0.0
        for axis in range(columns.shape[0]):
            difference = center[g, axis] - columns[axis, p]
            square += difference * difference
        lower[g] = np.sqrt(square)
        if g != own:
            upper = np.sqrt(square + variance[g])
            if upper < best:
                best = upper
                guess = g
    return best, guess


@kernel(fastmath={"reassoc"})
def _total_distance(columns: Any, p: int, low: int, high: int, squares: Any) -> float:
    """The sum of the distances from p to the points low..high; ``squares`` is room for a tile of them."""
    total = 0.0
    if columns.shape[0] == 3:
        x, y, z = columns[0, p], columns[1, p], columns[2, p]
        for q in range(low, high):
            dx, dy, dz = columns[0, q] - x, columns[1, q] - y, columns[2, q] - z
            total += np.sqrt(dx * dx + dy * dy + dz * dz)
        return total
    for first in range(low, high, squares.size):
        size = min(squares.size, high - first)
        squares[:size] = 0.0
        for axis in range(columns.shape[0]):
            x = columns[axis, p]
            for q in range(size):
                difference = columns[axis, first + q] - x
                squares[q] += difference * difference
        for q in range(size):
            total += np.sqrt(squares[q])
    return total


@kernel(parallel=True)
def _silhouette_rows(
    columns: Any, start: Any, cluster: Any, center: Any, variance: Any, queries: Any, out: Any
) -> None:
    """Silhouettes of the points ``queries``; ``columns`` is (d, n), points sorted by cluster."""
    for u in prange(queries.size):
        p = queries[u]
        own = cluster[p]
        members = start[own + 1] - start[own]
        if members < 2:
            out[u] = 0.0  # as in scikit-learn
            continue
        squares = np.empty(_TILE, np.float64)
        lower = np.empty(start.size - 1, np.float64)
        best, guess = _bounds(columns, p, own, center, variance, lower)
        limit = best * (1.0 + 1e-9)
        nearest = 1e308
        inside = 0.0
        for turn in range(-2, lower.size):
            # The own cluster and the best guess come first: they lower the limit for all others.
            g = own if turn == -2 else (guess if turn == -1 else turn)
            if turn >= 0 and (g in {own, guess} or lower[g] * (1.0 - 1e-9) > limit):
                continue
            total = _total_distance(columns, p, start[g], start[g + 1], squares)
            if g == own:
                inside = total / (members - 1)
            else:
                mean = total / (start[g + 1] - start[g])
                if mean < nearest:
                    nearest = mean
                    limit = min(limit, mean * (1.0 + 1e-9))
        larger = max(inside, nearest)
        out[u] = (nearest - inside) / larger if larger > 0.0 else 0.0


@kernel()
def _pairs(columns: Any, start: Any, cluster: Any, center: Any, variance: Any, queries: Any) -> int:
    """How many distances, to points and to centres, the silhouettes of ``queries`` take at most."""
    lower = np.empty(start.size - 1, np.float64)
    pairs = 0
    for p in queries:
        own = cluster[p]
        best, _ = _bounds(columns, p, own, center, variance, lower)
        pairs += lower.size
        for g in range(lower.size):
            if g == own or lower[g] * (1.0 - 1e-9) <= best * (1.0 + 1e-9):
                pairs += start[g + 1] - start[g]
    return pairs


@dataclasses.dataclass(frozen=True)
class _Clustered:
    """The points that are no noise, sorted by cluster; clusters are numbered without gaps."""

    columns: NDArray[np.float64]
    """(d, n), d 3 or more, centred: the bounds are differences of small numbers then."""
    cluster: NDArray[np.int64]
    start: NDArray[np.int64]
    size: NDArray[np.int64]
    label: NDArray[np.int64]
    """(clusters,) the label that each had."""
    center: NDArray[np.float64]
    variance: NDArray[np.float64]

    @classmethod
    def of(cls, points: ArrayLike, labels: ArrayLike) -> _Clustered | None:
        """None with fewer than two clusters."""
        array = checked_points(points, "silhouette")
        cluster = checked_labels(labels, len(array))
        kept = np.flatnonzero(cluster >= 0)
        label, cluster, size = np.unique(cluster[kept], return_inverse=True, return_counts=True)
        if len(size) < 2:
            return None
        by_cluster = np.argsort(cluster, kind="stable")
        cluster, kept = cluster[by_cluster], kept[by_cluster]
        # Missing coordinates are 0, which changes no distance.
        columns = np.zeros((max(3, array.shape[1]), len(kept)), np.float64)
        columns[: array.shape[1]] = array[kept].T
        columns -= columns.mean(axis=1, keepdims=True)
        start = np.concatenate(([0], np.cumsum(size)))
        center = np.add.reduceat(columns, start[:-1], axis=1).T / size[:, None]
        variance = np.zeros(len(size))
        for axis, column in enumerate(columns):
            variance += np.add.reduceat((column - center[cluster, axis]) ** 2, start[:-1]) / size
        return cls(columns, cluster, start, size, label, np.ascontiguousarray(center), variance)

    def pairs_per_row(self) -> float:
        """About how many distances in space the silhouette of one point takes."""
        n = len(self.cluster)
        pilot = np.unique(np.linspace(0, n - 1, min(n, _PILOT_ROWS)).astype(np.int64))
        pairs = _pairs(self.columns, self.start, self.cluster, self.center, self.variance, pilot)
        return float(pairs / len(pilot) * len(self.columns) / 3)

    def rows(self, queries: NDArray[np.int64], tick: Tick) -> NDArray[np.float64]:
        """The silhouettes of some points."""
        out = np.empty(len(queries), np.float64)
        step = int(np.clip(_PAIRS_PER_SLICE / self.pairs_per_row(), 16, 256))
        for first in range(0, len(queries), step):
            tick(first / len(queries))
            part = slice(first, first + step)
            _silhouette_rows(
                self.columns, self.start, self.cluster, self.center, self.variance, queries[part], out[part]
            )
        tick(1.0)
        return out


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


def _draw(stratum: NDArray[np.int64], count: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """``count`` rows of each stratum, drawn without replacement, ascending."""
    shuffled = np.random.default_rng(seed).permutation(len(stratum))
    shuffled = shuffled[np.argsort(stratum[shuffled], kind="stable")]
    first = np.concatenate(([0], np.cumsum(np.bincount(stratum))[:-1]))
    return np.sort(np.concatenate([shuffled[at : at + k] for at, k in zip(first, count, strict=True)]))


def silhouette(
    points: ArrayLike, labels: ArrayLike, *, sample: int = 2000, seed: int = 0, tick: Tick = no_tick
) -> Estimate | None:
    """Mean silhouette (Rousseeuw 1987, Euclidean) of the clustered points; noise is left out altogether.

    It is exact, and equals ``sklearn.metrics.silhouette_score``, where that takes at most 400 million distances
    (`EXACT_PAIRS`): for up to 20,000 clustered points in three dimensions always, and for many more where most clusters
    are too far from a point to be its nearest. Otherwise, and with fewer than that in ``sample``, a stratified sample
    of about ``sample`` points is compared with all clustered points. A cluster of one point scores 0. Show `coverage`
    beside it: noise is not in it.

    Args:
        points: (n, 1) to (n, 20).
        labels: (n,) whole numbers, below 0 for noise.
        sample: About how many points to score when not all are, 2 or more; all are if there are no more.
        seed: Of the sample.
        tick: Called often with the share done.

    Returns:
        The estimate, or None with fewer than two clusters.

    Raises:
        ValueError: Shapes do not match, or values are not finite.
    """
    sample = checked_sample(sample)
    clustered = _Clustered.of(points, labels)
    if clustered is None:
        return None
    n = len(clustered.cluster)
    if n <= sample or n * clustered.pairs_per_row() <= EXACT_PAIRS:
        value = float(clustered.rows(np.arange(n), tick).mean())
        return Estimate(value, value, value, n)
    stratum = _strata(clustered.size, sample)[clustered.cluster]
    size = np.bincount(stratum)
    queries = _draw(stratum, np.minimum(size, np.maximum(2, np.rint(sample * size / n).astype(np.int64))), seed)
    out = clustered.rows(queries, tick)
    drawn = stratum[queries]
    count = np.bincount(drawn)
    mean = np.bincount(drawn, out) / count
    spread = np.bincount(drawn, (out - mean[drawn]) ** 2) / np.maximum(count - 1, 1)
    variance_of_mean = (size / n) ** 2 * spread / count * (1 - count / size)
    return estimate(float(size / n @ mean), float(variance_of_mean.sum()), len(queries), -1.0)


def silhouette_by_cluster(
    points: ArrayLike, labels: ArrayLike, *, sample: int = 2000, seed: int = 0, tick: Tick = no_tick
) -> tuple[Estimate | None, ...] | None:
    """The mean silhouette of each cluster's points; the mean over them, by size, is `silhouette`.

    Exact where `silhouette` is. Otherwise about ``sample`` points are scored, as many of each cluster, but 30 of each
    that has them; the interval of a mean of so few is Student's. A cluster of which all points were scored is exact.

    Args:
        points: (n, 1) to (n, 20).
        labels: (n,) whole numbers, below 0 for noise.
        sample: As for `silhouette`.
        seed: Of the sample.
        tick: Called often with the share done.

    Returns:
        An estimate for each label from 0 to the largest, None for a label that no point has; or None for all with
        fewer than two clusters.

    Raises:
        ValueError: Shapes do not match, or values are not finite.
    """
    sample = checked_sample(sample)
    clustered = _Clustered.of(points, labels)
    if clustered is None:
        return None
    n, size = len(clustered.cluster), clustered.size
    if n <= sample or n * clustered.pairs_per_row() <= EXACT_PAIRS:
        count, queries = size, np.arange(n)
    else:
        count = np.minimum(size, max(_FEWEST_OF_A_CLUSTER, sample // len(size)))
        queries = _draw(clustered.cluster, count, seed)
    out = clustered.rows(queries, tick)
    found: list[Estimate | None] = [None] * (int(clustered.label[-1]) + 1)
    for g, part in enumerate(np.split(out, np.cumsum(count)[:-1])):
        value = float(part.mean())
        error = 0.0
        if count[g] < size[g]:
            error = t_interval(part) * float(np.sqrt(1 - count[g] / size[g]))
        found[clustered.label[g]] = Estimate(value, max(-1.0, value - error), min(1.0, value + error), len(part))
    return tuple(found)
