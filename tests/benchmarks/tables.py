"""Tables to embed whose truth is known: dense profiles and sparse customers, of any size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


def dense_profiles(n: int, segments: int = 60, columns: int = 50, seed: int = 4) -> tuple[NDArray[np.float32], NDArray]:
    """Segments of unequal size, each a six-dimensional sheet in ``columns`` dimensions with noise; rows and truth."""
    random = np.random.default_rng(seed)
    truth = random.choice(segments, n, p=random.dirichlet(np.full(segments, 2.0)))
    centres = random.normal(scale=1.2, size=(segments, columns))
    sheets = random.normal(scale=0.6, size=(segments, 6, columns)).astype(np.float32)
    X = np.empty((n, columns), np.float32)
    for low in range(0, n, 100_000):
        part = truth[low : low + 100_000]
        inner = random.normal(size=(len(part), 6)).astype(np.float32)
        noise = random.normal(scale=0.25, size=(len(part), columns))
        X[low : low + 100_000] = centres[part] + np.einsum("nk,nkd->nd", inner, sheets[part]) + noise
    return X, truth


def sparse_customers(
    n: int, segments: int = 60, columns: int = 300, bought: int = 13, seed: int = 3
) -> tuple[sparse.csr_matrix, NDArray]:
    """Customers by products, about 11 of them each: a segment has a taste of its own, and few products sell most.

    Rows (log1p, inverse frequency, length 1; CSR float32) and truth.
    """
    random = np.random.default_rng(seed)
    popularity = random.permutation(np.arange(1, columns + 1) ** -0.8)
    taste = random.gamma(0.15, 1, (segments, columns)) * popularity + 0.02 * popularity
    reach = (taste / taste.sum(axis=1, keepdims=True)).cumsum(axis=1)
    truth = random.choice(segments, n, p=random.dirichlet(np.full(segments, 2.0)))
    counts = 1 + random.poisson(bought - 1, n)
    rows = np.repeat(np.arange(n), counts)
    draws, kind = random.random(len(rows)), truth[rows]
    products = np.empty(len(rows), np.int64)
    for segment in range(segments):
        own = kind == segment
        products[own] = np.minimum(np.searchsorted(reach[segment], draws[own]), columns - 1)
    X = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, products)), shape=(n, columns))
    X.sum_duplicates()
    X.data = np.log1p(X.data)
    X.data *= np.log(1 + n / (1 + np.bincount(X.indices, minlength=columns)))[X.indices].astype(np.float32)
    lengths = np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())
    X.data /= np.repeat(lengths, np.diff(X.indptr)).astype(np.float32)
    return X, truth
