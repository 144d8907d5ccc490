"""``segwidgets sweep``: many recipes of one space, each a tracked run, and those that nothing beats."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets.cli.output import aligned, out, plain
from segwidgets.cli.promote import add_remote, remote_settings
from segwidgets.cli.source import bar, positive, recipe_of, segment_range, share, table_of

if TYPE_CHECKING:
    from segwidgets.sweeping import Sweep, TuningPlan

_SHOWN = 10


def add(commands: Any, source: argparse.ArgumentParser) -> None:
    """The command and its arguments."""
    command = commands.add_parser("sweep", parents=[source], help="try many recipes, each a tracked run")
    command.add_argument(
        "--space", metavar="NAME=VALUES", type=_dimension, action="append", required=True,
        help="a setting to try: n_neighbors=5..50, or metric=cosine,euclidean; can be repeated",
    )  # fmt: skip
    command.add_argument("--trials", metavar="N", type=positive, default=50, help="trials at most (50)")
    command.add_argument("--seconds", metavar="S", type=positive, help="begin no trial after so many seconds")
    command.add_argument(
        "--objective", action="append", metavar="NAME", help="silhouette and coverage; can be repeated"
    )
    command.add_argument("--max-noise", metavar="SHARE", type=share, help="noise at most, such as 0.15")
    command.add_argument("--segments", metavar="LOW..HIGH", type=segment_range, help="so many segments, such as 4..9")
    command.add_argument("--min-share", metavar="SHARE", type=share, help="each segment at least, such as 0.02")
    command.add_argument("--name", metavar="TEXT", help="of the sweep; its runs are grouped under it")
    command.add_argument("--experiment", metavar="NAME", default="segwidgets", help="of the tracker (segwidgets)")
    command.add_argument("--seed", metavar="N", type=int, default=0, help="of the search (0)")
    command.add_argument("--recipe-out", metavar="FILE", type=Path, help="write the recipe of the best trial")
    command.add_argument("--workers", metavar="N", type=positive, default=1, help="trials at once (1)")
    command.add_argument("--dask", metavar="ADDRESS", help="run on the Dask cluster of this scheduler")
    command.add_argument(
        "--target", choices=("local", "sagemaker"), default="local", help="here, or as SageMaker's tuning job (local)"
    )
    command.add_argument("--tracking-uri", metavar="URI", help="as in promote")
    command.add_argument(
        "--dry-run", action="store_true", help="with --target sagemaker: print what would be sent, and its price"
    )
    add_remote(command)
    command.set_defaults(do=_sweep)


def _dimension(text: str) -> tuple[str, Any]:
    """``name=low..high`` as a tuple, ``name=a,b,c`` as a list; values as JSON where they are JSON."""
    name, equals, values = text.partition("=")
    if not equals or not name.strip() or not values.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not name=values, such as n_neighbors=5..50 or min_samples=5,10")
    low, dots, high = values.partition("..")
    if dots:
        return name.strip(), (_value(low), _value(high))
    return name.strip(), [_value(one) for one in values.split(",")]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text.strip()


def _sweep(options: argparse.Namespace) -> int:
    recipe = recipe_of(options)
    given = remote_settings(options)
    remote = options.target == "sagemaker"
    if not remote and (given or options.dry_run or options.force):
        odd = next(iter(given), "dry_run" if options.dry_run else "force").replace("_", "-")
        raise ValueError(f"--{odd} is for --target sagemaker, and the target is local: leave it out, or change that.")
    if remote and options.dask:
        raise ValueError("--dask is for trials on a cluster of your own: leave it out with --target sagemaker.")
    from segwidgets.session import Session
    from segwidgets.sweeping import Limits, plan_tuning, sweep

    limits = Limits(options.max_noise, options.segments, options.min_share)
    with bar(quiet=options.quiet) as show:
        session = Session(table_of(options), backend=options.backend)
        asked: dict[str, Any] = {
            "seconds": options.seconds,
            "recipe": recipe,
            "objectives": options.objective or (("silhouette",) if remote else ("silhouette", "coverage")),
            "limits": limits,
            "name": options.name,
            "experiment": options.experiment,
            "tracking_uri": options.tracking_uri,
            "seed": options.seed,
            "workers": options.workers,
        }
        if remote:
            plan = plan_tuning(session, dict(options.space), options.trials, **asked, **given)
            if options.dry_run:
                return _tell_plan(plan, force=options.force)
            job = plan.checked(force=options.force).launch()
            sys.stderr.write(f"{job.name} runs in SageMaker; Ctrl-C leaves it running\n")
            found = job.wait(progress=show)
        else:
            found = sweep(session, dict(options.space), options.trials, **asked, client=options.dask, progress=show)
    if options.recipe_out:
        if not found.best:
            raise ValueError("no trial keeps the limits, so there is no recipe to write: widen them, or the space.")
        from segwidgets import storage

        storage.write_atomic(options.recipe_out, found.best[0].recipe.to_json())
    frame = found.to_frame()
    if options.json:
        out(json.dumps([plain(row) for row in frame.to_dict("records")], indent=2, default=str))
    else:
        out(_told(found, options))
    return 0


def _tell_plan(plan: TuningPlan, *, force: bool) -> int:
    """What would be shipped, sent and spent, as JSON; 2 where the preflight refuses."""
    checked = plan.preflight(force=force)
    said = {
        "sweep": plan.spec.name,
        "target": "sagemaker",
        "ships": plan.shipped(),
        "request": plan.request(),
        "preflight": checked.to_dict(),
    }
    out(json.dumps(said, indent=2, default=str))
    return 0 if checked.ok else 2


def _told(found: Sweep, options: argparse.Namespace) -> str:
    kept = sum(one.kept for one in found.trials)
    lines = [f"{found.name}: {len(found.trials)} trials, {kept} keep the limits, {len(found.best)} are beaten by none"]
    settings = [name for name, _ in options.space]
    rows = [
        [
            one.name,
            *("-" if value is None else f"{value:.3f}" for value in one.values),
            str(int(one.metrics.get("clusters", 0))),
            *(_setting(one, name) for name in settings),
        ]
        for one in found.best[:_SHOWN]
    ]
    if rows:
        lines += ["", aligned(["run", *found.objectives, "segments", *settings], rows)]
    return "\n".join(lines)


def _setting(trial: Any, name: str) -> str:
    from segwidgets.sweeping import setting

    value = setting(trial.recipe, name)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
