from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np
import pytest
import traitlets

from segwidgets.panel.leaderboard import Leaderboard

STATIC = pathlib.Path(__file__).parents[2] / "segwidgets" / "panel" / "static"


def record(name: str = "run-1", **changes: Any) -> dict[str, Any]:
    made = {"name": name, "experiment": "spring", "trial": "", "status": "completed", "verdict": "exact"}
    return {**made, "segments": 5, "coverage": 0.9, "silhouette": 0.5, **changes}


def from_browser(board: Leaderboard, **content: Any) -> None:
    board._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


def test_an_opened_run_is_told_with_all_it_has() -> None:
    board = Leaderboard([record("a"), record("b", eps=0.7)])
    seen: list[dict[str, Any]] = []
    board.on_open(seen.append)
    from_browser(board, kind="open", id=board.runs[1]["id"])
    assert [(run["name"], run["eps"]) for run in seen] == [("b", 0.7)]


@pytest.mark.parametrize("content", [{"kind": "open", "id": "gone"}, {"kind": "open"}, {"kind": "unknown"}, {}])
def test_a_message_that_cannot_be_followed_calls_nothing(content: dict[str, Any]) -> None:
    board = Leaderboard([record()])
    seen: list[dict[str, Any]] = []
    board.on_open(seen.append)
    from_browser(board, **content)
    assert seen == []


def test_runs_of_one_name_are_told_apart() -> None:
    board = Leaderboard([record(source="mlflow"), record(source="experiments"), record(source="mlflow")])
    assert len({run["id"] for run in board.runs}) == 3


def test_what_a_run_does_not_have_travels_as_json() -> None:
    board = Leaderboard([record(silhouette=float("nan"), segments=np.int64(4), coverage=np.float32(0.5), reason=None)])
    run = board.runs[0]
    assert (run["silhouette"], run["segments"], run["coverage"], run["reason"]) == (None, 4, 0.5, None)
    json.dumps(board.get_state()["runs"], allow_nan=False)


def test_a_column_that_is_missing_is_no_error() -> None:
    assert Leaderboard([{"name": "bare"}]).runs == [{"name": "bare", "id": "//bare"}]


@pytest.mark.parametrize("record", [{}, {"name": ""}, {"name": None}])
def test_a_run_without_a_name_is_refused(record: dict[str, Any]) -> None:
    board = Leaderboard([{"name": "kept"}])
    with pytest.raises(traitlets.TraitError, match="name"):
        board.runs = [record]
    assert board.runs[0]["name"] == "kept"


def test_a_pair_is_compared_and_a_run_that_went_is_not() -> None:
    board = Leaderboard([record("a"), record("b"), record("c")])
    first, second, third = (run["id"] for run in board.runs)
    with pytest.raises(traitlets.TraitError, match="two"):
        board.chosen = [first, second, third]
    board.chosen = [first, third]
    board.runs = [record("a"), record("b")]
    assert board.chosen == [first]


@pytest.mark.parametrize("brush", [[2, 1], [1], "ab", None, [float("nan"), 1]])
def test_a_brush_is_a_range(brush: Any) -> None:
    with pytest.raises(traitlets.TraitError, match="eps"):
        Leaderboard(brushes={"eps": brush})


def test_how_the_user_left_the_board_is_in_its_state() -> None:
    board = Leaderboard([record()])
    left = {
        "sort_by": "coverage",
        "descending": False,
        "constraints": {"noise_max": 15},
        "brushes": {"eps": [0.1, 0.5]},
        "front_only": True,
        "front_by": ["smallest", "coverage"],
    }
    board.set_state(left)
    state = board.get_state()
    assert {name: state[name] for name in left} == left


def test_the_widget_carries_the_built_bundle() -> None:
    assert str(Leaderboard()._esm) == (STATIC / "leaderboard.js").read_text(encoding="utf-8")
