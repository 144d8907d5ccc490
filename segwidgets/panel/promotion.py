"""The panel's lower part: promote the settings to a job, follow it, read the leaderboard."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from segwidgets.data import Table
from segwidgets.jobs import Job, jobs, promote
from segwidgets.jobs.spec import MODES, TARGETS
from segwidgets.names import Names
from segwidgets.panel import html
from segwidgets.panel.board import Board
from segwidgets.panel.following import Following, over, record
from segwidgets.panel.remote import Remote
from segwidgets.panel.worker import Lane
from segwidgets.recipe import Recipe
from segwidgets.session import Result

_TARGET_WORDS = {
    "local": "A process of its own on this machine, which survives the kernel.",
    "sagemaker": "A SageMaker training job: check it first, what it may cost is told before it can be promoted.",
}
_MODE_WORDS = {
    "embedding": "The job is given this map, finds its segments again and compares them row by row.",
    "refit": "The job is given the rows only and computes everything anew: how far it agrees is told as an ARI.",
}


@dataclasses.dataclass(frozen=True)
class _Checked:
    """What a preflight looked at, whether it may be started, on which image, and under which name, once."""

    asked: dict[str, Any]
    ok: bool
    image_digest: str
    name: str | None


class Promotion:
    """Promote button, the job's state and verdict, and the leaderboard. A job of this table that runs is followed.

    Args:
        table: what the job runs on.
        current: gives the finished result that the panel shows, computing what is missing, and what its segments are
            called; called off the main thread, and cancelled like any work.
        go: called, off the main thread, with the recipe and the names of a run that the user opens.
    """

    def __init__(
        self,
        table: Table,
        current: Callable[[threading.Event], tuple[Result, Names]],
        go: Callable[[Recipe, Names], None],
    ) -> None:
        self._table = table
        self._current = current
        self._shown: Result | None = None
        self._preparing = False
        self._checked: _Checked | None = None
        self._lane = Lane("promote", failed=self._failed)
        self._checks = Lane("preflight", failed=self._not_checked)
        self.following = Following()
        self.board = Board(table, go)
        self.remote = Remote(self.check, self._changed, self._tell)
        narrow = widgets.Layout(width="230px")
        style = {"description_width": "76px"}
        self.target = widgets.Dropdown(
            options=list(TARGETS), description="target", tooltip="Where the job runs", style=style, layout=narrow
        )
        self.mode = widgets.Dropdown(
            options=list(MODES), description="mode", tooltip="What the job computes", style=style, layout=narrow
        )
        self.words = widgets.HTML()
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
        self.button.on_click(lambda _: self.start())
        for field in (self.target, self.mode, self.experiment, self.trial):
            field.observe(lambda _: self._changed(), "value")
        self.view = self._assemble()
        self._changed()
        self._lane.submit(self._follow_running)

    def _assemble(self) -> widgets.VBox:
        fields = [self.target, self.mode, self.experiment, self.trial, self.button, self.board.refresh]
        row = widgets.HBox(fields, layout=widgets.Layout(flex_flow="row wrap", align_items="center"))
        return widgets.VBox(
            [
                widgets.HTML(html.group("Promote to a tracked job")),
                row,
                self.words,
                self.remote.view,
                self.shipped,
                self.following.view,
                self.board.view,
            ]
        )

    @property
    def job(self) -> Job | None:
        """The job that is shown, or None."""
        return self.following.job

    def show(self, result: Result) -> None:
        """There is something to promote: say what would be shipped."""
        self._shown = result
        self._tell()

    def start(self) -> None:
        """Promote what the panel shows now."""
        self._preparing = True
        self._tell()
        self.following.say("Preparing the job …", state="preparing")
        self._lane.submit(self._promote)

    def check(self) -> None:
        """Look at what a job elsewhere stands on and costs, before it can be started."""
        self._checked = None
        self.remote.offer_force(offered=False)
        self.remote.check.disabled = True
        self.remote.report.value = '<div class="sw-dim" role="status">Checking …</div>'
        self._tell()
        self._checks.submit(self._check)

    def _asked(self) -> dict[str, Any]:
        """The arguments of `promote` that the fields say."""
        return {
            "target": self.target.value,
            "mode": self.mode.value,
            "experiment": self.experiment.value.strip() or None,
            "trial": self.trial.value.strip() or None,
            **({} if self.target.value == "local" else self.remote.keywords()),
        }

    def _changed(self) -> None:
        """A field changed: what was checked is not what would be started any more."""
        if self._checked is not None:
            self.remote.report.value = '<div class="sw-dim" role="status">Changed since the check: check again.</div>'
        self._checks.cancel()
        self._checked = None
        self.remote.offer_force(offered=False)
        self.remote.check.disabled = False
        self._tell()

    def _tell(self) -> None:
        target = self.target.value
        elsewhere = target != "local"
        self.remote.show(shown=elsewhere)
        ready = not elsewhere or self._may_start(self._checked)
        self.button.disabled = self._shown is None or self._preparing or not ready
        self.words.value = html.chosen(_TARGET_WORDS.get(target, ""), _MODE_WORDS[self.mode.value])
        if self._shown is not None:
            self.shipped.value = html.shipped(self._shown, self._table, self.mode.value)

    def _check(self, cancel: threading.Event) -> None:
        from segwidgets.jobs import plan

        asked = self._asked()
        result, names = self._current(cancel)
        made = plan(result.recipe, self._table, result=result, names=names, **asked)
        looked = made.preflight()
        if cancel.is_set():  # a field changed meanwhile: this was another job
            return
        self._checked = _Checked(asked, looked.ok, looked.image_digest, made.spec.name)
        cost = "" if looked.cost is None else looked.cost.text
        self.remote.report.value = html.preflight(looked.ok, looked.checks, cost)
        self.remote.offer_force(offered=not looked.ok)
        self.remote.check.disabled = False
        self._tell()

    def _not_checked(self, error: Exception) -> None:
        self.remote.report.value = html.failure(error)
        self.remote.check.disabled = False

    def _promote(self, cancel: threading.Event) -> None:
        result, names = self._current(cancel)
        checked = self._checked
        try:
            if self.target.value == "local":
                job = promote(result.recipe, self._table, result=result, names=names, **self._asked())
            elif checked is not None and self._may_start(checked) and checked.asked == self._asked():
                job = self._launch(result, names, checked)
            else:
                raise ValueError("this job has not been checked: press “Check and price” first.")
            self._preparing = job.target == "local"  # it is soon done, and a second click was hardly meant
            self._tell()
            self.following.follow(job, cancel)
        finally:
            if not cancel.is_set():  # or the next job is being prepared
                self._preparing = False
                self._tell()
        self.board.read()

    def _may_start(self, checked: _Checked | None) -> bool:
        return checked is not None and (checked.ok or bool(self.remote.force.value))

    def _launch(self, result: Result, names: Names, checked: _Checked) -> Job:
        from segwidgets.jobs import plan

        def told(done: int, total: int) -> None:
            self.following.say(html.uploading(done, total), state="preparing")

        made = plan(result.recipe, self._table, result=result, names=names, name=checked.name, **checked.asked)
        job = made.on_image(checked.image_digest).launch(told)
        if self._checked is checked:  # a second click is another job, and no two have one name
            self._checked = dataclasses.replace(checked, name=None)
        return job

    def _follow_running(self, cancel: threading.Event) -> None:
        """Follow the newest job of this table that still runs: an earlier panel, or another kernel, promoted it."""
        for job in jobs():
            if cancel.is_set():
                return
            ours = record(job).get("params", {}).get("table_digest") == self._table.digest
            if ours and not over(job) and job.status == "running":
                self.following.follow(job, cancel)
                self.board.read()
                return

    def _failed(self, error: Exception) -> None:
        self.following.fail(error)
        self._preparing = False
        self._tell()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job has its verdict and the leaderboard is read."""
        return (
            self._checks.wait(timeout)
            and self._lane.wait(timeout)
            and self.following.wait(timeout)
            and self.board.wait(timeout)
        )

    def close(self) -> None:
        """Stop watching. A running job runs on."""
        self._lane.close()
        self._checks.close()
        self.following.close()
        self.board.close()
