"""What counting tells of a labeling."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segwidgets.compute.scores.estimate import checked_labels


def coverage(labels: ArrayLike) -> float:
    """Share of points that are not noise, 0 to 1 (0 of no points)."""
    array = checked_labels(labels)
    return float((array >= 0).mean()) if len(array) else 0.0


def sizes(labels: ArrayLike) -> NDArray[np.int64]:
    """Points in each cluster, (clusters,) int64 by label; noise is not counted."""
    array = checked_labels(labels)
    return np.bincount(array[array >= 0]).astype(np.int64)


def adjusted_rand_index(a: ArrayLike, b: ArrayLike) -> float:
    """Agreement of two labelings beyond chance, 1 for the same partition (Hubert and Arabie 1985).

    Noise is a label of its own: two labelings that disagree on what is noise disagree.
    """
    from sklearn.metrics import adjusted_rand_score

    first = checked_labels(a)
    return float(adjusted_rand_score(first, checked_labels(b, len(first))))
