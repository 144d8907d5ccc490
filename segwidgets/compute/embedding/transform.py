"""New rows on a finished map, which stays as it is: UMAP's transform, the same place for a row in any company.

What umap-learn computes, but for four things that there depend on the other new rows: random numbers come from a hash
of the row's own values, an edge is drawn by its share of the row's own strongest, the floor of a bandwidth is by the
row's own distances, and distances are summed pair by pair (as `neighbors.query` does), where a product of matrices
rounds by its shape. And a row that equals an old one, value by value, takes its place.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import prange

from segwidgets.compute.embedding.graph import MIN_SCALE, bandwidth
from segwidgets.compute.embedding.objective import cell, clip, curve, force_tables
from segwidgets.compute.embedding.twins import as_rows, mixed, twins_of
from segwidgets.compute.kernel import kernel
from segwidgets.compute.neighbors import METRICS, query
from segwidgets.compute.progress import Tick, no_tick

FloatArray = npt.NDArray[np.float32]
IndexArray = npt.NDArray[np.int32]

#: The first step size: a quarter of the layout's, as in umap-learn.
_RATE = 0.25
#: Work between two looks at a cancellation, in rows x epochs: below 100 ms on one core.
_STEPS_A_CALL = 60_000
#: New points that a core moves side by side.
_ABREAST = 4
#: Shares of the whole: the rows' hashes, then the search; the rest is the settling.
_HASHED, _SEARCHED = 0.05, 0.75


def default_epochs(n: int) -> int:
    """umap-learn's rule, but by the rows of the map: 100 up to 10,000 rows, 30 above."""
    return 100 if n <= 10_000 else 30


def transform(
    X: Any,
    embedding: FloatArray,
    Q: Any,
    *,
    n_neighbors: int,
    metric: str,
    min_dist: float = 0.0,
    spread: float = 1.0,
    n_epochs: int | None = None,
    seed: int = 42,
    negative_sample_rate: int = 5,
    repulsion_strength: float = 1.0,
    tick: Tick = no_tick,
) -> FloatArray:
    """Place new rows on a map of old ones: at the mean of their neighbours' places, then by UMAP's forces.

    Each new row moves among the old ones, which stay, and sees no other new row (McInnes, Healy and Melville 2018,
    arXiv:1802.03426, and umap-learn's ``UMAP.transform``).

    Args:
        X: (n, d) CSR matrix or array, the features of the old rows.
        embedding: (n, c) float32, their map, c at most 3; unchanged.
        Q: (m, d) the features of the new rows.
        n_neighbors: old rows that place a new one, at most n.
        metric: of the features.
        min_dist: the map's.
        spread: the map's.
        n_epochs: the map's: a third of it is spent on a new row; None for `default_epochs`, and 0 leaves each row at
            the mean of its neighbours' places, which is what a map of t-SNE needs.
        seed: of the negative samples, together with the row's values.
        negative_sample_rate: the map's.
        repulsion_strength: the map's.
        tick: told the share done about every 100 ms; may raise `Cancelled`.

    Returns:
        (m, c) float32, C order. A row's place depends on its own values, X and the settings alone: bit for bit the
        same for any number of threads, any order of the new rows and any number of them.

    Raises:
        ValueError: more neighbours than old rows, an unknown metric, or shapes that do not fit.
    """
    n, m = X.shape[0], Q.shape[0]
    _check(X, embedding, Q, n_neighbors, metric)
    tick(0.0)
    X, Q = as_rows(X), as_rows(Q, like=X)
    points = np.empty((m, embedding.shape[1]), np.float32)
    keys, twins = twins_of(X, Q, lambda done: tick(_HASHED * done))
    points[twins >= 0] = embedding[twins[twins >= 0]]
    others = np.flatnonzero(twins < 0)
    if not len(others):
        tick(1.0)
        return points
    if len(others) < m:
        Q, keys = Q[others], keys[others]
    near, distances = query(X, Q, n_neighbors, metric, tick=lambda done: tick(_HASHED + (_SEARCHED - _HASHED) * done))
    epochs = default_epochs(n) if n_epochs is None else n_epochs // 3
    attract, repel = force_tables(*curve(min_dist, spread), repulsion_strength)
    old = _in_space(embedding)
    # Chunk by chunk, so that what is held besides the search's result stays small.
    rows = max(16, min(_STEPS_A_CALL // max(epochs, 1), 65_536))
    for low in range(0, len(others), rows):
        tick(_SEARCHED + (1 - _SEARCHED) * low / len(others))
        part = slice(low, low + rows)
        weights = strengths(distances[part])
        placed = _in_space(place(embedding, near[part], weights))
        _settle(
            old, placed, near[part], weights, keys[part], epochs, np.float32(_RATE), attract, repel, seed,
            negative_sample_rate,
        )  # fmt: skip
        points[others[part]] = placed[:, : embedding.shape[1]]
    tick(1.0)
    return points


def strengths(distances: FloatArray) -> FloatArray:
    """Membership strengths of the old rows in the neighbourhoods of new ones, as in umap-learn's transform.

    Args:
        distances: (m, k) float32, nearest first.

    Returns:
        (m, k) float32 in [0, 1]: ``exp(-d / sigma)``, sigma such that those behind the first sum to log2(k). Nothing is
        taken off the distances first: a new row need not be connected to its nearest old one, so local_connectivity,
        1 among old rows, is 0 here. Each row is by itself.
    """
    return _strengths(np.ascontiguousarray(distances, dtype=np.float32))


def place(embedding: FloatArray, indices: IndexArray, strengths: FloatArray) -> FloatArray:
    """The mean of the neighbours' places, weighted by their strengths; by the nearest alone where all are 0.

    Args:
        embedding: (n, c) float32, the places of the old rows.
        indices: (m, k) int32, nearest first.
        strengths: (m, k) float32.

    Returns:
        (m, c) float32, C order; each row by itself.
    """
    return _place(
        np.ascontiguousarray(embedding, dtype=np.float32),
        np.ascontiguousarray(indices, dtype=np.int32),
        np.ascontiguousarray(strengths, dtype=np.float32),
    )


def _check(X: Any, embedding: FloatArray, Q: Any, n_neighbors: int, metric: str) -> None:
    n = X.shape[0]
    if not 1 <= n_neighbors <= n:
        raise ValueError(
            f"n_neighbors={n_neighbors} needs at least that many rows on the map, and there are {n}: "
            f"take n_neighbors from 1 to {n}."
        )
    if metric not in METRICS:
        raise ValueError(f"metric={metric!r} is not known: take one of {', '.join(METRICS)}.")
    if embedding.ndim != 2 or embedding.shape[0] != n or not 1 <= embedding.shape[1] <= 3:
        raise ValueError(f"the embedding has the shape {embedding.shape}, and {n} rows need ({n}, 1 to 3).")
    if Q.shape[1] != X.shape[1]:
        raise ValueError(
            f"the new rows have {Q.shape[1]} features and the old ones {X.shape[1]}: make them by the same fit."
        )


def _in_space(points: FloatArray) -> FloatArray:
    """Fewer than 3 dimensions run as 3, the others exactly 0: every force along them is a multiple of 0."""
    space = np.zeros((len(points), 3), np.float32)
    space[:, : points.shape[1]] = points
    return space


@kernel(parallel=True)
def _strengths(distances: FloatArray) -> FloatArray:
    m, k = distances.shape
    target = math.log2(k)
    strengths = np.ones((m, k), np.float32)
    for i in prange(m):
        mean = 0.0
        for j in range(k):
            mean += distances[i, j]
        mean /= k
        sigma = bandwidth(distances[i], 0.0, target)
        sigma = max(sigma, MIN_SCALE * mean)
        for j in range(k):
            if distances[i, j] > 0:
                strengths[i, j] = math.exp(-distances[i, j] / sigma)
    return strengths


@kernel(parallel=True)
def _place(embedding: FloatArray, indices: IndexArray, strengths: FloatArray) -> FloatArray:
    m, k = indices.shape
    dims = embedding.shape[1]
    points = np.empty((m, dims), np.float32)
    for i in prange(m):
        weight = 0.0
        for j in range(k):
            weight += strengths[i, j]
        for c in range(dims):
            total = 0.0
            for j in range(k):
                total += np.float64(strengths[i, j]) * embedding[indices[i, j], c]
            points[i, c] = total / weight if weight > 0 else embedding[indices[i, 0], c]
    return points


@kernel(parallel=True)
def _settle(
    old: Any, new: Any, indices: Any, strengths: Any, keys: Any, n_epochs: int, rate: Any, attract: Any, repel: Any,
    seed: int, negatives: int,
) -> None:  # fmt: skip
    """All epochs of each new point by itself: the old ones do not move.

    An edge of strength w is drawn in w / max(w) of the epochs, evenly, and at once with its negative samples, as in
    umap-learn; the step size falls linearly to 0. Each step waits for the point's step before, so a few points go side
    by side, which keeps a core busy meanwhile; what a point meets on its way is the same.
    """
    n = np.uint64(old.shape[0])
    m, k = indices.shape
    for group in prange((m + _ABREAST - 1) // _ABREAST):
        first = group * _ABREAST
        at = np.zeros((_ABREAST, 3), np.float32)
        state = np.zeros(_ABREAST, np.uint64)
        peak = np.zeros(_ABREAST, np.float64)
        epoch = np.zeros(_ABREAST, np.int64)
        edge = np.full(_ABREAST, -1, np.int64)
        step = np.zeros(_ABREAST, np.float32)
        moving = np.zeros(_ABREAST, np.bool_)
        left = 0
        for g in range(min(_ABREAST, m - first)):
            i = first + g
            for e in range(k):
                peak[g] = max(peak[g], np.float64(strengths[i, e]))
            at[g, 0], at[g, 1], at[g, 2] = new[i, 0], new[i, 1], new[i, 2]
            # A linear congruential sequence (Knuth's MMIX constants) from a hash of the row and the seed.
            state[g] = mixed(keys[i] + np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15))
            if peak[g] > 0 and n_epochs > 0:
                moving[g] = True
                left += 1
        while left > 0:
            for g in range(_ABREAST):
                if not moving[g]:
                    continue
                i = first + g
                epoch[g], edge[g] = _next_drawn(strengths[i], peak[g], n_epochs, epoch[g], edge[g])
                if epoch[g] == n_epochs:
                    moving[g] = False
                    left -= 1
                    continue
                step[g] = rate * np.float32(1 - epoch[g] / n_epochs)
                _pull(at, g, old, indices[i, edge[g]], attract, step[g])
            for _ in range(negatives):
                for g in range(_ABREAST):
                    if moving[g]:
                        state[g] = state[g] * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
                        r = np.int64(((state[g] >> np.uint64(32)) * n) >> np.uint64(32))
                        _pull(at, g, old, r, repel, step[g])
        for g in range(min(_ABREAST, m - first)):
            new[first + g, 0], new[first + g, 1], new[first + g, 2] = at[g, 0], at[g, 1], at[g, 2]


@kernel(inline="always")
def _next_drawn(strengths: Any, peak: Any, n_epochs: int, epoch: int, edge: int) -> Any:
    """The next epoch and edge of a point's that is drawn; the epoch is ``n_epochs`` behind the last."""
    while True:
        edge += 1
        if edge == strengths.size:
            edge = 0
            epoch += 1
            if epoch == n_epochs:
                return epoch, edge
        share = strengths[edge] / peak
        if math.floor((epoch + 1) * share) != math.floor(epoch * share):
            return epoch, edge


@kernel(inline="always")
def _pull(at: Any, g: int, old: Any, other: Any, force: Any, step: Any) -> None:
    """A step of point ``g`` by the force of an old one."""
    x, y, z = at[g, 0], at[g, 1], at[g, 2]
    dx, dy, dz = x - old[other, 0], y - old[other, 1], z - old[other, 2]
    f = force[cell(dx * dx + dy * dy + dz * dz)]
    at[g, 0] = x + step * clip(f * dx)
    at[g, 1] = y + step * clip(f * dy)
    at[g, 2] = z + step * clip(f * dz)
