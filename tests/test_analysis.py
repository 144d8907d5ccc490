"""What a recipe's columns say together, the recipes that follow, and what each group does to the segments."""

from __future__ import annotations

import io
import json
import threading

import numpy as np
import pandas as pd
import pytest

import segwidgets as sw
from segwidgets.analysis import FeatureAnalysis, analyse_features
from segwidgets.cache import Cache
from segwidgets.data import DataError
from segwidgets.featurefigures import components_figure, correlation_figure, correlation_text, popularity_figure
from segwidgets.leaving import LeavingForecast, judged, leave_out, plan_groups, prefix_groups, same_groups
from segwidgets.recipe import RecipeError
from segwidgets.result import Progress

RECIPE = sw.Recipe().replace(n_neighbors=10, n_epochs=50)


def planted() -> sw.Table:
    """Three clouds that only the columns a_… tell apart; b_… are noise; ``copy`` says what a_0 says."""
    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1, 2], 150)
    frame = pd.DataFrame({f"a_{j}": 8.0 * (kind == j) + rng.normal(size=450) for j in range(3)})
    frame["copy"] = frame["a_0"] + 0.01 * rng.normal(size=450)
    for j in range(2):
        frame[f"b_{j}"] = 0.2 * rng.normal(size=450)
    frame["plan"] = rng.choice(["basic", "gold"], 450)
    return sw.read(frame, name="planted")


@pytest.fixture(scope="module")
def table() -> sw.Table:
    return planted()


@pytest.fixture(scope="module")
def found(table: sw.Table) -> FeatureAnalysis:
    return analyse_features(table, RECIPE, repeats=5)


def test_an_analysis_tells_progress_and_can_be_stopped(table: sw.Table) -> None:
    told: list[Progress] = []
    analyse_features(table, RECIPE, repeats=3, progress=told.append)
    overall = [now.overall for now in told]
    assert overall == sorted(overall)
    assert overall[-1] == pytest.approx(1.0)
    stop = threading.Event()
    stop.set()
    with pytest.raises(sw.Cancelled, match="Comparing columns"):
        analyse_features(table, RECIPE, cancel=stop)


def test_proposals_are_taken_into_another_recipe_that_runs(table: sw.Table, found: FeatureAnalysis) -> None:
    assert found.redundant in {("copy",), ("a_0",)}
    fewer = found.without_redundant()
    assert fewer.features.exclude == found.redundant
    assert fewer.replace(exclude=[]) == RECIPE
    again = analyse_features(table, fewer, repeats=5)
    assert again.redundant == ()
    assert again.without_redundant() is fewer
    kept = found.with_components(0.9)
    assert kept.features.pca == found.components.needed[1]
    assert found.with_components().features.pca == found.components.kept
    with pytest.raises(ValueError, match=r"how=0\.5 is not allowed"):
        found.with_components(0.5)


def test_an_analysis_is_of_the_recipes_columns_and_before_its_pca(table: sw.Table) -> None:
    few = analyse_features(table, RECIPE.replace(columns=["a_0", "a_1", "plan"], pca=2), repeats=1)
    assert few.correlations.names == ("a_0", "a_1", "plan")
    assert few.components.width == 4
    with pytest.raises(RecipeError, match="which is no column"):
        analyse_features(table, RECIPE.replace(exclude=["a_9"]))


def test_a_planned_column_that_does_not_vary_is_left_out_and_said() -> None:
    table = sw.read(planted().to_frame().assign(same=1.0))
    plan = [sw.ColumnGroup("number", ("a_0", "a_1", "same"), ("standard",))]
    found = analyse_features(table, RECIPE.replace(plan=plan), repeats=1)
    assert found.correlations.names == ("a_0", "a_1")
    assert "'same'" in found.notes[0]
    assert "constant" in found.notes[0]


def test_too_few_components_are_no_recipe() -> None:
    rng = np.random.default_rng(0)
    one = rng.normal(size=300)
    frame = pd.DataFrame({f"x{j}": one + 0.1 * rng.normal(size=300) for j in range(5)})
    found = analyse_features(sw.read(frame), repeats=5)
    assert found.components.kept == 1
    with pytest.raises(RecipeError, match="1 component more than chance: a recipe keeps 2 or more"):
        found.with_components()
    assert found.with_components(0.8).features.pca == 2


def test_an_analysis_is_json_with_and_without_every_pair(found: FeatureAnalysis) -> None:
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    width = len(told["correlations"]["columns"])
    assert np.array(told["correlations"]["values"], dtype=float).shape == (width, width)
    assert sorted(told["correlations"]["order"]) == list(range(width))
    assert told["components"]["needed"]["90%"] == found.components.needed[1]
    assert "values" not in found.to_dict(matrix=False)["correlations"]


def test_the_heat_map_shows_every_value_in_its_order_and_says_what_it_measures(found: FeatureAnalysis) -> None:
    made = correlation_figure(found.correlations)
    axes = made.axes[0]
    order = found.correlations.order()
    shown = [label.get_text() for label in axes.get_xticklabels()]
    assert shown == [found.correlations.names[at] for at in order]
    np.testing.assert_allclose(axes.images[0].get_array(), found.correlations.values[np.ix_(order, order)])
    assert "Spearman's rho" in axes.get_title()
    assert "correlation ratio" in axes.get_title()
    made.savefig(io.BytesIO(), format="png")
    text = correlation_text(found.correlations, found.groups)
    assert found.groups[0].drop[0].reason in text
    assert "Spearman's rho 1.00" in text
    with pytest.raises(ValueError, match="take inches above 0"):
        correlation_figure(found.correlations, width=0)


def test_the_other_figures_show_their_numbers(found: FeatureAnalysis) -> None:
    upper, lower = components_figure(found.components).axes
    np.testing.assert_array_equal(upper.lines[0].get_ydata(), found.components.explained)
    np.testing.assert_array_equal(upper.lines[1].get_ydata(), found.components.chance)
    assert lower.lines[0].get_ydata()[-1] == pytest.approx(1.0)
    line = popularity_figure(found.sparsity).axes[0].lines[0]
    assert len(line.get_ydata()) == len(found.sparsity.columns)


def test_what_carries_the_segments_is_told_from_what_does_not(table: sw.Table, tmp_path: object) -> None:
    session = sw.Session(table, cache=Cache(tmp_path))  # type: ignore[arg-type]
    told: list[LeavingForecast] = []
    shown: list[Progress] = []
    groups = {"signal": ["a_0", "a_1", "a_2", "copy"], "noise": ["b_0"]}
    found = leave_out(session, RECIPE, groups, told=told.append, progress=shown.append)
    assert [one.group for one in found.effects] == ["signal", "noise"]
    signal, noise = found.effects
    assert found.seed_ari is not None
    assert signal.ari is not None
    assert noise.ari is not None
    assert signal.word == "strong"
    assert signal.ari < 0.5 < noise.ari
    overall = [now.overall for now in shown]
    assert overall == sorted(overall)
    assert overall[-1] == pytest.approx(1.0)
    assert (told[0].runs, told[0].all) == (3, 3)
    assert told[0].seconds is not None
    assert told[0].seconds > 0
    json.dumps(found.to_dict(), allow_nan=False)

    # Each is what running that recipe by hand gives, and a second time nothing is computed.
    by_hand = session.run(RECIPE.replace(metric="euclidean", exclude=["b_0"]))
    assert "layout" in by_hand.cached
    assert noise.changes["coverage"] == pytest.approx(by_hand.scores.coverage - found.result.scores.coverage)
    assert noise.changes["clusters"] == by_hand.scores.clusters - found.result.scores.clusters
    again = leave_out(session, RECIPE, groups, told=told.append)
    assert (told[1].runs, told[1].seconds) == (0, 0.0)
    assert [one.ari for one in again.effects] == [one.ari for one in found.effects]


def test_the_forecast_may_stop_it_before_anything_else_runs(table: sw.Table) -> None:
    stop = threading.Event()
    session = sw.Session(table)
    recipe = RECIPE.replace(seed=7)
    with pytest.raises(sw.Cancelled):
        leave_out(session, recipe, told=lambda _: stop.set(), cancel=stop)
    assert session.pending(session.resolve(recipe)) == ()
    assert "layout" in session.pending(session.resolve(recipe.replace(exclude=["plan"])))


@pytest.mark.parametrize(
    ("ari", "seed_ari", "word"),
    [
        (0.97, 1.0, "none"),
        (0.6, None, "some"),
        (0.4, None, "strong"),
        (0.45, 0.5, "none"),
        (0.4, 0.5, "some"),
        (0.2, 0.5, "strong"),
    ],
)
def test_an_effect_is_judged_beside_what_another_seed_does(ari: float, seed_ari: float | None, word: str) -> None:
    assert judged(ari, seed_ari) == word


def test_a_method_without_a_seed_needs_no_second_map(table: sw.Table) -> None:
    flat = RECIPE.replace(embedding=sw.Embedding(method="pca"))
    found = leave_out(sw.Session(table), flat, {"noise": ["b_0", "b_1"]})
    assert found.seed_ari is None
    assert found.effects[0].ari is not None


def test_a_group_that_cannot_be_left_out_is_told_and_the_others_go_on(table: sw.Table) -> None:
    recipe = RECIPE.replace(embedding=sw.Embedding(method="pca"), columns=["a_0", "a_1", "a_2", "b_0"], pca=3)
    found = leave_out(sw.Session(table), recipe, {"two": ["a_0", "a_1"], "one": ["b_0"]})
    assert [one.word for one in found.effects][-1] == "failed"
    failed = found.effects[-1]
    assert failed.group == "two"
    assert failed.ari is None
    assert "pca=3 is not allowed" in failed.problem
    assert found.effects[0].ari is not None


def test_groups_come_from_the_plan_from_prefixes_and_from_what_says_the_same(
    table: sw.Table, found: FeatureAnalysis
) -> None:
    assert plan_groups(table)["categories"] == ("plan",)
    assert set(plan_groups(table)) == {"numbers", "categories"}
    assert prefix_groups(table, ["a_", "b_"]) == {"a_": ("a_0", "a_1", "a_2"), "b_": ("b_0", "b_1")}
    assert prefix_groups(table, ["a", "a_0"])["a"] == ("a_1", "a_2")
    (name,) = same_groups(found.groups)
    assert set(same_groups(found.groups)[name]) == {"a_0", "copy"}
    assert name.endswith(" +1")
    for prefixes in (["zz"], [""], ["a_", "a_0", "a_1", "a_2"]):
        with pytest.raises(ValueError, match="fits no column"):
            prefix_groups(table, prefixes)


def test_groups_that_make_no_sense_are_refused_before_anything_runs(table: sw.Table) -> None:
    session = sw.Session(table)
    for groups, words in (
        ({}, "no group of columns"),
        ({"g": []}, "at least one"),
        ({"g": "a_0"}, "must be a list of columns"),
        ({"g": ["a_7"]}, "'a_7', which is no column"),
        ({"all": ["a_0", "a_1", "a_2", "copy", "b_0", "b_1", "plan"]}, "nothing is left"),
    ):
        with pytest.raises(ValueError, match=words):
            leave_out(session, RECIPE, groups)


def test_a_table_that_does_not_vary_is_refused_in_words() -> None:
    with pytest.raises(DataError, match="no usable column is left"):
        analyse_features(sw.read(pd.DataFrame({"a": [1.0, 1, 1], "b": [2.0, 2, 2]})))
