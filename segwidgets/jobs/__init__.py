"""Jobs: a recipe and a table promoted to a run that proves it reproduced what the panel showed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segwidgets.jobs.job import Job, jobs
    from segwidgets.jobs.promotion import promote
    from segwidgets.jobs.verify import ResultError, StoredResult, read_result

__all__ = ["Job", "ResultError", "StoredResult", "jobs", "promote", "read_result"]

_HOMES = {
    "Job": "job",
    "ResultError": "verify",
    "StoredResult": "verify",
    "jobs": "job",
    "promote": "promotion",
    "read_result": "verify",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'segwidgets.jobs' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"segwidgets.jobs.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
