"""Whether the columns of a table still look like those of the reference: the population stability index.

Bands after Siddiqi, "Credit Risk Scorecards", 2006: below 0.1 stable, up to 0.25 shifted, above that changed. Two
samples of one population have an index above 0 too: about chi-squared of (bins - 1) degrees over the harmonic sizes
(Yurdakul, "Statistical Properties of Population Stability Index", 2018); what is below its 95 % point is noise.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from segwidgets.compute.progress import Tick, no_tick
from segwidgets.data.errors import DataError

if TYPE_CHECKING:
    from segwidgets.data import Table

#: Siddiqi's bands.
SHIFTED, CHANGED = 0.1, 0.25
#: Bins of a number: the reference's tenths.
BINS = 10
#: Rows counted into every bin, so that an empty one has a logarithm.
_PSEUDO = 0.5

Counts = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class ColumnDrift:
    """One column: ``psi``, what it would be by chance at most (``noise``, 95 % point), and the ``band``.

    ``unseen``: the share of new rows with a level that the reference does not have. ``missing``: the shares of rows
    without a value, then and now.
    """

    column: str
    psi: float
    noise: float
    band: Literal["stable", "shifted", "changed"]
    bins: int
    unseen: float
    missing: tuple[float, float]


def psi(expected: npt.ArrayLike, actual: npt.ArrayLike) -> float:
    """The index of two rows of counts by bin: the sum of (a - e) ln(a / e) over their shares.

    Half a row is counted into each bin of either, so that an empty bin is no infinity.

    Raises:
        ValueError: the shapes differ, or there is none in one of them.
    """
    e, a = np.asarray(expected, np.float64), np.asarray(actual, np.float64)
    if e.shape != a.shape or e.ndim != 1 or not e.sum() or not a.sum():
        raise ValueError(f"counts of the shapes {e.shape} and {a.shape} have no index: give one row of bins each.")
    e, a = (e + _PSEUDO) / (e + _PSEUDO).sum(), (a + _PSEUDO) / (a + _PSEUDO).sum()
    return float(((a - e) * np.log(a / e)).sum())


def column_drift(reference: Table, new: Table, *, tick: Tick = no_tick) -> tuple[ColumnDrift, ...]:
    """The drift of every usable column of the reference, the most first.

    A number falls into the reference's tenths; of a count zero is a bin of its own, the tenths are of the others; a
    category has its levels, and one for those that the reference lacks. Missing values are a bin of their own.

    Raises:
        DataError: the new table lacks a column, or has one of another kind.
    """
    there = {column.name: column for column in new.columns}
    usable = [column for column in reference.columns if column.usable]
    absent = [column.name for column in usable if column.name not in there]
    if absent:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        raise DataError(f"table {new.name!r} lacks the column {absent[0]!r}{more} of {reference.name!r}: read it too.")
    found = []
    for done, column in enumerate(usable):
        tick(done / len(usable))
        if (column.kind == "category") != (there[column.name].kind == "category"):
            raise DataError(f"column {column.name!r} holds texts in one table and numbers in the other: read it alike.")
        if column.kind == "category":
            then, now, unseen = _levels(reference, new, column.name)
        else:
            then, now = _numbers(reference, new, column.name, counted=column.kind == "count")
            unseen = 0.0
        found.append(_drift(column.name, then, now, unseen))
    tick(1.0)
    return tuple(sorted(found, key=lambda one: -one.psi))


def _drift(name: str, then: Counts, now: Counts, unseen: float) -> ColumnDrift:
    from scipy.special import chdtri

    n, m = float(then.sum()), float(now.sum())
    missing = float(then[-1] / n), float(now[-1] / m)
    used = (then + now) > 0
    then, now = then[used], now[used]
    bins = len(then)
    value = psi(then, now)
    noise = float(chdtri(bins - 1, 0.05)) * (1 / n + 1 / m) if bins > 1 else 0.0
    band: Literal["stable", "shifted", "changed"] = "stable"
    if value > noise and value >= SHIFTED:
        band = "changed" if value > CHANGED else "shifted"
    return ColumnDrift(name, value, noise, band, bins, unseen, missing)


def _entries(table: Table, name: str) -> tuple[npt.NDArray[np.float64], int, int]:
    """Known entries that are not zero, how many zeros, how many missing."""
    data: Any = table.block([name]).data
    gone = np.isnan(data)
    return data[~gone], table.n_rows - len(data), int(gone.sum())


def _numbers(reference: Table, new: Table, name: str, *, counted: bool) -> tuple[Counts, Counts]:
    """Rows by bin, the missing ones last."""
    entries, zeros, _ = _entries(reference, name)
    basis = entries if counted else np.concatenate([entries, np.zeros(zeros)])
    edges = np.unique(np.quantile(basis, np.linspace(0, 1, BINS + 1)[1:-1])) if len(basis) else np.empty(0)

    def binned(table: Table) -> Counts:
        known, nothing, missing = _entries(table, name)
        rows = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
        if counted:
            return np.array([nothing, *rows, missing], np.float64)
        rows[np.searchsorted(edges, 0.0, side="left")] += nothing
        return np.array([*rows, missing], np.float64)

    return binned(reference), binned(new)


def _levels(reference: Table, new: Table, name: str) -> tuple[Counts, Counts, float]:
    """Rows by level of the reference, then those of any other, then the missing ones."""
    then, now = reference.texts(name), new.texts(name)
    place = {level: at for at, level in enumerate(then.levels)}
    other = len(then.levels)
    home = np.array([*(place.get(level, other) for level in now.levels), other + 1])

    def counted(codes: npt.NDArray[Any]) -> Counts:
        return np.bincount(codes, minlength=other + 2).astype(np.float64)

    before = counted(np.where(then.codes >= 0, then.codes, other + 1))
    after = counted(home[now.codes])  # -1, missing, finds the last entry
    return before, after, float(after[other] / max(1.0, after.sum()))
