"""The heat map's Python half: what it sends, what it refuses, what it hears."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from segwidgets.panel.heatmap import Facet, HeatMap, Mark


def facet(**changes: Any) -> Facet:
    made: dict[str, Any] = {
        "values": np.arange(6, dtype=np.float64).reshape(2, 3), "rows": ["a", "b"], "columns": ["x", "y", "z"],
    }  # fmt: skip
    return Facet(**{**made, **changes})


def from_browser(heat: HeatMap, **content: Any) -> None:
    heat._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


def test_values_travel_by_rows_one_facet_after_the_other() -> None:
    heat = HeatMap()
    heat.draw([facet(), facet(values=np.full((2, 3), np.nan))], across=2)
    sent = np.frombuffer(heat.values, np.float32).reshape(2, 2, 3)
    np.testing.assert_array_equal(sent[0], np.arange(6).reshape(2, 3))
    assert np.isnan(sent[1]).all()
    assert heat.across == 2


def test_further_numbers_travel_a_layer_after_the_other() -> None:
    heat = HeatMap(layers=(("segment", "count"), ("noise", "share")))
    counts, shares = np.full((2, 3), 4), np.full((2, 3), 0.25)
    heat.draw([facet(more=(counts, shares)), facet(more=(counts + 1, shares))])
    sent = np.frombuffer(heat.more, np.float32).reshape(2, 2, 6)
    assert sent[:, :, 0].tolist() == [[4, 5], [0.25, 0.25]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rows": ["a"]}, r"shape \(2, 3\): there are 1 rows and 3 columns"),
        ({"more": (np.zeros((2, 3)),)}, "1 grids of numbers: the map has 0 layers"),
        ({"marks": [Mark(2, 0, "far")]}, r"cell \(2, 0\)"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_changes(changes: dict[str, Any], words: str) -> None:
    heat = HeatMap()
    heat.draw([facet()])
    before = heat.values
    with pytest.raises(ValueError, match=words):
        heat.draw([facet(values=np.ones((2, 3))), facet(**changes)])
    assert heat.values == before


def test_a_scale_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"low=1\.0 and high=1\.0"):
        HeatMap(low=1.0, high=1.0)


def test_a_place_that_is_no_number_is_nowhere() -> None:
    heat = HeatMap()
    heat.draw([facet(here=(0.5, float("nan"))), facet(here=(0.5, 1.0))])
    assert [one["here"] for one in heat.facets] == [None, [0.5, 1.0]]


def test_a_cell_that_is_taken_is_told() -> None:
    heat = HeatMap()
    heat.draw([facet()])
    seen: list[tuple[int, int, int]] = []
    heat.on_take(lambda *cell: seen.append(cell))
    from_browser(heat, kind="take", facet=0, row=1, column=2)
    assert seen == [(0, 1, 2)]


@pytest.mark.parametrize(
    "content",
    [
        {"kind": "take", "facet": 1, "row": 0, "column": 0},
        {"kind": "take", "facet": 0, "row": 2, "column": 0},
        {"kind": "take", "facet": 0, "row": 0, "column": -1},
        {"kind": "take", "facet": 0, "row": 0},
        {"kind": "other"},
    ],
)
def test_a_cell_that_is_not_there_any_more_is_not_taken(content: dict[str, Any]) -> None:
    heat = HeatMap()
    heat.draw([facet()])
    seen: list[Any] = []
    heat.on_take(lambda *cell: seen.append(cell))
    from_browser(heat, **content)
    assert seen == []
