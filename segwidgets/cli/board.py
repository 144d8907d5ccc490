"""``segwidgets leaderboard``: all tracked runs."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, get_args

from segwidgets.cli.output import aligned, cell, out, plain
from segwidgets.cli.source import positive, segment_range, share
from segwidgets.tracking.base import State
from segwidgets.tracking.choice import BETTER

if TYPE_CHECKING:
    import pandas as pd


def add(commands: Any) -> None:
    """The command and its arguments."""
    board = commands.add_parser("leaderboard", help="list the runs, newest first")
    board.add_argument("--experiment", metavar="NAME", help="of this experiment only")
    board.add_argument(
        "--tracking-uri",
        metavar="URI",
        help="MLflow's address, a managed MLflow's ARN, experiments:REGION, or several with commas between",
    )
    board.set_defaults(do=_leaderboard)
    board.add_argument("--max-noise", metavar="SHARE", type=share, help="noise at most, such as 0.15")
    board.add_argument("--segments", metavar="LOW..HIGH", type=segment_range, help="so many segments, such as 4..9")
    board.add_argument("--min-share", metavar="SHARE", type=share, help="each segment at least, such as 0.02")
    board.add_argument(
        "--status", choices=get_args(State), action="append", default=[], help="only such runs; more than once: any"
    )
    board.add_argument("--verdict", metavar="TEXT", help="what the verdict begins with: exact, ARI=0.9")
    board.add_argument(
        "--pareto",
        metavar="A,B",
        type=_weighed,
        help="mark the runs that none beats in these: two or more of " + ", ".join(BETTER),
    )
    board.add_argument("--limit", metavar="N", type=positive, default=1_000, help="at most this many")
    board.add_argument("--offset", metavar="N", type=_from_0, default=0, help="pass over the newest N")
    board.add_argument("--json", action="store_true", help="for machines")
    board.add_argument("--recipe", metavar="NAME", help="print the recipe of this run as JSON, and no list")


def _weighed(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if len(names) < 2 or not set(names) <= set(BETTER):
        raise argparse.ArgumentTypeError(f"{text!r} is not two or more of {', '.join(BETTER)}, with commas between")
    return names


def _from_0(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def _leaderboard(options: argparse.Namespace) -> int:
    if options.recipe:
        from segwidgets.jobs.recipes import recipe_of

        out(json.dumps(recipe_of(options.recipe, tracking_uri=options.tracking_uri), indent=2))
        return 0
    from segwidgets.jobs import leaderboard

    frame = leaderboard(
        options.experiment,
        tracking_uri=options.tracking_uri,
        limit=options.limit,
        offset=options.offset,
        max_noise=options.max_noise,
        clusters=options.segments,
        min_share=options.min_share,
        status=options.status,
        verdict=options.verdict,
        pareto=options.pareto,
    )
    for place, error in frame.attrs["errors"].items():
        sys.stderr.write(f"segwidgets: the runs at {place} are missing: {' '.join(error.split())}\n")
    if options.json:
        out(json.dumps([plain(row) for row in frame.to_dict("records")], indent=2))
    elif frame.empty:
        out(_nothing(options))
    else:
        out(_table(frame))
    return 0


def _nothing(options: argparse.Namespace) -> str:
    asked = (options.max_noise, options.segments, options.min_share, options.verdict)
    if options.status or options.offset or any(one is not None for one in asked):
        return "No run meets all of this: ask for less, or look at all with segwidgets leaderboard"
    return "Nothing has run yet: segwidgets promote SOURCE"


def _table(frame: pd.DataFrame) -> str:
    shown = frame.drop(columns=["recipe"])
    rows = [[_cell(name, value) for name, value in row.items()] for row in map(plain, shown.to_dict("records"))]
    return aligned([str(name) for name in shown.columns], rows)


def _cell(name: str, value: Any) -> str:
    if name == "pareto":
        return "*" if value else ""
    if name in {"smallest", "largest"} and value is not None:
        return f"{value:.1%}"
    return cell(name, value)
