"""``segwidgets report``: a job's report for the client, one HTML file; ``approve``: what it compares with."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from segwidgets.cli.output import out
from segwidgets.cli.source import bar, positive


def add(commands: Any) -> None:
    """The commands and their arguments."""
    report = commands.add_parser(
        "report", help="write a job's report for the client: one HTML file, no network, no ids"
    )
    report.add_argument("name", metavar="JOB")
    report.add_argument("--out", metavar="FILE", type=Path, help="where it is written (JOB.html here)")
    report.add_argument("--title", metavar="TEXT", help="the page's title")
    report.add_argument("--floor", metavar="N", type=positive, default=20, help="customers a shown segment has (20)")
    report.add_argument(
        "--since",
        metavar="JOB",
        default="approved",
        help="tell what changed since this earlier job (the last approved one of its experiment and table); none: no",
    )
    report.add_argument(
        "--points",
        metavar="N",
        type=positive,
        default=0,
        help="put a shuffled sample of N places of the map into the file, with a live slider of eps (no sample)",
    )
    report.add_argument(
        "--layer",
        metavar="FILE",
        type=Path,
        help="names, merges and locks over its labels, as Layer.to_dict gives them",
    )
    report.add_argument("--overwrite", action="store_true", help="replace the file")
    report.add_argument("--quiet", action="store_true", help="no progress bar")
    report.set_defaults(do=_report)

    approve = commands.add_parser("approve", help="approve a finished job: later reports compare with it by default")
    approve.add_argument("name", metavar="JOB")
    approve.set_defaults(do=_approve)


def _report(options: argparse.Namespace) -> int:
    from segwidgets.reporting import report_job

    target = options.out or Path(f"{options.name}.html")
    if target.exists() and not options.overwrite:
        raise ValueError(f"{target} is there already: name another file with --out, or add --overwrite.")
    layer = None
    if options.layer:
        from segwidgets.layer import Layer

        try:
            layer = Layer.from_dict(json.loads(options.layer.read_text()))
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise ValueError(
                f"{options.layer} holds no layer ({error}): write one as Layer.to_dict gives it."
            ) from None
    with bar(quiet=options.quiet) as show:
        report_job(
            options.name,
            target,
            since=options.since,
            points=options.points,
            floor=options.floor,
            title=options.title,
            layer=layer,
            progress=show,
        )
    out(str(target))
    return 0


def _approve(options: argparse.Namespace) -> int:
    from segwidgets.jobs import Job

    job = Job.load(options.name).approve()
    out(f"{job.name} is approved: later reports of experiment {job.experiment} compare with it.")
    return 0
