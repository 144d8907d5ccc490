"""Groups of columns that say the same, and which of each to keep."""

from __future__ import annotations

import dataclasses

import numpy as np

from segwidgets.compute.analysis.correlation import Correlations

#: From this association on, two columns say the same.
SAME = 0.9


@dataclasses.dataclass(frozen=True)
class Dropped:
    """A column that may go: its association with the one that is kept, and why, in a sentence."""

    name: str
    association: float
    reason: str


@dataclasses.dataclass(frozen=True)
class RedundantGroup:
    """Columns of which each two go together at least as far as was asked.

    ``keep`` stands for the group; ``reason`` says why it. ``weakest``: the smallest association within the group.
    """

    keep: str
    reason: str
    drop: tuple[Dropped, ...]
    weakest: float

    @property
    def columns(self) -> tuple[str, ...]:
        """All of the group, the one that is kept first."""
        return (self.keep, *(one.name for one in self.drop))


def redundant_groups(found: Correlations, threshold: float = SAME) -> tuple[RedundantGroup, ...]:
    """Groups of redundant columns, by complete linkage: no two of a group are further apart than asked.

    Kept is the column with the largest mean association with the others of its group; of equals the one with fewer
    missing values, then with more entries, then the first of the table.

    Args:
        found: all pairs.
        threshold: the size of association, above 0 and up to 1.

    Returns:
        Groups of two or more, the largest first.

    Raises:
        ValueError: ``threshold`` is out of range.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if not 0 < threshold <= 1:
        raise ValueError(f"threshold={threshold!r} is not allowed: it must be a number above 0, up to 1. 0.9 is usual.")
    if len(found.names) < 2:
        return ()
    apart = found.distances()
    tree = linkage(squareform(apart, checks=False), "complete")
    # 1 - 0.9 is a little less than 0.1; a pair at exactly the threshold belongs in.
    group = fcluster(tree, 1.0 - threshold + 1e-9, "distance")
    members = [np.flatnonzero(group == number) for number in np.unique(group)]
    groups = [_group(found, 1.0 - apart, inside) for inside in members if len(inside) > 1]
    return tuple(sorted(groups, key=lambda one: -len(one.columns)))


def _group(found: Correlations, close: np.ndarray, inside: np.ndarray) -> RedundantGroup:
    within = close[np.ix_(inside, inside)]
    others = len(inside) - 1
    mean = (within.sum(axis=1) - 1.0) / others
    # Rounding must not decide which of two equals is kept.
    best = min(
        range(len(inside)),
        key=lambda at: (-round(float(mean[at]), 9), int(found.missing[inside[at]]), -int(found.filled[inside[at]]), at),
    )
    keep = int(inside[best])
    name = found.names[keep]
    drop = tuple(
        Dropped(
            found.names[at],
            float(found.values[keep, at]),
            f"{found.names[at]!r} says what {name!r} says: {found.measured_by(keep, at)} {found.values[keep, at]:.2f}.",
        )
        for at in sorted((int(at) for at in inside if at != keep), key=lambda at: (-close[keep, at], at))
    )
    return RedundantGroup(name, _why(found, inside, keep, mean), drop, float(within.min()))


def _why(found: Correlations, inside: np.ndarray, keep: int, mean: np.ndarray) -> str:
    name = found.names[keep]
    rest = [int(at) for at in inside if at != keep]
    if len(rest) > 1:
        at = int(np.flatnonzero(inside == keep)[0])
        return (
            f"{name!r} stands best for its group: its mean association with the {len(rest)} others is {mean[at]:.2f}."
        )
    other = rest[0]
    if found.missing[keep] < found.missing[other]:
        return f"{name!r} is kept because fewer of its values are missing ({found.missing[keep]:,})."
    if found.filled[keep] > found.filled[other]:
        return f"{name!r} is kept because it has more entries ({found.filled[keep]:,})."
    return f"{name!r} is kept because it comes first in the table; nothing else speaks for either."
