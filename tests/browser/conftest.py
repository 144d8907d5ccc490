"""A live JupyterLab on a free port and a page of headless Chromium that has a notebook open."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
#: Debian's Chromium, drawing WebGL in software.
FLAGS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
TOKEN = "browser-test"  # noqa: S105 - of a server that lives for one test on the loopback interface


def chromium_path() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.fail("the browser tests need Chromium: run .ci/chromium, or install the package 'chromium'.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclasses.dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address and the directory it serves."""

    address: str
    root: Path

    def write_notebook(self, name: str, *cells: str) -> str:
        """A new notebook with these code cells."""
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
        nbformat.write(book, self.root / name)
        return name


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab whose root holds a copy of the notebooks."""
    work = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", work / "root", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    settings = work / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"fetchNews": "false"}')  # or a question covers a corner of every picture
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(work / "config"),
        "JUPYTER_DATA_DIR": str(work / "data"),
        "JUPYTER_RUNTIME_DIR": str(work / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(work / "settings"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "IPYTHONDIR": str(work / "ipython"),
        "PYTHONUNBUFFERED": "1",
    }
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={work / 'root'}",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    log = work / "lab.log"
    with log.open("w") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_for(f"{address}/api?token={TOKEN}", server, log)
        yield Lab(address, work / "root")
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 90
    while time.monotonic() < end:
        if server.poll() is not None:
            pytest.fail(f"JupyterLab ended:\n{log.read_text()[-2000:]}")
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own server
            return
        time.sleep(0.2)
    pytest.fail(f"JupyterLab did not answer within 90 s:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser
        browser.close()


class Notebook:
    """One notebook open in JupyterLab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, lab: Lab, name: str) -> None:
        # A workspace of its own: a restored layout would open what an earlier test had open.
        self.page.goto(f"{lab.address}/lab/workspaces/w{time.time_ns()}/tree/{name}?token={TOKEN}")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        self.page.wait_for_function(
            """() => window.jupyterapp?.shell?.currentWidget?.context?.sessionContext
                      ?.session?.kernel?.status === 'idle'""",
            timeout=90_000,
        )

    def run_cell(self, index: int, *, wait: bool = True) -> None:
        """Run one cell as the user would; ``wait`` until the kernel has answered it."""
        promise = self.page.evaluate(
            """async ([index, wait]) => {
                 const notebook = window.jupyterapp.shell.currentWidget.content;
                 notebook.activeCellIndex = index;
                 const done = window.jupyterapp.commands.execute('notebook:run-cell');
                 if (wait) await done;
               }""",
            [index, wait],
        )
        assert promise is None

    def output(self, index: int) -> str:
        """The text of a cell's output."""
        text: str = self.page.evaluate(
            """index => {
                 const outputs = window.jupyterapp.shell.currentWidget.content.widgets[index].model.outputs;
                 const parts = [];
                 for (let i = 0; i < outputs.length; i++) {
                   const one = outputs.get(i).toJSON();
                   const text = one.text ?? one.data?.['text/plain'] ?? `${one.ename}: ${one.evalue}`;
                   parts.push(Array.isArray(text) ? text.join('') : String(text));
                 }
                 return parts.join('\\n');
               }""",
            index,
        )
        return text

    def theme(self, name: str) -> None:
        self.page.evaluate("name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})", name)
        self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name, timeout=20_000)
        self.page.wait_for_timeout(500)

    def shot(self, name: str, *, of: str | None = None) -> Path:
        """A picture of the page, or of the first element that ``of`` selects."""
        directory = Path(__file__).parent / "shots"
        directory.mkdir(exist_ok=True)
        path = directory / f"{name}.png"
        if of is None:
            self.page.screenshot(path=path)
        else:
            self.page.locator(of).first.screenshot(path=path)
        return path


@pytest.fixture
def notebook(chromium: Browser) -> Iterator[Notebook]:
    context: Any = chromium.new_context(viewport={"width": 1560, "height": 1300})
    book = Notebook(context.new_page())
    yield book
    context.close()
