"""The live map of a report as a client opens it: from disk, without a network, moved by keys and by script."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from scipy.spatial import cKDTree

from segwidgets.compute.density import DensityIndex
from segwidgets.data import samples
from segwidgets.jobs import Job, promote
from segwidgets.recipe import Recipe
from segwidgets.report import write_report

from .driver import SHOTS, violations

pytestmark = pytest.mark.browser

_MAP = "#live .sw-pointcloud"


@pytest.fixture(scope="module")
def job() -> Job:
    done = promote(Recipe().replace(eps=0.5, n_neighbors=10, n_epochs=100), samples.blobs(n=1500)).wait(300)
    assert done.verdict == "exact", done.log()
    return done


@pytest.fixture(scope="module")
def report(job: Job, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(job.output_data, tmp_path_factory.mktemp("report") / "live.html", points=600)


@pytest.fixture
def page(chromium: Browser, report: Path) -> Iterator[Page]:
    context = chromium.new_context(offline=True, viewport={"width": 1100, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    opened(page, report)
    yield page
    assert [address for address in asked if not address.startswith(("file:", "data:"))] == []
    assert [text for text in complaints if "GPU stall" not in text] == []
    context.close()


def opened(page: Page, report: Path) -> None:
    page.goto(report.as_uri())
    page.locator(_MAP).scroll_into_view_if_needed()
    # Playwright's own waiting for a condition evaluates a text, which the page's policy forbids.
    page.locator(f"{_MAP}[data-painted]").wait_for()


def stand(page: Page) -> dict[str, Any]:
    """What is shown now, by dot."""
    found: dict[str, Any] = page.evaluate(
        """selector => {
             const {stand, data} = document.querySelector(selector).live;
             return {step: stand.step, eps: stand.eps, slots: [...stand.segmentation.slots],
                     sizes: [...stand.segmentation.sizes], names: stand.entries.list.map((one) => one.name),
                     steps: data.steps.length, start: data.start};
           }""",
        _MAP,
    )
    return found


def checked(page: Page, index: DensityIndex, rows: np.ndarray[Any, Any]) -> int:
    """How many segments are shown; fails where they are not what `DensityIndex` says of these customers."""
    now = stand(page)
    labels, slots = index.labels(now["eps"]), np.array(now["slots"])
    sizes = np.append(np.bincount(labels[labels >= 0], minlength=1), 0)
    own = np.where(sizes[labels] >= 20, labels, -1)[rows]
    pairs = {(int(label), int(slot)) for label, slot in zip(own, slots, strict=True)}
    assert len(pairs) == len({label for label, _ in pairs}) == len({slot for _, slot in pairs}), f"eps {now['eps']}"
    assert ((own < 0) == (slots == 0)).all()
    assert all(now["sizes"][slot] == sizes[label] for label, slot in pairs if slot > 0)
    return len({slot for slot in slots.tolist() if slot > 0})


def places(page: Page) -> np.ndarray[Any, Any]:
    said = page.evaluate(
        """selector => {
             const {values, dimensions, offset, scale} = document.querySelector(selector).live.data.points;
             return {values: [...values], dimensions, offset, scale};
           }""",
        _MAP,
    )
    d = said["dimensions"]
    return np.array(said["values"]).reshape(-1, d) * said["scale"][:d] + said["offset"][:d]


def test_the_slider_relabels_as_the_tree_says_by_keys_and_by_script(page: Page, job: Job) -> None:
    embedding = job.result().embedding
    index = DensityIndex(embedding, job.result().recipe.clustering.min_samples)
    rows = cKDTree(embedding).query(places(page))[1]
    first = stand(page)
    seen = {checked(page, index, rows)}
    slider = page.get_by_role("slider", name="eps")
    slider.focus()
    for key in ["ArrowRight"] * 8 + ["ArrowLeft"] * 20 + ["Home", "End"]:
        page.keyboard.press(key)
        seen.add(checked(page, index, rows))
    assert stand(page)["step"] == first["steps"] - 1
    assert "segment" in str(slider.get_attribute("aria-valuetext"))
    for step in range(0, first["steps"], 7):
        slider.evaluate("(one, step) => { one.value = step; one.dispatchEvent(new Event('input')); }", step)
        assert stand(page)["step"] == step
        seen.add(checked(page, index, rows))
    assert len(seen) > 3
    page.get_by_role("button", name="the chosen one").press("Enter")
    assert stand(page) == first
    expect(page.locator(".sw-live-words")).to_have_text(re.compile(r"^eps 0\.5: \d+ segments"))


def test_its_names_and_colours_are_the_cards(page: Page) -> None:
    shown = page.locator(f"{_MAP} .sw-row").all()
    cards = {
        card.locator("h3").inner_text(): card.locator(".dot").evaluate("one => getComputedStyle(one).backgroundColor")
        for card in page.locator(".card").all()
    }
    rows = {
        row.locator(".sw-row-name").inner_text(): row.locator(".sw-swatch").evaluate(
            "one => getComputedStyle(one).backgroundColor"
        )
        for row in shown
    }
    rows.pop("in none", None)
    assert rows == cards


def test_a_dot_tells_its_segment_and_nothing_else(page: Page) -> None:
    box = page.locator(f"{_MAP} canvas").bounding_box()
    assert box
    tip = page.locator(f"{_MAP} .sw-tip")
    for x in range(10, int(box["width"]), 12):
        page.mouse.move(box["x"] + x, box["y"] + box["height"] / 2)
        page.wait_for_timeout(20)
        if tip.is_visible():
            break
    names = [*stand(page)["names"], "in none, or in one of fewer than 20"]
    said = tip.inner_text()
    assert any(said == name or said.startswith(f"{name}: ") for name in names), said
    page.mouse.click(box["x"] + x, box["y"] + box["height"] / 2)
    assert tip.inner_text() == said


def test_the_picture_turns_by_keys_and_a_segment_is_isolated(page: Page) -> None:
    canvas = page.locator(f"{_MAP} canvas")
    canvas.focus()
    before = canvas.screenshot()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(600)
    assert canvas.screenshot() != before
    first = page.locator(f"{_MAP} .sw-row-pick").first
    first.focus()
    page.keyboard.press("Enter")
    assert first.get_attribute("aria-pressed") == "true"
    assert page.locator(f"{_MAP} .sw-row").first.get_by_role("button", name="Rename").count() == 0
    page.keyboard.press("Escape")
    assert first.get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_say_of_it(chromium: Browser, report: Path, scheme: str) -> None:
    context = chromium.new_context(bypass_csp=True, color_scheme=scheme, viewport={"width": 1100, "height": 900})  # type: ignore[arg-type]
    page = context.new_page()
    opened(page, report)
    page.wait_for_timeout(500)
    SHOTS.mkdir(exist_ok=True)
    page.locator(".live").screenshot(path=SHOTS / f"report-live-{scheme}.png")
    assert violations(page, "main") == []
    context.close()


def test_it_fits_a_telephone_and_is_not_on_paper(chromium: Browser, report: Path, tmp_path: Path) -> None:
    context = chromium.new_context(offline=True, viewport={"width": 390, "height": 800})
    page = context.new_page()
    opened(page, report)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    SHOTS.mkdir(exist_ok=True)
    page.locator(".live").screenshot(path=SHOTS / "report-live-narrow.png")
    page.emulate_media(media="print")
    assert not page.locator(".live").is_visible()
    assert page.locator("figure img").is_visible()
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    context.close()


def test_a_changed_script_does_not_run(chromium: Browser, report: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.html"
    changed.write_text(report.read_text().replace("<script>//", "<script>document.title='changed';//", 1))
    context = chromium.new_context(offline=True)
    page = context.new_page()
    page.goto(changed.as_uri())
    page.wait_for_timeout(300)
    assert page.title() != "changed"
    assert page.locator(_MAP).count() == 0
    context.close()
    assert json.dumps(changed.read_text()).count("document.title='changed'") == 1
