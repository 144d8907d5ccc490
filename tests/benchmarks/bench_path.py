"""The whole path on `shopping_trips()`, as the panel walks it, against umap-learn and scikit-learn on the same rows.

Each measurement is a process of its own with an empty cache, compiled code warm, as a user meets it after `make lab`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from typing import Any

REPEATS = 3

PANEL = """
import json, os, statistics, threading, time
begin = time.perf_counter()
import segwidgets as sw
table = sw.samples.shopping_trips()
panel = sw.Panel(table)
seen = {}
# The first picture has a caption, the finished map has none.
def captioned(change):
    seen.setdefault("preview" if change["new"] else "map", time.perf_counter() - begin)
panel.cloud.observe(captioned, "caption")
panel.wait(300)
seen["scores"] = time.perf_counter() - begin
seen["stages"] = {name: round(seconds, 3) for name, seconds in panel.result.timings.items()}
changed = threading.Event()
panel.cloud.observe(lambda change: changed.set(), "labels")
moves = []
for step in range(20):
    changed.clear()
    moved = time.perf_counter()
    panel._controls.eps.value = 0.06 + 0.003 * step
    assert changed.wait(10)
    moves.append(time.perf_counter() - moved)
    assert len(panel.result.labels) == table.n_rows
    panel.wait(30)
seen["eps"] = statistics.median(moves)
print(json.dumps(seen))
"""

PEERS = """
import json, time, warnings
warnings.simplefilter("ignore")
import segwidgets as sw
from segwidgets.compute import features
table = sw.samples.shopping_trips()
X = features.build(table, features.resolve(table, sw.Features())).values
begin = time.perf_counter()
import umap
embedding = umap.UMAP(n_components=3, n_neighbors=15, min_dist=0.0, metric="cosine").fit_transform(X)
seen = {"map": time.perf_counter() - begin}
from sklearn.cluster import DBSCAN
begin = time.perf_counter()
DBSCAN(eps=0.09, min_samples=10, n_jobs=-1).fit_predict(embedding)
seen["eps"] = time.perf_counter() - begin
print(json.dumps(seen))
"""


def _measure(program: str) -> dict[str, Any]:
    import os

    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "SEGWIDGETS_HOME": home}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def run(repeats: int = REPEATS) -> str:
    """Measure in turn, ours and theirs, and give the medians as a Markdown table."""
    ours, theirs = [], []
    _measure(PANEL)  # warms the compiled code and the file cache
    for _ in range(repeats):
        ours.append(_measure(PANEL))
        theirs.append(_measure(PEERS))

    def median(runs: list[dict[str, Any]], name: str) -> float:
        return statistics.median(one[name] for one in runs)

    goals = {"preview": "5 s", "map": "60 s", "scores": "", "eps": "50 ms"}
    words = {
        "preview": "cell run to first picture, of all rows",
        "map": "cell run to full map",
        "scores": "cell run to all scores",
        "eps": "eps move to new labels of all rows",
    }
    lines = ["| shopping_trips(), 46,766 x 302 | goal | median | peer | ratio |", "| --- | --- | --- | --- | --- |"]
    for name, goal in goals.items():
        own = median(ours, name)
        shown = f"{own * 1000:.1f} ms" if name == "eps" else f"{own:.1f} s"
        peer, ratio = "", ""
        if name in {"map", "eps"}:
            other = median(theirs, name)
            library = "umap-learn, from its import on" if name == "map" else "scikit-learn DBSCAN"
            peer, ratio = f"{other:.2f} s ({library})", f"{other / own:.1f} x"
        lines.append(f"| {words[name]} | {goal} | {shown} | {peer} | {ratio} |")
    stages = ", ".join(f"{name} {seconds} s" for name, seconds in ours[-1]["stages"].items())
    return "\n".join([*lines, "", f"Stages of the last run: {stages}."])


if __name__ == "__main__":
    sys.stdout.write(run() + "\n")
