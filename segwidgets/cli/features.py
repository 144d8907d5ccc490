"""``segwidgets features``: which columns say the same, how many aspects there are, and what each group does."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets.cli.output import aligned, out
from segwidgets.cli.source import bar, positive, recipe_of, table_of

if TYPE_CHECKING:
    from segwidgets.analysis import FeatureAnalysis
    from segwidgets.data import Table
    from segwidgets.leaving import Effects, LeavingForecast
    from segwidgets.recipe import Recipe

_COMPONENTS, _PAIRS, _COLUMNS = 5, 8, 5
#: Below this ARI with another seed's segments, what a group does cannot be told from chance well.
_FIRM = 0.8


def _threshold(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, up to 1, such as 0.9")
    return value


def add(commands: Any, source: argparse.ArgumentParser) -> None:
    """The command and its arguments."""
    command = commands.add_parser(
        "features",
        parents=[source],
        help="which columns say the same, how many aspects there are, what each group does",
    )
    command.add_argument("--measure", choices=("spearman", "pearson"), default="spearman", help="of numbers and counts")
    command.add_argument(
        "--threshold", metavar="A", type=_threshold, default=0.9, help="columns say the same from (0.9)"
    )
    command.add_argument("--most", metavar="N", type=positive, default=500, help="columns compared at most (500)")
    command.add_argument(
        "--repeats", metavar="N", type=positive, default=20, help="permuted tables for components (20)"
    )
    command.add_argument("--drop", action="store_true", help="also run without each group of columns in turn")
    command.add_argument(
        "--by", metavar="GROUPS", help="with --drop: plan (default), redundant, or prefixes of columns: web_,shop_"
    )
    command.add_argument("--pca", choices=("chance", "80", "90", "95"), help="with --recipe-out: keep components, too")
    command.add_argument("--out", metavar="DIR", type=Path, help="write figures, their text and features.json there")
    command.add_argument("--recipe-out", metavar="FILE", type=Path, help="write the recipe without redundant columns")
    command.set_defaults(do=_features)


def _features(options: argparse.Namespace) -> int:
    if options.by and not options.drop:
        raise ValueError("--by belongs to --drop: add that, or leave it out.")
    if options.pca and not options.recipe_out:
        raise ValueError("--pca belongs to --recipe-out FILE: add that, or leave it out.")
    recipe = recipe_of(options)
    with bar(quiet=options.quiet) as show:
        table = table_of(options)
        from segwidgets.analysis import analyse_features

        found = analyse_features(
            table,
            recipe,
            measure=options.measure,
            most=options.most,
            threshold=options.threshold,
            repeats=options.repeats,
            progress=show,
        )
    chosen = _chosen(options, table, found) if options.recipe_out else None
    effects = _left_out(options, table, recipe, found) if options.drop else None
    if options.out:
        _write(options.out, found, effects)
    if chosen is not None:
        from segwidgets import storage

        storage.write_atomic(options.recipe_out, chosen.to_json())
    if options.json:
        said = found.to_dict(matrix=False)
        if effects is not None:
            said["left_out"] = effects.to_dict()
        out(json.dumps(said, indent=2))
    else:
        out(_words(found))
        if effects is not None:
            out("\n" + _told(effects))
    return 0


def _chosen(options: argparse.Namespace, table: Table, found: FeatureAnalysis) -> Recipe:
    """The recipe with what is proposed."""
    from segwidgets.analysis import analyse_features

    kept = found.without_redundant()
    if not options.pca:
        return kept
    if found.redundant:  # fewer columns have other components
        found = analyse_features(table, kept, measure=options.measure, most=options.most, repeats=options.repeats)
    return found.with_components(None if options.pca == "chance" else int(options.pca) / 100)


def _left_out(options: argparse.Namespace, table: Table, recipe: Recipe, found: FeatureAnalysis) -> Effects:
    from segwidgets.leaving import leave_out
    from segwidgets.session import Session

    groups = _groups(options.by or "plan", table, recipe, found)
    with bar(quiet=options.quiet) as show:
        session = Session(table, backend=options.backend)
        return leave_out(session, recipe, groups, told=None if options.quiet else _say, progress=show)


def _groups(by: str, table: Table, recipe: Recipe, found: FeatureAnalysis) -> Mapping[str, tuple[str, ...]]:
    from segwidgets.leaving import plan_groups, prefix_groups, same_groups

    if by == "plan":
        groups = plan_groups(table, recipe)
        if len(groups) < 2:
            raise ValueError(
                f"the plan has one group of columns only ({next(iter(groups))}), so nothing would be left without it: "
                "name prefixes of columns with --by, such as --by web_,shop_, or take --by redundant."
            )
        return groups
    if by == "redundant":
        if not found.groups:
            raise ValueError("no columns say the same, so there is no group to leave out: lower --threshold.")
        return same_groups(found.groups)
    return prefix_groups(table, [part.strip() for part in by.split(",")], recipe)


def _say(forecast: LeavingForecast) -> None:
    from segwidgets.estimates import duration

    seconds = forecast.seconds
    about = (
        f"about {duration(seconds)}"
        if seconds is not None
        else "how long is not known, as the first one was in the cache"
    )
    left = f"{forecast.runs} of {forecast.all} runs are to come, {about}" if forecast.runs else "All runs are there"
    sys.stderr.write(f"\n{left}.\n")


def _words(found: FeatureAnalysis) -> str:
    full, pairs, parts = found.sparsity, found.correlations, found.components
    lines = [f"{full.zeros:.1%} of {full.n_rows:,} rows x {len(full.columns):,} numeric columns is zero."]
    if full.popularity is not None:
        p = full.popularity
        lines.append(
            f"{p.columns:,} count columns: {p.half:,} hold half of all entries, {p.four_fifths:,} hold 80 % "
            f"(Gini {p.gini:.2f}); a row has {p.a_row[3]:g} entries in the middle, {p.a_row[1]:g} to {p.a_row[5]:g} "
            f"for nine of ten; {p.empty_rows:,} rows have none."
        )
        if p.nobody:
            shown = ", ".join(p.nobody[:_COLUMNS]) + (", …" if len(p.nobody) > _COLUMNS else "")
            lines.append(f"{len(p.nobody):,} that nobody has: {shown}")
    lines += [f"Note: {note}" for note in found.notes]
    rows = [[pair.one, pair.other, f"{pair.value:.2f}", pair.measure] for pair in pairs.strongest(_PAIRS)]
    if rows:
        lines += ["", aligned(["column", "goes with", "", "measured by"], rows)]
    lines.append("")
    if found.groups:
        lines.append(f"Columns that say the same: {len(found.redundant):,} can be dropped.")
        for group in found.groups:
            lines.append(f"  Keep {group.keep}. {group.reason}")
            lines += [f"    Drop {one.name}. {one.reason}" for one in group.drop]
    else:
        lines.append("No columns say the same.")
    goals = (f"{count if count is not None else f'more than {len(parts.explained):,}'}" for count in parts.needed)
    lines += [
        "",
        (
            f"{parts.kept:,} of {parts.width:,} principal components are more than chance "
            f"({parts.repeats} permuted tables); for 80, 90, 95 % of the variance it takes {', '.join(goals)}."
        ),
        _loadings(found),
    ]
    return "\n".join(lines)


def _loadings(found: FeatureAnalysis) -> str:
    parts = found.components
    rows = []
    for at, told in enumerate(parts.loadings[:_COMPONENTS]):
        share = f"{parts.explained[at]:.1%}"
        rows.append([str(at + 1), share, ", ".join(f"{one.feature} {one.weight:+.2f}" for one in told[:3])])
    return aligned(["component", "explains", "made of"], rows)


def _told(effects: Effects) -> str:
    lines = ["Without each group of columns, beside the segments with all:"]
    if effects.seed_ari is not None:
        lines.append(f"Another seed alone gives an ARI of {effects.seed_ari:.2f}.")
        if effects.seed_ari < _FIRM:
            lines.append("So the segments depend on chance: find firmer settings first (segwidgets stability --map).")
    rows = []
    for one in effects.effects:
        if one.ari is None:
            rows.append([one.group, str(len(one.columns)), "-", "-", "-", "-", "-", f"failed: {one.problem}"])
            continue
        change = {name: f"{value:+.2f}" for name, value in one.changes.items()}
        rows.append(
            [
                one.group, str(len(one.columns)), f"{one.ari:.2f}", "-" if one.ami is None else f"{one.ami:.2f}",
                f"{one.changes['clusters']:+.0f}", change.get("coverage", "-"), change.get("silhouette", "-"), one.word,
            ]
        )  # fmt: skip
    header = ["without", "columns", "ARI", "AMI", "segments", "coverage", "silhouette", "effect"]
    return "\n".join([*lines, aligned(header, rows)])


def _write(directory: Path, found: FeatureAnalysis, effects: Effects | None) -> None:
    """Figures, what they show in words, and everything as JSON."""
    from segwidgets import storage
    from segwidgets.featurefigures import (
        components_figure,
        correlation_figure,
        correlation_text,
        popularity_figure,
    )

    directory.mkdir(parents=True, exist_ok=True)
    correlation_figure(found.correlations).savefig(directory / "correlations.png", dpi=150)
    components_figure(found.components).savefig(directory / "components.png", dpi=150)
    popularity_figure(found.sparsity).savefig(directory / "popularity.png", dpi=150)
    text = correlation_text(found.correlations, found.groups)
    storage.write_atomic(directory / "correlations.txt", text)
    said = found.to_dict()
    if effects is not None:
        said["left_out"] = effects.to_dict()
    storage.write_atomic(directory / "features.json", json.dumps(said, indent=2))
