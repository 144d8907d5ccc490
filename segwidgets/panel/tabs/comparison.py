"""The Compare tab: a finished job beside what is shown, and whether it may be used on this week's table."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from pathlib import Path
from typing import Literal

import ipywidgets as widgets

from segwidgets.comparing import Compared, Drifted, NobodyInCommonError, compare, drift
from segwidgets.data.errors import plural
from segwidgets.jobs import Job, jobs
from segwidgets.panel import html
from segwidgets.panel.tabs import comparisonwords as words
from segwidgets.panel.tabs.tab import Surroundings
from segwidgets.panel.tabs.work import Show, Work
from segwidgets.panel.worker import Lane
from segwidgets.result import Progress, Result
from segwidgets.segmentation import segmentation

#: The entry of the list where there is no job.
_NO_JOB = "no job of this machine has finished"


class CompareTab:
    """Holds a finished job against the map that is shown, and against the panel's table.

    Args:
        around: what the tab works with.

    ``job`` lists the finished jobs of this machine, the newest first; ``other`` takes a job's name or a folder, which
    goes before. ``baseline`` is the share of customers that moves between two runs alike. ``compared`` and ``drifted``
    are what was found last, or None.
    """

    title = "Compare"

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._shown: Result | None = None
        self._compared_with: tuple[str, str] | None = None
        self.compared: Compared | None = None
        self.drifted: Drifted | None = None
        wide = widgets.Layout(width="min(520px, 96%)")
        style = {"description_width": "76px"}
        self.job = widgets.Dropdown(
            options=[(_NO_JOB, "")],
            description="job",
            tooltip="A finished job, the newest first",
            style=style,
            layout=wide,
        )
        self.refresh = widgets.Button(
            description="Refresh", icon="refresh", tooltip="Look for finished jobs", layout=widgets.Layout(width="auto")
        )
        self.other = widgets.Text(
            placeholder="instead: a job's name, or a folder of results", description="or", style=style, layout=wide,
            tooltip="A job's name, or the folder that Result.save or `segwidgets run --out` wrote",
        )  # fmt: skip
        self.baseline = widgets.Text(
            placeholder="a share, or own", description="baseline", style=style, layout=widgets.Layout(width="230px"),
            tooltip="The share of customers that moves by chance, such as 0.02; own: worked out of the run's rows",
        )  # fmt: skip
        self.comparing = Work(
            "compare", "Compare with what is shown", icon="exchange", do=self._compare,
            tooltip="Who moved between the job and the map that is shown",
        )  # fmt: skip
        self.drifting = Work(
            "drift", "Does that run still fit this table?", icon="balance-scale", do=self._drift,
            tooltip="Assign this table's rows to the job's segments, and hold its columns against the job's",
        )  # fmt: skip
        self._reader = Lane("finished-jobs", failed=self._unread)
        self.listing, self.earlier = widgets.HTML(), widgets.HTML()
        self.moved, self.fits = widgets.HTML(), widgets.HTML()
        self.refresh.on_click(lambda _: self.read())
        for field in (self.job, self.other):
            field.observe(lambda _: self._tell(), "value")
        self.view = self._assemble()
        self.lanes = (self._reader, self.comparing.lane, self.drifting.lane)
        self._tell()
        self.read()

    def _assemble(self) -> widgets.VBox:
        def row(*parts: widgets.Widget) -> widgets.HBox:
            return widgets.HBox(parts, layout=widgets.Layout(flex_flow="row wrap", align_items="center"))

        view = widgets.VBox(
            [
                widgets.HTML(words.STYLE),
                row(self.job, self.refresh),
                row(self.other, self.baseline),
                self.listing,
                self.comparing.view,
                self.earlier,
                self.moved,
                self.drifting.view,
                self.fits,
            ]
        )
        view.add_class("sw-comparing")
        return view

    def show(self, result: Result) -> None:
        """The panel shows this result now: say where the comparison is with another."""
        self._shown = result
        self._tell()

    def read(self) -> None:
        """Look for finished jobs."""
        self.refresh.disabled = True
        self._reader.submit(self._read)

    @property
    def chosen(self) -> str:
        """The job's name or the folder that is compared; empty where there is none."""
        return str(self.other.value).strip() or str(self.job.value or "")

    # -- the jobs ----------------------------------------------------------------------------------------------------

    def _read(self, cancel: threading.Event) -> None:
        try:
            found = [(_called(job), job.name) for job in jobs() if _finished(job)]
        finally:
            self.refresh.disabled = False
        if cancel.is_set():
            return
        before = self.job.value
        self.job.options = found or [(_NO_JOB, "")]
        if before in {name for _, name in found}:
            self.job.value = before
        self.listing.value = ""
        self._tell()

    def _unread(self, error: Exception) -> None:
        self.listing.value = html.failure(error)

    # -- the work ----------------------------------------------------------------------------------------------------

    def _compare(self, show: Show, cancel: threading.Event) -> None:
        shown, chosen = self._around.shown(), self.chosen
        if shown is None:
            raise ValueError("there is no map to compare with yet: wait until it is shown.")
        if not chosen:
            raise ValueError("no job is chosen: choose one, or name a folder of results.")
        baseline = _share(self.baseline.value)
        show(Progress("compare", 0.0, 0.0, "Reading the run"))
        then = segmentation(_place(chosen))
        named = dataclasses.replace(shown, names=self._around.names().of(shown.labels))
        now = dataclasses.replace(segmentation(named), name="what is shown")
        show(Progress("compare", 0.0, 0.3, "Following the customers"))
        try:
            # Rows can be held out of the run itself only, not of what was read of it.
            found = compare(_place(chosen) if baseline == "own" else then, now, baseline=baseline)
        except NobodyInCommonError as error:
            self._take(None, shown, words.heading(f"From {then.name} to {now.name}") + words.said(str(error)), cancel)
            return
        show(Progress("compare", 0.5, 0.8, "Drawing who moved"))
        self._take(found, shown, _moved(found), cancel)

    def _take(self, found: Compared | None, shown: Result, told: str, cancel: threading.Event) -> None:
        if cancel.is_set():
            return
        self.compared, self._compared_with = found, _key(shown)
        self._shown = self._around.shown() or shown
        self.moved.value = told
        self.comparing.say("Compared." if found is not None else "Nobody can be followed.")
        self._tell()

    def _drift(self, show: Show, cancel: threading.Event) -> None:
        chosen = self.chosen
        if not chosen:
            raise ValueError("no job is chosen: choose one, or name a folder of results.")
        show(Progress("drift", 0.0, 0.0, "Reading the run and its rows"))
        found = drift(_place(chosen), self._around.session.table, progress=show, cancel=cancel)
        if cancel.is_set():
            return
        self.drifted = found
        title = words.heading(f"{found.run.name} on {self._around.session.table.name}")
        self.fits.value = title + words.verdict(found) + words.assigned(found) + words.columns(found)
        self.drifting.say(f"{plural(len(found.assigned.labels), 'row')} assigned.")

    def _tell(self) -> None:
        """What can be asked for now, and whether the comparison is with what is shown."""
        shown = self._shown if self._shown is not None else self._around.shown()
        self.comparing.button.disabled = shown is None or not self.chosen
        self.drifting.button.disabled = not self.chosen
        stale = self._compared_with is not None and shown is not None and _key(shown) != self._compared_with
        self.earlier.value = words.earlier() if stale else ""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is read or compared."""
        return all(lane.wait(timeout) for lane in self.lanes)

    def close(self) -> None:
        """Stop all work."""
        for lane in self.lanes:
            lane.close()


def _moved(found: Compared) -> str:
    """A comparison as HTML: sentences, the diagram with its words, the events, and the matrix."""
    told = words.sentences(found)
    parts = [words.heading(f"From {found.a.name} to {found.b.name}"), words.said(*told)]
    if not words.readable(found):
        return "".join([*parts, words.events(found), words.said(words.too_many(found))])
    from segwidgets.panel import svg

    figure = svg.inline(found.figure(), "Flow diagram of who moved between the segments. " + " ".join(told))
    return "".join([*parts, figure, words.events(found), words.matrix(found)])


def _key(result: Result) -> tuple[str, str]:
    """What tells one shown result from another, its scores aside."""
    return result.recipe.digest, result.label_digest


def _place(chosen: str) -> str:
    """A job's name, or a folder with ``~`` written out."""
    return str(Path(chosen).expanduser()) if chosen.startswith("~") else chosen


def _share(text: str) -> float | Literal["own"] | None:
    """The baseline that a field says; None where it is empty."""
    said = text.strip()
    if not said:
        return None
    if said == "own":
        return "own"
    try:
        percent = said.endswith("%")
        return float(said.removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        raise ValueError(
            f"baseline={said!r} is not allowed: it is a share from 0 to 1, such as 0.02 or 2%, or 'own'."
        ) from None


def _finished(job: Job) -> bool:
    """Whether a job has completed; one elsewhere that has not been seen to end is not asked for."""
    return (job.target == "local" or not job.unfinished) and job.status == "completed"


def _called(job: Job) -> str:
    """A job in the list: its name, its segments and when it was promoted."""
    try:
        scores = json.loads((job.output_data / "result" / "scores.json").read_text("utf-8"))
        segments = f" · {plural(int(scores['clusters']), 'segment')}"
    except (OSError, ValueError, KeyError, TypeError):
        segments = ""
    return f"{job.name}{segments} · {time.strftime('%d %b %Y %H:%M', time.localtime(job.created))}"
