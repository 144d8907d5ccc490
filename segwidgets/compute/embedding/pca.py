"""The map by principal components: quick, linear, and the same every time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from segwidgets.compute.features import Components, principal
from segwidgets.compute.features.components import most_components
from segwidgets.compute.progress import Tick, no_tick

FloatArray = npt.NDArray[np.float32]

#: How many coordinates can be shown.
SHOWN = 3


def pca_components(X: Any, n_components: int) -> Components:
    """The first principal components of some features; ``explained`` tells the share of the variance each has.

    Args:
        X: (n, d) CSR matrix or array; a sparse one is not made dense.
        n_components: how many.

    Raises:
        RecipeError: there are not that many.
    """
    return principal(X, n_components, "n_components", "method='none' for the features as they are")


def pca(X: Any, n_components: int, tick: Tick = no_tick) -> FloatArray:
    """The rows along the first principal components of the features.

    Args:
        X: (n, d) CSR matrix or array; a sparse one is not made dense.
        n_components: how many.
        tick: told the share done; may raise `Cancelled` between the steps.

    Returns:
        (n, n_components) float32, C order; the same every time, signs included.

    Raises:
        RecipeError: there are not that many components.
    """
    tick(0.0)
    components = pca_components(X, n_components)
    tick(0.7)
    points = components.project(X)
    tick(1.0)
    return points


def display(points: Any) -> FloatArray:
    """Three coordinates to show points of any number of dimensions by: the first principal components.

    Args:
        points: (n, c) array or CSR matrix; a sparse one of more than three columns is not made dense.

    Returns:
        (n, 3) float32, C order; up to three columns are kept as they are, (n, c). Where the points have fewer than
        three components, the last coordinates are 0.
    """
    n, c = points.shape
    if c <= SHOWN:
        return np.ascontiguousarray(points.toarray() if sp.issparse(points) else points, dtype=np.float32)
    few = min(SHOWN, most_components(n, c))
    shown = np.zeros((n, SHOWN), np.float32)
    if few:
        shown[:, :few] = principal(points, few).project(points)
    return shown
