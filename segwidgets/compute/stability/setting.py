"""How stable one clustering is, as a whole and segment by segment."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from segwidgets.compute.density import DensityIndex
from segwidgets.compute.progress import Tick, no_tick
from segwidgets.compute.stability.agreement import agreement, jaccard_by_segment
from segwidgets.compute.stability.samples import SHARE, checked_sampling, sample, scaled

#: Hennig's readings of a mean Jaccard index ("Cluster-wise assessment of cluster stability", 2007, and his fpc).
STABLE, DOUBTFUL, DISSOLVED = 0.75, 0.6, 0.5


@dataclasses.dataclass(frozen=True)
class SegmentStability:
    """One segment over all samples.

    ``jaccard``: the mean of its best Jaccard index. ``dissolved``: the share of samples in which that was 0.5 or less.
    ``word``: "stable" from 0.75, "doubtful" from 0.6, else "unstable".
    """

    segment: int
    jaccard: float
    dissolved: float
    word: str


@dataclasses.dataclass(frozen=True)
class Stability:
    """A clustering against those of samples of its rows.

    ``ari`` and ``ami``: means over the samples, ``ari_low`` to ``ari_high`` and ``ami_low`` to ``ami_high`` the whole
    range of them: samples share most of their rows, so this is a spread and no confidence interval. The AMI is None
    where there are too many segments for it.
    """

    ari: float
    ari_low: float
    ari_high: float
    ami: float | None
    ami_low: float | None
    ami_high: float | None
    repeats: int
    share: float
    segments: tuple[SegmentStability, ...]

    @classmethod
    def of(
        cls,
        aris: Sequence[float],
        amis: Sequence[float | None],
        jaccards: npt.NDArray[np.float64],
        share: float,
    ) -> Stability:
        """From what each sample gave: ``jaccards`` (repeats, segments), NaN where a sample had no row of a segment."""
        told = np.isfinite(jaccards)
        count = np.maximum(told.sum(axis=0), 1)
        mean = np.where(told, jaccards, 0.0).sum(axis=0) / count
        gone = (told & (jaccards <= DISSOLVED)).sum(axis=0) / count
        segments = tuple(
            SegmentStability(number, float(mean[number]), float(gone[number]), _word(float(mean[number])))
            for number in range(jaccards.shape[1])
        )
        told_of = [value for value in amis if value is not None]
        whole = told_of if len(told_of) == len(amis) else []
        return cls(
            ari=float(np.mean(aris)),
            ari_low=min(aris),
            ari_high=max(aris),
            ami=float(np.mean(whole)) if whole else None,
            ami_low=min(whole, default=None),
            ami_high=max(whole, default=None),
            repeats=len(aris),
            share=share,
            segments=segments,
        )


def _word(jaccard: float) -> str:
    return "stable" if jaccard >= STABLE else "doubtful" if jaccard >= DOUBTFUL else "unstable"


def stability(
    points: npt.ArrayLike,
    labels: npt.NDArray[np.int32],
    *,
    eps: float,
    min_samples: int,
    repeats: int = 20,
    share: float = SHARE,
    seed: int = 0,
    tick: Tick = no_tick,
) -> Stability:
    """Cluster samples of the rows at the same eps, and see whether the segments come back.

    A sample has fewer neighbours everywhere, so min_samples shrinks with it, rounded up. Rows that a sample lacks are
    not compared.

    Args:
        points: (n, d), the map.
        labels: (n,) int32, the clustering of all rows at ``eps`` and ``min_samples``; -1 for noise.
        eps: of the clustering.
        min_samples: of the clustering.
        repeats: samples, 1 to 1,000.
        share: of the rows in each sample, 0.1 to 0.99.
        seed: of the samples.
        tick: told the share done; may raise `Cancelled`.

    Raises:
        ValueError: too few rows, an argument out of range, or labels that are not of these points.
    """
    cloud = np.asarray(points)
    checked_sampling(len(cloud), repeats, share)
    if len(labels) != len(cloud):
        raise ValueError(f"{len(labels):,} labels are not those of {len(cloud):,} points.")
    segments = int(labels.max(initial=-1)) + 1
    aris, amis, jaccards = [], [], np.full((repeats, segments), np.nan)
    size = scaled(min_samples, share)
    for repeat in range(repeats):
        rows = sample(len(cloud), share, seed, repeat)

        def within(done: float, at: int = repeat) -> None:
            tick((at + done) / repeats)

        found = DensityIndex(cloud[rows], size, size, tick=within).labels(eps)
        before = labels[rows]
        both = agreement(before, found)
        aris.append(both.ari)
        amis.append(both.ami)
        seen = jaccard_by_segment(before, found)
        jaccards[repeat, : len(seen)] = seen
    tick(1.0)
    return Stability.of(aris, amis, jaccards, share)
