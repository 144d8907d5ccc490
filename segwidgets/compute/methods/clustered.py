"""What any method of clustering finds."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Method = Literal["dbscan", "hdbscan", "kmeans", "gmm"]


@dataclasses.dataclass(frozen=True, eq=False)
class Clustered:
    """A clustering and where it came from.

    ``labels`` (n,) int32, -1 for noise (KMeans and Gaussian mixtures know none). ``settings``: what it was asked for.
    ``seconds``: what it took, without what was there already. ``numbers``: what the method itself tells of its fit
    (``inertia``, ``bic``). ``strength`` (n,) float32: how surely each row belongs to its segment, 0 to 1, where the
    method tells that.
    """

    method: Method
    settings: dict[str, Any]
    labels: npt.NDArray[np.int32]
    seconds: float
    numbers: dict[str, float] = dataclasses.field(default_factory=dict)
    strength: npt.NDArray[np.float32] | None = None

    @property
    def clusters(self) -> int:
        """How many segments."""
        return int(self.labels.max(initial=-1)) + 1

    @property
    def name(self) -> str:
        """The method and its settings in a few words."""
        return f"{_NAMES[self.method]} ({', '.join(f'{key}={value:.4g}' for key, value in self.settings.items())})"


_NAMES: dict[Method, str] = {
    "dbscan": "DBSCAN",
    "hdbscan": "HDBSCAN",
    "kmeans": "KMeans",
    "gmm": "Gaussian mixture",
}


def by_first_row(labels: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """The same clustering with its segments numbered by their first row, so that no method's order shows."""
    kept = labels >= 0
    found, first, inverse = np.unique(labels[kept], return_index=True, return_inverse=True)
    number = np.empty(len(found), np.int32)
    number[np.argsort(first, kind="stable")] = np.arange(len(found), dtype=np.int32)
    out = np.full(len(labels), -1, np.int32)
    out[kept] = number[inverse]
    return out
