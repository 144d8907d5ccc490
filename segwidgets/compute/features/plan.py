"""The plan of a table's features: what is done to which column, and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from segwidgets.data.columns import Column
from segwidgets.data.errors import DataError, listed, nearest, plural
from segwidgets.recipe import ColumnGroup, Features, RecipeError

if TYPE_CHECKING:
    from segwidgets.data.table import Table

#: Fewer count columns than this make no profile: scaled to length 1, a single one would be all ones.
MIN_PROFILE = 3


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
