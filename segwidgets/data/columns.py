"""Columns: how one is held, what kind it is, and whether features can be made of it.

A column is held in one canonical way whatever it came from (a numeric one as its non-zero entries, a text one as
codes into its sorted levels), so that equal content has an equal digest and gives equal features, bit by bit.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from segwidgets.recipe import Kind

#: A text column with more levels than this would be mostly one-hot columns that nobody shares.
MAX_LEVELS = 100
#: Below this many rows, distinct values say nothing about being an identifier; only the column's name does.
MIN_ROWS_FOR_IDENTIFIER = 20
#: Running numbers fill their range: at least this share of it.
RUNNING_SHARE = 1 / 1.2
#: Whole numbers of at least this many digits, all equally long and all different, are keys.
KEY_DIGITS = 8
#: A column named like an identifier is one when at least this share of its values is distinct.
NAMED_UNIQUE_SHARE = 0.95

DATES_REASON = "dates and times are no features yet: turn them into numbers, such as days since the last visit"

_IDENTIFIER_NAME = re.compile(r"(?:^|[_\-. ])(?:id|key|uuid|guid)$|[a-z](?:Id|ID)$", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_NUMBER_TEXT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Column:
    """What is known about one column.

    ``kind``: "count" (numeric, never negative, at least half of the present values zero: purchases, visits, spend by
    category; among many such columns a tenth of zeros will do), "number" (any other numeric column, bool included) or
    "category" (text). ``usable``: features can be made of it; otherwise ``reason`` says why not. ``missing``: how many
    rows have no value.
    """

    name: str
    kind: Kind
    usable: bool
    reason: str
    missing: int


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing that a reader of the data should know; what makes the data unusable is a DataError instead.

    ``code`` is stable ("missing", "constant", "identifier", "too-many-categories", "unsupported", "dropped-lines",
    "row-numbers"), ``count`` counts what the message speaks of (values, columns or lines).
    """

    level: Literal["warning", "note"]
    code: str
    message: str
    columns: tuple[str, ...]
    count: int


@dataclasses.dataclass(frozen=True, eq=False)
class Numbers:
    """A numeric column as its entries that are not zero.

    ``positions`` (k,) ascending row numbers, ``values`` (k,) float64; NaN means missing, zeros
    of either sign are left out.
    """

    positions: NDArray[np.integer[Any]]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, dense: NDArray[Any]) -> Numbers:
        """From one value a row, (n,) of any real dtype; kept as float64 (whole numbers are exact up to 2**53)."""
        values = np.asarray(dense, dtype=np.float64)
        positions = np.flatnonzero(values)
        return cls(positions, values[positions])


@dataclasses.dataclass(frozen=True, eq=False)
class Texts:
    """A text column: sorted distinct ``levels``, and ``codes`` (n,) int32 into them, -1 for missing."""

    codes: NDArray[np.int32]
    levels: tuple[str, ...]

    @classmethod
    def of(cls, codes: NDArray[np.integer[Any]], levels: Sequence[str]) -> Texts:
        """From any codes and levels: unused levels go, equal ones are merged, and an empty text is a missing one."""
        codes = np.asarray(codes)
        used = np.zeros(len(levels) + 1, dtype=bool)
        used[codes] = True  # -1 marks the extra last entry
        kept = sorted({levels[i] for i in np.flatnonzero(used[:-1]).tolist()} - {""})
        place = {level: i for i, level in enumerate(kept)}
        renamed = np.array([*(place.get(level, -1) for level in levels), -1], dtype=np.int32)
        return cls(renamed[codes], tuple(kept))

    def take(self, rows: NDArray[np.intp]) -> Texts:
        """The same column for some rows only."""
        return Texts.of(self.codes[rows], self.levels)

    def values(self) -> NDArray[np.object_]:
        """One ``str`` or ``None`` a row."""
        return np.array([*self.levels, None], dtype=object)[self.codes]

    @property
    def missing(self) -> int:
        """How many rows have no value."""
        return int(np.count_nonzero(self.codes < 0))


def describe_numbers(name: str, values: NDArray[np.float64], n_rows: int) -> tuple[Column, str]:
    """The column and, where it is unusable, the code of the check that says so.

    ``values`` are its entries that are not zero (NaN for missing), ``n_rows`` counts the zeros in.
    """
    absent = np.isnan(values)
    missing = int(np.count_nonzero(absent))
    present = values[~absent] if missing else values
    zeros, n_present = n_rows - len(values), n_rows - missing
    kind: Kind = "count" if 2 * zeros >= n_present and not (present < 0).any() else "number"
    if n_present == 0:
        return Column(name, "number", usable=False, reason="every value is missing", missing=missing), "constant"
    if zeros == n_present or (zeros == 0 and present.min() == present.max()):
        value = 0.0 if zeros else float(present[0])
        which = "every present value is" if missing else "every value is"
        return Column(name, kind, usable=False, reason=f"constant: {which} {value:g}", missing=missing), "constant"
    reason = _numeric_identifier(name, present, zeros, n_present)
    return Column(name, kind, usable=not reason, reason=reason, missing=missing), "identifier" if reason else ""


def _numeric_identifier(name: str, present: NDArray[np.float64], zeros: int, n_present: int) -> str:
    """Why a numeric column looks like an identifier, or nothing."""
    named = bool(_IDENTIFIER_NAME.search(name)) or bool(_IDENTIFIER_NAME.search(name.lower()))
    most_repeats = (1 - NAMED_UNIQUE_SHARE) * n_present + 1
    if zeros > max(1.0, most_repeats) or not np.isfinite(present).all() or (present != np.floor(present)).any():
        return ""
    distinct = len(np.unique(present)) + (zeros > 0)
    if named and n_present > 1 and distinct >= NAMED_UNIQUE_SHARE * n_present:
        return f"an identifier by its name: {distinct:,} of {n_present:,} values are distinct"
    if n_present < MIN_ROWS_FOR_IDENTIFIER or distinct < n_present:
        return ""
    low, high = float(present.min()), float(present.max())
    if zeros:
        low, high = min(low, 0.0), max(high, 0.0)
    if n_present >= RUNNING_SHARE * (high - low + 1):
        return f"looks like a running number: {distinct:,} different whole numbers from {low:.0f} to {high:.0f}"
    if low >= 10 ** (KEY_DIGITS - 1) and len(f"{low:.0f}") == len(f"{high:.0f}"):
        return f"looks like a key: {distinct:,} different whole numbers of {len(f'{low:.0f}')} digits each"
    return ""


def describe_texts(name: str, texts: Texts, unsupported: str = "") -> tuple[Column, str]:
    """The column and the check it fails (its code, or nothing); ``unsupported`` is a reason known before."""
    missing = texts.missing
    reason, code = _unusable_texts(name, texts, len(texts.codes) - missing, unsupported)
    return Column(name, "category", usable=not reason, reason=reason, missing=missing), code


def _unusable_texts(name: str, texts: Texts, n_present: int, unsupported: str) -> tuple[str, str]:
    levels, distinct = texts.levels, len(texts.levels)
    named = bool(_IDENTIFIER_NAME.search(name)) or bool(_IDENTIFIER_NAME.search(name.lower()))
    reason, code = "", ""
    if unsupported:
        reason, code = unsupported, "unsupported"
    elif distinct == 1 and n_present == len(texts.codes):
        reason, code = f"constant: every value is {levels[0]!r}", "constant"
    elif all(_DATE.fullmatch(level) for level in levels):
        reason, code = DATES_REASON, "unsupported"
    elif distinct == n_present >= MIN_ROWS_FOR_IDENTIFIER:
        reason, code = f"an identifier: all {distinct:,} values are distinct", "identifier"
    elif named and n_present > 1 and distinct >= NAMED_UNIQUE_SHARE * n_present:
        reason, code = f"an identifier by its name: {distinct:,} of {n_present:,} values are distinct", "identifier"
    elif distinct > MAX_LEVELS:
        reason, code = f"{distinct:,} different values, more than {MAX_LEVELS} categories", "too-many-categories"
        odd = [level for level in levels if not _NUMBER_TEXT.fullmatch(level)]
        if 2 * len(odd) < distinct:
            reason += f"; {distinct - len(odd):,} of them read as numbers" + (f", {odd[0]!r} does not" if odd else "")
    return reason, code
