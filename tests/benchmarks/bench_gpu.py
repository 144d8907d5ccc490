"""The whole path on a GPU against the CPU of the same machine: `python tests/benchmarks/bench_gpu.py` where both are.

Not part of `make bench`: GPU.md says what was measured, where and when.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

import tables

import segwidgets as sw
from segwidgets.session import Session

#: Rows that everything is loaded and compiled with before anything is timed.
_WARMING = 20_000


class _Labelled(Exception):  # noqa: N818 - it ends the run where the labels stand
    """The labels are there; scores are not what is measured."""


def _table(kind: str, n: int) -> sw.Table:
    if kind == "dense":
        X, _ = tables.dense_profiles(n)
        return sw.read(pd.DataFrame(X, columns=[f"column {i}" for i in range(X.shape[1])]))
    X, _ = tables.sparse_customers(n)
    X.data = np.ones_like(X.data)
    return sw.read(X)


def path(kind: str, backend: str, n: int) -> dict[str, Any]:
    """Seconds from the table to its labels, by stage, and what computed them."""
    table = _table(kind, n)
    found: dict[str, Any] = {}
    begun = time.perf_counter()

    def early(result: sw.Result) -> None:
        found.update(seconds=time.perf_counter() - begun, stages=result.timings, devices=result.devices)
        found.update(search=result.search, clusters=result.scores.clusters)
        raise _Labelled

    with contextlib.suppress(_Labelled):
        Session(table, backend=backend).run(sw.Recipe(), early=early)
    return found


def main() -> None:
    """Measure what is asked for, each backend in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=("dense", "sparse"), default="dense")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--backends", nargs="+", default=["cuml", "cpu"])
    options = parser.parse_args()
    # Nothing that an earlier run left answers for this one.
    os.environ["SEGWIDGETS_HOME"] = tempfile.mkdtemp()
    for backend in options.backends:
        path(options.kind, backend, _WARMING)
        seen = path(options.kind, backend, options.rows)
        stages = ", ".join(f"{name} {seconds:.2f}" for name, seconds in seen["stages"].items())
        sys.stdout.write(
            f"{options.rows:,} rows, {options.kind}, {backend}: {seen['seconds']:.1f} s, {seen['clusters']} segments\n"
            f"  {stages}\n  {seen['search']}; {seen['devices']}\n"
        )


if __name__ == "__main__":
    main()
