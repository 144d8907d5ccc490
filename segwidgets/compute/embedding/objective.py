"""UMAP's objective: the curve that turns a distance on the map into a membership, and the forces that follow."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from segwidgets.compute.kernel import kernel

FloatArray = npt.NDArray[np.float32]


def curve(min_dist: float, spread: float) -> tuple[float, float]:
    """Fit a and b of ``1 / (1 + a d^2b)`` to 1 up to ``min_dist`` and an exponential decay behind it.

    The curve and its 300 points are umap-learn's, so a and b are too.
    """
    from scipy.optimize import curve_fit

    x = np.linspace(0, spread * 3, 300)
    y = np.where(x < min_dist, 1.0, np.exp(-(x - min_dist) / spread))

    def shape(d: npt.NDArray[np.float64], a: float, b: float) -> npt.NDArray[np.float64]:
        return 1 / (1 + a * d ** (2 * b))

    (a, b), _ = curve_fit(shape, x, y)
    return float(a), float(b)


#: Forces are looked up by the leading bits of the squared distance: 128 cells an octave, from 2^-24 on.
_DROPPED_BITS = 16
_FIRST = np.float32(2.0**-24).view(np.int32) >> _DROPPED_BITS
_CELLS = 36 * (1 << (23 - _DROPPED_BITS))


def force_tables(a: float, b: float, repulsion_strength: float = 1.0) -> tuple[FloatArray, FloatArray]:
    """umap-learn's attraction and repulsion factors by cell of the squared distance (see `cell`).

    Attraction ``-2ab d^(b-1) / (1 + a d^b)``, repulsion ``2b / ((0.001 + d)(1 + a d^b))``, d the squared distance. A
    cell holds the value at its middle, within 0.4 % of that at its ends.
    """
    bits = ((np.arange(_CELLS, dtype=np.int64) + int(_FIRST)) << _DROPPED_BITS) + (1 << (_DROPPED_BITS - 1))
    d = bits.astype(np.int32).view(np.float32).astype(np.float64)
    attract = -2 * a * b * d ** (b - 1) / (1 + a * d**b)
    repel = 2 * repulsion_strength * b / ((0.001 + d) * (1 + a * d**b))
    return attract.astype(np.float32), repel.astype(np.float32)


@kernel(inline="always")
def cell(d: Any) -> Any:
    """The cell of a squared distance: a float's leading bits are its logarithm, so no logarithm is taken."""
    place = (np.float32(d).view(np.int32) >> np.int32(_DROPPED_BITS)) - np.int32(_FIRST)
    return min(max(place, np.int32(0)), np.int32(_CELLS - 1))


@kernel(inline="always")
def clip(value: Any) -> Any:
    """The gradient of one pair is clipped to 4 in every coordinate, as in umap-learn."""
    return min(max(value, np.float32(-4)), np.float32(4))
