"""How alike two clusterings of the same rows are, fast enough to be asked thousands of times."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from segwidgets.compute.kernel import kernel
from segwidgets.compute.scores.estimate import checked_labels

#: Segments up to which the mutual information is adjusted.
_MOST_FOR_AMI = 1_000
#: Cells of a table of two clusterings for each row: above that most of them are empty, and sorting is quicker.
_CELLS_A_ROW = 4


@dataclasses.dataclass(frozen=True)
class Agreement:
    """Both are 1 for the same partition and 0 on average for chance; noise is a label of its own.

    ``ari``: adjusted Rand index (Hubert and Arabie 1985). ``ami``: adjusted mutual information (Vinh, Epps and Bailey
    2010), None with more than 1,000 segments on one side: what chance gives takes minutes to compute then.
    """

    ari: float
    ami: float | None


@kernel()
def _squares(one: Any, other: Any, rows: int, columns: int) -> tuple[float, float, float]:
    """Sums of squares of the table of two clusterings, of its rows' sums and of its columns' sums; noise is at 0."""
    table = np.zeros((rows, columns), np.int64)
    for i in range(one.size):
        table[one[i] + 1, other[i] + 1] += 1
    cells, across = 0.0, 0.0
    down = np.zeros(columns, np.int64)
    for r in range(rows):
        total = 0
        for c in range(columns):
            count = table[r, c]
            if count:
                cells += float(count) * count
                total += count
                down[c] += count
        across += float(total) * total
    below = 0.0
    for c in range(columns):
        below += float(down[c]) * down[c]
    return cells, across, below


def _sorted_squares(one: npt.NDArray[Any], other: npt.NDArray[Any], columns: int) -> tuple[float, float, float]:
    both = np.unique((one.astype(np.int64) + 1) * columns + other + 1, return_counts=True)[1].astype(np.float64)
    sums = [np.bincount(labels + 1).astype(np.float64) for labels in (one, other)]
    return float(both @ both), float(sums[0] @ sums[0]), float(sums[1] @ sums[1])


def adjusted_rand(one: npt.NDArray[np.int32], other: npt.NDArray[np.int32]) -> float:
    """The adjusted Rand index of two label arrays that `checked_labels` would pass, noise exactly -1.

    From sums of squares of the contingency table: what scikit-learn's ``adjusted_rand_score`` gives, without its
    sparse matrix.
    """
    n = float(len(one))
    rows, columns = int(one.max(initial=-1)) + 2, int(other.max(initial=-1)) + 2
    dense = rows * columns <= _CELLS_A_ROW * max(len(one), 1)
    cells, across, below = _squares(one, other, rows, columns) if dense else _sorted_squares(one, other, columns)
    together, apart_here, apart_there = cells - n, across - cells, below - cells
    if apart_here == 0 and apart_there == 0:
        return 1.0
    neither = n * n - across - below + cells
    agree, disagree = together * neither - apart_here * apart_there, 0.0
    disagree = (together + apart_here) * (apart_here + neither) + (together + apart_there) * (apart_there + neither)
    return 2.0 * agree / disagree


def agreement(a: npt.ArrayLike, b: npt.ArrayLike) -> Agreement:
    """Both indices of two clusterings of the same rows.

    Args:
        a: (n,) whole numbers, below 0 for noise.
        b: (n,) likewise.

    Raises:
        ValueError: shapes do not match, or labels are no whole numbers.
    """
    from sklearn.metrics import adjusted_mutual_info_score

    one = np.maximum(checked_labels(a), -1).astype(np.int32)
    other = np.maximum(checked_labels(b, len(one)), -1).astype(np.int32)
    few = max(int(one.max(initial=-1)), int(other.max(initial=-1))) < _MOST_FOR_AMI
    return Agreement(adjusted_rand(one, other), float(adjusted_mutual_info_score(one, other)) if few else None)


def jaccard_by_segment(before: npt.ArrayLike, after: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """For each segment before, the largest Jaccard index with a segment after: 1 if it came back whole, 0 if not.

    What Hennig averages over samples ("Cluster-wise assessment of cluster stability", 2007). Rows that both sides know
    only: give labels of the same rows.

    Args:
        before: (n,) whole numbers, below 0 for noise.
        after: (n,) likewise.

    Returns:
        (segments,) float64 by the label before; NaN for a segment of which no row is there.

    Raises:
        ValueError: shapes do not match, or labels are no whole numbers.
    """
    from scipy.sparse import coo_matrix

    one = np.maximum(checked_labels(before), -1)
    other = np.maximum(checked_labels(after, len(one)), -1)
    rows, columns = int(one.max(initial=-1)) + 1, int(other.max(initial=-1)) + 1
    size = np.bincount(one[one >= 0], minlength=rows)
    found = np.where(size > 0, 0.0, np.nan)
    kept = (one >= 0) & (other >= 0)
    if not kept.any():
        return found
    shared = coo_matrix((np.ones(int(kept.sum()), np.int64), (one[kept], other[kept])), (rows, columns))
    shared.sum_duplicates()
    there = np.bincount(other[other >= 0], minlength=columns)
    index = shared.data / (size[shared.row] + there[shared.col] - shared.data)
    np.maximum.at(found, shared.row, index)
    return found
