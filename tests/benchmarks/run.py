"""`make bench`: every benchmark in one run, and what it found in RESULTS.md and growth.png."""

from __future__ import annotations

import datetime as dt
import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bench_density
import bench_path


def machine() -> str:
    """What the figures were measured on, as far as the machine tells."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"


def main() -> None:
    """Run all and write the results; the sizes of the density clouds may be given as arguments."""
    sizes = tuple(map(int, sys.argv[1:])) or (10_000, 100_000, 1_000_000, 10_000_000)
    here = Path(__file__).parent
    density = bench_density.run(sizes)
    bench_density.plot(density, here / "growth.png")
    parts = [
        "# What was measured",
        "",
        f"By `make bench` on {dt.datetime.now(dt.UTC):%Y-%m-%d}: {machine()}.",
        "Medians, each peer in the same run. A shared and noisy machine: read the ratios.",
        "",
        "## The whole path",
        "",
        bench_path.run(),
        "",
        "## The density index",
        "",
        bench_density.report(density),
        "",
        bench_density.phases(max(size for size in sizes if size <= bench_density.PEERLESS)),
        "",
        "![Seconds over rows, both logarithmic](growth.png)",
        "",
    ]
    text = "\n".join(parts)
    (here / "RESULTS.md").write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
