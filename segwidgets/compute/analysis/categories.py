"""How far categories go together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from segwidgets.compute.analysis.moments import Split

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from segwidgets.data.columns import Texts


def indicators(texts: Sequence[Texts], n_rows: int) -> tuple[Split, NDArray[np.intp]]:
    """(n, levels) ones and zeros, the levels of all categories side by side, and (b + 1,) where each one's begin."""
    starts = np.concatenate([[0], np.cumsum([len(text.levels) for text in texts])]).astype(np.intp)
    rows, columns = [], []
    for text, start in zip(texts, starts[:-1], strict=True):
        there = np.flatnonzero(text.codes >= 0)
        rows.append(there)
        columns.append(text.codes[there] + start)
    at, level = (np.concatenate(both) if both else np.zeros(0, np.intp) for both in (rows, columns))
    matrix = sparse.csc_matrix((np.ones(len(at)), (at, level)), shape=(n_rows, int(starts[-1])))
    return Split.of(matrix), starts


def corrected_v(counts: NDArray[np.float64]) -> float:
    """Cramér's V of a table of counts, corrected for its bias (Bergsma, "A bias-correction for Cramér's V", 2013).

    Without the correction categories of many levels seem to go together by chance alone.

    Returns:
        0 to 1; NaN where fewer than two levels are there on either side.
    """
    n = counts.sum()
    down, across = counts.sum(axis=0), counts.sum(axis=1)
    counts, down, across = counts[across > 0][:, down > 0], down[down > 0], across[across > 0]
    r, c = counts.shape
    if r < 2 or c < 2 or n < 2:
        return float("nan")
    expected = np.outer(across, down) / n
    phi2 = float(((counts - expected) ** 2 / expected).sum()) / n
    left = max(0.0, phi2 - (r - 1) * (c - 1) / (n - 1))
    least = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    # Every row with a level of its own leaves nothing to correct by.
    return min(1.0, float(np.sqrt(left / least))) if least > 0 else float("nan")


def cramers_v(groups: Split, starts: NDArray[np.intp]) -> NDArray[np.float64]:
    """(b, b) corrected V of each pair of categories, over the rows in which both are there."""
    counts = groups.times(groups)
    width = len(starts) - 1
    found = np.full((width, width), np.nan)
    for a in range(width):
        for b in range(a, width):
            found[a, b] = found[b, a] = corrected_v(counts[starts[a] : starts[a + 1], starts[b] : starts[b + 1]])
    told = np.isfinite(np.diagonal(found))
    np.fill_diagonal(found, np.where(told, 1.0, np.nan))
    return found
