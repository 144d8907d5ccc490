"""What a sweep found: its trials, and those that nothing beats."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from segwidgets.goals import WORST
from segwidgets.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd

#: The settings that a sweep can try, by the names of `Recipe.replace`.
SETTINGS = (
    "n_neighbors",
    "min_dist",
    "spread",
    "n_components",
    "metric",
    "n_epochs",
    "seed",
    "eps",
    "min_samples",
    "pca",
)


@dataclasses.dataclass(frozen=True)
class Trial:
    """One recipe of a sweep: its run's name, its scores, whether it keeps the limits; ``error``: why it has none."""

    number: int
    name: str
    recipe: Recipe
    values: tuple[float | None, ...]
    metrics: dict[str, float]
    kept: bool
    seconds: float
    error: str = ""


@dataclasses.dataclass(frozen=True)
class Sweep:
    """A sweep, finished or as far as its budget went; ``trials`` in the order they were begun."""

    name: str
    objectives: tuple[str, ...]
    trials: tuple[Trial, ...]

    @property
    def best(self) -> tuple[Trial, ...]:
        """The trials that keep the limits and that none of those beats in every objective (the Pareto front)."""
        able = [one for one in self.trials if one.kept]
        return tuple(one for one in able if not any(_beats(other, one) for other in able))

    def to_frame(self) -> pd.DataFrame:
        """A line a trial: its name, objectives, settings, and ``kept`` and ``best``."""
        import pandas as pd

        front = {one.number for one in self.best}
        lines = [
            {
                "trial": one.number,
                "name": one.name,
                **dict(zip(self.objectives, one.values, strict=True)),
                "clusters": one.metrics.get("clusters"),
                **{name: setting(one.recipe, name) for name in SETTINGS},
                "kept": one.kept,
                "best": one.number in front,
                "seconds": one.seconds,
                "error": one.error,
            }
            for one in self.trials
        ]
        return pd.DataFrame(lines)


def _beats(one: Trial, other: Trial) -> bool:
    pairs = [
        (WORST if a is None else a, WORST if b is None else b) for a, b in zip(one.values, other.values, strict=True)
    ]
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def setting(recipe: Recipe, name: str) -> Any:
    """A setting of a recipe by its bare name."""
    return next(
        getattr(part, name) for part in (recipe.features, recipe.embedding, recipe.clustering) if hasattr(part, name)
    )
