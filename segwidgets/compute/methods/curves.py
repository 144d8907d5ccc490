"""How many segments: the elbow of KMeans' inertia and the lowest BIC of Gaussian mixtures, over k."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from segwidgets.compute.methods.centres import gaussian_mixture, kmeans
from segwidgets.compute.progress import Tick, no_tick


@dataclasses.dataclass(frozen=True)
class CountCurve:
    """``k`` rising; ``inertia`` of KMeans and ``bic`` a row of a mixture for each (None: sparse features have none).

    ``elbow``: the k at which the inertia bends most, or None where it does not bend. ``lowest_bic``: the best k by BIC,
    or None.
    """

    k: tuple[int, ...]
    inertia: tuple[float, ...]
    bic: tuple[float, ...] | None
    elbow: int | None
    lowest_bic: int | None


def elbow(k: Sequence[int], inertia: Sequence[float]) -> int | None:
    """The k furthest below the line from the first point to the last (Satopää et al. 2011), None where none is below.

    A curve that falls by less than a twentieth below that line is taken for one without a bend.
    """
    x, y = np.asarray(k, dtype=np.float64), np.asarray(inertia, dtype=np.float64)
    if len(x) < 3 or y[0] <= y[-1]:
        return None
    below = (1 - (x - x[0]) / (x[-1] - x[0])) - (y - y[-1]) / (y[0] - y[-1])
    at = int(below.argmax())
    return int(x[at]) if below[at] > 0.05 else None


def count_curve(
    X: Any, counts: Sequence[int] = tuple(range(2, 16)), *, seed: int = 0, tick: Tick = no_tick
) -> CountCurve:
    """Fit KMeans, and on dense points Gaussian mixtures, for each k.

    Args:
        X: (n, d) array or CSR matrix.
        counts: the k to try, each from 1 to n.
        seed: of both.
        tick: told the share done; may raise `Cancelled`.

    Raises:
        ValueError: no k, or one out of range.
    """
    ks = sorted(set(counts))
    if not ks:
        raise ValueError("counts is empty: give the numbers of segments to try, such as range(2, 16).")
    inertia, bic = [], []
    for at, k in enumerate(ks):
        tick(at / len(ks))
        inertia.append(kmeans(X, k, seed=seed).numbers["inertia"])
        if not sp.issparse(X):
            tick((at + 0.5) / len(ks))
            bic.append(gaussian_mixture(X, k, seed=seed).numbers["bic"])
    tick(1.0)
    lowest = ks[int(np.argmin(bic))] if bic else None
    return CountCurve(tuple(ks), tuple(inertia), tuple(bic) if bic else None, elbow(ks, inertia), lowest)
