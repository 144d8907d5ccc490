"""``segwidgets run``: read, embed and cluster, into a directory."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets.cli.output import out
from segwidgets.cli.source import bar, recipe_of, table_of

if TYPE_CHECKING:
    from segwidgets.result import Result


def add(commands: Any, source: argparse.ArgumentParser) -> None:
    """The command and its arguments."""
    run = commands.add_parser("run", parents=[source], help="read, embed and cluster; write the result to a directory")
    run.add_argument("--out", metavar="DIR", type=Path, required=True, help="where the result is written")
    run.add_argument("--overwrite", action="store_true", help="replace the result that DIR holds")
    run.set_defaults(do=_run)


def _check_out(place: Path, *, overwrite: bool) -> None:
    """Refuse a directory whose content would be lost, before any work."""
    if not place.exists():
        return
    if not place.is_dir():
        raise ValueError(f"--out {place} is not a directory: name one that does not exist yet.")
    held = sorted(path.name for path in place.iterdir())
    if not held:
        return
    known = {"embedding.npy", "labels.csv", "scores.json", "recipe.json", "manifest.json"}
    strange = [name for name in held if name not in known]
    if strange or "manifest.json" not in held:
        raise ValueError(
            f"--out {place} holds files that are not a result ({(strange or held)[0]}): name another directory."
        )
    if not overwrite:
        raise ValueError(f"--out {place} holds a result already: name another directory, or add --overwrite.")


def _run(options: argparse.Namespace) -> int:
    _check_out(options.out, overwrite=options.overwrite)
    recipe = recipe_of(options)
    with bar(quiet=options.quiet) as show:
        table = table_of(options)
        from segwidgets.session import Session

        result = Session(table, backend=options.backend).run(recipe, progress=show)
        result.save(options.out)
    if options.json:
        out(json.dumps(_summary(result, options.out), indent=2))
    else:
        out(_words(result))
        out(f"embedding.npy, labels.csv, scores.json, recipe.json and manifest.json are in {options.out}")
    return 0


def _summary(result: Result, out: Path) -> dict[str, Any]:
    return {
        "out": str(out),
        "rows": len(result.labels),
        "scores": result.scores.to_dict(),
        "label_digest": result.label_digest,
        "recipe_digest": result.recipe.digest,
        "timings": result.timings,
        "cached": list(result.cached),
        "notes": list(result.notes),
        "search": result.search,
        "devices": result.devices,
    }


def _words(result: Result) -> str:
    scores, recipe = result.scores, result.recipe
    silhouette = f"{scores.silhouette.value:.2f}" if scores.silhouette is not None else "not defined"
    found = (
        f"{len(result.labels):,} customers, {scores.clusters} segments, coverage {scores.coverage:.1%}, "
        f"largest {scores.largest:.1%}, silhouette {silhouette}"
    )
    settings = (
        f"n_neighbors {recipe.embedding.n_neighbors}, min_dist {recipe.embedding.min_dist:g}, metric "
        f"{recipe.embedding.metric}, eps {recipe.clustering.eps:.4g}, min_samples {recipe.clustering.min_samples}"
    )
    return "\n".join([found, settings, *(f"note: {note}" for note in result.notes)])
