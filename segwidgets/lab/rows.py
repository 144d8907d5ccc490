"""The runs as the browser lists them: rows of the leaderboard and of the jobs, joined by name.

A row has these fields; one that is not known is null:

- of the leaderboard: ``name``, ``experiment``, ``trial``, ``status`` ("running", "completed", "failed", "stopped"),
  ``verdict``, ``segments``, ``coverage``, ``smallest``, ``largest`` (0 to 1), ``silhouette``, ``eps``, ``min_samples``,
  ``n_neighbors``, ``min_dist``, ``started`` (ISO 8601), ``duration`` (seconds), ``source`` ("local", "mlflow", "managed
  mlflow", "experiments", "untold", several with + between; "" while no tracker knows the run), ``reason`` ("" where it
  completed), ``recipe`` (its digest);
- of the job, where it was promoted from this machine: ``target`` ("local", "sagemaker"), ``stage``, ``progress`` (0 to
  1), ``path`` (its folder), ``created`` (seconds since 1970), and where the job tells them ``cost`` (US dollars),
  ``cost_is_limit`` (it may cost that at most) and ``console`` (the address of its page);
- ``report``: whether its folder holds a report (`report_in`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]

_BOARD = (
    "name", "experiment", "trial", "status", "verdict", "segments", "coverage", "smallest", "largest", "silhouette",
    "eps", "min_samples", "n_neighbors", "min_dist", "started", "duration", "source", "reason", "recipe",
)  # fmt: skip
_JOB = ("target", "stage", "progress", "path", "created", "cost", "cost_is_limit", "console")
_EMPTY: Row = dict.fromkeys((*_BOARD, *_JOB))


def joined(board: Sequence[Mapping[str, Any]], jobs: Sequence[Mapping[str, Any]]) -> list[Row]:
    """One row a run, the newest first. Where both know a run, its job knows better how it stands."""
    waiting = {str(job["name"]): job for job in jobs}
    rows = [_row(run, waiting.pop(str(run["name"]), None)) for run in board]
    rows += [_row({"source": ""}, job) for job in waiting.values()]
    return sorted(rows, key=lambda row: str(row["started"] or ""), reverse=True)


def _row(run: Mapping[str, Any], job: Mapping[str, Any] | None) -> Row:
    row = {**_EMPTY, **{name: run.get(name) for name in _BOARD}}
    if job is None:
        return row
    row |= {name: job.get(name) for name in ("name", "experiment", "trial", "status", *_JOB)}
    # A job that did not complete gives its reason for a verdict; here each has its place.
    row["verdict"] = job.get("verdict") or "" if job.get("status") == "completed" else run.get("verdict") or ""
    row["reason"] = job.get("reason") or ""
    if row["started"] is None and job.get("created"):
        row["started"] = dt.datetime.fromtimestamp(float(job["created"]), dt.timezone.utc).isoformat()
    return row


def report_in(folder: Path) -> Path | None:
    """A job's report, if it lies in the job's folder for real and not behind a link that leads out of it."""
    place = folder / "output" / "data" / "report.html"
    try:
        found = place.resolve(strict=True)
        return found if found.is_file() and found.is_relative_to(folder.resolve(strict=True)) else None
    except (OSError, RuntimeError):  # there is none, or links go round
        return None


def with_reports(page: Sequence[Row]) -> list[Row]:
    """The rows with ``report``; looks at files, so it is not for the event loop."""
    return [{**row, "report": bool(row["path"]) and report_in(Path(row["path"])) is not None} for row in page]
