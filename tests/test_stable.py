"""Stability of a recipe on a session: rows, seeds, settings; and the command that tells it."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segwidgets as sw
from segwidgets.cli import main
from segwidgets.compute.stability import StabilityMap
from segwidgets.recipe import RecipeError
from segwidgets.session import Progress, Session
from segwidgets.stabilityfigure import stability_figure
from segwidgets.stable import plan_map, settings_around

RECIPE = sw.Recipe().replace(n_neighbors=10, n_epochs=100)


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(sw.samples.blobs(600))


def test_the_segments_of_blobs_come_back_on_other_rows_and_other_seeds(session: Session) -> None:
    told: list[Progress] = []
    found = sw.stability(session, RECIPE, repeats=5, seeds=2, progress=told.append)
    assert found.samples.ari > 0.95
    assert [one.word for one in found.samples.segments] == ["stable"] * found.result.scores.clusters
    assert found.seeds is not None
    assert (found.seeds.repeats, found.seeds.share) == (2, 1.0)
    assert found.seeds.ari > 0.9
    overall = [now.overall for now in told]
    assert overall == sorted(overall)
    assert overall[-1] == pytest.approx(1.0)


def test_seeds_are_not_asked_for_unless_wanted_and_not_of_a_method_without_any(session: Session) -> None:
    assert sw.stability(session, RECIPE, repeats=1).seeds is None
    plain = RECIPE.replace(embedding=sw.Embedding(method="pca"))
    with pytest.raises(RecipeError, match="method 'pca': it has no seed"):
        sw.stability(session, plain, seeds=3)
    with pytest.raises(ValueError, match="seeds=-1 is not allowed"):
        sw.stability(session, RECIPE, seeds=-1)


def test_a_map_of_settings_is_forecast_made_stopped_and_gone_on_with(session: Session) -> None:
    grid, forecast = plan_map(session, RECIPE)
    assert forecast.seconds > 0
    assert forecast.cells == grid.shape[0] * grid.shape[1]
    stop = threading.Event()
    kept: list[StabilityMap] = []

    def told(made: StabilityMap) -> None:
        kept.append(made)
        stop.set()

    with pytest.raises(sw.Cancelled):
        sw.stability_map(session, RECIPE, repeats=1, told=told, cancel=stop)
    assert 0 < kept[-1].done < 1
    whole = sw.stability_map(session, RECIPE, repeats=1, so_far=kept[-1])
    assert whole.map.done == 1
    best = whole.plateaus[0]
    again = session.run(whole.take(best))
    assert again.scores.clusters == best.clusters
    assert again.recipe.clustering.eps == best.eps


def test_other_maps_are_other_recipes_whose_eps_the_data_decides() -> None:
    found = settings_around(RECIPE.replace(eps=0.4), n_neighbors=(5, 10), min_dist=(0.0, 0.1))
    assert [(one.embedding.n_neighbors, one.embedding.min_dist) for one in found] == [
        (5, 0),
        (5, 0.1),
        (10, 0),
        (10, 0.1),
    ]
    assert {one.clustering.eps for one in found} == {None}
    assert len(settings_around(RECIPE, n_neighbors=(5,))) == 1


def test_the_figure_marks_plateaus_and_the_setting(session: Session) -> None:
    found = sw.stability_map(session, RECIPE, repeats=1)
    figure = stability_figure(found.map, eps=0.5, min_samples=10)
    assert figure.axes[0].get_xlabel() == "eps (distance on the map)"
    marks = [text.get_text() for text in figure.axes[0].texts]
    assert marks[0].startswith(f"1: {found.plateaus[0].clusters} segments")
    assert len(figure.axes[0].lines) == 1


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["stability", "blobs", "--quiet", "--set", "n_neighbors=10", "--set", "n_epochs=50", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_command_tells_each_segment(capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = run(capsys, "--repeats", "2")
    assert code == 0
    assert said.startswith("2 samples of 80% of the rows: ARI ")
    assert "stable" in said
    code, said, _ = run(capsys, "--repeats", "2", "--seeds", "1", "--json")
    found: Any = json.loads(said)
    assert found["samples"]["repeats"] == 2
    assert found["seeds"]["repeats"] == 1


def test_the_command_draws_the_map_and_writes_the_best_plateaus_recipe(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    picture, recipe = tmp_path / "map.png", tmp_path / "best.json"
    code, said, _ = run(
        capsys, "--map", "--repeats", "1", "--figure", str(picture), "--recipe-out", str(recipe), "--json"
    )
    assert code == 0
    found = json.loads(said)
    assert np.shape(found["ari"]) == (len(found["min_samples"]), len(found["eps"]))
    assert picture.read_bytes().startswith(b"\x89PNG")
    taken = sw.Recipe.from_json(recipe.read_text()).clustering
    assert (taken.eps, taken.min_samples) == (found["plateaus"][0]["eps"], found["plateaus"][0]["min_samples"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--budget", "5"], "--budget belongs to --map"), (["--map", "--seeds", "2"], "--seeds asks about one setting")],
)
def test_options_that_do_not_go_together_are_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    code, _, said = run(capsys, *arguments)
    assert code == 2
    assert words in said
