"""``segwidgets promote``: a tracked job that proves the result."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from segwidgets.cli.jobs import show
from segwidgets.cli.source import bar, recipe_of, table_of


def add(commands: Any, source: argparse.ArgumentParser) -> None:
    """The command and its arguments."""
    promote = commands.add_parser("promote", parents=[source], help="start a tracked job that proves the result")
    promote.add_argument("--experiment", metavar="NAME", help="the tracker's experiment (segwidgets)")
    promote.add_argument("--trial", metavar="NAME", help="a group of runs within the experiment")
    promote.add_argument("--name", metavar="NAME", help="the job's name; made from the time without it")
    promote.add_argument("--target", choices=("local",), default="local", help="where the job runs")
    promote.add_argument(
        "--mode",
        choices=("embedding", "refit"),
        default="embedding",
        help="give the job the embedding (its labels must come out exactly), or have it compute everything",
    )
    promote.add_argument("--wait", action="store_true", help="wait for its end; exit 1 unless it completed")
    promote.add_argument("--tracking-uri", metavar="URI", help="MLflow's address")
    promote.set_defaults(do=_promote)


def _promote(options: argparse.Namespace) -> int:
    _check_names(options)  # before minutes of work
    recipe = recipe_of(options)
    with bar(quiet=options.quiet) as tell:
        table = table_of(options)
        from segwidgets.jobs import promote
        from segwidgets.session import Session

        result = Session(table, backend=options.backend).run(recipe, progress=tell)
    settings = {
        name: getattr(options, name) for name in ("target", "mode", "experiment", "trial", "name", "tracking_uri")
    }
    job = promote(recipe, table, result=result, **settings)
    if options.wait:
        sys.stderr.write(f"{job.name} runs; Ctrl-C leaves it running\n")
        job.wait()
    show(job, as_json=options.json)
    return 0 if job.status in {"running", "completed"} else 1


def _check_names(options: argparse.Namespace) -> None:
    from segwidgets.jobs.spec import JOB_NAME_LIMIT, check_name

    for what in ("experiment", "trial"):
        if getattr(options, what) is not None:
            check_name(what, getattr(options, what))
    if options.name is not None:
        check_name("name", options.name, JOB_NAME_LIMIT)
