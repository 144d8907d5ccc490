"""A pandas frame as canonical columns: numbers by their non-zero entries, texts by codes, sparse ones never dense."""

from __future__ import annotations

import dataclasses
import decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from segwidgets.data.columns import DATES_REASON, Numbers, Texts
from segwidgets.data.errors import DataError, listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_REALS = (bool, int, float, decimal.Decimal, np.bool_, np.integer, np.floating)
_NESTED = (list, tuple, dict, set, frozenset, np.ndarray)
_DATES = ("date", "datetime", "datetime64", "timedelta", "timedelta64", "period", "time", "interval")


@dataclasses.dataclass(frozen=True)
class Fields:
    """The columns of a frame: their names in order, the numeric ones as CSC (in that order), the others as texts."""

    names: tuple[str, ...]
    numeric: sparse.csc_matrix
    texts: dict[str, Texts]
    unsupported: dict[str, str]


def fields_of(frame: pd.DataFrame) -> Fields:
    """The columns of a frame in canonical form, one at a time.

    Raises DataError where a column mixes types (all such columns are named) or holds complex numbers, or two columns
    have the same name.
    """
    names = tuple(str(name) for name in frame.columns)
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DataError(f"column names stand more than once: {listed(twice)}. Rename or drop them.")
    numbers: list[Numbers] = []
    texts: dict[str, Texts] = {}
    unsupported: dict[str, str] = {}
    mixed: list[str] = []
    for place, name in enumerate(names):
        try:
            field, reason = _field(name, frame.iloc[:, place])
        except _MixedTypesError as error:
            mixed.append(str(error))
            continue
        if isinstance(field, Texts) and not field.levels:
            # Nothing says that it would be text: a CSV file would make it numbers, too.
            field = Numbers.of(np.full(len(frame), np.nan))
        if isinstance(field, Numbers):
            numbers.append(field)
        else:
            texts[name] = field
            if reason:
                unsupported[name] = reason
    if mixed:
        raise DataError(
            f"mixed types in one column: {'; '.join(mixed)}. Make each column one type, for example with astype."
        )
    return Fields(names, stack(numbers, len(frame)), texts, unsupported)


def stack(numbers: Sequence[Numbers], n_rows: int) -> sparse.csc_matrix:
    """Numeric columns side by side, (n_rows, len(numbers)) float64 CSC."""
    starts = np.concatenate([[0], np.cumsum([len(column.positions) for column in numbers], dtype=np.int64)])
    # int32 wherever it suffices halves the memory of the row numbers.
    index = np.int32 if max(n_rows, int(starts[-1])) < 2**31 else np.int64
    positions = np.concatenate([np.empty(0, index), *(column.positions.astype(index) for column in numbers)])
    values = np.concatenate([np.empty(0), *(column.values for column in numbers)])
    return sparse.csc_matrix((values, positions, starts.astype(index)), shape=(n_rows, len(numbers)))


def strings(values: Any) -> tuple[NDArray[np.object_], int]:
    """Ids as strings, (n,) object, and how many are missing (those come back as empty strings).

    Whole floats are written without their ``.0``: that is what a gap elsewhere made of whole numbers.
    """
    codes, distinct = pd.factorize(pd.Series(values))
    texts = np.array([*map(_id_text, distinct), ""], dtype=object)
    return texts[codes], int(np.count_nonzero(codes < 0))


def _id_text(value: Any) -> str:
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


class _MixedTypesError(Exception):
    """Says for one column which types it holds, how often."""


def _field(name: str, series: pd.Series[Any]) -> tuple[Numbers | Texts, str]:
    dtype = series.dtype
    if isinstance(dtype, pd.SparseDtype):
        if pd.api.types.is_numeric_dtype(dtype.subtype):
            return _from_sparse(series), ""
        series = pd.Series(np.asarray(series))
        dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return Texts.of(series.cat.codes.to_numpy(), [str(level) for level in series.cat.categories]), ""
    if pd.api.types.is_complex_dtype(dtype):
        raise DataError(f"column {name!r} holds complex numbers: take its real part or its size.")
    if pd.api.types.is_numeric_dtype(dtype):  # bool too
        return Numbers.of(series.to_numpy(dtype=np.float64, na_value=np.nan)), ""
    if isinstance(dtype, pd.StringDtype):
        return _from_strings(series), ""
    if pd.api.types.is_datetime64_any_dtype(dtype) or pd.api.types.is_timedelta64_dtype(dtype):
        return _from_strings(series.astype(str).where(series.notna())), DATES_REASON
    return _from_objects(name, series.astype(object))


def _from_sparse(series: pd.Series[Any]) -> Numbers:
    array: Any = series.array
    if array.fill_value == 0:
        entries = np.asarray(array.sp_values, dtype=np.float64)
        places = np.asarray(array.sp_index.indices)
        kept = entries != 0  # NaN is not zero
        return Numbers(places[kept], entries[kept])
    return Numbers.of(np.asarray(array.to_dense(), dtype=np.float64))


def _from_strings(series: pd.Series[Any]) -> Texts:
    codes, levels = pd.factorize(series)
    return Texts.of(codes, [str(level) for level in levels])


def _from_objects(name: str, series: pd.Series[Any]) -> tuple[Numbers | Texts, str]:
    """A column of Python objects: whatever is neither one kind of text nor numbers throughout is mixed."""
    kind = pd.api.types.infer_dtype(series, skipna=True)
    if kind == "string":
        return _from_strings(series), ""
    if kind == "empty":
        return Numbers.of(np.full(len(series), np.nan)), ""
    if kind in _DATES:
        return _from_strings(series.map(str, na_action="ignore")), DATES_REASON
    present = series[series.notna()]
    types = present.map(type)
    if all(issubclass(kind_of, _REALS) for kind_of in types.unique()):
        return Numbers.of(np.array([np.nan if pd.isna(v) else float(v) for v in series], dtype=np.float64)), ""
    if all(issubclass(kind_of, _NESTED) for kind_of in types.unique()):
        plain = series.map(lambda v: str(v.tolist() if isinstance(v, np.ndarray) else v), na_action="ignore")
        return _from_strings(plain), "nested values (lists, dicts): spread them over columns of their own"
    counts = types.map(lambda kind_of: kind_of.__name__).value_counts()
    if len(counts) == 1:
        plain = series.map(str, na_action="ignore")
        return _from_strings(
            plain
        ), f"values of type {counts.index[0]} are no features: turn them into numbers or texts"
    raise _MixedTypesError(f"{name!r} holds " + ", ".join(f"{count:,} {kind_of}" for kind_of, count in counts.items()))
