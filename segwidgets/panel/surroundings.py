"""What an ipyvolume figure stands in: it takes the page's width and colours, in the browser.

The front end is ``segwidgets/frontend/src/surroundings.ts``; ``static/surroundings.js`` is built from it.
"""

from __future__ import annotations

import pathlib

import anywidget
import traitlets


class Surroundings(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget is followed as Any
    """Gives a figure the width and colours of the page it stands in.

    Attributes:
        figure: the model id of an ``ipyvolume.Figure``.
        scatter: the model id of its scatter: after a change of it, a picture is asked for.
        dark: whether the page is dark; the browser says it.
    """

    _esm = pathlib.Path(__file__).parent / "static" / "surroundings.js"

    figure = traitlets.Unicode("").tag(sync=True)
    scatter = traitlets.Unicode("").tag(sync=True)
    dark = traitlets.Bool().tag(sync=True)
