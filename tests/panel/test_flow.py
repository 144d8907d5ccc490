"""What the panel computes: the newest wish wins, a map is cut again when eps moved meanwhile, errors are told."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segwidgets as sw
from segwidgets import warmup
from segwidgets.cache import Cache
from segwidgets.panel.flow import Flow
from segwidgets.session import Progress, Result


class Told:
    """A view that writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.results: list[Result] = []
        self.errors: list[tuple[str, str]] = []
        self.captions: list[str] = []
        self.progresses: list[float] = []

    def working(self, words: str) -> None:
        self.events.append("working")

    def progress(self, progress: Progress, seconds: float) -> None:
        assert seconds >= 0
        self.progresses.append(progress.overall)

    def idle(self) -> None:
        self.events.append("idle")

    def draw(self, points: np.ndarray, labels: np.ndarray, *, caption: str = "", fit: bool = False) -> None:
        assert len(points) == len(labels)
        self.captions.append(caption)

    def map_made(self, result: Result) -> None:
        self.events.append("map")
        self.results.append(result)

    def cut_made(self, result: Result, *, moved: bool) -> None:
        self.events.append("cut, min_samples moved" if moved else "cut")
        self.results.append(result)

    def scored(self, result: Result) -> None:
        self.events.append("scored")
        self.results.append(result)

    def failed(self, error: Exception, where: str) -> None:
        self.errors.append((where, str(error)))


@pytest.fixture(scope="module")
def table() -> sw.Table:
    return sw.samples.blobs(400, seed=2)


def rest(flow: Flow) -> None:
    for _ in range(3):
        for lane in flow.lanes:
            assert lane.wait(120)


@pytest.fixture
def made(table: sw.Table, tmp_path: Path) -> Iterator[tuple[Flow, Told]]:
    told = Told()
    assert warmup.wait(threading.Event())  # or the first flow tells of compiling
    flow = Flow(sw.Session(table, cache=Cache(tmp_path)), sw.Recipe(), told)
    flow.run()
    rest(flow)
    yield flow, told
    flow.close()


def test_a_map_is_drawn_told_and_scored(made: tuple[Flow, Told]) -> None:
    flow, told = made
    assert told.events == ["working", "map", "scored", "idle"]
    assert told.results[0].scores.silhouette is None
    assert told.results[1].scores.silhouette is not None
    assert told.captions == [""]
    assert told.progresses == sorted(told.progresses)
    assert flow.result is told.results[1]


def test_eps_and_min_samples_cut_the_map_that_is_there(made: tuple[Flow, Told]) -> None:
    flow, told = made
    told.events.clear()
    assert flow.move("eps", 0.3)
    rest(flow)
    assert flow.move("min_samples", 20)
    rest(flow)
    assert told.events == ["cut", "scored", "cut, min_samples moved", "scored"]
    assert flow.recipe.clustering == sw.Clustering(eps=0.3, min_samples=20)


def test_the_same_value_again_computes_nothing(made: tuple[Flow, Told]) -> None:
    flow, told = made
    flow.move("eps", 0.3)
    rest(flow)
    told.events.clear()
    assert flow.move("eps", 0.3)
    assert flow.move("n_neighbors", 15)
    rest(flow)
    assert told.events == []


def test_a_setting_that_cannot_be_is_told_and_changes_nothing(made: tuple[Flow, Told]) -> None:
    flow, told = made
    before = flow.wanted
    assert not flow.move("n_neighbors", 400)
    assert told.errors[0][0] == "setting"
    assert "400 rows" in told.errors[0][1]
    assert flow.wanted == before


def test_a_move_of_the_map_shows_a_preview_first(made: tuple[Flow, Told]) -> None:
    flow, told = made
    told.captions.clear()
    flow.move("min_dist", 0.4)
    rest(flow)
    assert "Preview" in told.captions[0]
    assert told.captions[-1] == ""
    assert flow.result is not None
    assert flow.result.recipe.embedding.min_dist == 0.4


def test_the_newest_of_many_moves_wins(made: tuple[Flow, Told]) -> None:
    flow, told = made
    for value in (16, 17, 30):
        flow.move("n_neighbors", value)
    rest(flow)
    assert [result.recipe.embedding.n_neighbors for result in told.results][-1] == 30
    assert 16 not in [result.recipe.embedding.n_neighbors for result in told.results]


def test_going_back_to_a_recipe_of_the_same_map_only_cuts(made: tuple[Flow, Told]) -> None:
    flow, told = made
    first = flow.recipe
    flow.move("eps", 0.15)
    rest(flow)
    told.events.clear()
    flow.want(first)
    rest(flow)
    assert told.events == ["cut", "scored"]
    assert flow.recipe == first


def test_a_cut_of_a_map_that_was_replaced_meanwhile_is_dropped(made: tuple[Flow, Told]) -> None:
    flow, told = made
    shown = flow.result
    assert shown is not None
    newer = dataclasses.replace(shown, recipe=shown.recipe.replace(min_dist=0.5))

    class Overtaken:
        """The old map's index; while it answers, a newer map comes in."""

        max_min_samples = shown.density.max_min_samples

        def labels(self, eps: float, min_samples: int) -> Any:
            flow._result = newer
            return shown.density.labels(eps, min_samples)

    flow._wanted = flow._wanted.replace(eps=0.01)
    flow._result = dataclasses.replace(shown, density=Overtaken())  # type: ignore[arg-type]
    told.events.clear()
    flow._make_cut(threading.Event())
    assert flow.result is newer
    assert told.events == []


def test_a_cut_is_not_lost_when_the_last_ones_scores_come_in_meanwhile(made: tuple[Flow, Told]) -> None:
    flow, told = made
    shown = flow.result
    assert shown is not None

    class Scored:
        """The map's index; while it answers, the scores of the former cut come in."""

        max_min_samples = shown.density.max_min_samples

        def labels(self, eps: float, min_samples: int) -> Any:
            flow._show_scores(dataclasses.replace(shown))
            return shown.density.labels(eps, min_samples)

    flow._wanted = flow._wanted.replace(eps=0.2)
    flow._result = dataclasses.replace(shown, density=Scored())  # type: ignore[arg-type]
    told.events.clear()
    flow._make_cut(threading.Event())
    assert told.events == ["scored", "cut"]
    assert flow.result is not None
    assert flow.result.recipe.clustering.eps == 0.2


def test_scores_of_a_former_eps_do_not_take_eps_back_although_the_labels_are_the_same(made: tuple[Flow, Told]) -> None:
    flow, _ = made
    former = flow.result
    assert former is not None
    eps = float(former.recipe.clustering.eps or 0) * (1 + 1e-9)
    flow.move("eps", eps)
    rest(flow)
    assert flow.result is not None
    assert flow.result.label_digest == former.label_digest
    flow._show_scores(former)
    assert flow.result.recipe.clustering.eps == eps


def test_what_breaks_is_told_and_the_flow_lives_on(made: tuple[Flow, Told], monkeypatch: pytest.MonkeyPatch) -> None:
    flow, told = made

    def broken(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(flow._session, "run", broken)
        flow.move("spread", 1.5)
        rest(flow)
    assert told.errors == [("map", "the disk is full")]
    assert told.events[-1] == "idle"
    flow.move("spread", 1.2)
    rest(flow)
    assert flow.result is not None
    assert flow.result.recipe.embedding.spread == 1.2
