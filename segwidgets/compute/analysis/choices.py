"""What an analysis of features comes to: another recipe."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from segwidgets.recipe import Recipe, RecipeError


def without(recipe: Recipe, names: Sequence[str]) -> Recipe:
    """The recipe without some columns.

    They are added to ``exclude``, and taken out of a plan that the recipe has, as that decides alone. What is left of
    the plan is treated as before.

    Raises:
        RecipeError: no column of the plan, or of ``columns``, is left.
    """
    gone = set(names)
    features = recipe.features
    exclude = (*features.exclude, *(name for name in dict.fromkeys(names) if name not in features.exclude))
    if features.columns is not None and not set(features.columns) - set(exclude):
        raise RecipeError(f"no column is left without {len(gone):,} of them: keep at least one.")
    plan = features.plan
    if plan is not None:
        left = [(group, tuple(name for name in group.columns if name not in gone)) for group in plan]
        plan = tuple(dataclasses.replace(group, columns=columns) for group, columns in left if columns)
        if not plan:
            raise RecipeError(f"no column of the plan is left without {len(gone):,} of them: keep at least one.")
    return recipe.replace(features=dataclasses.replace(features, exclude=exclude, plan=plan))


def with_components(recipe: Recipe, count: int) -> Recipe:
    """The recipe with that many principal components of the features.

    Raises:
        RecipeError: a recipe keeps 2 components or more.
    """
    return recipe.replace(pca=count)
