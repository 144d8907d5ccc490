"""The panel's pages, driven as their buttons drive them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segwidgets as sw
from segwidgets.cache import Cache
from segwidgets.panel.tabs import Work
from segwidgets.result import Progress


@pytest.fixture(scope="module")
def table() -> sw.Table:
    return sw.samples.blobs(600, seed=2)


@pytest.fixture
def panel(table: sw.Table, tmp_path: Path) -> Iterator[sw.Panel]:
    made = sw.Panel(table, session=sw.Session(table, cache=Cache(tmp_path)), history=tmp_path / "history")
    made.wait(120)
    yield made
    made.close()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not come about within 30 s"
        time.sleep(0.01)


def test_nothing_is_computed_before_it_is_asked_for(panel: sw.Panel) -> None:
    assert panel.pages.stability.made is None
    assert panel.pages.methods.made is None
    # Only the finished jobs are listed.
    busy = [lane for lane in panel.pages.lanes if lane.submitted]
    assert busy == [panel.pages.compare.lanes[0]]
    assert panel.pages.compare.compared is None


def test_a_page_is_opened_by_its_title(panel: sw.Panel) -> None:
    panel.pages.open("Stability")
    assert panel.pages.view.titles[panel.pages.view.selected_index] == "Stability"
    with pytest.raises(ValueError, match="'Sales' is no page"):
        panel.pages.open("Sales")


# -- stability -------------------------------------------------------------------------------------------------------


def test_the_map_shows_what_stability_map_says(panel: sw.Panel) -> None:
    stability = panel.pages.stability
    stability.map_work.start()
    assert stability.map_work.lane.wait(120)
    assert stability.made is not None
    session, result = panel._session, panel.result
    assert result is not None
    said = sw.stability_map(session, result.recipe).map
    shown = np.frombuffer(stability.map.values, np.float32).reshape(said.mean.shape)
    np.testing.assert_allclose(shown, said.mean, rtol=1e-6)
    counts = np.frombuffer(stability.map.more, np.float32).reshape(2, *said.mean.shape)
    np.testing.assert_array_equal(counts[0], said.clusters)


def test_a_plateau_that_is_clicked_gives_the_panel_its_settings(panel: sw.Panel) -> None:
    stability = panel.pages.stability
    stability.map_work.start()
    assert stability.map_work.lane.wait(120)
    plateau = stability.plateaus[0]
    mark = stability.map.facets[0]["marks"][0]
    stability.map._handle_msg(
        {"content": {"data": {"method": "custom", "content": {"kind": "take", "facet": 0, **mark}}}, "buffers": []}
    )
    result = panel.wait(60)
    assert (result.recipe.clustering.eps, result.recipe.clustering.min_samples) == (plateau.eps, plateau.min_samples)
    assert result.scores.clusters == plateau.clusters
    until(lambda: stability.map.facets[0]["here"] == pytest.approx([mark["row"], mark["column"]], abs=1e-6))


def test_a_redrawn_map_leaves_no_widgets_behind(panel: sw.Panel) -> None:
    stability = panel.pages.stability
    stability.map_work.start()
    assert stability.map_work.lane.wait(120)
    before = stability._list._lines.children
    result = panel.result
    assert result is not None
    stability.show(result)
    assert stability._list._lines.children == before


def test_a_map_of_other_settings_is_said_to_be_old_and_leads_back(panel: sw.Panel) -> None:
    stability = panel.pages.stability
    stability.map_work.start()
    assert stability.map_work.lane.wait(120)
    before = panel.recipe
    panel.recipe = before.replace(n_neighbors=8, eps=None)
    panel.wait(120)
    until(lambda: "Of an earlier map" in stability._words.value)
    assert stability.map.facets[0]["here"] is None
    stability.take(stability.plateaus[0])
    assert panel.wait(60).recipe.embedding.n_neighbors == before.embedding.n_neighbors
    until(lambda: "Of an earlier map" not in stability._words.value)


def test_a_cancelled_map_goes_on_where_it_stood(panel: sw.Panel) -> None:
    stability = panel.pages.stability
    drawn = stability.map.draw

    def stopping(facets: Any, **options: Any) -> None:
        drawn(facets, **options)
        stability.map_work.cancel()

    stability.map.draw = stopping
    stability.map_work.start()
    assert stability.map_work.lane.wait(120)
    stability.map.draw = drawn
    assert stability.made is not None
    done = stability.made.map.done
    assert 0 < done < 1
    held = stability.made.map.ari.copy()
    stability.map_work.start()
    assert stability.map_work.lane.wait(120)
    assert stability.made.map.done == 1
    kept = np.isfinite(held)
    np.testing.assert_array_equal(stability.made.map.ari[kept], held[kept])


def test_segments_are_judged_under_their_names(panel: sw.Panel) -> None:
    result = panel.result
    assert result is not None
    panel.rename([int(np.flatnonzero(result.labels == 0)[0])], "Early & often")
    stability = panel.pages.stability
    stability.segment_work.start()
    assert stability.segment_work.lane.wait(120)
    assert "Early &amp; often" in stability._segments.value
    said = sw.stability(panel._session, result.recipe).samples
    assert f"ARI {said.ari:.3f}" in stability._segments.value


# -- other settings --------------------------------------------------------------------------------------------------


def test_maps_of_other_settings_stand_side_by_side_and_one_is_taken(panel: sw.Panel) -> None:
    others = panel.pages.stability.others
    others.near.value, others.apart.value = "8, 15", "0, 0.2"
    others.work.start()
    assert others.work.lane.wait(240)
    assert others.work._errors.value == ""
    assert others.made is not None
    assert [one["title"] for one in others.map.facets] == [
        "n_neighbors 8, min_dist 0", "n_neighbors 8, min_dist 0.2", "n_neighbors 15, min_dist 0",
        "n_neighbors 15, min_dist 0.2",
    ]  # fmt: skip
    assert others.map.across == 2
    assert [one["here"] is not None for one in others.map.facets] == [False, False, True, False]
    said = sw.stability_map(panel._session, others.made.maps[1].recipe).map
    cells = said.mean.size
    shown = np.frombuffer(others.map.values, np.float32)[cells : 2 * cells].reshape(said.mean.shape)
    np.testing.assert_allclose(shown, said.mean, rtol=1e-6)

    # Maps that are there are not made again.
    before = [one.map for one in others.made.maps]
    others.near.value = "8"
    others.work.start()
    assert others.work.lane.wait(240)
    assert [one.map for one in others.made.maps] == before[:2]

    wanted = others.plateaus[0]
    others.take(wanted)
    result = panel.wait(120)
    assert (result.recipe.embedding.n_neighbors, result.recipe.embedding.min_dist) == (
        wanted.n_neighbors, wanted.min_dist,
    )  # fmt: skip
    assert result.scores.clusters == wanted.plateau.clusters


@pytest.mark.parametrize(("near", "words"), [("8, many", "n_neighbors: &#x27;8, many&#x27;"), ("8", "nothing to hold")])
def test_settings_that_cannot_be_are_refused_in_words(panel: sw.Panel, near: str, words: str) -> None:
    others = panel.pages.stability.others
    others.near.value = near
    others.work.start()
    assert others.work.lane.wait(60)
    assert words in others.work._errors.value


def test_a_method_without_these_settings_has_no_maps_of_them(panel: sw.Panel) -> None:
    panel.recipe = sw.Recipe(embedding=sw.Embedding(method="pca"))
    panel.wait(60)
    others = panel.pages.stability.others
    until(lambda: others.work.button.disabled)
    assert others.near.disabled
    assert others.apart.disabled


# -- methods ---------------------------------------------------------------------------------------------------------


def test_each_method_has_a_line_with_its_scores_and_a_map(panel: sw.Panel) -> None:
    methods = panel.pages.methods
    methods.count.value = 3
    methods.work.start()
    assert methods.work.lane.wait(120)
    made = methods.made
    assert made is not None
    shown = methods._table.value
    for entry in made.entries:
        assert f'data-method="{entry.row.method}"' in shown
    assert shown.count("<img src=") == 4
    kmeans = next(entry for entry in made.entries if entry.row.method == "kmeans")
    assert kmeans.row.clusters == 3
    assert kmeans.row.silhouette is not None
    assert f"{kmeans.row.silhouette.value:.3f}" in shown
    assert "<svg" in methods._curve.value
    assert "#010203" not in methods._curve.value


def test_no_space_is_refused_in_words(panel: sw.Panel) -> None:
    methods = panel.pages.methods
    for box in methods.spaces:
        box.value = False
    methods.work.start()
    assert methods.work.lane.wait(60)
    assert "choose where to look" in methods.work._errors.value


def test_methods_of_an_earlier_setting_are_said_to_be_old(panel: sw.Panel) -> None:
    methods = panel.pages.methods
    methods.work.start()
    assert methods.work.lane.wait(120)
    panel.recipe = panel.recipe.replace(min_samples=20)
    panel.wait(60)
    until(lambda: "earlier setting" in methods.work._words.value)


# -- work ------------------------------------------------------------------------------------------------------------


def test_work_shows_how_far_it_is_and_can_be_stopped() -> None:
    stopped = threading.Event()

    def do(show: Callable[[Progress], None], cancel: threading.Event) -> None:
        show(Progress("x", 0.5, 0.5, "Halfway"))
        cancel.wait(30)
        stopped.set()

    work = Work("test", "Go", tooltip="", do=do)
    work.start()
    until(lambda: "Halfway" in work._words.value)
    assert work._cancel.layout.display == ""
    work.cancel()
    assert stopped.wait(30)
    assert work._cancel.layout.display == "none"
    assert work.button.layout.display != "none"
    assert "Cancelled" in work._words.value
    work.lane.close()


def test_work_that_fails_says_why_and_can_be_done_again() -> None:
    turns: list[int] = []

    def do(_show: Callable[[Progress], None], _cancel: threading.Event) -> None:
        turns.append(1)
        if len(turns) == 1:
            raise ValueError("a <bold> reason")

    work = Work("test", "Go", tooltip="", do=do)
    work.start()
    assert work.lane.wait(30)
    assert "a &lt;bold&gt; reason" in work._errors.value
    work.start()
    assert work.lane.wait(30)
    assert work._errors.value == ""
    work.lane.close()
