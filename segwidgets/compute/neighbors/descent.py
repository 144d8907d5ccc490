"""Approximate neighbours by nearest-neighbour descent: neighbours of neighbours are likely neighbours.

Dong, Moses and Li (2011), Efficient k-nearest neighbor graph construction for generic similarity measures. Here it is
synchronous: in a round every row looks at the sampled neighbours, forward and reverse, of its own sampled neighbours,
all as the last round left them, and writes nothing but its own list. Samples are drawn by a hash of the pair. So the
result depends on the seed only, not on threads or chunks.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import prange

from segwidgets.compute.kernel import kernel
from segwidgets.compute.neighbors import pair
from segwidgets.compute.neighbors.forest import grow, mixed
from segwidgets.compute.neighbors.points import Points, clear, compare, permuted, spread_out
from segwidgets.compute.neighbors.rows import Rows
from segwidgets.compute.neighbors.table import FloatArray, IndexArray
from segwidgets.compute.progress import Tick

#: Rows between two ticks, in rounds and in plain passes over the lists.
_ROWS, _PASS = 1024, 131_072
_NONE = np.iinfo(np.int32).max
#: A round that changes a smaller share of the lists is the last one.
_SETTLED = 0.002
#: Places of the table of rows already seen, for each row in the works; with more candidates some are seen twice.
_SEEN = 4096


@dataclasses.dataclass
class Lists:
    """Each row's nearest so far, rows in the order of a tree.

    Attributes:
        points: (n, p) in that order.
        order: (n,) int32, their rows in the data.
        near: (n, width) float32.
        index: (n, width) int32, places in the order.
        new: (n, width) bool, whether an entry's neighbours are still to be looked at.
    """

    points: Points
    order: npt.NDArray[np.int32]
    near: FloatArray
    index: IndexArray
    new: npt.NDArray[np.bool_]


def begin_lists(points: Points, width: int, leaf: int, seed: int, known: IndexArray | None, tick: Tick) -> Lists:
    """Lists of ``width`` from one tree, and from ``known`` neighbours (n, j) int32 where there are any."""
    order, starts = grow(points, leaf, seed, tick)
    n = len(order)
    points = permuted(points, order, tick)
    near, index = np.full((n, width), np.inf, np.float32), np.full((n, width), _NONE, np.int32)
    lists = Lists(points, order, near, index, np.ones((n, width), np.bool_))
    _join(lists, np.arange(n, dtype=np.int32), starts, tick)
    if known is not None:
        place = np.empty(n, np.int32)
        place[order] = np.arange(n, dtype=np.int32)
        for first in range(0, n, 16 * _ROWS):
            tick(0.0)
            here = place[known[order[first : first + 16 * _ROWS]]]
            _offer(points, first, here, near, index)
    return lists


def add_trees(lists: Lists, seeds: range, leaf: int, tick: Tick) -> None:
    """Compare the rows of the leaves of more trees."""
    for done, seed in enumerate(seeds):
        share = done / len(seeds)
        order, starts = grow(lists.points, leaf, seed, lambda _, at=share: tick(at))  # type: ignore[misc]
        _join(lists, order, starts, lambda _, at=share: tick(at))  # type: ignore[misc]


def _join(lists: Lists, order: npt.NDArray[np.int32], starts: npt.NDArray[np.int64], tick: Tick) -> None:
    first = 0
    while first < len(starts) - 1:
        tick(0.0)
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + 16 * _ROWS)) - 1)
        _join_leaves(lists.points, order, starts, first, last, lists.near, lists.index)
        first = last


def widen(lists: Lists, width: int) -> None:
    """Make room for longer lists, and have everything looked at again."""
    n, old = lists.near.shape
    near, index = np.full((n, width), np.inf, np.float32), np.full((n, width), _NONE, np.int32)
    near[:, :old], index[:, :old] = lists.near, lists.index
    lists.near, lists.index, lists.new = near, index, np.ones((n, width), np.bool_)


def descend(lists: Lists, sample: int, rounds: int, seed: int, tick: Tick) -> int:
    """Rounds until next to nothing changes, ``rounds`` at most; gives how many there were.

    Args:
        lists: improved in place.
        sample: neighbours that a row looks at, new and old ones each.
        rounds: the most.
        seed: of the samples.
        tick: told the share done.
    """
    n, width = lists.near.shape
    fresh, stale = np.empty((n, sample), np.int32), np.empty((n, sample), np.int32)
    for turn in range(rounds):
        # Later rounds change less and are quicker.
        share, step = 1 - 0.5**turn, 0.5 ** (turn + 1)
        tick(share)
        starts, sources = _reversed(lists, lambda: tick(share))  # noqa: B023 - called at once
        for first in range(0, n, _PASS):
            tick(share)
            last = min(n, first + _PASS)
            _sample(lists.index, lists.new, starts, sources, first, last, seed + turn, fresh, stale)
        changed = 0
        for first in range(0, n, _ROWS):
            tick(share + step * first / n)
            last = min(n, first + _ROWS)
            changed += _look(lists.points, fresh, stale, first, last, lists.near, lists.index, lists.new)
        if changed <= _SETTLED * n * width:
            return turn + 1
    return rounds


def _reversed(lists: Lists, tick: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Who has a row in its list: starts (n + 1,) and sources, as ``~row`` where that entry is no longer new."""
    n = len(lists.near)
    starts = np.zeros(n + 1, np.int64)
    for first in range(0, n, _PASS):
        tick()
        _count(lists.index, first, min(n, first + _PASS), starts)
    starts = np.cumsum(starts)
    place, sources = starts[:-1].copy(), np.empty(starts[-1], np.int32)
    for first in range(0, n, _PASS):
        tick()
        _place(lists.index, lists.new, first, min(n, first + _PASS), place, sources)
    return starts, sources


@kernel(fastmath=False)
def _count(index: Any, first: int, last: int, starts: Any) -> None:
    for i in range(first, last):
        for j in range(index.shape[1]):
            if index[i, j] != _NONE:
                starts[index[i, j] + 1] += 1


@kernel(fastmath=False)
def _place(index: Any, new: Any, first: int, last: int, place: Any, sources: Any) -> None:
    for i in range(first, last):
        for j in range(index.shape[1]):
            other = index[i, j]
            if other != _NONE:
                sources[place[other]] = i if new[i, j] else ~i
                place[other] += 1


@kernel(fastmath=False, forceinline=True)
def insert(near: Any, index: Any, d: Any, row: int) -> Any:
    """Put a row that may be there already into a list; gives its place, or -1."""
    last = near.size - 1
    if d > near[last] or (d == near[last] and row >= index[last]):
        return -1
    for j in range(near.size):
        if index[j] == row:
            return -1
    j = last
    while j > 0 and (near[j - 1] > d or (near[j - 1] == d and index[j - 1] > row)):
        near[j] = near[j - 1]
        index[j] = index[j - 1]
        j -= 1
    near[j] = d
    index[j] = row
    return j


@kernel(parallel=True, fastmath=False)
def _join_leaves(points: Any, order: Any, starts: Any, first: int, last: int, near: Any, index: Any) -> None:
    """Compare all rows of each of the leaves first..last with each other."""
    for leaf in prange(first, last):
        room = np.zeros(points.width, np.float32)
        for i in range(starts[leaf], starts[leaf + 1]):
            a = order[i]
            spread_out(points, a, room)
            for j in range(starts[leaf], i):
                b = order[j]
                d = compare(points, a, b, room)
                insert(near[a], index[a], d, b)
                insert(near[b], index[b], d, a)
            clear(points, a, room)


@kernel(parallel=True, fastmath=False)
def _offer(points: Any, first: int, known: Any, near: Any, index: Any) -> None:
    """Put known neighbours (rows, j) of the rows from ``first`` into their lists."""
    rows = known.shape[0]
    for block in prange((rows + 63) // 64):
        room = np.zeros(points.width, np.float32)
        for i in range(block * 64, min(rows, block * 64 + 64)):
            a = first + i
            spread_out(points, a, room)
            for j in range(known.shape[1]):
                if known[i, j] != a:
                    insert(near[a], index[a], compare(points, a, known[i, j], room), known[i, j])
            clear(points, a, room)


@kernel(fastmath=False, forceinline=True)
def _draw(chosen: Any, ranks: Any, count: int, row: int, rank: Any) -> Any:
    """Keep the rows with the lowest ranks; gives how many there are now."""
    size = chosen.size
    if count == size and rank >= ranks[size - 1]:
        return count
    for j in range(count):
        if chosen[j] == row:
            return count
    j = count if count < size else size - 1
    while j > 0 and ranks[j - 1] > rank:
        ranks[j] = ranks[j - 1]
        chosen[j] = chosen[j - 1]
        j -= 1
    ranks[j] = rank
    chosen[j] = row
    return min(count + 1, size)


@kernel(parallel=True, fastmath=False)
def _sample(
    index: Any, new: Any, starts: Any, sources: Any, first: int, last: int, seed: int, fresh: Any, stale: Any
) -> None:
    """The rows' samples of new and old neighbours, (n, sample) int32 each, ended by -1."""
    width, size = index.shape[1], fresh.shape[1]
    for block in prange((last - first + 255) // 256):
        ranks = np.empty(size, np.uint64)
        others = np.empty(size, np.uint64)
        begin = first + block * 256
        for i in range(begin, min(last, begin + 256)):
            fresh[i] = -1
            stale[i] = -1
            young, old = 0, 0
            for j in range(width + starts[i + 1] - starts[i]):
                if j < width:
                    row, is_new = index[i, j], new[i, j]
                    if row == _NONE:
                        continue
                else:
                    row = sources[starts[i] + j - width]
                    is_new = row >= 0
                    row = row if is_new else ~row
                rank = mixed(min(i, row), max(i, row), seed)
                if is_new:
                    young = _draw(fresh[i], ranks, young, row, rank)
                else:
                    old = _draw(stale[i], others, old, row, rank)
            for j in range(width):
                if new[i, j]:
                    for s in range(young):
                        if fresh[i, s] == index[i, j]:
                            new[i, j] = False
                            break


@kernel(parallel=True, fastmath=False)
def _look(points: Any, fresh: Any, stale: Any, first: int, last: int, near: Any, index: Any, new: Any) -> int:
    """Look at the neighbours of the neighbours of the rows first..last; gives how many entries changed.

    A row's candidates are first collected, then compared, then inserted: without a decision between two comparisons
    the processor fetches the next rows while it waits for the one at hand.
    """
    size, width = fresh.shape[1], near.shape[1]
    changed = 0
    for block in prange((last - first + 63) // 64):
        room = np.zeros(points.width, np.float32)
        seen = np.full(_SEEN, -1, np.int64)
        rows = np.empty(3 * size * size + size, np.int32)
        far = np.empty(rows.size, np.float32)
        begin = first + block * 64
        for i in range(begin, min(last, begin + 64)):
            stamp = np.int64(i) << 32
            _see(seen, stamp, i)
            for j in range(width):
                _see(seen, stamp, index[i, j])
            count = 0
            for s in range(size):
                row = fresh[i, s]
                if row < 0:
                    break
                # It may be a neighbour by its own list only.
                if not _see(seen, stamp, row):
                    rows[count] = row
                    count += 1
            for source in range(2):
                own = fresh if source == 0 else stale
                for s in range(size):
                    middle = own[i, s]
                    if middle < 0:
                        break
                    # An old neighbour's old neighbours were looked at when either was new.
                    for kind in range(2 - source):
                        theirs = fresh if kind == 0 else stale
                        for t in range(size):
                            row = theirs[middle, t]
                            if row < 0:
                                break
                            if not _see(seen, stamp, row):
                                rows[count] = row
                                count += 1
            if count == 0:
                continue
            spread_out(points, i, room)
            for c in range(count):
                far[c] = compare(points, i, rows[c], room)
            clear(points, i, room)
            for c in range(count):
                if far[c] <= near[i, width - 1]:
                    place = insert(near[i], index[i], far[c], rows[c])
                    if place >= 0:
                        for j in range(width - 1, place, -1):
                            new[i, j] = new[i, j - 1]
                        new[i, place] = True
                        changed += 1
    return changed


@kernel(fastmath=False, forceinline=True)
def _see(seen: Any, stamp: Any, row: int) -> Any:
    """Note a row; True when it was noted under this stamp before."""
    mask = np.uint64(seen.size - 1)
    at = (np.uint64(row) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(40)) & mask
    entry = stamp | np.int64(row)
    for _ in range(16):
        if seen[at] == entry:
            return True
        if seen[at] >> 32 != stamp >> 32:
            seen[at] = entry
            return False
        at = (at + np.uint64(1)) & mask
    return False


def finish(code: int, rows: Rows, lists: Lists, k: int, tick: Tick) -> tuple[IndexArray, FloatArray]:
    """The ``k`` nearest of each list by exact distance, for the data's rows in their order, (n, k) each.

    Where a list is short, entries are at an infinite distance.
    """
    n = len(lists.near)
    near, index = np.full((n, k), np.inf, np.float32), np.full((n, k), _NONE, np.int32)
    for first in range(0, n, 16 * _ROWS):
        tick(first / n)
        _finish(code, rows, lists.order, lists.index, first, min(n, first + 16 * _ROWS), near, index)
    return index, near


@kernel(parallel=True, fastmath=False)
def _finish(code: int, rows: Any, order: Any, lists: Any, first: int, last: int, near: Any, index: Any) -> None:
    for block in prange((last - first + 63) // 64):
        begin = first + block * 64
        for i in range(begin, min(last, begin + 64)):
            row = order[i]
            for j in range(lists.shape[1]):
                if lists[i, j] != _NONE:
                    other = order[lists[i, j]]
                    pair.insert(near[row], index[row], pair.distance(code, rows, row, rows, other), other)
