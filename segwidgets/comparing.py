"""Two runs beside each other, and this week's table beside an approved run."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from segwidgets.assignment import Assigned, Assigner, assign
from segwidgets.compute.drift import Changes, ColumnDrift, Thresholds, Verdict, changes, column_drift, judge
from segwidgets.heldout import BUDGET, own_rows
from segwidgets.report import FLOOR
from segwidgets.result import Progress
from segwidgets.segmentation import Segmentation, segmentation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from segwidgets.data import Table

__all__ = ["Compared", "Drifted", "NobodyInCommonError", "compare", "drift"]


#: The share of a drift's progress that the new rows are.
_ASSIGNED = 0.6


class NobodyInCommonError(ValueError):
    """Two runs that know no customer in common."""


@dataclasses.dataclass(frozen=True, eq=False)
class Compared:
    """Two runs and what changed from the first to the second."""

    a: Segmentation
    b: Segmentation
    changes: Changes

    def figure(self, *, width: float = 6.4, height: float = 4.2) -> Figure:
        """The flow diagram; see `flowfigure.flow_figure`."""
        from segwidgets.flowfigure import flow_figure

        return flow_figure(self.changes, before=self.a.called, after=self.b.called, width=width, height=height)

    def to_public(self) -> dict[str, Any]:
        """As JSON takes it: counts and shares, no id."""
        names = {
            "a": {str(label): name for label, name in self.a.names.items()},
            "b": {str(label): name for label, name in self.b.names.items()},
        }
        return {**self.changes.to_dict(), "names": names}

    def for_report(self, floor: int = FLOOR) -> dict[str, Any]:
        """What a report says of it: ``sentences``, and ``rows`` of a table, its head first.

        Segments of fewer than ``floor`` customers on both sides are not told of.
        """
        c = self.changes
        beyond = "more than" if c.beyond_noise else "no more than"
        moved = f"{c.moved:.1%} of the {c.common:,} customers that both runs know are in another segment now"
        sentences = [
            f"{moved} ({c.moved_low:.1%} to {c.moved_high:.1%}), {beyond} chance explains.",
            f"{c.arrived:,} customers came, {c.left:,} left.",
        ]
        least = (floor / max(1, len(self.a.ids)), floor / max(1, len(self.b.ids)))
        rows = [["What happened", "Then", "Now", "Share then", "Share now", "More than chance"]]
        rows += [
            [
                one.event,
                "–" if one.before is None else self.a.called(one.before),
                "–" if one.after is None else self.b.called(one.after),
                f"{one.share_before:.1%}",
                f"{one.share_after:.1%}",
                "yes" if one.beyond_noise else "no",
            ]
            for one in c.segments
            if one.share_before >= least[0] or one.share_after >= least[1]
        ]
        return {"sentences": sentences, "rows": rows}


@dataclasses.dataclass(frozen=True, eq=False)
class Drifted:
    """A new table beside an approved run: its rows in the run's segments, its columns, and the verdict."""

    assigned: Assigned = dataclasses.field(repr=False)
    columns: tuple[ColumnDrift, ...]
    verdict: Verdict
    run: Segmentation = dataclasses.field(repr=False)

    def sizes(self) -> tuple[tuple[int, int, int], ...]:
        """``(label, rows then, rows now)`` of each segment of the run, those in none (-1) last."""
        many = int(self.run.labels.max(initial=-1)) + 1
        then, now = (
            np.bincount(np.where(labels < 0, many, labels), minlength=many + 1)
            for labels in (self.run.labels, self.assigned.labels)
        )
        return tuple((at if at < many else -1, int(then[at]), int(now[at])) for at in range(many + 1))

    def to_public(self) -> dict[str, Any]:
        """As JSON takes it: counts and shares, no id."""
        return {
            "verdict": dataclasses.asdict(self.verdict),
            "columns": [dataclasses.asdict(one) for one in self.columns],
            "rows": len(self.assigned.labels),
        }


def compare(
    a: Any,
    b: Any,
    *,
    baseline: float | Literal["own"] | None = None,
    repeats: int = 1000,
    seed: int = 0,
    reference: Table | None = None,
    budget: float | None = BUDGET,
) -> Compared:
    """Compare two runs of the same or of different tables, by the ids of the customers in both.

    Args:
        a: a job, a job's name, a folder of results, or a `Result`: the one before.
        b: likewise: the one after.
        baseline: the share of customers that moves between two runs of one recipe, or on samples of its rows: what
            counts as noise of the labels. "own" works it out of the first run's own rows: the upper end of what moves
            when some are held out (`heldout.own_rows`). None: only the bootstrap over customers speaks.
        repeats: bootstrapped tables of flows.
        seed: of the bootstrap.
        reference: with "own", the table that the first run was made from; a local job knows its own.
        budget: with "own", seconds for the held-out rows; None for as long as it takes.

    Raises:
        ValueError: one of them is no whole result, or "own" cannot be worked out.
        NobodyInCommonError: they have no customer in common.
    """
    if isinstance(baseline, str) and baseline != "own":
        raise ValueError(f"baseline={baseline!r} is not allowed: it is a share from 0 to 1, 'own', or None.")
    one, other = segmentation(a), segmentation(b)
    noise = _own(a, reference, budget) if isinstance(baseline, str) else baseline
    found = changes(one.ids, one.labels, other.ids, other.labels, baseline=noise, repeats=repeats, seed=seed)
    if not found.common:
        raise NobodyInCommonError(
            f"{one.name} and {other.name} have no id in common, so nobody can be followed: read both tables with the "
            "column that names the customer (id=…), or assign the new table to the old run (segwidgets.assign)."
        )
    return Compared(one, other, found)


def _own(what: Any, reference: Table | None, budget: float | None) -> float:
    """The share of a run's own rows that moves by chance, at most."""
    asked = what if isinstance(what, Assigner) else Assigner(what, reference=reference)
    own = own_rows(asked.run, asked.placing, budget=budget)
    if own is None:
        raise ValueError(
            f"the rows of {asked.run.name} could not be held out: they are fewer than 50, or budget={budget!r} seconds "
            "are too few. Give more time, or the baseline as a share."
        )
    return own.moved_high


def drift(
    what: Any,
    table: Table,
    *,
    reference: Table | None = None,
    thresholds: Thresholds | None = None,
    budget: float | None = BUDGET,
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
) -> Drifted:
    """May an approved run be used on this table? Its rows are assigned, its columns held against the run's own.

    How many rows fit no segment is held against what the run's own rows give when some are held out and assigned by
    the others (`heldout.own_rows`). That is worked out once and kept beside the run.

    Args:
        what: the approved run; see `assign`.
        table: this week's rows.
        reference: the table that the run was made from; a local job knows its own.
        thresholds: where the verdict changes.
        budget: seconds for the held-out rows; None for as long as it takes. Where they are not done in time, and with
            0, the run's own share of noise stands in for them, and ``verdict.own`` is None.
        progress: called in this thread.
        cancel: when set, the work stops.

    Raises:
        ValueError: as `assign`.
        DataError: a column is missing or of another kind.
        Cancelled: ``cancel`` was set.
    """
    asked = what if isinstance(what, Assigner) else Assigner(what, reference=reference)
    columns = column_drift(asked.run.rows, table)

    def share(low: float, high: float) -> Callable[[Progress], None]:
        def told(now: Progress) -> None:
            if progress is not None:
                progress(dataclasses.replace(now, overall=low + (high - low) * now.overall))

        return told

    def held(done: float) -> None:
        share(_ASSIGNED, 1.0)(Progress("assign", done, done, "Assigning the run's own rows"))

    assigned = assign(asked, table, progress=share(0.0, _ASSIGNED), cancel=cancel)
    own = own_rows(asked.run, asked.placing, budget=budget, tick=held, cancel=cancel)
    verdict = judge(
        columns,
        none=int((assigned.labels < 0).sum()),
        rows=len(assigned.labels),
        none_before=float(np.mean(asked.run.labels < 0)),
        own=own,
        thresholds=thresholds,
    )
    return Drifted(assigned, columns, verdict, asked.run)
