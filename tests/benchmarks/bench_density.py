"""DensityIndex against scikit-learn's DBSCAN and the package dbscan, in one run.

`python tests/benchmarks/bench_density.py [rows …]`; 10000000 is allowed: from 2 million rows on only the index is
measured, in a process of its own.
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dbscan as peer
import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN

from segwidgets.compute.density import DensityIndex

MIN_SAMPLES, KMAX, GRID = 10, 16, 2000
OTHERS = (5, 8, 13, 16)
REPEATS = 3
SLOW = 30.0
PEERLESS = 2_000_000
#: Beyond so many rows a tree of eight dimensions takes minutes, here and in both peers.
MOST_IN_EIGHT = 100_000


def filaments(n: int) -> NDArray[np.float32]:
    """Half blobs of several densities, four tenths helices, a tenth noise, in a cube of 100."""
    rng = np.random.default_rng(0)
    blobs, noise = n // 2, n // 10
    which = rng.integers(0, 20, blobs)
    balls = rng.uniform(0, 100, (20, 3))[which] + rng.normal(size=(blobs, 3)) * rng.uniform(0.6, 3, 20)[which, None]
    turn = rng.uniform(0, np.pi, n - blobs - noise)
    arc = np.stack([12 * np.cos(turn), 12 * np.sin(turn), 3 * turn], axis=1)
    turned = np.linalg.qr(rng.normal(size=(10, 3, 3)))[0]
    which = rng.integers(0, 10, len(turn))
    arcs = rng.uniform(0, 100, (10, 3))[which] + np.einsum("nij,nj->ni", turned[which], arc)
    arcs += rng.normal(size=arcs.shape) * 0.35
    points = np.concatenate([balls, arcs, rng.uniform(-10, 110, (noise, 3))])
    return points[rng.permutation(n)].astype(np.float32)


def sheets(n: int) -> NDArray[np.float32]:
    """150 thin curved sheets of very different sizes, as UMAP makes them."""
    rng = np.random.default_rng(1)
    share = rng.lognormal(0, 1, 150)
    which = rng.choice(150, n, p=share / share.sum())
    side = np.sqrt(share / share.max()) * 2.2
    flat = rng.uniform(-1, 1, (n, 2))
    bend = rng.uniform(-0.6, 0.6, (150, 2))[which]
    up = bend[:, 0] * flat[:, 0] ** 2 + bend[:, 1] * flat[:, 0] * flat[:, 1]
    local = (np.column_stack([flat, up]) + rng.normal(size=(n, 3)) * 0.04) * side[which, None]
    turned = np.linalg.qr(rng.normal(size=(150, 3, 3)))[0]
    points = rng.uniform(-12, 12, (150, 3))[which] + np.einsum("nij,nj->ni", turned[which], local)
    return points.astype(np.float32)


def plane(n: int) -> NDArray[np.float32]:
    """The filaments seen from above."""
    return np.ascontiguousarray(filaments(n)[:, :2])


def eight(n: int) -> NDArray[np.float32]:
    """Forty blobs of several densities and a tenth noise, in eight dimensions."""
    rng = np.random.default_rng(2)
    noise = n // 10
    which = rng.integers(0, 40, n - noise)
    blobs = rng.uniform(0, 100, (40, 8))[which] + rng.normal(size=(n - noise, 8)) * rng.uniform(1, 5, 40)[which, None]
    points = np.concatenate([blobs, rng.uniform(-10, 110, (noise, 8))])
    return points[rng.permutation(n)].astype(np.float32)


def copies(n: int) -> NDArray[np.float32]:
    """The filaments, where nine rows in ten are exact duplicates of another."""
    return filaments(n // 10)[np.random.default_rng(3).integers(0, n // 10, n)]


CLOUDS = {"filaments": filaments, "sheets": sheets, "plane": plane, "eight": eight, "copies": copies}
IN_SPACE = ("filaments", "sheets")

ALONE = """
import json, sys, time
import numpy as np
from segwidgets.compute.density import DensityIndex

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

points = np.load(sys.argv[1])
small = DensityIndex(points[:5000], 10, 16)
small.labels(1.0), small.labels(1.0, 5), small.profile([1.0])
del small
try:
    with open("/proc/self/clear_refs", "w") as peak:
        peak.write("5")
except OSError:
    pass
before, began = status("VmRSS"), time.perf_counter()
index = DensityIndex(points, 10, 16)
built = time.perf_counter()
eps = float(np.quantile(index.core_distances_, 0.7))
began_labels = time.perf_counter()
index.labels(eps)
labelled = time.perf_counter()
print(json.dumps({"peak": status("VmHWM") - before, "build": built - began, "one eps": labelled - began_labels}))
"""


def _seconds(call: Callable[[], Any], repeats: int = REPEATS) -> float:
    """The median; what takes more than half a minute is run once."""
    taken: list[float] = []
    while len(taken) < repeats and (not taken or taken[0] < SLOW):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def alone(points: NDArray[np.float32]) -> dict[str, float]:
    """Build and one eps in a process of its own: seconds, and the peak of memory over the input in bytes."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "points.npy")
        np.save(path, points)
        done = subprocess.run([sys.executable, "-c", ALONE, str(path)], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure(kind: str, n: int) -> dict[str, Any]:
    """Medians of 3 in seconds; the labels must be scikit-learn's."""
    points = CLOUDS[kind](n)
    row: dict[str, Any] = {"cloud": kind, "rows": n, "columns": points.shape[1]}
    if n > PEERLESS:
        found = alone(points)
        return {**row, "build": found["build"], "one eps": found["one eps"], "peak": found["peak"]}
    index = DensityIndex(points, MIN_SAMPLES, KMAX)
    # Three points in ten are border or noise: a cut with all kinds of points, and not too many neighbours for sklearn.
    # Of the copies one in twenty is, because most of them are core points by their copies alone.
    eps = float(np.quantile(index.core_distances_, 0.95 if kind == "copies" else 0.7))
    theirs = DBSCAN(eps=eps, min_samples=MIN_SAMPLES)
    wide = points.astype(np.float64)
    row["scikit-learn"] = _seconds(lambda: theirs.fit(points))
    np.testing.assert_array_equal(index.labels(eps, border="first"), theirs.labels_)
    row["dbscan"] = _seconds(lambda: peer.DBSCAN(wide, eps=eps, min_samples=MIN_SAMPLES))
    row["build"] = _seconds(lambda: DensityIndex(points, MIN_SAMPLES, KMAX))
    moved = iter(eps * (1 + 1e-4 * np.arange(1, 100)))  # never the same eps twice
    row["one eps"] = _seconds(lambda: index.labels(next(moved)), 9)
    row["one eps, first"] = _seconds(lambda: index.labels(next(moved), border="first"), 9)
    # Each is asked for once, then once more: the first answer makes do without a tree.
    row["another min_samples"] = statistics.median(_seconds(lambda m=m: index.labels(eps, m), 1) for m in OTHERS)  # type: ignore[misc]
    row["once more"] = statistics.median(_seconds(lambda m=m: index.labels(eps, m), 1) for m in OTHERS)  # type: ignore[misc]
    grid = np.geomspace(eps / 10, eps * 10, GRID)
    index.profile(grid)
    row["profile"] = _seconds(lambda: index.profile(grid), 9)
    row["clusters"] = int(theirs.labels_.max()) + 1
    row["clusters of dbscan"] = int(peer.DBSCAN(wide, eps=eps, min_samples=MIN_SAMPLES)[0].max()) + 1
    row["peak"] = alone(points)["peak"]
    return row


def run(sizes: Sequence[int] = (10_000, 100_000, 1_000_000, 10_000_000)) -> list[dict[str, Any]]:
    """A row for each size and cloud; beyond the peers' sizes, of one cloud."""
    small = DensityIndex(sheets(2000), MIN_SAMPLES, KMAX)
    for border in ("nearest", "first"):  # compiles
        for m in (MIN_SAMPLES, *OTHERS, *OTHERS):
            small.labels(0.1, m, border)
    small.profile([0.1])
    for cloud in CLOUDS.values():
        DensityIndex(cloud(2000), MIN_SAMPLES, KMAX).labels(1.0)
    return [measure(kind, n) for n in sizes for kind in _clouds(n)]


def _clouds(n: int) -> list[str]:
    """The clouds for a size: beyond the peers' sizes one, and eight dimensions only while that takes no minutes."""
    if n > PEERLESS:
        return [IN_SPACE[0]]
    return [kind for kind in CLOUDS if kind != "eight" or n <= MOST_IN_EIGHT]


def _scaled(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def _over(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def goals(rows: list[dict[str, Any]]) -> str:
    """Markdown: what is to be reached at the largest size with peers, and what was, on the two clouds in space."""
    compared = [row for row in rows if "dbscan" in row and row["cloud"] in IN_SPACE]
    if not compared:
        return ""
    most = max(row["rows"] for row in compared)
    those = [row for row in compared if row["rows"] == most]

    def each(value: Callable[[dict[str, Any]], float], unit: str) -> str:
        return ", ".join(_over(value(row)) + unit for row in those)

    lines = [
        f"| at {most:,} rows | to reach at 1,000,000 | {', '.join(row['cloud'] for row in those)} |",
        "| --- | --- | --- |",
    ]
    entries: list[tuple[str, str, Callable[[dict[str, Any]], float], str]] = [
        ("build (kmax 16) by scikit-learn", "at most 0.35 x", lambda row: row["build"] / row["scikit-learn"], " x"),
        ("build (kmax 16) by dbscan", "at most 1.5 x", lambda row: row["build"] / row["dbscan"], " x"),
        ("one eps, faster than dbscan", "at least 120 x", lambda row: row["dbscan"] / row["one eps"], " x"),
        ("one eps, faster than scikit-learn", "at least 600 x", lambda row: row["scikit-learn"] / row["one eps"], " x"),
        ("another min_samples by dbscan", "under 0.1 x", lambda row: row["another min_samples"] / row["dbscan"], " x"),
        ("profile of 2,000 eps", "under 5 ms", lambda row: row["profile"] * 1e3, " ms"),
        ("peak memory over the input", "at most 1.0 GB", lambda row: row["peak"] / 1e9, " GB"),
    ]
    lines += [f"| {what} | {goal} | {each(value, unit)} |" for what, goal, value, unit in entries]
    lines += [
        f"| build of {row['rows']:,} rows | within 12 GB | {row['peak'] / 1e9:.1f} GB, {_scaled(row['build'])} |"
        for row in rows
        if row["rows"] > PEERLESS
    ]
    return "\n".join(lines)


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: each time, and in brackets how many times faster than scikit-learn and dbscan it is."""
    timed = ("build", "one eps", "one eps, first", "another min_samples", "once more", "profile")
    names = ("scikit-learn", "dbscan", *timed)
    lines = [
        f"| cloud | rows | clusters | {' | '.join(names)} | peak |",
        "| --- | ---: | ---: " + "| ---: " * (len(names) + 1) + "|",
    ]
    for row in rows:
        cells = []
        for name in names:
            cell = _scaled(row[name]) if name in row else ""
            if name in timed and name in row and "dbscan" in row and name != "profile":
                faster = (row["scikit-learn"] / row[name], row["dbscan"] / row[name])
                cell += f" ({_over(faster[0])}, {_over(faster[1])})"
            cells.append(cell)
        clusters = str(row.get("clusters", ""))
        if row.get("clusters of dbscan") != row.get("clusters"):
            clusters += f" (dbscan: {row['clusters of dbscan']})"
        peak = f"{row['peak'] / 1e6:,.0f} MB"
        cloud = f"{row['cloud']}, {row['columns']}-D"
        lines.append(f"| {cloud} | {row['rows']:,} | {clusters} | {' | '.join(cells)} | {peak} |")
    return "\n".join(lines)


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Seconds over rows, both on logarithmic axes, for the two clouds in space."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    panes = figure.subplots(1, 2, sharey=True)
    drawn = {
        "scikit-learn": ("tab:gray", "--"),
        "dbscan": ("tab:brown", "--"),
        "build": ("tab:blue", "-"),
        "another min_samples": ("tab:orange", "-"),
        "one eps": ("tab:red", "-"),
        "profile": ("tab:purple", "-"),
    }
    for pane, kind in zip(panes, IN_SPACE, strict=True):
        own = [row for row in rows if row["cloud"] == kind]
        for name, (color, style) in drawn.items():
            there = [row for row in own if name in row]
            label = {"profile": "profile of 2,000 eps"}.get(name, name)
            pane.loglog(
                [row["rows"] for row in there],
                [row[name] for row in there],
                style,
                marker="o",
                color=color,
                label=label,
            )
        if own:
            sizes = np.array(sorted({row["rows"] for row in own}), dtype=float)
            base = min(row["build"] for row in own) / 3 / sizes[0]
            pane.loglog(sizes, base * sizes, ":", color="0.7", label="as the rows")
        pane.set(title=f"{kind}, 3-D, min_samples {MIN_SAMPLES}", xlabel="rows")
        pane.grid(which="major", color="0.9")
    panes[0].set_ylabel("seconds")
    panes[1].legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.savefig(path, dpi=110)


def phases(n: int = 1_000_000) -> str:
    """Where the seconds of one build go, by the share done that each phase tells its tick."""
    lines = []
    for kind in IN_SPACE:
        marks: list[tuple[float, float]] = []
        points = CLOUDS[kind](n)
        DensityIndex(
            points, MIN_SAMPLES, KMAX, tick=lambda done, marks=marks: marks.append((done, time.perf_counter()))
        )
        ends = {"duplicates": 0.03, "boxes": 0.1, "neighbours": 0.5, "spanning tree": 0.8, "order of the leaves": 1.0}
        spent, before = [], marks[0][1]
        for name, end in ends.items():
            at = next(when for done, when in marks if done >= end - 1e-9)
            spent.append(f"{name} {at - before:.2f} s")
            before = at
        lines.append(f"- {kind}: {', '.join(spent)}")
    return f"Where a build of {n:,} rows (kmax {KMAX}) goes:\n\n" + "\n".join(lines)


def report(rows: list[dict[str, Any]]) -> str:
    """Markdown: the goals, the table and how to read it."""
    words = (
        "Seconds are medians; in brackets: times faster than scikit-learn, times faster than dbscan. `one eps` is "
        "`labels(eps)`, `first` with scikit-learn's rule for border points, by which the labels were checked to be "
        "scikit-learn's in every row of the table. `another min_samples` is the first time one is asked for, `once "
        "more` the second, when its tree is made and kept. `peak` is the memory over the input at the height of a "
        f"build (kmax {KMAX}) and one eps, in a process of its own. What takes over {SLOW:.0f} s is run once."
    )
    return "\n\n".join(part for part in (goals(rows), table(rows), words) if part)


if __name__ == "__main__":
    found = run([int(text) for text in sys.argv[1:]]) if len(sys.argv) > 1 else run()
    sys.stdout.write(
        f"{platform.processor() or platform.machine()}, Python {platform.python_version()}\n\n{report(found)}\n"
    )
