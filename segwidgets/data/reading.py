"""Read a table of customers from wherever it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from segwidgets.data.checks import checked_table
from segwidgets.data.columns import Check, Numbers
from segwidgets.data.cudf import device_fields, host_part, is_cudf
from segwidgets.data.errors import DataError, plural, unknown_column
from segwidgets.data.files import Location, no_such_source
from segwidgets.data.frames import Fields, fields_of, stack, strings
from segwidgets.data.table import Table
from segwidgets.data.transactions import check_names, pivot

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBERED = Check("note", "row-numbers", "No id was given: rows are numbered from 0.", (), 0)


def read(
    source: Any,
    *,
    id: str | Sequence[Any] | None = None,  # noqa: A002 - the word everybody looks for
    rows: str | None = None,
    columns: str | Sequence[str] | None = None,
    values: str | None = None,
    name: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Table:
    """Read customers, check them and give their content a digest.

    Args:
        source: a pandas DataFrame (sparse columns stay sparse; anything with ``to_pandas`` is turned into one); a cuDF
            DataFrame (its numbers and texts leave the GPU once, in the table's own form); a 2-D NumPy array; a
            scipy.sparse matrix; or the path (str or Path) or URL (``s3://…`` and whatever fsspec knows) of a Parquet
            file or directory, a CSV or TSV file (also .gz, .bz2, .xz), a matrix saved by ``scipy.sparse.save_npz``, an
            .npy file, or a directory written by `Table.save`.
        id: the column that holds the ids, or the ids themselves, one a row. None takes a DataFrame's index where it
            is more than row numbers, else numbers the rows from 0. Ids become strings.
        rows: for long transactions (a frame or file with a line a purchase): the column that says whose line it is.
            Needs ``columns``; the lines become one sparse row a customer, never dense.
        columns: for transactions, the column whose values become the columns. For an array or a matrix, the names
            of its columns (``x0``, ``x1``, … else).
        values: for transactions, the column to sum up; None counts the lines.
        name: a short name for people; None takes the file's.
        storage_options: for fsspec, with a URL only.

    Returns:
        The table; ``table.checks`` says what a reader should know (missing values, columns left out and why).

    Raises:
        DataError: nothing there, or not to be read, a name that is no column (with the nearest one), ids or column
            names that are not distinct, missing ids, mixed types in a column, infinite values, an empty table.
        MissingExtraError: a protocol whose package is not installed; the message is the command that installs it.

    In a CSV file an empty field is missing, and so is "NA", "null" and the like in a column of numbers; the ids are
    text as they stand. CSV has no types: a text column of digits comes back as numbers.
    """
    if rows is None and values is not None:
        raise DataError(f"values={values!r} is for transactions: give rows= (the customer's column) and columns= too.")
    if rows is not None and not isinstance(columns, str):
        raise DataError(f"rows={rows!r} is for transactions: columns= must name one column too, got {columns!r}.")
    if rows is not None and id is not None:
        raise DataError(f"id={id!r} and rows={rows!r} both say whose row it is: for transactions give rows= only.")
    if isinstance(source, (str, Path)):
        table = _read_file(Location(source, storage_options), id, rows, columns, values, name)
        # Credentials may stand in storage_options, and ids may be a million: neither is for a script that people share.
        given = {"rows": rows, "columns": columns, "values": values, "name": name}
        given["id"] = id if isinstance(id, str) else None
        said = "".join(f", {key}={value!r}" for key, value in given.items() if value is not None)
        whole = id is None or isinstance(id, str)
        table = table.described(table.source, call=f"sw.read({str(source)!r}{said})" if whole else "")
        table.reading = {key: value for key, value in given.items() if value is not None and key != "name"}
        return table
    if storage_options:
        raise DataError("storage_options are for URLs such as s3://…, the source is in memory already.")
    if rows is None and is_cudf(source):
        part, fields = host_part(source, id), lambda _: device_fields(source, without=id)
        return _read_frame(part, id, columns, name or "table", "cuDF DataFrame", fields)
    source = _on_the_host(source)
    if not isinstance(source, pd.DataFrame):
        _refuse_transactions(rows, "an array or a matrix")
        return _read_array(source, id, columns, name or "table", type(source).__name__)
    if rows is not None:
        return pivot(source, rows, str(columns), values, name=name or "transactions", source="DataFrame")
    return _read_frame(source, id, columns, name or "table", "DataFrame")


def _on_the_host(source: Any) -> Any:
    """A pandas frame, an array or a matrix."""
    if isinstance(source, (pd.DataFrame, np.ndarray)) or sparse.issparse(source):
        return source
    if not hasattr(source, "to_pandas"):
        raise no_such_source(source)
    return source.to_pandas()


def _refuse_transactions(rows: str | None, what: str) -> None:
    if rows is not None:
        raise DataError(f"rows={rows!r} is for transactions in a frame, a Parquet or a CSV file; this is {what}.")


def _read_file(
    location: Location,
    id: str | Sequence[Any] | None,  # noqa: A002 - as in read
    rows: str | None,
    columns: str | Sequence[str] | None,
    values: str | None,
    name: str | None,
) -> Table:
    if location.is_directory and not location.is_frame:
        _refuse_transactions(rows, "a saved table")
        return _read_saved(location, id, columns, name)
    if not location.is_frame:
        _refuse_transactions(rows, "a matrix")
        return _read_array(location.array(), id, columns, name or location.stem, location.text)
    if rows is not None:
        check_names(location.names(), rows, str(columns), values)
        wanted = [rows, str(columns), *([values] if values is not None else [])]
        frame = location.frame(wanted, as_text=[rows, str(columns)])
        return pivot(frame, rows, str(columns), values, name=name or location.stem, source=location.text)
    frame = location.frame(as_text=[id] if isinstance(id, str) else [])
    return _read_frame(frame, id, columns, name or location.stem, location.text)


def _read_saved(location: Location, id: object, columns: object, name: str | None) -> Table:  # noqa: A002 - as in read
    if id is not None or columns is not None:
        raise DataError(
            f"{location.text} is a saved table: its ids and columns are part of it, leave id= and columns= out."
        )
    table = Table.load(Path(location.path))
    return table.described(table.source, name)


def _read_frame(
    frame: pd.DataFrame,
    id: str | Sequence[Any] | None,  # noqa: A002 - as in read
    columns: str | Sequence[str] | None,
    name: str,
    source: str,
    fields: Callable[[pd.DataFrame], Fields] = fields_of,
) -> Table:
    if columns is not None:
        raise DataError(
            f"columns={columns!r} names the columns of an array, or with rows= a column of transactions; a frame has "
            "its own names. To leave columns out, use Features(exclude=…)."
        )
    notes: list[Check] = []
    labels = [str(label) for label in frame.columns]
    if isinstance(id, str):
        if id in labels:
            place = labels.index(id)
            ids = _ids(frame.iloc[:, place], len(frame), f"column {id!r}")
            frame = frame.iloc[:, [i for i in range(len(labels)) if i != place]]
        elif id in frame.index.names:
            ids = _ids(frame.index.get_level_values(id), len(frame), f"index {id!r}")
        else:
            raise unknown_column("id", id, [*labels, *(str(n) for n in frame.index.names if n is not None)])
    elif id is not None:
        ids = _ids(id, len(frame), "id")
    elif isinstance(frame.index, pd.MultiIndex):
        raise DataError("the index has several levels: name the one that holds the ids as id=, or reset_index first.")
    elif isinstance(frame.index, pd.RangeIndex) and frame.index.start == 0 and frame.index.step == 1:
        ids = _row_numbers(len(frame))
        notes.append(_NUMBERED)
    else:
        ids = _ids(frame.index, len(frame), "the index")
    return _table(fields(frame), ids, name, source, notes)


def _read_array(
    array: Any,
    id: str | Sequence[Any] | None,  # noqa: A002 - as in read
    columns: str | Sequence[str] | None,
    name: str,
    source: str,
) -> Table:
    if isinstance(id, str):
        raise DataError(f"id={id!r}: an array has no named columns; give the ids themselves, one a row.")
    if isinstance(columns, str):
        raise DataError(f"columns={columns!r}: give the names of all columns of the array, as a list.")
    if array.ndim != 2:
        raise DataError(
            f"an array of customers has two dimensions, rows and columns; this one has shape {array.shape}."
        )
    n_rows, n_columns = array.shape
    names = tuple(f"x{j}" for j in range(n_columns)) if columns is None else tuple(map(str, columns))
    if len(names) != n_columns:
        raise DataError(f"columns= has {plural(len(names), 'name')} for {plural(n_columns, 'column')}.")
    notes = [] if id is not None else [_NUMBERED]
    ids = _row_numbers(n_rows) if id is None else _ids(id, n_rows, "id")
    if array.dtype.kind == "O":
        return _table(fields_of(pd.DataFrame(array, columns=list(names)).infer_objects()), ids, name, source, notes)
    if array.dtype.kind not in "biuf":
        raise DataError(f"an array of customers holds numbers; this one has dtype {array.dtype}.")
    if sparse.issparse(array):
        # Only a matrix of this format already would be shared with the caller, who may write to it.
        numeric = sparse.csc_matrix(array, dtype=np.float64, copy=array.format == "csc")
    else:
        numeric = stack([Numbers.of(array[:, j]) for j in range(n_columns)], n_rows)
    return _table(Fields(names, numeric, {}, {}), ids, name, source, notes)


def _table(fields: Fields, ids: NDArray[np.object_], name: str, source: str, notes: Sequence[Check]) -> Table:
    return checked_table(
        name=name,
        source=source,
        ids=ids,
        names=fields.names,
        numeric=fields.numeric,
        texts=fields.texts,
        unsupported=fields.unsupported,
        notes=notes,
    )


def _row_numbers(n_rows: int) -> NDArray[np.object_]:
    return np.array([*map(str, range(n_rows)), None], dtype=object)[:-1]


def _ids(values: Any, n_rows: int, what: str) -> NDArray[np.object_]:
    if not isinstance(values, (pd.Series, pd.Index)):
        values = pd.Series(list(values), dtype=object)
    if len(values) != n_rows:
        raise DataError(f"{what} has {plural(len(values), 'value')} for {plural(n_rows, 'row')}.")
    ids, missing = strings(values)
    missing = max(missing, int(np.count_nonzero(ids == "")))
    if missing:
        raise DataError(f"{plural(missing, 'id')} missing in {what}. Drop those rows, or name another column as id=.")
    return ids
