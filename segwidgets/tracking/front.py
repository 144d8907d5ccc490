"""The Pareto front: the rows that no other row beats."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def front(values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which rows are on the Pareto front, where more is better in every column.

    A row beats another when it is at least as good in every column and better in one. Rows that are equal stand or
    fall together. A row with NaN is not compared: it is not on the front and beats nobody.

    Args:
        values: (n, k) float; k is 1 or more.

    Returns:
        (n,) bool.
    """
    on = np.zeros(len(values), dtype=bool)
    whole = np.flatnonzero(~np.isnan(values).any(axis=1))
    # A row that beats another comes before it in this order, also where sums would be rounded to the same.
    order = whole[np.lexsort(values[whole].T[::-1])[::-1]]
    kept = np.empty((len(order), values.shape[1]))
    count = 0
    for at in order:
        row, best = values[at], kept[:count]
        if not ((best >= row).all(axis=1) & (best > row).any(axis=1)).any():
            kept[count] = row
            count += 1
            on[at] = True
    return on
