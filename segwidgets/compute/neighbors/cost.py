"""What a search costs, predicted from the data's own operation counts: it decides between exact and approximate.

Never timed at run time, so that a panel and a job choose alike. The constants are nanoseconds an operation takes on
one core; both searches use all cores alike, so that what matters is their ratios.
``tests/benchmarks/bench_neighbors.py`` measures against them and refits them.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import scipy.sparse as sp

from segwidgets.compute.neighbors.inverted import POPULAR
from segwidgets.compute.neighbors.recall import SAMPLE
from segwidgets.compute.neighbors.rows import MANHATTAN, Matrix

#: Seconds of one core that an exact table is worth: it needs no seed and no check, and its beginning is a smaller one.
PATIENCE = 10.0

#: Rows from which the first try on sparse rows is to miss the floor of the recall (it did at 1,000,000 and not at
#: 60,000), so that a second one is part of the price.
SECOND_TRY = 300_000


@dataclasses.dataclass(frozen=True)
class Effort:
    """How hard the approximate search tries.

    Attributes:
        width: of the lists, at least the neighbours that are wanted.
        trees: that lists begin with.
        leaf: rows of a tree's leaf.
        sample: neighbours that a row looks at in a round, new and old each.
        rounds: at most.
    """

    width: int
    trees: int
    leaf: int
    sample: int
    rounds: int

    def harder(self) -> Effort:
        """The next step: about twice the work."""
        return Effort(-(-3 * self.width // 2), self.trees + 8, self.leaf, -(-3 * self.sample // 2), self.rounds + 4)


def effort(k: int, *, sparse: bool) -> Effort:
    """What reached a recall of 0.95 for ``k`` neighbours, itself counted, on customers' features.

    Sparse rows have more dimensions to them, and the neighbours of their neighbours are less often their own.
    """
    if sparse:
        width = (3 * k) // 2 + 4
        return Effort(width, 8, 60, max(15, width // 2), 12)
    return Effort(k + 1, 8, 60, max(5, k // 3), 12)


#: Nanoseconds an operation takes, by name; see `exact_counts` and `descent_counts`.
CONSTANTS = {
    "scattered": 2.0,
    "scattered_manhattan": 2.5,
    "arrayed": 0.06,
    "arrayed_manhattan": 0.065,
    "multiplied": 0.036,
    "pairs": 0.2,
    "kept": 60.0,
    "compared": 15.0,
    "values": 1.0,
    "compared_sparse": 60.0,
    "values_sparse": 14.0,
    "rows": 5000.0,
}


def exact_counts(X: Matrix, k: int, code: int) -> dict[str, float]:
    """Operations of the exact search, by the names of `CONSTANTS`.

    Sparse: a column that c rows have takes c^2 scattered additions, a popular one n c additions in a row; then all
    scores are looked through. Dense: n^2 p multiplications, or additions for manhattan.
    """
    n, p = X.shape
    counts = {"pairs": float(n) ** 2, "kept": float(n) * (2 * k + 64) * (1 + math.log(max(n / k, 1)) / 3), "rows": n}
    suffix = "_manhattan" if code == MANHATTAN else ""
    if not sp.issparse(X):
        return {**counts, "arrayed_manhattan" if suffix else "multiplied": float(n) ** 2 * p}
    columns = np.bincount(X.indices, minlength=p).astype(np.float64)
    popular = columns > POPULAR * n
    return {
        **counts,
        f"scattered{suffix}": float((columns[~popular] ** 2).sum()),
        f"arrayed{suffix}": float(n * columns[popular].sum()),
    }


def descent_counts(X: Matrix, work: Effort) -> dict[str, float]:
    """Operations of the approximate search: comparisons in the leaves and in the rounds, and values they read."""
    n, p = X.shape
    values = X.nnz / n if sp.issparse(X) else p
    # Of 3 sample^2 candidates a round most were seen before, and later rounds have few new ones.
    pairs = n * (work.trees * work.leaf / 2 + 6 * work.sample**2)
    # A plane of a tree costs about as much as reading a row in order.
    planes = n * work.trees * math.log2(max(n / work.leaf, 1)) / 4
    suffix = "_sparse" if sp.issparse(X) else ""
    return {f"compared{suffix}": pairs, f"values{suffix}": (pairs + planes) * values, "rows": float(n)}


def seconds(counts: dict[str, float]) -> float:
    """The predicted seconds of the counted operations."""
    return sum(CONSTANTS[name] * count for name, count in counts.items()) * 1e-9


@dataclasses.dataclass(frozen=True)
class Plan:
    """Which search `neighbors` takes, and the predicted seconds of both on one core (all cores share them)."""

    exact: bool
    exact_seconds: float
    approximate_seconds: float


def planned(X: Matrix, k: int, code: int) -> Plan:
    """The search for the ``k`` nearest rows, itself counted: exact where that takes little longer, or is quicker."""
    exact = seconds(exact_counts(X, k, code))
    first = effort(k, sparse=sp.issparse(X))
    approximate = seconds(descent_counts(X, first))
    if sp.issparse(X) and X.shape[0] > SECOND_TRY:
        approximate += seconds(descent_counts(X, first.harder()))
    # The recall is checked by an exact search for some rows.
    approximate += exact * min(1.0, SAMPLE / X.shape[0])
    return Plan(exact <= approximate + PATIENCE, exact, approximate)
