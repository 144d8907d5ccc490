from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from segwidgets.data import Table
from segwidgets.jobs import Job
from segwidgets.jobs.recipes import UnknownRecipeError, in_folder, recipe_of
from segwidgets.recipe import Recipe


def test_a_job_s_folder_tells_its_recipe_and_its_table(done: Job, table: Table) -> None:
    found = recipe_of(done.name)
    assert Recipe.from_dict(found["recipe"]) == done.result().recipe
    assert found["table_digest"] == table.digest


def test_where_the_folder_is_gone_the_tracker_tells_it(
    done: Job, table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = str(done._ledger.job["tracking_uri"])
    recipe = done.result().recipe
    monkeypatch.setenv("SEGWIDGETS_HOME", str(tmp_path))  # a machine that has none of its folders
    found = recipe_of(done.name, tracking_uri=uri)
    assert Recipe.from_dict(found["recipe"]) == recipe
    assert (found["table_digest"], found["names"]) == (table.digest, {})


def test_what_nobody_knows_is_told_with_where_was_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGWIDGETS_HOME", str(tmp_path))
    with pytest.raises(UnknownRecipeError, match="the recipe of nobody is neither on this machine nor in its trackers"):
        recipe_of("nobody", tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")


def test_a_damaged_recipe_is_not_taken_for_one(done: Job, tmp_path: Path) -> None:
    place = tmp_path / "job"
    shutil.copytree(done.path / "input" / "data" / "recipe", place / "input" / "data" / "recipe")
    file = place / "input" / "data" / "recipe" / "recipe.json"
    file.chmod(0o644)
    file.write_text(file.read_text()[:-5])
    with pytest.raises(UnknownRecipeError, match="the recipe of job cannot be read"):
        in_folder(place)
