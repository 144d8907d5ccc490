"""The whole path as a user walks it: run the notebook, move eps, drag the line, promote, read the leaderboard."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Locator, expect

from .conftest import Lab, Notebook
from .driver import wait_for_index

pytestmark = pytest.mark.browser

ROWS = 46_766
PANEL_CELL = 2


def segments(cloud: Locator) -> int:
    return int(cloud.get_attribute("data-segments") or -1)


def wait_for_other(cloud: Locator, before: int) -> int:
    """The count of segments once it differs from ``before``."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if (now := segments(cloud)) not in {before, -1}:
            return now
        cloud.page.wait_for_timeout(20)
    raise AssertionError(f"still {before} segments after 60 s")


def test_a_newcomer_walks_the_whole_path(notebook: Notebook, lab: Lab) -> None:
    page = notebook.page
    notebook.open(lab, "01_explore.ipynb")
    notebook.run_cell(1)
    assert "46,766" in notebook.output(1)

    # A first picture of all rows, the full map behind it, progress all the way.
    notebook.run_cell(PANEL_CELL)
    cloud = page.locator(".sw-pointcloud").first
    first_picture = page.get_by_text("First picture: a sample, and the other rows around it.")
    # In a fresh clone this is the first to need compiled code, which another process makes.
    expect(first_picture).to_be_visible(timeout=300_000)
    expect(cloud).to_have_attribute("data-points", str(ROWS))
    expect(page.get_by_text(re.compile("Finding neighbours|Laying out"))).to_be_visible(timeout=60_000)
    notebook.shot("preview")
    expect(first_picture).to_be_hidden(timeout=180_000)
    expect(cloud).to_have_attribute("data-points", str(ROWS))
    expect(page.locator(".sw-cards[data-state=final]")).to_be_visible(timeout=60_000)
    assert int(cloud.get_attribute("data-painted") or 0) > 0

    # eps by keyboard: every row is clustered anew.
    before = segments(cloud)
    page.locator(".sw-setting[data-name=eps] input[type=range]").focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    by_key = wait_for_other(cloud, before)
    expect(cloud).to_have_attribute("data-points", str(ROWS))

    # eps by dragging the line of the k-distance plot.
    handle = page.locator(".sw-kdistance-handle").first
    box = handle.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 14, y, steps=6)
    page.mouse.up()
    wait_for_other(cloud, by_key)
    expect(page.locator(".sw-cards[data-state=final]")).to_be_visible(timeout=60_000)
    shown = segments(cloud)
    expect(page.locator(".sw-card[data-score=segments] b")).to_have_text(f"{shown:,}")

    # What sets the segments apart, and the past.
    expect(page.locator(".sw-segmenttable tbody tr").first).to_be_visible(timeout=60_000)
    expect(page.locator(".sw-history [aria-current=true]")).to_be_visible(timeout=30_000)

    # Promote: the job recomputes the segments and finds the same ones.
    page.get_by_role("button", name="Promote").click()
    verdict = page.locator(".sw-verdict[data-state=completed]")
    expect(verdict).to_be_visible(timeout=120_000)
    expect(verdict.locator("b")).to_have_text("exact")
    job = verdict.locator("code").inner_text()

    # The leaderboard has the run.
    line = page.locator(".sw-board tbody tr", has_text=job)
    expect(line).to_be_visible(timeout=60_000)
    expect(line).to_contain_text("exact")
    expect(line).to_contain_text("completed")
    expect(line).to_contain_text(f"{shown:,}")

    page.set_viewport_size({"width": 1560, "height": 2400})  # or the lower half is outside of the picture
    page.mouse.move(2, 2)
    notebook.shot("explore-light", of=".sw-panel")
    notebook.theme("JupyterLab Dark")
    notebook.shot("explore-dark", of=".sw-panel")
    assert notebook.errors == []


def test_what_goes_wrong_in_the_background_is_told_in_the_panel(notebook: Notebook, lab: Lab) -> None:
    page = notebook.page
    name = lab.write_notebook(
        "broken.ipynb",
        "import pandas as pd\nimport segwidgets as sw\n"
        "panel = sw.Panel(sw.read(pd.DataFrame({'same': [1.0] * 50, 'too': [2.0] * 50})))\npanel",
    )
    notebook.open(lab, name)
    notebook.run_cell(0)
    error = page.locator(".sw-error[role=alert]")
    expect(error).to_be_visible(timeout=60_000)
    expect(error).to_contain_text("This did not work.")
    expect(error).to_contain_text("same")
    expect(error.locator("details")).not_to_have_attribute("open", "")
    assert notebook.errors == []


def test_eps_moves_while_the_kernel_is_busy(notebook: Notebook, lab: Lab) -> None:
    page = notebook.page
    busy = lab.busy_cell("busy")
    name = lab.write_notebook(
        "busy.ipynb",
        "import segwidgets as sw\npanel = sw.Panel(sw.samples.blobs(3000))\npanel",
        "panel.wait(120); None",
        busy.code,
    )
    notebook.open(lab, name)
    notebook.run_cell(0)
    notebook.run_cell(1)
    cloud = page.locator(".sw-pointcloud").first
    handle = page.locator(".sw-setting[data-name=eps] input[type=range]")
    expect(page.locator(".sw-cards[data-state=final]")).to_be_visible(timeout=60_000)
    wait_for_index(cloud)
    before = segments(cloud)
    notebook.run_cell(2, wait=False)
    busy.wait_until_begun()
    handle.focus()
    for _ in range(40):
        page.keyboard.press("ArrowLeft")
    assert wait_for_other(cloud, before) > 0
    assert notebook.output(2) == "", "the kernel was busy all the while"
    busy.let_go()
    assert notebook.errors == []


def test_the_panel_is_accessible(notebook: Notebook, lab: Lab) -> None:
    page = notebook.page
    name = lab.write_notebook(
        "accessible.ipynb", "import segwidgets as sw\npanel = sw.Panel(sw.samples.blobs(1000))\npanel"
    )
    notebook.open(lab, name)
    notebook.run_cell(0)
    expect(page.locator(".sw-cards[data-state=final]")).to_be_visible(timeout=90_000)
    expect(page.locator(".sw-segmenttable tbody tr").first).to_be_visible(timeout=60_000)
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.theme(theme)
        assert notebook.accessible(".sw-panel") == []
