"""The report as a client opens it: from disk, without a network, in light and dark, on paper."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from segwidgets.data import samples
from segwidgets.jobs import promote
from segwidgets.recipe import Recipe

from .driver import violations

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report() -> Path:
    job = promote(Recipe().replace(eps=0.6, n_neighbors=10, n_epochs=100), samples.blobs(n=400)).wait(120)
    assert job.verdict == "exact", job.log()
    return job.output_data / "report.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_from_disk_without_a_network(chromium: Browser, report: Path, scheme: str, tmp_path: Path) -> None:
    context = chromium.new_context(offline=True, color_scheme=scheme, viewport={"width": 1100, "height": 900})  # type: ignore[arg-type]
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(report.as_uri())
    page.wait_for_load_state()
    assert [address for address in asked if not address.startswith(("file:", "data:"))] == []
    assert complaints == []
    assert page.locator("img").evaluate("one => one.complete && one.naturalWidth > 600")
    assert page.locator(".card").count() > 1
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "nothing is wider than the page"
    page.locator("summary").first.click()
    assert page.locator("table").first.is_visible()
    page.screenshot(path=tmp_path / f"report-{scheme}.png", full_page=True)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_say(chromium: Browser, report: Path, scheme: str) -> None:
    # The page's own policy would not let axe in.
    context = chromium.new_context(bypass_csp=True, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(report.as_uri())
    for summary in page.locator("summary").all():
        summary.click()
    assert violations(page, "main") == []
    context.close()


def test_it_fits_a_telephone_and_paper(chromium: Browser, report: Path, tmp_path: Path) -> None:
    context = chromium.new_context(offline=True, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    context.close()
