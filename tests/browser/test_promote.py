"""The whole story of a promotion to SageMaker in the panel: checked, priced, promoted, judged, in the leaderboard."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from .conftest import Lab, Notebook
from .driver import ROOT

pytestmark = pytest.mark.browser


@pytest.fixture
def account() -> Iterator[dict[str, Any]]:
    """A simulated AWS account in a process of its own: its variables, a role and an image."""
    command = [sys.executable, ROOT / "tests" / "aws" / "cloud.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())
        server.terminate()


def test_a_promotion_to_sagemaker_is_checked_priced_judged_and_listed(
    notebook: Notebook, lab: Lab, account: dict[str, Any]
) -> None:
    page = notebook.page
    variables = {**account["variables"], "SEGWIDGETS_TRACKING_URI": f"sqlite:///{lab.root}/aws.db"}
    name = lab.write_notebook(
        "sagemaker.ipynb",
        f"import json, os\nos.environ.update(json.loads('''{json.dumps(variables)}'''))",
        "import segwidgets as sw\npanel = sw.Panel(sw.samples.blobs(600))\npanel",
    )
    notebook.open(lab, name)
    notebook.run_cell(0)
    notebook.run_cell(1)
    expect(page.locator(".sw-cards[data-state=final]")).to_be_visible(timeout=120_000)

    # Nothing can be promoted there before it is checked and priced.
    promote = page.get_by_role("button", name="Promote")
    expect(promote).to_be_enabled()
    page.get_by_label("target").select_option("sagemaker")
    expect(promote).to_be_disabled()
    page.get_by_label("role").fill(account["role"])
    page.get_by_label("image").fill(account["image"])
    page.get_by_label("trial").fill("spring")
    page.get_by_role("button", name="Check and price").click()
    report = page.locator(".sw-preflight")
    expect(report).to_be_visible(timeout=60_000)
    expect(report).to_contain_text("$")
    notebook.shot("preflight", of=".sw-panel")
    expect(promote).to_be_enabled()

    promote.click()
    verdict = page.locator(".sw-verdict[data-state=completed]")
    expect(verdict).to_be_visible(timeout=180_000)
    expect(verdict.locator("b")).to_have_text("exact")
    job = verdict.locator("code").inner_text()
    line = page.locator(".sw-board tbody tr", has_text=job)
    expect(line).to_be_visible(timeout=60_000)
    expect(line).to_contain_text("exact")
    page.set_viewport_size({"width": 1560, "height": 2400})
    notebook.shot("sagemaker-light", of=".sw-panel")
    notebook.theme("JupyterLab Dark")
    notebook.shot("sagemaker-dark", of=".sw-panel")
    assert notebook.errors == []
