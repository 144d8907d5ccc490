"""The first picture of many rows: a sample is laid out by itself, the others are placed by their neighbours in it.

It takes a second or two where the neighbours of all rows take minutes, and the full layout starts from it.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from segwidgets.compute.embedding.graph import fuzzy_graph
from segwidgets.compute.embedding.optimiser import layout
from segwidgets.compute.embedding.start import spectral_start
from segwidgets.compute.embedding.transform import place, strengths
from segwidgets.compute.neighbors import neighbors, query
from segwidgets.compute.progress import Tick, no_tick

FloatArray = npt.NDArray[np.float32]

#: Above so many rows a layout starts from a sample's; below, from the graph's eigenvectors, which then are as quick.
SAMPLE_ABOVE = 20_000
SAMPLE_ROWS = 5_000
_EPOCHS = 200
#: The sample is laid out with these whatever the recipe says, so that maps of one table lie alike and a min_dist or
#: n_neighbors move does not turn the picture over.
_N_NEIGHBORS, _MIN_DIST, _SPREAD = 15, 0.1, 1.0
#: Neighbours in the sample that place a row, and how far it is shaken off where they put it.
_PLACED_BY = 5
_SHAKEN = 0.01
#: Shares of the whole that sample and placing take, for the progress.
_SAMPLE_SHARE = 0.4


@dataclasses.dataclass(frozen=True)
class FirstPicture:
    """``points`` (n, c) float32 of all rows, and the ``sample`` (m,) int64, ascending, that was laid out by itself."""

    points: FloatArray
    sample: npt.NDArray[np.int64]


def sample_rows(X: Any, size: int, seed: int) -> npt.NDArray[np.int64]:
    """A stratified sample: rows in the order of a random line through the data, and one out of each equal stretch.

    The line is a random direction of unit length columns; rows that are alike lie together on it, so every kind of row
    has its share of the sample, more evenly than by lot.

    Args:
        X: (n, d) CSR matrix or array.
        size: of the sample, n or fewer.
        seed: of the line and of the choice within a stretch.

    Returns:
        (size,) int64, ascending.
    """
    n, d = X.shape
    random = np.random.default_rng(seed)
    along = np.asarray(X @ random.normal(size=d).astype(np.float32)).ravel()
    order = np.argsort(along, kind="stable")
    edges = np.linspace(0, n, size + 1)
    low = np.ceil(edges[:-1]).astype(np.int64)
    room = np.maximum(1, np.ceil(edges[1:]).astype(np.int64) - low)
    return np.sort(order[low + (random.random(size) * room).astype(np.int64)]).astype(np.int64)


def first_picture(X: Any, n_components: int, metric: str, seed: int, *, tick: Tick = no_tick) -> FirstPicture:
    """All rows on a map, quickly.

    Args:
        X: (n, d) CSR matrix or array of features.
        n_components: 2 or 3.
        metric: of the neighbours.
        seed: of sample, start and layout.
        tick: told the share done; may raise `Cancelled`.

    Returns:
        The picture; bit for bit the same for the same input and any number of threads.
    """
    n = X.shape[0]
    rows = sample_rows(X, min(n, SAMPLE_ROWS), seed)
    few = X[rows]
    found = neighbors(few, min(_N_NEIGHBORS, len(rows)), metric, seed=seed)
    tick(_SAMPLE_SHARE / 2)
    graph = fuzzy_graph(found)
    placed = layout(
        graph,
        spectral_start(graph, n_components, seed),
        min_dist=_MIN_DIST,
        spread=_SPREAD,
        n_epochs=_EPOCHS,
        seed=seed,
        tick=lambda done: tick(_SAMPLE_SHARE * (1 + done) / 2),
    ).points
    points = np.empty((n, n_components), np.float32)
    points[rows] = placed
    others = np.setdiff1d(np.arange(n), rows, assume_unique=True)
    if len(others):
        k = min(_PLACED_BY, len(rows))
        near, distances = query(
            few, X[others], k, metric, tick=lambda done: tick(_SAMPLE_SHARE + (1 - _SAMPLE_SHARE) * done)
        )
        points[others] = place(placed, near, strengths(distances))
        shaken = np.asarray(np.random.default_rng(seed).normal(scale=_SHAKEN, size=points.shape), np.float32)
        points[others] += shaken[others]
    tick(1.0)
    return FirstPicture(points, rows)
