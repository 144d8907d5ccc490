"""Rows that stand for a segment, and rows at its border. Row numbers: for the analyst's eyes only."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from segwidgets.compute.progress import Tick, no_tick
from segwidgets.compute.scores import silhouette_rows
from segwidgets.compute.scores.estimate import checked_labels


@dataclasses.dataclass(frozen=True, eq=False)
class Examples:
    """Row numbers by segment; never in a report, so it has no public form.

    ``central``: the rows nearest to the segment's median place, nearest first. ``border``: those with the lowest
    silhouette, lowest first; empty where there is one segment only.
    """

    central: dict[int, npt.NDArray[np.int64]]
    border: dict[int, npt.NDArray[np.int64]]


def examples(points: npt.ArrayLike, labels: npt.ArrayLike, *, count: int = 5, tick: Tick = no_tick) -> Examples:
    """Representative and boundary rows of each segment.

    Args:
        points: (n, c) the map; c at most 20.
        labels: (n,) -1 for noise, which has neither.
        count: of either, at most; a segment of few rows has as many as it has.
        tick: called with the share done; may raise `Cancelled`.
    """
    if isinstance(count, bool) or count < 1:
        raise ValueError(f"count={count!r} is not allowed: it is how many rows are wanted of each segment, from 1.")
    array = np.asarray(points, np.float64)
    given = checked_labels(labels, len(array))
    silhouettes, _ = silhouette_rows(array, given, tick=tick)
    central: dict[int, npt.NDArray[np.int64]] = {}
    border: dict[int, npt.NDArray[np.int64]] = {}
    for segment in np.unique(given[given >= 0]).tolist():
        rows = np.flatnonzero(given == segment)
        apart = ((array[rows] - np.median(array[rows], axis=0)) ** 2).sum(axis=1)
        central[segment] = rows[np.argsort(apart, kind="stable")[:count]]
        known = rows[np.isfinite(silhouettes[rows])]
        border[segment] = known[np.argsort(silhouettes[known], kind="stable")[:count]]
    return Examples(central, border)
