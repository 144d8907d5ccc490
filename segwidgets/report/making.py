"""From a job's folder to its report."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path

from segwidgets import storage
from segwidgets.report.facts import FLOOR, Facts, ReportError
from segwidgets.report.page import page

#: Bytes of a report at most; pictures are left out before it grows beyond that.
LIMIT = 5_000_000
#: The map, and what jobs of an earlier version left of it.
_PICTURES = ("map.png", "cloud.png")


def make_report(
    output: Path,
    *,
    floor: int = FLOOR,
    title: str | None = None,
    comparison: Mapping[str, object] | None = None,
    made: dt.datetime | None = None,
) -> str:
    """The report of a finished job as HTML.

    Args:
        output: the job's ``output/data``: ``report.json`` and ``figures/``.
        floor: customers that a segment must have to be told of; 5 or more.
        title: of the page.
        comparison: what a comparison with an earlier run says in public.
        made: when; now by default.

    Raises:
        ReportError: the job has left nothing to report, or the floor is too low.
    """
    try:
        said = json.loads((output / "report.json").read_text("utf-8"))
    except FileNotFoundError:
        raise ReportError(
            f"{output} holds no report.json: the job has not finished, or failed. Wait for it, or look at its log."
        ) from None
    except ValueError:
        raise ReportError(f"{output / 'report.json'} is damaged: run the job again.") from None
    if not isinstance(said, dict):
        raise ReportError(f"{output / 'report.json'} is damaged: run the job again.")
    facts = Facts.from_dict(said, floor=floor, verdict=_verdict(output))
    pictures = {}
    for name in _PICTURES:
        place = output / "figures" / name
        if place.is_file() and place.stat().st_size < LIMIT // 2:
            pictures[name] = place.read_bytes()
    return page(facts, pictures, title=title, made=made, comparison=comparison)


def _verdict(output: Path) -> str:
    try:
        said = json.loads((output / "verdict.json").read_text("utf-8"))
        return str(said["text"] if "text" in said else said["verdict"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def write_report(output: Path, target: Path, **settings: object) -> Path:
    """Write the report to a file, whole or not at all; returns its path. Raises as `make_report`, and OSError."""
    storage.write_atomic(target, make_report(output, **settings))  # type: ignore[arg-type]
    return target
