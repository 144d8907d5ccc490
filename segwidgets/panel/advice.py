"""Guidance in the panel: what should give pause about the segments that are shown, and the move that mends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from segwidgets.compute.advice import Advice, advise
from segwidgets.panel import html
from segwidgets.result import Result


class Guidance:
    """Shows what `advise` says of a result, each with a button that makes the change it asks for.

    Args:
        apply: called with the settings to be changed, ``{name: value}``.
    """

    def __init__(self, apply: Callable[[dict[str, Any]], None]) -> None:
        self._apply = apply
        self.advice: tuple[Advice, ...] = ()
        self.view = widgets.VBox([])
        self.view.add_class("sw-guidance")

    def show(self, result: Result) -> None:
        """Say what there is to say of a scored result; nothing where all is well."""
        advice = advise(result)
        if advice == self.advice:
            return
        self.advice = advice
        self.view.children = [self._line(one) for one in advice]

    def _line(self, one: Advice) -> widgets.Widget:
        text = widgets.HTML(html.advice(one.level, one.text), layout=widgets.Layout(flex="1 1 auto"))
        if not one.change:
            return text
        words = ", ".join(f"{name} = {value:.4g}" if value is not None else name for name, value in one.change.items())
        button = widgets.Button(
            description=f"Set {words}",
            tooltip=f"{one.text} Sets {words}.",
            layout=widgets.Layout(width="max-content", flex="0 0 auto"),
        )
        button.on_click(lambda _: self._apply(dict(one.change or {})))
        return widgets.HBox([text, button], layout=widgets.Layout(align_items="center"))
