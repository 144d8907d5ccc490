"""The panel's texts as HTML: everything that comes from outside is escaped here, once."""

from __future__ import annotations

import html
import traceback
from collections.abc import Sequence
from typing import Any

from segwidgets.compute.backend import Backend
from segwidgets.compute.matching import Comparison
from segwidgets.compute.scores import Estimate
from segwidgets.data import Table
from segwidgets.estimates import duration
from segwidgets.history import Entry
from segwidgets.result import Progress, Result, Scores

STYLE = """<style>
.sw-panel{color:var(--jp-ui-font-color1,#222);font-family:var(--jp-ui-font-family,system-ui,sans-serif);
 font-size:var(--jp-ui-font-size1,13px);padding:4px 2px;overflow:hidden}
.sw-panel .sw-head{display:flex;gap:10px;align-items:baseline;flex-wrap:wrap;line-height:1.5}
.sw-panel .sw-head b{font-size:15px}
.sw-panel .sw-head span,.sw-panel .sw-dim{color:var(--jp-ui-font-color2,#5f6368)}
.sw-panel div.sw-dim{line-height:1.45}
.sw-panel .sw-group{font-weight:600;line-height:1.4;margin-top:2px;
 border-bottom:1px solid var(--jp-border-color2,#ddd)}
.sw-panel .sw-cards{display:flex;gap:8px;flex-wrap:wrap;line-height:1.35}
.sw-panel .sw-card{border:1px solid var(--jp-border-color2,#ddd);border-radius:6px;padding:4px 10px;min-width:88px;
 background:var(--jp-layout-color1,#fff)}
.sw-panel .sw-card b{display:block;font-size:17px;font-variant-numeric:tabular-nums}
.sw-panel .sw-card small{color:var(--jp-ui-font-color2,#5f6368);display:block}
.sw-panel .sw-error{border:1px solid var(--jp-error-color1,#c62828);border-radius:6px;padding:6px 10px;line-height:1.4}
.sw-panel .sw-error b{color:var(--jp-error-color1,#c62828)}
.sw-panel .sw-error pre{overflow:auto;max-height:220px;font-size:11px;line-height:1.3}
.sw-panel .sw-verdict{line-height:1.5}
.sw-panel .sw-advice{line-height:1.4;border-left:3px solid var(--jp-border-color1,#bbb);padding:2px 8px;margin:2px 0}
.sw-panel .sw-advice.warn{border-color:var(--jp-warn-color1,#ef6c00)}
.sw-panel .sw-verdict b.exact{color:var(--jp-success-color0,#1b5e20)}
.sw-panel .sw-log{overflow:auto;max-height:240px;margin:2px 0;padding:6px 10px;font-size:11px;line-height:1.35;
 border:1px solid var(--jp-border-color2,#ddd);border-radius:6px;color:var(--jp-ui-font-color1,#222);
 background:var(--jp-layout-color1,#fff);white-space:pre-wrap;overflow-wrap:anywhere}
.sw-panel .sw-preflight{line-height:1.45;border:1px solid var(--jp-border-color2,#ddd);border-radius:6px;
 padding:6px 10px;margin:4px 0}
.sw-panel .sw-preflight table{border-collapse:collapse;margin-top:4px}
.sw-panel .sw-preflight :is(td,th){padding:1px 12px 1px 0;text-align:left;vertical-align:top;font-weight:400;
 overflow-wrap:anywhere}
.sw-panel .sw-preflight :is(td:first-child,th){white-space:nowrap}
.sw-panel .sw-preflight tr[data-state=refused] td:first-child{color:var(--jp-error-color1,#c62828);font-weight:600}
.sw-panel .sw-lines{border-collapse:collapse;margin:2px 0;line-height:1.45;font-variant-numeric:tabular-nums}
.sw-panel .sw-lines :is(td,th){padding:2px 14px 2px 0;text-align:left;vertical-align:top;font-weight:400;
 border-bottom:1px solid var(--jp-border-color2,#ddd)}
.sw-panel .sw-lines thead th{color:var(--jp-ui-font-color2,#5f6368);vertical-align:bottom}
.sw-panel .sw-lines td.sw-num{text-align:right}
.sw-panel .sw-lines img{display:block;border-radius:3px}
.sw-panel .sw-scroll{overflow-x:auto}
.sw-panel svg.sw-figure{max-width:100%;height:auto;color:var(--jp-ui-font-color1,#222)}
.sw-panel .widget-slider .noUi-handle:focus-visible{outline:2px solid var(--jp-brand-color1,#1976d2);outline-offset:2px}
[data-jp-theme-light="false"] .sw-panel .sw-verdict b.exact{color:var(--jp-success-color1,#81c784)}
</style>"""


def escape(text: object) -> str:
    """``text`` as HTML text."""
    return html.escape(str(text))


def header(name: str, rows: int, features: int, backend: Backend) -> str:
    """The panel's first line: what is looked at, and what computes; why that one is its tooltip."""
    return (
        f'<div class="sw-head"><b>{escape(name)}</b><span>{rows:,} rows · {features:,} features · '
        f'<span class="sw-device" title="{escape(backend.reason)}">{escape(backend.device)}</span></span></div>'
    )


def group(title: str) -> str:
    """A heading over a group of controls."""
    return f'<div class="sw-group">{escape(title)}</div>'


def _number(estimate: Estimate | None) -> tuple[str, str]:
    if estimate is None:
        return "–", "needs two segments"
    if estimate.low == estimate.high:
        return f"{estimate.value:.3f}", "exact"
    return f"{estimate.value:.3f}", f"{estimate.low:.3f} to {estimate.high:.3f}"


def _share(value: float) -> str:
    """A share in per cent that says neither 0 nor 100 when it is not."""
    shown = f"{value:.1%}"
    if shown == "100.0%" and value < 1:
        return "&gt;99.9%"
    return "&lt;0.1%" if shown == "0.0%" and value > 0 else shown


def cards(scores: Scores, rows: int, *, pending: bool = False) -> str:
    """The scores as cards; ``pending`` says that the estimates are still being made."""
    silhouette, silhouette_note = ("…", "scoring") if pending else _number(scores.silhouette)
    dbcv, dbcv_note = ("…", "scoring") if pending else _number(scores.dbcv)
    trust, trust_note = ("…", "scoring") if pending else _number(scores.trustworthiness)
    if scores.recall is not None:
        trust_note += f" · neighbours found {_share(scores.recall.value)}"
    noise = 1 - scores.coverage
    items = (
        ("segments", f"{scores.clusters:,}", f"largest {scores.largest:.0%}"),
        ("coverage", _share(scores.coverage), f"{round(noise * rows):,} noise"),
        ("silhouette", silhouette, silhouette_note),
        ("DBCV", dbcv, dbcv_note),
        ("trustworthiness", trust, trust_note),
    )
    body = "".join(
        f'<div class="sw-card" data-score="{name}"><small>{name}</small><b>{value}</b><small>{note}</small></div>'
        for name, value, note in items
    )
    state = "pending" if pending else "final"
    return f'<div class="sw-cards" role="status" aria-live="polite" data-state="{state}">{body}</div>'


def progress(now: Progress, seconds: float) -> str:
    """A stage in words, and about how long the rest takes once that can be told."""
    left = seconds * (1 - now.overall) / now.overall if now.overall > 0 else 0.0
    told = f" · about {duration(left)} left" if seconds > 1 and 0.1 < now.overall < 1 and left >= 1 else ""
    return f"{now.message} …{told}"


def advice(level: str, text: str) -> str:
    """One piece of guidance."""
    word = "Note" if level == "note" else "Warning"
    return f'<div class="sw-advice {escape(level)}"><b>{word}.</b> {escape(text)}</div>'


def shipped(result: Result, table: Table, mode: str) -> str:
    """What a promotion would ship."""
    mega = result.embedding.nbytes / 2**20
    n, dims = result.embedding.shape
    shape = f"the map ({n:,} × {dims}, {mega:.1f} MB), " if mode == "embedding" else ""
    return (
        f'<div class="sw-dim">Ships: the table, once per content ({n:,} rows × {len(table.columns):,} columns, '
        f"<code>{table.digest[:12]}</code>), {shape}the labels and the recipe "
        f"(<code>{result.recipe.digest[:12]}</code>).</div>"
    )


def chosen(target: str, mode: str) -> str:
    """What the chosen target and mode mean, a sentence each."""
    return f'<div class="sw-dim">{escape(target)} {escape(mode)}</div>'


def uploading(done: int, total: int) -> str:
    """How much of a job's data is on its way."""
    return f"Uploading: {done / 2**20:,.1f} of {total / 2**20:,.1f} MB …"


def entry_title(entry: Entry) -> str:
    """An entry of the history in a few words: plain text, not HTML."""
    clusters, eps = entry.scores.get("clusters"), entry.recipe.clustering.eps
    shown = "" if eps is None else f" · eps {eps:.3g}"
    return f"{clusters} segments{shown}"


def entry_detail(entry: Entry) -> str:
    """The rest of an entry: its settings and scores, plain text."""
    e, c = entry.recipe.embedding, entry.recipe.clustering
    settings = f"{_METHOD_WORDS[e.method]}, min_samples {c.min_samples}"
    if e.method == "umap":
        settings = f"n_neighbors {e.n_neighbors}, min_dist {e.min_dist:g}, min_samples {c.min_samples}"
    silhouette = entry.scores.get("silhouette")
    score = "" if not silhouette else f" · silhouette {silhouette['value']:.2f}"
    return f"{settings} · coverage {entry.scores['coverage']:.0%}{score}"


_METHOD_WORDS = {"umap": "UMAP", "pca": "PCA", "tsne": "t-SNE", "none": "features"}
#: Flows that are told of two compared entries.
_FLOWS_TOLD = 6


def comparison(a: Entry, b: Entry, found: Comparison) -> dict[str, Any]:
    """Two entries beside each other, as the history strip shows them: plain texts."""

    def number(value: object, *, share: bool = False) -> str:
        if isinstance(value, dict):
            value = value["value"]
        if value is None:
            return "–"
        return f"{value:.1%}" if share else f"{value:,.4g}" if isinstance(value, float) else f"{value:,}"

    def change(name: str) -> str:
        one, other = (entry.scores.get(name) for entry in (a, b))
        one, other = (value["value"] if isinstance(value, dict) else value for value in (one, other))
        return "" if one is None or other is None else f"{other - one:+.3g}"

    lines = [
        [name, number(a.scores.get(name), share=name in {"coverage", "largest"}),
         number(b.scores.get(name), share=name in {"coverage", "largest"}), change(name)]
        for name in ("clusters", "coverage", "largest", "silhouette", "dbcv", "trustworthiness")
    ]  # fmt: skip
    word = {-1: "noise"}
    lines += [
        ["moved", word.get(one, f"segment {one}"), word.get(other, f"segment {other}"), f"{rows:,} rows"]
        for one, other, rows in found.flows[:_FLOWS_TOLD]
    ]
    text = (
        f"ARI {found.ari:.3f}. {found.moved:,} rows went to another segment, {found.left_noise:,} out of noise, "
        f"{found.joined_noise:,} into it."
    )
    return {"title": f"{entry_title(a)}  →  {entry_title(b)}", "text": text, "rows": lines}


def failure(error: Exception) -> str:
    """An error where it arose: in words, with the traceback folded."""
    trace = "".join(traceback.format_exception(error))
    name = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
    return (
        f'<div class="sw-error" role="alert"><b>This did not work.</b> {escape(name)}{escape(error)}'
        f"<details><summary>Details</summary><pre>{escape(trace)}</pre></details></div>"
    )


def running(name: str, message: str) -> str:
    """A job that runs, and what it is at."""
    return f"Job <code>{escape(name)}</code> is running: {escape(message)} …"


def verdict(name: str, status: str, said: str | None, mode: str) -> str:
    """How a job ended: its verdict, or why there is none."""
    job = f"Job <code>{escape(name)}</code> {escape(status)}. "
    if status != "completed":
        return f"{job}<b>{escape(said)}</b>"
    if said == "exact":
        return f'{job}Verdict: <b class="exact">exact</b> – the job found the same segments, row by row'
    why = "everything was computed anew from the rows" if mode == "refit" else "the segments are not the panel's"
    return f"{job}Verdict: <b>{escape(said)}</b> – {why}"


def log(lines: Sequence[str], total: int) -> str:
    """The end of a log."""
    if not lines:
        return '<div class="sw-dim">The job has printed nothing yet.</div>'
    left = f'<div class="sw-dim">The last {len(lines):,} of {total:,} lines.</div>' if total > len(lines) else ""
    text = escape("\n".join(lines))
    return f'{left}<pre class="sw-log" tabindex="0" role="region" aria-label="Log of the job">{text}</pre>'


_STATE_WORDS = {"ok": "✓ ok", "warning": "⚠ warning", "refused": "✗ refused", "unknown": "? unknown"}


def preflight(ok: bool, checks: Sequence[Any], cost: str) -> str:
    """What the preflight found, the worst first, and what the job may cost."""
    order = ["refused", "warning", "unknown", "ok"]
    lines = "".join(
        f'<tr data-state="{escape(one.state)}"><td>{_STATE_WORDS.get(one.state, escape(one.state))}</td>'
        f"<th scope=row>{escape(one.name)}</th><td>{escape(one.text)} {escape(one.way_out)}</td></tr>"
        for one in sorted(checks, key=lambda one: order.index(one.state) if one.state in order else len(order))
    )
    word = "Ready to promote." if ok else "Refused: mend what is marked, and check again."
    priced = escape(cost) if cost else "The cost is not known."
    return (
        f'<div class="sw-preflight" role="status" data-ok="{str(ok).lower()}"><b>{word}</b> '
        f'<span class="sw-cost">{priced}</span><table aria-label="Checks"><tbody>{lines}</tbody></table></div>'
    )
