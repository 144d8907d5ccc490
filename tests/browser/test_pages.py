"""The pages below the map in a live JupyterLab: each asked for, looked at in light and dark, and taken from."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .conftest import Lab, Notebook

pytestmark = pytest.mark.browser

_PANEL = "import segwidgets as sw\npanel = sw.Panel(sw.samples.blobs(1500))\npanel"
_SETTINGS = (
    "import json\nc = panel.recipe.clustering\n"
    "print(json.dumps({'eps': c.eps, 'min_samples': c.min_samples, 'clusters': panel.wait(60).scores.clusters}))"
)

_TWINS = (
    "import pandas as pd\nimport segwidgets as sw\n"
    "rows = sw.samples.blobs(800).to_frame()\nrows['twin'] = 2 * rows.iloc[:, 0]\n"
    "panel = sw.Panel(sw.read(rows))\npanel"
)
_EXCLUDED = "print(list(panel.recipe.features.exclude))"


def _open(notebook: Notebook, lab: Lab, name: str, *cells: str) -> Page:
    notebook.open(lab, lab.write_notebook(name, _PANEL, _SETTINGS, *cells))
    notebook.run_cell(0)
    expect(notebook.page.locator(".sw-cards[data-state=final]")).to_be_visible(timeout=120_000)
    return notebook.page


def _page(notebook: Notebook, title: str) -> None:
    notebook.page.locator(".sw-panel").get_by_role("tab", name=title).click()


def _settings(notebook: Notebook) -> dict[str, Any]:
    notebook.run_cell(1)
    told: dict[str, Any] = json.loads(notebook.output(1))
    return told


def test_a_click_on_a_plateau_takes_its_settings(notebook: Notebook, lab: Lab) -> None:
    page = _open(notebook, lab, "stability.ipynb")
    _page(notebook, "Stability")
    page.get_by_role("button", name="Make the stability map").click()
    heat = page.locator(".sw-heat[data-painted='1']")
    expect(heat).to_be_visible(timeout=120_000)
    mark = heat.locator(".sw-heat-mark").first
    expect(mark).to_be_visible(timeout=120_000)
    expect(page.get_by_text("settings, 5 samples")).to_be_visible(timeout=120_000)

    said = re.search(r"eps ([\d.e-]+) of .*min_samples (\d+) of", mark.get_attribute("title") or "")
    assert said is not None
    segments = int((mark.inner_text().split(": ")[1]).split()[0])
    mark.click()
    expect(page.locator(".sw-cards[data-state=final]")).to_be_visible(timeout=60_000)
    now = _settings(notebook)
    assert float(f"{now['eps']:.3g}") == float(said[1])
    assert now["min_samples"] == int(said[2])
    assert now["clusters"] == segments

    # By key: from cell to cell, told in words, taken by Enter.
    plot = heat.locator(".sw-heat-plot")
    plot.focus()
    before = heat.locator(".sw-heat-readout").inner_text()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    after = heat.locator(".sw-heat-readout").inner_text()
    assert before != after
    sizes = re.search(r"min_samples (\d+)", after)
    assert sizes is not None
    page.keyboard.press("Enter")
    expect(page.locator(".sw-cards[data-state=final]")).to_be_visible(timeout=60_000)
    assert _settings(notebook)["min_samples"] == int(sizes[1])

    page.get_by_role("button", name="Is each segment stable?").click()
    expect(page.get_by_role("table", name="Stability of the segments")).to_be_visible(timeout=60_000)
    page.set_viewport_size({"width": 1560, "height": 2000})
    notebook.shot("stability-light", of=".sw-panel")
    assert notebook.accessible(".sw-panel .jupyter-widget-tab") == []
    notebook.theme("JupyterLab Dark")
    notebook.shot("stability-dark", of=".sw-panel")
    assert notebook.errors == []


def test_methods_stand_side_by_side_with_a_map_each(notebook: Notebook, lab: Lab) -> None:
    page = _open(notebook, lab, "methods.ipynb")
    _page(notebook, "Methods")
    page.get_by_label("PCA", exact=True).check()
    page.get_by_role("button", name="Compare methods").click()
    table = page.get_by_role("table", name="Methods side by side")
    expect(table.locator("tbody tr")).to_have_count(8, timeout=120_000)
    expect(page.locator("svg.sw-figure")).to_be_visible(timeout=120_000)
    assert table.locator("img").count() == 8
    assert page.get_by_text("favours").count() >= 3
    page.set_viewport_size({"width": 1560, "height": 2600})
    notebook.shot("methods-light", of=".sw-panel")
    assert notebook.accessible(".sw-panel .jupyter-widget-tab") == []
    notebook.theme("JupyterLab Dark")
    notebook.shot("methods-dark", of=".sw-panel")
    assert notebook.errors == []


def test_features_are_looked_at_and_left_out(notebook: Notebook, lab: Lab) -> None:
    # Two columns say the same: one of them is proposed to go.
    notebook.open(lab, lab.write_notebook("features.ipynb", _TWINS, _EXCLUDED))
    notebook.run_cell(0)
    page = notebook.page
    expect(page.locator(".sw-cards[data-state=final]")).to_be_visible(timeout=120_000)
    _page(notebook, "Features")
    page.get_by_role("button", name="Look at the features").click()
    heat = page.locator(".sw-heat[data-painted='1']")
    expect(heat).to_be_visible(timeout=120_000)
    heat.locator(".sw-heat-plot").focus()
    page.keyboard.press("End")
    expect(heat.locator(".sw-heat-readout")).to_contain_text("association")
    page.set_viewport_size({"width": 1560, "height": 3000})
    notebook.shot("features-light", of=".sw-panel")
    assert notebook.accessible(".sw-panel .jupyter-widget-tab") == []
    notebook.theme("JupyterLab Dark")
    notebook.shot("features-dark", of=".sw-panel")

    page.get_by_role("button", name="Leave these out").click()
    expect(page.get_by_role("button", name="Take them back")).to_be_enabled(timeout=60_000)
    notebook.run_cell(1)
    assert notebook.output(1).strip() in {"['x0']", "['twin']"}
    assert notebook.errors == []


def test_a_finished_job_is_compared_reported_and_downloaded(notebook: Notebook, lab: Lab) -> None:
    page = _open(notebook, lab, "compare.ipynb")
    page.get_by_role("button", name="Promote").click()
    expect(page.locator(".sw-verdict[data-state=completed]")).to_be_visible(timeout=180_000)

    job = page.locator(".sw-verdict[data-state=completed] code").inner_text()
    page.get_by_role("button", name=re.compile(r"^\W*Report\W*$")).click()
    link = page.locator("a[download$='.html']")
    expect(link).to_be_visible(timeout=120_000)
    with page.expect_download() as waiting:
        link.click()
    text = waiting.value.path().read_text("utf-8")
    assert "<!doctype html>" in text[:200].lower()
    assert "segment" in text

    _page(notebook, "Compare")
    page.locator(".sw-panel").get_by_role("button", name="Refresh").click()
    page.get_by_placeholder("instead: a job's name").fill(job)
    page.keyboard.press("Tab")
    compare = page.get_by_role("button", name="Compare with what is shown")
    expect(compare).to_be_enabled(timeout=60_000)
    compare.click()
    expect(page.locator("svg.sw-figure")).to_be_visible(timeout=120_000)
    page.get_by_role("button", name="Does that run still fit this table?").click()
    expect(page.get_by_text("reuse").first).to_be_visible(timeout=180_000)
    page.set_viewport_size({"width": 1560, "height": 3000})
    notebook.shot("compare-light", of=".sw-panel")
    assert notebook.accessible(".sw-panel .jupyter-widget-tab") == []
    notebook.theme("JupyterLab Dark")
    notebook.shot("compare-dark", of=".sw-panel")
    assert notebook.errors == []
