"""DensityIndex: exact DBSCAN at every eps and every min_samples, from one neighbour search."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segwidgets.compute import guidance
from segwidgets.compute.density import boruvka, bvh, coresg, duplicates, knn, memory, stored
from segwidgets.compute.density.assign import assign
from segwidgets.compute.density.checks import checked_border, checked_eps, checked_grid, checked_points, whole
from segwidgets.compute.density.cut import cut, cut_directly
from segwidgets.compute.density.distance import axes_of, lengths, reach_rows
from segwidgets.compute.density.hierarchy import Hierarchy
from segwidgets.compute.density.lists import Lists, first_rows
from segwidgets.compute.density.portable import Portable, portable
from segwidgets.compute.density.profile import Profile, profile
from segwidgets.compute.progress import Tick, no_tick

#: Largest min_samples that an index answers for when nobody asks for more.
DEFAULT_MAX_MIN_SAMPLES = 64

Border = Literal["nearest", "first"]
_HIERARCHIES_KEPT = 4


class DensityIndex:
    """Exact DBSCAN (Euclidean) at every eps >= 0 and every min_samples up to a limit.

    Building searches the nearest neighbours once and makes a mutual-reachability spanning tree; any eps is then one
    scan. Clusters, their numbers and noise are those of ``sklearn.cluster.DBSCAN(eps, min_samples=…)``, and with
    ``border="first"`` every label is. Coordinates are compared as float64. Distances, core distances and tree weights
    are the smallest float64 eps at which scikit-learn sees the pair as neighbours
    (`segwidgets.compute.density.distance`), so any of them can be passed back as eps and reaches the point it was
    taken from. Rows at exactly one place are searched as one point.

    All methods may be called from several threads at once, and release the GIL.

    Args:
        points: (n, d) numbers, n >= 1, d from 1 to 20, all finite.
        min_samples: Points within eps, the point itself included, that make a core point; 1 or more. The default of
            all methods. With fewer than min_samples points everything is noise.
        max_min_samples: The largest min_samples that will be asked for; default max(min_samples, 64). It takes 12
            bytes per point and unit (`estimate_bytes`). An index with max_min_samples >= n answers every min_samples.
        sample_weight: (n,) what each row counts towards min_samples, as in scikit-learn's ``fit``; default 1 each.
            Above 0, and such that float64 holds every sum of them exactly: whole numbers do, tenths do not. The lists
            are as much longer as the smallest weight is below 1.
        tick: Called about every 50 ms with the share done; what it raises ends the build.

    Raises:
        ValueError: Wrong shape or dtype, no rows, NaN or infinities, min_samples out of range, weights as above, or
            more memory needed than 0.8 of the machine's.
    """

    def __init__(
        self,
        points: ArrayLike,
        min_samples: int = 10,
        max_min_samples: int | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        tick: Tick = no_tick,
    ) -> None:
        self.min_samples = whole("min_samples", min_samples, 1, math.inf, "10 is usual for two or three dimensions.")
        if max_min_samples is None:
            max_min_samples = max(self.min_samples, DEFAULT_MAX_MIN_SAMPLES)
        self.max_min_samples = whole("max_min_samples", max_min_samples, 1, math.inf, "min_samples or more is enough.")
        checked = checked_points(points)
        self.n, self.dims = len(checked), np.shape(points)[1]
        weights = None if sample_weight is None else duplicates.checked_weights(sample_weight, self.n)
        most = self.n if weights is None else math.floor(weights.sum())
        if self.max_min_samples < min(self.min_samples, most):
            raise ValueError(
                f"max_min_samples={max_min_samples} is not allowed: it must be from min_samples={self.min_samples}."
            )
        self._build(checked, weights, tick)
        self._hierarchy(self.min_samples, lambda done: tick(0.8 + 0.2 * done))
        tick(1.0)

    @staticmethod
    def estimate_bytes(n: int, dims: int = 3, max_min_samples: int = DEFAULT_MAX_MIN_SAMPLES) -> int:
        """About how much memory building an index of n different points takes at its height, beyond the input.

        Rows at one place count once. A build that would take more than 0.8 of the machine's memory is refused.
        """
        return memory.bytes_needed(n, dims, min(max(max_min_samples, 2), max(n, 1)) - 1)

    def _build(self, points: NDArray[np.float64], weights: NDArray[np.float64] | None, tick: Tick) -> None:
        points, place_of = duplicates.collapse(points, lambda done: tick(0.03 * done))
        u = len(points)
        at_place: NDArray[np.float64] | None = None
        if weights is not None:
            at_place = np.bincount(place_of, weights, minlength=u).astype(np.float64)
        elif u < self.n:
            at_place = np.bincount(place_of, minlength=u).astype(np.float64)
        least = 1.0 if at_place is None else float(at_place.min())
        # One neighbour at least, for the spanning tree's sake.
        listed = min(max(math.ceil(self.max_min_samples / least), 2), u) - 1
        memory.refuse_beyond(u, self.dims, listed)
        tree = bvh.build(points, lambda done: tick(0.03 + 0.07 * done))
        position = np.empty(u, np.int32)
        position[tree.rows] = np.arange(u, dtype=np.int32)
        point_of = position[place_of]
        count: NDArray[np.int64] | None = None if u == self.n else np.bincount(point_of, minlength=u).astype(np.int64)
        if u > 1:
            squares, indices = knn.neighbors(tree, listed, lambda done: tick(0.1 + 0.4 * done))
            edges, edge_weights = boruvka.spanning_tree(
                tree, squares, indices, np.ascontiguousarray(squares[:, -1]), lambda done: tick(0.5 + 0.3 * done)
            )
            # Only which edges they are matters: their weights follow from their lengths.
            lengths(tree.points, axes_of(tree.points), edges, edge_weights)
            reach_rows(squares)
        else:
            squares, indices = np.empty((1, 0)), np.empty((1, 0), np.int32)
            edges, edge_weights = np.empty((0, 2), np.int32), np.empty(0)
        lists = Lists(
            tree.points,
            squares,
            indices,
            point_of,
            first_rows(point_of, u),
            count,
            None if at_place is None else at_place[tree.rows],
        )
        self._prepare(lists, edges, edge_weights, tree)

    def _prepare(
        self, lists: Lists, edges: NDArray[np.int32], edge_lengths: NDArray[np.float64], tree: bvh.Boxes
    ) -> None:
        self._lock = threading.RLock()
        self._hierarchies: OrderedDict[int, Hierarchy] = OrderedDict()
        self._asked: set[int] = set()
        self._lists, self._edges, self._edge_lengths, self._tree = lists, edges, edge_lengths, tree
        self._radius = lists.radius
        self._bridges, self._bridge_lengths = coresg.bridges_of(edges, edge_lengths, self._radius)
        self._weight = float(self.n if lists.weight is None else lists.weight.sum())

    def _checked_min_samples(self, min_samples: int | None) -> int:
        if min_samples is None:
            return self.min_samples
        # All neighbours are listed then, and more than all are simply too many: everything is noise.
        most = math.inf if self.max_min_samples >= self._weight else self.max_min_samples
        way_out = "Build the index with a larger max_min_samples for more."
        return whole("min_samples", min_samples, 1, most, way_out)

    def _hierarchy(self, min_samples: int | None, tick: Tick = no_tick) -> Hierarchy:
        m = self._checked_min_samples(min_samples)
        with self._lock:
            if m not in self._hierarchies:
                self._hierarchies[m] = self._make_hierarchy(m, tick)
                while len(self._hierarchies) > _HIERARCHIES_KEPT:
                    oldest = next(key for key in self._hierarchies if key not in {m, self.min_samples})
                    del self._hierarchies[oldest]
            self._hierarchies.move_to_end(m)
            return self._hierarchies[m]

    def _make_hierarchy(self, min_samples: int, tick: Tick) -> Hierarchy:
        core = self._lists.core(min_samples)
        if min_samples > self._weight:
            edges, weights = self._edges, np.full(len(self._edges), np.inf)
        elif np.array_equal(core, self._radius):
            edges = self._edges
            weights = np.maximum(self._edge_lengths, core[edges].max(axis=1, initial=0))
        else:
            edges, weights = coresg.spanning_tree(
                self._lists, core, self._bridges, self._bridge_lengths, lambda done: tick(0.5 * done)
            )
        return Hierarchy.build(min_samples, core, edges, weights, self._lists, lambda done: tick(0.5 + 0.5 * done))

    def _known(self, min_samples: int) -> bool:
        """Whether a hierarchy is there, or worth making: not for the first time that a min_samples is asked for."""
        with self._lock:
            known = min_samples in self._hierarchies or min_samples in self._asked
            self._asked.add(min_samples)
            return known

    def labels(self, eps: float, min_samples: int | None = None, border: Border = "nearest") -> NDArray[np.int32]:
        """DBSCAN's labels at ``eps``: (n,) int32, -1 for noise; clusters are numbered by their first core row.

        Args:
            eps: 0 or more; 0 joins exact duplicates only.
            min_samples: By default the index's own. Another one is answered without a tree the first time, and with
                one from the second time on; the last few trees are kept.
            border: Which cluster a border point belongs to that is near several. "nearest": that of the core point
                which it reaches at the smallest eps (ties: the smaller distance, then the smaller coordinates), so
                that the clusters do not depend on the order of rows. "first": the lowest, as in scikit-learn.

        Raises:
            ValueError: eps is negative or not finite, min_samples is not from 1 to ``max_min_samples``, or border is
                neither rule.
        """
        first, at = checked_border(border), checked_eps(eps)
        m = self._checked_min_samples(min_samples)
        if m <= self._weight and not self._known(m):
            return cut_directly(self._lists, self._lists.core(m), self._bridges, self._bridge_lengths, at, first=first)
        return cut(self._hierarchy(m), self._lists, at, first=first).labels

    def anchors(self, eps: float, min_samples: int | None = None) -> NDArray[np.int32]:
        """(clusters,) int32: the row of the densest point of each cluster of `labels`.

        That is the core point with the smallest core distance (ties: the smaller coordinates; of rows at one place the
        first). As eps grows a cluster keeps its anchor until it merges with one whose anchor is denser.

        Raises:
            ValueError: As `labels`.
        """
        return cut(self._hierarchy(min_samples), self._lists, checked_eps(eps), first=False).anchors

    def assign(
        self, new_points: ArrayLike, eps: float, min_samples: int | None = None, *, tick: Tick = no_tick
    ) -> NDArray[np.int32]:
        """(m,) int32 labels of new points, (m, d), at ``eps``: what `labels` would give each as a border point.

        The cluster of the core point that it reaches at the smallest eps (ties: the smaller distance, then the smaller
        coordinates), -1 if there is none within eps. The points of the index get their own labels back.

        Raises:
            ValueError: As `labels`, or new_points of another width than the index's, with NaN or infinities.
        """
        return self.reached(new_points, eps, min_samples, tick=tick)[0]

    def reached(
        self, new_points: ArrayLike, eps: float, min_samples: int | None = None, *, tick: Tick = no_tick
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """`assign`'s labels, and how far each new point is from its cluster: (m,) int32 and (m,) float64.

        The distance is the smallest eps at which the point is reached by a core point of its cluster, the larger of
        their distance and that point's core distance: never above ``eps``, and infinite for -1.

        Raises:
            ValueError: As `assign`.
        """
        at, new = checked_eps(eps), checked_points(new_points, self.dims)
        m = self._checked_min_samples(min_samples)
        labels = cut(self._hierarchy(m), self._lists, at, first=False).labels
        return assign(self._tree, self._lists.core(m), labels[self._lists.first], new, at, tick)

    def profile(self, eps_grid: ArrayLike, min_samples: int | None = None) -> Profile:
        """Clusters, noise and largest cluster at each eps of a grid (1-D, any order, finite, from 0).

        Raises:
            ValueError: The grid is not that, or min_samples is not from 1 to ``max_min_samples``.
        """
        grid = checked_grid(eps_grid)
        with self._lock:  # what a profile needs is made once, on the first one
            return profile(self._hierarchy(min_samples), grid)

    def portable(self, min_samples: int | None = None) -> Portable:
        """20 bytes a row from which a cut at any float32 eps needs no kernel (`segwidgets.compute.density.portable`).

        Raises:
            ValueError: min_samples is not from 1 to ``max_min_samples``.
        """
        hierarchy = self._hierarchy(min_samples)
        return portable(hierarchy, np.argsort(hierarchy.leaf_of_row, kind="stable"))

    @property
    def core_distances_(self) -> NDArray[np.float64]:
        """(n,) by row: distance to the (min_samples - 1)-th nearest other row, infinite where there is none.

        A row is a core point from that eps on. With ``sample_weight``: where the weight within it reaches min_samples.
        """
        return self._lists.by_row(self._lists.core(self.min_samples))

    def k_distances(self, k: int) -> NDArray[np.float64]:
        """Distances of all rows to their k-th nearest other row, ascending, (n,) float64.

        ``k=min_samples - 1`` gives the core distances, with weights too; ``k=0`` is the row itself.

        Raises:
            ValueError: k is not from 0 to the smaller of ``max_min_samples - 1`` and ``n - 1``.
        """
        most = min(self.max_min_samples, math.floor(self._weight)) - 1
        number = whole("k", k, 0, most, "Build the index with a larger max_min_samples, or with more points, for more.")
        return np.sort(self._lists.by_row(self._lists.core(number + 1)))

    @property
    def tree_(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """The mutual-reachability spanning tree: edges (n - 1, 2) int32 in row numbers, and weights, ascending."""
        return self.tree()

    def tree(self, min_samples: int | None = None) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """`tree_` for another min_samples; raises ValueError if it is not from 1 to ``max_min_samples``."""
        m = self._checked_min_samples(min_samples)
        hierarchy = self._hierarchy(m)
        first, point_of = self._lists.first, self._lists.point_of
        edges, weights = first[hierarchy.edges], hierarchy.weights
        if len(first) == self.n:
            return edges, weights.copy()
        # Further rows at a place hang on its first one.
        rows = np.flatnonzero(first[point_of] != np.arange(self.n)).astype(np.int32)
        edges = np.concatenate([np.column_stack([first[point_of[rows]], rows]), edges])
        weights = np.concatenate([self._lists.by_row(self._lists.core(m))[rows], weights])
        order = np.argsort(weights, kind="stable")
        return edges[order], weights[order]

    def suggest_eps(self, min_samples: int | None = None) -> float:
        """The eps at which most points are in a segment other than the largest one (`guidance.suggest_eps`).

        Always finite and above 0. Where all core distances are 0 (every point has min_samples - 1 duplicates, or
        min_samples is 1) it is half the shortest distance above 0 in the spanning tree, so that duplicates are joined
        and nothing else; where there is no such distance either, a millionth of the largest coordinate, or 1e-6. With
        fewer than min_samples points it is that as well: everything is noise at any eps.

        Raises:
            ValueError: min_samples is out of range.
        """
        m = self._checked_min_samples(min_samples)
        core = self._lists.by_row(self._lists.core(m))
        grid = guidance.eps_grid(core)
        if len(grid):
            return guidance.suggest_eps(self.profile(grid, m), core)
        # A tree of infinite weights (too few points to cluster) has lengths all the same.
        positive = self._edge_lengths[self._edge_lengths > 0]
        scale = float(np.abs(self._lists.points).max())
        tiny = float(positive.min()) / 2 if len(positive) else 1e-6 * scale
        return tiny if tiny > 0 else 1e-6

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The index as plain arrays, for a disk cache; `from_arrays` gives it back without building."""
        own = self._hierarchy(None)
        return stored.pack(
            stored.Stored(
                self.dims,
                self.min_samples,
                self.max_min_samples,
                self._lists,
                self._edges,
                self._edge_lengths,
                own.edges,
                own.weights,
            )
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> DensityIndex:
        """The index that `to_arrays` described; raises ValueError if arrays are missing or not of this format."""
        parts = stored.unpack(arrays)
        index = cls.__new__(cls)
        index.n, index.dims = len(parts.lists.point_of), parts.dims
        index.min_samples, index.max_min_samples = parts.min_samples, parts.max_min_samples
        index._prepare(parts.lists, parts.edges, parts.edge_lengths, bvh.rebuild(parts.lists.points))
        own = index._lists.core(index.min_samples)
        index._hierarchies[index.min_samples] = Hierarchy.build(
            index.min_samples, own, parts.own_edges, parts.own_weights, index._lists
        )
        return index
