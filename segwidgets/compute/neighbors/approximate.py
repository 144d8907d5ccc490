"""The approximate search as a whole: what nearest-neighbour descent leaves open is closed here."""

from __future__ import annotations

import numpy as np

from segwidgets.compute.neighbors import descent
from segwidgets.compute.neighbors.cost import Effort
from segwidgets.compute.neighbors.exact import nearest
from segwidgets.compute.neighbors.points import points_of
from segwidgets.compute.neighbors.rows import EUCLIDEAN, JACCARD, MANHATTAN, Rows, taken
from segwidgets.compute.neighbors.table import FloatArray, IndexArray, Neighbors
from segwidgets.compute.progress import Tick


class Search:
    """A search that can be continued with more effort.

    Rows that are at distance 1 from all others by definition take no part; they are put where they belong at the end.

    Args:
        code: of the metric.
        rows: the data.
        k: neighbours, the row itself not counted.
        seed: of trees and samples.
        begin: known neighbours, or None.
    """

    def __init__(self, code: int, rows: Rows, k: int, seed: int, begin: Neighbors | None) -> None:
        self.code, self.rows, self.k, self.seed = code, rows, k, seed
        if code in {EUCLIDEAN, MANHATTAN}:
            live = np.ones(len(rows.mean), np.bool_)
        else:
            live = rows.sums > 0 if code == JACCARD else rows.inverse > 0
        self.live, self.blank = (np.flatnonzero(mask).astype(np.int32) for mask in (live, ~live))
        self.part = taken(rows, self.live) if len(self.blank) else rows
        self.known = None
        if begin is not None:
            place = np.full(len(live), -1, np.int32)
            place[self.live] = np.arange(len(self.live), dtype=np.int32)
            known = place[begin.indices[self.live, 1:]]
            # A blank neighbour is replaced by the row itself, which is no news to its list.
            self.known = np.where(known < 0, np.arange(len(known), dtype=np.int32)[:, None], known)
        self.lists: descent.Lists | None = None
        self.trees = 0

    def run(self, work: Effort, tick: Tick) -> tuple[IndexArray, FloatArray]:
        """Search, or search on, with this effort: (n, k) int32 and (n, k) float32 by distance and index."""
        if len(self.live) > 1:
            width = min(work.width, len(self.live) - 1)
            if self.lists is None:
                points = points_of(self.code, self.part, lambda _: tick(0.0))
                self.lists = descent.begin_lists(points, width, work.leaf, self.seed, self.known, lambda _: tick(0.0))
                self.trees = 1
            else:
                descent.widen(self.lists, width)
            # Known neighbours do what more trees would.
            trees = work.trees if self.known is None else max(2, work.trees - 6)
            seeds = range(self.seed + self.trees, self.seed + trees)
            descent.add_trees(self.lists, seeds, work.leaf, lambda done: tick(0.2 * done))
            self.trees = max(trees, self.trees)
            descent.descend(
                self.lists, work.sample, work.rounds, self.seed + 1000 * trees, lambda done: tick(0.2 + 0.7 * done)
            )
            found, near = descent.finish(self.code, self.part, self.lists, self.k, lambda done: tick(0.9 + 0.1 * done))
            self._complete(found, near, tick)
        else:
            found = np.full((len(self.live), self.k), np.iinfo(np.int32).max, np.int32)
            near = np.full(found.shape, np.inf, np.float32)
        return self._with_blank(found, near)

    def _complete(self, found: IndexArray, near: FloatArray, tick: Tick) -> None:
        """Lists that remained short: their rows are few, and searched exactly."""
        if self.k > len(self.live) - 1:
            return
        short = np.flatnonzero(np.isinf(near[:, -1])).astype(np.int32)
        if len(short):
            whole = nearest(self.code, self.part, taken(self.part, short), self.k, short, lambda _: tick(1.0))
            found[short], near[short] = whole

    def _with_blank(self, found: IndexArray, near: FloatArray) -> tuple[IndexArray, FloatArray]:
        """The lists of all rows, in the data's numbering."""
        if not len(self.blank):
            return found, near
        n, k = len(self.rows.mean), self.k
        index, distances = np.empty((n, k), np.int32), np.ones((n, k), np.float32)
        some = found < len(self.live)
        index[self.live] = np.where(some, self.live[np.where(some, found, 0)], np.iinfo(np.int32).max)
        distances[self.live] = near
        # A blank row is as far from all: the first ones are its neighbours.
        first = np.arange(k + 1, dtype=np.int32)
        late = self.blank[self.blank > k]
        index[late] = first[:k]
        for row in self.blank[self.blank <= k]:
            index[row] = first[first != row]
        # Whoever has neighbours beyond 1 has blank ones that are nearer.
        far = self.live[near[:, -1] >= 1]
        blanks = self.blank[:k]
        for start in range(0, len(far), 65_536):
            part = far[start : start + 65_536]
            candidates = np.hstack([index[part], np.tile(blanks, (len(part), 1))])
            away = np.hstack([distances[part], np.ones((len(part), len(blanks)), np.float32)])
            order = np.lexsort((candidates, away), axis=1)[:, :k]
            index[part] = np.take_along_axis(candidates, order, axis=1)
            distances[part] = np.take_along_axis(away, order, axis=1)
        return index, distances
