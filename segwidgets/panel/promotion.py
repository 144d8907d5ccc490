"""The panel's lower part: promote the settings to a job, follow it, read the leaderboard."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from segwidgets.data import Table
from segwidgets.jobs import Job, promote
from segwidgets.jobs.spec import TARGETS
from segwidgets.names import Names
from segwidgets.panel import html
from segwidgets.panel.worker import Lane
from segwidgets.session import Cancelled, Result

_log = logging.getLogger(__name__)

_POLL_SECONDS = 0.25
_BOARD_ROWS = 12
_BOARD_TIMEOUT = 120


class Promotion:
    """Promote button, the job's state and verdict, and the leaderboard.

    Args:
        table: what the job runs on.
        current: gives the finished result that the panel shows, computing what is missing, and what its segments are
            called; called off the main thread, and cancelled like any work.
    """

    def __init__(self, table: Table, current: Callable[[threading.Event], tuple[Result, Names]]) -> None:
        self._table = table
        self._current = current
        self.job: Job | None = None
        self._lane = Lane("promote", failed=self._failed)
        self._board_lane = Lane("board", failed=self._board_failed)
        narrow = widgets.Layout(width="230px")
        style = {"description_width": "76px"}
        self.target = widgets.Dropdown(
            options=list(TARGETS), description="target", tooltip="Where the job runs", style=style, layout=narrow
        )
        self.shipped = widgets.HTML()
        self.experiment = widgets.Text(value="segwidgets", description="experiment", style=style, layout=narrow)
        self.trial = widgets.Text(placeholder="by date", description="trial", style=style, layout=narrow)
        self.button = widgets.Button(
            description="Promote",
            icon="rocket",
            button_style="primary",
            disabled=True,
            tooltip="Run these settings as a tracked job that recomputes the segments and compares them",
        )
        self.refresh = widgets.Button(
            description="Leaderboard", icon="list", tooltip="Read the tracked runs", layout=widgets.Layout(width="auto")
        )
        self.progress = widgets.FloatProgress(min=0, max=1, layout=widgets.Layout(width="160px", display="none"))
        self.verdict = widgets.HTML()
        self.board = widgets.HTML()
        self.button.on_click(lambda _: self.start())
        self.refresh.on_click(lambda _: self.read_board())
        self.view = widgets.VBox(
            [
                widgets.HTML(html.group("Promote to a tracked job")),
                widgets.HBox(
                    [self.target, self.experiment, self.trial, self.button, self.refresh, self.progress],
                    layout=widgets.Layout(flex_flow="row wrap", align_items="center"),
                ),
                self.shipped,
                self.verdict,
                self.board,
            ]
        )

    def show(self, result: Result) -> None:
        """There is something to promote: say what would be shipped."""
        self.button.disabled = False
        self.shipped.value = html.shipped(result, self._table)

    def start(self) -> None:
        """Promote what the panel shows now."""
        self.button.disabled = True
        self._say("Preparing the job …", state="preparing")
        self._lane.submit(self._promote)

    def _promote(self, cancel: threading.Event) -> None:
        result, names = self._current(cancel)
        job = promote(
            result.recipe,
            self._table,
            target=self.target.value,
            names=names,
            experiment=self.experiment.value.strip() or None,
            trial=self.trial.value.strip() or None,
            result=result,
        )
        self.job = job
        self.progress.value = 0
        self.progress.layout.display = ""
        try:
            while job.status == "running":
                if cancel.wait(_POLL_SECONDS):
                    raise Cancelled("the panel stopped watching; the job runs on")
                progress = job.progress
                self.progress.value = progress.overall
                words = html.escape(progress.message)
                self._say(f"Job <code>{html.escape(job.name)}</code> is running: {words} …", state="running")
        finally:
            self.progress.layout.display = "none"
            self.button.disabled = False
        exact = ' class="exact"' if job.verdict == "exact" else ""
        words = {
            "exact": "the job found the same segments, row by row",
        }.get(str(job.verdict), "")
        self._say(
            f"Job <code>{html.escape(job.name)}</code> {html.escape(job.status)}. "
            f"Verdict: <b{exact}>{html.escape(job.verdict)}</b>{' – ' + words if words else ''}",
            state=job.status,
        )
        self.read_board()

    def _say(self, markup: str, *, state: str) -> None:
        self.verdict.value = f'<div class="sw-verdict" role="status" data-state="{state}">{markup}</div>'

    def _failed(self, error: Exception) -> None:
        self.verdict.value = html.failure(error)
        self.button.disabled = False

    def read_board(self) -> None:
        """Read the tracked runs. In a process of its own: importing MLflow here would hold up the sliders."""
        self.refresh.disabled = True
        self._board_lane.submit(self._read_board)

    def _read_board(self, _cancel: threading.Event) -> None:
        command = [sys.executable, "-m", "segwidgets.cli", "leaderboard", "--json", "--limit", str(_BOARD_ROWS)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_BOARD_TIMEOUT, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"the leaderboard could not be read: {done.stderr.strip()[-500:]}")
        records: list[dict[str, Any]] = json.loads(done.stdout)
        self.board.value = html.board(records)
        self.refresh.disabled = False

    def _board_failed(self, error: Exception) -> None:
        self.board.value = html.failure(error)
        self.refresh.disabled = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job has its verdict and the leaderboard is read."""
        return self._lane.wait(timeout) and self._board_lane.wait(timeout)

    def close(self) -> None:
        """Stop watching. A running job runs on."""
        self._lane.close()
        self._board_lane.close()
