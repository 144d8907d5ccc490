"""``segwidgets segments``: what the segments of a job are, in the table's own units."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets.cli.output import out
from segwidgets.cli.source import bar, layer_of, positive

if TYPE_CHECKING:
    from segwidgets.segments import SegmentsOfRun


def add(commands: Any) -> None:
    """The command and its arguments."""
    command = commands.add_parser("segments", help="what the segments of a job are: differences, names, rules")
    command.add_argument("job", metavar="JOB", help="a job, or a folder of results")
    command.add_argument(
        "--table", "--reference", metavar="SOURCE", help="the table the job was made from, if it has no copy"
    )
    command.add_argument(
        "--layer",
        metavar="FILE",
        type=Path,
        help="names, merges and locks over its labels, as Layer.to_dict gives them",
    )
    command.add_argument("--id", metavar="COL", help="the column that names the customer in there")
    command.add_argument("--top", metavar="N", type=positive, default=5, help="differences told of a segment (5)")
    command.add_argument(
        "--public", action="store_true", help="what others may see: no customer's id, no segment of a few customers"
    )
    command.add_argument("--floor", metavar="N", type=positive, help="customers a segment has that --public shows (20)")
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    command.add_argument("--json", action="store_true", help="for machines")
    command.set_defaults(do=_segments)


def _segments(options: argparse.Namespace) -> int:
    if options.id and not options.table:
        raise ValueError("--id belongs to --table: add that, or leave it out.")
    if options.floor and not options.public:
        raise ValueError("--floor belongs to --public: add that, or leave it out.")
    from segwidgets.data import read
    from segwidgets.segments import FLOOR, describe_segments

    layer = layer_of(options.layer) if options.layer else None
    with bar(quiet=options.quiet) as show:
        reference = read(options.table, id=options.id) if options.table else None
        found = describe_segments(options.job, reference=reference, layer=layer, top=options.top, progress=show)
    # The analyst's own view leaves nobody out: 1 customer is enough.
    told = found.to_public(floor=(options.floor or FLOOR) if options.public else 1)
    if not options.public:
        for one in told["segments"]:
            number = one["segment"]
            there = number in found.rows.central
            one["representatives"] = list(map(str, found.representatives(number))) if there else []
            one["boundary"] = list(map(str, found.boundary(number))) if there else []
    out(json.dumps(told, indent=2) if options.json else _words(found, told))
    return 0


def _words(found: SegmentsOfRun, told: dict[str, Any]) -> str:
    lines: list[str] = []
    for one in told["segments"]:
        lines.append(f"segment {one['segment']} ({one['called']}): {one['size']:,} rows, {one['share']:.1%}")
        for each in one["differences"]:
            effect, low, high = (each[name] for name in ("effect", "low", "high"))
            size = "" if effect is None else f", effect {effect:+.2f} ({low:+.2f} to {high:+.2f})"
            lines.append(f"    {each['text']}{size}")
        for key, word in (("representatives", "in its middle"), ("boundary", "at its border")):
            if one.get(key):
                lines.append(f"    {word}: {', '.join(one[key])}")
    if told["hidden"]:
        lines.append(f"{told['hidden']} smaller segments are left out.")
    if found.explained is not None:
        lines += ["", found.explained.public(told["floor"]).text]
    return "\n".join([*lines, "", told["caveat"]])
