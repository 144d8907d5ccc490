"""Turning one map onto another, so that a cloud does not jump from one picture to the next."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


def aligned(points: FloatArray, onto: FloatArray) -> FloatArray:
    """``points`` turned, mirrored and moved, never stretched, to lie as near to ``onto`` as they can.

    Orthogonal Procrustes (Schönemann 1966): the turn is U V' of the singular value decomposition of the covariance.
    Distances, and so clusters and every eps, stay as they are.

    Args:
        points: (n, c) float32.
        onto: (n, c), the same rows.

    Returns:
        (n, c) float32, C order.

    Raises:
        ValueError: the shapes differ.
    """
    if points.shape != onto.shape:
        raise ValueError(f"points {points.shape} and onto {onto.shape} must be maps of the same rows: equal shapes.")
    here, there = points.mean(axis=0, dtype=np.float64), onto.mean(axis=0, dtype=np.float64)
    left, _, right = np.linalg.svd((points - here).T @ (onto - there))
    return np.ascontiguousarray((points - here) @ (left @ right) + there, dtype=np.float32)
