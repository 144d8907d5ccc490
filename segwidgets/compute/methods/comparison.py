"""Clusterings side by side: scores fit for comparing them, and what each score favours."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from segwidgets.compute.methods.clustered import Clustered
from segwidgets.compute.progress import Tick, no_tick
from segwidgets.compute.scores import Estimate, coverage, dbcv, silhouette, sizes
from segwidgets.compute.stability.agreement import adjusted_rand
from segwidgets.compute.stability.samples import SHARE, checked_sampling, sample

if TYPE_CHECKING:
    import pandas as pd

#: What each score favours: no table of scores is fair without it.
FAVOURS = {
    "silhouette": "round segments of one width, so KMeans; noise is left out of it, so read it beside coverage.",
    "dbcv": "dense segments of any shape with room between them, so DBSCAN and HDBSCAN; noise counts against it.",
    "calinski_harabasz": "round segments of one width, so KMeans, and has no upper end; noise is left out of it.",
    "stability": "few, large segments: two halves of a table agree more easily than twenty twentieths.",
    "balance": "segments of one size, which KMeans makes whether or not the data have them.",
    "coverage": "methods without noise, KMeans and Gaussian mixtures, which have 1 by construction.",
}

#: A sample is drawn as if a table had no more rows than these, so that stability of a large one takes no longer.
SAMPLED_ROWS = 100_000

Again = Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int32]]


@dataclasses.dataclass(frozen=True)
class Row:
    """The scores of one clustering; None where one does not exist (below two segments) or was not asked for.

    ``balance``: entropy of the segments' sizes over that of equal ones, 0 to 1. ``stability``: mean ARI with the
    clusterings of samples of the rows.
    """

    method: str
    name: str
    clusters: int
    coverage: float
    silhouette: Estimate | None
    dbcv: Estimate | None
    calinski_harabasz: float | None
    stability: float | None
    balance: float | None
    seconds: float


def balance(labels: npt.NDArray[np.int32]) -> float | None:
    """Entropy of the segments' sizes over the logarithm of their number: 1 for equal ones; None below two."""
    size = sizes(labels)
    size = size[size > 0]
    if len(size) < 2:
        return None
    share = size / size.sum()
    return float(-(share * np.log(share)).sum() / np.log(len(size)))


def calinski_harabasz(points: npt.NDArray[np.generic], labels: npt.NDArray[np.int32]) -> float | None:
    """The variance ratio of the clustered rows (Caliński and Harabasz 1974), by scikit-learn; None below two."""
    from sklearn.metrics import calinski_harabasz_score

    kept = labels >= 0
    count = len(np.unique(labels[kept]))
    if count < 2 or count >= int(kept.sum()):
        return None
    return float(calinski_harabasz_score(points[kept], labels[kept]))


def scored(
    points: npt.NDArray[np.generic],
    found: Clustered,
    *,
    again: Again | None = None,
    repeats: int = 5,
    share: float = SHARE,
    seed: int = 0,
    tick: Tick = no_tick,
) -> Row:
    """The scores of a clustering.

    Args:
        points: (n, 1) to (n, 20), the space that scores are taken in: the same for all that are compared.
        found: the clustering of these rows.
        again: clusters the rows of a sample as ``found`` was, (m,) rows to (m,) labels; None leaves stability out.
        repeats: samples for it.
        share: of the rows in each; of 100,000 where there are more.
        seed: of the samples.
        tick: told the share done; may raise `Cancelled`.

    Raises:
        ValueError: shapes do not match, or an argument is out of range.
    """
    labels = found.labels
    tick(0.0)
    stability = None
    if again is not None:
        checked_sampling(len(points), repeats, share)
        taken = share * min(1.0, SAMPLED_ROWS / len(points))
        agreed = []
        for repeat in range(repeats):
            rows = sample(len(points), taken, seed, repeat)
            agreed.append(adjusted_rand(labels[rows], again(rows)))
            tick(0.7 * (repeat + 1) / repeats)
        stability = float(np.mean(agreed))
    return Row(
        found.method,
        found.name,
        found.clusters,
        coverage(labels),
        silhouette(points, labels, tick=lambda done: tick(0.7 + 0.1 * done)),
        dbcv(points, labels, tick=lambda done: tick(0.8 + 0.2 * done)),
        calinski_harabasz(np.asarray(points), labels),
        stability,
        balance(labels),
        found.seconds,
    )


def compare_methods(rows: Sequence[Row]) -> pd.DataFrame:
    """A table with a line a clustering: ``method``, ``name``, counts, scores, their intervals, and ``seconds``."""
    import pandas as pd

    lines = []
    for row in rows:
        line = {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
        for name in ("silhouette", "dbcv"):
            told: Estimate | None = line[name]
            line |= {name: told and told.value, f"{name}_low": told and told.low, f"{name}_high": told and told.high}
        lines.append(line)
    return pd.DataFrame(lines)
