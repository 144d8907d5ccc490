"""Sweeps: what is tried comes from the space, each trial is a run, the best keep the limits and nothing beats them."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

import segwidgets as sw
from segwidgets.cli import main
from segwidgets.recipe import RecipeError
from segwidgets.sweeping import Limits, Sweep, Trial

RECIPE = sw.Recipe().replace(n_neighbors=10, n_epochs=50)
SPACE: dict[str, Any] = {"eps": (0.2, 3.0), "min_samples": [3, 5, 10]}


@pytest.fixture(scope="module")
def session() -> sw.Session:
    return sw.Session(sw.samples.blobs(400))


@pytest.fixture(scope="module")
def made(session: sw.Session) -> Sweep:
    limits = Limits(max_noise=0.2, clusters=(2, 9))
    return sw.sweep(session, SPACE, 12, recipe=RECIPE, limits=limits, name="spring", experiment="swept")


def test_every_trial_is_of_the_space_and_leaves_the_rest_alone(made: Sweep) -> None:
    assert len(made.trials) == 12
    for one in made.trials:
        clustering = one.recipe.clustering
        assert 0.2 <= float(clustering.eps or 0) <= 3.0
        assert clustering.min_samples in {3, 5, 10}
        assert (one.recipe.embedding.n_neighbors, one.recipe.embedding.n_epochs) == (10, 50)


def test_the_best_keep_the_limits_and_nothing_beats_them(made: Sweep) -> None:
    assert made.best
    for one in made.best:
        assert one.kept
        assert one.metrics["coverage"] >= 0.8
        assert 2 <= one.metrics["clusters"] <= 9
        assert one.values == (one.metrics["silhouette"], one.metrics["coverage"])
    kept = [one for one in made.trials if one.kept]
    for one in kept:
        beaten = any(
            all(a >= b for a, b in zip(other.values, one.values, strict=True)) and other.values != one.values  # type: ignore[operator]
            for other in kept
        )
        assert beaten == (one not in made.best)


def test_each_trial_is_a_run_of_the_leaderboard_under_the_sweeps_name(made: Sweep) -> None:
    board = sw.leaderboard(experiment="swept")
    assert set(board["name"]) == {f"spring-{number}" for number in range(12)}
    assert set(board["trial"]) == {"spring"}
    assert set(board["status"]) == {"completed"}
    first = board.set_index("name").loc["spring-0"]
    assert first["coverage"] == pytest.approx(made.trials[0].metrics["coverage"])


def test_the_map_is_made_once_for_all_trials_that_share_it(session: sw.Session) -> None:
    told: list[Sweep] = []
    sw.sweep(session, SPACE, 2, recipe=RECIPE.replace(seed=7), told=told.append)
    assert [len(one.trials) for one in told] == [1, 2]
    assert "seconds_layout" in told[0].trials[0].metrics
    assert "seconds_layout" not in told[1].trials[1].metrics


def test_the_same_seed_tries_the_same_recipes(session: sw.Session) -> None:
    one, two = (sw.sweep(session, SPACE, 3, recipe=RECIPE, seed=5) for _ in range(2))
    assert [trial.recipe for trial in one.trials] == [trial.recipe for trial in two.trials]


def test_a_recipe_that_does_not_fit_the_table_is_a_failed_run_and_the_sweep_goes_on(session: sw.Session) -> None:
    made = sw.sweep(session, {"n_neighbors": [10, 450]}, 4, recipe=RECIPE, experiment="misfits", seed=1)
    failed = [one for one in made.trials if one.error]
    assert failed
    assert len(made.trials) == 4
    assert all("n_neighbors=450 is not allowed" in one.error for one in failed)
    assert not any(one.kept for one in failed)
    assert "failed" in set(sw.leaderboard(experiment="misfits")["status"])


def test_stability_can_be_looked_for(session: sw.Session) -> None:
    made = sw.sweep(session, {"min_samples": [5]}, 1, recipe=RECIPE, objectives=["stability"])
    assert made.trials[0].values[0] == made.trials[0].metrics["stability"]
    assert made.trials[0].values[0] > 0.5  # type: ignore[operator]


def test_a_budget_of_seconds_begins_nothing_after_it(session: sw.Session) -> None:
    assert sw.sweep(session, SPACE, 5, recipe=RECIPE, seconds=0.0).trials == ()


def test_a_cancelled_trial_stands_as_stopped(session: sw.Session) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(sw.Cancelled):
        sw.sweep(session, SPACE, 2, recipe=RECIPE.replace(seed=99), experiment="halted", cancel=stop)
    assert set(sw.leaderboard(experiment="halted")["status"]) == {"stopped"}


def test_the_frame_has_a_line_a_trial(made: Sweep) -> None:
    frame = made.to_frame()
    assert list(frame["trial"]) == list(range(12))
    assert set(frame.loc[frame["best"], "name"]) == {one.name for one in made.best}


def test_a_trial_without_a_score_beats_nobody() -> None:
    def trial(number: int, value: float | None) -> Trial:
        return Trial(number, str(number), RECIPE, (value, 0.5), {}, kept=True, seconds=0.0)

    assert [one.number for one in Sweep("s", ("silhouette", "coverage"), (trial(0, None), trial(1, 0.1))).best] == [1]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"space": {}}, ValueError, "space is empty"),
        (
            {"space": {"min_sample": [1]}},
            RecipeError,
            r"'min_sample' is no setting of a sweep\. Did you mean 'min_samples'",
        ),
        ({"space": {"eps": 0.4}}, RecipeError, "eps=0.4 is not allowed in a space"),
        ({"space": {"eps": (2.0, 1.0)}}, RecipeError, "the lower first"),
        ({"space": {"n_neighbors": (1, 20)}}, RecipeError, "n_neighbors=1 is not allowed"),
        ({"space": {"min_dist": (0.0, 5.0)}}, RecipeError, "min_dist=5.0 is not allowed"),
        ({"objectives": ["silhuette"]}, ValueError, "Did you mean 'silhouette'"),
        ({"objectives": "coverage"}, ValueError, "it must be a list of"),
        ({"budget": 0}, ValueError, "budget=0 is not allowed"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_tried(
    session: sw.Session, change: dict[str, Any], error: type[Exception], words: str
) -> None:
    asked: dict[str, Any] = {"space": SPACE, "budget": 2, "experiment": "refused", **change}
    with pytest.raises(error, match=words):
        sw.sweep(session, recipe=RECIPE, **asked)
    with pytest.raises(ValueError, match="there is no experiment 'refused'"):
        sw.leaderboard(experiment="refused")


@pytest.mark.parametrize("limits", [{"max_noise": 1.5}, {"min_share": -0.1}, {"clusters": (9, 4)}])
def test_limits_that_cannot_be_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is not allowed: it must be"):
        Limits(**limits)


def test_the_command_tells_the_best_and_writes_the_first_ones_recipe(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    recipe = tmp_path / "best.json"
    base = ["sweep", "blobs", "--quiet", "--set", "n_neighbors=10", "--set", "n_epochs=50", "--trials", "3"]
    space = ["--space", "eps=0.3..2.0", "--space", "min_samples=5,10", "--segments", "2..40", "--name", "told"]
    assert main([*base, *space, "--recipe-out", str(recipe)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("told: 3 trials, ")
    assert "told-" in said
    assert sw.Recipe.from_json(recipe.read_text()).clustering.min_samples in {5, 10}
    assert main([*base, *space, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 3
    with pytest.raises(SystemExit):
        main([*base, "--space", "eps"])
    assert "is not name=values" in capsys.readouterr().err
