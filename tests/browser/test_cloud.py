"""The point cloud in a live JupyterLab: it cuts by itself as the kernel would, selects, and comes back."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Locator, expect

from .conftest import Lab, Notebook

pytestmark = pytest.mark.browser

ROWS = 3000
SETUP = f"""
import json, time
import ipywidgets as widgets, numpy as np
from segwidgets.compute.density import DensityIndex
from segwidgets.panel import pointcloud
from segwidgets.panel.pointcloud import PointCloud
pointcloud.KEPT_POINTS = LIMIT
rng = np.random.default_rng(3)
points = (rng.normal(size=({ROWS}, 3)) + 5 * rng.integers(0, 3, size=({ROWS}, 3))).astype(np.float32)
index = DensityIndex(points, min_samples=6)
cloud = PointCloud(points, index.labels(0.5), height=420)
cloud.describe = lambda row: [("id", f"customer {{row}}")]
cloud.set_index(index.portable(), 0.5)
eps = widgets.FloatSlider(0.5, min=0.2, max=1.5, step=0.01, description="eps", readout_format=".2f")
link = widgets.jslink((eps, "value"), (cloud, "eps"))
"""
SHOW = "display(eps, cloud)"
GRID = [0.2 + 0.031 * i for i in range(40)]


def started(notebook: Notebook, lab: Lab, name: str, kept: int, *cells: str) -> Locator:
    """A notebook that shows a cloud; ``kept`` is up to how many points its state holds the arrays."""
    notebook.open(lab, lab.write_notebook(name, SETUP.replace("LIMIT", str(kept)), SHOW, *cells))
    notebook.run_cell(0)
    notebook.run_cell(1)
    cloud = notebook.page.locator(".sw-pointcloud").first
    expect(cloud).to_have_attribute("data-points", str(ROWS), timeout=20_000)
    painted(cloud)
    return cloud


def painted(cloud: Locator) -> None:
    cloud.page.wait_for_function("root => Number(root.dataset.painted) > 0", arg=cloud.element_handle(), timeout=20_000)


def lasso(cloud: Locator) -> int:
    """Draw round the middle of the picture; how many points that selects."""
    cloud.get_by_role("button", name="Lasso").click()
    box = cloud.locator("canvas").bounding_box()
    assert box is not None
    mouse = cloud.page.mouse
    corners = [(0.3, 0.3), (0.6, 0.25), (0.7, 0.7), (0.35, 0.75), (0.3, 0.35)]
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in corners]
    mouse.move(*places[0])
    mouse.down()
    for place in places[1:]:
        mouse.move(*place, steps=5)
    mouse.up()
    expect(cloud).not_to_have_attribute("data-selected", "0")
    return int(cloud.get_attribute("data-selected") or 0)


def press(notebook: Notebook, key: str, times: int) -> None:
    notebook.page.locator(".widget-slider", has_text="eps").locator(".noUi-handle").focus()
    for _ in range(times):
        notebook.page.keyboard.press(key)


def test_kernel_and_browser_agree_label_for_label_and_neither_waits_for_the_other(notebook: Notebook, lab: Lab) -> None:
    labels = f"print(json.dumps([index.labels(float(np.float32(e))).tolist() for e in {GRID}]))"
    asleep = lab.busy_cell("agree")
    cloud = started(notebook, lab, "agree.ipynb", 10_000, labels, asleep.code, "print(cloud.eps)")
    notebook.run_cell(2)
    expected = json.loads(notebook.output(2))
    shown = cloud.evaluate(
        """async (root, grid) => {
             const found = [];
             for (const eps of grid) {
               // What the kernel said before may arrive between the two.
               do {
                 root.cloud.model.set('eps', eps);
                 await new Promise(requestAnimationFrame);
               } while (root.cloud.model.get('eps') !== eps);
               found.push(Array.from(root.cloud.labels()));
             }
             return found;
           }""",
        GRID,
    )
    assert shown == expected
    assert len({max(labels) for labels in expected}) > 5, "the grid crosses many clusterings"

    # The kernel sleeps; the slider moves the cloud all the same, and the kernel hears of it when it wakes.
    press(notebook, "Home", 1)
    before = cloud.get_attribute("data-segments") or ""
    notebook.run_cell(3, wait=False)
    asleep.wait_until_begun()
    press(notebook, "ArrowRight", 25)
    expect(cloud).not_to_have_attribute("data-segments", before)
    expect(cloud.locator(".sw-live")).to_contain_text("at eps 0.45")
    assert notebook.output(3) == ""
    asleep.let_go()
    notebook.run_cell(4)
    assert float(notebook.output(4)) == pytest.approx(0.45)


def test_picks_lassos_and_names_reach_python_and_every_view(notebook: Notebook, lab: Lab) -> None:
    tell = "print(len(cloud.selection), cloud.names, len(cloud.still))"
    cloud = started(notebook, lab, "select.ipynb", 10_000, "display(cloud)", tell, tell)
    page = notebook.page
    notebook.run_cell(2)
    second = page.locator(".sw-pointcloud").nth(1)
    painted(second)

    selected = lasso(cloud)
    assert 100 < selected < ROWS
    expect(second).to_have_attribute("data-selected", str(selected))
    segment = cloud.locator(".sw-row").first
    segment.hover()
    segment.get_by_role("button", name="Rename").click()
    page.keyboard.type("families")
    page.keyboard.press("Enter")
    expect(second.locator(".sw-row-name").first).to_have_text("families")
    page.wait_for_timeout(2500)  # the still picture waits for rest
    notebook.run_cell(3)
    rows, rest = notebook.output(3).split(" ", 1)
    assert int(rows) == selected
    assert "'families'" in rest
    assert int(rest.rsplit(" ", 1)[1]) > 1000

    # The kernel tells of the point under the pointer, a click selects it. JupyterLab sees no key of ours.
    canvas = cloud.locator("canvas")
    cells = page.locator(".jp-Cell").count()
    canvas.focus()
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    expect(cloud).to_have_attribute("data-selected", "0")
    assert page.locator(".jp-Cell").count() == cells
    place = cloud.evaluate(
        """root => {
             const { x, y, width, height } = root.querySelector('canvas').getBoundingClientRect();
             return [x + width * 0.45, y + height * 0.5, width];
           }"""
    )
    for step in range(40):
        page.mouse.move(place[0] + step * 4, place[1])
        page.wait_for_timeout(80)
        if cloud.get_attribute("data-row") is not None:
            break
    row = cloud.get_attribute("data-row")
    expect(cloud.locator(".sw-facts")).to_contain_text(f"customer {row}")
    page.mouse.click(place[0] + step * 4, place[1])
    expect(second).to_have_attribute("data-selected", "1")
    assert notebook.errors == []


@pytest.mark.parametrize(("kept", "name"), [(10_000, "kept"), (1000, "asked for")])
def test_a_page_that_is_loaded_again_shows_what_it_showed(notebook: Notebook, lab: Lab, kept: int, name: str) -> None:
    cloud = started(notebook, lab, f"reload {kept}.ipynb", kept)
    page = notebook.page
    selected = lasso(cloud)
    press(notebook, "ArrowRight", 20)
    cloud.locator(".sw-row").nth(1).click()
    seen = cloud.evaluate(
        "root => [root.dataset.segments, root.dataset.noise, Array.from(root.cloud.segmentation.colours)]"
    )
    page.wait_for_timeout(2500)
    page.evaluate("window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_timeout(500)
    page.reload()
    again = page.locator(".sw-pointcloud").first
    expect(again).to_have_attribute("data-points", str(ROWS), timeout=60_000)
    painted(again)
    expect(again).to_have_attribute("data-selected", str(selected))
    expect(again.locator(".sw-isolated")).to_have_count(1)
    assert (
        again.evaluate(
            "root => [root.dataset.segments, root.dataset.noise, Array.from(root.cloud.segmentation.colours)]"
        )
        == seen
    )

    # The browser takes the context away and gives it back.
    again.evaluate(
        """root => {
             root.loss = root.querySelector('canvas').getContext('webgl2').getExtension('WEBGL_lose_context');
             root.loss.loseContext();
           }"""
    )
    expect(again.locator(".sw-message")).to_contain_text("graphics memory")
    before = int(again.get_attribute("data-painted") or 0)
    again.evaluate("root => root.loss.restoreContext()")
    expect(again.locator(".sw-message")).to_be_hidden()
    page.wait_for_function(
        "([root, before]) => Number(root.dataset.painted) > before", arg=[again.element_handle(), before]
    )
    assert notebook.errors == []


def test_a_notebook_opened_without_its_kernel_shows_the_cloud_or_its_last_picture(notebook: Notebook, lab: Lab) -> None:
    small = started(notebook, lab, "closed.ipynb", 10_000, "pointcloud.KEPT_POINTS = 100", "PointCloud(points)")
    page = notebook.page
    segments = small.get_attribute("data-segments") or ""
    notebook.run_cell(2)
    notebook.run_cell(3)
    large = page.locator(".sw-pointcloud").nth(1)
    painted(large)
    page.wait_for_timeout(2500)
    page.evaluate(
        """async () => {
             const { commands, shell } = window.jupyterapp;
             await commands.execute('@jupyter-widgets/jupyterlab-manager:saveWidgetState');
             await commands.execute('docmanager:save');
             await shell.currentWidget.context.sessionContext.shutdown();
           }"""
    )
    page.reload()
    expect(small).to_have_attribute("data-segments", segments, timeout=60_000)
    painted(small)
    press(notebook, "ArrowRight", 30)
    expect(small).not_to_have_attribute("data-segments", segments)
    expect(large.locator(".sw-message")).to_contain_text("Waiting for the kernel to send 3,000 points")
    picture = large.locator(".sw-still")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 100
    assert notebook.errors == []
