from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest
import traitlets

from segwidgets.panel.segmenttable import SegmentTable

STATIC = pathlib.Path(__file__).parents[2] / "segwidgets" / "panel" / "static"
FEATURE = {"name": "BEER", "text": "BEER 3.1 x as often", "effect": 0.8, "direction": "more"}


def row(segment: int, **changes: Any) -> dict[str, Any]:
    made = {"segment": segment, "name": f"segment {segment}", "size": 100 - segment, "share": 0.1, "silhouette": 0.5}
    return {**made, "features": [FEATURE], **changes}


def table() -> SegmentTable:
    return SegmentTable([row(0), row(1), row(-1, name="noise", features=[])])


def from_browser(shown: SegmentTable, **content: Any) -> None:
    shown._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


def heard(shown: SegmentTable) -> list[tuple[Any, ...]]:
    seen: list[tuple[Any, ...]] = []
    shown.on_rename(lambda segments, name: seen.append(("rename", segments, name)))
    shown.on_merge(lambda segments, name: seen.append(("merge", segments, name)))
    shown.on_pick(lambda segment: seen.append(("pick", segment)))
    return seen


def test_a_new_name_is_told_trimmed() -> None:
    shown = table()
    seen = heard(shown)
    from_browser(shown, kind="rename", segments=[1], name="  Beer ")
    assert seen == [("rename", [1], "Beer")]
    assert shown.rows[1]["name"] == "segment 1", "the rows are the kernel's to change"


def test_merged_segments_are_told() -> None:
    shown = table()
    seen = heard(shown)
    from_browser(shown, kind="merge", segments=[0, 1], name="Both")
    assert seen == [("merge", [0, 1], "Both")]


def test_a_picked_segment_is_told_noise_too_and_then_none() -> None:
    shown = table()
    seen = heard(shown)
    for segment in (1, -1, None):
        from_browser(shown, kind="pick", segment=segment)
    assert seen == [("pick", 1), ("pick", -1), ("pick", None)]


@pytest.mark.parametrize(
    "content",
    [
        {"kind": "rename", "segments": [-1], "name": "Noise"},
        {"kind": "rename", "segments": [7], "name": "Gone"},
        {"kind": "rename", "segments": [1], "name": " "},
        {"kind": "rename", "segments": [1], "name": "x" * 81},
        {"kind": "rename", "segments": [1], "name": None},
        {"kind": "rename", "name": "Nobody"},
        {"kind": "merge", "segments": [0, 7], "name": "One is gone"},
        {"kind": "pick", "segment": 7},
        {"kind": "unknown"},
        {},
    ],
)
def test_a_message_that_cannot_be_followed_calls_nothing(content: dict[str, Any]) -> None:
    shown = table()
    seen = heard(shown)
    from_browser(shown, **content)
    assert seen == []


def test_rows_of_numpy_numbers_travel_as_plain_ones() -> None:
    shown = SegmentTable([row(np.int32(0), size=np.int64(5), share=np.float32(0.5), silhouette=np.float64("nan"))])
    made = shown.rows[0]
    assert (made["segment"], made["size"], made["share"], made["silhouette"]) == (0, 5, 0.5, None)
    assert [type(made[part]) for part in ("segment", "size", "share")] == [int, int, float]


def test_ticks_stay_at_segments_that_stay() -> None:
    shown = table()
    shown.checked, shown.picked = [0, 1], 1
    shown.rows = [row(0), row(1, name="Beer")]
    assert (shown.checked, shown.picked) == ([0, 1], 1)
    shown.rows = [row(0), row(1, size=3)]
    assert (shown.checked, shown.picked) == ([0], None)


def test_how_the_user_left_the_table_is_in_its_state() -> None:
    shown = table()
    shown.set_state({"sort_by": "name", "descending": False, "checked": [0], "all_shown": True, "picked": 0})
    state = shown.get_state()
    assert [state[name] for name in ("sort_by", "descending", "checked", "all_shown", "picked")] == [
        "name", False, [0], True, 0,
    ]  # fmt: skip


def test_a_table_without_rows_is_empty() -> None:
    assert (SegmentTable().state, table().state) == ("empty", "final")


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([row(0), row(0)], "segment 0 twice"),
        ([row(-2)], "segment=-2"),
        ([row(0, size=-1)], "size=-1"),
        ([row(0, share=1.5)], r"share=1\.5"),
        ([{"segment": 0}], "size"),
        ([row(0, features=[{**FEATURE, "direction": "up"}])], "direction='up'"),
        ([row(0, features=[{**FEATURE, "effect": np.inf}])], "effect=inf"),
    ],
)
def test_rows_that_cannot_be_are_refused_and_nothing_changes(rows: list[dict[str, Any]], named: str) -> None:
    shown = table()
    before = shown.rows
    with pytest.raises(traitlets.TraitError, match=named):
        shown.rows = rows
    assert shown.rows == before


def test_the_widget_carries_the_built_bundle() -> None:
    assert str(SegmentTable()._esm) == (STATIC / "segmenttable.js").read_text(encoding="utf-8")
