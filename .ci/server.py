"""The wheel as a notebook instance has it: the server in an environment without numpy, the kernel in another.

``server.py SERVER KERNEL WORK``: the directory of the server's environment, the kernel's Python, a new directory.
JupyterLab there must list both halves of the extension as OK, start for real, and answer from the kernel's environment.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

PATIENCE = 120


def listed(jupyter: Path, *words: str) -> str:
    """What Jupyter says of its extensions, without colours."""
    done = subprocess.run([jupyter, *words], capture_output=True, text=True, check=True)
    return re.sub(r"\x1b\[\d+m", "", done.stdout + done.stderr)


def running(work: Path, server: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Address and token of a server that has started."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        for file in (work / "runtime").glob("jpserver-*.json"):
            try:
                said: dict[str, Any] = json.loads(file.read_text())
                urllib.request.urlopen(f"{said['url']}api", timeout=5).close()  # noqa: S310
            except (OSError, ValueError):  # it is being written, or does not listen yet
                continue
            return said
        time.sleep(0.1)
    sys.exit((work / "server.log").read_text())


def main() -> None:
    """Look, start, ask."""
    environment, kernel, work = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    work.mkdir(parents=True)
    (work / "root").mkdir()
    python, jupyter = environment / "bin" / "python", environment / "bin" / "jupyter"
    if subprocess.run([python, "-c", "import numpy"], capture_output=True, check=False).returncode == 0:
        sys.exit("The server's environment has numpy, which it has not on a notebook instance.")
    for words, wanted in (
        (("server", "extension", "list"), r"segwidgets\.lab \d\S* OK"),
        (("labextension", "list"), r"segwidgets-lab v\d\S* enabled\s+OK"),
    ):
        said = listed(jupyter, *words)
        if not re.search(wanted, said):
            sys.exit(f"jupyter {' '.join(words)} does not say {wanted}:\n{said}")
    variables = {**os.environ, "SEGWIDGETS_PYTHON": kernel, "JUPYTER_RUNTIME_DIR": str(work / "runtime")}
    words = ["lab", "--no-browser", "--allow-root", "--ServerApp.base_url=/notebooks/", "--ServerApp.port=0"]
    with (work / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [jupyter, *words, f"--ServerApp.root_dir={work / 'root'}"],
            env=variables, cwd=work, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        said = running(work, server)

        def ask(path: str, body: dict[str, Any] | None = None) -> str:
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(said["url"] + path, data, {"Authorization": f"token {said['token']}"})  # noqa: S310
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
                return str(answer.read().decode())

        if '"segwidgets-lab"' not in ask("lab"):
            sys.exit("JupyterLab's page does not name the extension.")
        hello = json.loads(ask("segwidgets/api/hello"))
        if hello["kernel"] != {"python": kernel, "version": hello["version"], "problem": ""}:
            sys.exit(f"The halves do not know each other: {hello}")
        while "Still reading" in (runs := json.loads(ask("segwidgets/api/runs")))["problem"]:
            time.sleep(1)
        if not runs["runs"] or runs["problem"]:
            sys.exit(f"The jobs that ran are not listed: {runs}")
        made = json.loads(ask("segwidgets/api/notebook", {}))["path"]
        if not (work / "root" / made).is_file():
            sys.exit(f"No notebook was made: {made}")
        print(
            f"JupyterLab {listed(jupyter, 'lab', '--version').strip()}: both halves OK, {runs['total']} run(s) listed"
        )
    finally:
        server.terminate()
        server.wait(PATIENCE)


if __name__ == "__main__":
    main()
