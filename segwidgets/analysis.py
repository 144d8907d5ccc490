"""What the columns of a recipe have to say, and the recipe that follows from it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from segwidgets.compute import features as feature_stage
from segwidgets.compute.analysis import (
    MOST_COLUMNS,
    SAME,
    TARGETS,
    ComponentAnalysis,
    Correlations,
    Measure,
    RedundantGroup,
    Sparsity,
    components,
    correlations,
    redundant_groups,
    sparsity,
    with_components,
    without,
)
from segwidgets.compute.analysis.components import REPEATS
from segwidgets.data.errors import listed, plural
from segwidgets.recipe import Recipe, RecipeError
from segwidgets.result import Progress
from segwidgets.steps import Steps

if TYPE_CHECKING:
    from segwidgets.data import Table

__all__ = ["FeatureAnalysis", "analyse_features"]

#: The shares of the whole that correlations and components take.
_CORRELATIONS, _FEATURES = 0.25, 0.1


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureAnalysis:
    """The columns of a recipe on one table.

    Attributes:
        recipe: the settings that were asked about.
        sparsity: how empty the table is, and which columns hold its entries.
        correlations: how far each two columns go together.
        groups: columns that say the same, with what to keep.
        components: principal components of the features, as they are before PCA.
        notes: what a reader should know: limits that were met, columns that could not be compared.
    """

    recipe: Recipe
    sparsity: Sparsity
    correlations: Correlations
    groups: tuple[RedundantGroup, ...]
    components: ComponentAnalysis
    notes: tuple[str, ...]

    @property
    def redundant(self) -> tuple[str, ...]:
        """The columns that the groups propose to drop."""
        return tuple(one.name for group in self.groups for one in group.drop)

    def without_redundant(self) -> Recipe:
        """The recipe without the columns that the groups propose to drop; the same recipe where there are none."""
        return without(self.recipe, self.redundant) if self.redundant else self.recipe

    def with_components(self, how: float | None = None) -> Recipe:
        """The recipe with principal components of its features.

        Args:
            how: a share of the variance to keep, one of 0.8, 0.9 and 0.95; None keeps those that are more than chance.

        Raises:
            ValueError: another share, or more components are needed than were computed.
            RecipeError: fewer than 2 components come of it.
        """
        if how is None:
            count: int | None = self.components.kept
            if count is not None and count < 2:
                raise RecipeError(
                    f"{plural(count, 'component')} more than chance: a recipe keeps 2 or more. Leave PCA out."
                )
        elif how in TARGETS:
            count = self.components.needed[TARGETS.index(how)]
        else:
            raise ValueError(f"how={how!r} is not allowed: it must be None or one of {', '.join(map(str, TARGETS))}.")
        if count is None:
            most = len(self.components.explained)
            raise ValueError(f"{how:.0%} of the variance takes more than the {most:,} components that were computed.")
        return with_components(self.recipe, max(2, count))

    def to_dict(self, *, matrix: bool = True) -> dict[str, Any]:
        """Plain numbers, lists and dicts, None for what is not defined.

        Args:
            matrix: with the association of every pair; without it, only the strongest.
        """
        found = self.correlations
        told: dict[str, Any] = {
            "columns": list(found.names),
            "kinds": list(found.kinds),
            "measure": found.measure,
            "left_out": list(found.left_out),
            "strongest": [dataclasses.asdict(pair) for pair in found.strongest()],
        }
        if matrix:
            told["order"] = found.order().tolist()
            told["values"] = [
                [round(value, 6) if np.isfinite(value) else None for value in row] for row in found.values.tolist()
            ]
        parts = self.components
        return {
            "sparsity": dataclasses.asdict(self.sparsity),
            "correlations": told,
            "redundant": [dataclasses.asdict(group) for group in self.groups],
            "components": {
                "explained": parts.explained.tolist(),
                "chance": parts.chance.tolist(),
                "kept": parts.kept,
                "needed": {f"{goal:.0%}": count for goal, count in zip(TARGETS, parts.needed, strict=True)},
                "loadings": [[dataclasses.asdict(one) for one in told] for told in parts.loadings],
                "features": parts.width,
                "repeats": parts.repeats,
            },
            "notes": list(self.notes),
        }


def analyse_features(
    table: Table,
    recipe: Recipe | None = None,
    *,
    measure: Measure = "spearman",
    most: int = MOST_COLUMNS,
    threshold: float = SAME,
    repeats: int = REPEATS,
    seed: int = 0,
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
) -> FeatureAnalysis:
    """Correlation, redundancy, principal components and sparsity of a recipe's columns, before anything is clustered.

    Correlations are of the columns as the table has them, components of the features that the recipe makes of them
    (before its PCA, if it has one).

    Args:
        table: the customers.
        recipe: the settings; ``Recipe()`` by default.
        measure: what numbers and counts are compared by: "spearman" (ranks) or "pearson".
        most: columns that are compared at most, the fullest; a note says which are not.
        threshold: the association from which on two columns say the same.
        repeats: permuted tables that components are held against.
        seed: of the permutations.
        progress: called in this thread as it goes on.
        cancel: when set, it stops.

    Raises:
        RecipeError: the recipe does not fit the table.
        DataError: no column is usable, or the features do not vary.
        ValueError: an argument is out of range.
        Cancelled: ``cancel`` was set.
    """
    asked = recipe if recipe is not None else Recipe()
    features = feature_stage.resolve(table, asked.features)
    planned = [name for group in features.plan or () for name in group.columns]
    usable = [name for name in planned if table.column(name).usable]
    notes = []
    if len(usable) < len(planned):
        odd = [name for name in planned if name not in set(usable)]
        notes.append(
            f"{plural(len(odd), 'column')} of the plan cannot be compared ({listed(odd, 3)}): "
            f"{table.column(odd[0]).reason}."
        )
    steps = Steps("analysis", progress, cancel)
    full = sparsity(table)
    found = correlations(table, usable, measure=measure, most=most, tick=steps.tick(_CORRELATIONS, "Comparing columns"))
    groups = redundant_groups(found, threshold)
    matrix = feature_stage.build(
        table, dataclasses.replace(features, pca=None), steps.tick(_FEATURES, "Building features")
    )
    parts = components(
        matrix.values,
        matrix.names,
        repeats=repeats,
        seed=seed,
        tick=steps.tick(1.0 - _CORRELATIONS - _FEATURES, "Comparing components with chance"),
    )
    if found.note:
        notes.append(found.note)
    return FeatureAnalysis(asked, full, found, groups, parts, tuple(notes))
