"""Thumbnails are PNGs in the map's colours."""

from __future__ import annotations

import io

import matplotlib.image
import numpy as np
import pytest

from segwidgets.palette import segment_colours
from segwidgets.panel.thumbnail import thumbnail


def read(png: bytes) -> np.ndarray:
    return matplotlib.image.imread(io.BytesIO(png), format="png")


@pytest.mark.parametrize("dims", [2, 3])
def test_every_segment_shows_in_its_colour_on_nothing(dims: int) -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [300, 200])
    points = rng.normal(size=(500, dims)) * 0.3 + 5.0 * labels[:, None]
    picture = read(thumbnail(points, labels))
    assert picture.shape == (72, 96, 4)
    shown = picture[picture[..., 3] > 0][:, :3]
    colours = np.rint(segment_colours(2) * 255) / 255
    distance = np.abs(shown[:, None] - colours).max(axis=2)
    assert distance.min(axis=1).max() < 0.01
    assert set(distance.argmin(axis=1)) == {0, 1}
    assert (picture[..., 3] == 0).mean() > 0.5


def test_noise_lies_behind() -> None:
    points = np.zeros((20, 2))
    labels = np.array([0] * 10 + [-1] * 10)
    picture = read(thumbnail(points, labels))
    shown = picture[picture[..., 3] > 0][:, :3]
    np.testing.assert_allclose(shown, np.rint(segment_colours(1) * 255) / 255, atol=0.01)


def test_no_point_is_an_empty_picture() -> None:
    assert read(thumbnail(np.empty((0, 3)), np.empty(0, np.int32)))[..., 3].max() == 0
