"""The analysis of features as matplotlib figures, and the heat map in words for those who cannot see it."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from segwidgets.compute.analysis import (
    MEASURES,
    TARGETS,
    ComponentAnalysis,
    Correlations,
    RedundantGroup,
    Sparsity,
)
from segwidgets.compute.analysis.correlation import CRAMER, RATIO

#: Columns up to which names, and values, can be read.
_NAMED, _WRITTEN = 80, 16
#: From minus to plus one; told apart with any colour vision.
_LESS, _MORE, _CHANCE = "#0072b2", "#d55e00", "0.5"


def correlation_figure(found: Correlations, *, width: float = 7.0, height: float = 6.4) -> Figure:
    """Every pair of columns as a heat map, columns that go together side by side.

    Blue below zero, orange above; white means that two columns have nothing to do with each other, grey that it is not
    defined. The names stand beside up to 80 columns, the values in up to 16.

    Args:
        found: all pairs.
        width: in inches.
        height: in inches.

    Returns:
        A figure of its own, which pyplot knows nothing of.
    """
    figure = _figure(width, height)
    axes = figure.subplots()
    order = found.order()
    values = found.values[np.ix_(order, order)]
    colours = LinearSegmentedColormap.from_list("association", [_LESS, "white", _MORE]).with_extremes(bad="0.8")
    drawn = axes.imshow(np.ma.masked_invalid(values), vmin=-1, vmax=1, cmap=colours, interpolation="nearest")
    names = [found.names[at] for at in order]
    size = float(np.clip(300 / max(1, len(names)), 3, 9))
    if len(names) <= _NAMED:
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=size)
        axes.set_yticks(range(len(names)), names, fontsize=size)
    else:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_xlabel(f"{len(names):,} columns, too many to name here")
    if len(names) <= _WRITTEN:
        for row in range(len(names)):
            for column in range(len(names)):
                value = values[row, column]
                text = f"{round(value, 2) + 0.0:.2f}" if np.isfinite(value) else "–"
                tint = "white" if abs(value) > 0.7 else "black"
                axes.text(column, row, text, ha="center", va="center", fontsize=size * 0.8, color=tint)
    title = legend(found)
    if found.left_out:
        title += f"\nthe {len(found.names):,} fullest columns; {len(found.left_out):,} are left out"
    axes.set_title(title, fontsize=9)
    figure.colorbar(drawn, ax=axes, label="association", shrink=0.8)
    return figure


def legend(found: Correlations) -> str:
    """Which measure the values are, by the kinds of columns that are there."""
    texts = found.kinds.count("category")
    numbers = len(found.kinds) - texts
    parts = [f"numbers and counts: {MEASURES[found.measure]}"] if numbers else []
    if texts > 1:
        parts.append(f"categories: {CRAMER} (corrected)")
    if texts and numbers:
        parts.append(f"category with number: {RATIO}, without sign")
    return "\n".join(parts)


def correlation_text(found: Correlations, groups: tuple[RedundantGroup, ...] = (), top: int = 10) -> str:
    """What the heat map shows, in words."""
    lines = [f"{len(found.names):,} columns, compared pair by pair.", *legend(found).split("\n")]
    if found.note:
        lines.append(found.note)
    pairs = found.strongest(top)
    if pairs:
        lines += ["", "They go together most:"]
        lines += [f"  {pair.one!r} and {pair.other!r}: {pair.measure} {pair.value:.2f}" for pair in pairs]
    lines += ["", f"{len(groups):,} groups say the same." if groups else "No two columns say the same."]
    for group in groups:
        lines.append(f"  {group.reason}")
        lines += [f"    {one.reason}" for one in group.drop]
    return "\n".join(lines) + "\n"


def components_figure(found: ComponentAnalysis, *, width: float = 6.4, height: float = 4.8) -> Figure:
    """How much each component explains beside what chance would, and how much the first ones do together.

    Args:
        found: the components.
        width: in inches.
        height: in inches.
    """
    figure = _figure(width, height)
    upper, lower = figure.subplots(2, sharex=True)
    number = np.arange(1, len(found.explained) + 1)
    mark = "o" if len(number) <= 50 else ""
    upper.plot(number, found.explained, color=_LESS, marker=mark, markersize=3, label="explained")
    label = f"chance (95 % of {found.repeats} permuted tables)"
    upper.plot(number, found.chance, color=_CHANCE, linestyle="--", label=label)
    upper.set_ylabel("share of variance")
    upper.set_yscale("log")
    positive = found.explained[found.explained > 1e-9]
    upper.set_ylim(bottom=float(min(positive.min(), max(found.chance.min(), 1e-9))) * 0.8)
    upper.legend(frameon=False, fontsize=8)
    upper.set_title(f"{found.kept:,} of {found.width:,} components are more than chance", fontsize=10)
    lower.plot(number, np.cumsum(found.explained), color=_LESS)
    for goal, count in zip(TARGETS, found.needed, strict=True):
        lower.axhline(goal, color=_CHANCE, linewidth=0.5)
        if count is not None:
            lower.plot([count], [goal], marker="o", color=_MORE)
            lower.annotate(
                f"{count:,}: {goal:.0%}", (count, goal), textcoords="offset points", xytext=(4, -11), fontsize=8
            )
    if found.kept:
        for axes in (upper, lower):
            axes.axvline(found.kept, color=_MORE, linewidth=0.8)
    lower.set_ylim(0, 1.02)
    lower.set_ylabel("share together")
    lower.set_xlabel("component")
    return figure


def popularity_figure(found: Sparsity, *, width: float = 6.4, height: float = 3.6) -> Figure:
    """How many rows have each column, the fullest first; numbers and counts.

    Args:
        found: the sparsity.
        width: in inches.
        height: in inches.
    """
    figure = _figure(width, height)
    axes = figure.subplots()
    held = np.sort(np.array([one.rows for one in found.columns], dtype=np.float64))[::-1]
    share = held / max(1, found.n_rows)
    axes.plot(np.arange(1, len(share) + 1), np.where(share > 0, share, np.nan), color=_LESS, marker=".", markersize=3)
    if (share > 0).any():
        axes.set_yscale("log")
    axes.set_xlabel("columns, the fullest first")
    axes.set_ylabel("share of rows that are not zero")
    title = f"{found.zeros:.1%} of the cells are zero"
    if found.popularity is not None:
        for count, tint in ((found.popularity.half, _MORE), (found.popularity.four_fifths, _CHANCE)):
            if len(held) == found.popularity.columns and count:
                axes.axvline(count, color=tint, linewidth=0.8)
        title += (
            f"; {found.popularity.half:,} count columns hold half of all entries, "
            f"{found.popularity.four_fifths:,} hold 80 %"
        )
    axes.set_title(title, fontsize=9)
    return figure


def _figure(width: float, height: float) -> Figure:
    if not (width > 0 and height > 0):
        raise ValueError(f"width={width!r} and height={height!r} are not allowed: take inches above 0.")
    return Figure(figsize=(width, height), layout="constrained")
