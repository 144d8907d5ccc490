"""The report as one HTML page: styles, pictures and plots within it, nothing loaded from anywhere.

No script is in it but that of the live map, where one was asked for.
"""

from __future__ import annotations

import base64
import datetime as dt
import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from segwidgets import __version__
from segwidgets.palette import css, segment_colours
from segwidgets.report import charts, words
from segwidgets.report.facts import Facts, Segment
from segwidgets.report.live import LiveMap

#: Cards at most; further segments stand in the table.
_CARDS = 24
#: Nothing may be loaded, and nothing may run but the live map's script, which is named by its digest: a mail server, or
#: a careful reader, can see that it is only a page.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(
    facts: Facts,
    pictures: Mapping[str, bytes],
    *,
    title: str | None = None,
    made: dt.datetime | None = None,
    comparison: Mapping[str, object] | None = None,
    live: LiveMap | None = None,
) -> str:
    """The page.

    Args:
        facts: what it says.
        pictures: PNG by name; "map.png", else "cloud.png", is the map.
        title: of the page; of the table's name by default.
        made: when; now by default.
        comparison: what a comparison with an earlier run says in public, its ``sentences`` and ``rows``, and a
            ``heading`` where it is not the last approved run.
        live: the live map, where one is wanted.
    """
    heading = title or (f"Customer segments: {facts.table}" if facts.table else "Customer segments")
    when = (made or dt.datetime.now(dt.UTC)).strftime("%d %B %Y")
    parts = [
        _head(heading, when, facts),
        _numbers(facts),
        _map(pictures, facts),
        live.section() if live else "",
        _cards(facts),
        _table(facts),
        _settings(facts),
        _compared(comparison),
        _method(facts, live=live is not None),
        _appendix(facts),
    ]
    policy = f"{_POLICY}; {live.policy}" if live else _POLICY
    style = (Path(__file__).parent / "look.css").read_text("utf-8")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{html.escape(heading)}</title>'
        f"<style>{style}</style></head><body><main>{''.join(parts)}</main></body></html>\n"
    )


def _paragraphs(sentences: Sequence[str], css_class: str = "") -> str:
    mark = f' class="{css_class}"' if css_class else ""
    return "".join(f"<p{mark}>{html.escape(sentence)}</p>" for sentence in sentences)


def _head(heading: str, when: str, facts: Facts) -> str:
    lead, *rest = words.summary(facts)
    return (
        f'<header><h1>{html.escape(heading)}</h1><p class="soft">{when}, job {html.escape(facts.job)}</p></header>'
        f'<section aria-label="Summary"><p class="lead">{html.escape(lead)}</p>{_paragraphs(rest)}</section>'
    )


def _numbers(facts: Facts) -> str:
    silhouette = facts.scores.get("silhouette")
    told = [
        (f"{facts.rows:,}", "customers"),
        (f"{len(facts.segments) + facts.hidden[0]:,}", "segments"),
        (f"{facts.covered:.0%}", "belong to a segment"),
        (f"{silhouette['value']:.2f}" if silhouette else "–", "silhouette, of those who do"),
    ]
    if facts.stability:
        told.append((f"{facts.stability['ari']:.2f}", "agreement on other customers"))
    items = "".join(f"<li><b>{number}</b><span class=soft>{text}</span></li>" for number, text in told)
    return f'<ul class="numbers">{items}</ul>'


def _map(pictures: Mapping[str, bytes], facts: Facts) -> str:
    if facts.map_tells_more:
        why = f"It is left out: the job drew it with segments of fewer than {facts.floor} customers."
        return f"<h2>The map</h2>{_paragraphs([why])}"
    picture = pictures.get("map.png") or pictures.get("cloud.png")
    if picture is None:
        return ""
    data = base64.b64encode(picture).decode()
    return (
        "<h2>The map</h2><figure>"
        f'<img src="data:image/png;base64,{data}" alt="The map: each customer a dot, coloured by segment">'
        "<figcaption>Every customer is a dot, near those who are alike, in the colour of the segment; grey belongs to "
        "none, or to one that is too small to be shown.</figcaption></figure>"
    )


def _colours(facts: Facts) -> dict[int, str]:
    """By label, as the map and the panel have them: by size."""
    colours = segment_colours(len(facts.by_size))
    return {label: css(colour) for label, colour in zip(facts.by_size, colours, strict=True)}


def _cards(facts: Facts) -> str:
    if not facts.segments:
        return ""
    colours = _colours(facts)
    largest = facts.segments[0].share or 1
    items = "".join(_card(one, colours, largest) for one in facts.segments[:_CARDS])
    left = len(facts.segments) - _CARDS
    rest = f'<p class="soft">{left:,} smaller ones stand in the table below.</p>' if left > 0 else ""
    said = _paragraphs(words.of_cards(facts), "soft")
    return f'<h2>The segments</h2>{said}<ul class="cards">{items}</ul>{rest}'


def _card(one: Segment, colours: Mapping[int, str], largest: float) -> str:
    features = "".join(
        f"<li>{html.escape(each.text)}"
        + (f' <span class="soft">{html.escape(each.interval)}</span>' if each.interval else "")
        + "</li>"
        for each in one.features
    )
    steady = "" if one.stability is None else f" · comes back {one.stability:.0%}"
    proposed = f'<p class="proposed">{html.escape(one.proposed)} <span>proposed name</span></p>' if one.proposed else ""
    return (
        '<li class="card"><header>'
        f'<span class="dot" style="background:{_colour(one, colours)}"></span>'
        f"<h3>{html.escape(one.name)}</h3></header>{proposed}"
        f'<div class="soft">{one.size:,} customers, {one.share:.1%}{steady}</div>'
        f'<div class="bar" aria-hidden="true"><span style="width:{one.share / largest:.1%}"></span></div>'
        + (f"<ul>{features}</ul>" if features else '<p class="soft">Nothing sets it clearly apart.</p>')
        + _rule(one)
        + "</li>"
    )


def _colour(one: Segment, colours: Mapping[int, str]) -> str:
    return next((colours[label] for label in one.labels if label in colours), "#888888")


def _rule(one: Segment) -> str:
    if one.rule is None:
        return ""
    ways = " <b>or</b> ".join(html.escape(path) for path in one.rule.paths)
    right = "" if one.rule.precision is None else f"right {one.rule.precision:.0%}, "
    return f'<p class="rule">Rule: {ways} <span class="soft">({right}finds {one.rule.recall:.0%})</span></p>'


def _table(facts: Facts) -> str:
    if not facts.segments:
        return ""
    lines = "".join(
        f"<tr><td>{html.escape(one.name)}</td><td>{html.escape(one.proposed)}</td>"
        f"<td class=number>{one.size:,}</td><td class=number>{one.share:.1%}</td>"
        f"<td class=number>{'–' if one.stability is None else f'{one.stability:.2f}'}</td>"
        f"<td>{html.escape(one.features[0].text) if one.features else ''}</td></tr>"
        for one in facts.segments
    )
    return (
        "<details><summary>All segments as a table</summary><div class=wide><table><thead><tr><th>Segment</th>"
        "<th>Proposed name</th><th class=number>Customers</th><th class=number>Share</th>"
        "<th class=number>Comes back</th><th>First of what sets it apart</th></tr></thead>"
        f"<tbody>{lines}</tbody></table></div></details>"
    )


def _settings(facts: Facts) -> str:
    plots = "".join(
        f"<figure>{plot}</figure>" for plot in (charts.k_distance(facts), charts.clusters_over_eps(facts)) if plot
    )
    said = _paragraphs(words.firmness(facts))
    return f"<h2>How firm the setting is</h2>{said}{plots}" if plots or said else ""


def _compared(comparison: Mapping[str, object] | None) -> str:
    if not comparison:
        return ""
    sentences = comparison.get("sentences")
    rows = comparison.get("rows")
    body = _paragraphs([str(one) for one in sentences]) if isinstance(sentences, (list, tuple)) else ""
    if isinstance(rows, (list, tuple)) and rows:
        lines = "".join(
            "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
        )
        body += f"<div class=wide><table><tbody>{lines}</tbody></table></div>"
    heading = html.escape(str(comparison.get("heading") or "Since the last approved run"))
    return f"<h2>{heading}</h2>{body}"


def _method(facts: Facts, *, live: bool) -> str:
    how, not_said = _paragraphs(words.method(facts)), _paragraphs(words.limits(facts, live=live))
    return f"<h2>How it was made</h2>{how}<h2>What it does not say</h2>{not_said}"


def _appendix(facts: Facts) -> str:
    recipe = {name: value for name, value in facts.recipe.to_dict().items() if name != "features"}
    digests = "".join(
        f"<tr><td>{html.escape(name)}</td><td><code>{html.escape(value)}</code></td></tr>"
        for name, value in facts.digests.items()
    )
    return (
        "<h2>Appendix</h2><details><summary>Settings and digests</summary>"
        f"<pre><code>{html.escape(json.dumps(recipe, indent=1))}</code></pre>"
        f"<div class=wide><table><tbody>{digests}</tbody></table></div>"
        f'<p class="soft">Equal digests mean equal contents. Made by segwidgets {__version__}.</p></details>'
    )
