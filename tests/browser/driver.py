"""Servers on free ports and pages of headless Chromium, for the browser tests and the panel's benchmark."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, Locator, Page, Playwright

ROOT = Path(__file__).parents[2]
HOOKS = Path(__file__).parent / "hooks.js"
SHOTS = Path(__file__).parent / "shots"
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
_KERNEL_IDLE = """() => window.jupyterapp?.shell?.currentWidget?.context?.sessionContext
                        ?.session?.kernel?.status === 'idle'"""


class ServerError(RuntimeError):
    """A server did not start; the message is the end of what it wrote."""


def chromium_path() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise FileNotFoundError("Chromium is needed: run .ci/chromium, or install the package 'chromium'.")


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclasses.dataclass(frozen=True)
class Lab:
    """A running JupyterLab, which serves Notebook 7's pages too: its address and the directory it serves."""

    address: str
    root: Path

    def write_notebook(self, name: str, *cells: str) -> str:
        """A new notebook with these code cells."""
        write_notebook(self.root / name, *cells)
        return name

    def busy_cell(self, name: str) -> BusyCell:
        """What keeps a kernel busy until the test lets go, however slow the machine is."""
        return BusyCell(self.root / f"{name}.begun", self.root / f"{name}.go")


@dataclasses.dataclass(frozen=True)
class BusyCell:
    """A cell that runs from when the file ``begun`` is there until the file ``go`` is."""

    begun: Path
    go: Path

    @property
    def code(self) -> str:
        return (
            "import pathlib, time\n"
            f"pathlib.Path({str(self.begun)!r}).touch()\n"
            f"while not pathlib.Path({str(self.go)!r}).exists(): time.sleep(0.05)\n"
            "print('awake')"
        )

    def wait_until_begun(self) -> None:
        end = time.monotonic() + 60
        while not self.begun.exists():
            assert time.monotonic() < end, "the cell has not begun within 60 s"
            time.sleep(0.05)

    def let_go(self) -> None:
        self.go.touch()


def write_notebook(path: Path, *cells: str) -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(book, path)


def environment(work: Path) -> dict[str, str]:
    """This process's, with everything of Jupyter's in ``work`` and the kernel of this Python."""
    return {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(work / "config"),
        "JUPYTER_DATA_DIR": str(work / "data"),
        "JUPYTER_RUNTIME_DIR": str(work / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(work / "settings"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "IPYTHONDIR": str(work / "ipython"),
        "PYTHONUNBUFFERED": "1",
    }


@contextlib.contextmanager
def serving(command: Sequence[str], url: str, work: Path, variables: Mapping[str, str]) -> Iterator[None]:
    """Run a server until it answers at ``url``, and end it on the way out."""
    log = work / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(command, env=dict(variables), stdout=output, stderr=subprocess.STDOUT, cwd=work)
    try:
        end = time.monotonic() + 90
        while True:
            if server.poll() is not None:
                raise ServerError(f"the server ended:\n{log.read_text()[-2000:]}")
            if time.monotonic() > end:
                raise ServerError(f"the server did not answer within 90 s:\n{log.read_text()[-2000:]}")
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own server
                break
            time.sleep(0.2)
        yield
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@contextlib.contextmanager
def jupyterlab(
    work: Path, *, base: str = "", variables: Mapping[str, str] | None = None, options: Sequence[str] = ()
) -> Iterator[Lab]:
    """A JupyterLab that serves ``work/root``, with nobody's settings.

    Args:
        base: what its addresses begin with, "/user/jane" for one.
        variables: of the environment, besides those that keep Jupyter's things in ``work``.
        options: of the command line, besides those that every test needs.
    """
    root = work / "root"
    root.mkdir(parents=True, exist_ok=True)
    settings = work / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"fetchNews": "false"}')  # or a question covers a corner of every picture
    port = free_port()
    address = f"http://127.0.0.1:{port}{base}"
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.base_url={base}/",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={root}",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *options,
    ]
    with serving(command, f"{address}/api?token={TOKEN}", work, {**environment(work), **(variables or {})}):
        yield Lab(address, root)


def wait_for_index(cloud: Locator) -> None:
    """Until the browser can cut by itself: what it needs is sent when it asks, which a slow machine does late."""
    cloud.page.wait_for_function("root => root.cloud.cutter !== null", arg=cloud.element_handle(), timeout=60_000)


def shut_down_kernels(lab: Lab) -> None:
    """End all kernels: a million points of the last one must not weigh on the next."""
    import json

    with urllib.request.urlopen(f"{lab.address}/api/sessions?token={TOKEN}") as answer:  # noqa: S310 - our own server
        sessions = json.load(answer)
    for session in sessions:
        url = f"{lab.address}/api/sessions/{session['id']}?token={TOKEN}"
        request = urllib.request.Request(url, method="DELETE")  # noqa: S310 - our own server
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(request)  # noqa: S310 - our own server


class Notebook:
    """One notebook open in JupyterLab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.add_init_script(path=HOOKS)

    def open(self, lab: Lab, name: str) -> None:
        # A workspace of its own: a restored layout would open what an earlier test had open.
        self.page.goto(f"{lab.address}/lab/workspaces/w{time.time_ns()}/tree/{name}?token={TOKEN}")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        self.page.wait_for_function(_KERNEL_IDLE, timeout=90_000)
        # The server remembers the theme that an earlier test chose.
        if self.page.evaluate("() => document.body.dataset.jpThemeName") != "JupyterLab Light":
            self.theme("JupyterLab Light")

    def run_cell(self, index: int, *, wait: bool = True) -> None:
        """Run one cell as the user would; ``wait`` until the kernel has answered it."""
        promise = self.page.evaluate(
            """async ([index, wait]) => {
                 const notebook = window.jupyterapp.shell.currentWidget.content;
                 notebook.activeCellIndex = index;
                 window.__began = performance.timeOrigin + performance.now();
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

    def watch(self, *, vertices: int = 1, upload: int = 1, force: int = 0) -> None:
        """Count anew what the page receives, uploads and draws; see hooks.js."""
        self.page.evaluate(
            "([draw, upload, force]) => window.__seen.watch(draw, upload, force)", [vertices, upload, force]
        )

    def seen(self) -> dict[str, Any]:
        """What was counted since `watch`, or since the page was opened."""
        counted: dict[str, Any] = self.page.evaluate(
            """() => {
                 const {received, messages, drawCalls, vertices, lost} = window.__seen;
                 const {draws, uploads} = window.__seen;
                 return {received, messages, drawCalls, vertices, lost, draws, uploads, began: window.__began ?? 0};
               }"""
        )
        return counted

    def accessible(self, selector: str, *, ignore: Sequence[str] = ()) -> list[str]:
        """What axe-core finds wrong in the first element that ``selector`` selects, by WCAG 2.0 to 2.2, A and AA.

        Returns:
            One text per violation: its rule, how bad it is, what it asks for, and the elements. Empty when all is well.
        """
        return violations(self.page, selector, ignore=ignore)

    def shot(self, name: str, *, of: str | None = None) -> Path:
        """A picture of the page, or of the first element that ``of`` selects."""
        SHOTS.mkdir(exist_ok=True)
        path = SHOTS / f"{name}.png"
        if of is None:
            self.page.screenshot(path=path)
        else:
            self.page.locator(of).first.screenshot(path=path)
        return path


def violations(page: Page, selector: str, *, ignore: Sequence[str] = ()) -> list[str]:
    """See `Notebook.accessible`."""
    from axe_playwright_python.base import AXE_SCRIPT

    page.evaluate(AXE_SCRIPT)
    found = page.evaluate(
        """async ([selector, ignored]) => {
             const part = document.querySelector(selector);
             if (!part) throw new Error(`nothing on the page is ${selector}`);
             const rules = Object.fromEntries(ignored.map((rule) => [rule, {enabled: false}]));
             const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
             return (await axe.run(part, {runOnly: {type: 'tag', values: tags}, rules})).violations;
           }""",
        [selector, list(ignore)],
    )
    return [_violation(one) for one in found]


def _violation(one: Mapping[str, Any]) -> str:
    nodes = [
        f"  {' '.join(map(str, node['target']))}: {node['html'][:160]}\n    {node['failureSummary']}"
        for node in one["nodes"]
    ]
    return f"{one['id']} ({one['impact']}): {one['help']}, {len(nodes)} elements\n" + "\n".join(nodes[:5])
