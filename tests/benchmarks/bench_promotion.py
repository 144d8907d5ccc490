"""From the click to a running job and to its verdict, and what shipping a million rows takes."""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Self

import numpy as np
import psutil

from segwidgets.data import samples
from segwidgets.jobs import Job, local, plan, promote
from segwidgets.recipe import Recipe
from segwidgets.session import Session

CLICKS = 5
ROWS = 1_000_000
_RECIPE = Recipe().replace(eps=0.6, n_neighbors=10, n_epochs=100)


class _Memory:
    """The most resident memory of this process while it is open, above what it had before."""

    def __enter__(self) -> Self:
        self._process, self._done = psutil.Process(), threading.Event()
        self._before = self.most = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._done.wait(0.005):
            self.most = max(self.most, self._process.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def above(self) -> float:
        return (self.most - self._before) / 2**20


def _until_running(job: Job, begun: float) -> float:
    """Seconds from ``begun`` until the job's own process has said its first word."""
    while not job._ledger.status:
        time.sleep(0.005)
    return time.perf_counter() - begun


def _clicks() -> tuple[float, float]:
    """Median seconds from the call to the running job, and to its verdict."""
    table = samples.blobs(3_000)
    result = Session(table).run(_RECIPE)
    running, judged = [], []
    for _ in range(CLICKS):
        begun = time.perf_counter()
        job = promote(_RECIPE, table, result=result, target="local")
        running.append(_until_running(job, begun))
        assert job.wait(120).verdict == "exact", job.log()
        judged.append(time.perf_counter() - begun)
    return statistics.median(running), statistics.median(judged)


def _written(place: Path, array: np.ndarray[Any, Any]) -> float:
    begun = time.perf_counter()
    with place.open("wb") as file:
        array.tofile(file)
        file.flush()
        os.fsync(file.fileno())
    return time.perf_counter() - begun


def _shipping(rows: int) -> dict[str, float]:
    table = samples.blobs(rows)
    chance = np.random.default_rng(0)
    points = (chance.normal(size=(rows, 3)) + 6 * chance.integers(0, 5, size=(rows, 1))).astype(np.float32)
    result = Session(table).run(_RECIPE, embedding=points)
    table.digest  # noqa: B018 - known from the panel, long before the click
    made = plan(_RECIPE, table, result=result, target="local")
    begun = time.perf_counter()
    with _Memory() as first:
        local.assemble(made.spec, table, result, made.tracking_uri)
    stored = time.perf_counter() - begun
    again = plan(_RECIPE, table, result=result, target="local")
    begun = time.perf_counter()
    with _Memory() as second:
        layout = local.assemble(again.spec, table, result, again.tracking_uri)
    shipped = time.perf_counter() - begun
    raw = statistics.median(_written(layout.base / "raw", result.embedding) for _ in range(3))
    raw += statistics.median(_written(layout.base / "raw", result.labels) for _ in range(3))
    return {"first": stored, "first_mb": first.above, "again": shipped, "again_mb": second.above, "raw": raw}


def run(rows: int = ROWS) -> str:
    """The table for RESULTS.md."""
    before = os.environ.get("SEGWIDGETS_HOME")
    with tempfile.TemporaryDirectory(prefix="segwidgets-bench-") as place:
        os.environ["SEGWIDGETS_HOME"] = place
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        try:
            running, judged = _clicks()
            seen = _shipping(rows)
        finally:
            if before is None:
                del os.environ["SEGWIDGETS_HOME"]
            else:
                os.environ["SEGWIDGETS_HOME"] = before
    lines = [
        "| from the call of `promote` | seconds | goal |",
        "| --- | --- | --- |",
        f"| to the running local job, its process's imports included (median of {CLICKS}) | {running:.2f} | 2 |",
        f"| to its verdict on 3,000 rows, with figures and tracker | {judged:.1f} | |",
        "",
        f"| the folder of a job of {rows:,} rows × 3 | seconds | memory above the data, MB | goal, MB |",
        "| --- | --- | --- | --- |",
        f"| first promotion: the table is stored too | {seen['first']:.2f} | {seen['first_mb']:.0f} | 200 |",
        f"| map and labels only, every later one | {seen['again']:.2f} | {seen['again_mb']:.0f} | 200 |",
        f"| the same bytes written and flushed, and nothing else | {seen['raw']:.2f} | | |",
    ]
    return "\n".join(lines)
