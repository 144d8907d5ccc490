"""Stability for every n_neighbors and min_dist: small multiples, one ranking, and a budget that all maps share."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

import segwidgets as sw
from segwidgets.cli import main
from segwidgets.compute.stability import Grid
from segwidgets.compute.stability.agreement import adjusted_rand
from segwidgets.recipe import RecipeError
from segwidgets.session import Progress, Session
from segwidgets.stabilityfigure import stability_figure
from segwidgets.stablesettings import MapsOfRecipe, plan_maps

RECIPE = sw.Recipe().replace(n_epochs=50)
SETTINGS = {"n_neighbors": [10, 5], "min_dist": [0.1, 0.0]}
GRID = Grid(np.geomspace(0.1, 3, 12), np.array([3, 5, 10]))


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(sw.samples.blobs(400))


@pytest.fixture(scope="module")
def made(session: Session) -> MapsOfRecipe:
    return sw.stability_maps(session, RECIPE, **SETTINGS, grid=GRID, repeats=2)  # type: ignore[arg-type]


def test_each_combination_has_the_map_that_it_has_alone(session: Session, made: MapsOfRecipe) -> None:
    assert (made.n_neighbors, made.min_dist, made.done) == ((5, 10), (0.0, 0.1), 1.0)
    assert [(one.recipe.embedding.n_neighbors, one.recipe.embedding.min_dist) for one in made.maps] == [
        (5, 0.0), (5, 0.1), (10, 0.0), (10, 0.1),
    ]  # fmt: skip
    alone = sw.stability_map(session, RECIPE.replace(n_neighbors=10, min_dist=0.0), grid=GRID, repeats=2)
    found = made.at(10, 0.0)
    assert found is not None
    np.testing.assert_array_equal(found.map.ari, alone.map.ari)
    with pytest.raises(ValueError, match=r"n_neighbors=7 with min_dist=0\.0 is not there"):
        made.at(7, 0.0)


def test_the_plateaus_of_all_maps_are_one_list_and_each_gives_its_whole_recipe(
    session: Session, made: MapsOfRecipe
) -> None:
    ranked = made.plateaus
    assert len(ranked) == sum(len(one.plateaus) for one in made.maps)
    shares = [one.share for one in ranked]
    assert shares == sorted(shares, reverse=True)
    assert len({(one.n_neighbors, one.min_dist) for one in ranked}) > 1
    for one in ranked[:3]:
        taken = session.run(made.take(one))
        e, c = taken.recipe.embedding, taken.recipe.clustering
        assert (e.n_neighbors, e.min_dist) == (one.n_neighbors, one.min_dist)
        assert (c.eps, c.min_samples) == (one.plateau.eps, one.plateau.min_samples)
        assert taken.scores.clusters == one.plateau.clusters


def test_neighbouring_combinations_are_compared_at_their_best_plateaus(session: Session, made: MapsOfRecipe) -> None:
    assert [(one.axis, one.one, one.other) for one in made.between] == [
        ("n_neighbors", (5, 0.0), (10, 0.0)),
        ("n_neighbors", (5, 0.1), (10, 0.1)),
        ("min_dist", (5, 0.0), (5, 0.1)),
        ("min_dist", (10, 0.0), (10, 0.1)),
    ]
    labels = {}
    for one in made.maps:
        e = one.recipe.embedding
        labels[e.n_neighbors, e.min_dist] = session.run(one.take(one.plateaus[0])).labels
    for pair in made.between:
        assert pair.ari == pytest.approx(adjusted_rand(labels[pair.one], labels[pair.other]))


def test_the_work_is_forecast_and_one_map_is_made_for_it() -> None:
    fresh = Session(sw.samples.blobs(300))
    recipe = RECIPE.replace(seed=77)
    before = plan_maps(fresh, recipe, n_neighbors=[5, 10], min_dist=[0.0, 0.1], grid=GRID, repeats=2)
    assert (before.maps, before.cells, before.repeats) == (4, 36, 2)
    assert before.seconds > before.layouts > 0
    sw.stability_maps(fresh, recipe, n_neighbors=[5, 10], min_dist=[0.0, 0.1], grid=GRID, repeats=1)
    after = plan_maps(fresh, recipe, n_neighbors=[5, 10], min_dist=[0.0, 0.1], grid=GRID, repeats=2)
    assert after.layouts == 0


def test_a_cancelled_call_goes_on_with_what_was_told_last(session: Session, made: MapsOfRecipe) -> None:
    stop = threading.Event()
    kept: list[MapsOfRecipe] = []

    def told(now: MapsOfRecipe) -> None:
        kept.append(now)
        if len(kept) == 2:
            stop.set()

    with pytest.raises(sw.Cancelled):
        sw.stability_maps(session, RECIPE, **SETTINGS, grid=GRID, repeats=2, told=told, cancel=stop)  # type: ignore[arg-type]
    assert [len(now.maps) for now in kept] == [1, 2]
    assert kept[-1].done == 0.5
    assert kept[-1].between[1].ari is None
    more: list[MapsOfRecipe] = []
    whole = sw.stability_maps(
        session, RECIPE, **SETTINGS, grid=GRID, repeats=2, so_far=kept[-1], told=more.append  # type: ignore[arg-type]
    )  # fmt: skip
    assert len(more) == 2
    assert whole.maps[0] is kept[-1].maps[0]
    assert whole.plateaus == made.plateaus
    assert whole.between == made.between


def test_a_budget_is_shared_by_the_maps_and_what_is_left_is_gone_on_with(session: Session) -> None:
    # So many samples that no map can be done: each gets its part.
    settings = {"n_neighbors": [5, 10], "grid": GRID, "repeats": 500}
    short = sw.stability_maps(session, RECIPE, **settings, budget=1.0)  # type: ignore[arg-type]
    shares = [one.map.done for one in short.maps]
    assert len(shares) == 2
    assert all(0 < share < 1 for share in shares)
    more = sw.stability_maps(session, RECIPE, **settings, budget=0.5, so_far=short)  # type: ignore[arg-type]
    assert more.done > short.done
    with pytest.raises(ValueError, match="budget=0 is not allowed"):
        sw.stability_maps(session, RECIPE, budget=0)


def test_progress_rises_to_the_end(session: Session) -> None:
    told: list[Progress] = []
    sw.stability_maps(session, RECIPE, **SETTINGS, grid=GRID, repeats=1, progress=told.append)  # type: ignore[arg-type]
    overall = [now.overall for now in told]
    assert overall == sorted(overall)
    assert overall[-1] == 1.0


def test_what_cannot_be_is_refused_before_any_work(session: Session, made: MapsOfRecipe) -> None:
    with pytest.raises(RecipeError, match="n_neighbors=400 is not allowed"):
        sw.stability_maps(session, RECIPE, n_neighbors=[5, 400])
    with pytest.raises(RecipeError, match="min_dist is not a setting of method 'pca'"):
        sw.stability_maps(session, RECIPE.replace(embedding=sw.Embedding(method="pca")), min_dist=[0.1])
    with pytest.raises(ValueError, match="are 90 maps, which is not allowed"):
        sw.stability_maps(session, RECIPE, n_neighbors=range(5, 50), min_dist=[0.0, 0.1])
    with pytest.raises(ValueError, match="so_far is of another table or another recipe"):
        sw.stability_maps(session, RECIPE.replace(seed=3), **SETTINGS, grid=GRID, so_far=made)  # type: ignore[arg-type]


def test_the_figure_has_a_panel_for_each_map_on_one_scale_and_marks_the_best_plateaus(made: MapsOfRecipe) -> None:
    figure = stability_figure(made)
    panels = figure.axes[:4]
    assert [axes.get_title() for axes in panels] == [
        "n_neighbors 5, min_dist 0", "n_neighbors 10, min_dist 0",
        "n_neighbors 5, min_dist 0.1", "n_neighbors 10, min_dist 0.1",
    ]  # fmt: skip
    assert {axes.collections[0].get_clim() for axes in panels} == {(0, 1)}
    assert len({axes.get_xlim() for axes in panels}) == 1
    # Plain numbers that do not stand in each other's way.
    figure.canvas.draw()
    ticks = [text.get_text() for text in panels[2].get_xticklabels() if text.get_text()]
    assert {"0.1", "0.2", "0.5", "1"} <= set(ticks)
    assert not panels[2].get_xticklabels(minor=True)
    marks = {text.get_text(): axes.get_title() for axes in panels for text in axes.texts}
    for place, one in enumerate(made.plateaus[:3], 1):
        title = f"n_neighbors {one.n_neighbors}, min_dist {one.min_dist:g}"
        assert marks[f"{place}: {one.plateau.clusters} segments"] == title


def test_the_command_forecasts_draws_and_writes_the_best_recipe(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    picture, recipe = tmp_path / "maps.png", tmp_path / "best.json"
    call = ["stability", "blobs", "--set", "n_epochs=20", "--n-neighbors", "5,10"]
    call += ["--repeats", "1", "--figure", str(picture)]
    assert main([*call, "--recipe-out", str(recipe), "--json"]) == 0
    said = capsys.readouterr()
    assert "2 maps of 800 cells, 1 sample each: about " in said.err
    found = json.loads(said.out)
    assert [one["n_neighbors"] for one in found["maps"]] == [5, 10]
    assert (found["done"], len(found["between"]), found["forecast"]["maps"]) == (1.0, 1, 2)
    assert picture.read_bytes().startswith(b"\x89PNG")
    best, taken = found["plateaus"][0], sw.Recipe.from_json(recipe.read_text())
    assert (taken.embedding.n_neighbors, taken.embedding.min_dist) == (best["n_neighbors"], best["min_dist"])
    assert taken.clustering.eps == best["plateau"]["eps"]
    assert main([*call, "--quiet", "--budget", "5"]) == 0
    words = capsys.readouterr().out
    assert words.startswith("2 maps; ")
    assert "% done" in words


def test_the_command_refuses_what_is_no_list(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["stability", "blobs", "--n-neighbors", "5,x"])
    assert "is not a list of whole numbers" in capsys.readouterr().err
