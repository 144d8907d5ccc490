"""Mutual reachability within and between clusters, everything in squares.

Points are (d, n) float64, clusters are runs of them, and ``start`` (clusters + 1,) is where each begins.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from segwidgets.compute.kernel import kernel
from segwidgets.compute.progress import Tick

_TILE = 256
_PAIRS_PER_SLICE = 10_000_000
_SMALL = 2000


@kernel(parallel=True, fastmath={"reassoc", "nnan", "nsz"})
def _core_squares(points: Any, low: Any, high: Any, exponent: int, first: int, last: int, core: Any) -> None:
    """Squared all-points core distances of the rows first..last among the rows low..high of their clusters.

    (Σ distance^-e / (n - 1))^(-1/e), as least · (Σ (least / distance)^e / (n - 1))^(-1/e): the powers of tiny and huge
    distances would leave float64. Distances of 0 are left out of the sum.
    """
    d = points.shape[0]
    for p in prange(first, last):
        squares = np.empty(_TILE, np.float64)
        powers = np.empty(_TILE, np.float64)
        least = np.inf
        total = 0.0
        for at in range(low[p], high[p], _TILE):
            size = min(_TILE, high[p] - at)
            squares[:size] = 0.0
            for axis in range(d):
                x = points[axis, p]
                for q in range(size):
                    difference = points[axis, at + q] - x
                    squares[q] += difference * difference
            smallest = np.inf
            for q in range(size):
                squares[q] = squares[q] if squares[q] > 0.0 else np.inf
                smallest = min(smallest, squares[q])
            if smallest < least:
                if least < np.inf:
                    total *= (smallest / least) ** (0.5 * exponent)
                least = smallest
            if least == np.inf:
                continue
            powers[:size] = 1.0
            for q in range(size):
                squares[q] = least / squares[q]
            for _ in range(exponent // 2):
                for q in range(size):
                    powers[q] *= squares[q]
            if exponent % 2:
                for q in range(size):
                    powers[q] *= np.sqrt(squares[q])
            for q in range(size):
                total += powers[q]
        # Where all are, there is no distance to sum: infinitely dense.
        core[p] = least * (total / (high[p] - low[p] - 1)) ** (-2.0 / exponent) if least < np.inf else 0.0


@kernel()
def _grow(
    points: Any,
    core: Any,
    low: int,
    steps: int,
    rest: Any,
    weight: Any,
    denser: Any,
    square: Any,
    via: Any,
    row: Any,
    state: Any,
    out: Any,
) -> None:
    """Some steps of Prim's algorithm over a cluster whose rows begin at ``low``.

    Edges are ordered by mutual reachability, then the core distance of the denser end, then distance, then rows.
    ``rest`` (d + 1, n) holds coordinates and core squares of the points not yet joined, ``row`` which those are, and
    ``weight``, ``denser``, ``square`` and ``via`` the best edge to each. ``state`` is how many are left, the point
    joined last, and how many edges are found.
    """
    d = points.shape[0]
    buffer = np.empty(row.size, np.float64)
    for _ in range(steps):
        left, p, found = state[0], state[1], state[2]
        if left == 0:
            return
        own = core[low + p]
        buffer[:left] = 0.0
        for axis in range(d):
            x = points[axis, low + p]
            for q in range(left):
                difference = rest[axis, q] - x
                buffer[q] += difference * difference
        lightest = np.inf
        for q in range(left):
            s, t = buffer[q], min(own, rest[d, q])
            w = max(s, max(own, rest[d, q]))  # noqa: PLW3301 - a nested max is what the compiler makes vectors of
            nearer = (s < square[q]) | ((s == square[q]) & (p < via[q]))
            better = (w < weight[q]) | ((w == weight[q]) & ((t < denser[q]) | ((t == denser[q]) & nearer)))
            weight[q] = w if better else weight[q]
            denser[q] = t if better else denser[q]
            square[q] = s if better else square[q]
            via[q] = p if better else via[q]
        for q in range(left):
            lightest = min(lightest, weight[q])
        best = -1
        for q in range(left):
            if weight[q] == lightest:
                if best < 0 or denser[q] < denser[best]:
                    best = q
                elif denser[q] == denser[best]:
                    if square[q] < square[best]:
                        best = q
                    elif square[q] == square[best]:
                        a, b = min(via[q], row[q]), max(via[q], row[q])
                        c, e = min(via[best], row[best]), max(via[best], row[best])
                        if a < c or (a == c and b < e):
                            best = q
        out[found, 0] = via[best]
        out[found, 1] = row[best]
        left -= 1
        state[0], state[1], state[2] = left, row[best], found + 1
        for axis in range(d + 1):
            rest[axis, best] = rest[axis, left]
        weight[best], denser[best], square[best] = weight[left], denser[left], square[left]
        via[best], row[best] = via[left], row[left]


@kernel(parallel=True)
def _trees(points: Any, core: Any, start: Any, clusters: Any, edges: Any) -> None:
    """The spanning trees of some whole clusters; cluster g's edges follow those of the g clusters before it."""
    for i in prange(clusters.size):
        g = clusters[i]
        low, n = start[g], start[g + 1] - start[g]
        rest = np.empty((points.shape[0] + 1, n - 1), np.float64)
        _leave(points, core, low, rest)
        weight, denser, square = np.full(n - 1, np.inf), np.full(n - 1, np.inf), np.full(n - 1, np.inf)
        via, row = np.zeros(n - 1, np.int64), np.arange(1, n)
        state = np.array([n - 1, 0, 0])
        out = edges[low - g : low - g + n - 1]
        _grow(points, core, low, n, rest, weight, denser, square, via, row, state, out)
        out += low


@kernel()
def _leave(points: Any, core: Any, low: int, rest: Any) -> None:
    for q in range(rest.shape[1]):
        for axis in range(points.shape[0]):
            rest[axis, q] = points[axis, low + 1 + q]
        rest[points.shape[0], q] = core[low + 1 + q]


@kernel()
def _weights(points: Any, core: Any, edges: Any, out: Any) -> None:
    for e in range(out.size):
        p, q = edges[e, 0], edges[e, 1]
        out[e] = max(_square(points, p, q), core[p], core[q])


@kernel()
def _square(points: Any, p: int, q: int) -> float:
    square = 0.0
    for axis in range(points.shape[0]):
        difference = points[axis, p] - points[axis, q]
        square += difference * difference
    return square


@kernel()
def _nearest(points: Any, low: int, high: int, x: Any) -> int:
    """The point of low..high nearest to ``x``."""
    best, nearest = np.inf, low
    for q in range(low, high):
        square = 0.0
        for axis in range(points.shape[0]):
            difference = points[axis, q] - x[axis]
            square += difference * difference
        if square < best:
            best, nearest = square, q
    return nearest


@kernel(parallel=True)
def _separations(
    points: Any, core: Any, start: Any, box_low: Any, box_high: Any, first: int, last: int, out: Any
) -> None:
    """The least squared mutual reachability from each cluster first..last to any other, over ``points`` (d, n).

    Clusters are runs of ``start``, ascending by core square: whatever reaches the best so far ends a scan.
    """
    d = points.shape[0]
    for i in prange(first, last):
        bound = np.empty(start.size - 1, np.float64)
        for j in range(bound.size):
            square = 0.0
            for axis in range(d):
                apart = max(box_low[i, axis] - box_high[j, axis], box_low[j, axis] - box_high[i, axis], 0.0)
                square += apart * apart
            bound[j] = max(square, core[start[i]], core[start[j]])
        bound[i] = np.inf
        best = np.inf
        likely = int(np.argmin(bound))
        for turn in range(-1, bound.size):
            # The nearest box comes first: what is found there rules most others out.
            j = likely if turn < 0 else turn
            if bound[j] >= best or turn == likely:
                continue
            # A close pair to begin with: the point nearest to the other's middle, and the one nearest to that.
            y = _nearest(points, start[j], start[j + 1], 0.5 * (box_low[i] + box_high[i]))
            x = _nearest(points, start[i], start[i + 1], points[:, y])
            best = min(best, max(_square(points, x, y), core[x], core[y]))
            for p in range(start[i], start[i + 1]):
                if core[p] >= best:
                    break
                square = 0.0
                for axis in range(d):
                    apart = max(box_low[j, axis] - points[axis, p], points[axis, p] - box_high[j, axis], 0.0)
                    square += apart * apart
                if square >= best:
                    continue
                for q in range(start[j], start[j + 1]):
                    if core[q] >= best:
                        break
                    best = min(best, max(_square(points, p, q), core[p], core[q]))
        out[i] = best


def core_squares(
    points: NDArray[np.float64], start: NDArray[np.int64], squared: bool, tick: Tick
) -> NDArray[np.float64]:
    """Squared all-points core distances (n,); of squared distances, the core distances themselves."""
    n, size = int(start[-1]), np.diff(start)
    low, high = np.repeat(start[:-1], size), np.repeat(start[1:], size)
    core = np.empty(n)
    pairs = np.cumsum(high - low)
    first = 0
    while first < n:
        tick(first / n)
        begun = pairs[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(pairs, begun + _PAIRS_PER_SLICE)))
        last = min(n, last)
        _core_squares(points, low, high, len(points) * (2 if squared else 1), first, last, core)
        first = last
    return core


def spanning_trees(
    points: NDArray[np.float64], core: NDArray[np.float64], start: NDArray[np.int64], tick: Tick
) -> NDArray[np.int32]:
    """(n - clusters, 2) rows; small clusters several at once, large ones in steps, so that a tick is never far."""
    size = np.diff(start)
    edges = np.empty((int(start[-1]) - len(size), 2), np.int32)
    total, done = float((size.astype(np.float64) ** 2).sum()), 0.0
    small = np.flatnonzero(size <= _SMALL)
    groups = np.cumsum(size[small].astype(np.float64) ** 2) // _PAIRS_PER_SLICE
    for group in np.split(small, np.flatnonzero(np.diff(groups)) + 1):
        tick(done / total)
        _trees(points, core, start, group, edges)
        done += float((size[group].astype(np.float64) ** 2).sum())
    for g in np.flatnonzero(size > _SMALL):
        low, n = int(start[g]), int(size[g])
        rest = np.empty((len(points) + 1, n - 1))
        _leave(points, core, low, rest)
        weight, denser, square = np.full(n - 1, np.inf), np.full(n - 1, np.inf), np.full(n - 1, np.inf)
        via, row = np.zeros(n - 1, np.int64), np.arange(1, n)
        state = np.array([n - 1, 0, 0])
        out = edges[low - g : low - g + n - 1]
        while state[0]:
            tick((done + float(n * state[2])) / total)
            steps = max(1, _PAIRS_PER_SLICE // int(state[0]))
            _grow(points, core, low, steps, rest, weight, denser, square, via, row, state, out)
        out += np.int32(low)
        done += float(n) ** 2
    return edges


def edge_weights(
    points: NDArray[np.float64], core: NDArray[np.float64], edges: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Squared mutual reachability of each edge."""
    out = np.empty(len(edges))
    _weights(points, core, edges, out)
    return out


def separations(
    points: NDArray[np.float64], core: NDArray[np.float64], start: NDArray[np.int64], tick: Tick
) -> NDArray[np.float64]:
    """The least squared mutual reachability from each cluster to any other; ascending by core within each."""
    clusters = len(start) - 1
    box_low = np.ascontiguousarray(np.minimum.reduceat(points, start[:-1], axis=1).T)
    box_high = np.ascontiguousarray(np.maximum.reduceat(points, start[:-1], axis=1).T)
    separation = np.empty(clusters)
    step = int(np.clip(_PAIRS_PER_SLICE // len(core), 2, 64))
    for first in range(0, clusters, step):
        tick(first / clusters)
        _separations(points, core, start, box_low, box_high, first, min(clusters, first + step), separation)
    return separation
