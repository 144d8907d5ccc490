"""A sweep as a tuning job, on a simulated account whose tuner runs the training jobs for real."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import segwidgets as sw
from segwidgets.aws import Cloud
from segwidgets.cli import main
from segwidgets.jobs import RefusedError
from segwidgets.jobs.spec import SpecError
from segwidgets.recipe import RecipeError
from segwidgets.result import Progress
from segwidgets.sweeping import Limits, Sweep, Tuning, plan_tuning

from .cloud import IMAGE, ROLE, Host
from .tuner import Tuner, tuning

RECIPE = sw.Recipe().replace(n_neighbors=10, n_epochs=50)
SPACE: dict[str, Any] = {"eps": (0.2, 3.0), "min_samples": (3, 10), "metric": ["cosine", "euclidean"], "seed": [7]}
WHERE: dict[str, Any] = {"role": ROLE, "image": IMAGE, "instance_type": "ml.m5.large"}


@pytest.fixture(scope="module")
def table() -> sw.Table:
    return sw.samples.blobs(400)


@pytest.fixture(scope="module")
def tuners(server: tuple[str, dict[str, Host]]) -> Iterator[dict[str, Tuner]]:
    with tuning(*server) as running:
        yield running


def planned(table: sw.Table, **more: Any) -> Any:
    asked: dict[str, Any] = {"recipe": RECIPE, "objectives": ["silhouette"], "name": "spring", **WHERE, **more}
    return plan_tuning(table, asked.pop("space", SPACE), asked.pop("budget", 2), **asked)


def test_the_request_is_the_space_as_it_is_searched_here(cloud: Cloud, table: sw.Table) -> None:
    made = planned(table, budget=20, workers=4, seconds=7200, seed=5, spot=True).request()
    config, job = made["HyperParameterTuningJobConfig"], made["TrainingJobDefinition"]
    assert made["HyperParameterTuningJobName"] == "spring"
    assert config["Strategy"] == "Bayesian"
    assert config["RandomSeed"] == 5
    assert config["TrainingJobEarlyStoppingType"] == "Off"
    assert config["HyperParameterTuningJobObjective"] == {"Type": "Maximize", "MetricName": "objective"}
    assert config["ResourceLimits"] == {
        "MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 4, "MaxRuntimeInSeconds": 7200,
    }  # fmt: skip
    ranges = config["ParameterRanges"]
    assert ranges["ContinuousParameterRanges"] == [
        {"Name": "eps", "MinValue": "0.2", "MaxValue": "3.0", "ScalingType": "Logarithmic"}
    ]
    assert ranges["IntegerParameterRanges"] == [
        {"Name": "min_samples", "MinValue": "3", "MaxValue": "10", "ScalingType": "Linear"}
    ]
    assert ranges["CategoricalParameterRanges"] == [{"Name": "metric", "Values": ["cosine", "euclidean"]}]
    static = job["StaticHyperParameters"]
    assert not {"eps", "min_samples", "metric", "job"} & set(static)
    assert static["trial"] == "spring"
    assert job["EnableManagedSpotTraining"] is True
    assert job["Environment"]["SEGWIDGETS_TRACKING_URI"] == "experiments:eu-central-1"
    assert {one["ChannelName"] for one in job["InputDataConfig"]} == {"recipe", "table"}


def test_the_price_is_that_of_all_trials_and_the_quota_that_of_all_at_once(cloud: Cloud, table: sw.Table) -> None:
    found = planned(table, budget=100, workers=3, max_run=3600).preflight()
    one = found.cost.ceiling
    cost = next(check for check in found.checks if check.name == "cost")
    assert f"for 100 trials. Each: At most about ${one:.2f}" in cost.text
    assert next(check for check in found.checks if check.name == "name").text == "spring is free."


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (
            {"objectives": ["silhouette", "coverage"]},
            SpecError,
            "a tuning job looks for one. Name the one that matters",
        ),
        ({"space": {"seed": [3]}}, SpecError, "leaves nothing to tune"),
        ({"space": {"min_samples": (5, 900)}}, RecipeError, "min_samples=900 is not allowed: the table has 400 rows"),
        ({"spott": True}, TypeError, "spott"),
    ],
)
def test_what_a_tuning_job_cannot_be_is_refused(
    cloud: Cloud, table: sw.Table, change: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        planned(table, **change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "a" * 33}, "1 to 32 letters"),
        ({"budget": 751}, "budget=751 is not allowed: it must be from 1 to 750"),
        ({"workers": 101, "budget": 200}, "workers=101 is not allowed: it must be from 1 to 100"),
        ({"seconds": 60}, "seconds=60 is not allowed: it must be from 120"),
        ({"space": {"seed": list(range(31))}}, "values of seed=31 is not allowed: it must be from 1 to 30"),
        ({"volume_gb": 20_000}, "volume_gb=20000"),
    ],
)
def test_the_request_is_held_to_awss_limits(cloud: Cloud, table: sw.Table, change: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        planned(table, **change).request()


def test_a_sweep_in_sagemaker_runs_its_trials_and_comes_back_as_a_sweep(
    cloud: Cloud, tuners: dict[str, Tuner], table: sw.Table
) -> None:
    said: list[Progress] = []
    told: list[Sweep] = []
    limits = Limits(max_noise=0.9, clusters=(1, 200))
    job = planned(table, limits=limits, experiment="tuned").checked(force=True).launch()
    late = threading.Event()
    alarm = threading.Timer(300, late.set)  # or a trial that never ends would hold up all tests
    alarm.start()
    made = job.wait(every=0.5, progress=said.append, told=told.append, cancel=late)
    alarm.cancel()
    assert job.status == "Completed", job.reason
    assert [one.number for one in made.trials] == [0, 1]
    assert [one.error for one in made.trials] == ["", ""]
    drawn = tuners["spring"].summaries
    for one, summary in zip(made.trials, drawn, strict=True):
        # What the job found is what this machine finds by the recipe that it says.
        here = sw.Session(table).run(one.recipe)
        assert one.recipe.clustering.eps == float(summary["TunedHyperParameters"]["eps"])
        assert one.recipe.clustering.min_samples == int(summary["TunedHyperParameters"]["min_samples"])
        assert one.recipe.embedding.metric == summary["TunedHyperParameters"]["metric"]
        assert (one.recipe.embedding.seed, one.recipe.embedding.n_epochs) == (7, 50)
        assert one.metrics["clusters"] == here.scores.clusters
        assert one.metrics["coverage"] == pytest.approx(here.scores.coverage)
        assert one.values == (one.metrics.get("silhouette"),)
        assert one.kept == limits.kept(here.metrics())
    assert said[-1].overall == 1.0
    assert "2 of 2 trials done" in said[-1].message
    assert len(told[-1].trials) == 2
    # Both trackers know every trial: this machine's, and the one that the jobs themselves told.
    for uri in (None, "experiments:"):
        board = sw.leaderboard(experiment="tuned", tracking_uri=uri)
        assert {one.name for one in made.trials} <= set(board["name"]), uri
        assert set(board["status"]) == {"completed"}, uri
        assert set(board["trial"]) == {"spring"}, uri
    again = Tuning.load("spring")
    assert [one.recipe for one in again.sweep().trials] == [one.recipe for one in made.trials]
    assert len(sw.leaderboard(experiment="tuned")) == 2
    with pytest.raises(RefusedError, match="There is a tuning job 'spring' already"):
        planned(table).checked()


def test_a_cancelled_tuning_job_is_stopped_with_its_trials(
    cloud: Cloud, tuners: dict[str, Tuner], table: sw.Table
) -> None:
    stop = threading.Event()
    stop.set()
    job = planned(table, name="summer", experiment="halted", budget=5).checked(force=True).launch()
    with pytest.raises(sw.Cancelled):
        job.wait(every=0.5, cancel=stop)
    end = time.monotonic() + 60
    while job.status != "Stopped":
        assert time.monotonic() < end
        time.sleep(0.2)
    assert len(job.sweep().trials) <= 1
    assert not any(one.kept for one in job.sweep().trials)


def test_the_command_shows_the_request_and_sends_nothing(
    cloud: Cloud, tuners: dict[str, Tuner], capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["sweep", "blobs", "--quiet", "--space", "eps=0.2..3.0", "--trials", "7", "--name", "autumn"]
    where = ["--role", ROLE, "--image", IMAGE, "--instance-type", "ml.m5.large", "--workers", "2"]
    assert main([*base, *where, "--target", "sagemaker", "--dry-run"]) in {0, 2}
    said = json.loads(capsys.readouterr().out)
    limits = said["request"]["HyperParameterTuningJobConfig"]["ResourceLimits"]
    assert limits == {"MaxNumberOfTrainingJobs": 7, "MaxParallelTrainingJobs": 2}
    assert {one["channel"] for one in said["ships"]} == {"recipe", "table"}
    assert "autumn" not in tuners
    assert main([*base, "--spot"]) == 2
    assert "--spot is for --target sagemaker" in capsys.readouterr().err
