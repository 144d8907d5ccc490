"""The whole week on real baskets: run, features, methods, stability, job and report, in one go, with its progress."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

#: What it may take, on two cores.
SECONDS = 180

#: In a process and a home of its own, so that nothing comes from a cache; compiled code is there, as after `make lab`.
_CODE = """
import json, threading, time
from pathlib import Path
import segwidgets as sw
from segwidgets import warmup
from segwidgets.reporting import report_job
warmup.run()
table = sw.samples.shopping_trips()
session = sw.Session(table)
last, gap = [time.perf_counter()], [0.0]
def show(now):
    at = time.perf_counter()
    gap[0] = max(gap[0], at - last[0])
    last[0] = at
took = {}
def step(name, do):
    begun = last[0] = time.perf_counter()
    made = do()
    took[name] = time.perf_counter() - begun
    return made
result = step("map, segments, scores", lambda: session.run(sw.Recipe(), progress=show))
step("features", lambda: sw.analyse_features(table, result.recipe, progress=show))
step("four methods, elbow and BIC", lambda: sw.compare_methods(session, result.recipe, progress=show))
step("stability by segment", lambda: sw.stability(session, result.recipe, progress=show))
step("stability map, 800 settings", lambda: sw.stability_map(session, result.recipe, progress=show))
step("job, judged", lambda: sw.promote(result.recipe, table, result=result, name="week").wait())
out = Path("week.html")
file = step("report with a live map of 5,000", lambda: report_job("week", out, points=5_000, progress=show))
print(json.dumps({"took": took, "gap": gap[0], "bytes": file.stat().st_size, "segments": result.scores.clusters}))
"""


def measure() -> dict[str, object]:
    """``took``: seconds of each step; ``gap``: the longest silence of the progress; ``bytes`` of the report."""
    with tempfile.TemporaryDirectory() as home:
        told = subprocess.run(
            [sys.executable, "-c", _CODE], check=True, capture_output=True, text=True, cwd=home,
            env={**os.environ, "SEGWIDGETS_HOME": home},
        ).stdout  # fmt: skip
    found: dict[str, object] = json.loads(told.splitlines()[-1])
    return found


def run() -> str:
    """A table for RESULTS.md."""
    found = measure()
    took: dict[str, float] = found["took"]  # type: ignore[assignment]
    gap = float(str(found["gap"]))
    lines = [f"| {name} | {seconds:.1f} |" for name, seconds in took.items()]
    return "\n".join(
        [
            "| `shopping_trips()`, 46,766 x 302, nothing cached | seconds |",
            "| --- | ---: |",
            *lines,
            f"| **all** (goal {SECONDS}) | **{sum(took.values()):.0f}** |",
            "",
            f"The report has {int(str(found['bytes'])) / 1e6:.2f} MB. Longest silence of the progress: {gap:.1f} s.",
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(run() + "\n")
