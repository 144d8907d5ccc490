"""What the Compare tab says, as HTML: everything that comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Sequence

from segwidgets.comparing import Compared, Drifted
from segwidgets.data.errors import plural
from segwidgets.panel.html import escape

STYLE = """<style>
.sw-comparing{color:var(--jp-ui-font-color1,#222)}
.sw-comparing .sw-said{line-height:1.45;max-width:90ch;overflow-wrap:anywhere}
.sw-comparing .sw-dim{color:var(--jp-ui-font-color2,#5f6368)}
.sw-comparing .sw-earlier{line-height:1.45;border-left:3px solid var(--jp-warn-color1,#ef6c00);padding:2px 8px}
.sw-comparing .sw-wide{overflow:auto;max-width:100%;max-height:420px}
.sw-comparing table{border-collapse:collapse;line-height:1.4;font-variant-numeric:tabular-nums}
.sw-comparing caption{text-align:left;font-weight:600;padding:6px 0 2px}
.sw-comparing :is(td,th){padding:3px 14px 3px 0;text-align:left;vertical-align:top;font-weight:400;
 border-bottom:1px solid var(--jp-border-color2,#ddd);overflow-wrap:anywhere}
.sw-comparing thead th{font-weight:600;white-space:nowrap}
.sw-comparing tbody th{font-weight:600}
.sw-comparing td.sw-number{text-align:right;white-space:nowrap}
.sw-comparing td.sw-stayed{font-weight:600}
.sw-comparing td.sw-nobody{color:var(--jp-ui-font-color2,#5f6368)}
.sw-comparing .sw-word{font-size:15px}
.sw-comparing [data-word=reuse] .sw-word{color:var(--jp-success-color0,#1b5e20)}
.sw-comparing [data-word=re-tune] .sw-word{color:var(--jp-warn-color0,#b53d00)}
.sw-comparing [data-word=investigate] .sw-word{color:var(--jp-error-color1,#c62828)}
[data-jp-theme-light="false"] .sw-comparing [data-word=reuse] .sw-word{color:var(--jp-success-color1,#81c784)}
[data-jp-theme-light="false"] .sw-comparing [data-word=re-tune] .sw-word{color:var(--jp-warn-color2,#ffb74d)}
.sw-comparing ul{margin:2px 0;padding-left:20px;line-height:1.45}
.sw-comparing svg.sw-figure{max-width:100%;height:auto;display:block}
.sw-comparing .sw-wide:focus-visible{outline:2px solid var(--jp-brand-color1,#1976d2);outline-offset:2px}
</style>"""

EARLIER = "This compares with an earlier setting than the map that is shown. It stays until you compare again."
#: What each verdict asks for.
_WORDS = {
    "reuse": "Reuse: the run may be used on this table as it is.",
    "re-tune": "Re-tune: set the sliders anew for this table, and promote again.",
    "investigate": "Investigate: look into the data before any segments are made of it.",
}
#: Segments on either side beyond which a flow diagram and a matrix cannot be read any more.
MOST_SEGMENTS = 40
#: Columns whose drift is told, the worst first.
_COLUMNS = 50


def heading(title: str) -> str:
    """A heading over a part of the tab."""
    return f'<div class="sw-group" role="heading" aria-level="3">{escape(title)}</div>'


def said(*sentences: str) -> str:
    """Plain sentences, each a paragraph of its own."""
    return "".join(f'<div class="sw-said">{escape(text)}</div>' for text in sentences)


def earlier() -> str:
    """The remark that the comparison is with another setting; it is read out."""
    return f'<div class="sw-earlier" role="status">{escape(EARLIER)}</div>'


def sentences(found: Compared) -> tuple[str, ...]:
    """How many moved, came and left, and how far both agree."""
    c = found.changes
    told = [str(one) for one in found.for_report(0)["sentences"]]
    if c.baseline is None:
        told.append("No baseline was given: chance is the draw of the customers only, not another run of the recipe.")
    if c.ari is not None:
        told.append(f"ARI {c.ari:.3f}" + ("." if c.ami is None else f", AMI {c.ami:.3f}."))
    return tuple(told)


def events(found: Compared) -> str:
    """What became of each segment, as a table."""
    head, *rows = found.for_report(0)["rows"]
    return _table("What became of each segment", head, [(row[0], row[1:]) for row in rows])


def readable(found: Compared) -> bool:
    """Whether there are few enough segments on both sides for a diagram and a matrix."""
    return bool(max(found.changes.flows.shape) <= MOST_SEGMENTS + 1)


def matrix(found: Compared) -> str:
    """Customers by their segment then (a row) and now (a column); where a segment met its match stands out."""
    flows = found.changes.flows
    matched = {(one.before, one.after) for one in found.changes.segments} | {(-1, -1)}
    rows = [row for row in range(flows.shape[0]) if row or flows[row].any()]
    columns = [column for column in range(flows.shape[1]) if column or flows[:, column].any()]
    head = "".join(f'<th scope="col">{escape(found.b.called(column - 1))}</th>' for column in columns)
    lines = []
    for row in rows:
        cells = "".join(_cell(int(flows[row, column]), (row - 1, column - 1) in matched) for column in columns)
        lines.append(f'<tr><th scope="row">{escape(found.a.called(row - 1))}</th>{cells}</tr>')
    caption = "Who moved: customers by their segment then (rows) and now (columns)"
    return _wide(caption, f'<thead><tr><th scope="col">then \\ now</th>{head}</tr></thead>', "".join(lines))


def _cell(customers: int, stayed: bool) -> str:
    kind = "sw-stayed" if stayed else "sw-moved" if customers else "sw-nobody"
    return f'<td class="sw-number {kind}">{customers:,}</td>'


def too_many(found: Compared) -> str:
    """Why there is no diagram."""
    before, after = (count - 1 for count in found.changes.flows.shape)
    return (
        f"The diagram and the matrix of {before:,} × {after:,} segments are left out: beyond {MOST_SEGMENTS} on a side "
        "they cannot be read. The table tells each segment."
    )


def verdict(found: Drifted) -> str:
    """The verdict on the table, why, and the share of rows in no segment then and now."""
    v = found.verdict
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in v.reasons)
    return (
        f'<div class="sw-said" role="status" data-word="{escape(v.word)}">'
        f'<b class="sw-word">{escape(_WORDS[v.word])}</b><ul>{reasons}</ul></div>'
    ) + said(
        f"In no segment: {v.none_before:.1%} then, in {found.run.name}; {v.none:.1%} now ({v.none_low:.1%} to "
        f"{v.none_high:.1%})."
    )


def assigned(found: Drifted) -> str:
    """How many rows of this table each segment of the run takes in, beside how many it had."""
    before, after = len(found.run.labels), len(found.assigned.labels)
    rows = [
        (found.run.called(label), [f"{then:,}", f"{then / before:.1%}", f"{now:,}", f"{now / after:.1%}"])
        for label, then, now in found.sizes()
    ]
    head = ["Segment", "Rows then", "Share then", "Rows now", "Share now"]
    return _table("What each segment takes in", head, rows)


def columns(found: Drifted) -> str:
    """The drift of the columns, the worst first."""
    rows = [
        (
            one.column,
            [f"{one.psi:.3f}", f"{one.noise:.3f}", one.band, f"{one.missing[0]:.1%}", f"{one.missing[1]:.1%}"],
        )
        for one in found.columns[:_COLUMNS]
    ]
    head = ["Column", "PSI", "By chance up to", "It is", "Missing then", "Missing now"]
    left = len(found.columns) - len(rows)
    more = said(f"{plural(left, 'column')} that drifted less {'is' if left == 1 else 'are'} not shown.") if left else ""
    return _table("How far the columns drifted (population stability index, PSI)", head, rows) + more


def _table(caption: str, head: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    """A table whose rows begin with their name."""
    top = "".join(f'<th scope="col">{escape(text)}</th>' for text in head)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
        for name, cells in rows
    )
    return _wide(caption, f"<thead><tr>{top}</tr></thead>", body)


def _wide(caption: str, head: str, body: str) -> str:
    """A table that scrolls within the tab, by the keyboard too."""
    return (
        f'<div class="sw-wide" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption>{head}<tbody>{body}</tbody></table></div>"
    )
