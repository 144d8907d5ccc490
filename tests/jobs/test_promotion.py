from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from segwidgets import leaderboard
from segwidgets.data import Table, samples
from segwidgets.jobs import Job, jobs, promote
from segwidgets.recipe import Recipe, RecipeError
from segwidgets.result import Result
from segwidgets.tracking import MLflowTracker


def test_a_promoted_job_reproduces_the_labels_exactly(done: Job, result: Result) -> None:
    assert (done.status, done.verdict, done.reason) == ("completed", "exact", None)
    stored = done.result()
    np.testing.assert_array_equal(stored.labels, result.labels)
    np.testing.assert_array_equal(stored.embedding, result.embedding)
    assert stored.ids.tolist() == result.ids.tolist()
    assert stored.recipe == result.recipe


def test_the_folder_is_laid_out_as_a_container_is(done: Job, result: Result) -> None:
    hyperparameters = json.loads((done.path / "input/config/hyperparameters.json").read_text())
    assert all(isinstance(value, str) for value in hyperparameters.values())
    assert hyperparameters["eps"] == "0.6"
    channels = json.loads((done.path / "input/config/inputdataconfig.json").read_text())
    assert sorted(channels) == ["embedding", "expected", "recipe", "table"]
    assert sorted(path.name for path in (done.path / "input/data").iterdir()) == sorted(channels)
    assert json.loads((done.path / "input/config/resourceconfig.json").read_text())["hosts"] == ["localhost"]
    assert json.loads((done.path / "input/data/recipe/spec.json").read_text())["label_digest"] == result.label_digest
    assert (done.path / "model").is_dir()
    assert not (done.path / "output/failure").exists()
    assert not (done.path / "output/.reserve").exists()


def test_the_leaderboard_has_the_run_with_its_verdict_scores_and_settings(done: Job, result: Result) -> None:
    row = leaderboard("finished").set_index("name").loc[done.name]
    assert (row.status, row.verdict, row.trial, row.reason) == ("completed", "exact", "first", "")
    assert row.segments == result.scores.clusters
    assert row.coverage == pytest.approx(result.scores.coverage)
    assert result.scores.silhouette is not None
    assert row.silhouette == pytest.approx(result.scores.silhouette.value)
    assert (row.eps, row.min_samples, row.n_neighbors, row.min_dist) == (0.6, 10, 10, 0.0)
    assert row.recipe == result.recipe.digest
    tracker = MLflowTracker()
    runs = tracker.search(tracker.experiments(), 1_000)
    told = next(run["tags"] for run in runs if run["name"] == done.name)
    assert told["link.output/result"] == (done.path / "output" / "data" / "result").as_uri()
    assert told["link.input/table"].endswith(result.table_digest)
    assert 0 < row.duration < 120


def test_a_refit_recomputes_everything_and_says_how_it_compares(table: Table, recipe: Recipe) -> None:
    job = promote(recipe, table, mode="refit").wait(120)
    assert job.status == "completed", job.log()
    # On one machine, one code and one seed UMAP repeats itself; another machine may say ARI=….
    assert job.verdict == "exact"
    assert not (job.path / "input/data/embedding").exists()
    assert any(
        name.startswith("seconds_layout") for name in json.loads((job.path / "record.json").read_text())["metrics"]
    )


def test_two_promotions_at_once_are_two_jobs_that_both_complete(table: Table, recipe: Recipe, result: Result) -> None:
    first = promote(recipe, table, result=result, experiment="twins")
    second = promote(recipe, table, result=result, experiment="twins")
    assert first.name != second.name
    assert [job.wait(120).verdict for job in (first, second)] == ["exact", "exact"]
    assert (first.path / "input/data/table").resolve() == (second.path / "input/data/table").resolve()
    assert set(leaderboard("twins")["name"]) == {first.name, second.name}


def test_a_job_is_found_again_by_another_process(done: Job) -> None:
    code = "import sys; from segwidgets import Job; job = Job.load(sys.argv[1]); print(job.status, job.verdict)"
    seen = subprocess.run([sys.executable, "-c", code, done.name], capture_output=True, text=True, check=True)
    assert seen.stdout.split() == ["completed", "exact"]
    assert done.name in [job.name for job in jobs()]


def test_a_job_that_is_not_there_is_named_with_those_that_are(done: Job) -> None:
    with pytest.raises(ValueError, match=f"no job '{done.name}x'.*{done.name}"):
        Job.load(done.name + "x")
    with pytest.raises(ValueError, match="no job"):
        Job.load("../jobs")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": "cloud"}, "target='cloud' is not allowed.*'local', 'sagemaker'"),
        ({"mode": "guess"}, "mode='guess' is not allowed.*'embedding', 'refit'"),
        ({"experiment": "spring campaign"}, "experiment='spring campaign'.*'spring-campaign' would do"),
        ({"trial": "x" * 121}, "trial=.*1 to 120"),
        ({"name": "x" * 64}, "name=.*1 to 63"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(
    settings: dict[str, str], message: str, table: Table, recipe: Recipe, result: Result
) -> None:
    before = len(jobs())
    with pytest.raises(ValueError, match=message):
        promote(recipe, table, result=result, **settings)  # type: ignore[arg-type]
    assert len(jobs()) == before


def test_a_name_is_taken_once(done: Job, table: Table, recipe: Recipe, result: Result) -> None:
    with pytest.raises(ValueError, match="there is a job of this name"):
        promote(recipe, table, result=result, name=done.name)
    assert done.verdict == "exact"


def test_a_result_of_another_recipe_or_table_is_refused(table: Table, recipe: Recipe, result: Result) -> None:
    with pytest.raises(ValueError, match="result is of another recipe"):
        promote(recipe.replace(eps=0.7), table, result=result)
    with pytest.raises(ValueError, match="result is of another table"):
        promote(recipe, samples.blobs(n=400, seed=1), result=result)


def test_a_recipe_that_the_table_cannot_take_is_refused(table: Table) -> None:
    with pytest.raises(RecipeError, match="n_neighbors=450"):
        promote(Recipe().replace(n_neighbors=450), table)
