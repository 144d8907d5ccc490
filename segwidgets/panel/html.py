"""The panel's texts as HTML: everything that comes from outside is escaped here, once."""

from __future__ import annotations

import html
import traceback
from collections.abc import Sequence
from typing import Any

from segwidgets.compute.backend import Backend
from segwidgets.compute.scores import Estimate
from segwidgets.result import Scores

STYLE = """<style>
.sw-panel{color:var(--jp-ui-font-color1,#222);font-family:var(--jp-ui-font-family,system-ui,sans-serif);
 font-size:var(--jp-ui-font-size1,13px);padding:4px 2px;overflow:hidden}
.sw-panel .sw-head{display:flex;gap:10px;align-items:baseline;flex-wrap:wrap;line-height:1.5}
.sw-panel .sw-head b{font-size:15px}
.sw-panel .sw-head span,.sw-panel .sw-dim{color:var(--jp-ui-font-color2,#5f6368)}
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
.sw-panel .sw-verdict b.exact{color:var(--jp-success-color0,#1b5e20)}
.sw-panel .sw-board{border-collapse:collapse;font-variant-numeric:tabular-nums;line-height:1.5;font-size:12px}
.sw-panel .sw-board th{text-align:left;font-weight:600;border-bottom:1px solid var(--jp-border-color1,#bbb)}
.sw-panel .sw-board th,.sw-panel .sw-board td{padding:2px 10px 2px 0;white-space:nowrap}
.sw-panel .sw-board td.n{text-align:right}
.sw-panel .widget-slider .noUi-handle:focus-visible{outline:2px solid var(--jp-brand-color1,#1976d2);outline-offset:2px}
.sw-panel .sw-scroll{overflow-x:auto;max-width:100%}
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


def failure(error: Exception) -> str:
    """An error where it arose: in words, with the traceback folded."""
    trace = "".join(traceback.format_exception(error))
    name = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
    return (
        f'<div class="sw-error" role="alert"><b>This did not work.</b> {escape(name)}{escape(error)}'
        f"<details><summary>Details</summary><pre>{escape(trace)}</pre></details></div>"
    )


def board(records: Sequence[dict[str, Any]]) -> str:
    """The leaderboard's rows as a table."""
    if not records:
        return '<div class="sw-dim">No run yet: promote one.</div>'
    columns = ("name", "status", "verdict", "segments", "coverage", "silhouette", "eps", "min_samples", "n_neighbors")
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in columns)
    lines = "".join("<tr>" + "".join(_cell(record.get(name)) for name in columns) + "</tr>" for record in records)
    return (
        '<div class="sw-scroll"><table class="sw-board" aria-label="Leaderboard">'
        f"<thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _cell(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN is not itself
        return '<td class="n">–</td>'
    if isinstance(value, float):
        return f'<td class="n">{int(value):,}</td>' if value.is_integer() else f'<td class="n">{value:.4g}</td>'
    if isinstance(value, int):
        return f'<td class="n">{value:,}</td>'
    return f"<td>{escape(value)}</td>"
