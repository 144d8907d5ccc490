from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwidgets.recipe import TRANSFORMS, Clustering, ColumnGroup, Embedding, Features, Recipe, RecipeError

NAMES = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4).map(tuple)


@st.composite
def groups(draw: Any) -> ColumnGroup:
    kind = draw(st.sampled_from(sorted(TRANSFORMS)))
    transforms = tuple(draw(st.lists(st.sampled_from(TRANSFORMS[kind]), max_size=3)))
    return ColumnGroup(kind, draw(NAMES), transforms, draw(st.text(max_size=20)))


@st.composite
def recipes(draw: Any) -> Recipe:
    spread = draw(st.floats(0.001, 100))
    return Recipe(
        Features(
            columns=draw(st.none() | NAMES),
            exclude=draw(st.just(()) | NAMES),
            scaling=draw(st.sampled_from(["standard", "robust"])),
            pca=draw(st.none() | st.integers(2, 10_000)),
            plan=draw(st.none() | st.lists(groups(), max_size=3).map(tuple)),
        ),
        Embedding(
            n_neighbors=draw(st.integers(2, 500)),
            min_dist=draw(st.floats(0, spread)),
            spread=spread,
            n_components=draw(st.sampled_from([2, 3])),
            metric=draw(st.sampled_from([None, "euclidean", "cosine", "manhattan", "correlation"])),
            n_epochs=draw(st.none() | st.integers(1, 10_000)),
            seed=draw(st.integers(0, 2**32 - 1)),
        ),
        Clustering(
            eps=draw(st.none() | st.floats(0, exclude_min=True, allow_infinity=False)),
            min_samples=draw(st.integers(1, 10_000)),
        ),
    )


@given(recipes())
def test_a_recipe_survives_json(recipe: Recipe) -> None:
    for indent in (None, 2):
        again = Recipe.from_json(recipe.to_json(indent))
        assert again == recipe
        assert again.digest == recipe.digest
    assert Recipe.from_dict(recipe.to_dict()) == recipe


@given(recipes(), recipes())
def test_equal_recipes_have_equal_digests_and_others_do_not(one: Recipe, other: Recipe) -> None:
    assert (one == other) == (one.digest == other.digest)


def test_whole_numbers_and_fractions_of_the_same_value_are_one_setting() -> None:
    ones = [
        Recipe().replace(eps=eps, min_dist=dist, spread=spread, n_neighbors=neighbors)
        for eps, dist, spread, neighbors in (
            (1, 0, 2, 30),
            (1.0, 0.0, 2.0, 30),
            (np.float32(1), -0.0, np.int64(2), np.int64(30)),
        )
    ]
    assert len({recipe.digest for recipe in ones}) == 1
    assert len({recipe.to_json() for recipe in ones}) == 1
    assert {type(recipe.embedding.n_neighbors) for recipe in ones} == {int}
    assert {type(recipe.clustering.eps) for recipe in ones} == {float}


def test_the_digest_is_the_same_on_any_machine() -> None:
    assert Recipe().digest == "77f27334cf0b24eb80d6b2d081070e523b4aebccc0cb2036b3361d975268f6c1"
    recipe = Recipe(Features(columns=("süß", "a")), Embedding(n_neighbors=30, min_dist=0.1), Clustering(eps=0.4))
    assert recipe.digest == "8801ca470bc1755c954d6a6779615d988f22f07ab9eb86b91ebe0f2e36511bb4"


def test_digests_do_not_depend_on_the_order_of_json() -> None:
    values = json.loads(Recipe().to_json())
    turned = {key: values[key] for key in reversed(values)}
    assert Recipe.from_json(json.dumps(turned)).digest == Recipe().digest


def test_settings_left_out_of_json_are_the_defaults() -> None:
    assert Recipe.from_json("{}") == Recipe()
    assert Recipe.from_json('{"clustering": {"eps": 0.4}}') == Recipe().replace(eps=0.4)


def test_settings_are_changed_by_bare_name_or_by_section() -> None:
    recipe = Recipe().replace(n_neighbors=30, eps=0.4, pca=10)
    assert (recipe.embedding.n_neighbors, recipe.clustering.eps, recipe.features.pca) == (30, 0.4, 10)
    assert recipe.replace(clustering=Clustering(eps=0.5), min_samples=4).clustering == Clustering(
        eps=0.5, min_samples=4
    )
    assert Recipe() == Recipe().replace()


def test_settings_that_only_fit_together_are_changed_together() -> None:
    assert Recipe().replace(min_dist=2, spread=3).embedding.min_dist == 2
    assert Recipe().replace(spread=3, min_dist=2).embedding.spread == 3


def test_a_recipe_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Recipe().clustering.eps = 0.4  # type: ignore[misc]


@pytest.mark.parametrize(
    ("section", "name", "bad", "rule"),
    [
        ("embedding", "n_neighbors", [1, 501, 2.5, "15", True, None, math.nan], "a whole number from 2 to 500"),
        ("embedding", "min_dist", [-0.1, 1.1, math.nan, math.inf, "0", None, False], "a number from 0 to 1"),
        ("embedding", "spread", [0, -1, 101, math.inf, math.nan, "1"], "a number above 0 to 100"),
        ("embedding", "n_components", [1, 4, 2.0, None], "a whole number from 2 to 3"),
        ("embedding", "n_epochs", [0, 10_001, 1.5], "a whole number from 1 to 10000"),
        ("embedding", "seed", [-1, 2**32, 0.5, None], "a whole number from 0 to"),
        ("embedding", "metric", ["cosin", 3, ["cosine"]], "one of euclidean, cosine, manhattan, correlation"),
        ("embedding", "method", ["tnse", None], "one of umap"),
        ("clustering", "eps", [0, -1, math.nan, math.inf, "0.4", True, 10**400], "a number above 0"),
        ("clustering", "min_samples", [0, 10_001, 2.5, None], "a whole number from 1 to 10000"),
        ("clustering", "method", ["hdbscan"], "one of dbscan"),
        ("features", "pca", [1, 10_001, 2.5, "2"], "a whole number from 2 to 10000"),
        ("features", "scaling", ["minmax"], "one of standard, robust"),
        ("features", "columns", ["age", 3, {"a": 1}], "a list of column names"),
        ("features", "exclude", ["age", None], "a list of column names"),
        ("features", "plan", [3, "count", {"kind": "count"}], "a list of groups"),
    ],
)
def test_every_setting_has_its_range(section: str, name: str, bad: list[object], rule: str) -> None:
    kinds = {"features": Features, "embedding": Embedding, "clustering": Clustering}
    for value in bad:
        with pytest.raises(RecipeError, match=rule) as error:
            kinds[section](**{name: value})
        assert name in str(error.value)
        assert repr(value)[:20] in str(error.value)


@pytest.mark.parametrize(
    ("make", "low", "high"),
    [
        (lambda v: Embedding(n_neighbors=v), 2, 500),
        (lambda v: Embedding(min_dist=v), 0, 1),
        (lambda v: Embedding(min_dist=0, spread=v), 1e-12, 100),
        (lambda v: Embedding(n_components=v), 2, 3),
        (lambda v: Embedding(n_epochs=v), 1, 10_000),
        (lambda v: Embedding(seed=v), 0, 2**32 - 1),
        (lambda v: Clustering(eps=v), 5e-324, 1e308),
        (lambda v: Clustering(min_samples=v), 1, 10_000),
        (lambda v: Features(pca=v), 2, 10_000),
    ],
)
def test_the_ends_of_a_range_belong_to_it(make: Any, low: float, high: float) -> None:
    make(low)
    make(high)


def test_a_near_miss_is_answered_with_the_right_word() -> None:
    with pytest.raises(RecipeError, match="Did you mean 'cosine'"):
        Embedding(metric="cosin")
    with pytest.raises(RecipeError, match=r"'n_neighbours' is not a setting of a recipe. Did you mean 'n_neighbors'"):
        Recipe().replace(n_neighbours=5)
    with pytest.raises(RecipeError, match="'epsilon' is not a setting of clustering"):
        Recipe.from_json('{"clustering": {"epsilon": 0.4}}')
    with pytest.raises(RecipeError, match=r"'min_sample' is not a setting of clustering. Did you mean 'min_samples'"):
        Recipe.from_json('{"clustering": {"min_sample": 4}}')
    with pytest.raises(RecipeError, match=r"'cluster' is not a setting of a recipe. Did you mean 'clustering'"):
        Recipe.from_json('{"cluster": {}}')


def test_method_is_changed_through_its_section_only() -> None:
    with pytest.raises(RecipeError, match="'method' is not a setting of a recipe"):
        Recipe().replace(method="umap")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"not a recipe: the text is not JSON \(line 1"),
        ('{\n"embedding": }', r"not JSON \(line 2"),
        ("[1]", "a recipe is an object of settings, got list"),
        ("null", "got NoneType"),
        ('{"embedding": 3}', "embedding must be an object of settings, got 3"),
        ('{"version": 2}', "recipe version 2 cannot be read: this segwidgets reads version 1"),
        ('{"clustering": {"eps": NaN}}', "eps=nan is not allowed"),
        ('{"clustering": {"eps": "0.4"}}', "eps='0.4' is not allowed"),
        ('{"features": {"plan": [3]}}', "plan must be an object of settings, got 3"),
        ('{"features": {"plan": [{"kind": "count"}]}}', "plan: .*missing.*columns"),
        ('{"features": {"plan": [{"kind": "cout", "columns": ["a"], "transforms": []}]}}', "Did you mean 'count'"),
    ],
)
def test_texts_that_are_no_recipe_are_refused(text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Recipe.from_json(text)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "amount"}, "kind='amount' is not allowed"),
        ({"columns": ()}, "names no column"),
        ({"columns": "a"}, "a list of column names"),
        ({"columns": ("a", 3)}, "column names only"),
        ({"transforms": ("standard",)}, "transform of count columns='standard' is not allowed"),
        ({"transforms": ("l1",)}, "must be one of log1p, tfidf, l2. Did you mean 'l2'|must be one of log1p, tfidf, l2"),
        ({"reason": 3}, "reason=3 is not allowed"),
    ],
)
def test_groups_that_cannot_be_are_refused(settings: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"kind": "count", "columns": ("a",), "transforms": ("log1p",)}
    ColumnGroup(**good)
    with pytest.raises(RecipeError, match=message):
        ColumnGroup(**{**good, **settings})


def test_a_section_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"embedding must be Embedding\(…\)"):
        Recipe(embedding=Clustering())  # type: ignore[arg-type]
