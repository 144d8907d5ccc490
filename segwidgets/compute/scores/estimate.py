"""A score with its interval, and what all scores check."""

from __future__ import annotations

import dataclasses
import operator

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Most columns of points that are scored.
MAX_DIMENSIONS = 20

_Z95 = 1.959963984540054


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A score with its 95 % interval; an exact one has ``low == value == high``."""

    value: float
    low: float
    high: float
    n_sampled: int
    """Rows the score was computed for."""


def estimate(value: float, variance: float, n_sampled: int, least: float) -> Estimate:
    """``value`` with the normal 95 % interval of ``variance``, held within ``least`` and 1."""
    half = _Z95 * float(np.sqrt(max(variance, 0.0)))
    return Estimate(value, max(least, value - half), min(1.0, value + half), n_sampled)


def t_interval(values: NDArray[np.float64]) -> float:
    """Half the 95 % interval (Student's) of the mean of 2 values or more."""
    from scipy.special import stdtrit

    return float(stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / np.sqrt(len(values)))


def checked_labels(labels: ArrayLike, n: int | None = None) -> NDArray[np.int64]:
    """(n,) int64; raises ValueError."""
    array = np.asarray(labels)
    if array.ndim != 1 or array.dtype.kind not in "iu" or (n is not None and len(array) != n):
        rows = "" if n is None else f", one for each of the {n} points"
        raise ValueError(
            f"labels is {array.dtype} {array.shape}: it must be one row of whole numbers{rows}; -1 is noise."
        )
    return array.astype(np.int64)


def checked_sample(sample: int) -> int:
    """A whole number from 2; raises ValueError."""
    number = -1 if isinstance(sample, bool) else operator.index(sample)
    if number < 2:
        raise ValueError(f"sample={sample!r} is not allowed: it must be a whole number from 2; 2000 is usual.")
    return number


def checked_points(points: ArrayLike, score: str) -> NDArray[np.generic]:
    """(n, 1 to 20) numbers, all finite; raises ValueError."""
    array = np.asarray(points)
    if array.ndim != 2 or not 1 <= array.shape[1] <= MAX_DIMENSIONS or array.dtype.kind not in "fiu":
        raise ValueError(
            f"points of shape {array.shape} and dtype {array.dtype} have no {score} here: give an array of numbers of "
            f"shape (n, 1) to (n, {MAX_DIMENSIONS})."
        )
    if not np.isfinite(array).all():
        raise ValueError("points has NaN or infinite values: remove or fill them.")
    return array
