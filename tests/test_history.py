"""The history keeps every setting that rested, whatever is done to it, and whoever else writes to the folder."""

from __future__ import annotations

import dataclasses
import logging
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import segwidgets as sw
from segwidgets.cache import Cache
from segwidgets.history import History
from segwidgets.names import Names
from segwidgets.result import Result


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return sw.Session(sw.samples.blobs(200), cache=Cache(tmp_path_factory.mktemp("cache"))).run(sw.Recipe())


def at(result: Result, eps: float) -> Result:
    return dataclasses.replace(result, recipe=result.recipe.replace(eps=eps))


def test_an_entry_comes_back_as_it_was(result: Result, tmp_path: Path) -> None:
    names = Names().renamed([3], "families")
    made = History(tmp_path).add(result, names=names, thumbnail=b"picture")
    back = History(tmp_path).entries()
    assert back == [made]
    assert back[0].recipe == result.recipe
    assert back[0].names == names
    assert back[0].thumbnail == b"picture"
    assert back[0].scores["clusters"] == result.scores.clusters
    assert sum(back[0].sizes) <= 200


def test_where_one_stands_survives_a_restart(result: Result, tmp_path: Path) -> None:
    history = History(tmp_path)
    first, second = history.add(at(result, 0.1)), history.add(at(result, 0.2))
    assert history.undo() == first
    again = History(tmp_path)
    assert again.current == first
    assert again.can_redo
    assert not again.can_undo
    assert again.redo() == second
    assert again.redo() is None


def test_the_setting_where_one_stands_is_not_remembered_twice(result: Result, tmp_path: Path) -> None:
    history = History(tmp_path)
    assert history.add(result).id == history.add(result).id
    assert len(history.entries()) == 1


def test_a_new_setting_after_an_undo_loses_none(result: Result, tmp_path: Path) -> None:
    history = History(tmp_path)
    ids = [history.add(at(result, eps)).id for eps in (0.1, 0.2, 0.3)]
    history.goto(ids[0])
    fourth = history.add(at(result, 0.4)).id
    assert [entry.id for entry in history.entries()] == [*ids, fourth]
    assert history.current is not None
    assert history.current.id == fourth


def test_undo_goes_back_to_what_a_branch_began_from_and_redo_returns(result: Result, tmp_path: Path) -> None:
    history = History(tmp_path)
    ids = [history.add(at(result, eps)).id for eps in (0.1, 0.2, 0.3)]
    history.undo()
    history.undo()
    branch = history.add(at(result, 0.4))
    assert [one and one.id for one in (history.undo(), history.redo())] == [ids[0], branch.id]
    history.goto(ids[2])
    history.undo()
    assert history.undo() == history.entry(ids[0])
    again = History(tmp_path)  # what was undone outlives a restart
    assert [one and one.id for one in (again.redo(), again.redo())] == ids[1:]


def test_another_kernel_does_not_move_where_one_stands(result: Result, tmp_path: Path) -> None:
    one, other = History(tmp_path), History(tmp_path)
    mine, theirs = one.add(at(result, 0.1)), other.add(at(result, 0.2))
    assert one.current == mine
    one.rename(Names().renamed([1], "regulars"))
    assert other.entry(theirs.id).names == Names()


def test_a_clock_set_back_keeps_the_order(result: Result, tmp_path: Path) -> None:
    history = History(tmp_path)
    first = history.add(at(result, 0.1))
    late = dataclasses.replace(first, id="29990101T000000000000-000000")
    (tmp_path / f"entry-{late.id}.json").write_text(late.to_json())
    assert history.add(at(result, 0.2)) == history.entries()[-1]


def test_names_and_stars_are_kept_with_the_entry(result: Result, tmp_path: Path) -> None:
    history = History(tmp_path)
    entry = history.add(result)
    history.star(entry.id)
    history.rename(Names().renamed([1], "regulars"))
    back = History(tmp_path).entry(entry.id)
    assert back.starred
    assert back.names.by_row == {1: "regulars"}
    assert not history.star(entry.id, starred=False).starred


def test_beyond_the_limit_the_oldest_go_and_the_starred_stay(result: Result, tmp_path: Path) -> None:
    history = History(tmp_path, limit=3)
    ids = [history.add(at(result, 0.1), thumbnail=b"x").id]
    history.star(ids[0])
    ids += [history.add(at(result, eps), thumbnail=b"x").id for eps in (0.2, 0.3, 0.4, 0.5)]
    assert [entry.id for entry in history.entries()] == [ids[0], *ids[2:]]
    assert len(list(tmp_path.glob("*.png"))) == 4


def test_a_damaged_file_is_left_out_and_named(result: Result, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    history = History(tmp_path)
    entry = history.add(result)
    (tmp_path / "entry-19990101.json").write_text('{"id": 3')
    with caplog.at_level(logging.WARNING):
        assert history.entries() == [entry]
    assert "entry-19990101.json" in caplog.text


def test_an_entry_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="no entry 'x'"):
        History(tmp_path).goto("x")


def test_a_table_has_a_history_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGWIDGETS_HOME", str(tmp_path))
    one, other = (History.of(sw.samples.blobs(50, seed=seed)).folder for seed in (1, 2))
    assert one != other
    assert one.parent == other.parent == tmp_path / "history"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["add", "undo", "redo", "star", "first"])), max_size=25))
def test_two_kernels_on_one_folder_lose_nothing(result: Result, moves: list[tuple[bool, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        kernels = History(Path(folder)), History(Path(folder))
        added: list[str] = []
        for step, (which, move) in enumerate(moves):
            history = kernels[which]
            if move == "add":
                added.append(history.add(at(result, 0.1 + step)).id)
            elif move == "undo":
                history.undo()
            elif move == "redo":
                history.redo()
            elif added:
                history.star(added[-1]) if move == "star" else history.goto(added[0])
            for one in kernels:
                assert [entry.id for entry in one.entries()] == added
            if move == "add":
                assert history.current is not None
                assert history.current.id == added[-1]
