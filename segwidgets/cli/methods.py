"""``segwidgets methods``: DBSCAN, HDBSCAN, KMeans and a Gaussian mixture side by side."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets.cli.output import aligned, out
from segwidgets.cli.source import bar, positive, recipe_of, table_of

if TYPE_CHECKING:
    from segwidgets.alternatives import MethodsOfRecipe

_COUNTS = (2, 15)


def add(commands: Any, source: argparse.ArgumentParser) -> None:
    """The command and its arguments."""
    command = commands.add_parser(
        "methods", parents=[source], help="other methods beside DBSCAN, on the map and elsewhere, scored alike"
    )
    command.add_argument(
        "--spaces", metavar="A,B", default="map", help="where to look: map, features, pca, tsne, umap (map)"
    )
    command.add_argument("--k", metavar="N", type=positive, help="segments of KMeans and of the mixture (as DBSCAN)")
    command.add_argument("--min-cluster-size", metavar="N", type=positive, help="rows of a segment, for HDBSCAN")
    command.add_argument(
        "--repeats", metavar="N", type=_from_zero, default=5, help="samples that stability is judged on (5); 0: none"
    )
    command.add_argument(
        "--most", metavar="K", type=_from_zero, default=_COUNTS[1],
        help=f"elbow and BIC for {_COUNTS[0]} to K segments ({_COUNTS[1]}); 0: neither",
    )  # fmt: skip
    command.add_argument("--seed", metavar="N", type=_from_zero, default=0, help="of centres and samples (0)")
    command.add_argument("--out", metavar="FILE", type=Path, help="write the table into this .csv")
    command.set_defaults(do=_methods)


def _from_zero(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def _methods(options: argparse.Namespace) -> int:
    if options.out and options.out.suffix.lower() != ".csv":
        raise ValueError(f"--out {options.out} is not allowed: the table is written as .csv, so name such a file.")
    if options.most == 1:
        raise ValueError("--most 1 is not allowed: take 2 or more segments, or 0 for no curve.")
    recipe = recipe_of(options)
    with bar(quiet=options.quiet) as show:
        table = table_of(options)
        from segwidgets.alternatives import compare_methods
        from segwidgets.session import Session

        found = compare_methods(
            Session(table, backend=options.backend),
            recipe,
            spaces=[name.strip() for name in options.spaces.split(",") if name.strip()],
            k=options.k,
            min_cluster_size=options.min_cluster_size,
            repeats=options.repeats,
            counts=range(_COUNTS[0], options.most + 1),
            seed=options.seed,
            progress=show,
        )
    if options.out:
        from segwidgets import storage

        storage.write_atomic(options.out, found.to_frame().to_csv(index=False))
    out(json.dumps(found.to_dict(), indent=2) if options.json else _words(found))
    return 0


def _words(found: MethodsOfRecipe) -> str:
    rows = []
    for one in found.entries:
        row = one.row
        if one.error:
            rows.append([one.space, row.name, *["-"] * 8])
            continue
        silhouette = "-"
        if row.silhouette is not None:
            silhouette = f"{row.silhouette.value:.3f} ({row.silhouette.low:.3f} to {row.silhouette.high:.3f})"
        dbcv = None if row.dbcv is None else row.dbcv.value
        numbers = [_number(dbcv), _number(row.calinski_harabasz, ",.0f"), _number(row.stability), _number(row.balance)]
        took = f"{row.seconds:.2f} s"
        rows.append([one.space, row.name, str(row.clusters), f"{row.coverage:.1%}", silhouette, *numbers, took])
    header = [
        "space", "method", "segments", "coverage", "silhouette", "DBCV", "Calinski-Harabasz", "stability", "balance",
        "time",
    ]  # fmt: skip
    lines = [aligned(header, rows)]
    refused = [f"{one.space}, {one.row.name}: {one.error}" for one in found.entries if one.error]
    if refused:
        lines += ["", "Not there:", *(f"  {text}" for text in refused)]
    curve = found.curve
    if curve is not None:
        bends = f"the elbow is at {curve.elbow}" if curve.elbow is not None else "there is no elbow"
        lowest = f"; BIC is lowest at {curve.lowest_bic}" if curve.lowest_bic is not None else ""
        lines += ["", f"For {curve.k[0]} to {curve.k[-1]} segments on the map, {bends}{lowest}."]
    return "\n".join([*lines, "", *found.notes])


def _number(value: float | None, form: str = ".3f") -> str:
    return "-" if value is None else format(value, form)
