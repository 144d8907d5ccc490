"""``segwidgets sweep``: many recipes of one space, each a tracked run, and those that nothing beats."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets.cli.output import aligned, out, plain
from segwidgets.cli.source import bar, positive, recipe_of, segment_range, share, table_of

if TYPE_CHECKING:
    from segwidgets.sweeping import Sweep

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
    from segwidgets.session import Session
    from segwidgets.sweeping import Limits, sweep

    limits = Limits(options.max_noise, options.segments, options.min_share)
    with bar(quiet=options.quiet) as show:
        found = sweep(
            Session(table_of(options), backend=options.backend),
            dict(options.space),
            options.trials,
            seconds=options.seconds,
            recipe=recipe,
            objectives=options.objective or ("silhouette", "coverage"),
            limits=limits,
            name=options.name,
            experiment=options.experiment,
            seed=options.seed,
            progress=show,
        )
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
