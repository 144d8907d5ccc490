"""What an index accepts, and what it says about the rest."""

from __future__ import annotations

import math
import operator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segwidgets.compute.density.distance import MAX_DIMENSIONS

BORDERS = ("nearest", "first")


def checked_points(points: ArrayLike, dims: int | None = None) -> NDArray[np.float64]:
    """(n, d) float64 of its own, d at least 3: missing coordinates are 0, which changes no distance; no -0.0.

    Raises:
        ValueError: Wrong shape (``dims``: the only number of columns allowed), no rows, wrong dtype, NaN or infinities.
    """
    array = np.asarray(points)
    allowed = f"(n, d) with d from 1 to {MAX_DIMENSIONS}" if dims is None else f"(m, {dims}), as the index's points"
    if array.ndim != 2 or not 1 <= array.shape[1] <= MAX_DIMENSIONS or dims not in {None, array.shape[1]}:
        raise ValueError(f"points of shape {array.shape} cannot be clustered: give an array of shape {allowed}.")
    if dims is None and not len(array):
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
    out = np.zeros((len(array), max(3, array.shape[1])), np.float64)
    np.add(array, 0.0, out=out[:, : array.shape[1]])  # -0.0 + 0.0 is 0.0
    return out


def whole(name: str, value: object, low: int, high: float, way_out: str) -> int:
    """``value`` as a whole number from low to high; raises ValueError."""
    try:
        number = -1 if isinstance(value, (bool, np.bool_)) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if not low <= number <= high:
        rule = f"from {low}" + (f" to {high:g}" if math.isfinite(high) else "")
        raise ValueError(f"{name}={value!r} is not allowed: it must be a whole number {rule}. {way_out}")
    return number


def checked_eps(eps: object) -> float:
    """``eps`` as a finite float from 0; raises ValueError."""
    good = isinstance(eps, (int, float, np.integer, np.floating)) and not isinstance(eps, bool)
    number = float(eps) if good else math.nan  # type: ignore[arg-type]
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(
            f"eps={eps!r} is not allowed: it must be a finite number from 0; 0 joins exact duplicates only. "
            "suggest_eps() gives one."
        )
    return number


def checked_grid(eps_grid: ArrayLike) -> NDArray[np.float64]:
    """A row of finite eps from 0; raises ValueError."""
    grid = np.array(eps_grid, dtype=np.float64)
    if grid.ndim != 1:
        raise ValueError(f"eps_grid of shape {grid.shape} is not allowed: give a list of numbers.")
    wrong = grid[~(np.isfinite(grid) & (grid >= 0))]
    if len(wrong):
        raise ValueError(f"eps_grid holds {wrong[0]}: every eps must be a finite number from 0.")
    return grid


def checked_border(border: object) -> bool:
    """Whether border points are handed out as scikit-learn does; raises ValueError for an unknown rule."""
    if border not in BORDERS:
        raise ValueError(f"border={border!r} is not allowed: it must be {' or '.join(map(repr, BORDERS))}.")
    return border == "first"
