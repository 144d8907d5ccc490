"""Long transactions to one sparse row a customer, without a dense table on the way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from segwidgets.data.checks import checked_table
from segwidgets.data.columns import Check
from segwidgets.data.errors import DataError, plural, unknown_column
from segwidgets.data.frames import strings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from segwidgets.data.table import Table

_WHOLE = re.compile(r"0|-?[1-9]\d{0,17}", re.ASCII)


def check_names(available: Sequence[str], rows: str, columns: str, values: str | None) -> None:
    """Raise DataError unless the three name different columns that are there (``values`` may be None)."""
    given = {"rows": rows, "columns": columns} | ({} if values is None else {"values": values})
    for argument, name in given.items():
        if not isinstance(name, str):
            raise DataError(
                f"{argument}={name!r} is not allowed: it must be the name of one column of the transactions."
            )
        if name not in available:
            raise unknown_column(argument, name, available)
    if len(set(given.values())) != len(given):
        told = ", ".join(f"{argument}={name!r}" for argument, name in given.items())
        raise DataError(f"{told} name one column twice: customer, category and amount must be three different columns.")


def pivot(frame: pd.DataFrame, rows: str, columns: str, values: str | None, *, name: str, source: str) -> Table:
    """One row a customer, one column a category, what belongs together summed up.

    Args:
        frame: a line each, in any order.
        rows: the column that says whose line it is; becomes the ids.
        columns: the column that says what it is about; its values become the columns.
        values: the column to sum up; None counts lines.
        name: a short name for people.
        source: where the lines came from, for people.

    Returns:
        The table, ids and columns in ascending order (as numbers where all are whole numbers, else as text), so that
        the order of the lines does not matter. Lines without a customer, a category or an amount are left out, which
        the check "dropped-lines" counts.

    Raises:
        DataError: unknown columns, amounts that are no numbers, nothing left.
    """
    check_names([str(label) for label in frame.columns], rows, columns, values)
    frame = frame.set_axis([str(label) for label in frame.columns], axis=1)
    whose, whose_missing = strings(frame[rows])
    what, what_missing = strings(frame[columns])
    amounts = np.ones(len(frame)) if values is None else _amounts(frame[values], values)
    whole = (whose != "") & (what != "") & ~np.isnan(amounts)
    notes: list[Check] = []
    if not whole.all():
        holed = [rows] * bool(whose_missing or (whose == "").any()) + [columns] * bool(
            what_missing or (what == "").any()
        )
        if values is not None and np.isnan(amounts).any():
            holed.append(values)
        dropped = int(np.count_nonzero(~whole))
        message = f"{plural(dropped, 'line')} of {len(frame):,} left out: no value in {' or '.join(map(repr, holed))}."
        notes.append(Check("warning", "dropped-lines", message, tuple(holed), dropped))
        whose, what, amounts = whose[whole], what[whole], amounts[whole]
    ids, row_of = _ordered(whose)
    names, column_of = _ordered(what)
    return checked_table(
        name=name,
        source=source,
        ids=ids,
        names=names.tolist(),
        numeric=_summed(row_of, column_of, amounts, (len(ids), len(names))),
        texts={},
        unsupported={},
        notes=notes,
    )


def _amounts(series: pd.Series[Any], name: str) -> NDArray[np.float64]:
    try:
        if not pd.api.types.is_numeric_dtype(series.dtype):
            series = pd.to_numeric(series)
        amounts = series.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(f"values={name!r} must be a column of numbers: {error}. values=None counts lines.") from None
    infinite = int(np.count_nonzero(np.isinf(amounts)))
    if infinite:
        raise DataError(f"{plural(infinite, 'infinite value')} in column {name!r}. Replace them by numbers.")
    return amounts


def _ordered(labels: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """The distinct labels in ascending order, and for each line which one it has."""
    codes, distinct = pd.factorize(labels)
    texts: list[str] = list(distinct)
    by_number = all(_WHOLE.fullmatch(text) for text in texts)
    order = sorted(range(len(texts)), key=(lambda i: int(texts[i])) if by_number else texts.__getitem__)
    rank = np.empty(len(texts), dtype=np.intp)
    rank[order] = np.arange(len(texts))
    return np.array([*(texts[i] for i in order), None], dtype=object)[:-1], rank[codes]


def _summed(
    rows: NDArray[np.intp], columns: NDArray[np.intp], amounts: NDArray[np.float64], shape: tuple[int, int]
) -> sparse.csc_matrix:
    """Amounts summed up by cell; fractions in ascending order, so that no sum depends on the order of the lines."""
    if (amounts != np.floor(amounts)).any():
        order = np.lexsort((amounts, rows, columns))
        rows, columns, amounts = rows[order], columns[order], amounts[order]
        first = np.flatnonzero(np.diff(rows, prepend=-1) | np.diff(columns, prepend=-1))
        rows, columns, amounts = rows[first], columns[first], np.add.reduceat(amounts, first)
    return sparse.coo_matrix((amounts, (rows, columns)), shape=shape).tocsc()
