"""DensityIndex: exact DBSCAN at every eps and every min_samples, from one neighbour search."""

from __future__ import annotations

import math
import operator
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segwidgets.compute import guidance
from segwidgets.compute.density import boruvka, bvh, coresg, knn
from segwidgets.compute.density.distance import reach, reach_rows, squared
from segwidgets.compute.density.hierarchy import Hierarchy
from segwidgets.compute.density.profile import Profile, profile
from segwidgets.compute.kernel import kernel
from segwidgets.compute.progress import Tick, no_tick

#: Largest min_samples that an index answers for when nobody asks for more.
DEFAULT_MAX_MIN_SAMPLES = 32

_FORMAT = 1
_HIERARCHIES_KEPT = 4
_BYTES_PER_POINT = 260  # besides the neighbour lists: points, boxes, trees and what a build needs on its way
_SHARE_OF_MEMORY = 0.8


@kernel()
def _lengths(points: Any, edges: Any, out: Any) -> None:
    for e in range(out.size):
        p, q = edges[e, 0], edges[e, 1]
        out[e] = reach(squared(points[p, 0] - points[q, 0], points[p, 1] - points[q, 1], points[p, 2] - points[q, 2]))


@kernel()
def _reach_all(squares: Any) -> None:
    for i in range(squares.size):
        squares[i] = reach(squares[i])


def _checked_points(points: ArrayLike) -> NDArray[np.float64]:
    """(n, 3) float64; a missing third coordinate is 0, which changes no distance. Raises ValueError."""
    array = np.asarray(points)
    if array.ndim != 2 or array.shape[1] not in {2, 3}:
        raise ValueError(f"points of shape {array.shape} cannot be clustered: give an array of shape (n, 2) or (n, 3).")
    if not len(array):
        raise ValueError("points has no rows: at least 1 is needed.")
    if array.dtype.kind not in "fiu":
        raise ValueError(f"points of dtype {array.dtype} cannot be clustered: give float32 or float64.")
    good = np.isfinite(array)
    if not good.all():
        row, column = np.argwhere(~good)[0]
        raise ValueError(
            f"points has {int((~good).sum())} NaN or infinite values, the first at row {row}, column {column}: "
            "remove or fill them."
        )
    out = np.zeros((len(array), 3), np.float64)
    out[:, : array.shape[1]] = array
    return out


def _whole(name: str, value: object, low: int, high: float, way_out: str) -> int:
    try:
        number = -1 if isinstance(value, (bool, np.bool_)) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if not low <= number <= high:
        rule = f"from {low}" + (f" to {high:g}" if math.isfinite(high) else "")
        raise ValueError(f"{name}={value!r} is not allowed: it must be a whole number {rule}. {way_out}")
    return number


def _checked_eps(eps: object) -> float:
    good = isinstance(eps, (int, float, np.integer, np.floating)) and not isinstance(eps, bool)
    number = float(eps) if good else math.nan  # type: ignore[arg-type]
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(
            f"eps={eps!r} is not allowed: it must be a finite number from 0; 0 joins exact duplicates only. "
            "suggest_eps() gives one."
        )
    return number


def _refuse_beyond_memory(n: int, listed: int) -> None:
    needed = n * (12 * listed + _BYTES_PER_POINT)
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not every system tells
        return
    if needed > _SHARE_OF_MEMORY * there:
        raise ValueError(
            f"{n:,} points with max_min_samples={listed + 1} need about {needed / 1e9:.1f} GB of this machine's "
            f"{there / 1e9:.1f} GB, and at most {_SHARE_OF_MEMORY:.0%} may be taken: lower max_min_samples, or take a "
            "sample of the rows."
        )


class DensityIndex:
    """Exact DBSCAN (Euclidean) at every eps >= 0 and every min_samples up to a limit.

    Building searches the nearest neighbours once and makes a mutual-reachability spanning tree; any eps is then one
    scan. Labels equal ``sklearn.cluster.DBSCAN(eps, min_samples=…).fit_predict(points)`` number by number.
    Coordinates are compared as float64. Distances, core distances and tree weights are the smallest float64 eps at
    which scikit-learn sees the pair as neighbours (`segwidgets.compute.density.distance`), so any of them can be
    passed back as eps and reaches the point it was taken from.

    All methods may be called from several threads at once, and release the GIL.

    Args:
        points: (n, 2) or (n, 3) numbers, n >= 1, all finite.
        min_samples: Points within eps, the point itself included, that make a core point; 1 or more. The default of
            all methods. With fewer than min_samples points everything is noise.
        max_min_samples: The largest min_samples that will be asked for; default max(min_samples, 32). It takes 12
            bytes per point and unit. An index with max_min_samples >= n answers every min_samples.
        tick: Called about every 50 ms with the share done; what it raises ends the build.

    Raises:
        ValueError: Wrong shape or dtype, no rows, NaN or infinities, min_samples out of range, or more memory
            needed than 0.8 of the machine's.
    """

    def __init__(
        self, points: ArrayLike, min_samples: int = 10, max_min_samples: int | None = None, *, tick: Tick = no_tick
    ) -> None:
        self.min_samples = _whole("min_samples", min_samples, 1, math.inf, "10 is usual for two or three dimensions.")
        if max_min_samples is None:
            max_min_samples = max(self.min_samples, DEFAULT_MAX_MIN_SAMPLES)
        self.max_min_samples = _whole("max_min_samples", max_min_samples, 1, math.inf, "min_samples or more is enough.")
        checked = _checked_points(points)
        self.n = len(checked)
        if self.max_min_samples < min(self.min_samples, self.n):
            raise ValueError(
                f"max_min_samples={max_min_samples} is not allowed: it must be from min_samples={self.min_samples}."
            )
        # One neighbour at least, for the spanning tree's sake.
        listed = min(max(self.max_min_samples, 2), self.n) - 1
        _refuse_beyond_memory(self.n, listed)
        self._scale = float(np.abs(checked).max())
        self._prepare()
        self._build(checked, listed, tick)
        self._hierarchy(self.min_samples, lambda done: tick(0.85 + 0.15 * done))
        tick(1.0)

    def _prepare(self) -> None:
        self._lock = threading.RLock()
        self._hierarchies: OrderedDict[int, Hierarchy] = OrderedDict()

    def _build(self, points: NDArray[np.float64], listed: int, tick: Tick) -> None:
        tree = bvh.build(points, lambda done: tick(0.08 * done))
        self._rows = tree.rows
        if self.n == 1:
            self._distances, self._indices = np.empty((1, 0)), np.empty((1, 0), np.int32)
            self._edges, self._weights, self._edge_lengths = np.empty((0, 2), np.int32), np.empty(0), np.empty(0)
            return
        squares, self._indices = knn.neighbors(tree, listed, lambda done: tick(0.08 + 0.47 * done))
        core = np.ascontiguousarray(squares[:, -1])
        self._edges, self._weights = boruvka.spanning_tree(
            tree, squares, self._indices, core, lambda done: tick(0.55 + 0.3 * done)
        )
        _reach_all(self._weights)
        self._edge_lengths = np.empty(self.n - 1, np.float64)
        _lengths(tree.points, self._edges, self._edge_lengths)
        reach_rows(squares)
        self._distances = squares

    def _core(self, min_samples: int) -> NDArray[np.float64]:
        """Core distances in the tree's order of points."""
        if min_samples > self.n:
            return np.full(self.n, np.inf)
        if min_samples == 1:
            return np.zeros(self.n)
        return np.ascontiguousarray(self._distances[:, min_samples - 2])

    def _checked_min_samples(self, min_samples: int | None) -> int:
        if min_samples is None:
            return self.min_samples
        # All neighbours are listed then, and more than all are simply too many: everything is noise.
        most = math.inf if self.max_min_samples >= self.n else self.max_min_samples
        way_out = "Build the index with a larger max_min_samples for more."
        return _whole("min_samples", min_samples, 1, most, way_out)

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
        core = self._core(min_samples)
        edges, weights = self._edges, self._weights
        if min_samples > self.n:
            weights = np.full(self.n - 1, np.inf)
        elif min_samples != self._distances.shape[1] + 1 and self.n > 1:
            edges, weights = coresg.spanning_tree(
                self._distances, self._indices, core, self._edges, self._edge_lengths, lambda done: tick(0.6 * done)
            )
        return Hierarchy.build(
            min_samples, core, edges, weights, self._distances, self._indices, lambda done: tick(0.6 + 0.4 * done)
        )

    def labels(self, eps: float, min_samples: int | None = None) -> NDArray[np.int32]:
        """DBSCAN's labels at ``eps``: (n,) int32, -1 for noise, numbered as by scikit-learn.

        A border point goes to the lowest cluster among those whose core points it is near, as in scikit-learn.
        ``min_samples`` defaults to the index's own; a new one costs a new tree, the last few are kept.

        Raises:
            ValueError: eps is negative or not finite, or min_samples is not from 1 to ``max_min_samples``.
        """
        eps = _checked_eps(eps)
        return self._hierarchy(min_samples).labels(eps, self._rows, self._distances, self._indices)

    def profile(self, eps_grid: ArrayLike, min_samples: int | None = None) -> Profile:
        """Clusters, noise and largest cluster at each eps of a grid (1-D, any order, finite, from 0).

        Raises:
            ValueError: The grid is not that, or min_samples is not from 1 to ``max_min_samples``.
        """
        grid = np.array(eps_grid, dtype=np.float64)
        if grid.ndim != 1:
            raise ValueError(f"eps_grid of shape {grid.shape} is not allowed: give a list of numbers.")
        wrong = grid[~(np.isfinite(grid) & (grid >= 0))]
        if len(wrong):
            raise ValueError(f"eps_grid holds {wrong[0]}: every eps must be a finite number from 0.")
        with self._lock:  # what a profile needs is made once, on the first one
            return profile(self._hierarchy(min_samples), grid)

    @property
    def core_distances_(self) -> NDArray[np.float64]:
        """(n,) by row: distance to the (min_samples - 1)-th nearest other point, infinite where there is none.

        A point is a core point from that eps on.
        """
        return self._by_row(self._core(self.min_samples))

    def k_distances(self, k: int) -> NDArray[np.float64]:
        """Distances of all points to their k-th nearest other point, ascending, (n,) float64.

        ``k=min_samples - 1`` gives the core distances; ``k=0`` is the point itself.

        Raises:
            ValueError: k is not from 0 to the smaller of ``max_min_samples - 1`` and ``n - 1``.
        """
        most = min(self.max_min_samples, self.n) - 1
        number = _whole(
            "k", k, 0, most, "Build the index with a larger max_min_samples, or with more points, for more."
        )
        return np.sort(self._core(number + 1))

    @property
    def tree_(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """The mutual-reachability spanning tree: edges (n - 1, 2) int32 in row numbers, and weights, ascending."""
        hierarchy = self._hierarchy(None)
        return self._rows[hierarchy.edges], hierarchy.weights.copy()

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
        core = self._core(m)
        grid = guidance.eps_grid(core)
        if len(grid):
            return guidance.suggest_eps(self.profile(grid, m), core)
        # A tree of infinite weights (too few points to cluster) has lengths all the same.
        positive = self._edge_lengths[self._edge_lengths > 0]
        tiny = float(positive.min()) / 2 if len(positive) else 1e-6 * self._scale
        return tiny if tiny > 0 else 1e-6

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The index as plain arrays, for a disk cache; `from_arrays` gives it back without building."""
        hierarchy = self._hierarchy(None)
        return {
            "format": np.array([_FORMAT, self.n, self.min_samples, self.max_min_samples], np.int64),
            "scale": np.array([self._scale]),
            "rows": self._rows,
            "distances": self._distances,
            "indices": self._indices,
            "edges": self._edges,
            "weights": self._weights,
            "edge_lengths": self._edge_lengths,
            "own_edges": hierarchy.edges,
            "own_weights": hierarchy.weights,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> DensityIndex:
        """The index that `to_arrays` described; raises ValueError if arrays are missing or not of this format."""
        missing = {"format", "scale", *_SHAPES} - set(arrays)
        if missing:
            raise ValueError(
                f"these arrays are no DensityIndex: {', '.join(sorted(missing))} is missing. Build it again."
            )
        version, n, min_samples, max_min_samples = (int(value) for value in arrays["format"])
        if version != _FORMAT:
            raise ValueError(f"DensityIndex format {version} cannot be read, only {_FORMAT}: build it again.")
        listed = min(max(max_min_samples, 2), n) - 1
        for name, (dtype, shape) in _SHAPES.items():
            expected = tuple({"n": n, "edges": n - 1, "k": listed}.get(str(size), size) for size in shape)
            if arrays[name].shape != expected or arrays[name].dtype != dtype:
                raise ValueError(
                    f"{name} is {arrays[name].dtype} {arrays[name].shape}, expected {np.dtype(dtype)} {expected}: the "
                    "stored index is damaged. Build it again."
                )
        index = cls.__new__(cls)
        index.n, index.min_samples, index.max_min_samples = n, min_samples, max_min_samples
        index._scale = float(arrays["scale"][0])
        # C order and writable copies would cost memory: the kernels only read, and take what np.load gives.
        for name in ("rows", "distances", "indices", "edges", "weights", "edge_lengths"):
            setattr(index, f"_{name}", np.ascontiguousarray(arrays[name]))
        index._prepare()
        index._hierarchies[min_samples] = Hierarchy.build(
            min_samples,
            index._core(min_samples),
            arrays["own_edges"],
            arrays["own_weights"],
            index._distances,
            index._indices,
        )
        return index

    def _by_row(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.empty_like(values)
        out[self._rows] = values
        return out


_SHAPES: dict[str, tuple[type[Any], tuple[str | int, ...]]] = {
    "rows": (np.int32, ("n",)),
    "distances": (np.float64, ("n", "k")),
    "indices": (np.int32, ("n", "k")),
    "edges": (np.int32, ("edges", 2)),
    "weights": (np.float64, ("edges",)),
    "edge_lengths": (np.float64, ("edges",)),
    "own_edges": (np.int32, ("edges", 2)),
    "own_weights": (np.float64, ("edges",)),
}
