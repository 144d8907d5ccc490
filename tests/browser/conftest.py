"""A live JupyterLab, shared by all tests, and a page of headless Chromium that has a notebook open."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from .driver import ROOT, Lab, Notebook, jupyterlab, launch

__all__ = ["Lab", "Notebook"]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab whose root holds a copy of the notebooks."""
    work = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", work / "root", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    with jupyterlab(work) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One for a file: Playwright's event loop runs for as long, and other files' tests have loops of their own."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def notebook(chromium: Browser) -> Iterator[Notebook]:
    context: Any = chromium.new_context(viewport={"width": 1560, "height": 1300})
    book = Notebook(context.new_page())
    yield book
    context.close()
