"""What the Features tab says, as HTML: everything that comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Sequence

from segwidgets.analysis import FeatureAnalysis
from segwidgets.compute.analysis import SAME, TARGETS, Sparsity
from segwidgets.compute.analysis.components import Loading
from segwidgets.data.errors import listed, plural
from segwidgets.estimates import duration
from segwidgets.leaving import Effect, Effects, LeavingForecast
from segwidgets.panel.html import escape
from segwidgets.recipe import Features

STYLE = """<style>
.sw-featurepage{color:var(--jp-ui-font-color1,#222)}
.sw-featurepage .sw-said{line-height:1.45;max-width:90ch;overflow-wrap:anywhere}
.sw-featurepage .sw-dim{color:var(--jp-ui-font-color2,#5f6368)}
.sw-featurepage .sw-earlier{line-height:1.45;border-left:3px solid var(--jp-warn-color1,#ef6c00);padding:2px 8px}
.sw-featurepage .sw-wide{overflow:auto;max-width:100%}
.sw-featurepage table{border-collapse:collapse;line-height:1.4;color:inherit;font-size:inherit;
 font-variant-numeric:tabular-nums}
.sw-featurepage :is(td,th){padding:3px 14px 3px 0;text-align:left;vertical-align:top;font-weight:400;
 border-bottom:1px solid var(--jp-border-color2,#ddd);overflow-wrap:break-word;max-width:52ch}
.sw-featurepage thead th{font-weight:600;white-space:nowrap}
.sw-featurepage tbody th{font-weight:600}
.sw-featurepage :is(td.sw-number,td.sw-effect,summary){white-space:nowrap}
.sw-featurepage tr[data-effect=strong] .sw-effect{color:var(--jp-warn-color0,#b53d00);font-weight:600}
[data-jp-theme-light="false"] .sw-featurepage tr[data-effect=strong] .sw-effect{color:var(--jp-warn-color2,#ffb74d)}
.sw-featurepage tr[data-effect=failed] .sw-effect{color:var(--jp-error-color1,#c62828);font-weight:600}
.sw-featurepage svg.sw-figure{max-width:100%;height:auto;display:block}
.sw-featurepage summary{cursor:pointer}
.sw-featurepage pre{white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.35;font-size:11px;margin:4px 0}
.sw-featurepage :is(.sw-wide,summary):focus-visible{outline:2px solid var(--jp-brand-color1,#1976d2);outline-offset:2px}
</style>"""

EARLIER = (
    "These findings are of an earlier setting: the columns, or how they are treated, are others now. "
    "They stay until you look again."
)
EARLIER_EFFECTS = "This table is of an earlier setting than the map that is shown. It stays until you ask again."
#: Below this ARI with another seed's segments, what a group does cannot be told from chance well.
_FIRM = 0.8
#: Components that are told, and features of each.
_COMPONENTS, _LOADINGS = 5, 5
#: Scores whose change is told, as they are called, and how it is written.
_CHANGES = {
    "clusters": ("segments", "+.0f"),
    "coverage": ("coverage", "+.1%"),
    "largest": ("largest", "+.1%"),
    "silhouette": ("silhouette", "+.2f"),
    "dbcv": ("DBCV", "+.2f"),
    "trustworthiness": ("trustworthiness", "+.2f"),
}


def heading(title: str) -> str:
    """A heading over a part of the tab."""
    return f'<div class="sw-group" role="heading" aria-level="3">{escape(title)}</div>'


def said(*sentences: str) -> str:
    """Plain sentences, each a paragraph of its own; empty ones are left out."""
    return "".join(f'<div class="sw-said">{escape(text)}</div>' for text in sentences if text)


def earlier(words: str) -> str:
    """A remark that what follows is of an earlier setting; it is read out."""
    return f'<div class="sw-earlier" role="status">{escape(words)}</div>'


def folded(title: str, text: str) -> str:
    """A longer plain text, shown on demand."""
    return f"<details><summary>{escape(title)}</summary><pre>{escape(text)}</pre></details>"


def sparsity(full: Sparsity) -> tuple[str, ...]:
    """How empty the table is and how its entries spread, in plain sentences."""
    told = [f"{full.zeros:.1%} of {full.n_rows:,} rows × {plural(len(full.columns), 'numeric column')} is zero."]
    p = full.popularity
    if p is not None:
        told.append(
            f"{plural(p.columns, 'count column')}: {p.half:,} hold half of all entries, {p.four_fifths:,} hold 80 % "
            f"(Gini {p.gini:.2f})."
        )
        told.append(
            f"A row has {p.a_row[3]:g} entries in the middle, {p.a_row[1]:g} to {p.a_row[5]:g} for nine of ten; "
            f"{p.empty_rows:,} rows have none."
        )
        if p.nobody:
            told.append(f"Columns that nobody has: {listed(p.nobody)}.")
    return tuple(told)


def redundancy(found: FeatureAnalysis) -> str:
    """How many columns say what others say, in a plain sentence."""
    if not found.groups:
        return f"No two columns say the same (an association of {SAME:g} or more)."
    few = plural(len(found.groups), "group")
    return f"{few} of columns that say the same: {plural(len(found.redundant), 'column')} can be left out."


def left_out(features: Features) -> str:
    """Which columns a recipe leaves out, and its components, in plain words."""
    gone = features.exclude
    words = f"Left out now: {listed(gone, 12)} ({plural(len(gone), 'column')})." if gone else "No column is left out."
    if gone and features.plan is not None:
        words += " Taking them back lets the data decide anew how each column is treated."
    return words


def kept(features: Features) -> str:
    """Which components a recipe keeps, in plain words."""
    if features.pca is None:
        return "Components now: none, the features are taken as they are."
    return f"Components now: the first {features.pca:,}."


def components(found: FeatureAnalysis) -> str:
    """How many components count, in a plain sentence."""
    parts = found.components
    computed = f"more than {len(parts.explained):,}"
    goals = ", ".join(
        f"{computed if count is None else f'{count:,}'} for {goal * 100:.0f} %"
        for goal, count in zip(TARGETS, parts.needed, strict=True)
    )
    return (
        f"{parts.kept:,} of {plural(parts.width, 'component')} are more than chance "
        f"({plural(parts.repeats, 'permuted table')}). Of the variance, it takes {goals}."
    )


def loadings(found: FeatureAnalysis) -> str:
    """The first components and the features that weigh most in each, as a table."""
    parts = found.components
    rows = "".join(
        f'<tr><th scope="row">{at + 1}</th><td class="sw-number">{parts.explained[at]:.1%}</td>'
        f'<td class="sw-number">{parts.chance[at]:.1%}</td>'
        f"<td>{escape(', '.join(_weight(one) for one in told[:_LOADINGS]))}</td></tr>"
        for at, told in enumerate(parts.loadings[:_COMPONENTS])
    )
    return _table("Loadings of the first components", ("component", "explains", "chance", "made of"), rows)


def _weight(one: Loading) -> str:
    return f"{one.feature}\N{NO-BREAK SPACE}{one.weight:+.2f}"


def forecast(told: LeavingForecast) -> str:
    """How many runs are to come and how long they take, in a plain sentence."""
    if not told.runs:
        return f"All {told.all:,} runs are there already."
    about = (
        "how long is not known, as the first one was there already"
        if told.seconds is None
        else f"about {duration(told.seconds)}"
    )
    return f"{told.runs:,} of {plural(told.all, 'run')} to come: {about}."


def effects(found: Effects) -> str:
    """What each group of columns does to the segments, as a table."""
    notes = ""
    if found.seed_ari is None:
        notes = said("This way to make a map has no seed: nothing in this table is by chance.")
    elif found.seed_ari < _FIRM:
        notes = said(
            f"Another seed alone gives an ARI of {found.seed_ari:.2f}: the segments depend on chance. "
            "Find firmer settings before you trust this table."
        )
    usual = "–" if found.seed_ari is None else f"{found.seed_ari:.2f}"
    rows = "".join(
        f'<tr data-effect="{escape(one.word)}"><th scope="row">{escape(one.group)}</th><td>{_columns(one.columns)}</td>'
        f'<td class="sw-number">{"–" if one.ari is None else f"{one.ari:.2f}"}</td>'
        f'<td class="sw-number">{usual}</td><td class="sw-effect">{escape(one.word)}</td>'
        f"<td>{escape(changes(one))}</td><td>{escape(sentence(one, found.seed_ari))}</td></tr>"
        for one in found.effects
    )
    columns = ("without", "columns", "ARI", "another seed", "effect", "change of scores", "in words")
    return notes + _table("What each group of columns does to the segments", columns, rows)


def changes(one: Effect) -> str:
    """By how much each score changes without a group, in plain words."""
    told = [f"{word} {one.changes[name]:{form}}" for name, (word, form) in _CHANGES.items() if name in one.changes]
    return ", ".join(told) if told else "–"


def sentence(one: Effect, seed_ari: float | None) -> str:
    """What a group does to the segments, in a plain sentence."""
    if one.word == "failed":
        return f"Without {one.group} nothing can be run: {one.problem}"
    if one.word == "none":
        beside = "hardly change" if seed_ari is None else "change no more than with another seed"
        return f"Without {one.group} the segments {beside}."
    if one.word == "strong":
        return f"Without {one.group} there are other segments: this group shapes them."
    beside = "" if seed_ari is None else ", more than with another seed"
    return f"Without {one.group} the segments change in part{beside}."


def _columns(names: Sequence[str]) -> str:
    inside = escape(", ".join(names))
    return f"<details><summary>{plural(len(names), 'column')}</summary>{inside}</details>"


def _table(title: str, columns: Sequence[str], rows: str) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    label = escape(title)
    return (
        f'<div class="sw-wide" tabindex="0" role="region" aria-label="{label}"><table aria-label="{label}">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
