"""What sets each segment apart from the rest: its features by effect size."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from segwidgets.compute.progress import Tick, no_tick
from segwidgets.compute.scores.estimate import checked_labels
from segwidgets.compute.wording import readable
from segwidgets.data import Table
from segwidgets.data.table import SPARSE_BELOW

if TYPE_CHECKING:
    import pandas as pd

#: Columns summed at a time, and cells where they are dense: what bounds the memory on a wide table.
_COLUMNS_A_BLOCK = 64
_CELLS_A_BLOCK = 2**22
#: A category's levels told of at most: the most frequent ones.
_LEVELS = 50
#: Effects below this are too small to tell anything (Cohen 1988 calls 0.2 small).
_LEAST = 0.1
#: The effect told where neither side varies: it would be infinite.
_BOUND = 9.99


@dataclasses.dataclass(frozen=True)
class Feature:
    """One thing that sets a segment apart.

    ``name`` of the column (or "column: level"). ``effect``: Cohen's d or h (Cohen 1988), above 0 for more than the
    rest. ``direction``: "more" or "less". ``text`` says it in numbers.
    """

    name: str
    text: str
    effect: float
    direction: Literal["more", "less"]


@dataclasses.dataclass(frozen=True)
class SegmentProfile:
    """A segment's number (-1: noise), rows, share of all rows, and what sets it apart, the strongest first."""

    segment: int
    size: int
    share: float
    features: tuple[Feature, ...]


@dataclasses.dataclass(frozen=True)
class SegmentProfiles:
    """All segments by number; noise first, where there is any."""

    segments: tuple[SegmentProfile, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row a segment and feature: ``segment``, ``size``, ``share``, ``feature``, ``effect``, ``text``."""
        import pandas as pd

        lines = [
            (one.segment, one.size, one.share, feature.name, feature.effect, feature.text)
            for one in self.segments
            for feature in one.features
        ]
        return pd.DataFrame(lines, columns=["segment", "size", "share", "feature", "effect", "text"])


@dataclasses.dataclass(frozen=True, eq=False)
class _Effects:
    """Of some columns on all segments: names (c,), effects (s, c), and what is told, by segment and column."""

    names: list[str]
    effects: npt.NDArray[np.float64]
    inside: npt.NDArray[np.float64]
    outside: npt.NDArray[np.float64]
    as_share: bool

    def told(self, segment: int, column: int) -> Feature:
        one, other = self.inside[segment, column], self.outside[segment, column]
        told = (
            f"{one:.0%}, elsewhere {other:.0%}"
            if self.as_share
            else f"mean {readable(one)}, elsewhere {readable(other)}"
        )
        name = self.names[column]
        effect = float(self.effects[segment, column])
        return Feature(name, f"{name}: {told}", effect, "more" if effect > 0 else "less")


def profile_segments(table: Table, labels: npt.ArrayLike, *, top: int = 5, tick: Tick = no_tick) -> SegmentProfiles:
    """The features in which each segment differs most from all other rows, by grouped sums.

    Numbers are compared by Cohen's d, the difference of means over the pooled standard deviation; counts likewise after
    log1p, and told as the share of rows that have any; categories, level by level, by Cohen's h, the difference of the
    arcsines of the shares' roots (Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988). Missing
    values are left out. What is the same in all rows sets nobody apart.

    Args:
        table: the rows; its usable columns are compared.
        labels: (n,) whole numbers, -1 for noise, which is described too.
        top: features told of a segment at most.
        tick: called with the share done; may raise `Cancelled`.

    Raises:
        ValueError: ``labels`` are not of the table's rows.
    """
    given = checked_labels(labels, table.n_rows)
    present, group = np.unique(np.maximum(given, -1), return_inverse=True)
    size = np.bincount(group, minlength=len(present)).astype(np.float64)
    indicator = sparse.csr_matrix((np.ones(len(group)), (group, np.arange(len(group)))), (len(present), len(group)))
    blocks: list[_Effects] = []
    usable = [column for column in table.columns if column.usable]
    numeric = [column for column in usable if column.kind != "category"]
    for kind in ("count", "number"):
        names = [column.name for column in numeric if column.kind == kind]
        step = (
            _COLUMNS_A_BLOCK
            if kind == "count" and table.density < SPARSE_BELOW
            else max(1, min(_COLUMNS_A_BLOCK, _CELLS_A_BLOCK // max(1, len(given))))
        )
        for first in range(0, len(names), step):
            tick(first / len(usable))
            part = names[first : first + step]
            make = _counts if kind == "count" else _numbers
            blocks.append(make(table.block(part), part, indicator, size))
    for column in usable:
        if column.kind == "category":
            tick(0.9)
            blocks.append(_levels(table, column.name, group, len(present)))
    tick(1.0)
    profiles = [
        SegmentProfile(int(number), int(size[at]), float(size[at] / max(1, len(given))), _strongest(blocks, at, top))
        for at, number in enumerate(present.tolist())
    ]
    return SegmentProfiles(tuple(profiles))


def _strongest(blocks: list[_Effects], segment: int, top: int) -> tuple[Feature, ...]:
    found: list[tuple[float, _Effects, int]] = []
    for block in blocks:
        strength = np.abs(block.effects[segment])
        best = np.argsort(-strength, kind="stable")[:top].tolist()
        found += [(float(strength[column]), block, column) for column in best if strength[column] >= _LEAST]
    found.sort(key=lambda one: -one[0])
    return tuple(block.told(segment, column) for _, block, column in found[:top])


def _counts(
    matrix: sparse.csr_matrix, names: list[str], indicator: sparse.csr_matrix, size: npt.NDArray[np.float64]
) -> _Effects:
    """Of sparse columns: told as the share of rows that have any. They stay sparse."""
    missing = np.isnan(matrix.data)
    present = np.broadcast_to(size[:, None], (len(size), len(names)))
    if missing.any():
        gone = matrix.copy()
        gone.data = missing.astype(np.float64)
        present = present - _dense(indicator @ gone)
    values = matrix.copy()
    values.data = np.log1p(np.maximum(np.where(missing, 0.0, matrix.data), 0.0))
    has, squared = values.copy(), values.copy()
    has.data = (values.data > 0).astype(np.float64)
    squared.data = values.data**2
    inside, outside = _means(_dense(indicator @ has), present)
    effects = _cohens_d(_dense(indicator @ values), _dense(indicator @ squared), present)
    return _Effects(names, effects, inside, outside, as_share=True)


def _numbers(
    matrix: sparse.csr_matrix, names: list[str], indicator: sparse.csr_matrix, size: npt.NDArray[np.float64]
) -> _Effects:
    """Of any numbers: centred first, so that squares of large ones do not swallow the spread."""
    del size
    values = matrix.toarray()
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, values, 0.0).sum(axis=0) / count
    values = np.where(known, values - centre, 0.0)
    present = np.asarray(indicator @ known.astype(np.float64))
    total = np.asarray(indicator @ values)
    inside, outside = _means(total, present)
    effects = _cohens_d(total, np.asarray(indicator @ values**2), present)
    return _Effects(names, effects, inside + centre, outside + centre, as_share=False)


def _cohens_d(
    total: npt.NDArray[np.float64], squares: npt.NDArray[np.float64], present: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """(segments, columns) from sums, sums of squares and counts: each segment against all other rows."""
    mean, rest = _means(total, present)
    n, m = present, present.sum(axis=0) - present
    spread = squares.sum(axis=0) - n * mean**2 - m * rest**2
    deviation = np.sqrt(np.maximum(spread, 0.0) / np.maximum(n + m - 2, 1))
    difference = mean - rest
    # Rounding leaves about 1e-8 of the values' scale where nothing varies; the scale is the column's own.
    least = 1e-7 * np.sqrt(squares.sum(axis=0) / np.maximum(n + m, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        alike = np.where(difference == 0, 0.0, np.sign(difference) * _BOUND)  # nobody differs within
        effect = np.where(deviation > least, np.clip(difference / deviation, -_BOUND, _BOUND), alike)
    effect[(n < 1) | (m < 1)] = 0.0
    return effect


def _levels(table: Table, name: str, group: npt.NDArray[np.intp], groups: int) -> _Effects:
    """Cohen's h of a category's levels."""
    texts = table.texts(name)
    kept = texts.codes >= 0
    counted = sparse.coo_matrix(
        (np.ones(int(kept.sum())), (group[kept], texts.codes[kept])), (groups, len(texts.levels))
    ).tocsr()
    often = np.argsort(-np.asarray(counted.sum(axis=0)).ravel(), kind="stable")[:_LEVELS]
    present = np.broadcast_to(
        np.bincount(group[kept], minlength=groups).astype(np.float64)[:, None], (groups, len(often))
    )
    inside, outside = (np.clip(share, 0, 1) for share in _means(_dense(counted[:, often]), present))
    effect = 2 * np.arcsin(np.sqrt(inside)) - 2 * np.arcsin(np.sqrt(outside))
    effect[(present < 1) | (present.sum(axis=0) - present < 1)] = 0.0
    return _Effects([f"{name}: {texts.levels[level]}" for level in often], effect, inside, outside, as_share=True)


def _means(
    total: npt.NDArray[np.float64], present: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Means within each segment, and over all rows but its own."""
    inside = total / np.maximum(present, 1)
    return inside, (total.sum(axis=0) - total) / np.maximum(present.sum(axis=0) - present, 1)


def _dense(matrix: Any) -> npt.NDArray[np.float64]:
    return np.asarray(matrix.todense(), dtype=np.float64)
