"""Which jobs somebody has approved: a mark in the job's folder, which counts, and a tag in its trackers, for people.

A report compares with the last approved job of the same experiment and table by default.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from typing import TYPE_CHECKING

from segwidgets import storage
from segwidgets.jobs.layout import Layout
from segwidgets.tracking import address
from segwidgets.tracking.base import TrackingError

if TYPE_CHECKING:
    from segwidgets.jobs.job import Job

_log = logging.getLogger(__name__)

_FILE = "approved.json"
#: The tag in trackers, with the time of the approval.
TAG = "segwidgets.approved"


def approve(job: Job) -> None:
    """Mark a completed job as approved; one that is approved already keeps its time.

    A tracker that cannot be told costs its tag, with a line in the log.

    Raises:
        ValueError: the job has not completed.
        OSError: the mark could not be written.
    """
    if job.status != "completed":
        raise ValueError(f"job {job.name} cannot be approved, it is {job.status}: approve one that has completed.")
    at = approved(job)
    if at is None:
        at = time.time()
        storage.write_atomic(job.path / _FILE, json.dumps({"job": job.name, "approved": at}))
    said = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    for single in Layout(job.path).ledger.addresses:
        _tell(job, single, said)


def _tell(job: Job, uri: str, said: str) -> None:
    try:
        tracker = address.tracker(uri)
        run_id = tracker.find(experiment=job.experiment, name=job.name)
        if run_id is not None:
            tracker.log(run_id, tags={TAG: said})
    except (TrackingError, OSError) as error:
        _log.warning("%s is approved, and the tracker at %s could not be told: %s", job.name, uri, error)


def approved(job: Job) -> float | None:
    """When the job was approved, seconds since 1970; None where it was not."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return float(json.loads((job.path / _FILE).read_text("utf-8"))["approved"])
    return None


def last_approved(job: Job) -> Job | None:
    """The approved job that a report of ``job`` compares with; None where there is none.

    Of the jobs of the same experiment and of a table of the same name that were promoted before it, the one approved
    last.
    """
    from segwidgets.jobs.job import jobs

    table = _table(job)
    found = [
        (at, one.created, one)
        for one in jobs()
        if one.name != job.name
        and one.created < job.created
        and one.experiment == job.experiment
        and _table(one) == table
        and (at := approved(one)) is not None
    ]
    return max(found, key=lambda each: each[:2])[2] if found else None


def _table(job: Job) -> str:
    try:
        return str(json.loads((Layout(job.path).channel("recipe") / "spec.json").read_text("utf-8"))["table_name"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
