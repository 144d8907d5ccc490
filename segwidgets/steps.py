"""Several pieces of work as one: a single progress over them, and a single cancellation."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable

from segwidgets.compute.progress import Cancelled, Tick
from segwidgets.result import Progress

Show = Callable[[Progress], None]


class Steps:
    """Pieces of work, each a share of the whole, in the order in which they are asked for.

    Args:
        stage: what the whole is called in its progress.
        show: told how far the whole is, in the thread that works; None for nobody.
        cancel: when set, the next tick raises `Cancelled`.
    """

    def __init__(self, stage: str, show: Show | None, cancel: threading.Event | None) -> None:
        self._stage, self._show, self.cancel = stage, show, cancel
        self._done = 0.0
        self._words = ""

    def run(self, share: float, before: str = "") -> Show:
        """The progress of a session's run that is this share of the whole; ``before`` leads its words."""
        begun = self._done
        self._done += share

        def told(now: Progress) -> None:
            if self._show is not None:
                overall = min(1.0, begun + share * now.overall)
                self._show(dataclasses.replace(now, overall=overall, message=before + now.message))

        return told

    def tick(self, share: float, words: str) -> Tick:
        """The `Tick` of work that is this share of the whole."""
        begun = self._done
        self._done += share
        self._words = words

        def tick(done: float) -> None:
            self.check()
            if self._show is not None:
                self._show(Progress(self._stage, done, min(1.0, begun + share * done), words))

        return tick

    def check(self, _: float = 0.0) -> None:
        """Raise `Cancelled` where that is asked for: the `Tick` of a piece whose share is not told."""
        if self.cancel is not None and self.cancel.is_set():
            raise Cancelled(f"cancelled at: {self._words}" if self._words else "cancelled")


def part(show: Show | None, begun: float, share: float) -> Show | None:
    """The progress of a run that begins at a share of the whole and is a share of it; None where nobody is told."""
    if show is None:
        return None

    def told(now: Progress) -> None:
        show(dataclasses.replace(now, overall=min(1.0, begun + share * now.overall)))

    return told
