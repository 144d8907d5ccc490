"""What a move of a setting will run, and about how long, by what this session has seen."""

from __future__ import annotations

import dataclasses
from typing import Any

from segwidgets.compute.embedding import default_epochs
from segwidgets.recipe import METRICS, Recipe, RecipeError
from segwidgets.result import Result
from segwidgets.session import Session

_WORDS = {
    "features": "features",
    "start": "start",
    "neighbors": "neighbours",
    "graph": "graph",
    "layout": "layout",
    "density": "density tree",
}


def _other(recipe: Recipe, name: str) -> Any:
    """A value of a setting that a user might move it to next."""
    e = recipe.embedding
    value = getattr(e, name)
    if name == "metric":
        return next(metric for metric in METRICS if metric != value)
    if name == "n_components":
        return 5 - value
    # One neighbour more may need another search; one fewer never does.
    step = 1 if isinstance(value, int) or value is None else 1e-3
    top = {"n_neighbors": 500, "n_epochs": 10_000, "min_dist": e.spread, "seed": 2**32 - 1}.get(name, 100)
    value = default_epochs(1) if value is None else value
    return value + step if value + step <= top else value - step


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 1.5:
        return "a second"
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


class Estimates:
    """Seconds by stage, as they were last seen; one table each."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}

    def learn(self, result: Result) -> None:
        """Take what a run took."""
        self._seen |= result.timings

    def seconds(self, stages: tuple[str, ...]) -> float | None:
        """About how long these stages take together; None where one was never seen."""
        if not stages or any(stage not in self._seen for stage in stages):
            return None
        return sum(self._seen[stage] for stage in stages)

    def text(self, session: Session, recipe: Recipe) -> str:
        """Which stages a run of ``recipe`` will take, and about how long, in a sentence; "" where none has to run."""
        stages = session.pending(recipe)
        if not stages:
            return ""
        return f"Will run: {', '.join(_WORDS[stage] for stage in stages)}{self._about(stages)}."

    def cost(self, session: Session, recipe: Recipe, name: str) -> str:
        """What a move of one setting of the map will run: "layout onwards, about 3 s"; "" where it cannot move."""
        try:
            moved = dataclasses.replace(recipe.embedding, **{name: _other(recipe, name)})
            stages = session.pending(recipe.replace(embedding=moved))
        except RecipeError:
            return ""
        return f"{_WORDS[stages[0]]} onwards{self._about(stages)}" if stages else "at once"

    def _about(self, stages: tuple[str, ...]) -> str:
        seconds = self.seconds(stages)
        return "" if seconds is None else f", about {duration(seconds)}"
