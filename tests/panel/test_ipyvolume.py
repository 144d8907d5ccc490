from __future__ import annotations

import base64
import builtins
from typing import Any

import numpy as np
import pytest

from segwidgets.data.errors import MissingExtraError
from segwidgets.palette import noise_colour, segment_colour
from segwidgets.panel.ipyvolume import FLOOR, SHOWN, IpyvolumeCloud


def points_of(n: int, dimensions: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, dimensions)).astype(np.float32)


def drawn(cloud: IpyvolumeCloud) -> np.ndarray:
    """(m, 3): the positions that ipyvolume has."""
    return np.column_stack([cloud.scatter.x, cloud.scatter.y, cloud.scatter.z])


def colours(cloud: IpyvolumeCloud) -> np.ndarray:
    return np.asarray(cloud.scatter.color)[:, :3]


def click(cloud: IpyvolumeCloud, at: int) -> None:
    cloud.scatter.clicked_index = at


def test_all_points_of_a_small_cloud_are_drawn() -> None:
    points = points_of(40)
    cloud = IpyvolumeCloud(points, np.zeros(40, int), caption="Forty.")
    np.testing.assert_array_equal(drawn(cloud), points)
    assert "Forty." in cloud._said.value
    assert "sample" not in cloud._said.value
    assert cloud.scatter.visible


def test_flat_points_lie_in_a_plane() -> None:
    points = points_of(30, 2)
    cloud = IpyvolumeCloud(points)
    np.testing.assert_array_equal(drawn(cloud)[:, :2], points)
    assert not drawn(cloud)[:, 2].any()


def test_the_axes_have_one_scale_and_hold_all_points() -> None:
    points = points_of(500) * [9, 1, 1] + [100, 0, 0]
    figure = IpyvolumeCloud(points).figure
    sides = [high - low for low, high in (figure.xlim, figure.ylim, figure.zlim)]
    assert np.ptp(sides) < 1e-6 * sides[0]
    assert figure.xlim == pytest.approx((points[:, 0].min(), points[:, 0].max()), rel=1e-6)


def test_points_that_refine_others_leave_the_axes_as_they_were() -> None:
    cloud = IpyvolumeCloud(points_of(50))
    before = cloud.figure.xlim
    cloud.set_points(points_of(50) * 4, keep_view=True)
    assert cloud.figure.xlim == before
    cloud.set_points(points_of(50) * 4)
    assert cloud.figure.xlim != before


def test_an_empty_cloud_shows_nothing() -> None:
    cloud = IpyvolumeCloud()
    assert (cloud.n_points, cloud.scatter.visible) == (0, False)
    cloud.set_points(points_of(3))
    assert cloud.scatter.visible
    cloud.set_points(np.zeros((0, 3)), [])
    assert not cloud.scatter.visible


def test_above_the_limit_a_stated_sample_is_drawn_that_keeps_small_segments() -> None:
    n = SHOWN * 4
    labels = np.zeros(n, int)
    labels[:60] = 1
    labels[60:70] = 2
    labels[70 : n // 4] = -1
    cloud = IpyvolumeCloud(points_of(n), labels)
    shown = np.bincount(labels[cloud._rows] + 1, minlength=4)
    assert len(drawn(cloud)) == SHOWN
    assert shown[2] >= FLOOR
    assert shown[3] == 10
    # Noise and the large segment have their shares.
    assert shown[0] / SHOWN == pytest.approx((labels == -1).mean(), abs=0.01)
    assert f"{SHOWN:,} of {n:,} points are drawn" in cloud._said.value
    np.testing.assert_array_equal(drawn(cloud), cloud._points[cloud._rows])


def test_the_sample_hardly_changes_with_the_labels() -> None:
    n = SHOWN * 3
    labels = np.arange(n) % 5
    cloud = IpyvolumeCloud(points_of(n), labels)
    before = set(cloud._rows.tolist())
    moved = labels.copy()
    moved[:1000] = -1
    cloud.set_labels(moved)
    assert len(before & set(cloud._rows.tolist())) > 0.97 * SHOWN
    np.testing.assert_array_equal(drawn(cloud), cloud._points[cloud._rows])


def test_the_largest_segment_takes_the_first_colour_and_noise_is_grey() -> None:
    labels = np.array([1, 1, 1, 0, 0, -1])
    cloud = IpyvolumeCloud(points_of(6), labels)
    expected = [segment_colour(0), segment_colour(1), noise_colour()]
    np.testing.assert_allclose(colours(cloud)[[0, 3, 5]], expected, atol=1e-6)


def test_a_segment_keeps_its_colour_when_labels_are_numbered_anew() -> None:
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    cloud = IpyvolumeCloud(points_of(100), labels)
    before = colours(cloud)
    cloud.set_labels(2 - labels)
    np.testing.assert_array_equal(colours(cloud), before)
    # One splits: its larger part keeps the colour, the smaller one gets a new one.
    split = labels.copy()
    split[:10] = 3
    cloud.set_labels(split)
    np.testing.assert_array_equal(colours(cloud)[10:], before[10:])
    assert not any(np.allclose(colours(cloud)[0], colour) for colour in before)


def test_segments_of_one_name_are_one() -> None:
    cloud = IpyvolumeCloud(points_of(6), [0, 0, 0, 1, 2, 2])
    cloud.set_names({0: "regulars <b>", 4: "regulars <b>"})
    assert np.allclose(colours(cloud)[4], colours(cloud)[0])
    assert not np.allclose(colours(cloud)[3], colours(cloud)[0])
    assert cloud._legend.value.count("regulars &lt;b&gt;") == 1
    assert "5 · 83.3%" in cloud._legend.value


def test_numbers_are_shown_on_a_scale_and_nan_is_grey() -> None:
    values = np.linspace(0, 1, 200)
    values[3] = np.nan
    cloud = IpyvolumeCloud(points_of(200), np.zeros(200, int))
    cloud.set_colour("spend", values, kind="number")
    shown = colours(cloud)
    np.testing.assert_allclose(shown[3], noise_colour(), atol=1e-6)
    # viridis runs from dark to light.
    assert shown[5].sum() < shown[100].sum() < shown[195].sum()
    assert "spend" in cloud._legend.value


def test_an_outlier_does_not_flatten_the_scale() -> None:
    values = np.linspace(0, 1, 1000)
    values[-1] = 1e9
    cloud = IpyvolumeCloud(points_of(1000))
    cloud.set_colour("spend", values, kind="number")
    assert not np.allclose(colours(cloud)[100], colours(cloud)[800], atol=0.1)


def test_categories_have_colours_of_their_own() -> None:
    cloud = IpyvolumeCloud(points_of(5))
    cloud.set_colour("region", np.array(["north", "south", "north", "south", "north"]), kind="category")
    np.testing.assert_allclose(colours(cloud)[:2], [segment_colour(0), segment_colour(1)], atol=1e-6)
    assert "north" in cloud._legend.value


def test_points_that_are_not_to_be_trusted_fade() -> None:
    cloud = IpyvolumeCloud(points_of(2), [0, 0])
    cloud.set_colour("trust", np.array([1.0, 0.0]), kind="trust")
    np.testing.assert_allclose(colours(cloud)[0], segment_colour(0), atol=1e-6)
    assert colours(cloud)[1].min() > 0.8


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "heat"}, "heat"),
        ({"kind": "number"}, "needs values"),
        ({"values": [1.0, 2.0], "kind": "number"}, "3 points"),
    ],
)
def test_a_wrong_colour_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        IpyvolumeCloud(points_of(3), [0, 1, 1]).set_colour("x", **given)


def test_a_click_selects_the_row_that_was_drawn_there() -> None:
    n = SHOWN * 2
    cloud = IpyvolumeCloud(points_of(n), np.zeros(n, int))
    cloud.describe = lambda row: [("id", f"<customer {row}>")]
    told: list[list[int]] = []
    cloud.on_selection(lambda rows: told.append(rows.tolist()))
    click(cloud, 7)
    row = int(cloud._rows[7])
    assert told == [[row]]
    assert cloud.selection.tolist() == [row]
    assert f"&lt;customer {row}&gt;" in cloud._told.value


def lasso(cloud: IpyvolumeCloud, shape: Any, kind: str = "lasso", width: float = 1000, height: float = 500) -> None:
    """What ipyvolume sends after a selector was drawn; the shape in device axes."""

    def pixel(corner: list[float]) -> list[float]:
        return [(corner[0] + 1) / 2 * width, (1 - corner[1]) / 2 * height]

    pixels = [pixel(one) for one in shape] if kind == "lasso" else {name: pixel(at) for name, at in shape.items()}
    data = {"type": kind, "device": shape, "pixel": pixels}
    cloud.figure._handle_custom_msg({"event": "selection", "data": data}, [])


def test_a_lasso_selects_all_rows_in_it_not_only_those_that_are_drawn() -> None:
    n = SHOWN * 2
    points = points_of(n)
    cloud = IpyvolumeCloud(points, np.zeros(n, int))
    lasso(cloud, [[0, -1], [1, -1], [1, 1], [0, 1]])
    middle = np.mean(cloud.figure.xlim)
    np.testing.assert_array_equal(cloud.selection, np.flatnonzero(points[:, 0] > middle))


def test_a_lasso_follows_the_camera_and_the_shape_of_the_picture() -> None:
    points = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float)
    cloud = IpyvolumeCloud(points)
    # From the right, x towards the viewer and z to the left.
    cloud.figure.camera.position = (2, 0, 0)
    cloud.figure.camera.quaternion = (0, np.sin(np.pi / 4), 0, np.cos(np.pi / 4))
    lasso(cloud, [[-1, -0.2], [-0.05, -0.2], [-0.05, 0.2], [-1, 0.2]])
    assert cloud.selection.tolist() == [4]
    # Half a unit beside the middle, two away: in a picture twice as wide as high it is half as far out.
    at = 0.5 / (2 * np.tan(np.radians(22.5)))
    square = [[-at / 2 - 0.02, -0.1], [-at / 2 + 0.02, -0.1], [-at / 2 + 0.02, 0.1], [-at / 2 - 0.02, 0.1]]
    lasso(cloud, square)
    assert cloud.selection.tolist() == [4]
    lasso(cloud, square, width=500)
    assert cloud.selection.tolist() == []


@pytest.mark.parametrize("kind", ["circle", "rectangle"])
def test_a_circle_and_a_rectangle_select(kind: str) -> None:
    points = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]], float)
    cloud = IpyvolumeCloud(points)
    shape = {"begin": [0.36, -0.2], "end": [0.1, 0.2]} if kind == "rectangle" else {"begin": [0.36, 0], "end": [0.5, 0]}
    lasso(cloud, shape, kind)
    assert cloud.selection.tolist() == [0]


def test_what_is_not_selected_fades_and_other_points_select_nothing() -> None:
    cloud = IpyvolumeCloud(points_of(4), [0, 0, 1, 1])
    before = colours(cloud)
    cloud.set_selection([3, 1])
    assert cloud.selection.tolist() == [1, 3]
    np.testing.assert_allclose(colours(cloud)[[1, 3]], before[[1, 3]], atol=1e-6)
    assert (colours(cloud)[[0, 2]] > before[[0, 2]]).any(axis=1).all()
    with pytest.raises(ValueError, match="4 points"):
        cloud.set_selection([4])
    cloud.set_points(points_of(4), [0, 0, 1, 1])
    assert cloud.selection.tolist() == [1, 3]
    cloud.set_points(points_of(5), [0, 0, 1, 1, 1])
    assert cloud.selection.tolist() == []


def test_another_choice_of_colour_is_told_and_its_own_is_not() -> None:
    cloud = IpyvolumeCloud(points_of(4), [0, 0, 1, 1])
    told: list[str] = []
    cloud.on_colour(told.append)
    cloud.colour_choices = ["segment", "spend"]
    assert cloud._choice.value == "segment"
    cloud.set_colour("spend", np.arange(4.0), kind="number")
    assert cloud._choice.value == "spend"
    assert told == []
    cloud._choice.value = "segment"
    assert told == ["segment"]


def test_it_cuts_nothing_by_itself_and_carries_eps() -> None:
    cloud = IpyvolumeCloud(points_of(4))
    cloud.eps = 0.4
    assert (cloud.cuts_itself, cloud.eps) == (False, 0.4)
    assert "eps" in cloud.keys


def test_the_last_picture_is_kept() -> None:
    cloud = IpyvolumeCloud(points_of(4))
    png = base64.b64encode(b"\x89PNG...").decode()
    cloud.figure._handle_custom_msg({"event": "screenshot", "data": f"data:image/png;base64,{png}"}, [])
    assert cloud.still == b"\x89PNG..."


@pytest.mark.parametrize("missing", ["ipyvolume", "ipython_genutils"])
def test_a_missing_package_names_the_command_that_installs_it(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **named: Any) -> Any:
        if name == "ipyvolume":
            raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r'pip install "segwidgets\[ipyvolume\]"'):
        IpyvolumeCloud(points_of(3))


@pytest.mark.parametrize("bad", [np.zeros(3), np.full((3, 3), np.nan), np.zeros((3, 4))])
def test_bad_points_are_refused_and_change_nothing(bad: np.ndarray) -> None:
    cloud = IpyvolumeCloud(points_of(5), [0, 0, 0, 1, 1])
    before = drawn(cloud)
    with pytest.raises(ValueError, match="points"):
        cloud.set_points(bad)
    with pytest.raises(ValueError, match="labels"):
        cloud.set_labels([0, 1])
    np.testing.assert_array_equal(drawn(cloud), before)
