"""What is checked before any work starts, and the table that comes out of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from segwidgets.data.columns import Check, Column, Texts, describe_numbers, describe_texts
from segwidgets.data.errors import DataError, listed, plural
from segwidgets.data.table import Table, canonical_csc

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Where this share of the numeric columns are counts, …
COMPANY_SHARE = 0.8
#: … a non-negative column with this share of zeros is one too.
COMPANY_ZEROS = 0.1

_SAID = {
    "constant": "no feature can be made of {columns} with one value or none: {which}.",
    "identifier": "{columns} looking like identifiers left out: {which}. Name the customers' as id= when reading.",
    "too-many-categories": "{columns} with too many categories left out: {which}. Group the rare ones to use it.",
    "unsupported": "{columns} of a type that features cannot be made of left out: {which}.",
}


def checked_table(
    *,
    name: str,
    source: str,
    ids: NDArray[np.object_],
    names: Sequence[str],
    numeric: Any,
    texts: Mapping[str, Texts],
    unsupported: Mapping[str, str],
    notes: Sequence[Check] = (),
) -> Table:
    """A table from its parts, or DataError.

    Args:
        name: a short name for people.
        source: where it came from, for people.
        ids: (n,) object array of ``str``.
        names: the columns in order; those in ``texts`` are categories, the others stand in ``numeric`` in this order.
        numeric: scipy sparse matrix, (n, len(names) - len(texts)).
        texts: the categories.
        unsupported: for some of ``texts``, why features cannot be made of them.
        notes: checks that the reader made already.

    Raises:
        DataError: no rows or columns, column names or ids that are not distinct, infinite values.
    """
    _check_shape(len(ids), names)
    _check_ids(ids)
    matrix = canonical_csc(numeric)
    _check_finite(matrix, [name for name in names if name not in texts])
    columns: list[Column] = []
    by_code: dict[str, list[Column]] = {}
    place = 0
    for column_name in names:
        if column_name in texts:
            column, code = describe_texts(column_name, texts[column_name], unsupported.get(column_name, ""))
        else:
            values = matrix.data[matrix.indptr[place] : matrix.indptr[place + 1]]
            column, code = describe_numbers(column_name, values, len(ids))
            place += 1
        columns.append(column)
        if code:
            by_code.setdefault(code, []).append(column)
    columns = _with_company(columns, matrix)
    checks = [*notes, *_missing(columns), *(_unusable(code, by_code[code]) for code in _SAID if code in by_code)]
    return Table(name=name, source=source, ids=ids, columns=columns, numeric=matrix, texts=texts, checks=checks)


def _with_company(columns: Sequence[Column], matrix: Any) -> list[Column]:
    """Columns by the company they keep: milk is in most baskets, and a count all the same.

    Where at least 80 % of the usable numeric columns are counts, a number that is never negative and zero in at least a
    tenth of the rows is one of them.
    """
    numeric = [column for column in columns if column.kind != "category"]
    usable = [column for column in numeric if column.usable]
    if sum(column.kind == "count" for column in usable) < max(1.0, COMPANY_SHARE * len(usable)):
        return list(columns)
    changed: dict[str, Column] = {}
    for place, column in enumerate(numeric):
        values = matrix.data[matrix.indptr[place] : matrix.indptr[place + 1]]
        zeros = matrix.shape[0] - len(values)
        if (
            column.usable
            and column.kind == "number"
            and zeros >= COMPANY_ZEROS * matrix.shape[0]
            and not (values < 0).any()
        ):
            changed[column.name] = dataclasses.replace(column, kind="count")
    return [changed.get(column.name, column) for column in columns]


def _check_shape(n_rows: int, names: Sequence[str]) -> None:
    if not names:
        raise DataError("the table has no columns besides its ids: there is nothing to make features of.")
    if not n_rows:
        raise DataError(f"the table is empty: it has {plural(len(names), 'column')} and no rows.")
    distinct, counts = np.unique(np.array(names, dtype=object), return_counts=True)
    if (counts > 1).any():
        twice = distinct[counts > 1].tolist()
        raise DataError(
            f"{plural(len(twice), 'column name')} stand more than once: {listed(twice)}. Rename or drop them."
        )


def _check_ids(ids: NDArray[np.object_]) -> None:
    seen: dict[str, int] = {}
    for item in ids.tolist():
        seen[item] = seen.get(item, 0) + 1
    if len(seen) == len(ids):
        return
    repeated = [item for item, count in seen.items() if count > 1]
    raise DataError(
        f"{plural(len(repeated), 'id')} stand on more than one row ({len(ids) - len(seen):,} rows too many), for "
        f"example {listed(repeated, 3)}. Keep one row a customer (drop_duplicates), name another column as id=, or, if "
        "these are transactions, give rows=, columns= and values= to sum them up by customer."
    )


def _check_finite(matrix: Any, names: Sequence[str]) -> None:
    infinite = np.isinf(matrix.data)
    if not infinite.any():
        return
    running = np.concatenate([[0], np.cumsum(infinite)])
    per_column = np.diff(running[matrix.indptr])
    where = [f"{names[j]!r} ({per_column[j]:,})" for j in np.flatnonzero(per_column)[:5]]
    n_columns = int(np.count_nonzero(per_column))
    more = f" and {n_columns - 5:,} more" if n_columns > 5 else ""
    raise DataError(
        f"{plural(int(infinite.sum()), 'infinite value')} in {plural(n_columns, 'column')}: {', '.join(where)}{more}. "
        "Replace them by a number, or by NaN to have them imputed."
    )


def _missing(columns: Sequence[Column]) -> list[Check]:
    holed = [column for column in columns if column.missing]
    if not holed:
        return []
    total = sum(column.missing for column in holed)
    which = ", ".join(f"{c.name!r} ({c.missing:,})" for c in holed[:5]) + (
        f" and {len(holed) - 5:,} more" if len(holed) > 5 else ""
    )
    message = (
        f"{plural(total, 'missing value')} in {plural(len(holed), 'column')}: {which}. "
        "Numbers are imputed with the column's median, counts with 0; a missing category is none of its levels."
    )
    return [Check("warning", "missing", message, tuple(c.name for c in holed), total)]


def _unusable(code: str, columns: Sequence[Column]) -> Check:
    which = "; ".join(f"{c.name!r} ({c.reason})" for c in columns[:5])
    which += f" and {len(columns) - 5:,} more" if len(columns) > 5 else ""
    message = _SAID[code].format(columns=plural(len(columns), "column"), which=which)
    return Check("warning", code, message[0].upper() + message[1:], tuple(c.name for c in columns), len(columns))
