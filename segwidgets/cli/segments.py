"""``segwidgets segments``: what the segments of a job are, in the table's own units."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from segwidgets.cli.output import out
from segwidgets.cli.source import bar, positive

if TYPE_CHECKING:
    from segwidgets.segments import SegmentsOfRun


def add(commands: Any) -> None:
    """The command and its arguments."""
    command = commands.add_parser("segments", help="what the segments of a job are: differences, names, rules")
    command.add_argument("job", metavar="JOB", help="a job, or a folder of results")
    command.add_argument("--reference", metavar="TABLE", help="the table the job was made from, if it has no copy")
    command.add_argument("--id", metavar="COL", help="the column that names the customer in there")
    command.add_argument("--top", metavar="N", type=positive, default=5, help="differences told of a segment (5)")
    command.add_argument("--floor", metavar="N", type=positive, default=20, help="customers a shown segment has (20)")
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    command.add_argument("--json", action="store_true", help="for machines")
    command.set_defaults(do=_segments)


def _segments(options: argparse.Namespace) -> int:
    if options.id and not options.reference:
        raise ValueError("--id belongs to --reference: add that, or leave it out.")
    from segwidgets.data import read
    from segwidgets.segments import describe_segments

    with bar(quiet=options.quiet) as show:
        reference = read(options.reference, id=options.id) if options.reference else None
        found = describe_segments(options.job, reference=reference, top=options.top, progress=show)
    public = found.to_public(floor=options.floor)
    out(json.dumps(public, indent=2) if options.json else _words(found, public))
    return 0


def _words(found: SegmentsOfRun, public: dict[str, Any]) -> str:
    lines: list[str] = []
    for one in public["segments"]:
        lines.append(f"segment {one['segment']} ({one['called']}): {one['size']:,} rows, {one['share']:.1%}")
        for each in one["differences"]:
            effect, low, high = (each[name] for name in ("effect", "low", "high"))
            size = "" if effect is None else f", effect {effect:+.2f} ({low:+.2f} to {high:+.2f})"
            lines.append(f"    {each['text']}{size}")
    if public["hidden"]:
        lines.append(f"{public['hidden']} smaller segments are left out.")
    if found.explained is not None and not public["hidden"]:
        lines += ["", found.explained.text]
    return "\n".join([*lines, "", public["caveat"]])
