"""What a search of recipes looks for: scores of which more is better, and limits that a clustering must keep."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from segwidgets.compute.stability import stability
from segwidgets.data.errors import nearest
from segwidgets.result import Result

__all__ = ["OBJECTIVES", "WORST", "Limits", "check_objectives", "measured", "worth"]

#: What a sweep can look for; more is better of each.
OBJECTIVES = ("silhouette", "coverage", "dbcv", "stability", "trustworthiness")
#: What an objective counts as where a trial has none: the least that it can be.
WORST = -1.0
#: Samples of the rows that the objective "stability" takes.
_REPEATS = 5


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a clustering must keep to be of use; what does not leads the search away from there.

    ``max_noise``: share of rows in no segment. ``clusters``: how many segments, from and to. ``min_share``: share of
    the rows that the smallest segment has at least.
    """

    max_noise: float | None = None
    clusters: tuple[int, int] | None = None
    min_share: float | None = None

    def __post_init__(self) -> None:
        for name in ("max_noise", "min_share"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name}={value!r} is not allowed: it must be a share from 0 to 1.")
        if self.clusters is not None and not 0 <= self.clusters[0] <= self.clusters[1]:
            raise ValueError(f"clusters={self.clusters!r} is not allowed: it must be (least, most), such as (4, 9).")

    def excess(self, metrics: Mapping[str, float]) -> tuple[float, ...]:
        """How far each limit is overstepped; 0 or less where it is kept."""
        low, high = self.clusters or (2, math.inf)
        return (
            1 - metrics["coverage"] - (1.0 if self.max_noise is None else self.max_noise),
            max(low - metrics["clusters"], metrics["clusters"] - high),
            (self.min_share or 0.0) - metrics["smallest"],
        )

    def kept(self, metrics: Mapping[str, float]) -> bool:
        """Whether every limit is kept."""
        return all(over <= 0 for over in self.excess(metrics))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Limits:
        """The limits that `to_dict` gave, also after JSON has made a list of the tuple."""
        clusters = values.get("clusters")
        return cls(values.get("max_noise"), None if clusters is None else tuple(clusters), values.get("min_share"))


def check_objectives(objectives: Sequence[str]) -> tuple[str, ...]:
    """The objectives, each once; ValueError where one is none."""
    if isinstance(objectives, str) or not objectives:
        raise ValueError(f"objectives={objectives!r} is not allowed: it must be a list of {', '.join(OBJECTIVES)}.")
    for one in objectives:
        if one not in OBJECTIVES:
            raise ValueError(
                f"objectives={one!r} is not allowed: it must be of {', '.join(OBJECTIVES)}.{nearest(one, OBJECTIVES)}"
            )
    return tuple(dict.fromkeys(objectives))


def measured(result: Result, objectives: Sequence[str]) -> dict[str, float]:
    """The metrics of a result, with its stability where that is an objective: it takes samples of the rows."""
    metrics = result.metrics()
    if "stability" in objectives:
        found = _stability(result)
        metrics |= {} if found is None else {"stability": found}
    return metrics


def _stability(result: Result) -> float | None:
    clustering = result.recipe.clustering
    if not clustering.eps or not len(result.sizes):
        return None
    found = stability(
        result.embedding, result.labels, eps=clustering.eps, min_samples=clustering.min_samples, repeats=_REPEATS
    )
    return found.ari


def worth(metrics: Mapping[str, float], objective: str, limits: Limits) -> float:
    """One number for a search that knows no limits: the objective, or below `WORST` by as much as they are overstepped.

    A search then climbs back to the limits first. Shares and numbers of segments are added up as they are.
    """
    over = sum(max(0.0, one) for one in limits.excess(metrics))
    return metrics.get(objective, WORST) if over == 0 else WORST - over
