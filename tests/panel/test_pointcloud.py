from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest
import traitlets

from segwidgets.compute.density import DensityIndex, Portable
from segwidgets.panel import pointcloud
from segwidgets.panel.pointcloud import PointCloud

STATIC = pathlib.Path(__file__).parents[2] / "segwidgets" / "panel" / "static"


def cloud_of(n: int, dimensions: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, dimensions)).astype(np.float32)


def decoded_points(cloud: PointCloud) -> np.ndarray:
    return np.frombuffer(cloud.points, "<f4").reshape(-1, cloud.dimensions)


def decoded_labels(cloud: PointCloud) -> np.ndarray:
    return np.frombuffer(cloud.labels, f"<u{cloud.label_bytes}").astype(np.int64) - 1


class Messages:
    """What a widget sends to the browser, in order; everything below the comm is real."""

    def __init__(self, widget: PointCloud, monkeypatch: pytest.MonkeyPatch) -> None:
        self.updates: list[set[str]] = []
        self.own: list[dict[str, Any]] = []
        self.bytes = 0
        original = widget._send

        def record(msg: dict, buffers: list | None = None) -> None:
            if msg.get("method") == "update":
                self.updates.append({*msg["state"], *(path[0] for path in msg["buffer_paths"])})
            if msg.get("method") == "custom":
                self.own.append(msg["content"])
            self.bytes += sum(memoryview(buffer).nbytes for buffer in buffers or [])
            original(msg, buffers=buffers)

        monkeypatch.setattr(widget, "_send", record)


def from_browser(cloud: PointCloud, content: dict[str, Any]) -> None:
    cloud._handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


def set_by_browser(cloud: PointCloud, **traits: Any) -> None:
    cloud.set_state({name: memoryview(value) if isinstance(value, bytes) else value for name, value in traits.items()})


def index_of(points: np.ndarray) -> Portable:
    return DensityIndex(points, min_samples=4).portable()


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few points are too many for a saved notebook."""
    monkeypatch.setattr(pointcloud, "KEPT_POINTS", 10)


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_points_travel_as_float32_rows(dimensions: int, dtype: type) -> None:
    points = (cloud_of(50, dimensions) * 10).astype(dtype)
    cloud = PointCloud(points)
    assert cloud.n_points == 50
    np.testing.assert_array_equal(decoded_points(cloud), points.astype(np.float32))


def test_a_column_major_array_is_sent_row_by_row() -> None:
    points = np.asfortranarray(cloud_of(20))
    np.testing.assert_array_equal(decoded_points(PointCloud(points)), points)


def test_an_empty_widget_has_no_points() -> None:
    cloud = PointCloud()
    assert (cloud.n_points, cloud.points, cloud.labels) == (0, b"", b"")
    assert PointCloud(np.zeros((0, 3)), np.zeros(0, int)).n_points == 0
    assert PointCloud(np.zeros((0, 3)), []).n_points == 0


@pytest.mark.parametrize(("top", "width"), [(0, 1), (254, 1), (255, 2), (65534, 2), (65535, 4)])
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_labels_take_the_fewest_bytes_that_hold_them(top: int, width: int, dtype: type) -> None:
    labels = np.array([-1, 0, top], dtype=dtype)
    cloud = PointCloud(cloud_of(3), labels)
    assert cloud.label_bytes == width
    np.testing.assert_array_equal(decoded_labels(cloud), labels)


def test_labels_of_a_byte_may_be_unsigned() -> None:
    cloud = PointCloud(cloud_of(2), np.array([0, 255], np.uint8))
    np.testing.assert_array_equal(decoded_labels(cloud), [0, 255])


def test_all_noise_is_all_noise() -> None:
    np.testing.assert_array_equal(decoded_labels(PointCloud(cloud_of(4), np.full(4, -1))), [-1] * 4)


def test_new_points_drop_the_labels_of_the_former_ones() -> None:
    cloud = PointCloud(cloud_of(4), [0, 0, 1, -1])
    cloud.set_points(cloud_of(6))
    assert cloud.labels == b""


def test_points_labels_and_caption_arrive_in_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = PointCloud(cloud_of(4), [0, 0, 1, -1])
    sent = Messages(cloud, monkeypatch)
    cloud.set_points(cloud_of(300), np.arange(300), caption="all rows")
    assert len(sent.updates) == 1
    assert {"arrays", "points", "labels", "caption", "view_key"} <= sent.updates[0]


def test_new_labels_send_no_points(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = PointCloud(cloud_of(400), np.zeros(400, int))
    sent = Messages(cloud, monkeypatch)
    cloud.set_labels(np.arange(400))
    assert sent.updates == [{"arrays", "labels"}]
    cloud.set_labels(np.arange(400))
    assert len(sent.updates) == 1, "the same labels again need no message"


def test_a_refinement_keeps_the_view_and_another_cloud_does_not() -> None:
    cloud = PointCloud(cloud_of(4))
    key = cloud.view_key
    cloud.set_points(cloud_of(9), keep_view=True)
    assert cloud.view_key == key
    cloud.set_points(cloud_of(9, seed=1))
    assert cloud.view_key != key


def test_flat_points_may_follow_solid_ones() -> None:
    cloud = PointCloud(cloud_of(4))
    cloud.set_points(cloud_of(5, 2), [0, 1, 2, 3, 4])
    assert (cloud.n_points, cloud.dimensions) == (5, 2)


@pytest.mark.parametrize(
    ("points", "named"),
    [
        (np.zeros(3), r"shape \(3,\)"),
        (np.zeros((3, 4)), r"shape \(3, 4\)"),
        (np.zeros((3, 1)), r"shape \(3, 1\)"),
        (np.full((2, 3), "a"), "dtype"),
        (np.array([[0, np.nan, 0], [0, 0, 0]]), "1 of 2 points"),
        (np.array([[0, np.inf, 0]]), "1 of 1 points"),
        (np.array([[0, 1e300, 0]]), "1 of 1 points"),
    ],
)
def test_points_that_cannot_be_drawn_are_refused_and_nothing_changes(points: np.ndarray, named: str) -> None:
    cloud = PointCloud(cloud_of(4), [0, 0, 1, -1], caption="before")
    before = cloud.get_state()
    with pytest.raises(ValueError, match=named):
        cloud.set_points(points, caption="after")
    assert cloud.get_state() == before


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        ([0, 1], "4 points"),
        (np.zeros((4, 1), int), r"shape \(4, 1\)"),
        ([0.0, 1.0, 2.0, 3.0], "float64"),
        ([0, 1, 2, -2], "-2 to 2"),
        ([True, False, True, True], "bool"),
        ([0, 1, 2, 2**32], "4294967296"),
    ],
)
def test_labels_that_do_not_fit_are_refused_and_nothing_changes(labels: object, named: str) -> None:
    cloud = PointCloud(cloud_of(4), [0, 0, 1, -1])
    before = cloud.get_state()
    with pytest.raises(ValueError, match=named):
        cloud.set_labels(labels)
    with pytest.raises(ValueError, match=named):
        cloud.set_points(cloud_of(4, seed=5), labels)
    assert cloud.get_state() == before


def test_labels_without_points_are_refused() -> None:
    with pytest.raises(ValueError, match="without points"):
        PointCloud(labels=[0, 1])


def test_sizes_out_of_range_are_refused() -> None:
    cloud = PointCloud()
    with pytest.raises(traitlets.TraitError):
        cloud.height = 1
    with pytest.raises(traitlets.TraitError):
        cloud.point_size = -1.0


# -- many points -----------------------------------------------------------------------------------------------------


def test_a_million_points_with_labels_and_an_index_take_at_most_36_bytes_each(monkeypatch: pytest.MonkeyPatch) -> None:
    n = 1_000_000
    cloud = PointCloud()
    sent = Messages(cloud, monkeypatch)
    from_browser(cloud, {"type": "ask", "names": []})
    cloud.set_points(np.zeros((n, 3), np.float32), np.arange(n) % 200)
    zeros = np.zeros(n, np.float32)
    cloud.set_index(Portable(np.arange(n, dtype=np.int32), zeros, zeros, zeros, np.zeros(n, np.int32)), 0.5)
    assert sent.bytes <= 36 * n
    assert len(cloud.get_state()["points"]) == 0, "a saved notebook holds none of it"
    before = sent.bytes
    cloud.set_labels(np.arange(n) % 60_000)
    assert sent.bytes - before <= 2 * n


def test_many_points_wait_until_the_browser_asks_for_them(large: None, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = PointCloud(cloud_of(20), np.zeros(20, int))
    sent = Messages(cloud, monkeypatch)
    assert (cloud.points, cloud.n_points) == (b"", 20)
    from_browser(cloud, {"type": "ask", "names": ["points", "labels"]})
    assert [name for name, _ in sent.own[0]["versions"]] == ["points", "labels"]
    assert sent.bytes == 20 * 13
    versions = dict(sent.own[0]["versions"])
    assert versions == {name: cloud.arrays[name]["version"] for name in ("points", "labels")}


def test_many_labels_come_before_the_trait_that_names_them(large: None, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = PointCloud(cloud_of(20))
    from_browser(cloud, {"type": "ask", "names": ["points"]})
    sent = Messages(cloud, monkeypatch)
    cloud.set_labels(np.arange(20))
    assert sent.own == [{"type": "arrays", "versions": [["labels", cloud.arrays["labels"]["version"]]]}]
    assert sent.updates == [{"arrays"}]
    cloud.set_labels(np.arange(20))
    assert len(sent.own) == 1, "the same labels again need no message"


def test_a_browser_that_asks_for_what_is_gone_gets_what_is_there(large: None, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = PointCloud(cloud_of(20), np.zeros(20, int))
    cloud.set_points(cloud_of(30))
    sent = Messages(cloud, monkeypatch)
    from_browser(cloud, {"type": "ask", "names": ["points", "labels"]})
    assert [name for name, _ in sent.own[0]["versions"]] == ["points"]


# -- an index ----------------------------------------------------------------------------------------------------------


def test_an_index_travels_leaf_by_leaf_with_its_eps() -> None:
    points = cloud_of(50)
    index = index_of(points)
    cloud = PointCloud(points)
    assert not cloud.cuts_itself
    cloud.set_index(index, 0.7)
    assert (cloud.cuts_itself, cloud.eps, len(cloud.index)) == (True, 0.7, 20 * 50)
    for place, (field, kind) in enumerate(
        [("row", "<i4"), ("gap", "<f4"), ("core", "<f4"), ("entry", "<f4"), ("host", "<i4")]
    ):
        sent = np.frombuffer(cloud.index, kind, 50, offset=200 * place)
        np.testing.assert_array_equal(sent, getattr(index, field))


@pytest.mark.parametrize("drop", ["labels", "points", "none"])
def test_labels_or_points_or_none_drop_the_index(drop: str) -> None:
    points = cloud_of(50)
    cloud = PointCloud(points)
    cloud.set_index(index_of(points), 0.7)
    if drop == "labels":
        cloud.set_labels(np.zeros(50, int))
    elif drop == "points":
        cloud.set_points(points)
    else:
        cloud.set_index(None, 0.5)
    assert (cloud.cuts_itself, cloud.index) == (False, b"")


def test_an_index_of_other_rows_or_an_impossible_eps_changes_nothing() -> None:
    cloud = PointCloud(cloud_of(50))
    before = cloud.get_state()
    with pytest.raises(ValueError, match="40 rows, but 50 points"):
        cloud.set_index(index_of(cloud_of(40)), 0.5)
    with pytest.raises(traitlets.TraitError, match="-1"):
        cloud.set_index(index_of(cloud_of(50)), -1)
    assert cloud.get_state() == before


def test_eps_from_either_side_is_one_small_message(monkeypatch: pytest.MonkeyPatch) -> None:
    points = cloud_of(50)
    cloud = PointCloud(points)
    cloud.set_index(index_of(points), 0.7)
    sent = Messages(cloud, monkeypatch)
    cloud.eps = 0.9
    set_by_browser(cloud, eps=0.8)
    assert cloud.eps == 0.8
    assert sent.updates == [{"eps"}]
    assert sent.bytes == 0


# -- names, colours, selection, questions ------------------------------------------------------------------------------


def test_names_keep_the_order_in_which_they_were_given() -> None:
    cloud = PointCloud(cloud_of(4), [0, 0, 1, -1])
    cloud.set_names({"2": "late", 0: "early"})
    assert cloud.names == [[2, "late"], [0, "early"]]


def test_what_the_user_renames_and_chooses_is_heard() -> None:
    cloud = PointCloud(cloud_of(4), [0, 0, 1, -1])
    heard: list[object] = []
    cloud.on_rename(lambda rows, name: heard.append((rows, name)))
    cloud.on_colour(heard.append)
    from_browser(cloud, {"type": "rename", "rows": [0, 2], "name": "families"})
    from_browser(cloud, {"type": "colour", "name": "spend"})
    from_browser(cloud, {"type": "something else"})
    assert heard == [([0, 2], "families"), "spend"]


def test_a_column_colours_a_byte_a_point_and_other_points_end_it() -> None:
    cloud = PointCloud(cloud_of(4), [0, 0, 1, -1])
    cloud.set_colour("spend", [1.0, 2.0, 3.0, np.nan], kind="number")
    assert len(cloud.values) == 4
    assert cloud.colouring["by"] == "spend"
    assert cloud.colouring["missing"] == 1
    cloud.set_points(cloud_of(5))
    assert (cloud.values, cloud.colouring) == (b"", {"by": "segment", "kind": "segment"})
    cloud.set_colour("channel", ["a", "b", "a", "c", "a"], kind="category")
    cloud.set_colour("segment")
    assert (cloud.values, cloud.colouring["kind"]) == (b"", "segment")


def test_colours_that_do_not_fit_are_refused_and_nothing_changes() -> None:
    cloud = PointCloud(cloud_of(4))
    before = cloud.get_state()
    with pytest.raises(ValueError, match="needs values"):
        cloud.set_colour("spend", kind="number")
    with pytest.raises(ValueError, match="'rainbow'"):
        cloud.set_colour("spend", [1.0] * 4, kind="rainbow")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="4 points"):
        cloud.set_colour("spend", [1.0], kind="number")
    assert cloud.get_state() == before


def test_a_selection_from_the_browser_is_rows_in_order() -> None:
    cloud = PointCloud(cloud_of(400))
    heard: list[list[int]] = []
    cloud.on_selection(lambda rows: heard.append(rows.tolist()))
    other = PointCloud(cloud_of(400))
    other.set_selection([9, 3, 3])
    set_by_browser(cloud, picked=other.picked)
    assert cloud.selection.tolist() == [3, 9]
    assert cloud.selection.dtype == np.int64
    cloud.set_selection([])
    assert heard == [[3, 9], []]


def test_a_selection_outlives_a_refinement_and_not_other_rows() -> None:
    cloud = PointCloud(cloud_of(40))
    cloud.set_selection([5])
    cloud.set_points(cloud_of(40, seed=1), keep_view=True)
    assert cloud.selection.tolist() == [5]
    cloud.set_points(cloud_of(41))
    assert cloud.selection.tolist() == []


def test_a_row_is_described_and_what_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = PointCloud(cloud_of(4))
    assert not cloud.describes

    def describe(row: int) -> list[tuple[str, str]]:
        if row == 3:
            raise KeyError("gone")
        return [("id", f"C-{row}")]

    cloud.describe = describe
    assert cloud.describes
    sent = Messages(cloud, monkeypatch)
    for row in (2, 3, 99):
        from_browser(cloud, {"type": "describe", "row": row})
    facts = [message["facts"] for message in sent.own]
    assert facts[0] == [["id", "C-2"]]
    assert "KeyError" in facts[1][0][1]
    assert facts[2] == []


def test_the_still_picture_is_png_bytes() -> None:
    cloud = PointCloud(cloud_of(4))
    set_by_browser(cloud, still=b"\x89PNG")
    assert cloud.still == b"\x89PNG"


@pytest.mark.parametrize("name", ["pointcloud.js", "kdistance.js"])
def test_the_bundle_is_marked_small_and_loads_nothing_from_elsewhere(name: str) -> None:
    text = (STATIC / name).read_text(encoding="utf-8")
    assert text.startswith("// Generated from segwidgets/frontend")
    assert len(text) < 1_000_000
    assert "https://" not in text
    assert text.replace("http://www.w3.org/2000/svg", "").count("http://") == 0
    assert "import(" not in text


def test_the_widget_carries_the_built_bundle() -> None:
    assert str(PointCloud()._esm) == (STATIC / "pointcloud.js").read_text(encoding="utf-8")
