"""The server in an environment without numpy, the kernel in another: as on a notebook instance."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import segwidgets
from segwidgets.jobs import Job

HEAVY = ("numpy", "pandas", "numba", "mlflow", "ipywidgets")


def _needed(root: str) -> dict[str, importlib.metadata.Distribution]:
    """A distribution and all that it requires here, by name."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [root]
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in found:
            continue
        found[name] = importlib.metadata.distribution(name)
        for text in found[name].requires or []:
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate({"extra": ""}):
                waiting.append(one.name)
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `pip install jupyter_server` and `pip install --no-deps segwidgets` leave, as links."""
    place = tmp_path_factory.mktemp("site")
    for one in _needed("jupyter_server").values():
        for file in one.files or []:
            top = file.parts[0]
            link = place / top
            if top not in {"..", "__pycache__"} and not link.is_symlink():
                link.symlink_to(str(one.locate_file(top)))
    (place / "segwidgets").symlink_to(Path(segwidgets.__file__).parent)
    return place


def _environment(site: Path, work: Path) -> dict[str, str]:
    folders = {f"JUPYTER_{name}_DIR": str(work / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYTHON", "COV"))}
    return {**kept, **folders, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1", "HOME": str(work)}


def test_numpy_is_really_not_there(site: Path, tmp_path: Path) -> None:
    for name in HEAVY:
        done = subprocess.run(
            [sys.executable, "-S", "-c", f"import {name}"],
            env=_environment(site, tmp_path),
            capture_output=True,
            check=False,
        )
        assert b"ModuleNotFoundError" in done.stderr


def test_loading_the_extension_imports_nothing_that_is_used_later(site: Path, tmp_path: Path) -> None:
    """Every start of JupyterLab pays for it."""
    code = (
        "import sys\n"
        "import jupyter_server.serverapp\n"
        "before = set(sys.modules)\n"
        "import segwidgets.lab\n"
        "class App: web_app = type('A', (), {'settings': {'base_url': '/'}, 'add_handlers': lambda *given: None})()\n"
        "segwidgets.lab._load_jupyter_server_extension(App)\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env=_environment(site, tmp_path), capture_output=True, text=True, check=True
    )
    ours = {"segwidgets", "segwidgets.lazy", "segwidgets.lab", "segwidgets.lab.refused", "segwidgets.lab.routes"}
    assert set(json.loads(done.stdout.replace("'", '"'))) - ours <= {"jupyter_server.auth.decorator"}


@pytest.fixture
def server(site: Path, tmp_path: Path) -> Iterator[Callable[..., tuple[int, Any]]]:
    """A Jupyter server that runs there; gives what it answers."""
    (tmp_path / "config" / "jupyter_server_config.d").mkdir(parents=True)
    file = Path(segwidgets.__file__).parent / "lab" / "etc" / "segwidgets.json"
    (tmp_path / "config" / "jupyter_server_config.d" / "segwidgets.json").write_bytes(file.read_bytes())
    (tmp_path / "root").mkdir()
    environment = _environment(site, tmp_path) | {"SEGWIDGETS_KERNEL_DIR": str(tmp_path / "kernel")}
    words = [
        "--no-browser",
        "--allow-root",
        "--ServerApp.base_url=/notebooks/",
        f"--ServerApp.root_dir={tmp_path}/root",
    ]
    with (tmp_path / "server.log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-S", "-m", "jupyter_server", *words, "--ServerApp.port=0"],
            env=environment, cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        said = _info(tmp_path, running)

        def ask(path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(  # noqa: S310  # it is ours
                f"{said['url']}segwidgets/api/{path}", data, {"Authorization": f"token {said['token']}"}
            )
            try:
                with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
                    return answer.status, json.load(answer)
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, json.load(error)

        yield ask
    finally:
        running.terminate()
        running.wait(30)


def _info(work: Path, running: subprocess.Popen[bytes]) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.poll() is None:
        for file in (work / "runtime").glob("jpserver-*.json"):
            try:
                said: dict[str, Any] = json.loads(file.read_text())
                urllib.request.urlopen(f"{said['url']}api", timeout=5).close()  # noqa: S310
            except (OSError, ValueError):  # it is being written, or does not listen yet
                continue
            return said
        time.sleep(0.1)
    pytest.fail((work / "server.log").read_text())


def test_a_server_without_numpy_asks_the_kernels_environment(
    server: Callable[..., tuple[int, Any]], write_status: Callable[..., None], promoted: list[Job], tmp_path: Path
) -> None:
    status, said = server("runs")
    assert (status, said["reason"]) == (503, "kernel-missing")
    assert f"pip install 'segwidgets=={segwidgets.__version__}'" in said["message"]
    assert server("hello")[1]["kernel"]["problem"] == said["message"]
    # The restore brings the kernel's environment: this one.
    (tmp_path / "kernel").mkdir()
    write_status(kernels={"rapids": {"name": "rapids", "env": sys.prefix}, "cpu": None})
    (tmp_path / "kernel" / "status.json").write_bytes((tmp_path / "rapids-kernel" / "status.json").read_bytes())
    assert server("hello")[1]["kernel"]["version"] == segwidgets.__version__
    deadline = time.monotonic() + 120
    while "Still reading" in (said := server("runs?experiment=lab")[1])["problem"] and time.monotonic() < deadline:
        pass
    assert {row["name"] for row in said["runs"]} == {job.name for job in promoted}
    status, recipe = server(f"runs/{promoted[0].name}/recipe")
    assert status == 200
    status, said = server("notebook", {"recipe": recipe})
    assert (status, said["path"]) == (201, "Segmentation.ipynb")
    assert "segwidgets" in (tmp_path / "root" / said["path"]).read_text()
    log = (tmp_path / "server.log").read_text()
    assert "Traceback" not in log
