"""The layout: UMAP's objective by synchronous steps, the same to the last bit for any number of threads.

Every epoch moves all points at once from the positions of the last one (as uwot's batch mode does), so no thread sees
what another is writing, and random numbers depend on epoch and point, never on an order of execution.
"""

from __future__ import annotations

import collections
import dataclasses
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from numba import prange

from segwidgets.compute.embedding.objective import cell, clip, curve, force_tables
from segwidgets.compute.kernel import kernel
from segwidgets.compute.progress import Tick, no_tick

FloatArray = npt.NDArray[np.float32]

#: Adam's decay rates (Kingma and Ba 2015): a short memory of where to go, because the objective is sampled anew every
#: epoch; a long one of how strong forces are, because a short one makes rare strong pushes weigh like weak ones.
_BETA1, _BETA2 = 0.5, 0.999
#: Rows moved between two looks at a cancellation: at most about 100 ms' work on two cores.
_ROWS_A_CALL = 131_072
#: The layout has settled when its points, over `_WINDOW` epochs, get no farther than their shaking explains: a walk
#: whose net way is below `_SETTLED` single steps (about 1.45 without any drift). Looked at every `_LOOK` epochs.
_WINDOW, _LOOK, _SETTLED = 20, 10, 1.6
#: A settled layout still shakes: it is cooled down over this share of the epochs, and at least so many.
_COOL_SHARE, _COOL_LEAST = 0.75, 30
#: Smaller layouts run to the end: it takes a second or two, and DBSCAN finds a little more in them.
_STOPS_ABOVE = 10_000
#: Points that tell whether the layout has settled.
_WATCHED = 5_000
#: Seconds between two snapshots.
_SNAPSHOT_EVERY = 0.25

#: Called with a copy of the positions, (n, c) float32, and the epochs done.
Snapshot = Callable[[FloatArray, int], None]


@dataclasses.dataclass(frozen=True)
class Layout:
    """``points`` (n, c) float32, C order; ``epochs`` that were run; ``settled`` when it stopped before the last one."""

    points: FloatArray
    epochs: int
    settled: bool


def default_epochs(n: int) -> int:
    """umap-learn's rule: 500 epochs up to 10,000 rows, 200 above."""
    return 500 if n <= 10_000 else 200


@kernel(parallel=True, fastmath={"contract", "nsz", "arcp"})
def _move(
    low: int, high: int, old: Any, new: Any, first: Any, second: Any, indptr: Any, indices: Any, odds: Any,
    epoch: int, rate: Any, unbias1: Any, unbias2: Any, attract: Any, repel: Any, seed: int, negatives: int,
) -> None:  # fmt: skip
    """One synchronous step of the points from ``low`` to ``high``.

    An edge is drawn when its multiple wraps around: ``odds`` is its weight by the largest, in 2^32ths, so it is drawn
    as often as umap-learn draws it, evenly. Both of its ends draw it, so each moves its own end, with twice the force.
    """
    n = np.uint64(old.shape[0])
    turn = np.uint32(epoch + 1)
    tiny = np.float32(1e-7)
    for i in prange(low, high):
        x, y, z = old[i, 0], old[i, 1], old[i, 2]
        gx, gy, gz = np.float32(0), np.float32(0), np.float32(0)
        drawn = 0
        for e in range(indptr[i], indptr[i + 1]):
            share = odds[e]
            if np.uint32(turn * share) >= share:
                continue
            drawn += 1
            j = indices[e]
            dx, dy, dz = x - old[j, 0], y - old[j, 1], z - old[j, 2]
            f = np.float32(2) * attract[cell(dx * dx + dy * dy + dz * dz)]
            gx += clip(f * dx)
            gy += clip(f * dy)
            gz += clip(f * dz)
        # Random numbers from a hash of point and epoch, then a linear congruential sequence (Knuth's MMIX constants).
        state = np.uint64(seed + epoch) * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(i) * np.uint64(0xBF58476D1CE4E5B9)
        state ^= state >> np.uint64(31)
        state *= np.uint64(0xD6E8FEB86659FD93)
        state ^= state >> np.uint64(32)
        state *= np.uint64(0xD6E8FEB86659FD93)
        state ^= state >> np.uint64(32)
        for _ in range(negatives * drawn):
            state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
            r = np.int64(((state >> np.uint64(32)) * n) >> np.uint64(32))
            dx, dy, dz = x - old[r, 0], y - old[r, 1], z - old[r, 2]
            f = repel[cell(dx * dx + dy * dy + dz * dz)]
            gx += clip(f * dx)
            gy += clip(f * dy)
            gz += clip(f * dz)
        for c in range(3):
            g = gx if c == 0 else (gy if c == 1 else gz)
            first[i, c] = np.float32(_BETA1) * first[i, c] + np.float32(1 - _BETA1) * g
            second[i, c] = np.float32(_BETA2) * second[i, c] + np.float32(1 - _BETA2) * g * g
            step = first[i, c] * unbias1 / (math.sqrt(second[i, c] * unbias2) + tiny)
            new[i, c] = old[i, c] + rate * step


def _drawn_edges(graph: sp.csr_matrix, n_epochs: int) -> tuple[Any, Any, Any]:
    """The graph's edges that are drawn at least once, (indptr, indices, odds): too weak a one never is."""
    weights = graph.data.astype(np.float64)
    peak = weights.max(initial=0.0)
    kept = weights >= peak / max(n_epochs, 10)
    counts = np.concatenate([[0], np.cumsum(kept)])
    odds = np.minimum(weights[kept] / max(peak, 1e-300) * 2**32, 2**32 - 1).astype(np.uint32)
    return counts[graph.indptr].astype(np.int64), graph.indices[kept].astype(np.int32), odds


class _Watch:
    """Says when the points only shake about their places, from every so-manieth of them."""

    def __init__(self, n: int) -> None:
        self._rows = np.arange(0, n, max(1, n // _WATCHED))
        self._past: collections.deque[FloatArray] = collections.deque(maxlen=_WINDOW // _LOOK + 1)

    def has_settled(self, now: FloatArray, before: FloatArray) -> bool:
        here = now[self._rows]
        self._past.append(here)
        if len(self._past) < (self._past.maxlen or 0):
            return False
        step = float(np.median(np.linalg.norm(here - before[self._rows], axis=1)))
        net = float(np.median(np.linalg.norm(here - self._past[0], axis=1)))
        return net < _SETTLED * step


def layout(
    graph: sp.csr_matrix,
    begin: FloatArray,
    *,
    min_dist: float,
    spread: float,
    n_epochs: int,
    seed: int,
    negative_sample_rate: int = 5,
    repulsion_strength: float = 1.0,
    learning_rate: float = 1.0,
    early_stop: bool | None = None,
    snapshot: Snapshot | None = None,
    tick: Tick = no_tick,
) -> Layout:
    """Optimise the positions from ``begin`` by UMAP's objective (McInnes, Healy and Melville 2018, arXiv:1802.03426).

    Args:
        graph: (n, n) fuzzy graph.
        begin: (n, 2 or 3) float32, any layout; unchanged.
        min_dist: how close points may lie, in units of the layout.
        spread: the scale of the layout.
        n_epochs: steps at the most; the step size falls linearly to 0.
        seed: of the negative samples.
        negative_sample_rate: points pushed off for each neighbour that is drawn near.
        repulsion_strength: the weight of pushing.
        learning_rate: the first step size, in units of the layout.
        early_stop: cool down as soon as the layout has settled, rather than at the last epochs; None for only above
            10,000 points.
        snapshot: called in this thread with the positions, about four times a second.
        tick: told the share done after every epoch, and within long ones; may raise `Cancelled`.

    Returns:
        The layout; bit for bit the same for the same input and any number of threads.
    """
    n, dims = begin.shape
    attract, repel = force_tables(*curve(min_dist, spread), repulsion_strength)
    # 2-D runs as 3-D with a third coordinate that stays exactly 0: every force along it is a multiple of 0.
    old = np.zeros((n, 3), np.float32)
    old[:, :dims] = begin
    new = old.copy()
    first, second = np.zeros_like(old), np.zeros_like(old)
    indptr, indices, odds = _drawn_edges(graph, n_epochs)
    watch = _Watch(n) if (n > _STOPS_ABOVE if early_stop is None else early_stop) else None
    shown = time.monotonic()
    epoch, last, rate, cooling = 0, n_epochs, learning_rate, learning_rate / n_epochs
    while epoch < last:
        unbias1, unbias2 = 1 / (1 - _BETA1 ** (epoch + 1)), 1 / (1 - _BETA2 ** (epoch + 1))
        for low in range(0, n, _ROWS_A_CALL):
            tick((epoch + low / n) / last)
            _move(
                low, min(n, low + _ROWS_A_CALL), old, new, first, second, indptr, indices, odds,
                epoch, np.float32(rate), np.float32(unbias1), np.float32(unbias2), attract, repel,
                seed, negative_sample_rate,
            )  # fmt: skip
        old, new = new, old
        epoch += 1
        rate -= cooling
        if watch is not None and epoch % _LOOK == 0 and watch.has_settled(old, new):
            watch = None
            left = max(_COOL_LEAST, math.ceil(_COOL_SHARE * n_epochs))
            if epoch + left < last:
                last, cooling = epoch + left, rate / left
        if snapshot is not None and time.monotonic() - shown > _SNAPSHOT_EVERY:
            snapshot(np.ascontiguousarray(old[:, :dims]), epoch)
            shown = time.monotonic()
    tick(1.0)
    return Layout(np.ascontiguousarray(old[:, :dims]), epoch, settled=last < n_epochs)
