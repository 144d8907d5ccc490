"""A training job that is a trial of a sweep: SageMaker's tuned hyperparameters laid over the sweep's recipe.

The channel "recipe" brings what the sweep starts from, and ``sweep.json``: which hyperparameters are tuned, what is
looked for and within which limits. The log says ``metric objective=…`` for the tuning job to read.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from segwidgets.goals import Limits, measured, worth
from segwidgets.jobs.spec import SWEEP, JobSpec, SpecError
from segwidgets.jobs.train import _Training
from segwidgets.recipe import Recipe

if TYPE_CHECKING:
    from segwidgets.data import Table
    from segwidgets.result import Result

#: The metric that a tuning job maximises.
OBJECTIVE = "objective"


def text_of(value: object) -> str:
    """A value as a hyperparameter: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def overlaid(recipe: Recipe, given: Mapping[str, str], tuned: Iterable[str], whole: Iterable[str]) -> Recipe:
    """The recipe with the tuned hyperparameters in it.

    Args:
        recipe: what the sweep starts from.
        given: the hyperparameters of the training job: text by name.
        tuned: which of them are settings.
        whole: which of those are whole numbers.

    Raises:
        SpecError: one of them is missing.
        RecipeError: a value is not allowed.
    """
    changed: dict[str, Any] = {}
    for name in tuned:
        if name not in given:
            raise SpecError(f"the hyperparameter {name!r} is missing, which a tuning job gives: sweep again.")
        text = given[name].strip()
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text.strip('"')
        if name in whole and isinstance(value, float) and value.is_integer():
            value = int(value)
        changed[name] = value
    return recipe.replace(**changed)


class TrialTraining(_Training):
    """One trial."""

    sweep: Mapping[str, Any] = {}

    def read_spec(self) -> JobSpec:
        """The sweep's description, with this trial's name and recipe."""
        channel = self.layout.channel("recipe")
        self.sweep = json.loads((channel / SWEEP).read_text())
        start = super().read_spec()
        given = json.loads((self.layout.config / "hyperparameters.json").read_text())
        recipe = overlaid(start.recipe, given, self.sweep["tuned"], self.sweep["whole"])
        return dataclasses.replace(start, recipe=recipe, name=self.record["name"])

    def run(self, spec: JobSpec) -> tuple[Table, Result, str]:
        """The recipe's result: there is nothing to compare it with."""
        session = self.open(spec)
        result = session.run(spec.recipe, progress=self.progress)
        kept = Limits.from_dict(self.sweep["limits"]).kept(result.metrics())
        return session.table, result, "keeps the limits" if kept else "outside of the limits"

    def measured(self, result: Result) -> dict[str, float]:
        """The metrics, and the one number that the tuning job goes by."""
        objective = self.sweep["objective"]
        metrics = measured(result, (objective,))
        return {**metrics, OBJECTIVE: worth(metrics, objective, Limits.from_dict(self.sweep["limits"]))}
