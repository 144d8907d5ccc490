"""A run's own rows held out: some of them assigned by the others, as new rows are; kept beside the run."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from segwidgets import storage
from segwidgets.compute.density import DensityIndex
from segwidgets.compute.drift import OwnRows
from segwidgets.compute.matching import match
from segwidgets.compute.progress import Cancelled, Tick, no_tick
from segwidgets.compute.stability.samples import SHARE, sample, scaled
from segwidgets.result import array_digest
from segwidgets.run import Run

if TYPE_CHECKING:
    from segwidgets.placing import Placing
    from segwidgets.segmentation import Segmentation

__all__ = ["BUDGET", "FILE", "own_rows"]

#: Seconds that the splits may take, and how many there are.
BUDGET, SPLITS = 30.0, 5
#: What a folder of results keeps it in.
FILE = "held-out.json"
#: Below this many rows a split says nothing; more held-out rows than this say nothing more.
_FEWEST, _MOST_HELD = 50, 20_000
#: What the numbers mean: another way to make them is another version.
_VERSION = 1


class _OutOfTime(Exception):  # noqa: N818 - it is not an error
    """The budget is used up within a split."""


def own_rows(
    run: Segmentation,
    placing: Placing,
    *,
    budget: float | None = BUDGET,
    splits: int = SPLITS,
    seed: int = 0,
    tick: Tick = no_tick,
    cancel: threading.Event | None = None,
) -> OwnRows | None:
    """How many of a run's own rows are in none, or elsewhere, when the others assign them.

    In each split four rows of five keep their places on the map and are clustered anew at the run's eps, with
    min_samples scaled to them; the rest, 20,000 at most, are placed among them and assigned by the border rule. The
    layout is not made anew: what another layout would change is asked of `stability` with ``seeds``.

    Args:
        run: whose rows they are.
        placing: its features and map.
        budget: seconds; splits that are done by then count. None for as long as it takes.
        splits: 1 to 100.
        seed: of the splits.
        tick: told the share done; may raise `Cancelled`.
        cancel: when set, the work stops.

    Returns:
        What the splits gave; from the file beside the run where a call alike left it. None where there are fewer than
        50 rows, or where not one split was done in time.

    Raises:
        ValueError: ``splits`` or ``budget`` is out of range.
        Cancelled: ``cancel`` was set.
    """
    if not 1 <= splits <= 100:
        raise ValueError(f"splits={splits!r} is not allowed: it must be a whole number from 1 to 100. 5 is usual.")
    if budget is not None and not budget >= 0:
        raise ValueError(f"budget={budget!r} is not allowed: it is seconds from 0, or None for as long as it takes.")
    key = _key(run, splits, seed)
    if (kept := _read(run.place, key)) is not None:
        tick(1.0)
        return kept
    n = len(run.labels)
    if n < _FEWEST or budget == 0:
        return None
    held = min(n - round(SHARE * n), _MOST_HELD)
    end = math.inf if budget is None else time.monotonic() + budget
    none: list[int] = []
    moved: list[int] = []
    with contextlib.suppress(_OutOfTime):
        for split in range(splits):
            within = _within(tick, split, splits, end, cancel)
            out, elsewhere = _split(run, placing, split, held, seed, within)
            none.append(out)
            moved.append(elsewhere)
    if not none:
        return None
    found = OwnRows.of(none, moved, held, seed)
    if len(none) == splits:  # what the budget cut short is tried again
        _write(run.place, key, found)
    tick(1.0)
    return found


def _within(tick: Tick, split: int, splits: int, end: float, cancel: threading.Event | None) -> Tick:
    """The `Tick` of one split, which stops it when somebody asks and when the time is over."""

    def told(done: float) -> None:
        if cancel is not None and cancel.is_set():
            raise Cancelled("cancelled while assigning held-out rows")
        if time.monotonic() >= end:
            raise _OutOfTime
        tick((split + done) / splits)

    return told


def _split(run: Segmentation, placing: Placing, split: int, held: int, seed: int, tick: Tick) -> tuple[int, int]:
    """Of one split's held-out rows, how many are in none, and how many are elsewhere than in the run."""
    n, clustering = len(run.labels), run.recipe.clustering
    rest = sample(n, SHARE, seed, split)
    others = np.setdiff1d(np.arange(n), rest)
    chosen = np.sort(np.random.default_rng((seed, split, 1)).permutation(others)[:held])
    tick(0.0)
    size, eps = scaled(clustering.min_samples, SHARE), float(clustering.eps or 0)
    index = DensityIndex(run.embedding[rest], size, size, tick=lambda done: tick(0.3 * done))
    partner = match(run.labels[rest], index.labels(eps)).before

    def placed(done: float) -> None:
        tick(0.3 + 0.6 * done)

    points = placing.among(rest, chosen, Run(lambda now: placed(now.done), None))
    labels, _ = index.reached(points, eps, tick=lambda done: tick(0.9 + 0.1 * done))
    # A cluster that the run does not have is another segment than any of the run's.
    numbers = np.append(np.where(partner >= 0, partner, -2), -1)[labels]
    return int((labels < 0).sum()), int((numbers != run.labels[chosen]).sum())


def _key(run: Segmentation, splits: int, seed: int) -> str:
    said = [_VERSION, run.table_digest, run.recipe.digest, array_digest(run.embedding), array_digest(run.labels)]
    return hashlib.sha256(json.dumps([*said, splits, seed, SHARE, _MOST_HELD]).encode()).hexdigest()


def _read(place: Path | None, key: str) -> OwnRows | None:
    if place is None:
        return None
    try:
        said = json.loads((place / FILE).read_text("utf-8"))
        return OwnRows.from_dict(said["own"]) if said["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(place: Path | None, key: str, found: OwnRows) -> None:
    if place is None:
        return
    # A folder that cannot be written costs the time again, no more.
    with contextlib.suppress(OSError):
        storage.write_atomic(place / FILE, json.dumps({"key": key, "own": dataclasses.asdict(found)}, indent=2))
