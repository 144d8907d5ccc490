"""The panel's history: every setting that came to rest, to go back to, to compare and to star."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import numpy as np
import numpy.typing as npt

from segwidgets.compute.matching import Comparison, compare
from segwidgets.history import Entry, History
from segwidgets.names import Names
from segwidgets.panel import html
from segwidgets.panel.historystrip import HistoryStrip
from segwidgets.panel.thumbnail import thumbnail
from segwidgets.panel.worker import Lane
from segwidgets.recipe import Recipe
from segwidgets.result import Result
from segwidgets.session import Session

#: Seconds a setting must rest before it is remembered.
_SETTLED = 0.8


class Past:
    """Keeps results on disk as recipes, and shows them as a strip.

    Args:
        session: finds the labels of a recipe again, from its cache where it can.
        history: where they are kept.
        go: called with the recipe and the names that the user goes back to.
        failed: called with what went wrong in the background.
    """

    def __init__(
        self,
        session: Session,
        history: History,
        go: Callable[[Recipe, Names], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._session = session
        self._history = history
        self._go = go
        self.comparison: Comparison | None = None
        self._keeping = Lane("history", delay=_SETTLED, failed=failed)
        self._comparing = Lane("compare", failed=failed)
        self.lanes = (self._keeping, self._comparing)
        self.strip = HistoryStrip()
        self.strip.on_goto(self.goto)
        self.strip.on_star(self.star)
        self.strip.on_compare(lambda a, b: self._comparing.submit(lambda cancel: self._compare(a, b, cancel)))
        self.strip.on_undo(self.undo)
        self.strip.on_redo(self.redo)
        self.view = widgets.VBox([widgets.HTML(html.group("History")), self.strip])
        self.refresh()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What is remembered, the newest last."""
        return tuple(self._history.entries())

    def keep(self, result: Result, points: npt.NDArray[np.float32] | None, names: Names) -> None:
        """Remember a scored result once it rests; ``points`` as they are drawn make its thumbnail."""

        def work(cancel: threading.Event) -> None:
            picture = thumbnail(points if points is not None else result.embedding, result.labels)
            if not cancel.is_set():
                self._history.add(result, names=names, thumbnail=picture)
                self.refresh()

        self._keeping.submit(work)

    def rename(self, names: Names) -> None:
        """The segments of the present entry have other names now."""
        self._history.rename(names)
        self.refresh()

    def forget_pending(self) -> None:
        """The setting moved on before it came to rest."""
        self._keeping.cancel()

    def goto(self, identifier: str) -> None:
        """Go back to an entry."""
        self._went(self._history.goto(identifier))

    def undo(self) -> None:
        """Go to the setting before the present one."""
        self._went(self._history.undo())

    def redo(self) -> None:
        """Take an `undo` back."""
        self._went(self._history.redo())

    def star(self, identifier: str, starred: bool = True) -> None:
        """Mark an entry as one to keep."""
        self._history.star(identifier, starred)
        self.refresh()

    def compare(self, a: str, b: str, cancel: threading.Event | None = None) -> Comparison:
        """Two entries beside each other: sizes, ARI, who moved. Computes what the cache has no more."""
        first, second = (self._history.entry(identifier) for identifier in (a, b))
        labels = [self._session.run(entry.recipe, cancel=cancel).labels for entry in (first, second)]
        return compare(*labels)

    def close(self) -> None:
        """Stop all work."""
        for lane in self.lanes:
            lane.close()

    def _went(self, entry: Entry | None) -> None:
        if entry is not None:
            self.refresh()
            self._go(entry.recipe, entry.names)

    def _compare(self, a: str, b: str, cancel: threading.Event) -> None:
        self.comparison = self.compare(a, b, cancel)
        first, second = (self._history.entry(identifier) for identifier in (a, b))
        self.strip.comparison = html.comparison(first, second, self.comparison)

    def refresh(self) -> None:
        """Show what is on disk."""
        current = self._history.current
        with self.strip.hold_sync():
            self.strip.entries = [self._shown(entry, current) for entry in reversed(self._history.entries())]
            self.strip.can_undo = self._history.can_undo
            self.strip.can_redo = self._history.can_redo

    @staticmethod
    def _shown(entry: Entry, current: Entry | None) -> dict[str, Any]:
        picture = ""
        if entry.thumbnail:
            picture = "data:image/png;base64," + base64.b64encode(entry.thumbnail).decode()
        return {
            "id": entry.id,
            "title": html.entry_title(entry),
            "detail": html.entry_detail(entry),
            "time": entry.time,
            "starred": entry.starred,
            "current": current is not None and current.id == entry.id,
            "thumbnail": picture,
        }
