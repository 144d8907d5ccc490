"""A clustering for every eps in 20 bytes a row, to be cut without a kernel: the reference for the front end.

The arrays stand in leaf order (`segwidgets.compute.density.hierarchy`), one leaf a row. To cut at a float32 ``eps``,
go over the leaves once, in order:

- ``core <= eps``: a core leaf. Where ``gap > eps`` it begins the next cluster and is its anchor, else it belongs to the
  cluster begun last.
- else ``entry <= eps``: a border leaf. Its cluster is that of the leaf ``host``, always a core leaf at this eps; it may
  stand further on, so border leaves are looked up when the scan is through.
- else noise, -1.

Clusters are then numbered from 0 by the smallest ``row`` among their core leaves, as scikit-learn does.

Thresholds are float64 rounded up to float32. For a float32 eps, ``x <= eps`` and ``up(x) <= eps`` say the same: up(x)
is the smallest float32 from x on, so an eps that reaches x is no smaller than it, and up(x) is no smaller than x.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from segwidgets.compute.density.hierarchy import Hierarchy


@dataclasses.dataclass(frozen=True, eq=False)
class Portable:
    """What a cut needs, by leaf; all arrays are (n,), one element a row."""

    row: NDArray[np.int32]
    """The row of each leaf."""
    gap: NDArray[np.float32]
    """The eps at which a leaf joins the leaf before it; infinite for the first."""
    core: NDArray[np.float32]
    """The eps from which on it is a core point; infinite: never."""
    entry: NDArray[np.float32]
    """The eps at which it stops being noise."""
    host: NDArray[np.int32]
    """The leaf of the core point that it reaches then; itself, where it is a core point by then."""


def snap(eps: float) -> float:
    """The float32 next to ``eps``, at which a `Portable` is exact; raises ValueError if it is not finite from 0."""
    snapped = float(np.float32(eps)) if abs(eps) < 3.4e38 else math.nan
    if not snapped >= 0:
        raise ValueError(f"eps={eps!r} is not allowed: it must be a finite number from 0, and below 3.4e38.")
    return snapped


def _up(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The smallest float32 that is not below, infinite beyond the largest."""
    with np.errstate(over="ignore"):
        near = values.astype(np.float32)
    low = near < values
    near[low] = np.nextafter(near[low], np.float32(np.inf))
    return near


def portable(hierarchy: Hierarchy, rows_of_points: NDArray[np.intp]) -> Portable:
    """The hierarchy by row.

    A point that stands for several rows becomes as many leaves in a row, the first row first; they join each other
    as soon as they are core points.

    Args:
        hierarchy: All clusterings for one min_samples.
        rows_of_points: (n,) the rows, sorted by the leaf of their point, then by number.
    """
    h = hierarchy
    row = rows_of_points.astype(np.int32)
    core, gap, entry, host = _up(h.core), _up(h.gap), _up(h.entry), h.host
    if h.count is not None:
        begins = np.concatenate(([0], np.cumsum(h.count)[:-1]))
        leaf = np.repeat(np.arange(len(h.count)), h.count)
        core, entry = core[leaf], entry[leaf]
        host = begins[host][leaf].astype(np.int32)
        wide = core.copy()
        wide[begins] = gap
        gap = wide
    return Portable(row, gap, core, entry, host)


def labels_from_portable(portable: Portable, eps: float) -> NDArray[np.int32]:
    """(n,) labels by row at ``snap(eps)``, as by ``DensityIndex.labels``; loops and comparisons only.

    Raises:
        ValueError: eps is negative, not finite or beyond float32.
    """
    return _scan(portable, snap(eps))[0]


def anchors_from_portable(portable: Portable, eps: float) -> NDArray[np.int32]:
    """(clusters,) the row of each cluster's anchor at ``snap(eps)``; raises ValueError as `labels_from_portable`."""
    return _scan(portable, snap(eps))[1]


def _scan(portable: Portable, eps: float) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    row, gap, core = portable.row.tolist(), portable.gap.tolist(), portable.core.tolist()
    entry, host = portable.entry.tolist(), portable.host.tolist()
    n = len(row)
    cluster = [-1] * n
    lowest: list[int] = []
    anchor: list[int] = []
    for leaf in range(n):
        if core[leaf] <= eps:
            if gap[leaf] > eps:
                lowest.append(row[leaf])
                anchor.append(row[leaf])
            elif row[leaf] < lowest[-1]:
                lowest[-1] = row[leaf]
            cluster[leaf] = len(lowest) - 1
    by_row = sorted(range(len(lowest)), key=lowest.__getitem__)
    number = [0] * len(lowest)
    for rank, c in enumerate(by_row):
        number[c] = rank
    labels = np.full(n, -1, np.int32)
    for leaf in range(n):
        if entry[leaf] <= eps:
            labels[row[leaf]] = number[cluster[leaf if core[leaf] <= eps else host[leaf]]]
    return labels, np.array([anchor[c] for c in by_row], dtype=np.int32)
