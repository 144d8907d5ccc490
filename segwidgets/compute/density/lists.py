"""The points of an index and their neighbour lists: what every min_samples and every eps is answered from."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from segwidgets.compute.kernel import kernel


@kernel(parallel=True)
def _weighted_core(distances: Any, indices: Any, weight: Any, enough: float, core: Any) -> None:
    """The distance at which the weight of a point and its neighbours reaches ``enough``; infinite: it never does."""
    for p in prange(core.size):
        total = weight[p]
        core[p] = 0.0 if total >= enough else np.inf
        j = 0
        while total < enough and j < distances.shape[1]:
            total += weight[indices[p, j]]
            if total >= enough:
                core[p] = distances[p, j]
            j += 1


@dataclasses.dataclass(frozen=True, eq=False)
class Lists:
    """u points at different places, in the order of the tree of boxes, that stand for n rows."""

    points: NDArray[np.float64]
    """(u, d) coordinates."""
    distances: NDArray[np.float64]
    """(u, k) to the nearest other points, ascending."""
    indices: NDArray[np.int32]
    """(u, k) which those are."""
    point_of: NDArray[np.int32]
    """(n,) the point of each row."""
    first: NDArray[np.int32]
    """(u,) the first row of each point."""
    count: NDArray[np.int64] | None
    """(u,) the rows of each point; None: one each."""
    weight: NDArray[np.float64] | None
    """(u,) what each point adds towards min_samples; None: one each."""

    def core(self, min_samples: int) -> NDArray[np.float64]:
        """(u,) core distances, for a min_samples that the lists are long enough for; infinite where too few points."""
        u, k = self.distances.shape
        if self.weight is not None:
            core = np.empty(u)
            _weighted_core(self.distances, self.indices, self.weight, float(min_samples), core)
            return core
        if min_samples == 1:
            return np.zeros(u)
        if min_samples > k + 1:
            return np.full(u, np.inf)
        return np.ascontiguousarray(self.distances[:, min_samples - 2])

    @property
    def radius(self) -> NDArray[np.float64]:
        """(u,) how far each list reaches: no point that is not listed is nearer. 0 for a single point."""
        u, k = self.distances.shape
        return np.ascontiguousarray(self.distances[:, -1]) if k else np.zeros(u)

    def by_row(self, values: NDArray[Any]) -> NDArray[Any]:
        """(n,) from (u,)."""
        return values[self.point_of]


def first_rows(point_of: NDArray[np.int32], u: int) -> NDArray[np.int32]:
    """(u,) the smallest row of each point."""
    first = np.empty(u, np.int32)
    # Of several values for one place, numpy keeps the last.
    first[point_of[::-1]] = np.arange(len(point_of) - 1, -1, -1, dtype=np.int32)
    return first
