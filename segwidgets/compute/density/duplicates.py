"""Rows at one place become one point with a weight, before anything is searched.

Sparse customers are often exactly alike. Ten thousand rows at one place would fill each other's neighbour lists and
say nothing; as one point they cost what one row costs. Cores, clusters and border points are the same either way:
rows at one place have the same neighbours.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segwidgets.compute.kernel import kernel
from segwidgets.compute.progress import Tick, no_tick

_SLICE = 1 << 18  # rows between two ticks


class Places(NamedTuple):
    """The different places among n rows."""

    points: NDArray[np.float64]
    """(u, d), in the order of their first rows."""
    place_of: NDArray[np.int32]
    """(n,) the place of each row."""


@kernel()
def _collect(bits: Any, low: int, high: int, slots: Any, place_of: Any, first: Any, found: int) -> int:
    """Number the places of rows low..high in order of appearance, by an open hash table of places."""
    mask = np.uint64(slots.size - 1)
    for row in range(low, high):
        mixed = np.uint64(0x9E3779B97F4A7C15)
        for axis in range(bits.shape[1]):
            mixed ^= bits[row, axis]
            mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
            mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xFF51AFD7ED558CCD)
        slot = (mixed ^ (mixed >> np.uint64(32))) & mask
        while True:
            place = slots[slot]
            if place < 0:
                slots[slot] = found
                first[found] = row
                place_of[row] = found
                found += 1
                break
            same = True
            for axis in range(bits.shape[1]):
                same &= bits[row, axis] == bits[first[place], axis]
            if same:
                place_of[row] = place
                break
            slot = (slot + np.uint64(1)) & mask
    return found


def collapse(points: NDArray[np.float64], tick: Tick = no_tick) -> Places:
    """The places of ``points`` (n, d), finite, C order, without -0.0; ``tick`` gets the share done."""
    n = len(points)
    slots = np.full(1 << (2 * n - 1).bit_length(), -1, np.int32)
    place_of, first = np.empty(n, np.int32), np.empty(n, np.int32)
    bits = points.view(np.uint64)
    found = 0
    for low in range(0, n, _SLICE):
        tick(low / n)
        found = _collect(bits, low, min(n, low + _SLICE), slots, place_of, first, found)
    return Places(points if found == n else points[first[:found]], place_of)


def checked_weights(sample_weight: ArrayLike, n: int) -> NDArray[np.float64]:
    """(n,) float64 weights whose sums float64 holds exactly, whichever order they are added in.

    Otherwise whether a sum reaches min_samples would depend on that order. Whole numbers are such weights, and so are
    eighths, but not tenths.

    Raises:
        ValueError: Wrong shape, a weight that is not finite or not above 0, or weights that round when added.
    """
    weights = np.asarray(sample_weight)
    if weights.shape != (n,) or weights.dtype.kind not in "fiub":
        raise ValueError(
            f"sample_weight is {weights.dtype} of shape {weights.shape}, which is not allowed: "
            f"give {n} numbers, one a row."
        )
    weights = weights.astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights > 0)))
    if len(wrong):
        raise ValueError(
            f"sample_weight has {weights[wrong[0]]} at row {wrong[0]}: every weight must be a finite number above 0."
        )
    mantissas, exponents = np.frexp(weights)
    whole = (mantissas * 2.0**53).astype(np.int64)
    lowest_bits = np.log2((whole & -whole).astype(np.float64)) + exponents - 53
    # Every sum is a multiple of the smallest unit, so it is exact while fewer than 2**53 of them are in it.
    units = np.ldexp(weights, -int(max(lowest_bits.min(), -1000)))
    if lowest_bits.min() < -1000 or not units.sum() < 2.0**53:
        raise ValueError(
            "sample_weight cannot be added without rounding, so a sum near min_samples would be a matter of order: "
            "give whole numbers, or fractions with a power of two below the line, such as 0.25."
        )
    return weights
