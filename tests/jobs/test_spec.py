from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from segwidgets.jobs.spec import JobSpec, SpecError, check_name, installed_digest, new_name
from segwidgets.recipe import Recipe

SPEC = JobSpec(
    name="segwidgets-1",
    recipe=Recipe().replace(eps=0.4),
    mode="embedding",
    experiment="segwidgets",
    trial="",
    table_name="customers",
    table_digest="t" * 64,
    embedding_digest="e" * 64,
    label_digest="l" * 64,
    created=0.0,
)


def test_a_spec_and_its_recipe_travel_as_json() -> None:
    recipe = Recipe.from_json(SPEC.recipe.to_json())
    assert JobSpec.from_json(SPEC.to_json(), recipe) == SPEC


def test_a_spec_with_another_recipe_is_refused() -> None:
    with pytest.raises(SpecError, match="not the recipe that was promoted"):
        JobSpec.from_json(SPEC.to_json(), Recipe())


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_what_is_no_spec_is_refused(text: str) -> None:
    with pytest.raises(SpecError):
        JobSpec.from_json(text, SPEC.recipe)


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(SpecError, match="colour"):
        JobSpec.from_json(json.dumps({**json.loads(SPEC.to_json()), "colour": "red"}), SPEC.recipe)


def test_hyperparameters_are_text_within_the_limits_of_sagemaker() -> None:
    values = SPEC.hyperparameters()
    assert len(values) <= 100
    assert all(isinstance(value, str) and len(value) <= 2_500 for value in values.values())
    assert values["eps"] == "0.4"


def test_a_recipe_of_thousands_of_columns_is_cut_to_the_limit_of_a_parameter() -> None:
    wide = SPEC.recipe.replace(columns=tuple(f"column {i}" for i in range(5_000)))
    value = dataclasses.replace(SPEC, recipe=wide).params()["features.columns"]
    assert len(value) == 2_500
    assert value.endswith("(cut)")


def test_new_names_differ_within_a_second_and_hold_on_sagemaker() -> None:
    names = {new_name() for _ in range(50)}
    assert len(names) == 50
    assert all(re.fullmatch(r"segwidgets-\d{8}-\d{6}-[0-9a-f]{6}", name) for name in names)
    for name in names:
        check_name("name", name, 63)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a_b", "a b", "ä", "a\n", "x" * 121, None])
def test_a_name_that_sagemaker_would_refuse_is_refused(name: object) -> None:
    with pytest.raises(SpecError, match="is not allowed"):
        check_name("trial", name)


@pytest.mark.parametrize("name", ["a", "spring-2026", "a--b", "x" * 120])
def test_a_name_that_sagemaker_takes_is_taken(name: str) -> None:
    assert check_name("trial", name) == name


def test_a_restored_environment_is_told_by_its_lock_and_any_other_by_its_packages(tmp_path: Path) -> None:
    by_packages = installed_digest()
    assert re.fullmatch(r"[0-9a-f]{64}", by_packages)
    told = tmp_path / "share" / "segwidgets" / "lock.json"
    told.parent.mkdir(parents=True)
    told.write_text(json.dumps({"key": "k" * 16, "lock_sha256": "a" * 64}))
    assert installed_digest(tmp_path) == "a" * 64


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"lock_sha256": 3}'])
def test_a_damaged_word_of_the_restore_does_not_stop_a_job(tmp_path: Path, content: str) -> None:
    told = tmp_path / "share" / "segwidgets" / "lock.json"
    told.parent.mkdir(parents=True)
    told.write_text(content)
    assert installed_digest(tmp_path) == installed_digest()
