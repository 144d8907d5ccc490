"""Columns that say the same: which belong together, which is kept, and why."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import segwidgets as sw
from segwidgets.compute.analysis import correlations, redundant_groups, with_components, without
from segwidgets.recipe import RecipeError


def copies(seed: int = 0, n: int = 800) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    base, other = rng.normal(size=(2, n))
    return pd.DataFrame(
        {
            "edge": base + 0.25 * rng.normal(size=n),
            "middle": base,
            "rim": base + 0.25 * rng.normal(size=n),
            "alone": rng.normal(size=n),
            "plus": other,
            "minus": -other + 0.05 * rng.normal(size=n),
        }
    )


def test_planted_groups_are_found_whatever_the_sign_and_the_middle_one_is_kept() -> None:
    found = redundant_groups(correlations(sw.read(copies())), 0.9)
    assert [set(group.columns) for group in found] == [{"edge", "middle", "rim"}, {"plus", "minus"}]
    first = found[0]
    assert first.keep == "middle"
    assert "stands best for its group" in first.reason
    assert all("'middle'" in one.reason and one.name in one.reason for one in first.drop)
    assert found[1].drop[0].association < -0.9


def test_no_two_of_a_group_are_further_apart_than_asked() -> None:
    rng = np.random.default_rng(4)
    steps = np.cumsum(rng.normal(size=(12, 600)), axis=0)  # each like the next, the last unlike the first
    table = sw.read(pd.DataFrame(steps.T, columns=[f"s{j}" for j in range(12)]))
    pairs = correlations(table)
    groups = redundant_groups(pairs, 0.8)
    assert groups
    for group in groups:
        inside = [pairs.names.index(name) for name in group.columns]
        assert np.abs(pairs.values[np.ix_(inside, inside)]).min() >= 0.8 - 1e-8
        assert group.weakest == pytest.approx(np.abs(pairs.values[np.ix_(inside, inside)]).min())


def test_of_two_equals_the_one_with_fewer_holes_is_kept_then_the_fuller_then_the_first() -> None:
    rng = np.random.default_rng(0)
    full = rng.normal(size=300)
    holes = pd.Series(full).mask(rng.random(300) < 0.2)
    (group,) = redundant_groups(correlations(sw.read(pd.DataFrame({"holes": holes, "whole": full})), measure="pearson"))
    assert group.keep == "whole"
    assert "fewer of its values are missing (0)" in group.reason
    (group,) = redundant_groups(correlations(sw.read(pd.DataFrame({"a": full, "b": 2 * full}))))
    assert (group.keep, group.drop[0].name) == ("a", "b")
    assert "comes first in the table" in group.reason
    bought = rng.poisson(0.7, 300).astype(float)
    more = np.where((bought == 0) & (rng.random(300) < 0.02), 0.1, bought)
    (group,) = redundant_groups(correlations(sw.read(pd.DataFrame({"fewer": bought, "more": more}))), 0.8)
    assert group.keep == "more"
    assert "has more entries" in group.reason


def test_a_pair_exactly_at_the_threshold_is_in_and_nothing_is_in_one_column() -> None:
    frame = pd.DataFrame({"a": [1.0, 2, 3, 4, 5, 6], "b": [2.0, 4, 6, 8, 10, 12]})
    assert len(redundant_groups(correlations(sw.read(frame)), 1.0)) == 1
    assert redundant_groups(correlations(sw.read(frame), ["a"])) == ()
    for threshold in (0.0, 1.1, float("nan")):
        with pytest.raises(ValueError, match="is not allowed: it must be a number above 0"):
            redundant_groups(correlations(sw.read(frame)), threshold)


def test_a_choice_is_another_recipe_with_the_same_other_settings() -> None:
    recipe = sw.Recipe().replace(n_neighbors=30, exclude=["x0"])
    found = without(recipe, ["x1", "x0", "x1"])
    assert found.features.exclude == ("x0", "x1")
    assert found.embedding == recipe.embedding
    assert with_components(recipe, 12).features.pca == 12


def test_a_recipe_with_a_plan_loses_the_columns_from_the_plan_too() -> None:
    session = sw.Session(sw.read(copies()))
    planned = session.resolve(sw.Recipe().replace(n_neighbors=5))
    found = without(planned, ["edge", "minus"])
    assert found.features.plan is not None
    assert found.features.plan[0].columns == ("middle", "rim", "alone", "plus")
    assert found.features.plan[0].transforms == planned.features.plan[0].transforms  # type: ignore[index]
    assert session.resolve(found.replace(plan=None)).features.plan[0].columns == ("middle", "rim", "alone", "plus")  # type: ignore[index]
    with pytest.raises(RecipeError, match="no column of the plan is left"):
        without(planned, list(copies()))
    with pytest.raises(RecipeError, match="no column is left"):
        without(sw.Recipe().replace(columns=["edge"]), ["edge"])
