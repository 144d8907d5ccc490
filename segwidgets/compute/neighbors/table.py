"""A table of nearest neighbours."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from segwidgets.compute.scores.estimate import Estimate

FloatArray = npt.NDArray[np.float32]
IndexArray = npt.NDArray[np.int32]


@dataclasses.dataclass(frozen=True)
class Neighbors:
    """Every row's nearest rows, itself first, then by distance and, where distances are equal, by index.

    Attributes:
        indices: (n, k) int32.
        distances: (n, k) float32.
        exact: whether every one of them is right.
        method: how they were found, in words.
        recall: the share of the true neighbours (a row itself not counted) that was found, estimated on sampled rows;
            None for an exact table, whose recall is 1 by construction.
    """

    indices: IndexArray
    distances: FloatArray
    exact: bool
    method: str
    recall: Estimate | None = None

    def first(self, k: int) -> Neighbors:
        """The ``k`` nearest of each row.

        For an exact table this is bit for bit what a search for ``k`` finds. The recall of an approximate one is that
        of the whole table: the nearest are found more surely than the rest, so it errs on the safe side.

        Raises:
            ValueError: when the table has fewer than ``k``.
        """
        width = self.indices.shape[1]
        if not 1 <= k <= width:
            raise ValueError(f"k={k} is not in this table of {width} neighbours: take k from 1 to {width}.")
        if k == width:
            return self
        indices = np.ascontiguousarray(self.indices[:, :k])
        distances = np.ascontiguousarray(self.distances[:, :k])
        return dataclasses.replace(self, indices=indices, distances=distances)
