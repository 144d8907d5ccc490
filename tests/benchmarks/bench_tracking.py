"""The leaderboard of thousands of runs, as MLflow lists them and as `leaderboard` does."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from segwidgets.recipe import Recipe
from segwidgets.tracking import MLflowTracker, leaderboard
from segwidgets.tracking.base import recipe_params
from segwidgets.tracking.mlflow import MARK

RUNS = 5_000
REPEATS = 5


def _filled(uri: str, runs: int) -> None:
    """``runs`` runs of a real size: the first through the tracker, the others as its rows over again."""
    tracker = MLflowTracker(uri)
    tags = {MARK: "0.1", "segwidgets.trial": "spring", "segwidgets.user": "ana"}
    first = tracker.start(experiment="bench", name="run-0", tags=tags)
    params = {**recipe_params(Recipe().replace(eps=0.4)), "verdict": "exact", "recipe_digest": "0" * 64}
    params |= {f"digest_{at}": "0" * 64 for at in range(8)}
    metrics = {"clusters": 7.0, "coverage": 0.9, "largest": 0.4, "smallest": 0.03, "silhouette": 0.5}
    metrics |= {f"seconds_{at}": 1.0 for at in range(12)}
    tracker.log(first, params=params, metrics=metrics)
    tracker.end(first, "completed")
    with contextlib.closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as database:
        copies = [(uuid.uuid4().hex, f"run-{at}", at * 1_000) for at in range(1, runs)]
        for table in ("runs", "params", "tags", "latest_metrics"):
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            said = {"run_uuid": "?1"} | ({"name": "?2", "start_time": "start_time - ?3"} if table == "runs" else {})
            chosen = ", ".join(said.get(name, f'"{name}"') for name in columns)
            # The names are those of MLflow's own tables.
            order = f"INSERT INTO {table} SELECT {chosen} FROM {table} WHERE run_uuid = '{first}'"  # noqa: S608
            database.executemany(order, copies if table == "runs" else [copy[:1] for copy in copies])
        chance = random.Random(0)
        rows = [(chance.random(), uid, key) for uid, _, _ in copies for key in ("silhouette", "coverage")]
        database.executemany("UPDATE latest_metrics SET value = ?1 WHERE run_uuid = ?2 AND key = ?3", rows)
        database.commit()


@contextlib.contextmanager
def _home() -> Iterator[Path]:
    before = os.environ.get("SEGWIDGETS_HOME")
    with tempfile.TemporaryDirectory(prefix="segwidgets-bench-") as place:
        os.environ["SEGWIDGETS_HOME"] = place
        try:
            yield Path(place)
        finally:
            if before is None:
                del os.environ["SEGWIDGETS_HOME"]
            else:
                os.environ["SEGWIDGETS_HOME"] = before


def _seconds(call: object) -> float:
    taken = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        call()  # type: ignore[operator]
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def run(runs: int = RUNS) -> str:
    """The table for RESULTS.md."""
    with _home() as home:
        uri = f"sqlite:///{home / 'mlflow.db'}"
        _filled(uri, runs)
        tracker = MLflowTracker(uri)
        chosen = tracker.experiments()
        rows = {
            "MLflow's own search_runs": _seconds(lambda: tracker.search_by_mlflow(chosen, runs)),
            "`leaderboard(limit=N)`": _seconds(lambda: leaderboard(tracking_uri=uri, limit=runs)),
            "`leaderboard` with constraints and Pareto front": _seconds(
                lambda: leaderboard(
                    tracking_uri=uri, limit=runs, max_noise=0.15, clusters=(4, 9), pareto=("silhouette", "coverage")
                )
            ),
            "`leaderboard(limit=50)`, one page": _seconds(lambda: leaderboard(tracking_uri=uri, limit=50)),
        }
        if len(leaderboard(tracking_uri=uri, limit=runs)) != runs:
            raise RuntimeError("the leaderboard has not listed all runs")
    lines = [f"| {runs:,} runs on SQLite | seconds (median of {REPEATS}) |", "| --- | ---: |"]
    return "\n".join(lines + [f"| {name} | {taken:.2f} |" for name, taken in rows.items()])


if __name__ == "__main__":
    sys.stdout.write(run(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS) + "\n")
