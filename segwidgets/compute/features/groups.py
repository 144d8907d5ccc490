"""One group of columns each: what is learned from a table, and what it makes of that table and of others.

Every ``learn_…`` gives what it learned and the block of features of the table it learned from.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy import sparse

from segwidgets.data.columns import Texts
from segwidgets.data.errors import DataError, listed
from segwidgets.recipe import ColumnGroup

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from segwidgets.data.table import Table

#: The interquartile range of a normal distribution of variance 1.
NORMAL_IQR = 1.3489795003921634

#: A CSR matrix or an array, (n, k) float32.
Block: TypeAlias = Any


@dataclasses.dataclass
class Notes:
    """What was met on the way, by column: values ``imputed``, and values of a level that was ``unseen`` at the fit."""

    imputed: dict[str, int] = dataclasses.field(default_factory=dict)
    unseen: dict[str, int] = dataclasses.field(default_factory=dict)


def _all_missing(table: Table, name: str) -> bool:
    """Whether a column has no value: it then has no kind either, as text is told from numbers by its values."""
    return table.column(name).missing == table.n_rows


def _kind_error(name: str, wanted: str, holds: str) -> DataError:
    return DataError(
        f"column {name!r} holds {holds}, and {wanted} where the features were learned. Read it in the same form."
    )


# -- counts ------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, eq=False)
class Counts:
    """A profile of counts; ``weights`` (k,) float64 are those of tf-idf, where the group has it."""

    group: ColumnGroup
    weights: NDArray[np.float64] | None

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names."""
        return self.group.columns

    def apply(self, table: Table, notes: Notes) -> Block:
        """The block of a table, CSR."""
        return self.transform(_raw_counts(table, self.group, notes))

    def transform(self, matrix: sparse.csr_matrix) -> Block:
        """The block of raw counts, which are used up: all arithmetic is on the non-zero values, in float64."""
        for transform in self.group.transforms:
            if transform == "log1p":
                matrix.data = np.log1p(matrix.data)
            elif transform == "tfidf" and self.weights is not None:
                matrix.data *= self.weights[matrix.indices]
            elif transform == "l2":
                _to_length_one(matrix)
        return _as_float32(matrix, self.group.columns)


def learn_counts(table: Table, group: ColumnGroup, notes: Notes) -> tuple[Counts, Block]:
    """The weights of a profile."""
    matrix = _raw_counts(table, group, notes)
    weights = None
    if "tfidf" in group.transforms:
        n_rows, n_columns = matrix.shape
        having = np.bincount(matrix.indices, minlength=n_columns)
        weights = np.log((1 + n_rows) / (1 + having)) + 1
    learned = Counts(group, weights)
    return learned, learned.transform(matrix)


def _raw_counts(table: Table, group: ColumnGroup, notes: Notes) -> sparse.csr_matrix:
    """The counts as a new CSR matrix, missing ones as 0 and counted."""
    texts = [j for j, name in enumerate(group.columns) if table.column(name).kind == "category"]
    for j in texts:
        if not _all_missing(table, group.columns[j]):
            raise _kind_error(group.columns[j], "counts", "categories")
        notes.imputed[group.columns[j]] = table.n_rows
    if texts:
        kept = np.setdiff1d(np.arange(len(group.columns)), texts)
        part = table.block([group.columns[j] for j in kept])
        matrix = sparse.csr_matrix(
            (part.data, kept[part.indices], part.indptr), shape=(table.n_rows, len(group.columns))
        )
    else:
        matrix = table.block(group.columns)
    absent = np.isnan(matrix.data)
    if absent.any():
        holes = np.bincount(matrix.indices[absent], minlength=matrix.shape[1])
        notes.imputed.update({group.columns[j]: int(holes[j]) for j in np.flatnonzero(holes)})
        matrix.data[absent] = 0
        matrix.eliminate_zeros()
    if (matrix.data < 0).any():
        where = sorted({group.columns[j] for j in np.unique(matrix.indices[matrix.data < 0])})
        raise DataError(f"plan treats {listed(where)} as counts, but negative values are in there: make it a number.")
    return matrix


def _to_length_one(matrix: sparse.csr_matrix) -> None:
    """Scale each row to Euclidean length 1, in place; rows of zeros stay."""
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr))
    largest = np.zeros(matrix.shape[0])
    np.maximum.at(largest, rows, matrix.data)
    matrix.data /= largest[rows]  # first, so that squares of huge values stay finite
    lengths = np.sqrt(np.bincount(rows, weights=matrix.data**2, minlength=matrix.shape[0]))
    matrix.data /= lengths[rows]


def _as_float32(matrix: sparse.csr_matrix, names: Sequence[str]) -> sparse.csr_matrix:
    with np.errstate(over="ignore"):
        small = matrix.astype(np.float32)
    if not np.isfinite(small.data).all():
        where = sorted({names[j] for j in np.unique(small.indices[~np.isfinite(small.data)])})
        raise DataError(f"{listed(where)} has values beyond float32 (3.4e38): use the transform 'log1p' or 'l2'.")
    small.eliminate_zeros()
    return small


# -- numbers -----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Scaling:
    """``(x / 2^exponent - middle) / spread``; a spread of 0 makes every value 0, for a column that was constant."""

    exponent: int
    middle: float
    spread: float

    def apply(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        """The scaled column, new."""
        if self.spread == 0:
            return np.zeros_like(column)
        with np.errstate(over="ignore"):  # a new value may be any size: the caller looks at what comes out
            scaled: NDArray[np.float64] = (np.ldexp(column, -self.exponent) - self.middle) / self.spread
        return scaled


def _learn_scaling(column: NDArray[np.float64], *, robust: bool) -> Scaling:
    low, high = column.min(), column.max()
    if low == high:
        return Scaling(0, 0.0, 0.0)
    # A power of two changes no digit, and keeps squares of huge and tiny values within float64.
    exponent = int(np.frexp(max(abs(low), abs(high)))[1])
    column = np.ldexp(column, -exponent)
    middle, spread = column.mean(), column.std()
    if robust:
        q25, middle, q75 = np.quantile(column, [0.25, 0.5, 0.75])
        spread = (q75 - q25) / NORMAL_IQR or spread
    return Scaling(exponent, float(middle), float(spread))


@dataclasses.dataclass(frozen=True)
class Numbers:
    """Number columns; ``medians`` stand in for missing values, ``scalings`` are one a transform, for each column."""

    group: ColumnGroup
    medians: tuple[float, ...]
    scalings: tuple[tuple[Scaling, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names."""
        return self.group.columns

    def apply(self, table: Table, notes: Notes) -> Block:
        """The block of a table, a C-ordered array; one column in float64 at a time."""
        block = np.empty((len(table), len(self.group.columns)), dtype=np.float32)
        for j, name in enumerate(self.group.columns):
            column = _raw_numbers(table, name)
            absent = np.isnan(column)
            if absent.any():
                notes.imputed[name] = int(np.count_nonzero(absent))
                column[absent] = self.medians[j]
            for scaling in self.scalings[j]:
                column = scaling.apply(column)
            with np.errstate(over="ignore"):
                block[:, j] = column
            if not np.isfinite(block[:, j]).all():
                after = self.group.transforms
                way_out = "it is too far from what the features were learned from" if "standard" in after else ""
                raise DataError(
                    f"column {name!r} has values beyond float32 (3.4e38) after {after!r}: "
                    f"{way_out or 'use ' + repr('standard')}."
                )
        return block


def learn_numbers(table: Table, group: ColumnGroup, notes: Notes) -> tuple[Numbers, Block]:
    """Medians and scales, one column in float64 at a time."""
    medians, scalings = [], []
    for name in group.columns:
        column = _raw_numbers(table, name)
        absent = np.isnan(column)
        present = column[~absent]
        medians.append(float(np.median(present)) if len(present) else 0.0)
        column[absent] = medians[-1]
        learned = []
        for transform in group.transforms:
            learned.append(_learn_scaling(column, robust=transform == "robust"))
            column = learned[-1].apply(column)
        scalings.append(tuple(learned))
    numbers = Numbers(group, tuple(medians), tuple(scalings))
    return numbers, numbers.apply(table, notes)


def _raw_numbers(table: Table, name: str) -> NDArray[np.float64]:
    if table.column(name).kind != "category":
        return table.values(name)
    if not _all_missing(table, name):
        raise _kind_error(name, "numbers", "categories")
    return np.full(table.n_rows, np.nan)


# -- categories --------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Categories:
    """Categories as one column of zeros and ones a level; ``levels`` are sorted, one tuple a column."""

    group: ColumnGroup
    levels: tuple[tuple[str, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names."""
        pairs = zip(self.group.columns, self.levels, strict=True)
        return tuple(f"{name}={level}" for name, levels in pairs for level in levels)

    def apply(self, table: Table, notes: Notes) -> Block:
        """The block of a table, CSR; a missing category, or one never seen, is a row of zeros."""
        rows: list[NDArray[np.intp]] = []
        columns: list[NDArray[np.int64]] = []
        width = 0
        for name, levels in zip(self.group.columns, self.levels, strict=True):
            texts = _raw_texts(table, name)
            codes = texts.codes.astype(np.int64)
            if texts.levels != levels:
                place = {level: i for i, level in enumerate(levels)}
                codes = np.array([*(place.get(level, -1) for level in texts.levels), -1], dtype=np.int64)[codes]
                unseen = int(np.count_nonzero((codes < 0) & (texts.codes >= 0)))
                if unseen:
                    notes.unseen[name] = unseen
            present = np.flatnonzero(codes >= 0)
            rows.append(present)
            columns.append(codes[present] + width)
            width += len(levels)
        where = (np.concatenate(rows), np.concatenate(columns))
        ones = np.ones(len(where[0]), dtype=np.float32)
        block = sparse.csr_matrix((ones, where), shape=(len(table), width))
        block.sort_indices()
        return block


def learn_categories(table: Table, group: ColumnGroup, notes: Notes) -> tuple[Categories, Block]:
    """The levels of categories."""
    learned = Categories(group, tuple(table.texts(name).levels for name in group.columns))
    return learned, learned.apply(table, notes)


def _raw_texts(table: Table, name: str) -> Texts:
    if table.column(name).kind == "category":
        return table.texts(name)
    if not _all_missing(table, name):
        raise _kind_error(name, "categories", "numbers")
    return Texts(np.full(table.n_rows, -1, dtype=np.int32), ())
