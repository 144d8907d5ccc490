"""What the point cloud sends is what it says: sizes, legends and selections, in bytes.

After a change of the form of a selection: ``python tests/panel/test_pointcloud_wire.py`` writes the vectors anew that
the front end's tests are held to.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np
import pytest

from segwidgets.panel import wire

VECTORS = pathlib.Path(__file__).parents[2] / "segwidgets" / "frontend" / "tests" / "vectors" / "selections.json"


def selections() -> list[dict[str, Any]]:
    cases = {
        "no row": ([], 10),
        "one row of many": ([70_000], 100_000),
        "the first and the last": ([0, 4095], 4096),
        "every third of a few": (list(range(0, 50, 3)), 50),
        "all": (list(range(17)), 17),
    }
    return [
        {"name": name, "rows": rows, "count": count, "bytes": list(wire.packed_selection(rows, count))}
        for name, (rows, count) in cases.items()
    ]


def test_the_front_ends_vectors_are_what_python_packs_now() -> None:
    assert json.loads(VECTORS.read_text(encoding="utf-8")) == selections()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.9, 1.0])
def test_a_selection_comes_back_in_order_and_takes_at_most_a_bit_a_row(share: float) -> None:
    n = 10_001
    rows = np.flatnonzero(np.random.default_rng(0).random(n) < share)
    packed = wire.packed_selection(rows[::-1], n)
    np.testing.assert_array_equal(wire.unpacked_selection(packed, n), rows)
    assert len(packed) <= 5 + n / 8


def test_rows_of_other_points_are_left_out() -> None:
    np.testing.assert_array_equal(wire.unpacked_selection(wire.packed_selection([3, 90], 4000), 50), [3])
    np.testing.assert_array_equal(wire.unpacked_selection(wire.packed_selection(range(90), 90), 50), range(50))


@pytest.mark.parametrize(
    ("rows", "named"), [([-1], "-1 to -1"), ([3, 10], "3 to 10"), ([0.5], "float64"), ([[1]], r"shape \(1, 1\)")]
)
def test_rows_that_the_cloud_lacks_are_refused(rows: object, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        wire.packed_selection(rows, 10)


def test_millions_of_points_travel_in_two_bytes_an_axis_and_move_less_than_a_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "NARROW_FROM", 10)
    points = np.random.default_rng(0).normal(size=(1000, 3)).astype(np.float32) * [1, 50, 0]
    packed, about = wire.packed_points(points.astype(np.float32))
    assert len(packed) == 6 * 1000
    back = np.frombuffer(packed, "<u2").reshape(-1, 3) * about["scale"] + about["offset"]
    step = np.ptp(points, axis=0) / 65535
    assert (np.abs(back - points) <= step / 2 + 1e-5).all()


def values_of(values: object, kind: str) -> tuple[np.ndarray, dict[str, Any]]:
    packed, about = wire.packed_values(values, kind, len(values))  # type: ignore[arg-type]
    return np.frombuffer(packed, np.uint8), about


def test_numbers_lie_along_the_scale_and_missing_ones_are_apart() -> None:
    places, about = values_of(np.array([10.0, 20.0, np.nan, 15.0, np.inf]), "number")
    assert places.tolist()[2:] == [0, 128, 0]
    assert places[0] == 1
    assert places[1] == 255
    assert about["missing"] == 2


def test_a_few_far_values_do_not_stretch_the_scale_and_the_legend_says_so() -> None:
    values = np.concatenate([np.linspace(0, 1, 1000), [1e6]])
    places, about = values_of(values, "number")
    assert about["high"] <= 1
    assert about["above"]
    assert places[-1] == 255


def test_a_column_of_mostly_zeros_has_a_scale_of_what_is_not() -> None:
    values = np.zeros(10_000)
    values[:50] = np.linspace(1, 100, 50)
    places, about = values_of(values, "number")
    assert about["low"] == 0
    assert about["high"] > 90
    assert places[25] < places[45]


def test_a_silhouette_has_a_scale_of_two_arms_about_zero() -> None:
    places, about = values_of(np.array([-0.2, 0.0, 0.9]), "number")
    assert (about["low"], about["high"], about["diverging"]) == (-1, 1, True)
    assert places[1] == 128


def test_equal_values_and_no_values_are_shown() -> None:
    assert set(values_of(np.full(3, 7.0), "number")[0]) == {128}
    assert set(values_of(np.full(3, np.nan), "number")[0]) == {0}


def test_categories_are_listed_by_size_and_beyond_forty_they_are_one() -> None:
    names = np.array([f"c{i}" for i in range(60) for _ in range(100 - i)] + [None], dtype=object)
    places, about = values_of(names, "category")
    assert about["categories"][0] == {"name": "c0", "size": 100}
    assert about["categories"][-1]["name"] == "20 others"
    assert sum(one["size"] for one in about["categories"]) == len(names) - 1
    assert places[0] == 1
    assert places[-2] == 41
    assert places[-1] == 0


@pytest.mark.parametrize(
    ("values", "kind", "named"),
    [
        ([0.5, 2.0], "trust", "0.5 to 2"),
        (["a", "b"], "number", "dtype"),
        ([[1.0], [2.0]], "number", r"shape \(2, 1\)"),
    ],
)
def test_values_that_do_not_fit_are_refused(values: object, kind: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        values_of(values, kind)


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(selections(), separators=(",", ":")) + "\n", encoding="utf-8")
