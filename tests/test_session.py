"""A session: the same recipe gives the same result, moves re-run only what they touch, and it stops when asked."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import DBSCAN

from segwidgets import samples
from segwidgets.cache import Cache
from segwidgets.compute import embedding
from segwidgets.compute.embedding import first, optimiser
from segwidgets.compute.scores import trustworthiness
from segwidgets.data import Table
from segwidgets.recipe import Embedding, Recipe, RecipeError
from segwidgets.session import Cancelled, Progress, Result, Session


@pytest.fixture(scope="module")
def table() -> Table:
    return samples.blobs(600, seed=1)


@pytest.fixture
def session(table: Table, tmp_path: Path) -> Session:
    return Session(table, cache=Cache(tmp_path))


def test_blobs_come_out_as_their_segments(session: Session) -> None:
    result = session.run(Recipe())
    assert result.scores.clusters == 5
    assert result.scores.coverage > 0.95
    assert result.scores.silhouette is not None
    assert result.scores.silhouette.value > 0.7


def test_the_labels_are_scikit_learns_on_the_map(session: Session) -> None:
    result = session.run(Recipe().replace(min_samples=6))
    c = result.recipe.clustering
    theirs = DBSCAN(eps=c.eps, min_samples=c.min_samples).fit(result.embedding)
    core = theirs.core_sample_indices_
    np.testing.assert_array_equal(result.labels[core], theirs.labels_[core])
    np.testing.assert_array_equal(result.labels < 0, theirs.labels_ < 0)
    np.testing.assert_array_equal(result.density.labels(c.eps, 6, border="first"), theirs.labels_)


def test_a_result_says_everything_that_the_data_decided(session: Session) -> None:
    recipe = session.run(Recipe()).recipe
    assert recipe.features.plan is not None
    assert recipe.embedding.metric == "euclidean"
    assert recipe.embedding.n_epochs == 500
    assert recipe.clustering.eps is not None


def test_the_resolved_recipe_repeats_the_result(session: Session, table: Table, tmp_path: Path) -> None:
    first = session.run(Recipe())
    again = Session(table, cache=Cache(tmp_path / "other")).run(Recipe.from_json(first.recipe.to_json()))
    assert again.embedding_digest == first.embedding_digest
    assert again.label_digest == first.label_digest
    assert again.recipe == first.recipe


def test_a_second_run_computes_nothing(session: Session) -> None:
    session.run(Recipe())
    again = session.run(Recipe())
    assert set(again.timings) == {"clusters"}


def test_a_new_process_reads_what_the_last_one_kept(session: Session, table: Table, tmp_path: Path) -> None:
    first = session.run(Recipe())
    again = Session(table, cache=Cache(tmp_path)).run(Recipe())
    assert set(again.timings) == {"clusters"}
    assert again.scores == first.scores
    np.testing.assert_array_equal(again.labels, first.labels)


@pytest.mark.parametrize(
    ("change", "reruns"),
    [
        ({"eps": 0.5}, {"clusters", "silhouette", "dbcv"}),
        ({"min_samples": 20}, {"clusters", "silhouette", "dbcv"}),
        ({"min_dist": 0.3}, {"layout", "density", "clusters", "silhouette", "dbcv", "trust"}),
        ({"n_neighbors": 12}, {"graph", "start", "layout", "density", "clusters", "silhouette", "dbcv", "trust"}),
        ({"seed": 1}, {"start", "layout", "density", "clusters", "silhouette", "dbcv", "trust"}),
    ],
)
def test_a_move_reruns_only_what_it_touches(session: Session, change: dict[str, float], reruns: set[str]) -> None:
    session.run(Recipe().replace(eps=0.8))
    assert set(session.run(Recipe().replace(**{"eps": 0.8, **change})).timings) <= reruns
    assert set(session.run(Recipe().replace(**{"eps": 0.8, **change})).timings) == {"clusters"}


def test_pending_tells_what_a_run_would_compute(session: Session) -> None:
    assert session.pending(Recipe()) == ("features", "start", "neighbors", "graph", "layout", "density")
    session.run(Recipe())
    assert session.pending(Recipe()) == ()
    assert session.pending(Recipe().replace(min_dist=0.5)) == ("layout", "density")


def test_a_given_embedding_is_taken_as_it_is(session: Session, table: Table, tmp_path: Path) -> None:
    first = session.run(Recipe())
    seen: list[Progress] = []
    job = Session(table, cache=Cache(tmp_path / "job"))
    shipped = job.run(first.recipe, embedding=first.embedding, progress=seen.append)
    assert seen[0].overall > 0.5
    assert seen[-1].overall == pytest.approx(1.0)
    assert shipped.label_digest == first.label_digest
    assert not {"neighbors", "graph", "layout"} & set(shipped.timings)


@pytest.mark.parametrize("shape", [(600, 2), (599, 3), (600,)])
def test_an_embedding_of_the_wrong_shape_is_refused(session: Session, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        session.run(Recipe(), embedding=np.zeros(shape, np.float32))


def test_an_embedding_with_nan_is_refused(session: Session) -> None:
    points = np.zeros((600, 3), np.float32)
    points[5, 1] = np.nan
    with pytest.raises(ValueError, match="1 rows with NaN"):
        session.run(Recipe(), embedding=points)


@pytest.mark.parametrize("change", [{"n_neighbors": 40}, {"min_samples": 41}])
def test_settings_that_need_more_rows_are_refused_before_any_work(change: dict[str, int]) -> None:
    small = Session(samples.blobs(40, seed=0))
    with pytest.raises(RecipeError, match="the table has 40 rows"):
        small.run(Recipe().replace(**{"n_neighbors": 5, **change}))


def test_progress_rises_to_the_end_and_names_its_stages(session: Session) -> None:
    seen: list[Progress] = []
    session.run(Recipe(), progress=seen.append)
    overall = [step.overall for step in seen]
    assert overall == sorted(overall)
    assert overall[-1] == pytest.approx(1.0)
    assert {step.stage for step in seen} >= {"features", "neighbors", "layout", "density", "trust"}
    assert all(0 <= step.done <= 1 for step in seen)


def test_a_cancelled_run_stops_soon_and_leaves_nothing_half_done(session: Session) -> None:
    cancel = threading.Event()
    asked: list[float] = []

    def progress(step: Progress) -> None:
        if step.stage == "layout" and step.done > 0.1 and not asked:
            asked.append(time.perf_counter())
            cancel.set()

    with pytest.raises(Cancelled):
        session.run(Recipe(), progress=progress, cancel=cancel)
    assert asked
    assert session.pending(Recipe()) == ("layout", "density")
    assert session.run(Recipe()).scores.clusters == 5


def test_the_map_is_handed_out_before_its_scores(session: Session) -> None:
    seen: list[Result] = []
    final = session.run(Recipe(), early=seen.append)
    (early,) = seen
    assert early.label_digest == final.label_digest
    assert early.scores.silhouette is None
    assert early.scores.dbcv is None
    assert final.scores.silhouette is not None
    assert final.scores.dbcv is not None


@pytest.fixture
def few_make_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """The 600 rows of the table count as many: a first picture, from 200 of them, comes before the map."""
    monkeypatch.setattr(embedding, "SAMPLE_ABOVE", 500)
    monkeypatch.setattr(first, "SAMPLE_ROWS", 200)


@pytest.mark.usefixtures("few_make_many")
def test_a_preview_shows_the_same_groups_for_all_rows(session: Session) -> None:
    preview = session.preview(Recipe())
    assert preview.sample.shape == (200,)
    assert preview.embedding.shape == (600, 3)
    assert preview.labels.max() + 1 == 5
    assert session.pending(Recipe()) == ("neighbors", "graph", "layout", "density")


@pytest.mark.usefixtures("few_make_many")
def test_the_map_of_many_rows_starts_from_the_preview_and_repeats_itself(
    session: Session, table: Table, tmp_path: Path
) -> None:
    session.preview(Recipe())
    result = session.run(Recipe())
    assert "start" not in result.timings
    assert result.scores.clusters == 5
    alone = Session(table, cache=Cache(tmp_path / "other")).run(Recipe())
    assert alone.embedding_digest == result.embedding_digest
    # A move of n_neighbors keeps where the layout starts, so that the picture does not turn over.
    assert "start" not in session.run(Recipe().replace(n_neighbors=10)).timings


def test_the_preview_of_few_rows_is_their_map(session: Session) -> None:
    preview = session.preview(Recipe())
    np.testing.assert_array_equal(preview.embedding, session.run(Recipe()).embedding)


def test_snapshots_of_the_layout_stream_out(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimiser, "_SNAPSHOT_EVERY", 0.0)
    seen: list[int] = []
    result = session.run(Recipe(), snapshot=lambda _, epochs: seen.append(epochs))
    assert seen[0] == 1
    assert len(seen) == max(seen)
    assert result.embedding.shape == (600, 3)


@pytest.mark.parametrize("change", [{"min_dist": 0.4}, {"n_neighbors": 8}, {"spread": 2.0}])
def test_a_nudged_map_is_near_the_new_one_at_once(session: Session, change: dict[str, float]) -> None:
    before = session.run(Recipe())
    nudged = session.nudge(Recipe().replace(**change), before.embedding)
    assert nudged is not None
    assert not np.array_equal(nudged, before.embedding)
    full = session.run(Recipe().replace(**change)).scores.trustworthiness
    X = np.stack([session.table.values(column.name) for column in session.table.columns], axis=1)
    near = trustworthiness((X - X.mean(0)) / X.std(0), nudged, metric="euclidean", sample=600)
    assert full is not None
    assert near.value > full.value - 0.01


@pytest.mark.parametrize("change", [{"n_components": 2}, {"metric": "manhattan"}, {"n_neighbors": 40}])
def test_where_no_few_steps_lead_nothing_is_nudged(session: Session, change: dict[str, float]) -> None:
    before = session.run(Recipe())
    assert session.nudge(Recipe().replace(**change), before.embedding) is None


def test_a_smaller_n_neighbors_than_was_ever_asked_for_searches_nothing(session: Session) -> None:
    session.run(Recipe().replace(n_neighbors=60))
    assert "neighbors" not in session.run(Recipe().replace(n_neighbors=20)).timings
    assert "neighbors" not in session.run(Recipe().replace(n_neighbors=5)).timings


def test_what_was_asked_for_before_changes_no_map(session: Session, table: Table, tmp_path: Path) -> None:
    session.run(Recipe().replace(n_neighbors=60))
    after = session.run(Recipe().replace(n_neighbors=9))
    alone = Session(table, cache=Cache(tmp_path / "other")).run(Recipe().replace(n_neighbors=9))
    assert alone.embedding_digest == after.embedding_digest


@pytest.mark.parametrize(("method", "columns"), [("pca", 3), ("tsne", 3), ("none", 8)])
def test_other_methods_give_the_same_scores_to_compare(session: Session, method: str, columns: int) -> None:
    recipe = Recipe(embedding=Embedding(method=method, n_neighbors=30, n_epochs=100))  # type: ignore[arg-type]
    result = session.run(recipe)
    assert result.embedding.shape == (600, columns)
    assert result.scores.clusters == 5
    assert result.scores.silhouette is not None
    assert result.scores.trustworthiness is not None
    assert set(result.timings) >= {"features", "layout", "trust"}
    assert ("neighbors" in result.timings) == (method == "tsne")
    assert "start" not in result.timings


def test_too_many_features_to_cluster_as_they_are_are_refused() -> None:
    wide = Session(samples.blobs(50, n_features=25))
    with pytest.raises(RecipeError, match=r"there are 25: at most 20.*features.pca"):
        wide.run(Recipe(embedding=Embedding(method="none")))


@pytest.mark.parametrize("method", ["umap", "pca", "tsne", "none"])
def test_new_rows_take_their_place_on_the_map(session: Session, table: Table, method: str) -> None:
    recipe = Recipe(embedding=Embedding(method=method, n_epochs=100))  # type: ignore[arg-type]
    result = session.run(recipe)
    chosen = np.arange(0, 600, 7)
    places = session.transform(result, table.take(chosen))
    if method == "tsne":
        assert np.median(np.linalg.norm(places - result.embedding[chosen], axis=1)) < result.embedding.std() / 5
    else:
        np.testing.assert_allclose(places, result.embedding[chosen], atol=1e-3)
    alone = session.transform(result, table.take(chosen[5:6]))
    np.testing.assert_allclose(alone[0], places[5], atol=1e-5)


def test_a_result_of_another_table_takes_no_rows(session: Session, table: Table) -> None:
    other = Session(samples.blobs(60, seed=2)).run(Recipe())
    with pytest.raises(ValueError, match="another table"):
        session.transform(other, table)


def test_a_result_says_what_computed_it_and_how_neighbours_were_found(session: Session) -> None:
    result = session.run(Recipe())
    assert result.devices == {"neighbors": session.backend.device, "layout": session.backend.device}
    assert "exact" in result.search
    assert result.scores.recall is None
    again = session.run(Recipe())
    assert (again.devices, again.search) == (result.devices, result.search)


def test_a_layout_that_had_settled_is_noted(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimiser, "_STOPS_ABOVE", 0)
    result = session.run(Recipe())
    assert any("had settled and stopped after" in note for note in result.notes)


@pytest.mark.parametrize("dims", [2, 3])
def test_both_dimensions_work(session: Session, dims: int) -> None:
    result = session.run(Recipe().replace(n_components=dims))
    assert result.embedding.shape == (600, dims)
    assert result.scores.clusters == 5


def test_the_files_of_a_result_are_whole_and_named_by_the_manifest(session: Session, tmp_path: Path) -> None:
    result = session.run(Recipe())
    result.save(tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["label_digest"] == result.label_digest
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"manifest.json", *manifest["files"]}
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "embedding.npy"), result.embedding)
    assert Recipe.from_json((tmp_path / "out" / "recipe.json").read_text()) == result.recipe


def test_the_metrics_are_flat_numbers(session: Session) -> None:
    metrics = session.run(Recipe()).metrics()
    assert metrics["clusters"] == 5.0
    for name in ("silhouette", "dbcv", "trustworthiness"):
        assert metrics[f"{name}_low"] <= metrics[name] <= metrics[f"{name}_high"]
    assert all(isinstance(value, float) for value in metrics.values())


def test_something_that_is_no_table_is_refused() -> None:
    with pytest.raises(TypeError, match="read"):
        Session(np.zeros((3, 3)))  # type: ignore[arg-type]
