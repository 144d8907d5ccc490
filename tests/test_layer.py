"""Names, merges and locks over labels: they outlive another clustering."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwidgets.layer import Layer

BEFORE = np.repeat([0, 1, 2], 4).astype(np.int32)

labelled = st.lists(st.integers(-1, 4), min_size=12, max_size=12).map(lambda one: np.array(one, np.int32))


@settings(deadline=None)
@given(labelled)
def test_an_empty_layer_and_one_with_locks_change_nothing_on_the_labels_they_were_made_on(labels: np.ndarray) -> None:
    layer = Layer()
    np.testing.assert_array_equal(layer.apply(labels, labels), labels)
    for segment in sorted(set(labels[labels >= 0].tolist())):
        layer = layer.locked(labels, segment)
    np.testing.assert_array_equal(layer.apply(labels), labels)
    np.testing.assert_array_equal(layer.apply(labels, labels), labels)


@settings(deadline=None)
@given(labelled, st.integers(0, 2), st.booleans())
def test_rows_of_a_locked_segment_keep_it_whatever_the_new_labels_say(
    after: np.ndarray, which: int, named: bool
) -> None:
    layer = Layer().locked(BEFORE, which)
    if named:
        layer = layer.merged(BEFORE, [which, (which + 1) % 3], "families")
    found = layer.apply(after, BEFORE)
    assert (found[which == BEFORE] == which).all()
    assert (layer.apply(after)[which == BEFORE] == which).all()


@settings(deadline=None)
@given(labelled)
def test_a_layer_comes_back_from_json(after: np.ndarray) -> None:
    layer = Layer().locked(BEFORE, 2).merged(BEFORE, [0, 1], "families")
    again = Layer.from_dict(json.loads(json.dumps(layer.to_dict())))
    assert again == layer
    np.testing.assert_array_equal(again.apply(after, BEFORE), layer.apply(after, BEFORE))


def test_a_merge_survives_other_numbers() -> None:
    layer = Layer().merged(BEFORE, [0, 2], "families")
    assert layer.apply(BEFORE).tolist() == [0] * 4 + [1] * 4 + [0] * 4
    turned = np.repeat([2, 0, 1], 4)
    assert layer.apply(turned, BEFORE).tolist() == [0] * 4 + [1] * 4 + [0] * 4


def test_a_name_goes_where_its_row_goes() -> None:
    layer = Layer().renamed(BEFORE, 1, "singles")
    assert layer.names.of(layer.apply(np.repeat([1, 0, 2], 4), BEFORE)) == {1: "singles"}


def test_what_cannot_be_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="segment=7 is not there"):
        Layer().locked(BEFORE, 7)
    with pytest.raises(ValueError, match="two or more segments"):
        Layer().merged(BEFORE, [1, 1], "x")
    both = Layer().locked(BEFORE, 0).locked(BEFORE, 1)
    with pytest.raises(ValueError, match="unlock all but one"):
        both.merged(BEFORE, [0, 1], "x")
    with pytest.raises(ValueError, match="rows that are locked in segment 0"):
        Layer().locked(BEFORE, 0).locked(np.zeros(12, int) + 3, 3)
    with pytest.raises(ValueError, match="fits the table"):
        Layer().locked(BEFORE, 2).apply(BEFORE[:5])
    with pytest.raises(ValueError, match="version=2"):
        Layer.from_dict({"version": 2})
    assert both.unlocked(0).unlocked(1) == Layer()
