"""How many of the true neighbours an approximate search found, measured on sampled rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from segwidgets.compute.neighbors.exact import nearest
from segwidgets.compute.neighbors.rows import Rows, taken
from segwidgets.compute.neighbors.table import FloatArray
from segwidgets.compute.progress import Tick
from segwidgets.compute.scores.estimate import Estimate, estimate

#: Rows of the sample: the recall's standard error is about .005 then.
SAMPLE = 400


class Check:
    """The true distance of the farthest neighbour of some rows, to hold found ones against.

    Args:
        code: of the metric.
        rows: the data.
        k: neighbours, the row itself not counted.
        seed: of the sample.
        tick: told the share done.
    """

    def __init__(self, code: int, rows: Rows, k: int, seed: int, tick: Tick) -> None:
        n = len(rows.mean)
        random = np.random.default_rng(seed)
        self.n = n
        self.sample: npt.NDArray[Any] = np.sort(random.choice(n, min(n, SAMPLE), replace=False)).astype(np.int32)
        self.farthest: FloatArray = nearest(code, rows, taken(rows, self.sample), k, self.sample, tick)[1][:, -1]

    def recall(self, distances: FloatArray) -> Estimate:
        """The recall of found ``distances`` (n, k): a neighbour no farther than the true k-th counts, ties included.

        The interval treats the rows as a sample drawn without replacement. Where all are found it reaches down to
        1 - 3 / rows (the rule of three, Hanley and Lippman-Hand 1983).
        """
        share = (distances[self.sample] <= self.farthest[:, None]).mean(axis=1)
        m, value = len(share), float(share.mean())
        if m == self.n:
            return Estimate(value, value, value, m)
        if value == 1:
            return Estimate(1.0, 1 - 3 / m, 1.0, m)
        return estimate(value, float(share.var(ddof=1)) / m * (1 - m / self.n), m, 0.0)
