"""What is learned from a table, and the features it makes of that table and of others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy import sparse

from segwidgets.compute.features.components import Components, principal
from segwidgets.compute.features.groups import (
    Block,
    Categories,
    Counts,
    Notes,
    Numbers,
    learn_categories,
    learn_counts,
    learn_numbers,
)
from segwidgets.compute.features.plan import resolve
from segwidgets.compute.progress import Tick, no_tick
from segwidgets.data.errors import DataError, listed, nearest, plural
from segwidgets.recipe import Features

if TYPE_CHECKING:
    from segwidgets.data.table import Table

#: Matrices with a smaller share of non-zero values come out sparse. A rule on the content alone, so that equal tables
#: give equal features however they were stored.
SPARSE_BELOW = 0.25

_Group: TypeAlias = Counts | Numbers | Categories
_LEARN: dict[str, Callable[..., tuple[_Group, Block]]] = {
    "count": learn_counts,
    "number": learn_numbers,
    "category": learn_categories,
}


@dataclasses.dataclass(frozen=True)
class FeatureMatrix:
    """One row a customer, ready for neighbours.

    Attributes:
        values: (n, d) float32, a CSR matrix with sorted indices and no stored zeros where less than 25 % is not zero,
            else a C-ordered array. Always finite. New rows take the form of those the features were learned from.
        names: d names: the column's, ``column=level`` for a category, ``pc1``, ``pc2``, … after PCA.
        imputed: how many missing values were filled in, by column; columns without any are left out.
        zero_rows: how many rows are zero throughout, such as customers who bought nothing. They stay, so that rows
            and ids match; a cosine to them is undefined and taken as 0, a distance of 1.
        unseen: how many values are of a level that the features were not learned from, by column; each is a row of
            zeros in its category. Columns without any are left out.
    """

    values: Any
    names: tuple[str, ...]
    imputed: dict[str, int]
    zero_rows: int
    unseen: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, eq=False)
class Fitted:
    """What `fit` learned from a table.

    Attributes:
        features: the settings, with the plan.
        groups: medians, scales, weights and levels, one a group of the plan.
        sparse: whether the features are sparse (before PCA).
        components: the principal components, where the settings ask for them.
    """

    features: Features
    groups: tuple[_Group, ...]
    sparse: bool
    components: Components | None

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names."""
        if self.components is not None:
            return tuple(f"pc{i + 1}" for i in range(len(self.components.directions)))
        return tuple(name for group in self.groups for name in group.names)

    def apply(self, table: Table, tick: Tick = no_tick) -> FeatureMatrix:
        """The features of any table with the plan's columns: bit for bit `build`'s on the table that was learned from.

        Args:
            table: the rows; further columns have no say, and a column without any value may be of either kind.
            tick: told the share done; may raise `Cancelled`.

        Raises:
            DataError: a column of the plan is not there (with the nearest name) or holds texts where it held numbers
                (or the other way round); negative counts; values that leave float32's range.
        """
        self._check_columns(table)
        notes, blocks = Notes(), []
        for place, group in enumerate(self.groups):
            tick(0.9 * place / len(self.groups))
            blocks.append(group.apply(table, notes))
        tick(0.9)
        values = _side_by_side(blocks, as_sparse=self.sparse)
        if self.components is not None:
            values = self.components.project(values)
        tick(1.0)
        return _matrix(values, self.names, notes)

    def _check_columns(self, table: Table) -> None:
        there = {column.name for column in table.columns}
        missing = [name for group in self.groups for name in group.group.columns if name not in there]
        if missing:
            hint = nearest(missing[0], there) if len(missing) == 1 else ""
            raise DataError(
                f"table {table.name!r} lacks {plural(len(missing), 'column')} that the features were learned from: "
                f"{listed(missing)}.{hint}"
            )


def fit(table: Table, features: Features, tick: Tick = no_tick) -> Fitted:
    """Learn the features of a table, for `Fitted.apply` to make of others; see `build` for the rules.

    Args:
        table: the customers.
        features: the settings; without a plan, `resolve` makes one.
        tick: told the share done; may raise `Cancelled`.

    Raises:
        RecipeError: see `resolve`; more principal components than rows or features.
        DataError: nothing usable; negative values in a group of counts; values that leave float32's range.
    """
    return _learn(table, features, tick)[0]


def build(table: Table, features: Features, tick: Tick = no_tick) -> FeatureMatrix:
    """The features of a table.

    Args:
        table: the customers.
        features: the settings; without a plan, `resolve` makes one.
        tick: told the share done; may raise `Cancelled`.

    Returns:
        The features, in the order of the plan's groups. A missing number is imputed with the median of its column
        (in a group of counts with 0) before anything else, and counted. tf-idf weighs a column by
        ln((1 + n) / (1 + rows that have it)) + 1, scikit-learn's smooth idf. "standard" is (x - mean) / standard
        deviation; "robust" is (x - median) / (interquartile range / 1.349), which has variance 1 for normal data;
        where half of the values are equal and the range is 0, the standard deviation stands in. A constant column
        becomes zeros. PCA centres the features and never makes a sparse matrix dense.

    Raises:
        RecipeError: see `resolve`; more principal components than rows or features.
        DataError: nothing usable; negative values in a group of counts; values that leave float32's range.
    """
    return _learn(table, features, tick)[1]


def _learn(table: Table, features: Features, tick: Tick) -> tuple[Fitted, FeatureMatrix]:
    """What is learned, and the features of the table: in one go, as each needs the other."""
    features = resolve(table, features)
    plan = features.plan or ()
    groups: list[_Group] = []
    blocks: list[Block] = []
    notes = Notes()
    share = 0.8 if features.pca is not None else 0.95
    for place, group in enumerate(plan):
        tick(share * place / len(plan))
        learned, block = _LEARN[group.kind](table, group, notes)
        groups.append(learned)
        blocks.append(block)
    tick(share)
    as_sparse = _mostly_zero(blocks)
    values = _side_by_side(blocks, as_sparse=as_sparse)
    components = None
    if features.pca is not None:
        components = principal(values, features.pca)
        values = components.project(values)
    fitted = Fitted(features, tuple(groups), as_sparse, components)
    matrix = _matrix(values, fitted.names, notes)
    tick(1.0)
    return fitted, matrix


def _matrix(values: Any, names: tuple[str, ...], notes: Notes) -> FeatureMatrix:
    filled = values.getnnz(axis=1) if sparse.issparse(values) else values.any(axis=1)
    return FeatureMatrix(values, names, notes.imputed, int(np.count_nonzero(filled == 0)), notes.unseen)


def _mostly_zero(blocks: Sequence[Block]) -> bool:
    cells = sum(block.shape[0] * block.shape[1] for block in blocks)
    filled = sum(block.nnz if sparse.issparse(block) else int(np.count_nonzero(block)) for block in blocks)
    return bool(filled < SPARSE_BELOW * cells)


def _side_by_side(blocks: Sequence[Block], *, as_sparse: bool) -> Any:
    """One matrix, CSR or C-ordered."""
    if as_sparse:
        whole = sparse.csr_matrix(sparse.hstack([sparse.csr_matrix(block) for block in blocks], format="csr"))
        whole.sort_indices()
        return whole
    dense = np.empty((blocks[0].shape[0], sum(block.shape[1] for block in blocks)), dtype=np.float32)
    start = 0
    for block in blocks:
        stop = start + block.shape[1]
        dense[:, start:stop] = block.toarray() if sparse.issparse(block) else block
        start = stop
    return dense
