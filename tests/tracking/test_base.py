from __future__ import annotations

import inspect

from segwidgets.recipe import ColumnGroup, Recipe
from segwidgets.tracking.base import Tracker, cut, recipe_params


def test_every_setting_of_a_recipe_is_a_parameter() -> None:
    params = recipe_params(Recipe().replace(eps=0.4, n_neighbors=30))
    assert params["clustering.eps"] == "0.4"
    assert params["embedding.n_neighbors"] == "30"
    assert params["embedding.metric"] == "none"
    values = Recipe().to_dict()
    assert set(params) == {
        f"{section}.{name}" for section in values if section != "version" for name in values[section]
    }


def test_the_feature_plan_is_told_in_short() -> None:
    plan = (ColumnGroup("count", ("a", "b"), ("log1p", "l2")), ColumnGroup("number", ("c",), ()))
    said = recipe_params(Recipe().replace(plan=plan))["features.plan"]
    assert said == "2 count columns: log1p > l2; 1 number columns: as they are"


def test_a_long_value_is_cut_and_says_so() -> None:
    assert cut("x" * 2_500) == "x" * 2_500
    assert cut("x" * 2_501).endswith("… (cut)")
    assert len(cut("x" * 9_999)) == 2_500


def test_no_call_of_a_tracker_takes_rows_of_data() -> None:
    """Text and numbers only: an array or a frame has no way in."""
    for name, method in inspect.getmembers(Tracker, inspect.isfunction):
        if name.startswith("_"):
            continue
        for parameter in list(inspect.signature(method).parameters.values())[1:]:
            assert not any(word in str(parameter.annotation) for word in ("ndarray", "DataFrame", "Table", "Any")), name
