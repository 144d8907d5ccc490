"""A job's report as people ask for it: compared with the last approved run, with the layer that they made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from segwidgets.compute.progress import Cancelled, Tick
from segwidgets.jobs import Job
from segwidgets.report import FLOOR, write_report
from segwidgets.report.facts import LOWEST_FLOOR
from segwidgets.result import Progress

if TYPE_CHECKING:
    import threading

    from segwidgets.layer import Layer

__all__ = ["report_job"]

#: Compare with the last approved run; compare with none.
APPROVED, NOTHING = "approved", "none"


def report_job(
    job: Job | str,
    target: Path,
    *,
    since: Job | str = APPROVED,
    points: int = 0,
    floor: int = FLOOR,
    title: str | None = None,
    layer: Layer | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
) -> Path:
    """Write a job's report to a file, whole or not at all; returns its path.

    Args:
        job: a finished job, or its name.
        target: where the HTML file is written; one that is there is replaced.
        since: what it is compared with: "approved", the last approved job of the same experiment and table; "none"; or
            an earlier job, or its name.
        points: of the live map, 100 to 40,000; 0 for none. See `report.make_report`.
        floor: customers that a segment must have to be told of; 5 or more.
        title: of the page.
        layer: names, merges and locks that people made on this job's labels. Without one the names are those that the
            job was promoted with.
        progress: called in this thread.
        cancel: when set, the work stops and no file is written.

    Raises:
        ReportError: the job has left nothing to report, or ``points`` or ``floor`` is not allowed.
        ValueError: there is no such job, ``since`` shares no customer with it, or the layer does not fit.
        Cancelled: ``cancel`` was set.
        OSError: the file could not be written.
    """
    made = Job.load(job) if isinstance(job, str) else job

    def part(low: float, high: float, message: str) -> Tick:
        def tick(done: float) -> None:
            if cancel is not None and cancel.is_set():
                raise Cancelled(f"cancelled while {message[0].lower()}{message[1:]}")
            if progress is not None:
                progress(Progress("report", done, low + (high - low) * min(1.0, done), message))

        return tick

    tick = part(0.0, 0.2, "Comparing with the earlier run")
    tick(0.0)
    comparison = _comparison(made, since, floor)
    layered = None if layer is None else _layered(made, layer, part(0.2, 0.5, "Describing the segments"))
    tick = part(0.5, 1.0, "Writing the report")
    tick(0.0)
    write_report(
        made.output_data,
        target,
        floor=floor,
        title=title,
        comparison=comparison,
        points=points,
        layered=layered,
        tick=tick,
    )
    if progress is not None:
        progress(Progress("report", 1.0, 1.0, "Done"))
    return target


def _comparison(job: Job, since: Job | str, floor: int) -> dict[str, Any] | None:
    """What the report says of what changed; None where it shall say nothing."""
    from segwidgets.comparing import compare
    from segwidgets.jobs.approval import last_approved

    if since == NOTHING:
        return None
    if since != APPROVED:
        found = compare(since, job).for_report(floor)
        name = since if isinstance(since, str) else since.name
        return {**found, "heading": f"Since the run {name}"}
    earlier = last_approved(job)
    if earlier is None:
        return {
            "sentences": ["No earlier run of this experiment and table has been approved: nothing to compare with."]
        }
    try:
        found = compare(earlier, job).for_report(floor)
    except ValueError as error:  # nobody asked for this run by name, so the report is made without it
        return {"sentences": [f"The last approved run, {earlier.name}, cannot be compared with: {error}"]}
    return {**found, "sentences": [f"The last approved run is {earlier.name}.", *found["sentences"]]}


def _layered(job: Job, layer: Layer, tick: Tick) -> dict[str, Any]:
    """The segments as people made them; ``members``: which of the job's labels each of them has most rows of."""
    from segwidgets.segmentation import segmentation
    from segwidgets.segments import describe_segments

    raw = segmentation(job)
    found = describe_segments(raw, layer=layer, progress=lambda now: tick(now.overall))
    labels = found.run.labels
    members: dict[str, list[int]] = {}
    for label in range(int(raw.labels.max(initial=-1)) + 1):
        homes = labels[raw.labels == label]
        if len(homes) and (home := int(np.bincount(homes + 1).argmax()) - 1) >= 0:
            members.setdefault(str(home), []).append(label)
    return {
        "segments": [
            {"segment": one.segment, "size": one.size, "share": one.share, "features": []}
            for one in found.described.segments
        ],
        "names": {str(label): name for label, name in found.run.names.items()},
        "described": found.to_public(floor=LOWEST_FLOOR),
        "members": {str(one.segment): members.get(str(one.segment), []) for one in found.described.segments},
    }
