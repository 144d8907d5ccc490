from __future__ import annotations

import pathlib

import numpy as np
import pytest
import traitlets

from segwidgets.panel.pointcloud import PointCloud

STATIC = pathlib.Path(__file__).parents[2] / "segwidgets" / "panel" / "static"


def cloud_of(n: int, dimensions: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, dimensions)).astype(np.float32)


def decoded_points(cloud: PointCloud) -> np.ndarray:
    return np.frombuffer(cloud.points, "<f4").reshape(-1, cloud.dimensions)


def decoded_labels(cloud: PointCloud) -> np.ndarray:
    return np.frombuffer(cloud.labels, f"<u{cloud.label_bytes}").astype(np.int64) - 1


class Messages:
    """The state updates a widget sends to the browser, in order; everything below the comm is real."""

    def __init__(self, widget: PointCloud, monkeypatch: pytest.MonkeyPatch) -> None:
        self.updates: list[set[str]] = []
        original = widget._send

        def record(msg: dict, buffers: list | None = None) -> None:
            if msg.get("method") == "update":
                self.updates.append({*msg["state"], *(path[0] for path in msg["buffer_paths"])})
            original(msg, buffers=buffers)

        monkeypatch.setattr(widget, "_send", record)


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
    assert {"points", "labels", "label_bytes", "caption", "view_key"} <= sent.updates[0]


def test_new_labels_send_no_points(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = PointCloud(cloud_of(400), np.zeros(400, int))
    sent = Messages(cloud, monkeypatch)
    cloud.set_labels(np.arange(400))
    assert sent.updates == [{"labels", "label_bytes"}]
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


def test_a_million_points_cost_at_most_13_bytes_each() -> None:
    n = 1_000_000
    cloud = PointCloud(np.zeros((n, 3), np.float32), np.arange(n) % 200)
    assert len(cloud.points) + len(cloud.labels) == 13 * n


@pytest.mark.parametrize("name", ["pointcloud.js", "kdistance.js"])
def test_the_bundle_is_marked_small_and_loads_nothing_from_elsewhere(name: str) -> None:
    text = (STATIC / name).read_text(encoding="utf-8")
    assert text.startswith("// Generated from segwidgets/frontend")
    assert len(text) < 60_000
    assert "https://" not in text
    assert text.replace("http://www.w3.org/2000/svg", "").count("http://") == 0
    assert "import(" not in text


def test_the_widget_carries_the_built_bundle() -> None:
    assert str(PointCloud()._esm) == (STATIC / "pointcloud.js").read_text(encoding="utf-8")
