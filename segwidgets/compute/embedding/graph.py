"""The fuzzy graph: how strongly each row belongs to its neighbours' neighbourhoods, umap-learn's to rounding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from numba import prange

from segwidgets.compute.kernel import kernel
from segwidgets.compute.neighbors import Neighbors

FloatArray = npt.NDArray[np.float32]

#: Binary-search steps and tolerance of the bandwidths, and the floor on them, as in umap-learn.
_STEPS = 64
_TOLERANCE = 1e-5
MIN_SCALE = 1e-3


@kernel()
def bandwidth(distances: Any, rho: float, target: float) -> float:
    """The sigma at which the strengths ``exp(-(d - rho) / sigma)`` behind the first distance sum to ``target``."""
    low, high, sigma = 0.0, np.inf, 1.0
    for _ in range(_STEPS):
        total = 0.0
        for j in range(1, distances.size):
            gap = distances[j] - rho
            total += math.exp(-gap / sigma) if gap > 0 else 1.0
        if abs(total - target) < _TOLERANCE:
            break
        if total > target:
            high = sigma
            sigma = (low + high) / 2
        else:
            low = sigma
            sigma = sigma * 2 if high == np.inf else (low + high) / 2
    return sigma


@kernel(parallel=True)
def _memberships(distances: FloatArray, target: float) -> npt.NDArray[np.float32]:
    """Membership strength of each neighbour: exp(-(d - rho) / sigma), sigma such that a row's sum is ``target``.

    Args:
        distances: (n, k) float32, nearest first; the first column is the row itself and gets no strength.
        target: log2(k) in UMAP.

    Returns:
        (n, k) float32 in [0, 1].
    """
    n, k = distances.shape
    strengths = np.zeros((n, k), np.float32)
    row_means = np.zeros(n)
    for i in prange(n):
        total = 0.0
        for j in range(k):
            total += distances[i, j]
        row_means[i] = total / k
    mean = row_means.mean()
    for i in prange(n):
        rho = 0.0
        for j in range(k):
            if distances[i, j] > 0:
                rho = float(distances[i, j])
                break
        sigma = bandwidth(distances[i], rho, target)
        sigma = max(sigma, MIN_SCALE * (row_means[i] if rho > 0 else mean))
        for j in range(1, k):
            gap = distances[i, j] - rho
            strengths[i, j] = 1.0 if gap <= 0 or sigma == 0 else math.exp(-gap / sigma)
    return strengths


def fuzzy_graph(found: Neighbors) -> sp.csr_matrix:
    """The fuzzy union of the rows' neighbourhoods.

    Returns:
        (n, n) CSR float32, symmetric, weights in (0, 1], no diagonal: ``W + W' - W * W'`` of the directed memberships.
    """
    n, k = found.indices.shape
    strengths = _memberships(found.distances, math.log2(k))
    rows = np.repeat(np.arange(n, dtype=np.int32), k)
    directed = sp.csr_matrix((strengths.ravel(), (rows, found.indices.ravel())), shape=(n, n))
    directed.setdiag(0)
    directed.eliminate_zeros()
    transposed = directed.T.tocsr()
    union = (directed + transposed - directed.multiply(transposed)).tocsr()
    union.eliminate_zeros()
    union.sort_indices()
    return sp.csr_matrix(union, dtype=np.float32)
