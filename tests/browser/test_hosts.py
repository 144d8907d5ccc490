"""The panel in the other places it is opened: Notebook 7, an app under Voila, and VS Code's rules for widgets."""

from __future__ import annotations

import base64
import inspect
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Error, Locator, Route, expect

from segwidgets.data import samples
from segwidgets.panel.kdistance import KDistance
from segwidgets.panel.pointcloud import PointCloud

from .driver import ROOT, SHOTS, TOKEN, Lab, Notebook, environment, wait_for_index

pytestmark = pytest.mark.browser

ROWS = 600
PANEL = f"import segwidgets as sw\npanel = sw.Panel(sw.samples.blobs({ROWS}, seed=0))\npanel"

#: A page as VS Code's notebooks give one to widgets: no RequireJS, scripts from blobs only, its own theme variables,
#: and here no network at all.
WEBVIEW = "https://webview.invalid/"
POLICY = "default-src 'none'; script-src 'unsafe-inline' blob:; style-src 'unsafe-inline'; img-src data: blob:"
DARK = "--vscode-editor-background: #1e1e1e; --vscode-editor-foreground: #d4d4d4; background: #1e1e1e"
HOST = """
async ([source, state]) => {
  const decode = (value) => value?.base64 === undefined ? value
    : new DataView(Uint8Array.from(atob(value.base64), (letter) => letter.charCodeAt(0)).buffer);
  const values = new Map(Object.entries(state).map(([name, value]) => [name, decode(value)]));
  const heard = new Map();
  window.__sent = [];
  const model = {
    get: (name) => values.get(name),
    set: (name, value) => {
      values.set(name, value);
      for (const call of heard.get(`change:${name}`) ?? []) call();
      for (const call of heard.get("change") ?? []) call();
    },
    save_changes: () => {},
    send: (content) => window.__sent.push(content),
    on: (names, call) => names.split(" ").forEach((name) => heard.set(name, [...(heard.get(name) ?? []), call])),
    off: (names, call) => (names ?? "").split(" ").forEach((name) =>
      heard.set(name, (heard.get(name) ?? []).filter((one) => one !== call))),
  };
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const { default: widget } = await import(url);
  const made = typeof widget === "function" ? await widget() : widget;
  await made.initialize?.({ model });
  await made.render({ model, el: document.querySelector("#widget") });
}
"""


def move_eps(panel: Locator) -> None:
    """Take eps down by keyboard until the segments change, on the map and then in the scores."""
    page = panel.page
    cloud = panel.locator(".sw-pointcloud").first
    final = panel.locator(".sw-cards[data-state=final]")
    expect(cloud).to_have_attribute("data-points", str(ROWS), timeout=120_000)
    expect(final).to_be_visible(timeout=120_000)
    wait_for_index(cloud)
    before = cloud.get_attribute("data-segments")
    slider = panel.locator(".sw-setting[data-name=eps] input[type=range]")
    slider.focus()
    for _ in range(200):
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(30)
        if cloud.get_attribute("data-segments") not in {before, "0"}:
            break
    after = cloud.get_attribute("data-segments")
    assert after != before
    # The browser labels by itself; the scores are the kernel's.
    expect(panel.locator(".sw-card[data-score=segments] b")).to_have_text(f"{int(after or -1):,}", timeout=60_000)
    expect(final).to_be_visible(timeout=60_000)


def test_notebook_7_shows_the_panel_and_a_move_of_eps_by_key_relabels(notebook: Notebook, lab: Lab) -> None:
    page = notebook.page
    stacks: list[str] = []
    page.on("pageerror", lambda error: stacks.append(error.stack or ""))
    name = lab.write_notebook("notebook7.ipynb", PANEL)
    page.goto(f"{lab.address}/notebooks/{name}?token={TOKEN}")
    page.locator(".jp-Notebook .jp-Cell").first.click(timeout=90_000)
    expect(page.get_by_role("button", name=re.compile("Python 3"))).to_be_visible(timeout=60_000)
    # A cell that is run before the kernel has answered is forgotten.
    expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")).to_be_attached(timeout=90_000)
    page.keyboard.press("Shift+Enter")
    move_eps(page.locator(".sw-panel").first)
    notebook.shot("notebook7")
    # Notebook reports errors of its own as it starts; widgets' modules are blobs.
    assert [stack for stack in stacks if "blob:" in stack] == []


@pytest.fixture
def app(tmp_path: Path) -> Iterator[str]:
    """The address of what `make app TABLE=<file>` serves."""
    table = tmp_path / "blobs.csv"
    samples.blobs(ROWS, seed=0).to_frame().to_csv(table, index=False)
    command = [sys.executable, str(ROOT / ".ci" / "app.py"), str(table), "--no-browser"]
    log = tmp_path / "voila.log"
    with log.open("w") as output:
        server = subprocess.Popen(command, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=output, text=True)
    assert server.stdout is not None
    try:
        yield next(match[0] for line in server.stdout if (match := re.search(r"http://\S+", line)))
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        server.stdout.close()


def test_the_app_shows_the_panel_without_code_and_a_move_of_eps_relabels(notebook: Notebook, app: str) -> None:
    page = notebook.page
    for _ in range(100):  # Voila answers once it has started
        try:
            page.goto(app)
            break
        except Error:
            page.wait_for_timeout(300)
    panel = page.locator(".sw-panel").first
    expect(panel).to_be_visible(timeout=120_000)
    expect(page).to_have_title(re.compile("segwidgets"))
    expect(page.get_by_text("import segwidgets")).to_have_count(0)
    move_eps(panel)
    notebook.shot("app")
    assert notebook.errors == []


def state_of(widget: PointCloud | KDistance) -> dict[str, Any]:
    """What the kernel sends when a widget is shown, bytes as base64."""
    return {
        name: {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes | memoryview) else value
        for name, value in widget.get_state().items()
        if not name.startswith("_") and name not in {"layout", "tooltip"}
    }


@pytest.mark.parametrize("kind", [PointCloud, KDistance])
def test_a_bundle_is_one_module_that_needs_no_network(kind: type[PointCloud | KDistance], chromium: Browser) -> None:
    random = np.random.default_rng(0)
    widget = kind()
    if isinstance(widget, PointCloud):
        widget.set_points(random.normal(size=(500, 3)), np.arange(500) % 4)
    else:
        widget.set_curve(np.sort(random.gamma(2.0, 0.1, 500)), 10)
    bundle = Path(str(inspect.getfile(kind))).parent / "static" / f"{kind.__name__.lower()}.js"
    assert bundle.stat().st_size < 1_000_000

    page = chromium.new_page(viewport={"width": 900, "height": 600})
    asked: list[str] = []
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)

    def answer(route: Route) -> None:
        if route.request.url == WEBVIEW:
            html = f'<body class="vscode-dark" style="{DARK}"><div id="widget"></div></body>'
            headers = {"content-security-policy": POLICY, "content-type": "text/html"}
            route.fulfill(status=200, headers=headers, body=html)
        else:
            asked.append(route.request.url)
            route.abort()

    page.route("**/*", answer)
    page.goto(WEBVIEW)
    page.evaluate(HOST, [bundle.read_text(), state_of(widget)])
    shown = page.locator(".sw-pointcloud" if kind is PointCloud else ".sw-kdistance").first
    expect(shown).to_be_visible()
    if kind is PointCloud:
        page.wait_for_function("() => Number(document.querySelector('.sw-pointcloud').dataset.painted) > 0")
        expect(shown).to_have_attribute("data-segments", "4")
        # VS Code's colours, where there are none of JupyterLab's.
        expect(shown).to_have_css("background-color", "rgb(30, 30, 30)")
    page.screenshot(path=SHOTS / f"vscode-{kind.__name__.lower()}.png")
    assert asked == []
    assert errors == []
    page.close()
