"""``segwidgets promote``: a tracked job that proves the result."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from segwidgets.cli.jobs import show
from segwidgets.cli.output import out
from segwidgets.cli.source import bar, positive, recipe_of, table_of

if TYPE_CHECKING:
    from segwidgets.jobs import Job, Plan

#: Options that go to `promote` under their own names.
_PASSED = ("target", "mode", "experiment", "trial", "name", "tracking_uri")
_TEXTS = {
    "region": "AWS's region (the environment's)",
    "role": "ARN of the role that the job takes on (the caller's own)",
    "bucket": "where data and results lie (SageMaker's usual one)",
    "prefix": "of everything in the bucket (segwidgets)",
    "image": "the container (segwidgets:<version> in the account's registry)",
    "instance_type": "such as ml.g4dn.xlarge, the default",
    "kms_key": "key for what is written to S3",
    "volume_kms_key": "key for the instance's disk",
}
_NUMBERS = {
    "instance_count": "1: a job's stages run on one instance",
    "max_run": "seconds after which SageMaker stops it (3600)",
    "max_wait": "seconds that a spot job may take with its waiting (twice max_run)",
    "volume_gb": "GB of the instance's disk (50)",
}
_SWITCHES = {
    "spot": "take a spot instance: cheaper, and it may be taken away",
    "network_isolation": "no network from inside the job",
    "encrypt_traffic": "encrypt what containers say to each other",
}


def add(commands: Any, source: argparse.ArgumentParser) -> None:
    """The command and its arguments."""
    promote = commands.add_parser("promote", parents=[source], help="start a tracked job that proves the result")
    promote.add_argument("--experiment", metavar="NAME", help="the tracker's experiment (segwidgets)")
    promote.add_argument("--trial", metavar="NAME", help="a group of runs within the experiment")
    promote.add_argument("--name", metavar="NAME", help="the job's name; made from the time without it")
    promote.add_argument("--target", choices=("local", "sagemaker"), help="where the job runs (local)")
    promote.add_argument(
        "--mode",
        choices=("embedding", "refit"),
        help="give the job the embedding (its labels must come out exactly), or have it compute everything",
    )
    promote.add_argument("--wait", action="store_true", help="wait for its end; exit 1 unless it completed")
    promote.add_argument(
        "--tracking-uri", metavar="URI", help="MLflow's address, a managed MLflow's ARN, experiments:, or several"
    )
    promote.add_argument("--dry-run", action="store_true", help="print what would be sent and what speaks against it")
    add_remote(promote)
    promote.set_defaults(do=_promote)


def add_remote(command: argparse.ArgumentParser) -> None:
    """The options of a command that can run in SageMaker: by the names of `jobs.settings.SageMakerSettings`."""
    remote = command.add_argument_group("with --target sagemaker")
    for name, words in _TEXTS.items():
        remote.add_argument(_option(name), metavar="TEXT", help=words)
    for name, words in _NUMBERS.items():
        remote.add_argument(_option(name), metavar="N", type=positive, help=words)
    for name, words in _SWITCHES.items():
        remote.add_argument(_option(name), action="store_true", default=None, help=words)
    remote.add_argument("--subnet", dest="subnets", metavar="ID", action="append", help="of the VPC; can be repeated")
    remote.add_argument(
        "--security-group", dest="security_groups", metavar="ID", action="append", help="of the VPC; can be repeated"
    )
    remote.add_argument("--tag", dest="tags", metavar="KEY=VALUE", type=_tag, action="append", help="can be repeated")
    remote.add_argument("--force", action="store_true", help="start it although the preflight refuses")


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not key=value, such as team=crm")
    return key, value


def remote_settings(options: argparse.Namespace) -> dict[str, Any]:
    """What was given of `add_remote`."""
    given = {name: getattr(options, name) for name in (*_TEXTS, *_NUMBERS, *_SWITCHES, "subnets", "security_groups")}
    if options.tags:
        given["tags"] = dict(options.tags)
    return {name: value for name, value in given.items() if value is not None}


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    """What was given, by the names of `promote`."""
    given = {name: getattr(options, name) for name in _PASSED}
    return {**{name: value for name, value in given.items() if value is not None}, **remote_settings(options)}


def _promote(options: argparse.Namespace) -> int:
    _check_names(options)  # before minutes of work
    recipe, settings = recipe_of(options), _settings(options)
    with bar(quiet=options.quiet) as tell:
        table = table_of(options)
        from segwidgets.jobs import plan, promote
        from segwidgets.session import Session

        result = Session(table, backend=options.backend).run(recipe, progress=tell)
    if options.dry_run:
        return _tell_plan(plan(recipe, table, result=result, **settings), force=options.force)
    job = promote(recipe, table, result=result, force=options.force, **settings)
    if options.wait:
        _wait(job, quiet=options.quiet)
    show(job, as_json=options.json)
    return 0 if job.status in {"running", "completed"} else 1


def _wait(job: Job, *, quiet: bool) -> None:
    sys.stderr.write(f"{job.name} runs; Ctrl-C leaves it running\n")
    with bar(quiet=quiet) as tell:
        job.wait(show=tell)


def _tell_plan(made: Plan, *, force: bool) -> int:
    """What would be shipped, sent and spent, as JSON; 2 where the preflight refuses."""
    said: dict[str, Any] = {"job": made.spec.name, "target": made.target, "ships": made.shipped()}
    allowed = True
    if made.settings is not None:
        checked = made.preflight(force=force)
        allowed = checked.ok
        said |= {"request": made.request(), "preflight": checked.to_dict()}
    out(json.dumps(said, indent=2, default=str))
    return 0 if allowed else 2


def _check_names(options: argparse.Namespace) -> None:
    from segwidgets.jobs.spec import JOB_NAME_LIMIT, check_name

    for what in ("experiment", "trial"):
        if getattr(options, what) is not None:
            check_name(what, getattr(options, what))
    if options.name is not None:
        check_name("name", options.name, JOB_NAME_LIMIT)
