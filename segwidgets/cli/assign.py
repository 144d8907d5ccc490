"""``segwidgets assign``: which segment of an approved job takes in each new customer."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from segwidgets.cli.output import out
from segwidgets.cli.source import bar, layer_of, positive


def add(commands: Any) -> None:
    """The command and its arguments."""
    command = commands.add_parser(
        "assign", help="which segment of a job takes in each new customer, into a Parquet file"
    )
    command.add_argument("job", metavar="JOB", help="a job, or a folder of results")
    command.add_argument("table", metavar="TABLE", help="the new customers: a file or an s3:// address")
    command.add_argument("--out", metavar="FILE.parquet", type=Path, required=True)
    command.add_argument("--id", metavar="COL", help="the column that names the customer")
    command.add_argument("--reference", metavar="TABLE", help="the table the job was made from, if it has no copy")
    command.add_argument("--reference-id", metavar="COL", help="the column that names the customer in there")
    command.add_argument("--layer", metavar="FILE", type=Path, help="names and merges, as Layer.to_dict gives them")
    command.add_argument("--chunk", metavar="ROWS", type=positive, help="rows that are worked on at a time (65536)")
    command.add_argument("--overwrite", action="store_true", help="replace the file")
    command.add_argument("--quiet", action="store_true", help="no progress bar")
    command.add_argument("--json", action="store_true", help="for machines")
    command.set_defaults(do=_assign)


def _assign(options: argparse.Namespace) -> int:
    if options.out.exists() and not options.overwrite:
        raise ValueError(f"{options.out} is there already: name another file with --out, or add --overwrite.")
    if options.reference_id and not options.reference:
        raise ValueError("--reference-id belongs to --reference: add that, or leave it out.")
    from segwidgets.assignment import CHUNK, assign
    from segwidgets.data import read

    layer = layer_of(options.layer) if options.layer else None
    with bar(quiet=options.quiet) as show:
        reference = read(options.reference, id=options.reference_id) if options.reference else None
        table = read(options.table, id=options.id)
        found = assign(
            options.job,
            table,
            reference=reference,
            layer=layer,
            out=options.out,
            rows=options.chunk or CHUNK,
            progress=show,
        )
    counts = {int(label): int((found.labels == label).sum()) for label in sorted(set(found.labels.tolist()))}
    said = {"out": str(options.out), "rows": len(found.labels), "none": found.none, "segments": counts}
    if options.json:
        out(json.dumps(said, indent=2))
    else:
        out(f"{options.out}: {len(found.labels):,} rows, {found.none:.1%} in none of the segments")
    return 0
