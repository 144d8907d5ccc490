"""Every clustering of all rows, told by a sample of them, with small clusters left out at every eps.

`Portable` holds a leaf a row. A sample needs the leaves of its own rows, and of the core points that its border rows
reach (the hosts), whose places nobody need know. The gap of a kept leaf is the largest gap since the kept leaf before
it, so two kept leaves are in one run at eps exactly where they are in one run of all leaves: the labels of the sample
are those of all rows, at every eps, whatever was left out.

A cluster grows with eps, and so does the cluster of a row: from some eps on it holds at least ``floor`` rows. Below
that eps the row is noise here. That is written into its thresholds: core and entry are raised to it, and so is the gap,
which is read only at an eps where the leaf is a core leaf. What lies below the floor is thus not hidden by whoever
draws it but is not there at all.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwidgets.compute.density.boruvka import find
from segwidgets.compute.density.portable import Portable
from segwidgets.compute.kernel import kernel


@dataclasses.dataclass(frozen=True, eq=False)
class Sampled:
    """Kept leaves in leaf order; arrays are (k,), one element a leaf, but ``leaf``."""

    gap: NDArray[np.float32]
    core: NDArray[np.float32]
    entry: NDArray[np.float32]
    host: NDArray[np.int32]
    """A kept leaf; itself, where it is a core leaf whenever it is in a cluster."""
    leaf: NDArray[np.int32]
    """(s,) the leaf of each row of the sample, in the order in which the rows were given."""

    def slots(self, eps: float) -> NDArray[np.int32]:
        """(k,) the cluster of each leaf at a float32 ``eps``, from 1 in leaf order; 0: noise, or in a small cluster."""
        at = np.float32(eps)
        core = self.core <= at
        slots = np.cumsum(core & (self.gap > at)).astype(np.int32)
        slots[~core] = 0
        border = ~core & (self.entry <= at)
        slots[border] = slots[self.host[border]]
        return slots


@kernel()
def _grown(order: Any, at: Any, ends: Any, floor: int, n: int) -> Any:
    """(n,) from which eps on the cluster of each leaf holds ``floor`` leaves, from the events by eps; else infinite."""
    parent, size = np.arange(n).astype(np.int32), np.ones(n, np.int64)
    reached, left = np.full(n, np.inf, np.float32), np.full(n, np.inf, np.float32)
    above = np.arange(n).astype(np.int32)
    for i in order:
        a, b = find(parent, ends[i, 0]), find(parent, ends[i, 1])
        if a == b:
            continue
        if size[a] < size[b]:
            a, b = b, a
        parent[b] = above[b] = a
        left[b] = at[i]
        size[a] += size[b]
        if size[a] >= floor and reached[a] == np.inf:
            reached[a] = at[i]
    found = np.full(n, np.inf, np.float32)
    for leaf in range(n):
        since, node = np.float32(0), np.int32(leaf)
        # Sizes at least double on the way up, so it is short.
        while reached[node] == np.inf and above[node] != node:
            since, node = left[node], above[node]
        found[leaf] = max(since, reached[node])
    return found


def grown(whole: Portable, floor: int) -> NDArray[np.float32]:
    """(n,) by leaf: from which eps on its cluster holds at least ``floor`` rows, 2 or more; infinite: never."""
    n = len(whole.row)
    border = np.flatnonzero(whole.entry < whole.core)
    joins = np.arange(1, n, dtype=np.int32)
    ends = np.concatenate((np.column_stack((joins - 1, joins)), np.column_stack((border, whole.host[border]))))
    at = np.concatenate((whole.gap[1:], whole.entry[border]))
    finite = np.isfinite(at)
    at, ends = at[finite], ends[finite]
    found: NDArray[np.float32] = _grown(np.argsort(at, kind="stable"), at, ends.astype(np.int32), floor, n)
    return found


def sampled(whole: Portable, rows: NDArray[np.integer[Any]], floor: int) -> Sampled:
    """What a sample of the rows needs of all of them.

    Args:
        whole: of all rows.
        rows: (s,) the rows of the sample, each once.
        floor: rows that a cluster must have to be told of, 2 or more.
    """
    n = len(whole.row)
    leaf_of = np.empty(n, np.int32)
    leaf_of[whole.row] = np.arange(n, dtype=np.int32)
    chosen = leaf_of[rows]
    told = grown(whole, floor)
    core, entry = np.maximum(whole.core, told), np.maximum(whole.entry, told)
    keep = np.zeros(n, bool)
    keep[chosen] = True
    keep[whole.host[chosen[entry[chosen] < core[chosen]]]] = True
    kept = np.flatnonzero(keep)
    place = np.full(n, -1, np.int32)
    place[kept] = np.arange(len(kept), dtype=np.int32)
    core, entry = core[kept], entry[kept]
    starts = np.concatenate(([0], kept[:-1] + 1))
    gap = np.maximum(np.maximum.reduceat(whole.gap[: kept[-1] + 1], starts), core) if len(kept) else whole.gap[:0]
    own = np.arange(len(kept), dtype=np.int32)
    host = np.where(entry < core, place[whole.host[kept]], own)
    # A host that is only there for others, and a border leaf itself, needs a host that is kept.
    silent = host < 0
    entry = np.where(silent, core, entry)
    return Sampled(gap, core, entry, np.where(silent, own, host).astype(np.int32), place[chosen])
