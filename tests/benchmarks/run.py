"""`make bench`: every benchmark in one run, and what it found in RESULTS.md and growth.png."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bench_assign
import bench_density
import bench_embedding
import bench_lab
import bench_neighbors
import bench_panel
import bench_path
import bench_promotion
import bench_restore
import bench_tracking
import bench_week

HERE = Path(__file__).parent


def machine() -> str:
    """What the figures were measured on, as far as the machine tells."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"


def sections(sizes: tuple[int, ...]) -> dict[str, Callable[[], str]]:
    """What is measured, by the heading it stands under in RESULTS.md."""

    def density() -> str:
        seen = bench_density.run(sizes)
        bench_density.plot(seen, HERE / "growth.png")
        phases = bench_density.phases(max(size for size in sizes if size <= bench_density.PEERLESS))
        return "\n\n".join([bench_density.report(seen), phases, "![Seconds over rows, both logarithmic](growth.png)"])

    return {
        "The whole path": bench_path.run,
        "From table to report": bench_week.run,
        "The panel": bench_panel.run,
        "The embedding": bench_embedding.run,
        "Neighbours": bench_neighbors.run,
        "The density index": density,
        "Promotion": bench_promotion.run,
        "Assigning new rows": bench_assign.run,
        "The leaderboard": bench_tracking.run,
        "JupyterLab's start": bench_lab.run,
        "The kernel's restore": bench_restore.run,
    }


def main() -> None:
    """Run all, or the sections named by a part of their heading, and write the results.

    `run.py [--only embedding] [rows …]`: a section that is not run keeps what it said. The sizes are those of the
    density clouds.
    """
    only = ""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--only"]:
        only, arguments = arguments[1].lower(), arguments[2:]
    chosen = sections(tuple(map(int, arguments)) or (10_000, 100_000, 1_000_000, 10_000_000))
    results = HERE / "RESULTS.md"
    kept = dict(re.findall(r"^## (.+?)\n\n(.*?)(?=^## |\Z)", results.read_text(), re.MULTILINE | re.DOTALL))
    text = (
        "# What was measured\n\nBy `make bench`; a section alone by `python tests/benchmarks/run.py --only NAME`.\n"
        "Each peer in the same run. A shared and noisy machine: read the ratios.\n\n"
    )
    for heading, measure in chosen.items():
        if only in heading.lower():
            body = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}, {machine()}.\n\n{measure()}\n\n"
            sys.stdout.write(f"## {heading}\n\n{body}")
        else:
            body = kept.get(heading, "")
        if body:
            text += f"## {heading}\n\n{body}"
    results.write_text(text.rstrip() + "\n")


if __name__ == "__main__":
    main()
