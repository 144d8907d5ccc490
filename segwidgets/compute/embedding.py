"""UMAP in stages: fuzzy graph, start, layout (McInnes, Healy and Melville 2018, arXiv:1802.03426).

The graph and the objective are umap-learn's, held to it by parity tests. The optimiser is our own: every epoch moves
all points at once from the positions of the last one, so that the result is the same for any number of threads, and
its compiled code is cached on disk, so that a new process answers at once (umap-learn compiles for many seconds).
"""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from numba import prange

from segwidgets.compute.kernel import kernel
from segwidgets.compute.neighbors import Neighbors
from segwidgets.compute.progress import Tick, no_tick

FloatArray = npt.NDArray[np.float32]

#: Binary-search steps and tolerance of the bandwidths, and the floor on them, as in umap-learn.
_STEPS = 64
_TOLERANCE = 1e-5
_MIN_SCALE = 1e-3
#: The gradient of one pair is clipped to this in every coordinate, as in umap-learn.
_CLIP = np.float32(4.0)
#: Negative samples per edge, umap-learn's default.
_NEGATIVES = 5
#: Gradient factors are looked up by log2 of the squared distance, 36 octaves from 2^-24 on.
_TABLE_SIZE = 4096
_TABLE_LOW = -24.0
_TABLE_OCTAVES = 36.0


def default_epochs(n: int) -> int:
    """umap-learn's rule: 500 epochs up to 10,000 rows, 200 above."""
    return 500 if n <= 10_000 else 200


@kernel(parallel=True)
def _memberships(distances: FloatArray, target: float) -> npt.NDArray[np.float32]:
    """Membership strength of each neighbour: exp(-(d - rho) / sigma), sigma such that a row's sum is log2(k)."""
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
        low, high, sigma = 0.0, np.inf, 1.0
        for _ in range(_STEPS):
            total = 0.0
            for j in range(1, k):
                gap = distances[i, j] - rho
                total += math.exp(-gap / sigma) if gap > 0 else 1.0
            if abs(total - target) < _TOLERANCE:
                break
            if total > target:
                high = sigma
                sigma = (low + high) / 2
            else:
                low = sigma
                sigma = sigma * 2 if high == np.inf else (low + high) / 2
        sigma = max(sigma, _MIN_SCALE * (row_means[i] if rho > 0 else mean))
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


def start(graph: sp.csr_matrix, n_components: int, seed: int) -> FloatArray:
    """Where the layout starts: the leading eigenvectors of the normalised graph, scaled to [-10, 10], slightly shaken.

    A weak link from every point to every other (one millionth of the mean degree in all) makes a graph that falls into
    parts connected, so that each part gets a place of its own. Where the eigenvectors do not converge, or there are
    too few points, the start is a seeded normal cloud.

    Returns:
        (n, n_components) float32, C order.
    """
    n = graph.shape[0]
    random = np.random.default_rng(seed)
    place = _spectral(graph, n_components, random) if n > 4 * (n_components + 1) else None
    if place is None:
        place = random.normal(size=(n, n_components))
    extent = np.abs(place).max()
    place = 10 * place / extent if extent > 0 else place
    place += random.normal(scale=1e-4, size=place.shape)
    return np.ascontiguousarray(place, dtype=np.float32)


def _spectral(graph: sp.csr_matrix, n_components: int, random: np.random.Generator) -> npt.NDArray[np.float64] | None:
    from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

    n = graph.shape[0]
    weights = sp.csr_matrix(graph, dtype=np.float64)
    degree = np.asarray(weights.sum(axis=1)).ravel()
    link = 1e-6 * degree.mean() / n
    root = 1 / np.sqrt(degree + link * n)

    def multiply(vector: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        scaled = root * vector.ravel()
        return cast("npt.NDArray[np.float64]", root * (weights @ scaled + link * scaled.sum()))

    operator = LinearOperator((n, n), matvec=multiply, dtype=np.float64)
    wanted = n_components + 1
    lanczos = min(n - 1, max(2 * wanted + 1, 32))
    try:
        values, vectors = eigsh(
            operator, k=wanted, which="LA", ncv=lanczos, tol=1e-3, v0=random.normal(size=n), maxiter=200
        )
    except ArpackError:
        return None
    order = np.argsort(-values, kind="stable")[1:wanted]
    place = vectors[:, order]
    # An eigenvector's sign is arbitrary: fix it, or the picture flips from run to run.
    signs = np.sign(place[np.abs(place).argmax(axis=0), np.arange(n_components)])
    return cast("npt.NDArray[np.float64]", place * np.where(signs == 0, 1, signs))


def _tables(a: float, b: float) -> tuple[FloatArray, FloatArray]:
    """umap-learn's attraction and repulsion factors, tabled by log2 of the squared distance."""
    d = 2.0 ** (_TABLE_LOW + np.arange(_TABLE_SIZE + 1) * (_TABLE_OCTAVES / _TABLE_SIZE))
    attract = -2 * a * b * d ** (b - 1) / (1 + a * d**b)
    repel = 2 * b / ((0.001 + d) * (1 + a * d**b))
    return attract.astype(np.float32), repel.astype(np.float32)


@kernel(inline="always")
def _factor(table: Any, d: Any) -> Any:
    place = (math.log2(d) - np.float32(_TABLE_LOW)) * np.float32(_TABLE_SIZE / _TABLE_OCTAVES)
    cell = min(max(int(place), 0), _TABLE_SIZE - 1)
    share = min(max(place - np.float32(cell), np.float32(0)), np.float32(1))
    return table[cell] + (table[cell + 1] - table[cell]) * share


@kernel(inline="always")
def _clip(value: Any) -> Any:
    return min(max(value, -_CLIP), _CLIP)


@kernel(inline="always")
def _mixed(a: Any, b: Any, c: Any) -> Any:
    """A 64-bit hash of three counters: random numbers that depend on no order of execution."""
    s = np.uint64(a) * np.uint64(0x9E3779B97F4A7C15)
    s ^= np.uint64(b) * np.uint64(0xBF58476D1CE4E5B9)
    s ^= np.uint64(c) * np.uint64(0x94D049BB133111EB)
    s ^= s >> np.uint64(31)
    s *= np.uint64(0xD6E8FEB86659FD93)
    s ^= s >> np.uint64(32)
    s *= np.uint64(0xD6E8FEB86659FD93)
    s ^= s >> np.uint64(32)
    return s | np.uint64(1)  # xorshift would stay at zero


@kernel(parallel=True)
def _epoch(
    old: Any, new: Any, first: Any, second: Any, indptr: Any, indices: Any, every: Any,
    epoch: int, rate: float, bias1: float, bias2: float, attract: Any, repel: Any, seed: int,
) -> None:  # fmt: skip
    """One synchronous step: each point gathers the forces on it at the old positions and moves by Adam.

    Adam (Kingma and Ba 2015) with beta 0.5 and 0.9. An edge of weight w is drawn every max(w) / w epochs, as in
    umap-learn; both of its ends draw it, so only the own end moves and no two threads write to one point.
    """
    n = old.shape[0]
    tiny = np.float32(1e-7)
    for i in prange(n):
        x, y, z = old[i, 0], old[i, 1], old[i, 2]
        gx, gy, gz = np.float32(0), np.float32(0), np.float32(0)
        for e in range(indptr[i], indptr[i + 1]):
            if int((epoch + 1) / every[e]) == int(epoch / every[e]):
                continue
            j = indices[e]
            dx, dy, dz = x - old[j, 0], y - old[j, 1], z - old[j, 2]
            d = dx * dx + dy * dy + dz * dz
            if d > tiny:
                f = np.float32(2) * _factor(attract, d)
                gx += _clip(f * dx)
                gy += _clip(f * dy)
                gz += _clip(f * dz)
            state = _mixed(seed + epoch, i, e)
            for _ in range(_NEGATIVES):
                state ^= state << np.uint64(13)
                state ^= state >> np.uint64(7)
                state ^= state << np.uint64(17)
                r = np.int64(((state >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))
                dx, dy, dz = x - old[r, 0], y - old[r, 1], z - old[r, 2]
                d = dx * dx + dy * dy + dz * dz
                if d > tiny:
                    f = _factor(repel, d)
                    gx += _clip(f * dx)
                    gy += _clip(f * dy)
                    gz += _clip(f * dz)
        for c in range(3):
            g = gx if c == 0 else (gy if c == 1 else gz)
            first[i, c] = np.float32(0.5) * first[i, c] + np.float32(0.5) * g
            second[i, c] = np.float32(0.9) * second[i, c] + np.float32(0.1) * g * g
            step = (first[i, c] / np.float32(bias1)) / (math.sqrt(second[i, c] / np.float32(bias2)) + tiny)
            new[i, c] = old[i, c] + np.float32(rate) * step


def layout(
    graph: sp.csr_matrix,
    begin: FloatArray,
    *,
    min_dist: float,
    spread: float,
    n_epochs: int,
    seed: int,
    tick: Tick = no_tick,
) -> FloatArray:
    """Optimise the positions from ``begin`` by UMAP's objective.

    Args:
        graph: (n, n) fuzzy graph.
        begin: (n, 2 or 3) float32; unchanged.
        min_dist: how close points may lie, in units of the layout.
        spread: the scale of the layout.
        n_epochs: steps; the step size falls linearly to 0.
        seed: of the negative samples.
        tick: told the share done after every epoch; may raise `Cancelled`.

    Returns:
        (n, 2 or 3) float32, C order. Bit for bit the same for the same input and any number of threads.
    """
    n, dims = begin.shape
    a, b = curve(min_dist, spread)
    attract, repel = _tables(a, b)
    # 2-D runs as 3-D with a third coordinate that stays exactly 0: every force along it is a multiple of 0.
    old = np.zeros((n, 3), np.float32)
    old[:, :dims] = begin
    new = old.copy()
    first, second = np.zeros_like(old), np.zeros_like(old)
    peak = graph.data.max() if graph.nnz else np.float32(1)
    # An edge too weak to be drawn once in the whole run is not drawn at all.
    every = np.where(graph.data >= peak / max(n_epochs, 10), peak / np.maximum(graph.data, 1e-12), np.inf)
    every = np.minimum(every.astype(np.float64), 1e12)
    indptr, indices = graph.indptr.astype(np.int64), graph.indices.astype(np.int32)
    for epoch in range(n_epochs):
        tick(epoch / n_epochs)
        rate = 1.0 - epoch / n_epochs
        bias1, bias2 = 1 - 0.5 ** (epoch + 1), 1 - 0.9 ** (epoch + 1)
        _epoch(
            old, new, first, second, indptr, indices, every, epoch, rate, bias1, bias2, attract, repel, seed
        )  # fmt: skip
        old, new = new, old
    tick(1.0)
    return np.ascontiguousarray(old[:, :dims])
