"""Which columns of a table are compared with each other, as sparse numbers and as codes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from segwidgets.data.errors import DataError, listed, plural

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from segwidgets.data.columns import Texts
    from segwidgets.data.table import Table
    from segwidgets.recipe import Kind

#: Columns that are compared with each other at most: pairs grow with the square, and nobody reads a larger picture.
MOST_COLUMNS = 500


@dataclasses.dataclass(frozen=True, eq=False)
class Chosen:
    """Columns to compare, numbers and counts apart from categories.

    Attributes:
        names: d names, in the table's order.
        kinds: their kinds.
        numeric: (n, a) float64 CSC of the numbers and counts; NaN for missing.
        texts: b categories.
        at_numeric: (a,) where each numeric column stands in ``names``.
        at_texts: (b,) where each category does.
        left_out: columns beyond the limit, in the table's order.
    """

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    numeric: sparse.csc_matrix
    texts: tuple[Texts, ...]
    at_numeric: NDArray[np.intp]
    at_texts: NDArray[np.intp]
    left_out: tuple[str, ...]


def choose(table: Table, columns: Sequence[str] | None = None, most: int = MOST_COLUMNS) -> Chosen:
    """The columns of a table that are compared.

    Args:
        table: the customers.
        columns: names; every usable column by default.
        most: with more columns than this, those with the most entries are taken (numbers that are not zero, texts that
            are not missing), and the others are named in ``left_out``.

    Raises:
        DataError: a column is not there or not usable, or none is left.
        ValueError: ``most`` is below 2.
    """
    if most < 2:
        raise ValueError(f"most={most!r} is not allowed: it must be a whole number from 2, as pairs are compared.")
    wanted = None if columns is None else {table.column(name).name for name in columns}
    picked = [c for c in table.columns if (c.usable if wanted is None else c.name in wanted)]
    odd = [c for c in picked if not c.usable]
    if odd:
        told = "; ".join(f"{c.name!r} ({c.reason})" for c in odd[:5])
        raise DataError(f"columns names {plural(len(odd), 'column')} that cannot be compared: {told}. Leave them out.")
    if not picked:
        raise DataError(f"table {table.name!r} has no usable column to compare: see table.checks for the reasons.")
    numbers = [c.name for c in picked if c.kind != "category"]
    matrix = table.block(numbers).tocsc()
    entries = dict(zip(numbers, _not_zero(matrix).tolist(), strict=True))
    filled = np.array([entries[c.name] if c.name in entries else table.n_rows - c.missing for c in picked])
    kept = np.sort(np.argsort(-filled, kind="stable")[:most])
    left_out = tuple(c.name for at, c in enumerate(picked) if at not in set(kept.tolist()))
    chosen = [picked[at] for at in kept]
    is_text = np.array([c.kind == "category" for c in chosen])
    if left_out:
        gone = set(left_out)
        matrix = matrix[:, [at for at, name in enumerate(numbers) if name not in gone]]
    return Chosen(
        names=tuple(c.name for c in chosen),
        kinds=tuple(c.kind for c in chosen),
        numeric=matrix,
        texts=tuple(table.texts(c.name) for c in chosen if c.kind == "category"),
        at_numeric=np.flatnonzero(~is_text),
        at_texts=np.flatnonzero(is_text),
        left_out=left_out,
    )


def limit_note(left_out: Sequence[str], compared: int) -> str:
    """The sentence that says which columns a limit left out; "" where none."""
    if not left_out:
        return ""
    return (
        f"Only the {compared:,} columns with the most entries are compared; {plural(len(left_out), 'column')} "
        f"with fewer are left out ({listed(list(left_out), 3)}). Raise the limit (most=…) to see them."
    )


def _not_zero(matrix: Any) -> NDArray[np.int64]:
    """How many present values of each column are not zero."""
    present = np.concatenate([[0], np.cumsum(~np.isnan(matrix.data))])
    counted: NDArray[np.int64] = np.diff(present[matrix.indptr]).astype(np.int64)
    return counted
