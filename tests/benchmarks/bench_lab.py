"""What the extension costs JupyterLab's start: a real server with and without it, in turns."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import segwidgets

REPEATS = 15
#: Seconds after which a server has not started.
PATIENCE = 120
_LAB = Path(segwidgets.__file__).parent / "lab"

#: Inside a server's process: what the extension's own import and loading take, where all else is loaded.
_INSIDE = """
import time
import jupyterlab.labapp
from jupyter_server.serverapp import ServerApp
class App: web_app = type("A", (), {"settings": {"base_url": "/"}, "add_handlers": lambda *given: None})()
begun = time.perf_counter()
import segwidgets.lab
segwidgets.lab._load_jupyter_server_extension(App)
print(time.perf_counter() - begun)
"""


def _configured(work: Path, *, extended: bool) -> dict[str, str]:
    """A Jupyter of its own that has the extension, or has not, whatever this environment has installed."""
    config, data = work / "config", work / "data"
    (config / "jupyter_server_config.d").mkdir(parents=True)
    (config / "labconfig").mkdir()
    (data / "labextensions").mkdir(parents=True)
    wanted = {"ServerApp": {"jpserver_extensions": {"segwidgets.lab": extended}}}
    (config / "jupyter_server_config.d" / "segwidgets.json").write_text(json.dumps(wanted))
    if extended:
        (data / "labextensions" / "segwidgets-lab").symlink_to(_LAB / "labextension")
    else:
        off = {"disabledExtensions": {"segwidgets-lab": True}}
        (config / "labconfig" / "page_config.json").write_text(json.dumps(off))
    folders = {"CONFIG": config, "DATA": data, "RUNTIME": work / "runtime"}
    return {**os.environ, **{f"JUPYTER_{name}_DIR": str(place) for name, place in folders.items()}}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start(*, extended: bool) -> tuple[float, float]:
    """Seconds from the start of the process until it has served JupyterLab's page, and of a core until its end."""
    with tempfile.TemporaryDirectory(prefix="segwidgets-bench-") as place:
        work, port = Path(place), _free_port()
        environment = _configured(work, extended=extended)
        words = ["--no-browser", "--allow-root", "--IdentityProvider.token=", f"--ServerApp.port={port}"]
        begun = time.perf_counter()
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *words, f"--ServerApp.root_dir={work}"],
            env=environment, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            page = _page(server, port, begun + PATIENCE)
            taken = time.perf_counter() - begun
        finally:
            server.terminate()
            _, status, used = os.wait4(server.pid, 0)
            server.returncode = os.waitstatus_to_exitcode(status)
        # Else it would be the price of nothing.
        listed = any(one["name"] == "segwidgets-lab" for one in _settings(page)["federated_extensions"])
        if extended and not listed:
            raise RuntimeError("JupyterLab does not list the extension that was to be measured")
        return taken, used.ru_utime + used.ru_stime


def _page(server: subprocess.Popen[bytes], port: int, deadline: float) -> str:
    while time.perf_counter() < deadline and server.poll() is None:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            try:
                connection.request("GET", "/lab")
                answer = connection.getresponse()
                if answer.status == http.client.OK:
                    return answer.read().decode()
            except OSError:  # it does not listen yet
                time.sleep(0.002)
    raise RuntimeError("JupyterLab did not start")


def _settings(page: str) -> dict[str, list[dict[str, str]]]:
    text = page.split('id="jupyter-config-data" type="application/json">', 1)[1].split("</script>", 1)[0]
    found: dict[str, list[dict[str, str]]] = json.loads(text)
    return found


def _inside() -> float:
    done = subprocess.run([sys.executable, "-c", _INSIDE], capture_output=True, text=True, check=True)
    return float(done.stdout)


def run(repeats: int = REPEATS) -> str:
    """The table for RESULTS.md."""
    for extended in (True, False):  # the disk's first look
        _start(extended=extended)
    taken: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for turn in range(repeats):
        for extended in (True, False) if turn % 2 else (False, True):
            taken[extended].append(_start(extended=extended))
    walls, cores = (_compared(taken, part) for part in (0, 1))
    inside = 1_000 * statistics.median(_inside() for _ in range(repeats))
    return "\n".join(
        [
            f"| {repeats} starts each, in turns; medians | until the page is served | of a core |",
            "| --- | ---: | ---: |",
            f"| without the extension | {walls[0]:.2f} s | {cores[0]:.2f} s |",
            f"| with it | {walls[1]:.2f} s | {cores[1]:.2f} s |",
            f"| a start more than the one beside it | {walls[2]} | {cores[2]} |",
            f"| of that the server's half, import and routes | {inside:.0f} ms | |",
        ]
    )


def _compared(taken: dict[bool, list[tuple[float, float]]], part: int) -> tuple[float, float, str]:
    """The medians without and with, and by how much a start is longer than the one beside it."""
    without, extended = ([start[part] for start in taken[kind]] for kind in (False, True))
    low, middle, high = statistics.quantiles((b - a for a, b in zip(without, extended, strict=True)), n=4)
    spread = f"{1_000 * middle:.0f} ms (half of them {1_000 * low:.0f} to {1_000 * high:.0f})"
    return statistics.median(without), statistics.median(extended), spread


if __name__ == "__main__":
    sys.stdout.write(run(int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS) + "\n")
