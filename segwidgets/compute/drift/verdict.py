"""May an approved segmentation be used on this week's table? Reuse it, tune it again, or look into the data first."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

from segwidgets.compute.drift.columns import ColumnDrift
from segwidgets.compute.drift.own import OwnRows

Word = Literal["reuse", "re-tune", "investigate"]

_Z95 = 1.959963984540054


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """Where the verdict changes.

    ``none_more``: the share of rows in no segment may exceed by this what the approved run's own rows give when they
    are held out (the run's share of noise, where that is not known), beyond sampling noise.
    ``changed_columns``: the share of columns that may be "changed" before the data are suspected rather than the
    segments. ``missing_more``, ``unseen``: the rise in missing values, and the share of rows of unknown levels, that a
    column may have before the data are suspected.
    """

    none_more: float = 0.05
    changed_columns: float = 0.25
    missing_more: float = 0.1
    unseen: float = 0.1

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not 0 <= value <= 1:
                raise ValueError(f"{field.name}={value!r} is not allowed: it is a share, from 0 to 1.")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """``word``, and the reasons in words; ``none`` is the share of new rows in no segment with its 95 % interval.

    ``none_before``: the share of noise in the approved run. ``own``: what its own rows gave, None where that is not
    known.
    """

    word: Word
    reasons: tuple[str, ...]
    none: float
    none_low: float
    none_high: float
    none_before: float
    own: OwnRows | None = None


def wilson(part: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    if not total:
        return 0.0, 1.0
    share, reach = part / total, _Z95**2 / total
    middle = (share + reach / 2) / (1 + reach)
    half = _Z95 * math.sqrt(share * (1 - share) / total + reach / (4 * total)) / (1 + reach)
    return max(0.0, middle - half), min(1.0, middle + half)


def judge(
    columns: Sequence[ColumnDrift],
    *,
    none: int,
    rows: int,
    none_before: float,
    own: OwnRows | None = None,
    thresholds: Thresholds | None = None,
) -> Verdict:
    """The verdict on a new table.

    Args:
        columns: the drift of its columns.
        none: new rows in no segment.
        rows: new rows.
        none_before: the share of noise in the approved run.
        own: what the approved run's own rows give when they are held out: new rows are placed as those were, and the
            run's noise was not.
        thresholds: where the verdict changes.
    """
    limits = thresholds if thresholds is not None else Thresholds()
    low, high = wilson(none, rows)
    suspect: list[str] = []
    stale: list[str] = []
    for one in columns:
        rise = one.missing[1] - one.missing[0]
        if rise > limits.missing_more:
            suspect.append(f"{one.column}: {one.missing[1]:.0%} of the values are missing, {one.missing[0]:.0%} then")
        if one.unseen > limits.unseen:
            suspect.append(f"{one.column}: {one.unseen:.0%} of the rows have a level that was not there then")
    changed = [one.column for one in columns if one.band == "changed"]
    told = ", ".join(changed[:3]) + (" …" if len(changed) > 3 else "")
    if changed and len(changed) > limits.changed_columns * len(columns):
        suspect.append(f"{len(changed)} of {len(columns)} columns have changed (PSI above 0.25): {told}")
    elif changed:
        stale.append(f"{len(changed)} of {len(columns)} columns have changed (PSI above 0.25): {told}")
    if own is None:
        usual, told_usual = none_before, f"{none_before:.1%} then"
    else:
        usual = own.none_high
        told_usual = f"{own.none_low:.1%} to {own.none_high:.1%} of the run's own rows when they are held out"
    if low > usual + limits.none_more:
        stale.append(f"{none / rows:.1%} of the rows are in no segment ({low:.1%} to {high:.1%}), {told_usual}")
    word: Word = "investigate" if suspect else "re-tune" if stale else "reuse"
    reasons = (*suspect, *stale)
    if not reasons:
        share = f"{none / max(1, rows):.1%} of the rows are in no segment, {told_usual}"
        reasons = (f"no column has changed, and {share}",)
    return Verdict(word, reasons, none / max(1, rows), low, high, none_before, own)
