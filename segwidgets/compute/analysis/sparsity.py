"""How empty a table is, and how its entries spread over rows and columns."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from segwidgets.data.table import Table

#: Of the entries in a row.
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclasses.dataclass(frozen=True)
class ColumnFill:
    """A numeric column: the ``rows`` in which it is not zero, and the share of ``zeros`` among its present values."""

    name: str
    rows: int
    zeros: float
    missing: int


@dataclasses.dataclass(frozen=True)
class Popularity:
    """How the entries of the count columns spread.

    ``gini``: 0 when every column has equally many, near 1 when one has them all. ``half`` and ``four_fifths``: how many
    columns, the fullest first, hold 50 and 80 % of all entries. ``nobody``: columns that are zero in every row.
    ``a_row``: entries in a row at the `QUANTILES`. ``empty_rows``: rows without any. ``columns``: how many count
    columns there are, ``entries`` how many of their cells are not zero.
    """

    columns: int
    entries: int
    gini: float
    half: int
    four_fifths: int
    nobody: tuple[str, ...]
    a_row: tuple[float, ...]
    empty_rows: int


@dataclasses.dataclass(frozen=True)
class Sparsity:
    """``zeros``: the share of present numeric cells that is zero. ``popularity``: None where there are no counts."""

    n_rows: int
    zeros: float
    columns: tuple[ColumnFill, ...]
    popularity: Popularity | None


def gini(amounts: NDArray[np.int64]) -> float:
    """Gini's index of amounts from 0 on: 0 for equal ones; 0 too where there are none."""
    total = float(amounts.sum())
    if total == 0:
        return 0.0
    rising = np.sort(amounts).astype(np.float64)
    weights = 2 * np.arange(1, len(rising) + 1) - len(rising) - 1
    return float((weights @ rising) / (len(rising) * total))


def sparsity(table: Table) -> Sparsity:
    """How empty the numeric columns are, all of them, also those that no feature is made of.

    Numbers and counts get their share of zeros; rows and popularity are told of count columns, in which zero means
    that a customer does not have it.
    """
    numeric = [column for column in table.columns if column.kind != "category"]
    matrix = table.block([column.name for column in numeric]).tocsc()
    missing = np.array([column.missing for column in numeric], dtype=np.int64)
    rows = np.diff(matrix.indptr).astype(np.int64) - missing
    present = table.n_rows - missing
    fills = tuple(
        ColumnFill(column.name, int(held), 1.0 - held / there if there else 0.0, column.missing)
        for column, held, there in zip(numeric, rows.tolist(), present.tolist(), strict=True)
    )
    cells = int(present.sum())
    zeros = 1.0 - float(rows.sum()) / cells if cells else 0.0
    counts = np.array([at for at, column in enumerate(numeric) if column.kind == "count"], dtype=np.intp)
    if not len(counts):
        return Sparsity(table.n_rows, zeros, fills, None)
    part = matrix[:, counts]
    a_row = np.bincount(part.indices[~np.isnan(part.data)], minlength=table.n_rows)
    held = rows[counts]
    reached = np.cumsum(np.sort(held)[::-1])
    total = int(held.sum())
    popularity = Popularity(
        columns=len(counts),
        entries=total,
        gini=gini(held),
        half=_columns_for(reached, 0.5),
        four_fifths=_columns_for(reached, 0.8),
        nobody=tuple(numeric[at].name for at in counts[held == 0].tolist()),
        a_row=tuple(float(value) for value in np.quantile(a_row, QUANTILES)),
        empty_rows=int(np.count_nonzero(a_row == 0)),
    )
    return Sparsity(table.n_rows, zeros, fills, popularity)


def _columns_for(reached: NDArray[np.int64], share: float) -> int:
    """How many of the fullest columns hold that share of all entries; 0 where there are none."""
    total = int(reached[-1])
    # A little less, so that 0.8 of 10 is 8 and no rounding above it.
    return int(np.searchsorted(reached, share * total - 1e-9)) + 1 if total else 0
