"""Legends as HTML, for a renderer that has none of its own."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from segwidgets.palette import css

#: Entries of a legend.
LISTED = 30


def entries(title: str, listed: Sequence[tuple[Any, str, int]], total: int) -> str:
    """A legend: colour, name, points and share."""
    items = "".join(
        f'<li style="display:flex;align-items:center;gap:6px"><span aria-hidden="true" style="width:10px;height:10px;'
        f'border-radius:5px;background:{css(colour)}"></span><span>{html.escape(name)}</span>'
        f'<span class="sw-dim">{size:,} · {size / total:.1%}</span></li>'
        for colour, name, size in listed[:LISTED]
    )
    more = f'<li class="sw-dim">and {len(listed) - LISTED:,} more</li>' if len(listed) > LISTED else ""
    return (
        f'<ul class="sw-ipyvolume-legend" aria-label="{html.escape(title)}" style="display:flex;flex-wrap:wrap;'
        f'gap:2px 16px;list-style:none;margin:0;padding:0">{items}{more}</ul>'
    )


def scale(title: str, ends: tuple[float, float] | None) -> str:
    """The legend of numbers: the colours from one end to the other."""
    if ends is None:
        return f'<div class="sw-dim">{html.escape(title)}: no value is a number.</div>'
    import matplotlib as mpl

    stops = ",".join(css(mpl.colormaps["viridis"](step / 8)[:3]) for step in range(9))
    bar = f"display:inline-block;width:120px;height:10px;background:linear-gradient(90deg,{stops})"
    return (
        f'<div class="sw-ipyvolume-legend">{html.escape(title)}: {ends[0]:,.6g} '
        f'<span aria-hidden="true" style="{bar}"></span> {ends[1]:,.6g}</div>'
    )
