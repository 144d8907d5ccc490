"""Sums over pairs of columns that are mostly zero, without making them dense.

Correlation wants centred columns, and a centred sparse column is dense. So sums of squares and products are taken of
the columns as they are, and centred afterwards. That loses digits only where a mean is large beside the deviation.
A column of which at least half is zero has a variance of at least its squared mean, so it loses none; any other one is
shifted by its mean first, which at most doubles its entries.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: A column with this share of entries stands as an array: that takes no more memory, and BLAS is quicker.
_FULL = 0.5
#: Variances below this share of the sum of squares are rounding.
_ROUNDING = 1e-12


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """(n, d) numbers, the full columns as an array and the others sparse.

    ``thin`` (n, t) CSR of the columns ``thin_at`` (t,), ``full`` (n, f) of the columns ``full_at`` (f,).
    """

    thin: sparse.csr_matrix
    full: NDArray[np.float64]
    thin_at: NDArray[np.intp]
    full_at: NDArray[np.intp]

    @classmethod
    def of(cls, matrix: sparse.csc_matrix) -> Split:
        """From a CSC matrix of finite numbers."""
        filled = np.diff(matrix.indptr)
        is_full = filled >= _FULL * max(1, matrix.shape[0])
        full_at, thin_at = np.flatnonzero(is_full), np.flatnonzero(~is_full)
        return cls(matrix[:, thin_at].tocsr(), matrix[:, full_at].toarray(), thin_at, full_at)

    @property
    def width(self) -> int:
        """How many columns."""
        return len(self.thin_at) + len(self.full_at)

    def squared(self) -> Split:
        """Each number squared."""
        return Split(self.thin.multiply(self.thin).tocsr(), self.full**2, self.thin_at, self.full_at)

    def sums(self) -> NDArray[np.float64]:
        """(d,) the sum of each column."""
        total = np.zeros(self.width)
        total[self.thin_at] = np.asarray(self.thin.sum(axis=0)).ravel()
        total[self.full_at] = self.full.sum(axis=0)
        return total

    def times(self, other: Split) -> NDArray[np.float64]:
        """(d, e): for each pair of columns, the sum of their products."""
        found = np.zeros((self.width, other.width))
        found[np.ix_(self.thin_at, other.thin_at)] = (self.thin.T @ other.thin).toarray()
        found[np.ix_(self.full_at, other.full_at)] = self.full.T @ other.full
        found[np.ix_(self.thin_at, other.full_at)] = self.thin.T @ other.full
        found[np.ix_(self.full_at, other.thin_at)] = (other.thin.T @ self.full).T
        return found


@dataclasses.dataclass(frozen=True, eq=False)
class Prepared:
    """Columns ready for sums: ``values`` with zeros where a value is missing, ``missing`` with ones there."""

    values: Split
    missing: Split | None
    n_rows: int


def prepare(matrix: sparse.csc_matrix) -> Prepared:
    """From (n, d) float64 CSC with NaN for missing; scaled and shifted, which no correlation notices."""
    n_rows, width = matrix.shape
    absent = np.isnan(matrix.data)
    data: list[NDArray[np.float64]] = []
    rows: list[NDArray[Any]] = []
    for j in range(width):
        part = slice(matrix.indptr[j], matrix.indptr[j + 1])
        there = ~absent[part]
        column, at = matrix.data[part][there], matrix.indices[part][there]
        if len(column):
            # A power of two changes no digit, and keeps squares of huge and tiny values within float64.
            column = np.ldexp(column, -int(np.frexp(np.abs(column).max())[1]))
        present = n_rows - int(np.count_nonzero(~there))
        if 2 * len(column) > present:
            whole = np.zeros(n_rows)
            whole[at] = column
            whole -= column.sum() / present
            whole[matrix.indices[part][~there]] = 0.0
            at = np.flatnonzero(whole)
            column = whole[at]
        data.append(column)
        rows.append(at)
    values = _stacked(data, rows, n_rows)
    if not absent.any():
        return Prepared(Split.of(values), None, n_rows)
    counted = np.concatenate([[0], np.cumsum(absent)])[matrix.indptr]
    holes = sparse.csc_matrix((np.ones(int(absent.sum())), matrix.indices[absent], counted), shape=matrix.shape)
    return Prepared(Split.of(values), Split.of(holes), n_rows)


def _stacked(data: list[Any], rows: list[Any], n_rows: int) -> sparse.csc_matrix:
    starts = np.concatenate([[0], np.cumsum([len(one) for one in data])]).astype(np.int64)
    flat = np.concatenate(data) if data else np.zeros(0)
    at = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int32)
    return sparse.csc_matrix((flat, at, starts), shape=(n_rows, len(data)))


def pearson(prepared: Prepared) -> NDArray[np.float64]:
    """(d, d) Pearson's r over the rows in which both values are there; NaN where either does not vary among them."""
    x, gone = prepared.values, prepared.missing
    products = x.times(x)
    squares = x.squared()
    shape = products.shape
    if gone is None:
        rows = np.full(shape, float(prepared.n_rows))
        total = np.broadcast_to(x.sums()[:, None], shape)
        square = np.broadcast_to(np.diagonal(products)[:, None], shape)
    else:
        holes = gone.sums()
        rows = prepared.n_rows - holes[:, None] - holes[None, :] + gone.times(gone)
        total = x.sums()[:, None] - x.times(gone)
        square = squares.sums()[:, None] - squares.times(gone)
    with np.errstate(divide="ignore", invalid="ignore"):
        around = products - total * total.T / rows
        spread = square - total**2 / rows
        spread = np.where((rows >= 2) & (spread > _ROUNDING * square), spread, np.nan)
        r: NDArray[np.float64] = np.clip(around / np.sqrt(spread * spread.T), -1.0, 1.0)
    varies = np.isfinite(np.diagonal(spread))
    np.fill_diagonal(r, np.where(varies, 1.0, np.nan))
    return r


def correlation_ratio(prepared: Prepared, groups: Split, starts: NDArray[np.intp]) -> NDArray[np.float64]:
    """The share of a number's deviation that a category explains, as its root (eta; Fisher 1925), for each pair.

    Args:
        prepared: d numbers.
        groups: (n, levels) ones and zeros: the levels of all categories side by side.
        starts: (b + 1,) where each category's levels begin, and end.

    Returns:
        (b, d) from 0 to 1, over the rows in which both are there; NaN where the number does not vary among them, or
        fewer than two levels are there.
    """
    x = prepared.values
    count = np.broadcast_to(groups.sums()[:, None], (groups.width, x.width))
    if prepared.missing is not None:
        count = count - groups.times(prepared.missing)
    total, square = groups.times(x), groups.times(x.squared())
    found = np.full((len(starts) - 1, x.width), np.nan)
    for b, (begin, end) in enumerate(itertools.pairwise(starts)):
        some = count[begin:end]
        rows, whole, squares = some.sum(axis=0), total[begin:end].sum(axis=0), square[begin:end].sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            middle = whole**2 / rows
            spread = squares - middle
            between = np.where(some > 0, total[begin:end] ** 2 / some, 0.0).sum(axis=0) - middle
            told = ((some > 0).sum(axis=0) >= 2) & (spread > _ROUNDING * squares)
            found[b] = np.where(told, np.sqrt(np.clip(between / spread, 0.0, 1.0)), np.nan)
    return found
