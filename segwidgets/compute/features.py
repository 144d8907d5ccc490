"""Features: a table of customers as one matrix of numbers, by a plan that says what is done to which column and why.

How much a column counts. All blocks are scaled so that in a Euclidean distance one aspect of a customer counts about
like any other, whatever its unit:

- A standardised number column has variance 1, so the squared difference of two random customers in it is 2 on average.
- A category is one column of zeros and ones a level. Two customers in different levels are at squared distance 2: as
  far apart as two typical customers in a number column, so the ones stay as they are. A missing category is a row of
  zeros, at squared distance 1 from every level: known to be none, close to none.
- The count columns together (what somebody buys) are one profile of length 1. Two customers with nothing in common
  are at squared distance 2, so the whole profile counts like one number column, however many columns it has. That is
  meant: its hundreds of columns are one aspect, and would drown everything else if each counted for itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import sparse

from segwidgets.compute.progress import Tick, no_tick
from segwidgets.data.columns import Column
from segwidgets.data.errors import DataError, listed, nearest, plural
from segwidgets.recipe import ColumnGroup, Features, RecipeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from segwidgets.data.table import Table

#: Matrices with a smaller share of non-zero values come out sparse. A rule on the content alone, so that equal tables
#: give equal features however they were stored.
SPARSE_BELOW = 0.25
#: Fewer count columns than this make no profile: scaled to length 1, a single one would be all ones.
MIN_PROFILE = 3
#: More features than this, and the principal components come from an iteration instead of a d x d matrix.
MAX_COVARIANCE = 2000
#: The interquartile range of a normal distribution of variance 1.
NORMAL_IQR = 1.3489795003921634

_Block = Any  # a CSR matrix or an array, (n, k) float32


@dataclasses.dataclass(frozen=True)
class FeatureMatrix:
    """One row a customer, ready for neighbours.

    Attributes:
        values: (n, d) float32, a CSR matrix with sorted indices and no stored zeros where less than 25 % is not zero,
            else a C-ordered array. Always finite.
        names: d names: the column's, ``column=level`` for a category, ``pc1``, ``pc2``, … after PCA.
        imputed: how many missing values were filled in, by column; columns without any are left out.
        zero_rows: how many rows are zero throughout, such as customers who bought nothing. They stay, so that rows
            and ids match; a cosine to them is undefined and taken as 0, a distance of 1.
    """

    values: Any
    names: tuple[str, ...]
    imputed: dict[str, int]
    zero_rows: int


def resolve(table: Table, features: Features) -> Features:
    """The settings with the plan that a run follows.

    Args:
        table: the customers.
        features: a given ``plan`` is kept when it fits the table, and ``columns`` and ``exclude`` have no say then.
            Without one, count columns become one profile (log1p, tf-idf, length 1), number columns are scaled as
            ``scaling`` says, and categories become one-hot.

    Raises:
        RecipeError: ``columns``, ``exclude`` or ``plan`` names a column that is not there (with the nearest name) or
            cannot be used (with the reason), or a plan treats a category as numbers or the other way round.
        DataError: no usable column is left.
    """
    if features.plan is not None:
        _check_plan(table, features.plan)
        return features
    by_name = {column.name: column for column in table.columns}
    _check_known("exclude", features.exclude, by_name)
    if features.columns is not None:
        _check_known("columns", features.columns, by_name)
        unusable = [by_name[name] for name in features.columns if not by_name[name].usable]
        if unusable:
            told = "; ".join(f"{column.name!r} ({column.reason})" for column in unusable[:5])
            raise RecipeError(f"columns names {plural(len(unusable), 'column')} that cannot be used: {told}.")
    wanted = set(by_name if features.columns is None else features.columns) - set(features.exclude)
    chosen = [column for column in table.columns if column.name in wanted and column.usable]
    if not chosen:
        why = "; ".join(f"{c.name!r} ({c.reason or 'excluded or not chosen'})" for c in table.columns[:5])
        more = f" and {len(table.columns) - 5:,} more" if len(table.columns) > 5 else ""
        raise DataError(f"no usable column is left in table {table.name!r}: {why}{more}.")
    return dataclasses.replace(features, plan=_plan(chosen, features.scaling))


def default_metric(features: Features) -> Literal["cosine", "euclidean"]:
    """The metric that suits features with a plan: cosine for count profiles alone, where the mix matters.

    Euclidean for everything else, and after PCA, which centres.
    """
    profile = all(group.kind == "count" for group in features.plan or ())
    return "cosine" if profile and features.pca is None else "euclidean"


def _plan(chosen: Sequence[Column], scaling: Literal["standard", "robust"]) -> tuple[ColumnGroup, ...]:
    by_kind = {
        kind: tuple(column.name for column in chosen if column.kind == kind) for kind in ("count", "number", "category")
    }
    how = {
        "standard": "scaled to mean 0 and standard deviation 1, so that units do not matter",
        "robust": "scaled to median 0 and a usual spread of 1, so that neither units nor outliers matter",
    }[scaling]
    groups = []
    profile = len(by_kind["count"]) >= MIN_PROFILE
    if profile:
        reason = (
            f"{plural(len(by_kind['count']), 'column')} never negative and mostly zero: a profile of what a customer "
            "does, not how much; log1p tames large values, tf-idf those that everybody has"
        )
        groups.append(ColumnGroup("count", by_kind["count"], ("log1p", "tfidf", "l2"), reason))
    elif by_kind["count"]:
        reason = f"mostly zero, but fewer than {MIN_PROFILE} such columns make no profile: {how}"
        groups.append(ColumnGroup("number", by_kind["count"], (scaling,), reason))
    if by_kind["number"]:
        groups.append(ColumnGroup("number", by_kind["number"], (scaling,), f"numbers of any size: {how}"))
    if by_kind["category"]:
        groups.append(ColumnGroup("category", by_kind["category"], ("onehot",), "text: one column of 0 and 1 a level"))
    return tuple(groups)


def _check_known(what: str, names: Sequence[str], by_name: dict[str, Column]) -> None:
    for name in names:
        if name not in by_name:
            hint = nearest(name, by_name)
            raise RecipeError(f"{what} names {name!r}, which is no column.{hint} Columns: {listed(list(by_name), 12)}.")


def _check_plan(table: Table, plan: Sequence[ColumnGroup]) -> None:
    by_name = {column.name: column for column in table.columns}
    seen: set[str] = set()
    if not plan:
        raise RecipeError("plan=() has no group of columns: use None to let the data decide.")
    for group in plan:
        _check_known("plan", group.columns, by_name)
        for name in group.columns:
            if name in seen:
                raise RecipeError(f"plan names column {name!r} more than once.")
            seen.add(name)
            is_text = by_name[name].kind == "category"
            if is_text != (group.kind == "category"):
                holds = "categories" if is_text else "numbers"
                raise RecipeError(f"plan treats column {name!r} as a {group.kind}, but it holds {holds}.")
        if group.kind == "category" and group.transforms != ("onehot",):
            raise RecipeError(f"a group of categories needs the transforms ('onehot',), got {group.transforms!r}.")


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
    features = resolve(table, features)
    plan = features.plan or ()
    blocks: list[_Block] = []
    names: list[str] = []
    imputed: dict[str, int] = {}
    makers: dict[str, Callable[..., tuple[_Block, list[str]]]] = {
        "count": _counts,
        "number": _numbers,
        "category": _categories,
    }
    share = 0.8 if features.pca is not None else 0.95
    for place, group in enumerate(plan):
        tick(share * place / len(plan))
        block, block_names = makers[group.kind](table, group, imputed)
        blocks.append(block)
        names += block_names
    tick(share)
    values = _side_by_side(blocks)
    if features.pca is not None:
        values = _components(values, features.pca)
        names = [f"pc{i + 1}" for i in range(features.pca)]
    filled = values.getnnz(axis=1) if sparse.issparse(values) else values.any(axis=1)
    tick(1.0)
    return FeatureMatrix(values, tuple(names), imputed, int(np.count_nonzero(filled == 0)))


def _counts(table: Table, group: ColumnGroup, imputed: dict[str, int]) -> tuple[_Block, list[str]]:
    """A profile as CSR float32: all arithmetic is on the non-zero values, in float64."""
    matrix = table.block(group.columns)
    absent = np.isnan(matrix.data)
    if absent.any():
        holes = np.bincount(matrix.indices[absent], minlength=matrix.shape[1])
        imputed.update({group.columns[j]: int(holes[j]) for j in np.flatnonzero(holes)})
        matrix.data[absent] = 0
        matrix.eliminate_zeros()
    if (matrix.data < 0).any():
        where = sorted({group.columns[j] for j in np.unique(matrix.indices[matrix.data < 0])})
        raise DataError(f"plan treats {listed(where)} as counts, but negative values are in there: make it a number.")
    n_rows, n_columns = matrix.shape
    for transform in group.transforms:
        if transform == "log1p":
            matrix.data = np.log1p(matrix.data)
        elif transform == "tfidf":
            having = np.bincount(matrix.indices, minlength=n_columns)
            matrix.data *= (np.log((1 + n_rows) / (1 + having)) + 1)[matrix.indices]
        elif transform == "l2":
            _to_length_one(matrix)
    return _as_float32(matrix, group.columns), list(group.columns)


def _to_length_one(matrix: sparse.csr_matrix) -> None:
    """Scale each row to Euclidean length 1, in place; rows of zeros stay."""
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr))
    largest = np.zeros(matrix.shape[0])
    np.maximum.at(largest, rows, matrix.data)
    matrix.data /= largest[rows]  # first, so that squares of huge values stay finite
    lengths = np.sqrt(np.bincount(rows, weights=matrix.data**2, minlength=matrix.shape[0]))
    matrix.data /= lengths[rows]


def _numbers(table: Table, group: ColumnGroup, imputed: dict[str, int]) -> tuple[_Block, list[str]]:
    """Number columns as a C-ordered array; one column in float64 at a time."""
    block = np.empty((len(table), len(group.columns)), dtype=np.float32)
    for j, name in enumerate(group.columns):
        column = table.values(name)
        absent = np.isnan(column)
        if absent.any():
            imputed[name] = int(np.count_nonzero(absent))
            present = column[~absent]
            column[absent] = np.median(present) if len(present) else 0.0
        for transform in group.transforms:
            column = _scaled(column, robust=transform == "robust")
        with np.errstate(over="ignore"):
            block[:, j] = column
        if not np.isfinite(block[:, j]).all():
            raise DataError(
                f"column {name!r} has values beyond float32 (3.4e38) after {group.transforms!r}: use 'standard'."
            )
    return block, list(group.columns)


def _scaled(column: NDArray[np.float64], *, robust: bool) -> NDArray[np.float64]:
    low, high = column.min(), column.max()
    if low == high:
        return np.zeros_like(column)
    # A power of two changes no digit, and keeps squares of huge and tiny values within float64.
    _, exponent = np.frexp(max(abs(low), abs(high)))
    column = np.ldexp(column, -int(exponent))
    middle, spread = column.mean(), column.std()
    if robust:
        q25, middle, q75 = np.quantile(column, [0.25, 0.5, 0.75])
        spread = (q75 - q25) / NORMAL_IQR or spread
    scaled: NDArray[np.float64] = (column - middle) / spread
    return scaled


def _categories(table: Table, group: ColumnGroup, _imputed: dict[str, int]) -> tuple[_Block, list[str]]:
    """One-hot columns as CSR, a missing category a row of zeros."""
    rows: list[NDArray[np.intp]] = []
    columns: list[NDArray[np.int64]] = []
    names: list[str] = []
    for name in group.columns:
        texts = table.texts(name)
        present = np.flatnonzero(texts.codes >= 0)
        rows.append(present)
        columns.append(texts.codes[present].astype(np.int64) + len(names))
        names += [f"{name}={level}" for level in texts.levels]
    where = (np.concatenate(rows), np.concatenate(columns))
    ones = np.ones(len(where[0]), dtype=np.float32)
    block = sparse.csr_matrix((ones, where), shape=(len(table), len(names)))
    block.sort_indices()
    return block, names


def _as_float32(matrix: sparse.csr_matrix, names: Sequence[str]) -> sparse.csr_matrix:
    with np.errstate(over="ignore"):
        small = matrix.astype(np.float32)
    if not np.isfinite(small.data).all():
        where = sorted({names[j] for j in np.unique(small.indices[~np.isfinite(small.data)])})
        raise DataError(f"{listed(where)} has values beyond float32 (3.4e38): use the transform 'log1p' or 'l2'.")
    small.eliminate_zeros()
    return small


def _side_by_side(blocks: Sequence[_Block]) -> Any:
    """One matrix, sparse or dense by `SPARSE_BELOW`."""
    n_rows = blocks[0].shape[0]
    width = sum(block.shape[1] for block in blocks)
    filled = sum(block.nnz if sparse.issparse(block) else int(np.count_nonzero(block)) for block in blocks)
    if filled < SPARSE_BELOW * n_rows * width:
        whole = sparse.csr_matrix(sparse.hstack([sparse.csr_matrix(block) for block in blocks], format="csr"))
        whole.sort_indices()
        return whole
    dense = np.empty((n_rows, width), dtype=np.float32)
    start = 0
    for block in blocks:
        stop = start + block.shape[1]
        dense[:, start:stop] = block.toarray() if sparse.issparse(block) else block
        start = stop
    return dense


def _components(values: Any, n_components: int) -> NDArray[np.float32]:
    """The first principal components, (n, n_components) float32, by a solver without chance (or with a fixed seed)."""
    from sklearn.decomposition import PCA

    n_rows, width = values.shape
    small = width <= MAX_COVARIANCE
    # The iteration cannot give the last one.
    most = min(n_rows, width) if small else min(n_rows, width) - 1
    if n_components > most:
        raise RecipeError(
            f"pca={n_components} is not allowed: {n_rows:,} rows with {plural(width, 'feature')} have at most {most:,} "
            "principal components. Use a smaller number, or None for no PCA."
        )
    solver = "covariance_eigh" if small else "arpack"
    reduced = PCA(n_components, svd_solver=solver, random_state=0).fit_transform(values.astype(np.float64))
    return np.ascontiguousarray(reduced, dtype=np.float32)
