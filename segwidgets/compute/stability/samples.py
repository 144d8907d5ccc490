"""Samples of rows that stability is judged on, and what min_samples means on fewer rows."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

#: Rows of a sample for each row: enough to keep small segments alive, few enough to shake them.
SHARE = 0.8
#: Below this many rows a sample says nothing.
LEAST_ROWS = 10


def checked_sampling(n: int, repeats: int, share: float) -> None:
    """ValueError where so many samples of that share of ``n`` rows cannot be."""
    if not 1 <= repeats <= 1_000:
        raise ValueError(f"repeats={repeats!r} is not allowed: it must be a whole number from 1 to 1,000. 10 is usual.")
    if not 0.1 <= share <= 0.99:
        raise ValueError(f"share={share!r} is not allowed: it must be from 0.1 to 0.99. {SHARE} is usual.")
    if n * share < LEAST_ROWS:
        raise ValueError(
            f"{n:,} rows are too few to sample {share:.0%} of: {LEAST_ROWS / share:.0f} rows are the least."
        )


def sample(n: int, share: float, seed: int, repeat: int) -> npt.NDArray[np.int64]:
    """The rows of one sample, without replacement and rising, the same for the same numbers on any machine."""
    rows = np.random.default_rng((seed, repeat)).choice(n, max(1, round(share * n)), replace=False)
    return np.sort(rows).astype(np.int64)


def scaled(min_samples: int, share: float) -> int:
    """min_samples on a sample: a point keeps about ``share`` of its neighbours, and eps stays."""
    return max(1, math.ceil(share * min_samples))
