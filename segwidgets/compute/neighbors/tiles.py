"""Exact search among dense rows by products, a tile of rows at a time.

The products are made here and not by BLAS: they are as fast, and they stay in the cache until they were looked
through; a BLAS has threads of its own besides, which wait for each other by spinning.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import prange

from segwidgets.compute.kernel import kernel
from segwidgets.compute.neighbors.scan import pool, scan, settle
from segwidgets.compute.progress import Tick

#: Values a tile holds, half a MB of the second cache, and its rows at most.
_VALUES, _TILE = 131_072, 1024
#: Queries that go through a tile together; a multiple of 4.
BLOCK = 32


def build(right: npt.NDArray[np.float32], tick: Tick) -> npt.NDArray[np.float32]:
    """Rows (n, p) in tiles, (tiles, columns, rows) float32, with zeros up to a multiple of 4 columns."""
    n, p = right.shape
    columns = -(-max(p, 1) // 4) * 4
    tile = max(64, min(_TILE, _VALUES // columns // 64 * 64))
    tiles = np.zeros((-(-n // tile), columns, tile), np.float32)
    for t in range(len(tiles)):
        tick(0.0)
        part = right[t * tile : (t + 1) * tile]
        tiles[t, :p, : len(part)] = part.T
    return tiles


@kernel(parallel=True, fastmath={"contract", "nsz"})
def search(
    how: Any, left: Any, sizes: Any, tiles: Any, begins: Any, others: Any, first: int, last: int, Q: Any, X: Any,
    own: Any, near: Any, found: Any,
) -> None:  # fmt: skip
    """The lists of the queries first..last, ``near`` and ``found`` (m, k); ``own`` (m,) int32 is left out of each.

    Args:
        how: `Scoring`.
        left: (m, p) float32, the queries' factors.
        sizes: (m,) float64, their sizes.
        tiles: from `build`, the rows' factors.
        begins: (n,) float32, what scores begin with.
        others: (n,) float32, the rows' sizes.
        first: query.
        last: query.
        Q: queries' `Rows`.
        X: `Rows`.
        own: rows to leave out.
        near: distances, infinite at first.
        found: indices.
    """
    n, p = begins.size, left.shape[1]
    count, columns, tile = tiles.shape
    for block in prange((last - first + BLOCK - 1) // BLOCK):
        scores = np.empty((4, tile), np.float32)
        factors = np.zeros((BLOCK, columns), np.float32)
        held = pool(how, BLOCK, near.shape[1])
        begin = first + block * BLOCK
        end = min(last, begin + BLOCK)
        for q in range(begin, end):
            factors[q - begin, :p] = left[q]
        for t in range(count):
            low = t * tile
            rows = min(n, low + tile) - low
            for group in range(begin, end, 4):
                for g in range(4):
                    for i in range(rows):
                        scores[g, i] = begins[low + i]
                _multiply(factors[group - begin : group - begin + 4], tiles[t], scores)
                for q in range(group, min(end, group + 4)):
                    scan(
                        how, scores[q - group, :rows], others[low : low + rows], low, sizes[q], Q, q, X, own[q],
                        near[q], found[q], held, q - begin,
                    )  # fmt: skip
        for q in range(begin, end):
            settle(how, held, q - begin, Q, q, X, near[q], found[q])


@kernel(fastmath={"contract", "nsz"})
def _multiply(factors: Any, tile: Any, scores: Any) -> None:
    """Add the products of 4 queries (4, columns) and a tile (columns, rows): every value that is read serves 16."""
    s, t, u, v = scores[0], scores[1], scores[2], scores[3]
    for c in range(0, tile.shape[0], 4):
        a, b, d, e = tile[c], tile[c + 1], tile[c + 2], tile[c + 3]
        sa, sb, sd, se = factors[0, c], factors[0, c + 1], factors[0, c + 2], factors[0, c + 3]
        ta, tb, td, te = factors[1, c], factors[1, c + 1], factors[1, c + 2], factors[1, c + 3]
        ua, ub, ud, ue = factors[2, c], factors[2, c + 1], factors[2, c + 2], factors[2, c + 3]
        va, vb, vd, ve = factors[3, c], factors[3, c + 1], factors[3, c + 2], factors[3, c + 3]
        for i in range(tile.shape[1]):
            w, x, y, z = a[i], b[i], d[i], e[i]
            s[i] += sa * w + sb * x + sd * y + se * z
            t[i] += ta * w + tb * x + td * y + te * z
            u[i] += ua * w + ub * x + ud * y + ue * z
            v[i] += va * w + vb * x + vd * y + ve * z
