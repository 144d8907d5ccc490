"""``segwidgets leaderboard``: all tracked runs."""

from __future__ import annotations

import argparse
import json
from typing import Any

from segwidgets.cli.output import aligned, cell, out, plain
from segwidgets.cli.source import positive


def add(commands: Any) -> None:
    """The command and its arguments."""
    board = commands.add_parser("leaderboard", help="list the runs, newest first")
    board.add_argument("--experiment", metavar="NAME", help="of this experiment only")
    board.add_argument("--tracking-uri", metavar="URI", help="MLflow's address")
    board.set_defaults(do=_leaderboard)
    board.add_argument("--limit", metavar="N", type=positive, default=1_000, help="at most this many")
    board.add_argument("--json", action="store_true", help="for machines")


def _leaderboard(options: argparse.Namespace) -> int:
    from segwidgets.tracking import leaderboard

    frame = leaderboard(options.experiment, tracking_uri=options.tracking_uri, limit=options.limit)
    if options.json:
        out(json.dumps([plain(row) for row in frame.to_dict("records")], indent=2))
        return 0
    if frame.empty:
        out("Nothing has run yet: segwidgets promote SOURCE")
        return 0
    shown = frame.drop(columns=["recipe"])
    rows = [[cell(name, value) for name, value in row.items()] for row in map(plain, shown.to_dict("records"))]
    out(aligned([str(name) for name in shown.columns], rows))
    return 0
