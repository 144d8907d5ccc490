"""Settings to take, one a line: a button and what they are in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import ipywidgets as widgets

from segwidgets.panel import html

T = TypeVar("T")


class TakeList(Generic[T]):
    """The lines.

    Args:
        take: called with the one whose button is pressed; a ValueError is shown under the lines.

    ``view`` is the widget. Lines that say the same as before stay as they are, so a redrawing costs nothing.
    """

    def __init__(self, take: Callable[[T], None]) -> None:
        self._take = take
        self._shown: tuple[T, ...] = ()
        self._lines = widgets.VBox([], layout=widgets.Layout(grid_gap="2px"))
        self._errors = widgets.HTML()
        self.view = widgets.VBox([self._lines, self._errors])

    def show(self, listed: Sequence[T], words: Callable[[T], str]) -> None:
        """Show these, numbered from 1."""
        if tuple(listed) == self._shown:
            return
        self._shown = tuple(listed)
        before = self._lines.children
        self._lines.children = tuple(self._line(number, one, words(one)) for number, one in enumerate(listed, 1))
        for line in before:
            for part in (*line.children, line):
                part.close()

    def attempt(self, take: Callable[[], None]) -> None:
        """Do it, and show where it cannot be done."""
        self._errors.value = ""
        try:
            take()
        except ValueError as error:
            self._errors.value = html.failure(error)

    def _line(self, number: int, one: T, words: str) -> widgets.HBox:
        button = widgets.Button(description=f"Take {number}", tooltip=words, layout=widgets.Layout(width="auto"))
        button.on_click(lambda _: self._take(one))
        told = widgets.HTML(f"<span>{html.escape(words)}</span>")
        return widgets.HBox([button, told], layout=widgets.Layout(align_items="center", grid_gap="8px"))
