from __future__ import annotations

import pathlib
from typing import Any

import pytest
import traitlets

from segwidgets.panel.historystrip import HistoryStrip

STATIC = pathlib.Path(__file__).parents[2] / "segwidgets" / "panel" / "static"
PICTURE = "data:image/png;base64,iVBORw0KGgo="


def entry(identifier: str, **changes: Any) -> dict[str, Any]:
    made = {"id": identifier, "title": "5 segments", "detail": "UMAP", "time": "2026-11-24T17:00:00+00:00"}
    return {**made, "starred": False, "current": False, "thumbnail": "", **changes}


def strip() -> HistoryStrip:
    return HistoryStrip([entry("b", current=True, thumbnail=PICTURE), entry("a")])


def from_browser(shown: HistoryStrip, **content: Any) -> None:
    shown._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


def heard(shown: HistoryStrip) -> list[tuple[Any, ...]]:
    seen: list[tuple[Any, ...]] = []
    shown.on_goto(lambda identifier: seen.append(("goto", identifier)))
    shown.on_star(lambda identifier, starred: seen.append(("star", identifier, starred)))
    shown.on_compare(lambda a, b: seen.append(("compare", a, b)))
    shown.on_undo(lambda: seen.append(("undo",)))
    shown.on_redo(lambda: seen.append(("redo",)))
    return seen


def test_what_the_user_does_is_told() -> None:
    shown = strip()
    seen = heard(shown)
    from_browser(shown, kind="goto", id="a")
    from_browser(shown, kind="star", id="a", starred=True)
    from_browser(shown, kind="star", id="a", starred=False)
    from_browser(shown, kind="compare", ids=["a", "b"])
    from_browser(shown, kind="undo")
    from_browser(shown, kind="redo")
    assert seen == [
        ("goto", "a"),
        ("star", "a", True),
        ("star", "a", False),
        ("compare", "a", "b"),
        ("undo",),
        ("redo",),
    ]


@pytest.mark.parametrize(
    "content",
    [
        {"kind": "goto", "id": "gone"},
        {"kind": "goto"},
        {"kind": "star", "id": "gone", "starred": True},
        {"kind": "compare", "ids": ["a"]},
        {"kind": "compare", "ids": ["a", "gone"]},
        {"kind": "compare", "ids": ["a", "a"]},
        {"kind": "unknown"},
        {},
    ],
)
def test_a_message_that_cannot_be_followed_calls_nothing(content: dict[str, Any]) -> None:
    shown = strip()
    seen = heard(shown)
    from_browser(shown, **content)
    assert seen == []


def test_the_entries_travel_without_their_pictures_which_travel_once() -> None:
    shown = strip()
    state = shown.get_state()
    assert [one["id"] for one in state["entries"]] == ["b", "a"]
    assert all("thumbnail" not in one for one in state["entries"])
    assert state["thumbnails"] == {"b": PICTURE}
    assert shown.entries[0]["thumbnail"] == PICTURE


def test_a_comparison_is_shown_until_the_user_closes_it() -> None:
    shown = strip()
    assert shown.get_state()["comparison"] is None
    shown.comparison = {"title": "A and B", "text": "ARI 0.8", "rows": [["clusters", 5, 6, "+1"]]}
    assert shown.comparison["rows"] == [["clusters", "5", "6", "+1"]]
    shown.set_state({"comparison": None})
    assert shown.comparison is None


def test_what_the_user_chose_is_in_the_state() -> None:
    shown = strip()
    shown.set_state({"starred_only": True, "chosen": ["a"]})
    assert (shown.get_state()["starred_only"], shown.get_state()["chosen"]) == (True, ["a"])


@pytest.mark.parametrize(
    ("entries", "named"),
    [
        ([entry("a"), entry("a")], "id='a' twice"),
        ([{"id": "a"}], "title"),
        ([entry("a", thumbnail="javascript:alert(1)")], "thumbnail='javascript"),
    ],
)
def test_entries_that_cannot_be_are_refused_and_nothing_changes(entries: list[dict[str, Any]], named: str) -> None:
    shown = strip()
    with pytest.raises(traitlets.TraitError, match=named):
        shown.entries = entries
    assert [one["id"] for one in shown.entries] == ["b", "a"]


def test_a_comparison_of_ragged_rows_is_refused() -> None:
    with pytest.raises(traitlets.TraitError, match="four texts"):
        strip().comparison = {"title": "", "text": "", "rows": [["clusters", "5"]]}


def test_the_widget_carries_the_built_bundle() -> None:
    assert str(HistoryStrip()._esm) == (STATIC / "historystrip.js").read_text(encoding="utf-8")
