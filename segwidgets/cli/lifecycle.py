"""``segwidgets lifecycle``: bring the kernels' restore to notebook instances, and see how it stands on this one."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets.cli.output import out
from segwidgets.cli.source import positive

if TYPE_CHECKING:
    from segwidgets.kernelstatus import KernelStatus
    from segwidgets.lifecycle.deploy import Plan

#: Seconds between two looks at a status.
_LOOKS = 0.5


def add(commands: Any) -> None:
    """The commands and their arguments."""
    lifecycle = commands.add_parser("lifecycle", help="the kernels that a notebook instance restores at its start")
    steps = lifecycle.add_subparsers(dest="step", required=True, metavar="deploy|remove|bundle|template|status|logs")
    wheel = argparse.ArgumentParser(add_help=False)
    wheel.add_argument("--wheel", metavar="FILE", type=Path, help="a wheel of segwidgets; made here if left out")
    region = argparse.ArgumentParser(add_help=False)
    region.add_argument("--region", metavar="TEXT", help="AWS's region; that of the environment by default")
    bucket = argparse.ArgumentParser(add_help=False)
    bucket.add_argument("--bucket", metavar="NAME", help="for the bundle; SageMaker's usual one of the region")
    bucket.add_argument("--prefix", metavar="TEXT", help="of everything in the bucket (segwidgets)")
    dry_run = argparse.ArgumentParser(add_help=False)
    dry_run.add_argument("--dry-run", action="store_true", help="only print the diff and the calls")
    _add_deploy(steps, [wheel, region, bucket, dry_run])
    _add_remove(steps, [region, dry_run])

    bundle = steps.add_parser("bundle", parents=[wheel, region, bucket], help="write what an instance restores from")
    bundle.add_argument("--out", metavar="DIR", type=Path, default=Path(), help="its folder (this one)")
    bundle.add_argument("--upload", action="store_true", help="to S3 too, for the template's BundleUri")
    bundle.set_defaults(do=_bundle)

    template = steps.add_parser("template", help="print the CloudFormation template of an instance with everything")
    template.add_argument("--out", metavar="FILE", type=Path, help="write it there")
    template.set_defaults(do=_template)

    status = steps.add_parser("status", help="how the restore on this machine stands")
    status.add_argument("--json", action="store_true", help="for machines; with --watch a line for each change")
    status.add_argument("--watch", action="store_true", help="until it has ended; exit 1 when the kernel is not ready")
    status.set_defaults(do=_status)

    logs = steps.add_parser("logs", help="the restore's log on this machine")
    logs.add_argument("--lines", metavar="N", type=positive, default=200, help="at most so many of the last (200)")
    logs.add_argument("--follow", action="store_true", help="go on as it grows, until Ctrl-C")
    logs.set_defaults(do=_logs)


def _add_deploy(steps: Any, parents: list[argparse.ArgumentParser]) -> None:
    deploy = steps.add_parser(
        "deploy", parents=parents, help="make or update a lifecycle configuration, and attach it to an instance"
    )
    deploy.add_argument("name", metavar="NAME", help="of the lifecycle configuration")
    deploy.add_argument("--instance", metavar="INSTANCE", help="attach it to this notebook instance")
    deploy.add_argument("--restart", action="store_true", help="stop that instance for it, and start it again")
    deploy.add_argument("--replace", action="store_true", help="overwrite what is not segwidgets'")
    deploy.add_argument("--force", action="store_true", help="restart it although AWS may not start such a one again")
    deploy.set_defaults(do=_deploy)


def _add_remove(steps: Any, parents: list[argparse.ArgumentParser]) -> None:
    remove = steps.add_parser("remove", parents=parents, help="take a lifecycle configuration away")
    remove.add_argument("name", metavar="NAME")
    remove.add_argument(
        "--instance",
        dest="instances",
        metavar="INSTANCE",
        action="append",
        default=[],
        help="a stopped one that it is taken off first; can be repeated",
    )
    remove.set_defaults(do=_remove)


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _cloud(options: argparse.Namespace) -> Any:
    from segwidgets.aws import Cloud
    from segwidgets.jobs.settings import defaults

    return Cloud(options.region or defaults().get("region"))


# -- to AWS ------------------------------------------------------------------------------------------------------------


def _deploy(options: argparse.Namespace) -> int:
    from segwidgets.lifecycle import bundle, deploy

    cloud = _cloud(options)
    where = deploy.place(cloud, bucket=options.bucket, prefix=options.prefix)
    made = bundle.build(options.wheel)
    plan = deploy.plan(
        cloud,
        options.name,
        made,
        where,
        instance=options.instance,
        restart=options.restart,
        replace=options.replace,
        force=options.force,
    )
    status = _carry_out(cloud, plan, dry_run=options.dry_run)
    if status == 0 and not options.dry_run:
        out(f"{where.uri(made)}\n{made.sha256}")
    return status


def _remove(options: argparse.Namespace) -> int:
    from segwidgets.lifecycle import deploy

    cloud = _cloud(options)
    plan = deploy.removal(cloud, options.name, instances=options.instances)
    return _carry_out(cloud, plan, dry_run=options.dry_run)


def _carry_out(cloud: Any, plan: Plan, *, dry_run: bool) -> int:
    """Tell a plan, and do it unless something stands against it, or it is only to be told."""
    from segwidgets.lifecycle.calls import WaitError, carry_out

    # In a dry run the plan is the result.
    say = out if dry_run else _tell
    if plan.diff:
        say(plan.diff)
    if dry_run:
        for step in plan.steps:
            say(step.text)
    for check in (*plan.remarks, *plan.refused):
        _tell(f"{check.state}: {check.text} {check.way_out}".rstrip())
    if plan.refused:
        _tell("Nothing was changed.")
        return 2
    if not dry_run:
        try:
            carry_out(cloud, plan.steps, say=lambda text: _tell(f"+ {text}"))
        except WaitError as error:
            _tell(f"segwidgets: {error}")
            return 1
    for note in plan.notes:
        _tell(note)
    if not plan.steps:
        _tell("There is nothing to do.")
    return 0


def _bundle(options: argparse.Namespace) -> int:
    from segwidgets.lifecycle import bundle, deploy
    from segwidgets.lifecycle.calls import carry_out

    made = bundle.build(options.wheel)
    if not options.upload:
        out(f"{made.write(options.out)}\n{made.sha256}")
        return 0
    cloud = _cloud(options)
    where = deploy.place(cloud, bucket=options.bucket, prefix=options.prefix)
    notes: list[str] = []
    carry_out(cloud, deploy.upload(cloud, made, where, notes), say=lambda text: _tell(f"+ {text}"))
    for note in notes:
        _tell(note)
    out(f"BundleUri={where.uri(made)} BundleSha256={made.sha256}")
    return 0


def _template(options: argparse.Namespace) -> int:
    from segwidgets.lifecycle import files
    from segwidgets.storage import write_atomic

    text = files.text(files.TEMPLATE)
    if options.out is None:
        out(text.decode().rstrip("\n"))
    else:
        write_atomic(options.out, text)
        out(str(options.out))
    return 0


# -- on this machine ---------------------------------------------------------------------------------------------------


def _status(options: argparse.Namespace) -> int:
    from segwidgets import kernelstatus

    status = kernelstatus.read()
    if not options.watch:
        out(json.dumps(status.to_dict(), indent=2) if options.json else _described(status))
        return 0
    said = ""
    while True:
        now = json.dumps(status.to_dict()) if options.json else f"{status.line()}  {status.phase}".rstrip()
        if now != said:
            out(now)
            sys.stdout.flush()
            said = now
        if status.state != "restoring":
            break
        time.sleep(_LOOKS)
        status = kernelstatus.read()
    if status.reason:
        _tell(status.reason)
    if status.state in {"none", "unreadable"}:
        return 2
    return 0 if status.state == "ready" else 1


def _described(status: KernelStatus) -> str:
    """A status in lines; what is not known has none."""
    rows = {"state": status.line()}
    if status.phase and status.state not in {"ready", "none"}:
        rows["phase"] = status.phase
    if status.packages.get("all"):
        rows["packages"] = f"{status.packages['done']:,} of {status.packages['all']:,}"
    if status.bytes.get("all"):
        rows["bytes"] = f"{status.bytes['done'] / 1e6:,.0f} of {status.bytes['all'] / 1e6:,.0f} MB"
    for kind, kernel in status.kernels.items():
        if kernel:
            rows[f"{kind} kernel"] = f"{kernel['name']} ({kernel['env']})"
    rows |= {
        "GPU": " ".join(part for part in (status.gpu, status.driver and f"(driver {status.driver})") if part),
        "instance": status.instance_type or "",
        "updated": "" if status.updated is None else _moment(status.updated),
        "reason": status.reason,
        "log": status.log,
    }
    return "\n".join(f"{name:<15}{value}" for name, value in rows.items() if value)


def _moment(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (OverflowError, OSError, ValueError):
        return f"{seconds:g}"


def _logs(options: argparse.Namespace) -> int:
    from segwidgets import kernelstatus
    from segwidgets.lifecycle.following import follow

    place = kernelstatus.kernel_dir() / kernelstatus.LOG
    if not place.exists():
        _tell(f"There is no log yet ({place}). {kernelstatus.read().reason}".rstrip())
        if not options.follow:
            return 2
    if not options.follow:
        for line in kernelstatus.tail(lines=options.lines):
            out(line)
        return 0
    for line in follow(lines=options.lines):
        out(line)
        sys.stdout.flush()
    return 0
