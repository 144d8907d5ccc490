"""Which runs of the leaderboard are asked for: the constraints, checked, and what they leave of a table."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

from segwidgets.data.errors import nearest
from segwidgets.tracking.base import State

if TYPE_CHECKING:
    import pandas as pd

#: What can be weighed against each other, and whether more (1) or less (-1) of it is better.
BETTER = {"silhouette": 1, "coverage": 1, "smallest": 1, "largest": -1, "duration": -1}
# A share of 0.85 leaves 0.15000000000000002 of noise.
_ROUNDING = 1e-9


@dataclasses.dataclass(frozen=True)
class Choice:
    """The constraints on runs; a run that lacks the number which a constraint is about does not meet it.

    Raises ValueError where a constraint cannot be one.
    """

    max_noise: float | None = None
    clusters: tuple[int, int] | None = None
    min_share: float | None = None
    status: tuple[str, ...] = ()
    verdict: str | None = None
    pareto: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("max_noise", "min_share"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and 0 <= value <= 1):
                raise ValueError(f"{name}={value!r} is not allowed: it is a share, from 0 to 1 (15 % is 0.15).")
        if self.clusters is not None:
            low, high = self.clusters
            if not 0 <= low <= high:
                raise ValueError(
                    f"clusters={self.clusters!r} is not allowed: give the fewest and the most, such as (4, 9)."
                )
        for state in self.status:
            if state not in get_args(State):
                hint = nearest(state, get_args(State))
                raise ValueError(f"status={state!r} is not allowed.{hint} Allowed: {', '.join(get_args(State))}.")
        if self.pareto and len(self.pareto) < 2:
            raise ValueError(f"pareto={self.pareto!r} is not allowed: name two or more of {', '.join(BETTER)}.")
        for name in self.pareto:
            if name not in BETTER:
                raise ValueError(
                    f"pareto={name!r} is not allowed.{nearest(name, BETTER)} It weighs {', '.join(BETTER)} against "
                    "each other."
                )

    @property
    def any(self) -> bool:
        """Whether all runs have to be looked at, whatever the page."""
        return self != Choice()

    def of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows that meet the constraints, in their order, with the column ``pareto`` where it is asked for."""
        keep = frame["name"].notna()
        if self.max_noise is not None:
            keep &= frame["coverage"] >= 1 - self.max_noise - _ROUNDING
        if self.clusters is not None:
            keep &= frame["segments"].between(*self.clusters).fillna(value=False).astype(bool)
        if self.min_share is not None:
            keep &= frame["smallest"] >= self.min_share - _ROUNDING
        if self.status:
            keep &= frame["status"].isin(self.status)
        if self.verdict is not None:
            keep &= frame["verdict"].str.startswith(self.verdict)
        left = frame[keep].reset_index(drop=True)
        if self.pareto:
            weighed = left[list(self.pareto)].to_numpy(dtype="float64") * [BETTER[name] for name in self.pareto]
            from segwidgets.tracking.front import front  # numpy, which the command line's help does without

            left["pareto"] = front(weighed)
        return left


def states(status: str | Sequence[str] | None) -> tuple[str, ...]:
    """One state, several or none as a tuple."""
    if status is None:
        return ()
    return (status,) if isinstance(status, str) else tuple(status)
