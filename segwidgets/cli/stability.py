"""``segwidgets stability``: whether segments come back on other rows, other seeds, other settings."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets.cli.output import aligned, out
from segwidgets.cli.source import bar, positive, recipe_of, table_of

if TYPE_CHECKING:
    from segwidgets.compute.stability import StabilityMap
    from segwidgets.recipe import Recipe
    from segwidgets.session import Session
    from segwidgets.stable import MapOfRecipe, StabilityOfRecipe
    from segwidgets.stablesettings import MapsOfRecipe

_PLATEAUS = 5


def add(commands: Any, source: argparse.ArgumentParser) -> None:
    """The command and its arguments."""
    command = commands.add_parser(
        "stability", parents=[source], help="whether the segments come back on other rows, seeds and settings"
    )
    command.add_argument("--repeats", metavar="N", type=positive, help="samples of the rows (20; 5 with --map)")
    command.add_argument("--seeds", metavar="N", type=positive, default=0, help="also this many maps of other seeds")
    command.add_argument("--map", action="store_true", help="every eps and min_samples instead, and its plateaus")
    command.add_argument("--n-neighbors", metavar="N,…", type=_wholes, default=(), help="a map for each, such as 10,20")
    command.add_argument("--min-dist", metavar="D,…", type=_numbers, default=(), help="a map for each, such as 0,0.1")
    command.add_argument("--budget", metavar="S", type=positive, help="with --map: stop after so many seconds")
    command.add_argument("--figure", metavar="FILE", type=Path, help="with --map: draw it into this .png, .pdf or .svg")
    command.add_argument("--recipe-out", metavar="FILE", type=Path, help="with --map: write the best plateau's recipe")
    command.set_defaults(do=_stability)


def _wholes(text: str) -> tuple[int, ...]:
    """Whole numbers with commas between."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of whole numbers, such as 10,20,40")
    return tuple(int(part) for part in parts)


def _numbers(text: str) -> tuple[float, ...]:
    """Numbers with commas between."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers, such as 0,0.1") from None


def _stability(options: argparse.Namespace) -> int:
    several = bool(options.n_neighbors or options.min_dist)
    options.map = options.map or several
    for name in ("budget", "figure", "recipe_out"):
        if getattr(options, name) and not options.map:
            raise ValueError(f"--{name.replace('_', '-')} belongs to --map: add that, or leave it out.")
    if options.seeds and options.map:
        raise ValueError("--seeds asks about one setting, and --map about all: leave one of them out.")
    recipe = recipe_of(options)
    with bar(quiet=options.quiet) as show:
        table = table_of(options)
        from segwidgets.session import Session

        session = Session(table, backend=options.backend)
        if several:
            return _maps(options, session, recipe, show)
        if options.map:
            return _map(options, session, recipe, show)
        from segwidgets.stable import stability

        found = stability(session, recipe, repeats=options.repeats or 20, seeds=options.seeds, progress=show)
    if options.json:
        said = {"samples": dataclasses.asdict(found.samples)}
        if found.seeds is not None:
            said["seeds"] = dataclasses.asdict(found.seeds)
        out(json.dumps(said, indent=2))
    else:
        out(_words(found))
    return 0


def _words(found: StabilityOfRecipe) -> str:
    s = found.samples
    first = f"{s.repeats} samples of {s.share:.0%} of the rows: ARI {s.ari:.3f} ({s.ari_low:.3f} to {s.ari_high:.3f})"
    lines = [first if s.ami is None else f"{first}, AMI {s.ami:.3f}"]
    if found.seeds is not None:
        m = found.seeds
        lines.append(f"{m.repeats} maps of other seeds: ARI {m.ari:.3f} ({m.ari_low:.3f} to {m.ari_high:.3f})")
    sizes = found.result.sizes
    rows = [
        [str(one.segment), f"{sizes[one.segment]:,}", f"{one.jaccard:.2f}", f"{one.dissolved:.0%}", one.word]
        for one in s.segments
    ]
    if rows:
        lines += ["", aligned(["segment", "rows", "jaccard", "dissolved", ""], rows)]
    return "\n".join(lines)


def _map(options: argparse.Namespace, session: Session, recipe: Any, show: Any) -> int:
    from segwidgets.stable import stability_map

    found = stability_map(session, recipe, repeats=options.repeats or 5, budget=options.budget, progress=show)
    best = next(iter(found.plateaus), None)
    _leave(options, found.map, None if best is None else found.take(best))
    out(json.dumps(_plain(found), indent=2) if options.json else _told(found))
    return 0


def _maps(options: argparse.Namespace, session: Session, recipe: Any, show: Any) -> int:
    from tqdm import tqdm

    from segwidgets.estimates import duration
    from segwidgets.stablesettings import plan_maps, stability_maps

    settings = {"n_neighbors": options.n_neighbors, "min_dist": options.min_dist, "repeats": options.repeats or 5}
    plan = plan_maps(session, recipe, **settings)
    if not options.quiet:
        samples = f"{plan.repeats} sample{'s' if plan.repeats > 1 else ''} each"
        told = f"{plan.maps} maps of {plan.cells:,} cells, {samples}: about {duration(plan.seconds)}"
        tqdm.write(told, file=sys.stderr)
    found = stability_maps(session, recipe, **settings, budget=options.budget, progress=show)
    best = next(iter(found.plateaus), None)
    _leave(options, found, None if best is None else found.take(best))
    if options.json:
        maps = [
            {"n_neighbors": e.n_neighbors, "min_dist": e.min_dist, **_plain(one)}
            for one in found.maps
            for e in (one.recipe.embedding,)
        ]
        said = {
            "forecast": dataclasses.asdict(plan),
            "done": found.done,
            "maps": maps,
            "between": [dataclasses.asdict(one) for one in found.between],
            "plateaus": [dataclasses.asdict(one) for one in found.plateaus],
        }
        out(json.dumps(said, indent=2))
    else:
        out(_told_of_all(found))
    return 0


def _leave(options: argparse.Namespace, found: StabilityMap | MapsOfRecipe, best: Recipe | None) -> None:
    """The picture and the best plateau's recipe, where they are asked for."""
    if options.figure:
        from segwidgets.stabilityfigure import stability_figure

        stability_figure(found).savefig(options.figure)
    if options.recipe_out:
        if best is None:
            raise ValueError("no setting is stable, so there is no recipe to write: look at the map (--figure).")
        from segwidgets import storage

        storage.write_atomic(options.recipe_out, best.to_json())


def _told_of_all(found: MapsOfRecipe) -> str:
    lines = [f"{len(found.recipes)} maps; {found.done:.0%} done"]
    rows = [
        [
            str(one.n_neighbors), f"{one.min_dist:g}", f"{one.plateau.eps:.4g}", str(one.plateau.min_samples),
            f"{one.plateau.ari:.3f}", str(one.plateau.clusters), f"{one.plateau.noise:.1%}", f"{one.share:.1%}",
        ]
        for one in found.plateaus[:_PLATEAUS]
    ]  # fmt: skip
    if rows:
        header = ["n_neighbors", "min_dist", "eps", "min_samples", "ARI", "segments", "noise", "of its map"]
        lines += ["", aligned(header, rows)]
    else:
        lines.append("No setting gives the same segments on samples of the rows.")
    pairs = [
        [f"{one.one[0]}, {one.one[1]:g}", f"{one.other[0]}, {one.other[1]:g}", f"{one.ari:.3f}"]
        for one in found.between
        if one.ari is not None
    ]
    if pairs:
        lines += ["", "Agreement of neighbouring maps at the best plateau of each (n_neighbors, min_dist):", ""]
        lines.append(aligned(["map", "next", "ARI"], pairs))
    return "\n".join(lines)


def _plain(found: MapOfRecipe) -> dict[str, Any]:
    made = found.map
    mean = [[None if value != value else round(value, 6) for value in row] for row in made.mean.tolist()]  # noqa: PLR0124
    return {
        "eps": made.grid.eps.tolist(),
        "min_samples": made.grid.min_samples.tolist(),
        "ari": mean,
        "clusters": made.clusters.tolist(),
        "noise": [[round(value, 6) for value in row] for row in made.noise.tolist()],
        "done": made.done,
        "plateaus": [dataclasses.asdict(one) for one in found.plateaus],
    }


def _told(found: MapOfRecipe) -> str:
    made = found.map
    sizes, steps = made.grid.shape
    lines = [f"{steps} eps x {sizes} min_samples, {made.repeats} samples each; {made.done:.0%} done"]
    if not found.plateaus:
        lines.append("No setting gives the same segments on samples of the rows.")
        return "\n".join(lines)
    rows = [
        [
            f"{one.eps:.4g}", str(one.min_samples), f"{one.ari:.3f}", str(one.clusters), f"{one.noise:.1%}",
            str(one.cells), f"{one.eps_range[0]:.3g} to {one.eps_range[1]:.3g}",
            f"{one.min_samples_range[0]} to {one.min_samples_range[1]}",
        ]
        for one in found.plateaus[:_PLATEAUS]
    ]  # fmt: skip
    header = ["eps", "min_samples", "ARI", "segments", "noise", "cells", "eps from", "min_samples from"]
    return "\n".join([*lines, "", aligned(header, rows)])
