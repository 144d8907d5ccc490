"""Where a layout starts."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

FloatArray = npt.NDArray[np.float32]


def spectral_start(graph: sp.csr_matrix, n_components: int, seed: int) -> FloatArray:
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
