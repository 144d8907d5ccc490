"""The clustering that a method gives on a sample of the rows: what its stability is measured with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from segwidgets.compute.density import DensityIndex
from segwidgets.compute.methods.centres import gaussian_mixture, kmeans
from segwidgets.compute.methods.clustered import Clustered
from segwidgets.compute.methods.comparison import Again
from segwidgets.compute.methods.densities import dbscan, hdbscan
from segwidgets.compute.progress import Tick, no_tick
from segwidgets.compute.stability.samples import scaled

#: A thin sample keeps this min_samples, as fewer would join rows by single links.
_LEAST_SAMPLES = 5
#: Below this share of the rows a sample is thin.
_THIN = 0.5


def thinned(min_samples: int, share: float, dims: int) -> tuple[int, float]:
    """min_samples on a sample of that share of the rows, and what to multiply eps by.

    Usually eps stays, and min_samples shrinks with the share. In a thin sample it stops at 5, and eps widens so that
    the same density, rows in the volume of a ball, makes a core point.
    """
    size = scaled(min_samples, share)
    least = min(min_samples, _LEAST_SAMPLES)
    if share >= _THIN or size >= least:
        return size, 1.0
    return least, float((least / (share * min_samples)) ** (1 / dims))


def again(X: Any, found: Clustered, *, seed: int = 0, tick: Tick = no_tick) -> Again:
    """What clusters a sample of the rows as ``found`` clustered all of them.

    Args:
        X: (n, d) array or CSR matrix that ``found`` was made from.
        found: the clustering; its settings are taken.
        seed: of centres and of mixtures.
        tick: told the share of one density tree that is done; may raise `Cancelled`, also between two samples.

    Returns:
        A function of (m,) row numbers that gives (m,) int32 labels. A mixture that cannot be fitted on a sample gives
        one segment.
    """
    n, settings = X.shape[0], found.settings

    def of_density(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        share = len(rows) / n
        size, wider = thinned(settings["min_samples"], share, X.shape[1])
        index = DensityIndex(X[rows], size, size, tick=tick)
        if found.method == "dbscan":
            return dbscan(index, eps=settings["eps"] * wider).labels
        least = min(max(2, round(share * settings["min_cluster_size"])), len(rows))
        return hdbscan(index, min_cluster_size=least).labels

    def of_centres(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        k = min(settings["k"], len(rows))
        if found.method == "kmeans":
            return kmeans(X[rows], k, seed=seed).labels
        try:
            return gaussian_mixture(X[rows], k, seed=seed).labels
        except (ValueError, np.linalg.LinAlgError):  # no fit: nothing of the clustering came back
            return np.zeros(len(rows), np.int32)

    def clustered(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        tick(0.0)
        return of_density(rows) if found.method in {"dbscan", "hdbscan"} else of_centres(rows)

    return clustered
