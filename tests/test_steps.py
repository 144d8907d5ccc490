"""Several pieces of work under one progress and one cancellation."""

from __future__ import annotations

import threading

import pytest

from segwidgets.compute.progress import Cancelled
from segwidgets.result import Progress
from segwidgets.steps import Steps, part


def test_pieces_follow_each_other_and_end_at_the_whole() -> None:
    seen: list[Progress] = []
    steps = Steps("whole", seen.append, None)
    run, tick = steps.run(0.25, "First: "), steps.tick(0.75, "Second")
    run(Progress("a", 0.5, 0.5, "half"))
    tick(0.0)
    tick(1.0)
    assert [(now.overall, now.message) for now in seen] == [(0.125, "First: half"), (0.25, "Second"), (1.0, "Second")]


def test_a_piece_stops_where_the_whole_is_cancelled_and_says_where() -> None:
    cancel = threading.Event()
    steps = Steps("whole", None, cancel)
    tick = steps.tick(1.0, "Counting sheep")
    tick(0.5)
    cancel.set()
    with pytest.raises(Cancelled, match="cancelled at: Counting sheep"):
        tick(0.6)
    with pytest.raises(Cancelled):
        steps.check()


def test_a_part_of_nobodys_progress_is_nobodys() -> None:
    assert part(None, 0.0, 0.5) is None


def test_a_part_stays_within_the_whole() -> None:
    seen: list[float] = []
    told = part(lambda now: seen.append(now.overall), 0.5, 0.5)
    assert told is not None
    told(Progress("a", 0.5, 0.5, ""))
    told(Progress("a", 1.0, 1.2, ""))
    assert seen == [0.75, 1.0]
