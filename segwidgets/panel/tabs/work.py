"""One piece of long work in a tab: the button that starts it, how far it is, and the button that stops it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import ipywidgets as widgets

from segwidgets.panel import html
from segwidgets.panel.worker import Lane
from segwidgets.result import Progress
from segwidgets.session import Cancelled

Show = Callable[[Progress], None]
Do = Callable[[Show, threading.Event], None]

#: Seconds between two looks at the progress that are sent to the browser.
_EVERY = 0.1


def _auto() -> widgets.Layout:
    return widgets.Layout(width="auto")


class Work:
    """A button and what comes after it. Off the kernel's main thread, so that sliders go on answering.

    Args:
        name: of the lane.
        label: of the button.
        tooltip: of the button.
        icon: of the button.
        do: the work; called with what tells its progress and with the event that cancels it.

    ``view`` is the row, and what went wrong under it.
    """

    def __init__(self, name: str, label: str, *, tooltip: str, do: Do, icon: str = "play") -> None:
        self._do = do
        self._told = 0.0
        self._begun = 0.0
        self.lane = Lane(name, failed=self.fail)
        self.button = widgets.Button(description=label, icon=icon, tooltip=tooltip, layout=_auto(), disabled=True)
        self._bar = widgets.FloatProgress(min=0, max=1, layout=widgets.Layout(width="160px"))
        self._words = widgets.HTML()
        self._cancel = widgets.Button(description="Cancel", icon="stop", tooltip=f"Stop: {label}", layout=_auto())
        self._errors = widgets.HTML()
        self.button.on_click(lambda _: self.start())
        self._cancel.on_click(lambda _: self.cancel())
        self.row = widgets.HBox(
            [self.button, self._bar, self._words, self._cancel],
            layout=widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="4px 8px"),
        )
        self.view = widgets.VBox([self.row, self._errors])
        self._running(on=False)

    def start(self) -> None:
        """Do it, anew where it is being done."""
        self._errors.value = ""
        self._bar.value = 0
        self._begun = time.monotonic()
        self.say("Starting …")
        self._running(on=True)
        self.lane.submit(self._run)

    def cancel(self) -> None:
        """Stop; what is there stays."""
        self.lane.cancel()
        self._running(on=False)
        self.say("Cancelled.")

    def clear(self) -> None:
        """As before the first start: nothing is said, and nothing went wrong."""
        self._running(on=False)
        self.say("")
        self._errors.value = ""

    def say(self, words: str) -> None:
        """A sentence beside the button."""
        self._words.value = f'<span class="sw-dim" role="status">{html.escape(words)}</span>' if words else ""

    def fail(self, error: Exception) -> None:
        """What went wrong, under the button."""
        self._running(on=False)
        self.say("")
        self._errors.value = html.failure(error)

    def _run(self, cancel: threading.Event) -> None:
        self._do(lambda now: self._show(now, cancel), cancel)
        if not cancel.is_set():
            self._running(on=False)

    def _show(self, now: Progress, cancel: threading.Event) -> None:
        if cancel.is_set():
            raise Cancelled(f"cancelled: {self.button.description}")
        at = time.monotonic()
        if at - self._told < _EVERY and now.overall < 1:
            return
        self._told = at
        self._bar.value = min(1.0, now.overall)
        self.say(html.progress(now, at - self._begun))

    def _running(self, *, on: bool) -> None:
        self._bar.layout.display = self._cancel.layout.display = "" if on else "none"
