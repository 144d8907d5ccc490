"""One run's progress, cancellation, timings and cache hits, and the words for its stages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from segwidgets.compute.progress import Cancelled, Tick
from segwidgets.result import Progress

#: The share of the whole that each stage takes on a typical table: what the overall progress is made of.
_WEIGHTS = {
    "features": 0.05,
    "start": 0.12,
    "neighbors": 0.36,
    "graph": 0.02,
    "layout": 0.25,
    "density": 0.06,
    "clusters": 0.01,
    "silhouette": 0.02,
    "dbcv": 0.03,
    "trust": 0.08,
}
_WORDS = {
    "features": "Building features",
    "start": "Drawing a first picture",
    "neighbors": "Finding neighbours",
    "graph": "Weighing neighbours",
    "layout": "Laying out the map",
    "density": "Building the density tree",
    "clusters": "Clustering",
    "silhouette": "Scoring the segments",
    "dbcv": "Scoring the segments' shapes",
    "trust": "Checking the map against the data",
}

_T = TypeVar("_T")


class Run:
    """One run's progress, cancellation, timings and cache hits."""

    def __init__(self, progress: Callable[[Progress], None] | None, cancel: threading.Event | None) -> None:
        self._progress = progress
        self._cancel = cancel
        self._finished: dict[str, float] = {}
        self.timings: dict[str, float] = {}
        self.cached: list[str] = []

    def tick(self, stage: str) -> Tick:
        """The `Tick` of one stage: raises `Cancelled` when the run is, and passes progress on."""

        def tick(done: float) -> None:
            if self._cancel is not None and self._cancel.is_set():
                raise Cancelled(f"cancelled while {_WORDS[stage].lower()}")
            self._finished[stage] = max(self._finished.get(stage, 0.0), min(1.0, done))
            if self._progress is not None:
                overall = sum(_WEIGHTS[name] * share for name, share in self._finished.items())
                self._progress(Progress(stage, self._finished[stage], min(1.0, overall), _WORDS[stage]))

        return tick

    def hit(self, *stages: str) -> None:
        """Note stages that the cache answered; what they would have taken counts as done."""
        for stage in stages:
            if stage not in self.timings and stage not in self.cached:
                self.cached.append(stage)
                self._finished[stage] = 1.0

    def skip(self, *stages: str) -> None:
        """Note stages that this run does not need: they count as done."""
        for stage in stages:
            self._finished[stage] = 1.0

    def stage(self, name: str, work: Callable[[Tick], _T]) -> _T:
        """Do one stage: announced, timed, and done in full before the next."""
        tick = self.tick(name)
        tick(0.0)
        begin = time.perf_counter()
        value = work(tick)
        self.timings[name] = self.timings.get(name, 0.0) + time.perf_counter() - begin
        tick(1.0)
        return value
