"""What it takes to assign a million new rows to the segments of a job with a 3-D map: seconds and memory."""

from __future__ import annotations

import subprocess
import sys

REFERENCE, NEW = 20_000, 1_000_000
#: What it may take, on two cores.
SECONDS, GIGABYTES = 60, 2

#: In a process of its own, whose peak is its own. The rows are made first, and count towards the memory.
_CODE = """
import resource, sys, tempfile, time
from pathlib import Path
import segwidgets as sw
from segwidgets.assignment import Assigner
reference, new = int(sys.argv[1]), int(sys.argv[2])
table = sw.samples.blobs(reference, n_features=10)
result = sw.Session(table).run(sw.Recipe().replace(n_components=3))
rows = sw.samples.blobs(new, seed=0, n_features=10)
asked = Assigner(result, reference=table)
sw.assign(asked, table.take(range(2)))
with tempfile.TemporaryDirectory() as work:
    begun, used = time.perf_counter(), time.process_time()
    found = sw.assign(asked, rows, out=Path(work) / "out.parquet")
    used = time.process_time() - used
    print(time.perf_counter() - begun, used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, found.none)
"""


def measure(reference: int = REFERENCE, new: int = NEW) -> tuple[float, float, float, float]:
    """Seconds, those of CPU time, the process's peak in GiB, and the share in no segment."""
    told = subprocess.run(
        [sys.executable, "-c", _CODE, str(reference), str(new)], check=True, capture_output=True, text=True
    ).stdout.split()
    seconds, cpu, peak, none = map(float, told[-4:])
    return seconds, cpu, peak, none


def run() -> str:
    """A sentence for RESULTS.md."""
    seconds, cpu, peak, none = measure()
    return (
        f"{NEW:,} new rows x 10 columns into a 3-D UMAP map of {REFERENCE:,} rows, Parquet written: {seconds:.0f} s "
        f"(at most {SECONDS} on two cores of its own; {cpu:.0f} s of CPU time), the process's peak {peak:.2f} GiB with "
        f"both tables and the map's own run (at most {GIGABYTES}), {none:.1%} in no segment."
    )


if __name__ == "__main__":
    sys.stdout.write(run() + "\n")
