"""KMeans and Gaussian mixtures, by scikit-learn."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp

from segwidgets.compute.methods.clustered import Clustered, by_first_row

#: Above this many rows KMeans reads batches (Sculley 2010).
_BATCHES_ABOVE = 200_000
#: A mixture is fitted on a sample of this many rows, and all rows are told by it.
_FITTED_ROWS = 100_000


def _checked_count(k: object, n: int) -> int:
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= n:
        raise ValueError(f"k={k!r} is not allowed: it must be a whole number from 1 to {n:,}, the number of rows.")
    return int(k)


def kmeans(X: Any, k: int, *, seed: int = 0) -> Clustered:
    """KMeans (Lloyd 1982, k-means++; by batches above 200,000 rows): k round segments of about one width, no noise.

    Args:
        X: (n, d) array or CSR matrix, which stays sparse.
        k: segments, 1 to n.
        seed: of the first centres.

    Raises:
        ValueError: k is out of range.
    """
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning

    n = X.shape[0]
    k = _checked_count(k, n)
    begin = time.perf_counter()
    settings = {"n_clusters": k, "random_state": seed}
    model = KMeans(n_init=5, **settings) if n <= _BATCHES_ABOVE else MiniBatchKMeans(n_init=5, **settings)
    with warnings.catch_warnings():
        # Fewer different rows than k: fewer segments come out, which is seen.
        warnings.simplefilter("ignore", ConvergenceWarning)
        labels = model.fit_predict(X)
    seconds = time.perf_counter() - begin
    return Clustered("kmeans", {"k": k}, by_first_row(labels), seconds, {"inertia": float(model.inertia_)})


def gaussian_mixture(X: Any, k: int, *, seed: int = 0) -> Clustered:
    """A mixture of k Gaussians of any shape (Dempster, Laird and Rubin 1977): each row goes to its likeliest one.

    Args:
        X: (n, d) array. A sparse matrix is refused: it would have to be made dense.
        k: segments, 1 to n.
        seed: of the first guess, and of the 100,000 rows that it is fitted on where there are more.

    Raises:
        ValueError: k is out of range, or X is sparse.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    if sp.issparse(X):
        raise ValueError(
            "a Gaussian mixture needs dense features, and these are sparse: take it on the map, or on principal "
            "components (pca=50 in the recipe)."
        )
    n = X.shape[0]
    k = _checked_count(k, n)
    begin = time.perf_counter()
    X = np.asarray(X, dtype=np.float64)  # in single precision, columns that say the same have no fit
    model = GaussianMixture(k, random_state=seed, reg_covar=1e-6 * max(float(np.var(X, axis=0).max()), 1e-12))
    sampled = X if n <= _FITTED_ROWS else X[np.random.default_rng(seed).choice(n, _FITTED_ROWS, replace=False)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(sampled)
    share = model.predict_proba(X)
    labels = share.argmax(axis=1)
    numbers = {"bic": float(model.bic(sampled)) / len(sampled), "converged": float(model.converged_)}
    seconds = time.perf_counter() - begin
    strength = share.max(axis=1).astype(np.float32)
    return Clustered("gmm", {"k": k}, by_first_row(labels), seconds, numbers, strength)
