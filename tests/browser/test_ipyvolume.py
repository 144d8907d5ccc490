"""The ipyvolume renderer in a live JupyterLab: it draws, follows the theme, and gives what was selected to Python."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from segwidgets.palette import css, noise_colour, segment_colour

from .conftest import Lab, Notebook

pytestmark = pytest.mark.browser

CELL = """
import numpy as np
from segwidgets.panel import ipyvolume
# Few points, and fewer in the sample: software draws them anew at each move of the mouse.
ipyvolume.SHOWN = 600
random = np.random.default_rng(0)
centres = np.array([[-6, 0, 0], [6, 0, 0], [0, 6, 3], [0, -6, -3]], float)
truth = random.integers(0, 4, 800)
points = centres[truth] + random.normal(size=(800, 3)) * 0.7
cloud = ipyvolume.IpyvolumeCloud(points, truth, caption="Four blobs.", height=420)
cloud
"""
#: How well the selection is the segment that is drawn in blue.
SELECTED = """
blue = max(range(4), key=lambda label: (truth == label).sum())
chosen = np.isin(np.arange(len(truth)), cloud.selection)
print((chosen & (truth == blue)).sum() / (chosen | (truth == blue)).sum())
"""
#: The same points in both renderers, with more segments than the palette has chosen colours.
PALETTES = """
import numpy as np
import segwidgets as sw
labels = np.repeat(np.arange(-1, 48), np.arange(49, 0, -1))
cloud = sw.PointCloud(np.random.default_rng(0).normal(size=(len(labels), 3)), labels)
cloud
"""


def pixels(picture: bytes) -> np.ndarray:
    """(rows, columns, 3) float: the picture's colours, from 0 to 1."""
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), float) / 255


def near(picture: np.ndarray, colour: tuple[float, float, float]) -> np.ndarray:
    """Where the picture has that hue: ipyvolume shades its markers, so any brightness of it."""
    wanted = np.array(colour) / np.linalg.norm(colour)
    lengths = np.linalg.norm(picture, axis=2)
    direction = picture / np.maximum(lengths, 1e-6)[..., None]
    return np.asarray((lengths > 0.2) & (np.abs(direction - wanted).max(axis=2) < 0.05))


def picture_with(canvas: Locator, *colours: tuple[float, float, float]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The scene once it shows all these colours, and where; drawing takes as long as the machine is busy."""
    end = time.monotonic() + 180
    while time.monotonic() < end:
        picture = pixels(canvas.screenshot())
        shown = [near(picture, colour) for colour in colours]
        if min(where.sum() for where in shown) > 100:
            return picture, shown
        canvas.page.wait_for_timeout(200)
    raise AssertionError("the scene did not show the colours within 180 s")


def test_the_scene_is_drawn_and_a_lasso_selects(notebook: Notebook, lab: Lab) -> None:
    page = notebook.page
    notebook.open(lab, lab.write_notebook("ipyvolume.ipynb", CELL, SELECTED, "cloud.set_selection([])"))
    notebook.run_cell(0)
    canvas = page.locator(".sw-ipyvolume canvas").first
    expect(canvas).to_be_visible(timeout=30_000)
    expect(page.locator(".sw-said")).to_contain_text("600 of 800 points are drawn")

    # WebGL draws all points of the sample, each a marker of several corners.
    page.wait_for_function("() => window.__seen.vertices >= 600 * 24", timeout=60_000)

    # In the colours of the legend.
    _, shown = picture_with(canvas, *map(segment_colour, range(4)))
    # The four blobs lie left, right, above and below: the scene is not turned, nor flipped.
    legend = page.locator(".sw-ipyvolume-legend li")
    names = [legend.nth(i).inner_text().split("\n")[0] for i in range(4)]
    middles = {name: np.argwhere(where).mean(axis=0) for name, where in zip(names, shown, strict=True)}
    assert middles["segment 0"][1] < middles["segment 2"][1] < middles["segment 1"][1]
    assert middles["segment 2"][0] < middles["segment 0"][0] < middles["segment 3"][0]
    notebook.shot("ipyvolume-light", of=".sw-ipyvolume")

    # Control and a drag around the blue blob; when the selection is cleared, all colours are back.
    box = canvas.bounding_box()
    assert box is not None
    row, column = np.argwhere(shown[0]).mean(axis=0)
    page.mouse.move(box["x"] + 500, box["y"] + 350)  # the scene hears keys only once the pointer is in it
    page.keyboard.down("Control")
    page.mouse.move(box["x"] + column - 60, box["y"] + row - 60)
    page.mouse.down()
    for x, y in [(60, -60), (60, 60), (-60, 60), (-60, -50)]:
        page.mouse.move(box["x"] + column + x, box["y"] + row + y, steps=4)
    page.mouse.up()
    page.keyboard.up("Control")
    page.wait_for_timeout(1500)
    notebook.run_cell(1)
    assert float(notebook.output(1)) > 0.9
    notebook.run_cell(2)
    picture_with(canvas, *map(segment_colour, range(4)))

    # The page's theme is the scene's.
    notebook.theme("JupyterLab Dark")
    picture, _ = picture_with(canvas, segment_colour(0, dark=True), segment_colour(1, dark=True))
    assert picture[5, 5].max() < 0.2
    notebook.shot("ipyvolume-dark", of=".sw-ipyvolume")
    assert notebook.errors == []


def test_both_renderers_have_the_same_palette(notebook: Notebook, lab: Lab) -> None:
    page = notebook.page
    notebook.open(lab, lab.write_notebook("palettes.ipynb", PALETTES))
    notebook.run_cell(0)
    expect(page.locator(".sw-pointcloud")).to_have_attribute("data-segments", "48", timeout=30_000)
    page.locator(".sw-legend-more").first.click()
    for dark, theme in ((False, "JupyterLab Light"), (True, "JupyterLab Dark")):
        notebook.theme(theme)
        wanted = [css(segment_colour(i, dark=dark)) for i in range(48)] + [css(noise_colour(dark=dark))]
        swatches = page.locator(".sw-legend-list .sw-swatch")
        for at, colour in enumerate(wanted):
            red, green, blue = bytes.fromhex(colour[1:])
            expect(swatches.nth(at)).to_have_css("background-color", f"rgb({red}, {green}, {blue})")
    assert notebook.errors == []
