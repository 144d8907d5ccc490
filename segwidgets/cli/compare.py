"""``segwidgets compare``: who moved between two jobs; or whether an approved job still fits a new table."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets.cli.output import aligned, out
from segwidgets.cli.source import bar, positive, share

if TYPE_CHECKING:
    from segwidgets.comparing import Compared, Drifted

_COLUMNS = 10


def add(commands: Any) -> None:
    """The command and its arguments."""
    command = commands.add_parser("compare", help="who moved between two jobs; with --table, whether a job still fits")
    command.add_argument("a", metavar="A", help="a job, or a folder of results")
    command.add_argument("b", metavar="B", nargs="?", help="another one, the later")
    command.add_argument("--table", metavar="TABLE", help="instead of B: new customers, held against the job")
    command.add_argument("--id", metavar="COL", help="with --table: the column that names the customer")
    command.add_argument("--reference", metavar="TABLE", help="what A was made from, if it has no copy")
    command.add_argument("--budget", metavar="S", type=positive, help="seconds for holding out A's own rows (30)")
    command.add_argument(
        "--baseline",
        metavar="SHARE",
        type=_baseline,
        help="movers between two runs alike, such as 0.02; or own: of A's",
    )
    command.add_argument("--figure", metavar="FILE", type=Path, help="draw the flows into this .png, .pdf or .svg")
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    command.add_argument("--json", action="store_true", help="for machines")
    command.set_defaults(do=_compare)


def _baseline(text: str) -> float | str:
    """A share, or "own"."""
    return text if text == "own" else share(text)


def _compare(options: argparse.Namespace) -> int:
    if (options.b is None) == (options.table is None):
        raise ValueError("compare takes a second job, or --table with new customers: give one of the two.")
    if options.table is None:
        own = options.baseline == "own"
        for name in ("id", "reference", "budget"):
            if getattr(options, name) and not own:
                raise ValueError(f"--{name} belongs to --table or --baseline own: add one, or leave it out.")
        from segwidgets.comparing import compare
        from segwidgets.data import read
        from segwidgets.heldout import BUDGET

        reference = read(options.reference, id=options.id) if options.reference else None
        found = compare(
            options.a, options.b, baseline=options.baseline, reference=reference, budget=options.budget or BUDGET
        )
        if options.figure:
            found.figure().savefig(options.figure)
        out(json.dumps(found.to_public(), indent=2) if options.json else _moved(found))
        return 0
    for name in ("baseline", "figure"):
        if getattr(options, name) is not None:
            raise ValueError(f"--{name} belongs to two jobs: leave it out with --table.")
    from segwidgets.comparing import drift
    from segwidgets.data import read
    from segwidgets.heldout import BUDGET

    with bar(quiet=options.quiet) as show:
        reference = read(options.reference, id=options.id) if options.reference else None
        table = read(options.table, id=options.id)
        told = drift(options.a, table, reference=reference, budget=options.budget or BUDGET, progress=show)
    out(json.dumps(told.to_public(), indent=2) if options.json else _drifted(told))
    return 0


def _moved(found: Compared) -> str:
    c = found.changes
    who = f"{c.moved:.1%} ({c.moved_low:.1%} to {c.moved_high:.1%}) of {c.common:,} customers in both moved"
    agree = "" if c.ari is None else f"; ARI {c.ari:.3f}" + ("" if c.ami is None else f", AMI {c.ami:.3f}")
    rows = [
        [
            one.event, "-" if one.before is None else found.a.called(one.before),
            "-" if one.after is None else found.b.called(one.after),
            f"{one.share_before:.1%}", f"{one.share_after:.1%}",
            f"{one.change:+.1%} ({one.low:+.1%} to {one.high:+.1%})", "yes" if one.beyond_noise else "no",
        ]
        for one in c.segments
    ]  # fmt: skip
    table = aligned(["event", "before", "after", "share", "now", "change", "more than noise"], rows)
    return f"{who}{agree}; {c.arrived:,} arrived, {c.left:,} left\n\n{table}"


def _drifted(found: Drifted) -> str:
    own = found.verdict.own
    held = "the run's own rows were not held out in time: its share of noise stands in for them"
    if own is not None:
        held = f"{own.held:,} of the run's own rows held out, {own.splits} times: "
        held += f"{own.none:.1%} in no segment, {own.moved:.1%} elsewhere than in the run"
    lines = [found.verdict.word, *(f"  {reason}" for reason in found.verdict.reasons), f"  ({held})", ""]
    rows = [[one.column, f"{one.psi:.3f}", one.band] for one in found.columns[:_COLUMNS]]
    return "\n".join([*lines, aligned(["column", "PSI", ""], rows)])
