"""Effect sizes with 95 % intervals and p values, of one group of rows against another.

All come from how often each distinct value occurs in either group, so a sparse column's zeros cost nothing.

Sources: Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988 (d, h); Hedges and Olkin, "Statistical
Methods for Meta-Analysis", 1985 (d's variance); Cliff, "Dominance statistics", Psychological Bulletin 114, 1993 (delta
and its variance); Feng and Cliff, "Monte Carlo evaluation of ordinal d with improved confidence interval", 2004 (its
interval); Mann and Whitney 1947 with the correction for ties (Lehmann 1975); Benjamini and Hochberg 1995.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_Z95 = 1.959963984540054


@dataclasses.dataclass(frozen=True)
class Effect:
    """An effect size, its 95 % interval, and the two-sided p value of its test; NaN where a group is too small."""

    value: float
    low: float
    high: float
    p: float


_UNKNOWN = Effect(math.nan, math.nan, math.nan, math.nan)


def cohens_h(one: int, n: int, other: int, m: int) -> Effect:
    """Of the shares one/n and other/m; the test is that of two proportions, pooled."""
    if min(n, m) < 1:
        return _UNKNOWN
    p, q = one / n, other / m
    value = 2 * math.asin(math.sqrt(p)) - 2 * math.asin(math.sqrt(q))
    half = _Z95 * math.sqrt(1 / n + 1 / m)
    pooled = (one + other) / (n + m)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    p_value = math.erfc(abs(p - q) / spread / math.sqrt(2)) if spread > 0 else 1.0
    return Effect(value, max(-math.pi, value - half), min(math.pi, value + half), p_value)


def cohens_d(values: Floats, inside: Floats, outside: Floats) -> Effect:
    """The difference of means over the pooled standard deviation; the test is Welch's.

    Args:
        values: (v,) distinct values.
        inside: (v,) how often each occurs in the group.
        outside: (v,) and in the other.
    """
    n, m = float(inside.sum()), float(outside.sum())
    if min(n, m) < 2:
        return _UNKNOWN
    # Centred first, so that the squares of large values do not swallow the spread.
    centred = values - float((values * (inside + outside)).sum() / (n + m))
    mean, rest = float(centred @ inside / n), float(centred @ outside / m)
    within = float(((centred - mean) ** 2) @ inside), float(((centred - rest) ** 2) @ outside)
    pooled = math.sqrt((within[0] + within[1]) / (n + m - 2))
    if pooled == 0:
        return _UNKNOWN if mean != rest else Effect(0.0, 0.0, 0.0, 1.0)
    d = (mean - rest) / pooled
    half = _Z95 * math.sqrt((n + m) / (n * m) + d * d / (2 * (n + m)))
    a, b = within[0] / (n - 1) / n, within[1] / (m - 1) / m
    freedom = (a + b) ** 2 / (a * a / (n - 1) + b * b / (m - 1))
    from scipy.special import stdtr

    p = 2 * float(stdtr(freedom, -abs(mean - rest) / math.sqrt(a + b)))
    return Effect(d, d - half, d + half, p)


def cliffs_delta(inside: Floats, outside: Floats) -> Effect:
    """How much more often a row of the group has the larger value than the smaller, of all pairs: -1 to 1.

    It is the rank-biserial correlation. The test is Mann and Whitney's, by the normal approximation, ties and the
    half step of continuity corrected.

    Args:
        inside: (v,) how often each distinct value, ascending, occurs in the group.
        outside: (v,) and in the other.
    """
    n, m = float(inside.sum()), float(outside.sum())
    if min(n, m) < 2:
        return _UNKNOWN
    # What a value of either side is in the other: the share below it less the share above.
    of_inside = (2 * np.cumsum(outside) - outside) / m - 1
    of_outside = (2 * np.cumsum(inside) - inside) / n - 1
    delta = float(of_inside @ inside / n)
    total = n + m
    ties = inside + outside
    spread = n * m / 12 * ((total + 1) - float((ties**3 - ties).sum()) / (total * (total - 1)))
    away = max(0.0, abs(delta) * n * m / 2 - 0.5)
    p = math.erfc(away / math.sqrt(spread) / math.sqrt(2)) if spread > 0 else 1.0
    rows = float(((of_inside - delta) ** 2) @ inside) / (n - 1)
    columns = float(((of_outside + delta) ** 2) @ outside) / (m - 1)
    # Cliff's unbiased estimate: the spread of the pairs themselves counts once.
    squares = _pairs_that_differ(inside, outside) - n * m * delta * delta
    variance = max((m * rows * m * (n - 1) + n * columns * n * (m - 1) - squares) / (n * m * (n - 1) * (m - 1)), 0.0)
    variance = max(variance, (1 - delta * delta) / (n * m - 1))
    reach = _Z95**2 * variance
    root = _Z95 * math.sqrt(variance) * math.sqrt(max((1 - delta * delta) ** 2 + reach, 0.0))
    below = 1 - delta * delta + reach
    if below <= 0:
        return Effect(delta, delta, delta, p)
    middle = delta - delta**3
    return Effect(delta, max(-1.0, (middle - root) / below), min(1.0, (middle + root) / below), p)


def _pairs_that_differ(inside: Floats, outside: Floats) -> float:
    """The sum of squares of all pairs' signs."""
    return float(inside.sum() * outside.sum() - inside @ outside)


def adjusted(p: npt.ArrayLike) -> Floats:
    """Benjamini and Hochberg's adjusted p values (1995): the false discovery rate at which each is a finding.

    NaN are no tests and stay NaN.
    """
    given = np.asarray(p, np.float64)
    found = np.full(len(given), np.nan)
    tested = np.flatnonzero(~np.isnan(given))
    order = tested[np.argsort(given[tested], kind="stable")]
    scaled = given[order] * len(order) / np.arange(1, len(order) + 1)
    found[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return found


def median(values: Floats, counts: Floats) -> float:
    """The median of ascending distinct values by their counts; NaN of none."""
    total = int(counts.sum())
    if not total:
        return math.nan
    upto = np.cumsum(counts)
    low, high = np.searchsorted(upto, [(total - 1) // 2, total // 2], side="right")
    return float((values[low] + values[high]) / 2)
