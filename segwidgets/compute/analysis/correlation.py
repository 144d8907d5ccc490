"""How far each two columns of a table go together, whatever their kinds."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from segwidgets.compute.analysis.categories import cramers_v, indicators
from segwidgets.compute.analysis.columns import MOST_COLUMNS, choose, limit_note
from segwidgets.compute.analysis.moments import correlation_ratio, pearson, prepare
from segwidgets.compute.analysis.ranks import shifted_ranks
from segwidgets.compute.progress import Tick, no_tick

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from segwidgets.data.table import Table
    from segwidgets.recipe import Kind

Measure = Literal["spearman", "pearson"]
#: What numbers and counts are compared by, as it is called.
MEASURES: dict[str, str] = {"spearman": "Spearman's rho", "pearson": "Pearson's r"}
CRAMER, RATIO = "Cramér's V", "correlation ratio"


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two columns, how far they go together, and what that is measured by."""

    one: str
    other: str
    value: float
    measure: str


@dataclasses.dataclass(frozen=True, eq=False)
class Correlations:
    """Every pair of some columns.

    Attributes:
        names: d columns, in the table's order.
        kinds: their kinds.
        values: (d, d) float64, symmetric, 1 on the diagonal: numbers and counts from -1 to 1, pairs with a category
            from 0 to 1. NaN where it is not defined, as one of both does not vary in the rows that have both.
        filled: (d,) how many rows have an entry: a number that is not zero, a text.
        missing: (d,) how many rows have no value.
        measure: of numbers and counts, a key of `MEASURES`.
        left_out: columns beyond the limit.
    """

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    values: NDArray[np.float64]
    filled: NDArray[np.int64]
    missing: NDArray[np.int64]
    measure: Measure
    left_out: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """What a limit left out, in a sentence; "" where nothing."""
        return limit_note(self.left_out, len(self.names))

    def measured_by(self, one: int, other: int) -> str:
        """The measure of a pair, as it is called."""
        texts = (self.kinds[one] == "category") + (self.kinds[other] == "category")
        return (MEASURES[self.measure], RATIO, CRAMER)[texts]

    def distances(self) -> NDArray[np.float64]:
        """(d, d): 1 minus the size of the association; 1 where it is not defined."""
        apart = 1.0 - np.nan_to_num(np.abs(self.values), nan=0.0)
        np.fill_diagonal(apart, 0.0)
        return apart

    def order(self) -> NDArray[np.intp]:
        """(d,) the columns so that those that go together stand together.

        Average linkage, its leaves in the best order (Bar-Joseph, Gifford and Jaakkola 2001).
        """
        from scipy.cluster.hierarchy import leaves_list, linkage
        from scipy.spatial.distance import squareform

        if len(self.names) < 3:
            return np.arange(len(self.names))
        tree = linkage(squareform(self.distances(), checks=False), "average", optimal_ordering=True)
        leaves: NDArray[np.intp] = leaves_list(tree).astype(np.intp)
        return leaves

    def strongest(self, top: int = 10) -> tuple[Pair, ...]:
        """The pairs that go together most, by size."""
        rows, columns = np.triu_indices(len(self.names), 1)
        size = np.nan_to_num(np.abs(self.values[rows, columns]), nan=-1.0)
        best = [at for at in np.argsort(-size, kind="stable")[:top] if size[at] >= 0]
        return tuple(
            Pair(self.names[i], self.names[j], float(self.values[i, j]), self.measured_by(i, j))
            for i, j in ((int(rows[at]), int(columns[at])) for at in best)
        )


def correlations(
    table: Table,
    columns: Sequence[str] | None = None,
    *,
    measure: Measure = "spearman",
    most: int = MOST_COLUMNS,
    tick: Tick = no_tick,
) -> Correlations:
    """How far each two columns go together, over the rows that have both.

    Numbers and counts by Spearman's rho or Pearson's r, categories by Cramér's V (corrected), a category and a number
    by the correlation ratio, which has no sign and is of the values, not of their ranks. Nothing sparse is made dense.
    Ranks are taken once, among all rows that have the column: where values are missing, rho is that of these ranks and
    not of ranks made anew for each pair.

    Args:
        table: the customers.
        columns: names; every usable column by default.
        measure: of numbers and counts. Ranks, the default, care neither for outliers nor for log1p.
        most: columns at most, see `choose`; what is beyond is told in ``left_out`` and ``note``.
        tick: told the share done; may raise `Cancelled`.

    Raises:
        DataError: a column is not there or not usable, or none is left.
        ValueError: an argument is out of range.
    """
    if measure not in MEASURES:
        raise ValueError(f"measure={measure!r} is not allowed: it must be one of {', '.join(map(repr, MEASURES))}.")
    chosen = choose(table, columns, most)
    tick(0.1)
    width = len(chosen.names)
    values = np.full((width, width), np.nan)
    plain = prepare(chosen.numeric) if len(chosen.texts) or measure == "pearson" else None
    tick(0.3)
    used = prepare(shifted_ranks(chosen.numeric)) if measure == "spearman" or plain is None else plain
    tick(0.5)
    values[np.ix_(chosen.at_numeric, chosen.at_numeric)] = pearson(used)
    tick(0.8)
    if plain is not None and len(chosen.texts):
        groups, starts = indicators(chosen.texts, table.n_rows)
        values[np.ix_(chosen.at_texts, chosen.at_texts)] = cramers_v(groups, starts)
        ratio = correlation_ratio(plain, groups, starts)
        values[np.ix_(chosen.at_texts, chosen.at_numeric)] = ratio
        values[np.ix_(chosen.at_numeric, chosen.at_texts)] = ratio.T
    missing = np.array([table.column(name).missing for name in chosen.names], dtype=np.int64)
    filled = table.n_rows - missing
    filled[chosen.at_numeric] = np.diff(chosen.numeric.indptr) - missing[chosen.at_numeric]
    tick(1.0)
    return Correlations(chosen.names, chosen.kinds, values, filled, missing, measure, chosen.left_out)
