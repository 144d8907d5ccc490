"""The panel, driven as the front end drives it: by its widgets' traits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist
from sklearn.cluster import DBSCAN

import segwidgets as sw
from segwidgets.cache import Cache
from segwidgets.compute import embedding
from segwidgets.compute.density import Portable, labels_from_portable
from segwidgets.compute.embedding import first, optimiser
from segwidgets.panel.html import cards, escape, failure
from segwidgets.result import Scores


@pytest.fixture(scope="module")
def table() -> sw.Table:
    return sw.samples.blobs(400, seed=2)


@pytest.fixture
def panel(table: sw.Table, tmp_path: Path) -> Iterator[sw.Panel]:
    made = sw.Panel(table, session=sw.Session(table, cache=Cache(tmp_path)), history=tmp_path / "history")
    made.wait(120)
    yield made
    made.close()


def labels_shown(panel: sw.Panel) -> np.ndarray:
    """What the browser shows: by the index that it has at the eps that it is told, else the labels that were sent."""
    if panel.cloud.cuts_itself:
        words = np.frombuffer(panel.cloud.index, "<u4").reshape(5, -1)
        kinds = (np.int32, np.float32, np.float32, np.float32, np.int32)
        index = Portable(*(word.view(kind) for word, kind in zip(words, kinds, strict=True)))
        return labels_from_portable(index, panel.cloud.eps).astype(np.int64)
    dtype = {1: np.uint8, 2: np.uint16, 4: np.uint32}[panel.cloud.label_bytes]
    return np.frombuffer(panel.cloud.labels, dtype).astype(np.int64) - 1


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "the panel did not get there within 30 s"
        time.sleep(0.01)


def test_it_shows_map_curve_and_scores(panel: sw.Panel) -> None:
    result = panel.result
    assert result is not None
    np.testing.assert_array_equal(np.frombuffer(panel.cloud.points, np.float32).reshape(-1, 3), result.embedding)
    np.testing.assert_array_equal(labels_shown(panel), result.labels)
    assert panel.k_distance.n_points == 400
    assert panel.k_distance.eps == pytest.approx(result.recipe.clustering.eps)
    assert panel._controls.eps.value == pytest.approx(result.recipe.clustering.eps)
    assert f"<b>{result.scores.clusters}</b>" in panel._cards.value
    assert 'data-state="final"' in panel._cards.value


def assert_scikit_learns(labels: np.ndarray, points: np.ndarray, eps: float, min_samples: int) -> np.ndarray:
    """Same clusters, numbers and noise; a border point near two clusters may be in the other one. Gives theirs."""
    theirs = DBSCAN(eps=eps, min_samples=min_samples).fit(points)
    core = theirs.core_sample_indices_
    np.testing.assert_array_equal(labels[core], theirs.labels_[core])
    np.testing.assert_array_equal(labels < 0, theirs.labels_ < 0)
    return theirs.labels_


def test_the_eps_slider_cuts_every_row_as_scikit_learn_does(panel: sw.Panel) -> None:
    for eps in (0.15, 0.3, 0.55):
        panel._controls.eps.value = eps
        panel.wait(30)
        expected = assert_scikit_learns(labels_shown(panel), panel.result.embedding, eps, 10)
        assert panel.k_distance.eps == pytest.approx(eps)
        assert panel.recipe.clustering.eps == eps
        assert panel.result.scores.silhouette is None or expected.max() > 0


def test_the_line_of_the_plot_moves_the_slider(panel: sw.Panel) -> None:
    panel.k_distance.eps = 0.25
    panel.wait(30)
    assert panel._controls.eps.value == pytest.approx(0.25)
    assert panel.result.recipe.clustering.eps == 0.25


def test_a_line_dragged_to_zero_stops_at_the_least_eps(panel: sw.Panel) -> None:
    panel.k_distance.eps = 0.0
    panel.wait(30)
    assert panel.recipe.clustering.eps == panel._controls.eps.min > 0
    assert panel._errors.value == ""


def test_min_samples_moves_the_curve_and_the_labels(panel: sw.Panel) -> None:
    panel._controls.eps.value = 0.3
    panel._controls.min_samples.value = 25
    panel.wait(30)
    assert panel.k_distance.k == 24
    assert_scikit_learns(labels_shown(panel), panel.result.embedding, 0.3, 25)


def test_an_open_eps_is_suggested_again_for_another_map(panel: sw.Panel) -> None:
    panel._controls.min_dist.value = 0.6
    result = panel.wait(60)
    assert result.recipe.embedding.min_dist == 0.6
    assert result.recipe.clustering.eps == pytest.approx(result.density.suggest_eps(10))


def test_an_eps_of_the_users_own_stays_when_the_map_changes(panel: sw.Panel) -> None:
    panel._controls.eps.value = 0.7
    panel.wait(30)
    panel._controls.n_neighbors.value = 20
    assert panel.wait(60).recipe.clustering.eps == 0.7


def test_the_suggest_button_opens_eps_again(panel: sw.Panel) -> None:
    suggested = panel.recipe.clustering.eps
    panel._controls.eps.value = 0.01
    panel.wait(30)
    panel._controls.suggest.click()
    panel.wait(30)
    assert panel.recipe.clustering.eps == pytest.approx(suggested)


def test_the_newest_of_many_moves_wins(panel: sw.Panel) -> None:
    for value in (16, 17, 18, 30):
        panel._controls.n_neighbors.value = value
    assert panel.wait(60).recipe.embedding.n_neighbors == 30
    for value in np.linspace(0.1, 0.55, 40):
        panel._controls.eps.value = value
    panel.wait(30)
    assert panel.result.recipe.clustering.eps == 0.55


def test_setting_the_recipe_moves_the_sliders(panel: sw.Panel) -> None:
    panel.recipe = sw.Recipe().replace(n_neighbors=25, min_dist=0.2, eps=0.5, min_samples=7)
    panel.wait(60)
    controls = panel._controls
    assert (controls.n_neighbors.value, controls.min_dist.value, controls.min_samples.value) == (25, 0.2, 7)
    assert controls.eps.value == pytest.approx(0.5)
    assert panel.recipe.clustering == sw.Clustering(eps=0.5, min_samples=7)


def test_the_recipe_repeats_the_result_without_a_widget(panel: sw.Panel, table: sw.Table, tmp_path: Path) -> None:
    panel._controls.eps.value = 0.35
    shown = panel.wait(30)
    again = sw.Session(table, cache=Cache(tmp_path / "other")).run(panel.recipe)
    assert again.label_digest == shown.label_digest
    assert again.embedding_digest == shown.embedding_digest


def test_a_recipe_that_cannot_run_is_refused_at_once(table: sw.Table, panel: sw.Panel) -> None:
    with pytest.raises(sw.RecipeError, match="400 rows"):
        sw.Panel(table, sw.Recipe().replace(n_neighbors=400))
    with pytest.raises(sw.RecipeError, match="400 rows"):
        panel.recipe = sw.Recipe().replace(min_samples=500)
    with pytest.raises(TypeError, match="read"):
        sw.Panel(np.zeros((4, 4)))  # type: ignore[arg-type]


def test_more_min_samples_than_the_index_holds_builds_another(panel: sw.Panel) -> None:
    panel.recipe = panel.recipe.replace(min_samples=60)
    result = panel.wait(60)
    assert_scikit_learns(result.labels, result.embedding, result.recipe.clustering.eps, 60)
    assert panel._controls.min_samples.value == 60


def test_an_error_in_the_background_is_shown_and_the_panel_lives_on(tmp_path: Path) -> None:
    frame = pd.DataFrame({"same": [1.0] * 50, "also": [2.0] * 50})
    broken = sw.Panel(sw.read(frame), session=sw.Session(sw.read(frame), cache=Cache(tmp_path)))
    until(lambda: "This did not work" in broken._errors.value)
    assert "same" in broken._errors.value
    assert broken.result is None
    with pytest.raises(RuntimeError, match="no result"):
        broken.wait(5)
    broken.close()


def test_many_rows_begin_with_a_first_picture_of_all(
    table: sw.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "SAMPLE_ABOVE", 100)
    monkeypatch.setattr(first, "SAMPLE_ROWS", 80)
    monkeypatch.setattr(optimiser, "_SNAPSHOT_EVERY", 0.0)
    captions: list[str] = []
    session = sw.Session(table, cache=Cache(tmp_path))
    shown = sw.Panel(table, session=session, history=tmp_path / "history")
    shown.cloud.observe(lambda change: captions.append(change["new"]), "caption")
    shown.wait(60)
    assert any("First picture" in caption for caption in captions)
    assert shown.cloud.caption == ""
    assert shown.cloud.n_points == table.n_rows
    shown.close()


def test_a_move_of_the_map_shows_a_nudged_one_first_and_does_not_jump(panel: sw.Panel) -> None:
    captions: list[str] = []
    panel.cloud.observe(lambda change: captions.append(change["new"]), "caption")
    before = panel._picture.drawn
    panel._controls.min_dist.value = 0.3
    result = panel.wait(60)
    assert any("Preview" in caption for caption in captions)
    assert panel.cloud.caption == ""
    # What is drawn is the result's map, turned onto the one before: distances are its own, places near the last ones.
    np.testing.assert_allclose(pdist(panel._picture.drawn[:50]), pdist(result.embedding[:50]), rtol=1e-3, atol=1e-4)
    turned = np.linalg.norm(panel._picture.drawn - before, axis=1).mean()
    mirrored = np.linalg.norm(result.embedding * [-1, 1, 1] - before, axis=1).mean()
    assert turned < mirrored


@pytest.mark.parametrize(("method", "idle"), [("pca", {"n_neighbors", "min_dist"}), ("tsne", {"min_dist"})])
def test_other_methods_are_a_move_away(panel: sw.Panel, method: str, idle: set[str]) -> None:
    panel._controls.method.value = method
    result = panel.wait(120)
    assert result.recipe.embedding.method == method
    assert {name for name in ("n_neighbors", "min_dist") if getattr(panel._controls, name).disabled} == idle
    panel._controls.method.value = "umap"
    assert panel.wait(60).recipe.embedding.method == "umap"
    assert not panel._controls.min_dist.disabled


def test_the_head_says_what_computes_and_why(panel: sw.Panel) -> None:
    assert panel._session.backend.device in panel._head.value
    assert 'title="' in panel._head.value


def test_cancel_keeps_what_is_shown(panel: sw.Panel) -> None:
    before = panel.result
    panel._controls.n_neighbors.value = 40
    panel.cancel()
    panel.wait(30)
    assert panel.result is before or panel.result.recipe.embedding.n_neighbors == 40
    assert "Cancelled" in panel._words.value or panel.result is not before


def test_the_button_promotes_what_is_shown(panel: sw.Panel) -> None:
    panel._controls.eps.value = 0.4
    panel.wait(30)
    panel._promotion.button.click()
    assert panel._promotion.wait(120)
    assert panel.job.verdict == "exact"
    assert ">exact</b>" in panel._promotion.following.verdict.value
    assert panel.job.name in {run["name"] for run in panel._promotion.board.runs.runs}
    assert not panel._promotion.button.disabled


def test_a_wrong_experiment_name_is_told_beside_the_button(panel: sw.Panel) -> None:
    panel._promotion.experiment.value = "no spaces, please"
    panel._promotion.button.click()
    assert panel._promotion.wait(30)
    assert "no spaces, please" in panel._promotion.following.verdict.value
    assert 'role="alert"' in panel._promotion.following.verdict.value
    assert not panel._promotion.button.disabled


def test_texts_from_outside_are_escaped() -> None:
    assert escape("<b>") == "&lt;b&gt;"
    assert "<script>" not in failure(ValueError("<script>alert(1)</script>"))


def test_the_cards_say_when_a_score_does_not_exist() -> None:
    shown = cards(Scores(clusters=1, coverage=0.5, largest=0.5), 100)
    assert "needs two segments" in shown
    assert "50 noise" in shown


@pytest.mark.parametrize(
    ("coverage", "shown"), [(1.0, "100.0%"), (0.9999, "&gt;99.9%"), (0.0001, "&lt;0.1%"), (0.0, "0.0%")]
)
def test_coverage_is_not_rounded_to_what_it_is_not(coverage: float, shown: str) -> None:
    assert f"<b>{shown}</b>" in cards(Scores(clusters=1, coverage=coverage, largest=0.5), 100_000)


# -- names, segments, selection ------------------------------------------------------------------------------------


def test_the_segment_table_tells_size_silhouette_and_what_sets_it_apart(panel: sw.Panel) -> None:
    rows = {row["segment"]: row for row in panel._segments.table.rows}
    assert {label: rows[label]["size"] for label in rows} == dict(
        zip(*(array.tolist() for array in np.unique(panel.result.labels, return_counts=True)), strict=True)
    )
    assert all(row["features"] for label, row in rows.items() if label >= 0)
    assert all(-1 <= row["silhouette"] <= 1 for label, row in rows.items() if label >= 0)
    assert panel._segments.table.state == "final"


def test_a_name_is_told_everywhere_and_outlives_a_small_move_of_eps(panel: sw.Panel) -> None:
    panel._segments._rename([1], "families")
    panel.wait(30)
    assert panel.names == {1: "families"}
    assert panel.result.names == {1: "families"}
    assert set(panel.to_frame().query("segment == 1")["name"]) == {"families"}
    assert "families" in [row["name"] for row in panel._segments.table.rows]
    panel._controls.eps.value = panel.recipe.clustering.eps * 1.02
    panel.wait(30)
    assert list(panel.names.values()) == ["families"]


def test_two_segments_under_one_name_are_one_to_people_and_two_to_dbscan(panel: sw.Panel) -> None:
    panel._segments._rename([0, 2], "regulars")
    panel.wait(30)
    frame = panel.to_frame()
    assert set(frame.query("name == 'regulars'")["segment"]) == {0, 2}
    assert len(set(panel.result.labels) - {-1}) == panel.result.scores.clusters


def test_a_name_that_cannot_be_is_told_and_changes_nothing(panel: sw.Panel) -> None:
    panel._segments._rename([1], "  ")
    assert "printable" in panel._errors.value
    assert panel.names == {}


def test_picked_rows_come_as_a_frame(panel: sw.Panel, table: sw.Table) -> None:
    assert len(panel.selected_rows()) == 0
    panel.selection = [3, 5, 8]
    frame = panel.selected_rows()
    assert list(frame.index) == [table.ids[row] for row in (3, 5, 8)]
    np.testing.assert_array_equal(frame["segment"], panel.result.labels[[3, 5, 8]])


def test_pointing_at_a_segment_of_the_table_picks_its_rows(panel: sw.Panel) -> None:
    panel._picked(2)
    np.testing.assert_array_equal(panel.selection, np.flatnonzero(panel.result.labels == 2))


@pytest.mark.parametrize("by", ["trust", "silhouette", "x0", "segment"])
def test_the_map_is_coloured_by_what_is_asked_for(panel: sw.Panel, by: str) -> None:
    panel.colour_by(by)
    panel.wait(30)
    assert panel.cloud.colouring["by"] == by
    assert panel._errors.value == ""


def test_a_column_that_is_not_there_is_refused_with_the_nearest_one(panel: sw.Panel) -> None:
    with pytest.raises(sw.DataError, match="x0"):
        panel.colour_by("x00")
    with pytest.raises(ValueError, match="webgl"):
        sw.Panel(panel._table, renderer="paper")


def test_a_row_under_the_pointer_is_described(panel: sw.Panel, table: sw.Table) -> None:
    told = dict(panel.cloud.describe(7))
    assert told["id"] == table.ids[7]
    assert set(told) - {"id"} <= {column.name for column in table.columns}
    assert len(told) > 3


# -- history -------------------------------------------------------------------------------------------------------


def test_every_setting_that_rests_is_remembered_and_can_be_gone_back_to(panel: sw.Panel) -> None:
    first = panel.recipe
    panel._controls.eps.value = 0.3
    panel.wait(30)
    panel._controls.min_samples.value = 20
    panel.wait(30)
    assert len(panel.history) == 3
    panel.undo()
    panel.wait(30)
    assert panel.recipe.clustering == sw.Clustering(eps=0.3, min_samples=10)
    panel.go_back(panel.history[0].id)
    panel.wait(30)
    assert panel.recipe.clustering == first.clustering
    assert panel._controls.min_samples.value == 10
    assert len(panel.history) == 3


def test_another_kernel_finds_the_history(panel: sw.Panel, table: sw.Table, tmp_path: Path) -> None:
    again = sw.Panel(table, session=sw.Session(table, cache=Cache(tmp_path)), history=tmp_path / "history")
    again.wait(60)
    assert [entry.id for entry in again.history] == [entry.id for entry in panel.history]
    again.close()


def test_two_settings_are_compared(panel: sw.Panel) -> None:
    panel._controls.eps.value = 0.25
    panel.wait(30)
    a, b = (entry.id for entry in panel.history)
    found = panel.compare(a, b)
    assert 0 < found.ari < 1
    assert found.joined_noise > 0
    panel._past._comparing.submit(lambda cancel: panel._past._compare(a, b, cancel))
    panel.wait(30)
    assert "ARI" in panel._past.strip.comparison["text"]


# -- guidance, costs, code, figures ----------------------------------------------------------------------------------


def test_guidance_warns_and_its_button_mends(panel: sw.Panel) -> None:
    panel._controls.min_samples.value = 2
    panel.wait(30)
    lines = panel._guidance.view.children
    assert any("min_samples" in one.text for one in panel._guidance.advice)
    button = next(line.children[1] for line in lines if len(getattr(line, "children", ())) == 2)
    button.click()
    panel.wait(30)
    assert panel.recipe.clustering.min_samples >= 4


def test_every_setting_of_the_map_says_what_it_will_run(panel: sw.Panel) -> None:
    assert "onwards, about" in panel._controls.n_neighbors.note
    assert panel._controls.min_dist.note.startswith("layout onwards")


def test_the_code_repeats_the_labels(panel: sw.Panel) -> None:
    panel._controls.eps.value = 0.35
    panel.wait(30)
    names: dict[str, object] = {}
    exec(compile(panel.code(), "code", "exec"), names)  # noqa: S102 - the panel's own code
    assert names["result"].label_digest == panel.result.label_digest  # type: ignore[attr-defined]


def test_figures_are_of_what_is_shown(panel: sw.Panel) -> None:
    figure = panel.figure("k-distance")
    assert any("eps" in axes.get_xlabel() for axes in figure.axes)


def test_a_setting_that_cannot_be_stands_with_the_controls(panel: sw.Panel) -> None:
    panel._moved("n_neighbors", 400)
    assert "400 rows" in panel._controls.errors.value
    assert panel._errors.value == ""
    panel._controls.eps.value = 0.2
    assert panel._controls.errors.value == ""
