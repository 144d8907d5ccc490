"""From a job's folder to its report."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path

from segwidgets import storage
from segwidgets.compute.progress import Tick, no_tick
from segwidgets.report.facts import FLOOR, Facts, ReportError
from segwidgets.report.live import FEWEST, checked_points, live_map
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
    points: int = 0,
    layered: Mapping[str, object] | None = None,
    tick: Tick = no_tick,
) -> str:
    """The report of a finished job as HTML.

    Args:
        output: the job's ``output/data``: ``report.json`` and ``figures/``.
        floor: customers that a segment must have to be told of; 5 or more.
        title: of the page.
        comparison: what a comparison with an earlier run says in public.
        made: when; now by default.
        points: 100 to 40,000: the page also holds a shuffled sample of so many places of the map, which it says, and a
            slider of eps that relabels them in the browser, exactly as all rows would be. 0: no sample, no script.
        layered: see `Facts.from_dict`.
        tick: called with the share done; may raise `Cancelled`.

    Raises:
        ReportError: the job has left nothing to report, the floor is too low, or ``points`` is not allowed.
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
    facts = Facts.from_dict(said, floor=floor, verdict=_verdict(output), layered=layered)
    live = live_map(output, facts, points, tick=tick) if checked_points(points, facts.rows) else None
    pictures = {}
    for name in _PICTURES:
        place = output / "figures" / name
        if place.is_file() and place.stat().st_size < LIMIT // 2:
            pictures[name] = place.read_bytes()
    whole = page(facts, pictures, title=title, made=made, comparison=comparison, live=live)
    if live is not None and len(whole.encode()) >= LIMIT:
        raise ReportError(
            f"points={points} makes a file of {len(whole.encode()) / 1e6:.1f} MB, and it must stay under "
            f"{LIMIT / 1e6:.0f} MB: take fewer points, from {FEWEST}."
        )
    return whole


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
