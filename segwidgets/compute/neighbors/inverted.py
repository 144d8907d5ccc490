"""Exact search among sparse rows, through an inverted index a tile of rows at a time.

For a query only rows with a column in common get anything added to their score; the scores of one tile stay in the
nearest cache. Columns that many rows have are kept as arrays instead, which vector instructions add in less time than
the entries take one by one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import prange

from segwidgets.compute.kernel import kernel
from segwidgets.compute.neighbors.rows import MANHATTAN
from segwidgets.compute.neighbors.scan import Scoring, offsets, pool, scan, settle

#: Share of rows from which a column is kept as an array: a scattered addition takes as long as 12 in a row.
POPULAR = 0.08
#: Rows a tile holds: its scores take 16 kB.
_TILE = 4096
#: Tiles grow until their column starts fit: with very many columns there would be more of these than entries.
_MAX_STARTS = 30_000_000
_MAX_TILE = 32_768
#: Queries that go through a tile together.
BLOCK = 64


class Lines(NamedTuple):
    """Rows of which scores are summed, CSR in float32: ``size`` and ``centre`` are (n,) float64 and float32."""

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]
    values: npt.NDArray[np.float32]
    size: npt.NDArray[np.float64]
    centre: npt.NDArray[np.float32]


class Index(NamedTuple):
    """The inverted index.

    Attributes:
        popular: (p,) int32, a column's place among the popular ones, or -1.
        arrays: (tiles, popular columns, tile) float32.
        starts: (tiles, p + 1) int64, where a tile's entries of a column begin.
        rows: (entries,) uint16, within the tile.
        values: (entries,) float32.
        offsets: (n,) float32.
        sizes: (n,) float32.
        centre: (n,) float32.
    """

    popular: npt.NDArray[np.int32]
    arrays: npt.NDArray[np.float32]
    starts: npt.NDArray[np.int64]
    rows: npt.NDArray[np.uint16]
    values: npt.NDArray[np.float32]
    offsets: npt.NDArray[np.float32]
    sizes: npt.NDArray[np.float32]
    centre: npt.NDArray[np.float32]


def build(lines: Lines, width: int, how: Scoring) -> Index:
    """The index of ``lines``, about 50 bytes an entry at most."""
    n = len(lines.size)
    tile = _TILE
    while tile < _MAX_TILE and -(-n // tile) * (width + 1) > _MAX_STARTS:
        tile *= 2
    tiles = -(-n // tile)
    counts = np.bincount(lines.indices, minlength=width)
    chosen = np.flatnonzero(counts > POPULAR * n)
    popular = np.full(width, -1, np.int32)
    popular[chosen] = np.arange(len(chosen))
    arrays = np.zeros((tiles, len(chosen), tile), np.float32)
    starts = np.zeros((tiles, width + 1), np.int64)
    rare = int(counts.sum() - counts[chosen].sum())
    rows, values = np.empty(rare, np.uint16), np.empty(rare, np.float32)
    _fill(lines.indptr, lines.indices, lines.values, popular, arrays, starts, rows, values)
    sizes = lines.size.astype(np.float32)
    return Index(popular, arrays, starts, rows, values, offsets(how, lines.size), sizes, lines.centre)


@kernel(fastmath=False)
def _fill(indptr: Any, indices: Any, data: Any, popular: Any, arrays: Any, starts: Any, rows: Any, values: Any) -> None:
    tiles, _, tile = arrays.shape
    width = popular.size
    n = indptr.size - 1
    place = np.empty(width + 1, np.int64)
    base = 0
    for t in range(tiles):
        first, last = t * tile, min(n, (t + 1) * tile)
        place[:] = 0
        for e in range(indptr[first], indptr[last]):
            c = indices[e]
            if popular[c] < 0:
                place[c + 1] += 1
        place[0] = base
        for c in range(width):
            place[c + 1] += place[c]
        starts[t] = place
        base = place[width]
        for row in range(first, last):
            for e in range(indptr[row], indptr[row + 1]):
                c = indices[e]
                if popular[c] >= 0:
                    arrays[t, popular[c], row - first] = data[e]
                else:
                    rows[place[c]] = row - first
                    values[place[c]] = data[e]
                    place[c] += 1


@kernel(parallel=True, fastmath={"contract", "nsz"})
def search(
    how: Any, lines: Any, index: Any, first: int, last: int, Q: Any, X: Any, own: Any, near: Any, found: Any
) -> None:
    """The lists of the queries first..last, ``near`` and ``found`` (m, k); ``own`` (m,) int32 is left out of each."""
    n = index.offsets.size
    tiles, _, tile = index.arrays.shape
    blocks = (last - first + BLOCK - 1) // BLOCK
    for block in prange(blocks):
        scores = np.empty(tile, np.float32)
        places = np.empty(index.popular.size, np.int32)
        factors = np.empty(index.popular.size, np.float32)
        begin = first + block * BLOCK
        held = pool(how, BLOCK, near.shape[1])
        for t in range(tiles):
            low = t * tile
            rows = min(n, low + tile) - low
            begins = index.offsets[low : low + rows]
            centres = index.centre[low : low + rows]
            sizes = index.sizes[low : low + rows]
            for q in range(begin, min(last, begin + BLOCK)):
                centre = lines.centre[q]
                if centre == 0:
                    for i in range(rows):
                        scores[i] = begins[i]
                else:
                    for i in range(rows):
                        scores[i] = begins[i] - centre * centres[i]
                count = 0
                for e in range(lines.indptr[q], lines.indptr[q + 1]):
                    c = lines.indices[e]
                    value = lines.values[e]
                    if index.popular[c] >= 0:
                        places[count] = index.popular[c]
                        factors[count] = value
                        count += 1
                        continue
                    entries = index.starts[t, c], index.starts[t, c + 1]
                    if how.code == MANHATTAN:
                        for j in range(entries[0], entries[1]):
                            other = index.values[j]
                            scores[index.rows[j]] += abs(value) + abs(other) - abs(value - other)
                    else:
                        for j in range(entries[0], entries[1]):
                            scores[index.rows[j]] += value * index.values[j]
                arrays = index.arrays[t]
                if how.code == MANHATTAN:
                    for j in range(count):
                        value = factors[j]
                        column = arrays[places[j]]
                        for i in range(rows):
                            scores[i] += abs(value) + abs(column[i]) - abs(value - column[i])
                else:
                    j = 0
                    while j + 4 <= count:  # four at a time, so that scores are read and written once for them
                        a, b, c, d = (
                            arrays[places[j]],
                            arrays[places[j + 1]],
                            arrays[places[j + 2]],
                            arrays[places[j + 3]],
                        )
                        fa, fb, fc, fd = factors[j], factors[j + 1], factors[j + 2], factors[j + 3]
                        for i in range(rows):
                            scores[i] += fa * a[i] + fb * b[i] + fc * c[i] + fd * d[i]
                        j += 4
                    while j < count:
                        a, fa = arrays[places[j]], factors[j]
                        for i in range(rows):
                            scores[i] += fa * a[i]
                        j += 1
                scan(how, scores[:rows], sizes, low, lines.size[q], Q, q, X, own[q], near[q], found[q], held, q - begin)
        for q in range(begin, min(last, begin + BLOCK)):
            settle(how, held, q - begin, Q, q, X, near[q], found[q])
