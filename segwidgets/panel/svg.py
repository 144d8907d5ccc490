"""Matplotlib figures in the panel: as SVG with words, in the ink and on the paper of the theme that is shown."""

from __future__ import annotations

import io
import re

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.spines import Spine
from matplotlib.text import Text

from segwidgets.panel.html import escape

#: A colour that no figure of ours uses: what has it becomes the ink of the page.
_INK = "#010203"
_BLACKS = {"#000000", "#262626", _INK}


def inline(figure: Figure, words: str) -> str:
    """The figure as HTML.

    What is black takes the ink of the page, paper is left out, so that it shows in light and dark.

    Args:
        figure: is changed by this, and of no use afterwards.
        words: what it shows, for those who cannot see it.
    """
    figure.patch.set_alpha(0)
    for axes in figure.findobj(Axes):
        axes.patch.set_alpha(0)
        axes.tick_params(which="both", color=_INK, labelcolor=_INK)
        legend = axes.get_legend()
        if legend is not None:
            legend.get_frame().set_alpha(0)
    for spine in figure.findobj(Spine):
        spine.set_edgecolor(_INK)
    for text in figure.findobj(Text):
        if to_hex(text.get_color()) in _BLACKS:
            text.set_color(_INK)
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    drawn = buffer.getvalue()
    drawn = drawn[drawn.index("<svg") :].replace(_INK, "currentColor")
    drawn = re.sub(r"<svg ", f'<svg role="img" aria-label="{escape(words)}" class="sw-figure" ', drawn, count=1)
    return re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
