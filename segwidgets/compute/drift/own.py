"""How far a run's own rows vary when some are held out and assigned by the others: what a new table is held against."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

#: Resampled shares.
_REPEATS = 1000


@dataclasses.dataclass(frozen=True)
class OwnRows:
    """Shares of held-out rows over several splits, each with its 95 % range.

    ``none``: in no segment. ``moved``: in another than in the run, "none" counted as one. ``splits`` were made, in each
    of which ``held`` rows were assigned by the others.
    """

    none: float
    none_low: float
    none_high: float
    moved: float
    moved_low: float
    moved_high: float
    splits: int
    held: int

    @classmethod
    def of(cls, none: Sequence[int], moved: Sequence[int], held: int, seed: int = 0) -> OwnRows:
        """From the counts of each split.

        The ranges are the percentiles of a bootstrap of two levels (Davison and Hinkley, "Bootstrap methods and their
        application", 1997, 3.8): a split is drawn, then its rows. They say what another ``held`` rows of the run could
        give, not how well the mean is known.

        Raises:
            ValueError: there is no split, or no row in it.
        """
        if not none or len(none) != len(moved) or held < 1:
            raise ValueError(
                f"{len(none)} and {len(moved)} splits of {held} rows say nothing: one row of one is needed."
            )
        rng = np.random.default_rng(seed)

        def ranged(counts: Sequence[int]) -> tuple[float, float, float]:
            shares: npt.NDArray[np.float64] = np.asarray(counts, np.float64) / held
            drawn = rng.binomial(held, shares[rng.integers(0, len(shares), _REPEATS)]) / held
            low, high = np.percentile(drawn, [2.5, 97.5])
            return float(shares.mean()), float(low), float(high)

        return cls(*ranged(none), *ranged(moved), len(none), held)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> OwnRows:
        """What ``dataclasses.asdict`` gave; raises KeyError, TypeError or ValueError where it is none."""
        none, none_low, none_high, moved, moved_low, moved_high = (
            float(values[name]) for name in ("none", "none_low", "none_high", "moved", "moved_low", "moved_high")
        )
        splits, held = int(values["splits"]), int(values["held"])
        return cls(none, none_low, none_high, moved, moved_low, moved_high, splits, held)
