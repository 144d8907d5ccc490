"""The leaderboard as a user reads it: sort, filter, brush, compare, and go back to a run's settings."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from .conftest import Lab, Notebook

pytestmark = pytest.mark.browser

#: A real job at eps 0.35, after which the panel goes elsewhere; and thousands of runs from elsewhere beside it.
CELL = """
import segwidgets as sw
panel = sw.Panel(sw.samples.blobs(1000), sw.Recipe().replace(eps=0.35, n_epochs=100))
panel.wait(120)
panel.promote()
panel._promotion.wait(180)
job = panel.job.name
panel.recipe = panel.recipe.replace(eps=0.9)
panel.wait(120)
others = [
    {"name": f"other-{i}", "experiment": "spring", "trial": "north" if i % 2 else "south", "source": "mlflow",
     "status": "failed" if i % 50 == 7 else "completed", "verdict": "exact", "segments": 3 + i % 20,
     "smallest": 0.001 * (i % 60), "coverage": 0.5 + i / 10_000, "silhouette": 0.9 - i / 10_000, "eps": 0.1 + i / 5000,
     "min_samples": 5, "n_neighbors": 15, "min_dist": 0.1, "started": f"2026-01-{1 + i % 28:02d}T10:00:00+00:00",
     "duration": 10.0 + i}
    for i in range(4_999)
]
ours = [run for run in panel._promotion.board.runs.runs if run["name"] == job]
panel._promotion.board.show(ours + others)
print(job)
panel
"""


@pytest.fixture
def board(notebook: Notebook, lab: Lab) -> Locator:
    notebook.open(lab, lab.write_notebook("board.ipynb", CELL, "print(panel.recipe.clustering.eps)"))
    notebook.run_cell(0)
    expect(notebook.page.locator(".sw-board tbody tr").first).to_be_visible(timeout=120_000)
    found = notebook.page.locator(".sw-leaderboard")
    found.scroll_into_view_if_needed()
    return found


def first_names(board: Locator, rows: int = 3) -> list[str]:
    """The names in the first rows."""
    return [board.locator(f"tr[aria-rowindex='{i + 2}'] [role=rowheader]").inner_text() for i in range(rows)]


def in_page(board: Locator) -> int:
    return board.locator("tbody tr").count()


def told(board: Locator) -> Locator:
    """The sentence that says how many runs are shown."""
    return board.locator(".sw-lb-status")


def test_thousands_of_runs_are_sorted_filtered_compared_and_opened(notebook: Notebook, board: Locator) -> None:
    job = notebook.output(0).splitlines()[0]
    expect(told(board)).to_contain_text("5,000 runs")
    assert in_page(board) < 60, "only the rows in sight are in the page"
    sort(board, job)
    constrain(board, job)
    brush(board)
    compare(notebook, board)
    go_back(notebook, board, job)
    assert notebook.errors == []


def sort(board: Locator, job: str) -> None:
    """By mouse and by keyboard."""
    page = board.page
    board.get_by_role("button", name="Coverage").click()
    expect(board.get_by_role("columnheader", name="Coverage")).to_have_attribute("aria-sort", "descending")
    assert job in first_names(board) or "other-4998" in first_names(board)
    board.get_by_role("button", name="Coverage").click()
    expect(board.get_by_role("columnheader", name="Coverage")).to_have_attribute("aria-sort", "ascending")
    assert "other-0" in first_names(board)
    # Up to the heads, along them, sort; then down into the rows, as far as one likes.
    board.locator("tr[aria-rowindex='2'] [role=rowheader]").click()
    page.keyboard.press("ArrowUp")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(board.get_by_role("columnheader", name="Verdict")).to_have_attribute("aria-sort", "ascending")
    for _ in range(30):
        page.keyboard.press("PageDown")
    row = page.evaluate("Number(document.activeElement.closest('[role=row]').getAttribute('aria-rowindex'))")
    assert row > 200
    expect(board.locator(f"tr[aria-rowindex='{row}']")).to_be_in_viewport()
    assert in_page(board) < 60


def constrain(board: Locator, job: str) -> None:
    """Limits, words and the front leave fewer."""
    status = told(board)
    board.get_by_label("Noise at most").fill("15")
    expect(status).to_contain_text("1,500 of 5,000 runs")
    board.get_by_label("Segments from", exact=True).fill("4")
    board.get_by_label("Segments to", exact=True).fill("9")
    board.get_by_label("Each segment at least").fill("2 %")
    board.get_by_label("Status").select_option("completed")
    expect(status).not_to_contain_text("1,500")
    board.get_by_label("Noise at most").fill("lots")
    expect(board.get_by_role("alert")).to_contain_text("from 0 to 100")
    board.get_by_role("button", name="Show all").click()
    expect(status).to_contain_text("5,000 runs")
    board.get_by_label("Find").fill("other-12 north")
    expect(status).to_contain_text("55 of 5,000 runs")
    board.get_by_role("button", name="Show all").click()
    board.get_by_label("Front: second objective").select_option("duration")
    board.get_by_role("button", name="Pareto front only").click()
    assert first_names(board, 1) in (["other-0"], [job])
    board.get_by_role("button", name="Show all").click()


def brush(board: Locator) -> None:
    """A range drawn on an axis, let go, and typed."""
    page, status = board.page, told(board)
    board.get_by_role("button", name="Parallel coordinates").click()
    axis = board.locator(".sw-lb-strip[data-axis=silhouette]").bounding_box()
    assert axis is not None
    x = axis["x"] + axis["width"] / 2
    page.mouse.move(x, axis["y"] + 2)
    page.mouse.down()
    page.mouse.move(x, axis["y"] + 60, steps=5)
    page.mouse.up()
    expect(status).to_contain_text(" of 5,000 runs")
    page.mouse.click(x, axis["y"] + 90)
    expect(status).not_to_contain_text(" of 5,000 runs")
    board.get_by_text("Ranges as numbers").click()
    board.get_by_label("Keep Segments to").fill("3")
    page.keyboard.press("Tab")
    expect(status).to_contain_text(" of 5,000 runs")
    board.get_by_role("button", name="Show all").click()


def compare(notebook: Notebook, board: Locator) -> None:
    """Two beside each other, for everybody."""
    board.get_by_label("Find").fill("other-10")
    board.get_by_role("checkbox", name="Compare other-10", exact=True).check()
    expect(told(board)).to_contain_text("tick another one")
    board.get_by_role("checkbox", name="Compare other-100", exact=True).check()
    pair = board.locator(".sw-lb-pair")
    expect(pair.locator("tbody").first).to_contain_text("eps")
    expect(pair.locator("tr", has_text="Coverage")).to_contain_text("+0.9 points")
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        notebook.theme(theme)
        assert notebook.accessible(".sw-leaderboard") == []
    pair.get_by_role("button", name="Close").click()
    expect(pair).to_be_hidden()


def go_back(notebook: Notebook, board: Locator, job: str) -> None:
    """A run of this machine takes the panel back; one from elsewhere says why it cannot."""
    board.get_by_role("button", name="Open other-10 in the panel").click()
    told = "Not opened: the recipe of other-10 is neither on this machine nor in its trackers"
    # The trackers are asked in a process of its own.
    expect(board.get_by_text(told)).to_be_visible(timeout=90_000)
    board.get_by_label("Find").fill(job)
    board.get_by_role("button", name=f"Open {job}").click()
    expect(board.get_by_text(f"The settings of {job} are in the panel.")).to_be_visible(timeout=60_000)
    notebook.run_cell(1)
    assert notebook.output(1) == "0.35\n"
