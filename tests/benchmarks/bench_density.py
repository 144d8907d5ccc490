"""DensityIndex against scikit-learn's DBSCAN, in one run: `python tests/benchmarks/bench_density.py [rows …]`."""

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN

from segwidgets.compute.density import DensityIndex

MIN_SAMPLES, ANOTHER, GRID = 10, 15, 2000
REPEATS = 3


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


CLOUDS = {"filaments": filaments, "sheets": sheets}


def _seconds(call: Callable[[], Any], repeats: int = REPEATS) -> float:
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def measure(kind: str, n: int) -> dict[str, Any]:
    """Medians of 3 in seconds; the labels must be scikit-learn's."""
    points = CLOUDS[kind](n)
    index = DensityIndex(points, MIN_SAMPLES)
    # Three points in ten are border or noise: a cut with all kinds of points, and not too many neighbours for sklearn.
    eps = float(np.quantile(index.core_distances_, 0.7))
    theirs = DBSCAN(eps=eps, min_samples=MIN_SAMPLES)
    np.testing.assert_array_equal(index.labels(eps), theirs.fit_predict(points))
    grid = np.geomspace(eps / 10, eps * 10, GRID)
    index.profile(grid)

    def another_min_samples() -> None:
        index._hierarchies.pop(ANOTHER, None)
        index.labels(eps, ANOTHER)

    row: dict[str, Any] = {"cloud": kind, "rows": n, "eps": eps, "clusters": int(index.labels(eps).max()) + 1}
    row["scikit-learn"] = _seconds(lambda: theirs.fit(points))
    row["build"] = _seconds(lambda: DensityIndex(points, MIN_SAMPLES))
    row["build, kmax 16"] = _seconds(lambda: DensityIndex(points, MIN_SAMPLES, 16))
    row["one eps"] = _seconds(lambda: index.labels(eps))
    row["another min_samples"] = _seconds(another_min_samples)
    row["profile of 2,000 eps"] = _seconds(lambda: index.profile(grid))
    return row


def run(sizes: Sequence[int] = (10_000, 100_000, 1_000_000)) -> list[dict[str, Any]]:
    """A row of seconds for each size and cloud."""
    DensityIndex(sheets(2000)).labels(0.1, ANOTHER)  # compiles
    return [measure(kind, n) for n in sizes for kind in CLOUDS]


def _scaled(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: each time, and in brackets how many times scikit-learn's."""
    timed = ("scikit-learn", "build", "build, kmax 16", "one eps", "another min_samples", "profile of 2,000 eps")
    lines = [f"| cloud | rows | clusters | {' | '.join(timed)} |", "| --- | ---: " + "| ---: " * (len(timed) + 1) + "|"]
    for row in rows:
        cells = [
            _scaled(row[name]) + ("" if name == "scikit-learn" else f" ({row[name] / row['scikit-learn']:.2g}x)")
            for name in timed
        ]
        lines.append(f"| {row['cloud']} | {row['rows']:,} | {row['clusters']} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    found = run([int(text) for text in sys.argv[1:]]) if len(sys.argv) > 1 else run()
    sys.stdout.write(
        f"{platform.processor() or platform.machine()}, Python {platform.python_version()}\n\n{table(found)}\n"
    )
