"""The settings that a stability map asks about: eps by min_samples."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from segwidgets.compute.density import DensityIndex
from segwidgets.compute.guidance import core_k, shown_eps

#: Cells of a map that nobody chose the grid of.
EPS_STEPS, SIZE_STEPS = 40, 20
_MOST_CELLS = 10_000


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
    """``eps`` (e,) float64, rising; ``min_samples`` (m,) int64, rising."""

    eps: npt.NDArray[np.float64]
    min_samples: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "eps", checked_eps_grid(self.eps))
        object.__setattr__(self, "min_samples", checked_sizes_grid(self.min_samples))
        if self.eps.size * self.min_samples.size > _MOST_CELLS:
            raise ValueError(
                f"a map of {self.eps.size} x {self.min_samples.size} cells is not allowed: {_MOST_CELLS:,} cells are "
                "the most. Take fewer eps or fewer min_samples."
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(min_samples, eps): the shape of a map on this grid."""
        return len(self.min_samples), len(self.eps)


def checked_eps_grid(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The eps of a grid: above 0, finite, rising, each once."""
    eps = np.array(values, dtype=np.float64, ndmin=1)
    if eps.ndim != 1 or not eps.size or not np.isfinite(eps).all() or eps.min() <= 0:
        raise ValueError(f"eps={np.asarray(values)!r} is not allowed: the grid needs numbers above 0, one at least.")
    return np.unique(eps)


def checked_sizes_grid(values: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """The min_samples of a grid: whole numbers from 2, rising, each once."""
    given = np.array(values, ndmin=1)
    if given.ndim != 1 or not given.size or given.dtype.kind not in "iu" or given.min() < 2:
        raise ValueError(f"min_samples={given!r} is not allowed: the grid needs whole numbers from 2, one at least.")
    return np.unique(given).astype(np.int64)


def default_grid(index: DensityIndex, *, eps_steps: int = EPS_STEPS, size_steps: int = SIZE_STEPS) -> Grid:
    """The eps that the k-distance plot shows, and min_samples from D + 1 to what the index answers, by equal ratios.

    Fewer steps where whole numbers or equal distances leave no more.
    """
    low, high = max(min(index.dims + 1, index.max_min_samples), 2), max(index.max_min_samples, 2)
    steps = size_steps
    # Small whole numbers fall together, so more are asked for than wanted.
    while len(sizes := np.unique(np.geomspace(low, high, steps).round().astype(np.int64))) < size_steps:
        if len(sizes) == high - low + 1:
            break
        steps += 1
    shown = shown_eps(index.k_distances(core_k(index.min_samples)))
    shown = shown[shown > 0]
    if not len(shown):
        raise ValueError("all rows stand at one place: there is no eps to choose, and no map to make.")
    return Grid(np.geomspace(shown[0], shown[-1], eps_steps), sizes)
