"""``segwidgets jobs`` and ``segwidgets job``: what was promoted, and how it stands."""

from __future__ import annotations

import argparse
import concurrent.futures
import json
from typing import TYPE_CHECKING, Any

from segwidgets.cli.output import aligned, out
from segwidgets.cli.source import positive

if TYPE_CHECKING:
    from segwidgets.jobs import Job


def add(commands: Any) -> None:
    """The commands and their arguments."""
    listing = commands.add_parser("jobs", help="list the jobs that were promoted from here, newest first")
    listing.set_defaults(do=_jobs)
    listing.add_argument("--limit", metavar="N", type=positive, default=1_000, help="at most this many")
    listing.add_argument("--json", action="store_true", help="for machines")

    job = commands.add_parser("job", help="show a job, its log, or stop it")
    job.add_argument("name", metavar="NAME")
    job.add_argument("--stop", action="store_true", help="stop it")
    job.add_argument("--attach", action="store_true", help="a SageMaker job that another machine promoted")
    job.add_argument("--region", metavar="TEXT", help="with --attach: AWS's region (the environment's)")
    shown = job.add_mutually_exclusive_group()
    shown.add_argument("--log", action="store_true", help="what it has printed")
    shown.add_argument("--json", action="store_true", help="for machines")
    job.set_defaults(do=_job)


def _record(job: Job) -> dict[str, Any]:
    from segwidgets.jobs import elsewhere

    progress = job.progress
    return {
        "name": job.name,
        "target": job.target,
        "experiment": job.experiment,
        "trial": job.trial,
        "status": job.status,
        "verdict": job.verdict,
        "reason": job.reason,
        "stage": progress.stage,
        "progress": progress.overall,
        "created": job.created,
        "path": str(job.path),
        **elsewhere.facts(job),
    }


def show(job: Job, *, as_json: bool) -> None:
    """How a job stands."""
    record = _record(job)
    if as_json:
        out(json.dumps(record, indent=2))
        return
    names = ("name", "status", "verdict", "experiment", "trial", "path")
    out("\n".join(f"{name:<11}{record[name]}" for name in names if record[name]))


def _job(options: argparse.Namespace) -> int:
    from segwidgets.jobs import Job

    job = Job.attach(options.name, region=options.region) if options.attach else Job.load(options.name)
    if options.stop:
        job.stop()
    if options.log:
        out(job.log().rstrip("\n"))
    else:
        show(job, as_json=options.json)
    return 0


def _jobs(options: argparse.Namespace) -> int:
    from segwidgets.jobs import jobs
    from segwidgets.jobs.board import AT_ONCE

    # A job elsewhere is asked for over the network: not one after the other.
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as looks:
        records = list(looks.map(_record, jobs()[: options.limit]))
    if options.json:
        out(json.dumps(records, indent=2))
    elif not records:
        out("No job has been promoted yet: segwidgets promote SOURCE")
    else:
        names = ("name", "experiment", "trial", "status", "verdict")
        out(aligned(list(names), [[str(record[name] or "") for name in names] for record in records]))
    return 0
