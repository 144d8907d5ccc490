"""A job as the panel shows it: how far it is, the end of its log, a button that stops it, and then its verdict."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import ipywidgets as widgets

from segwidgets.jobs import Job
from segwidgets.panel import html
from segwidgets.panel.reportbutton import ReportButton
from segwidgets.panel.worker import Lane
from segwidgets.session import Cancelled

#: Seconds between two looks at a job of this machine, and at one elsewhere.
_POLL, _POLL_AFAR = 0.25, 1.0
#: Seconds between two looks at a log that is shown.
_LOG_EVERY = 1.0
#: The end of a log that is shown.
_TAIL_LINES = 60


def record(job: Job) -> dict[str, Any]:
    """What the launcher wrote down of a job; nothing where that cannot be read."""
    try:
        found = json.loads((job.path / "job.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def over(job: Job) -> bool:
    """Whether a local job is known to have ended, without a look at it: such a look may have to tell its tracker."""
    return job.target == "local" and (job.path / "settled").exists()


class Following:
    """Shows one job at a time, and offers the report of one that has completed."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self._stopper = Lane("stop", failed=self.fail)
        self._reader = Lane("log", failed=self._log_failed)
        self._running = False
        self.report = ReportButton()
        self.progress = widgets.FloatProgress(min=0, max=1, layout=widgets.Layout(width="160px", display="none"))
        self.stop = widgets.Button(
            description="Stop job", icon="stop", tooltip="End the job; what it has made so far is lost",
            layout=widgets.Layout(width="auto", display="none"),
        )  # fmt: skip
        self.log_shown = widgets.ToggleButton(
            description="Show log", icon="file-text-o", tooltip="The end of what the job has printed",
            layout=widgets.Layout(width="auto", display="none"),
        )  # fmt: skip
        self.verdict = widgets.HTML()
        self.log = widgets.HTML(layout=widgets.Layout(display="none"))
        self.stop.on_click(lambda _: self._stop())
        self.log_shown.observe(lambda change: self._unfold(shown=change["new"]), "value")
        row = widgets.HBox(
            [self.progress, self.verdict, self.stop, self.log_shown],
            layout=widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="4px 10px"),
        )
        self.view = widgets.VBox([row, self.report.view, self.log])

    def say(self, markup: str, *, state: str) -> None:
        """A sentence about the job, as HTML."""
        self.verdict.value = f'<div class="sw-verdict" role="status" data-state="{state}">{markup}</div>'

    def fail(self, error: Exception) -> None:
        """What went wrong, in the sentence's place."""
        self.verdict.value = html.failure(error)

    def follow(self, job: Job, cancel: threading.Event) -> None:
        """Show a job until it has ended. Raises Cancelled when something else is to be shown; the job runs on."""
        self.job = job
        self.report.hide()
        self.log.value = ""
        self.progress.value = 0
        self.stop.disabled = False
        self.progress.layout.display = self.stop.layout.display = self.log_shown.layout.display = ""
        self._running = True
        pause = _POLL if job.target == "local" else _POLL_AFAR
        read = 0.0
        try:
            while job.status == "running":
                now = job.progress
                self.progress.value = now.overall
                self.say(html.running(job.name, now.message), state="running")
                if self.log_shown.value and time.monotonic() - read >= _LOG_EVERY:
                    read = time.monotonic()
                    self._read(job)
                if cancel.wait(pause):
                    raise Cancelled("the panel stopped watching; the job runs on")
        finally:
            self._running = False
            self.progress.layout.display = self.stop.layout.display = "none"
        mode = str(record(job).get("params", {}).get("mode", ""))
        self.say(html.verdict(job.name, job.status, job.verdict, mode), state=job.status)
        if job.status == "completed":
            self.report.offer(job)
        if self.log_shown.value:
            self._read(job)

    def _stop(self) -> None:
        job = self.job
        if job is not None:
            self.stop.disabled = True
            self._stopper.submit(lambda _: self._ask_to_stop(job))

    def _ask_to_stop(self, job: Job) -> None:
        try:
            job.stop()
        finally:
            self.stop.disabled = False

    def _unfold(self, *, shown: bool) -> None:
        self.log_shown.description = "Hide log" if shown else "Show log"
        self.log.layout.display = "" if shown else "none"
        job = self.job
        # While it runs, whoever follows it reads its log too: two looks at once would get in each other's way.
        if shown and job is not None and not self._running:
            self._reader.submit(lambda _: self._read(job))

    def _read(self, job: Job) -> None:
        try:
            lines = job.log().splitlines()
        except (ValueError, OSError) as error:
            self._log_failed(error)
            return
        self.log.value = html.log(lines[-_TAIL_LINES:], len(lines))

    def _log_failed(self, error: Exception) -> None:
        self.log.value = html.failure(error)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is being stopped, read or reported."""
        return self._stopper.wait(timeout) and self._reader.wait(timeout) and self.report.wait(timeout)

    def close(self) -> None:
        """Stop looking. A running job runs on."""
        self._stopper.close()
        self._reader.close()
        self.report.close()
