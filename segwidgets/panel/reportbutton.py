"""The button beside a finished job that writes its report for the client, and the link that downloads it."""

from __future__ import annotations

import base64
import json
import threading
from pathlib import Path

import ipywidgets as widgets

from segwidgets.jobs import Job
from segwidgets.panel import html
from segwidgets.panel.tabs.work import Show, Work
from segwidgets.report import FLOOR
from segwidgets.report.making import LIMIT
from segwidgets.reporting import report_job

#: Points of a live map, where the table has as many rows.
_POINTS = 3_000

_STYLE = """<style>
.sw-report a{color:var(--jp-content-link-color,#1565c0);text-decoration:underline}
.sw-report .sw-made{line-height:1.5;overflow-wrap:anywhere;color:var(--jp-ui-font-color1,#222)}
</style>"""


class ReportButton:
    """Writes the report of one finished job at a time, anew at each click.

    ``live``: whether the report holds a map that answers eps, of a sample of ``points`` places, which the file says.
    ``floor``: customers that a segment must have to be told of. ``path``: where the report is written; the job's
    ``output/data/report.html`` where it is empty. ``made`` says where it is, and downloads it: the link holds the file
    itself, so that it works in any front end. ``written`` is the file of the last click, or None.
    """

    def __init__(self) -> None:
        self._job: Job | None = None
        self._ours: set[Path] = set()
        self.written: Path | None = None
        self.work = Work(
            "report", "Report", icon="file-text", do=self._write,
            tooltip="Write the job's report for the client: one HTML file that needs no network, without ids",
        )  # fmt: skip
        self.button, self.lane = self.work.button, self.work.lane
        style = {"description_width": "initial"}
        self.floor = widgets.IntText(
            value=FLOOR, description="segments from", style=style, layout=widgets.Layout(width="160px"),
            tooltip="Segments of fewer customers are left out of the report; 5 at least",
        )  # fmt: skip
        self.live = widgets.Checkbox(
            description="with a live map of", indent=False, layout=widgets.Layout(width="auto"),
            tooltip="The file also holds a shuffled sample of the map's places, with a slider of eps; it says so",
        )  # fmt: skip
        self.points = widgets.IntText(
            value=_POINTS, layout=widgets.Layout(width="84px"), disabled=True,
            tooltip="How many points of the map stand in the file",
        )  # fmt: skip
        self.live.observe(lambda change: setattr(self.points, "disabled", not change["new"]), "value")
        self.path = widgets.Text(
            placeholder="with the job", description="file", style=style, layout=widgets.Layout(width="260px"),
            tooltip="Where the report is written; it lies with the job's files where this is empty",
        )  # fmt: skip
        self.made = widgets.HTML()
        told = widgets.HTML('<span class="sw-dim">points, said in the file</span>')
        fields = widgets.HBox(
            [self.work.view, self.live, self.points, told, self.floor, self.path],
            layout=widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="4px 10px"),
        )
        self.view = widgets.VBox([widgets.HTML(_STYLE), fields, self.made])
        self.view.add_class("sw-report")
        self.hide()

    def offer(self, job: Job) -> None:
        """Offer the report of a job that has completed."""
        self.hide()
        self._job = job
        self.points.value = min(_POINTS, _rows(job))
        self.button.disabled = False
        self.view.layout.display = ""

    def hide(self) -> None:
        """There is no finished job to report."""
        self.lane.cancel()
        self._job = self.written = None
        self.work.clear()
        self.made.value = ""
        self.button.disabled = True
        self.view.layout.display = "none"

    def _write(self, show: Show, cancel: threading.Event) -> None:
        job = self._job
        if job is None:
            raise ValueError("there is no finished job to report: promote one, and wait for it.")
        target = self._target(job)
        self.made.value = ""
        points = int(self.points.value) if self.live.value else 0
        if self.live.value and not points:
            raise ValueError("points=0 is no live map: name a number from 100, or untick “with a live map”.")
        report_job(job, target, points=points, floor=int(self.floor.value), progress=show, cancel=cancel)
        self._ours.add(target)
        if not cancel.is_set():
            self.written = target
            self.made.value = _link(target, f"report-{job.name}.html")
            self.work.say("")

    def _target(self, job: Job) -> Path:
        """Where the report goes; ValueError where another file would be lost."""
        said = str(self.path.value).strip()
        if not said:
            return job.output_data / "report.html"
        target = Path(said).expanduser().absolute()
        if target.is_dir():
            raise ValueError(f"{target} is a folder: name a file in it, such as {target / 'report.html'}.")
        if target.exists() and target not in self._ours:
            raise ValueError(f"{target} is there already, and is not of this panel: name another file, or remove it.")
        return target

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the report is written."""
        return self.lane.wait(timeout)

    def close(self) -> None:
        """Stop all work."""
        self.lane.close()


def _rows(job: Job) -> int:
    """Rows of a finished job; as many as a map usually takes where that cannot be read."""
    try:
        return int(json.loads((job.output_data / "report.json").read_text("utf-8"))["rows"])
    except (OSError, ValueError, KeyError, TypeError):
        return _POINTS


def _link(path: Path, name: str) -> str:
    """Where a report lies, and a link that holds it whole; without the link where it is too large for a page."""
    content = path.read_bytes()
    place = f"Report: <code>{html.escape(path)}</code> ({len(content) / 1e6:,.1f} MB)"
    if len(content) > LIMIT:
        told = f"It is larger than {LIMIT / 1e6:g} MB: take it from there."
        return f'<div class="sw-made" role="status">{place}. {told}</div>'
    data = base64.b64encode(content).decode()
    link = f'<a download="{html.escape(name)}" href="data:text/html;base64,{data}">Download</a>'
    return f'<div class="sw-made" role="status">{place} · {link}</div>'
