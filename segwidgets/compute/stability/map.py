"""The stability map: for every eps and min_samples of a grid, how well samples agree with the clustering of all rows.

One tree of each sample answers all eps and all min_samples, so a map costs a few trees and many cuts.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from segwidgets.compute.density import DensityIndex
from segwidgets.compute.progress import Tick, no_tick
from segwidgets.compute.stability.agreement import adjusted_rand
from segwidgets.compute.stability.grid import Grid
from segwidgets.compute.stability.samples import SHARE, checked_sampling, sample, scaled

REPEATS = 5
#: Rows that a forecast is measured on: two sizes tell what each call costs from what each row costs. And how often it
#: measures a cell.
_PROBE_ROWS, _PROBE_CELLS = (1_000, 8_000), 5


@dataclasses.dataclass(frozen=True, eq=False)
class StabilityMap:
    """A map, finished or not.

    ``ari`` (repeats, m, e) float32: each sample's agreement with all rows, NaN where it has not been computed.
    ``clusters`` (m, e) int32, ``noise`` and ``largest`` (m, e) float32: of all rows, shares of them. ``across``
    (m, e - 1) and ``along`` (m - 1, e) float32: ARI of all rows' clusterings with those of the next eps and the next
    min_samples. ``n`` rows, ``share`` of them in a sample, drawn by ``seed``.
    """

    grid: Grid
    ari: npt.NDArray[np.float32]
    clusters: npt.NDArray[np.int32]
    noise: npt.NDArray[np.float32]
    largest: npt.NDArray[np.float32]
    across: npt.NDArray[np.float32]
    along: npt.NDArray[np.float32]
    n: int
    share: float
    seed: int

    @property
    def repeats(self) -> int:
        """Samples that are asked for."""
        return len(self.ari)

    @property
    def done(self) -> float:
        """The share of the cells of all samples that is there."""
        return float(np.isfinite(self.ari).mean())

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """(m, e) float64: mean agreement over the samples that are there, NaN where none is.

        NaN too where all rows have fewer than two clusters: nothing agrees with nothing perfectly, and says nothing.
        """
        there = np.isfinite(self.ari)
        count = there.sum(axis=0)
        total = np.where(there, self.ari, 0).sum(axis=0, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where((count > 0) & (self.clusters >= 2), total / count, np.nan)


@dataclasses.dataclass(frozen=True)
class Forecast:
    """``seconds`` that a map will take on this machine, about; ``cells`` times ``repeats`` are computed."""

    seconds: float
    cells: int
    repeats: int


def forecast(points: npt.ArrayLike, grid: Grid, *, repeats: int = REPEATS, share: float = SHARE) -> Forecast:
    """How long a map will take, from a small one that is timed here and now.

    Raises:
        ValueError: as `stability_map`.
    """
    cloud = np.asarray(points)
    checked_sampling(len(cloud), repeats, share)
    sizes, steps = grid.shape
    order = np.random.default_rng(0).permutation(len(cloud))
    _timed(cloud[order[: _PROBE_ROWS[0]]], grid)  # the first call loads what is compiled
    seen = []
    for rows in sorted({min(most, len(cloud)) for most in _PROBE_ROWS}):
        built, laid_out, cell = _timed(cloud[order[:rows]], grid)
        # A tree, one layout of it for each min_samples, a cut and a comparison for each cell.
        seen.append((rows, built + sizes * laid_out + sizes * steps * cell))
    few, many = seen[0], seen[-1]
    a_row = max(0.0, many[1] - few[1]) / max(1, many[0] - few[0])
    # All rows, then each sample.
    total = sum(
        count * (many[1] + a_row * (rows - many[0])) for rows, count in ((len(cloud), 1), (share * len(cloud), repeats))
    )
    return Forecast(float(max(total, 0.0)), sizes * steps, repeats)


def _timed(few: npt.NDArray[np.generic], grid: Grid) -> tuple[float, float, float]:
    """Seconds of a tree, of its layout for one min_samples, and of one cell."""
    most = min(int(grid.min_samples[-1]), len(few))
    size = min(int(grid.min_samples[len(grid.min_samples) // 2]), len(few))
    eps = float(grid.eps[len(grid.eps) // 2])
    begin = time.perf_counter()
    index = DensityIndex(few, most, most)
    built = time.perf_counter()
    for _ in range(2):  # the second one makes the layout
        index.labels(eps, size)
    laid_out = time.perf_counter()
    for _ in range(_PROBE_CELLS):
        # All rows are cut again for each sample.
        adjusted_rand(index.labels(eps, size), index.labels(eps, size))
    end = time.perf_counter()
    return built - begin, laid_out - built, (end - laid_out) / _PROBE_CELLS


def stability_map(
    points: npt.ArrayLike,
    grid: Grid,
    *,
    index: DensityIndex | None = None,
    repeats: int = REPEATS,
    share: float = SHARE,
    seed: int = 0,
    budget: float | None = None,
    so_far: StabilityMap | None = None,
    told: Callable[[StabilityMap], None] | None = None,
    tick: Tick = no_tick,
) -> StabilityMap:
    """Make a map, or go on with one.

    Args:
        points: (n, d), what is clustered.
        grid: the settings.
        index: of ``points``, where there is one that answers every min_samples of the grid.
        repeats: samples, 1 to 1,000.
        share: of the rows in each sample, 0.1 to 0.99.
        seed: of the samples.
        budget: seconds after which it stops with what it has; None for as long as it takes.
        so_far: an unfinished map of the same points, grid, share and seed: what it holds is kept.
        told: called with the map after each row of it, in this thread. What it was told last, after a cancellation, is
            what to go on with.
        tick: told the share done; may raise `Cancelled`.

    Returns:
        The map; `StabilityMap.done` is below 1 where the budget ran out.

    Raises:
        ValueError: too few rows, an argument out of range, a min_samples above the number of rows, or ``so_far`` is of
            something else.
    """
    end = None if budget is None else time.monotonic() + budget
    cloud = np.asarray(points)
    n = len(cloud)
    checked_sampling(n, repeats, share)
    most = int(grid.min_samples[-1])
    if most > n * share:
        raise ValueError(
            f"min_samples={most} is not allowed in the grid: samples have {int(n * share):,} rows. Take smaller ones."
        )
    whole = index if index is not None and index.max_min_samples >= most else DensityIndex(cloud, most, most)
    first = 1 / (1 + repeats)

    def beginning(done: float) -> None:
        tick(first * done)

    def sampling(done: float) -> None:
        tick(first + (1 - first) * done)

    made = so_far if so_far is not None else _begun(whole, grid, repeats, share, seed, beginning)
    _check_same(made, grid, n, repeats, share, seed)
    for ari in _rows(cloud, whole, made, end, sampling):
        made = dataclasses.replace(made, ari=ari)
        if told is not None:
            told(made)
    tick(1.0)
    return made


def _begun(index: DensityIndex, grid: Grid, repeats: int, share: float, seed: int, tick: Tick) -> StabilityMap:
    """The map before any sample: what all rows give."""
    clusters = np.empty(grid.shape, np.int32)
    noise, largest = np.empty(grid.shape, np.float32), np.empty(grid.shape, np.float32)
    sizes, steps = grid.shape
    across, along = np.empty((sizes, steps - 1), np.float32), np.empty((sizes - 1, steps), np.float32)
    before: list[npt.NDArray[np.int32]] = []
    for row, size in enumerate(grid.min_samples.tolist()):
        tick(row / sizes)
        seen = index.profile(grid.eps, size)
        clusters[row], noise[row], largest[row] = seen.clusters, seen.noise, seen.largest
        labels = [index.labels(eps, size) for eps in grid.eps.tolist()]
        across[row] = [adjusted_rand(one, other) for one, other in itertools.pairwise(labels)]
        if before:
            along[row - 1] = [adjusted_rand(one, other) for one, other in zip(before, labels, strict=True)]
        before = labels
    ari = np.full((repeats, *grid.shape), np.nan, np.float32)
    return StabilityMap(grid, ari, clusters, noise, largest, across, along, index.n, share, seed)


def _check_same(made: StabilityMap, grid: Grid, n: int, repeats: int, share: float, seed: int) -> None:
    same = (
        np.array_equal(made.grid.eps, grid.eps)
        and np.array_equal(made.grid.min_samples, grid.min_samples)
        and (made.n, made.repeats, made.share, made.seed) == (n, repeats, share, seed)
    )
    if not same:
        raise ValueError(
            "so_far is a map of other points, or of another grid, number of samples, share or seed: "
            "leave it out to begin anew, or ask with what it was made with."
        )


def _rows(
    cloud: npt.NDArray[np.generic], whole: DensityIndex, made: StabilityMap, end: float | None, tick: Tick
) -> Iterator[npt.NDArray[np.float32]]:
    """After each min_samples of each sample, all that is there; nothing where the time is up or all is done."""
    grid = made.grid
    ari = made.ari.copy()
    sizes = grid.min_samples.tolist()
    for repeat in range(len(ari)):
        missing = [row for row in range(len(sizes)) if not np.isfinite(ari[repeat, row]).all()]
        if not missing:
            continue
        rows = sample(made.n, made.share, made.seed, repeat)
        most = scaled(sizes[-1], made.share)

        def building(done: float, at: int = repeat) -> None:
            tick((at + 0.1 * done) / len(ari))

        index = DensityIndex(cloud[rows], most, most, tick=building)
        for row in missing:
            tick((repeat + 0.1 + 0.9 * row / len(sizes)) / len(ari))
            if end is not None and time.monotonic() >= end:
                return
            small = scaled(sizes[row], made.share)
            for column, eps in enumerate(grid.eps.tolist()):
                ari[repeat, row, column] = adjusted_rand(whole.labels(eps, sizes[row])[rows], index.labels(eps, small))
            yield ari.copy()
