"""Jobs: a recipe and a table promoted to a run that proves it reproduced what the panel showed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segwidgets.lazy import lazy

if TYPE_CHECKING:
    from segwidgets.jobs.board import leaderboard
    from segwidgets.jobs.job import Job, jobs
    from segwidgets.jobs.planning import Plan, RefusedError, plan
    from segwidgets.jobs.promotion import promote
    from segwidgets.jobs.verify import ResultError, StoredResult, read_result

__all__ = [
    "Job",
    "Plan",
    "RefusedError",
    "ResultError",
    "StoredResult",
    "jobs",
    "leaderboard",
    "plan",
    "promote",
    "read_result",
]

_HOMES = {
    "Job": "job",
    "Plan": "planning",
    "RefusedError": "planning",
    "ResultError": "verify",
    "StoredResult": "verify",
    "jobs": "job",
    "leaderboard": "board",
    "plan": "planning",
    "promote": "promotion",
    "read_result": "verify",
}


__getattr__, __dir__ = lazy(__name__, _HOMES)
