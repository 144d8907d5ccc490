"""Each segment against the rest, in the table's own units, with how sure that is."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from segwidgets.compute.progress import Tick, no_tick
from segwidgets.compute.scores.estimate import checked_labels
from segwidgets.compute.segments.effects import Effect, adjusted, cliffs_delta, cohens_d, cohens_h, median
from segwidgets.compute.wording import readable
from segwidgets.data import Table

if TYPE_CHECKING:
    import pandas as pd

#: Adjusted p values below this are findings.
LEVEL = 0.05
#: Smaller segments are left out of what leaves the analyst's hands.
FLOOR = 20
#: Cohen's word for small: weaker differences name no segment.
SMALL = 0.2
#: A category's levels told of at most: the most frequent ones.
_LEVELS = 50

#: Said with every description: the p values are of columns that the segments may have been made from.
CAVEAT = (
    "The segments were found on these columns, so they differ in them by construction: the p values say which "
    "differences are larger than chance among customers, not that the segments exist. Whether they come back is what "
    "stability says."
)


@dataclasses.dataclass(frozen=True)
class Difference:
    """One column, or one level of a category, of a segment against all other rows that have a value.

    ``inside`` and ``outside``: by ``measure`` "median" (numbers), "any" (counts: the share of rows above 0) or "share"
    (of the level). ``mean_inside``, ``mean_outside``: NaN for a level. ``effect``: Cohen's d for a number, h for a
    share, with its 95 % interval ``low`` to ``high``. ``delta``: Cliff's, with its interval, for what is skewed; NaN
    for a level. ``p``: of Mann and Whitney's test, for a level that of two proportions; ``adjusted``: after Benjamini
    and Hochberg over all columns and segments. ``rows``: how many have the level, of all rows; for a number or a count
    how many have a value.
    """

    segment: int
    column: str
    level: str | None
    measure: Literal["median", "any", "share"]
    inside: float
    outside: float
    mean_inside: float
    mean_outside: float
    effect: float
    low: float
    high: float
    delta: float
    delta_low: float
    delta_high: float
    p: float
    adjusted: float
    rows: int

    @property
    def name(self) -> str:
        """The column, or "column: level"."""
        return self.column if self.level is None else f"{self.column}: {self.level}"

    @property
    def direction(self) -> Literal["more", "less"]:
        """Whether the segment has more of it."""
        return "more" if self.strength >= 0 else "less"

    @property
    def strength(self) -> float:
        """What differences are ranked by: d or h, delta where that is unknown."""
        return self.effect if not math.isnan(self.effect) else (0.0 if math.isnan(self.delta) else 4 * self.delta)

    @property
    def text(self) -> str:
        """In words, in the table's units."""
        if self.measure == "median":
            return f"{self.name}: median {readable(self.inside)}, elsewhere {readable(self.outside)}"
        have = " have any" if self.measure == "any" else ""
        return f"{self.name}: {self.inside:.0%}{have}, elsewhere {self.outside:.0%}"


@dataclasses.dataclass(frozen=True)
class SegmentDescription:
    """A segment's number (-1: noise), rows, share of all rows, proposed name, and its differences, strongest first."""

    segment: int
    size: int
    share: float
    name: str
    differences: tuple[Difference, ...]


@dataclasses.dataclass(frozen=True)
class SegmentDescriptions:
    """All segments by number, noise first; aggregates only, no row and no id."""

    segments: tuple[SegmentDescription, ...]
    tests: int
    caveat: str = CAVEAT

    def to_frame(self) -> pd.DataFrame:
        """One row a segment and difference."""
        import pandas as pd

        lines = [
            {"segment": one.segment, "size": one.size, "share": one.share, **_plain(each)}
            for one in self.segments
            for each in one.differences
        ]
        return pd.DataFrame(lines)

    def to_public(self, *, floor: int = FLOOR) -> dict[str, Any]:
        """As JSON takes it, for reports and trackers.

        Segments of fewer than ``floor`` rows are left out, and so are levels, and columns, that fewer rows have: a word
        that one customer wrote is that customer's.
        """
        shown = [one for one in self.segments if one.size >= floor]
        return {
            "tests": self.tests,
            "caveat": self.caveat,
            "floor": floor,
            "hidden": len(self.segments) - len(shown),
            "segments": [
                {
                    "segment": one.segment,
                    "size": one.size,
                    "share": one.share,
                    "name": one.name,
                    "differences": [_json(_plain(each)) for each in one.differences if each.rows >= floor],
                }
                for one in shown
            ],
        }


def _plain(one: Difference) -> dict[str, Any]:
    return {**dataclasses.asdict(one), "name": one.name, "direction": one.direction, "text": one.text}


def _json(values: dict[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in values.items()}


def describe(
    table: Table, labels: npt.ArrayLike, *, top: int | None = None, tick: Tick = no_tick
) -> SegmentDescriptions:
    """What each segment is, against all other rows: sizes, medians, rates, effect sizes, tests, and a proposed name.

    Missing values are left out. Sparse columns stay sparse: a column is handled alone, by its distinct values.

    Args:
        table: the rows; its usable columns are compared.
        labels: (n,) whole numbers, -1 for noise, which is described too.
        top: differences kept of a segment, by effect; all by default. The correction is over all tests anyway.
        tick: called with the share done; may raise `Cancelled`.

    Raises:
        ValueError: ``labels`` are not of the table's rows.
    """
    from segwidgets.compute.segments.naming import proposed

    given = np.maximum(checked_labels(labels, table.n_rows), -1)
    present, group = np.unique(given, return_inverse=True)
    sizes = np.bincount(group, minlength=len(present))
    found: list[Difference] = []
    usable = [column for column in table.columns if column.usable]
    for done, column in enumerate(usable):
        tick(done / len(usable))
        if column.kind == "category":
            found += _levels(table, column.name, group, present)
        else:
            found += _numbers(table, column.name, column.kind == "count", group, present, sizes)
    corrected = adjusted([one.p for one in found])
    found = [dataclasses.replace(one, adjusted=float(p)) for one, p in zip(found, corrected, strict=True)]
    by_segment: dict[int, list[Difference]] = {int(number): [] for number in present}
    for one in found:
        by_segment[one.segment].append(one)
    for ranked in by_segment.values():
        ranked.sort(key=lambda one: -abs(one.strength))
    names = proposed({number: rows for number, rows in by_segment.items() if number >= 0})
    tick(1.0)
    segments = tuple(
        SegmentDescription(
            number,
            int(sizes[at]),
            float(sizes[at] / max(1, len(given))),
            "noise" if number < 0 else names[number],
            tuple(by_segment[number][:top]),
        )
        for at, number in enumerate(present.tolist())
    )
    return SegmentDescriptions(segments, int((~np.isnan(corrected)).sum()))


def _numbers(
    table: Table,
    name: str,
    counted: bool,
    group: npt.NDArray[np.intp],
    present: npt.NDArray[np.int64],
    sizes: npt.NDArray[np.intp],
) -> Iterator[Difference]:
    """A numeric column of each segment against the rest, from its entries that are not zero."""
    matrix = table.block([name]).tocsc()
    rows, entries = matrix.indices, matrix.data
    gone = np.isnan(entries)
    missing = np.bincount(group[rows[gone]], minlength=len(present))
    rows, entries = rows[~gone], entries[~gone]
    values, code = np.unique(np.append(entries, 0.0), return_inverse=True)
    zero, code = int(code[-1]), code[:-1]
    stored = np.bincount(group[rows], minlength=len(present))
    zeros = sizes - missing - stored
    everywhere = np.bincount(code, minlength=len(values)).astype(np.float64)
    everywhere[zero] += zeros.sum()
    order = np.argsort(group[rows], kind="stable")
    ends = np.cumsum(stored)
    for at, segment in enumerate(present.tolist()):
        mine = code[order[ends[at] - stored[at] : ends[at]]]
        inside = np.bincount(mine, minlength=len(values)).astype(np.float64)
        inside[zero] += zeros[at]
        outside = everywhere - inside
        n, m = int(inside.sum()), int(outside.sum())
        if not n or not m:
            continue
        delta = cliffs_delta(inside, outside)
        if counted:
            some = int(n - inside[zero]), int(m - outside[zero])
            effect = cohens_h(some[0], n, some[1], m)
            seen = some[0] / n, some[1] / m
        else:
            effect = cohens_d(values, inside, outside)
            seen = median(values, inside), median(values, outside)
        means = float(values @ inside / n), float(values @ outside / m)
        yield _difference(
            segment, name, None, "any" if counted else "median", seen, means, effect, delta, delta.p, n + m
        )


def _levels(
    table: Table, name: str, group: npt.NDArray[np.intp], present: npt.NDArray[np.int64]
) -> Iterator[Difference]:
    """The levels of a category, the most frequent ones, of each segment against the rest."""
    texts = table.texts(name)
    kept = texts.codes >= 0
    width = len(texts.levels)
    pairs = group[kept] * width + texts.codes[kept]
    counted = np.bincount(pairs, minlength=len(present) * width).reshape(len(present), width)
    often = np.argsort(-counted.sum(axis=0), kind="stable")[:_LEVELS]
    known = counted.sum(axis=1)
    nothing = Effect(math.nan, math.nan, math.nan, math.nan)
    for at, segment in enumerate(present.tolist()):
        n, m = int(known[at]), int(known.sum() - known[at])
        if not n or not m:
            continue
        for level in often.tolist():
            one, other = int(counted[at, level]), int(counted[:, level].sum() - counted[at, level])
            effect = cohens_h(one, n, other, m)
            shares = one / n, other / m
            yield _difference(
                segment, name, texts.levels[level], "share", shares, (math.nan, math.nan), effect, nothing, effect.p,
                one + other,
            )  # fmt: skip


def _difference(
    segment: int,
    column: str,
    level: str | None,
    measure: Literal["median", "any", "share"],
    seen: tuple[float, float],
    means: tuple[float, float],
    effect: Effect,
    delta: Effect,
    p: float,
    rows: int,
) -> Difference:
    return Difference(
        segment, column, level, measure, *seen, *means, effect.value, effect.low, effect.high,
        delta.value, delta.low, delta.high, p, math.nan, rows,
    )  # fmt: skip
