"""The neighbour searches: measured against predicted seconds, and against other libraries.

``python tests/benchmarks/bench_neighbors.py`` prints both tables; with ``--refit`` it prints constants for
`segwidgets.compute.neighbors.cost` as well, fitted to the measurements. All seconds are the processor's (of all cores
together), which depend less than the clock's on what else a machine does; what the package decides by is their ratios.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from segwidgets.compute.neighbors import approximate, cost, exact, neighbors, recall
from segwidgets.compute.neighbors.rows import code_of, prepare
from segwidgets.compute.progress import no_tick

K = 15
REPEATS = 1


def customers(n: int, columns: int = 300, segments: int = 60, seed: int = 3) -> sp.csr_matrix:
    """Customers by commodities with latent segments and popularity by Zipf's law: about 11 of 300 columns a row."""
    random = np.random.default_rng(seed)
    popularity = 1 / np.arange(1, columns + 1) ** 0.8
    random.shuffle(popularity)
    taste = random.gamma(0.15, 1, (segments, columns)) * popularity + 0.02 * popularity
    edges = (taste / taste.sum(axis=1, keepdims=True)).cumsum(axis=1)
    segment = random.choice(segments, n, p=random.dirichlet(np.full(segments, 2.0)))
    counts = 1 + random.poisson(13, n)
    row = np.repeat(np.arange(n), counts)
    draw, column = random.random(len(row)), np.empty(len(row), np.int64)
    for which in range(segments):
        mine = segment[row] == which
        column[mine] = np.minimum(np.searchsorted(edges[which], draw[mine]), columns - 1)
    X = sp.csr_matrix((np.ones(len(row), np.float32), (row, column)), (n, columns))
    X.sum_duplicates()
    X.data = np.log1p(X.data)
    return X


def profiles(n: int, p: int = 50, segments: int = 60, seed: int = 4) -> np.ndarray:
    """Rows in planes of 6 dimensions about the centres of segments, with noise."""
    random = np.random.default_rng(seed)
    segment = random.choice(segments, n, p=random.dirichlet(np.full(segments, 2.0)))
    centre, plane = random.normal(size=(segments, p)) * 1.2, random.normal(size=(segments, 6, p)) * 0.6
    inside = np.einsum("nk,nkp->np", random.normal(size=(n, 6)), plane[segment])
    return (centre[segment] + inside + random.normal(size=(n, p)) * 0.25).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Case:
    """A search to be measured."""

    name: str
    make: Callable[[], Any]
    metric: str
    exact: bool
    k: int = K


CASES = (
    Case("customers, 20,000 x 300", lambda: customers(20_000), "cosine", exact=True),
    Case("customers, 40,000 x 300", lambda: customers(40_000), "cosine", exact=True),
    Case("customers, 40,000 x 300, k = 90", lambda: customers(40_000), "cosine", exact=True, k=90),
    Case("customers, 40,000 x 5,000", lambda: customers(40_000, 5_000), "cosine", exact=True),
    Case("customers, 40,000 x 30", lambda: customers(40_000, 30), "cosine", exact=True),
    Case("customers, 20,000 x 300", lambda: customers(20_000), "manhattan", exact=True),
    Case("customers, 20,000 x 5,000", lambda: customers(20_000, 5_000), "manhattan", exact=True),
    Case("profiles, 20,000 x 50", lambda: profiles(20_000), "euclidean", exact=True),
    Case("profiles, 40,000 x 50", lambda: profiles(40_000), "euclidean", exact=True),
    Case("profiles, 20,000 x 300", lambda: profiles(20_000, 300), "euclidean", exact=True),
    Case("profiles, 40,000 x 10, k = 90", lambda: profiles(40_000, 10), "euclidean", exact=True, k=90),
    Case("profiles, 20,000 x 50", lambda: profiles(20_000), "manhattan", exact=True),
    Case("customers, 20,000 x 300", lambda: customers(20_000), "cosine", exact=False),
    Case("customers, 60,000 x 300", lambda: customers(60_000), "cosine", exact=False),
    Case("customers, 40,000 x 30", lambda: customers(40_000, 30), "cosine", exact=False),
    Case("profiles, 40,000 x 50", lambda: profiles(40_000), "euclidean", exact=False),
    Case("profiles, 100,000 x 50", lambda: profiles(100_000), "euclidean", exact=False),
    Case("profiles, 40,000 x 300", lambda: profiles(40_000, 300), "euclidean", exact=False),
    Case("profiles, 40,000 x 50, k = 90", lambda: profiles(40_000), "euclidean", exact=False, k=90),
)


@dataclasses.dataclass(frozen=True)
class Measured:
    """Operation counts, seconds, and the recall of an approximate search."""

    case: Case
    counts: dict[str, float]
    seconds: float
    recall: float


def measure(case: Case, repeats: int = REPEATS) -> Measured:
    """The quickest of some runs."""
    X, code = case.make(), code_of(case.metric)
    work = cost.effort(case.k, sparse=sp.issparse(X))
    counts = cost.exact_counts(X, case.k, code) if case.exact else cost.descent_counts(X, work)
    took, share = [], 1.0
    for _ in range(repeats):
        began = time.process_time()
        rows = prepare(X, code)
        if case.exact:
            exact.nearest(code, rows, rows, case.k - 1, np.arange(X.shape[0], dtype=np.int32), no_tick)
        else:
            found = approximate.Search(code, rows, case.k - 1, 42, None).run(work, no_tick)
        took.append(time.process_time() - began)
    if not case.exact:
        share = recall.Check(code, rows, case.k - 1, 1, no_tick).recall(found[1]).value
    return Measured(case, counts, min(took), share)


def refit(found: list[Measured]) -> dict[str, float]:
    """Constants in nanoseconds, none negative, that fit the measurements with the least relative error."""
    from scipy.optimize import nnls

    names = list(cost.CONSTANTS)
    seconds = np.array([one.seconds for one in found])
    counts = np.array([[one.counts.get(name, 0.0) for name in names] for one in found])
    # A pull to the present constants decides what the measurements leave open.
    now = np.array([cost.CONSTANTS[name] for name in names])
    pull = 0.2 * np.eye(len(names))
    rows = np.vstack([counts * 1e-9 * now / seconds[:, None], pull])
    factors = nnls(rows, np.concatenate([np.ones(len(found)), np.full(len(names), 0.2)]))[0]
    return {name: float(f"{value:.3g}") for name, value in zip(names, now * factors, strict=True)}


def peers(n: int = 50_000) -> list[tuple[str, float, str]]:
    """Ours and other libraries' CPU seconds on the same rows, where they are installed."""
    from sklearn.neighbors import NearestNeighbors

    sparse, dense = customers(n), profiles(n)

    def timed(search: Callable[[], Any]) -> float:
        began = time.process_time()
        search()
        return time.process_time() - began

    neighbors(sparse[:500], K, "cosine")
    neighbors(dense[:500], K, "euclidean")
    shown = f"{n:,} x"
    lines = [
        (f"{shown} 300, cosine", timed(lambda: neighbors(sparse, K, "cosine")), "segwidgets"),
        (f"{shown} 50, euclidean", timed(lambda: neighbors(dense, K, "euclidean")), "segwidgets"),
    ]
    search = NearestNeighbors(n_neighbors=K, algorithm="brute", n_jobs=-1).fit(dense)
    lines.append((f"{shown} 50, euclidean", timed(lambda: search.kneighbors(dense)), "scikit-learn, brute"))
    try:
        from sparse_dot_topn import sp_matmul_topn
    except ImportError:
        pass
    else:
        unit = sp.csr_matrix(sp.diags(1 / sp.linalg.norm(sparse, axis=1)) @ sparse)
        product = timed(lambda: sp_matmul_topn(unit, unit.T.tocsr(), top_n=K, sort=True, n_threads=2))
        lines.append((f"{shown} 300, cosine", product, "sparse_dot_topn"))
    return lines


def run(repeats: int = REPEATS, *, constants: bool = False) -> str:
    """Measure all cases and give a Markdown table, with refitted constants if they are asked for."""
    warmed: set[tuple[str, bool, bool]] = set()
    found = []
    for case in CASES:
        kind = (case.metric, case.exact, case.name.startswith("customers"))
        found.append(measure(case, repeats + (kind not in warmed)))
        warmed.add(kind)
    lines = ["| rows | search | measured, CPU | predicted | ratio | recall |", "| --- | --- | --- | --- | --- | --- |"]
    for one in found:
        predicted = cost.seconds(one.counts)
        search = f"{'exact' if one.case.exact else 'descent'}, {one.case.metric}"
        lines.append(
            f"| {one.case.name} | {search} | {one.seconds:.2f} s | {predicted:.2f} s | "
            f"{predicted / one.seconds:.2f} | {one.recall:.3f} |"
        )
    lines += ["", "| rows | library | CPU seconds |", "| --- | --- | --- |"]
    lines += [f"| {rows} | {library} | {seconds:.2f} s |" for rows, seconds, library in peers()]
    if constants:
        lines += ["", f"Constants: {refit(found)}"]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(run(constants="--refit" in sys.argv) + "\n")
