"""``segwidgets report``: a job's report for the client, one HTML file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from segwidgets.cli.output import out
from segwidgets.cli.source import positive


def add(commands: Any) -> None:
    """The command and its arguments."""
    report = commands.add_parser(
        "report", help="write a job's report for the client: one HTML file, no network, no ids"
    )
    report.add_argument("name", metavar="JOB")
    report.add_argument("--out", metavar="FILE", type=Path, help="where it is written (JOB.html here)")
    report.add_argument("--title", metavar="TEXT", help="the page's title")
    report.add_argument("--floor", metavar="N", type=positive, default=20, help="customers a shown segment has (20)")
    report.add_argument("--since", metavar="JOB", help="also tell what changed since this earlier job")
    report.add_argument("--overwrite", action="store_true", help="replace the file")
    report.set_defaults(do=_report)


def _report(options: argparse.Namespace) -> int:
    from segwidgets.jobs import Job
    from segwidgets.report import write_report

    target = options.out or Path(f"{options.name}.html")
    if target.exists() and not options.overwrite:
        raise ValueError(f"{target} is there already: name another file with --out, or add --overwrite.")
    job = Job.load(options.name)
    comparison = None
    if options.since:
        from segwidgets.comparing import compare

        comparison = compare(options.since, job).for_report(options.floor)
    write_report(job.output_data, target, floor=options.floor, title=options.title, comparison=comparison)
    out(str(target))
    return 0
