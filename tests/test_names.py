"""Names stay with the segment that holds their row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwidgets.names import NAME_LIMIT, Names

LABELS = np.array([0, 0, 1, 1, 2, -1], dtype=np.int32)


def test_a_name_follows_its_row_to_another_clustering() -> None:
    names = Names().renamed([2], "families")
    assert names.of(LABELS) == {1: "families"}
    assert names.of(np.array([1, 1, 0, 0, 2, -1])) == {0: "families"}


def test_the_newest_name_of_a_segment_holds() -> None:
    assert Names().renamed([0], "first").renamed([1], "second").of(LABELS) == {0: "second"}
    assert Names().renamed([0], "first").renamed([1], "second").renamed([0], "third").of(LABELS) == {0: "third"}


def test_a_row_that_is_noise_now_names_nothing() -> None:
    assert Names().renamed([5], "nobody").of(LABELS) == {}
    assert Names().renamed([99], "of another table").of(LABELS) == {}


def test_segments_of_one_name_are_one_under_the_lowest_label() -> None:
    merged = Names().renamed([0, 4], "regulars")
    assert merged.of(LABELS) == {0: "regulars", 2: "regulars"}
    np.testing.assert_array_equal(merged.grouped(LABELS), [0, 0, 1, 1, 0, -1])


def test_a_name_can_be_taken_away() -> None:
    assert Names().renamed([0, 2], "both").without([2]).of(LABELS) == {0: "both"}


@pytest.mark.parametrize("name", ["", "   ", "x" * (NAME_LIMIT + 1), "two\nlines", 3])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 80 printable"):
        Names().renamed([0], name)


def test_a_row_that_is_named_twice_stands_once() -> None:
    assert Names().renamed([3, 3], "x") == Names().renamed([3], "x")


def test_a_row_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="counted from 0"):
        Names().renamed([-1], "x")


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["a", "b", "c"]))))
def test_names_survive_json_and_never_touch_noise(moves: list[tuple[int, str]]) -> None:
    names = Names()
    for row, name in moves:
        names = names.renamed([row], name)
    assert Names.from_dict(names.to_dict()) == names
    grouped = names.grouped(LABELS)
    np.testing.assert_array_equal(grouped < 0, LABELS < 0)
    assert set(names.of(LABELS)) <= {0, 1, 2}
    # A merge joins whole segments.
    for label in range(3):
        assert len(set(grouped[label == LABELS])) == 1
