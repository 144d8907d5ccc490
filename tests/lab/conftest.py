"""A Jupyter server with the extension, and beside it a kernel's environment with jobs that really ran."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from pytest_jupyter.jupyter_core import (
    echo_kernel_spec,
    jp_asyncio_loop,
    jp_config_dir,
    jp_data_dir,
    jp_env_config_path,
    jp_env_jupyter_path,
    jp_environ,
    jp_home_dir,
    jp_kernel_dir,
    jp_runtime_dir,
    jp_system_config_path,
    jp_system_jupyter_path,
    pytest_pycollect_makeitem,
    pytest_pyfunc_call,
)
from pytest_jupyter.jupyter_server import (
    jp_argv,
    jp_auth_header,
    jp_base_url,
    jp_configurable_serverapp,
    jp_fetch,
    jp_http_port,
    jp_logging_stream,
    jp_nbconvert_templates,
    jp_root_dir,
    jp_server_cleanup,
    jp_serverapp,
    jp_web_app,
)
from pytest_jupyter.pytest_tornasync import http_server, http_server_client, http_server_port
from tornado.httpclient import HTTPResponse

from segwidgets.data import samples
from segwidgets.jobs import Job, promote
from segwidgets.lab.routes import QUESTIONS
from segwidgets.recipe import Recipe

# Here and not as a plugin, so that no other test runs in their event loop.
__all__ = [
    "echo_kernel_spec", "http_server", "http_server_client", "http_server_port", "jp_argv", "jp_asyncio_loop",
    "jp_auth_header", "jp_base_url", "jp_config_dir", "jp_configurable_serverapp", "jp_data_dir", "jp_env_config_path",
    "jp_env_jupyter_path", "jp_environ", "jp_fetch", "jp_home_dir", "jp_http_port", "jp_kernel_dir",
    "jp_logging_stream", "jp_nbconvert_templates", "jp_root_dir", "jp_runtime_dir", "jp_server_cleanup", "jp_serverapp",
    "jp_system_config_path", "jp_system_jupyter_path", "jp_web_app", "pytest_pycollect_makeitem", "pytest_pyfunc_call",
]  # fmt: skip

RECIPE = Recipe().replace(eps=0.6, n_neighbors=10, n_epochs=100)
#: Seconds that a real answer may take on a loaded machine.
PATIENCE = 120.0

Ask = Callable[..., Awaitable["Answer"]]


class Answer:
    """What the server said."""

    def __init__(self, response: HTTPResponse) -> None:
        self.status = response.code
        self.headers = response.headers
        self.text = response.body.decode()

    @property
    def json(self) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.text))


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {"ServerApp": {"jpserver_extensions": {"segwidgets.lab": True}}}


@pytest.fixture(autouse=True)
def kernel_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the restore would write; not made yet. No variable of the developer's shell names a kernel or a tracker."""
    place = tmp_path / "rapids-kernel"
    monkeypatch.setenv("SEGWIDGETS_KERNEL_DIR", str(place))
    for name in ("SEGWIDGETS_PYTHON", "SEGWIDGETS_TRACKING_URI", "MLFLOW_TRACKING_URI", "JUPYTER_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return place


@pytest.fixture
def ask(
    jp_fetch: Callable[..., Awaitable[HTTPResponse]], jp_serverapp: Any, jp_asyncio_loop: asyncio.AbstractEventLoop
) -> Iterator[Ask]:
    """Asks the extension as the page does, logged in; a dict is posted as JSON."""

    async def fetch(path: str, body: dict[str, Any] | None = None, *, post: bool = False, **query: str) -> Answer:
        said: dict[str, Any] = {"method": "POST", "body": json.dumps(body or {})} if post or body is not None else {}
        return Answer(
            await jp_fetch("segwidgets", "api", path, params=query, raise_error=False, request_timeout=PATIENCE, **said)
        )

    yield fetch
    # What is under way comes to its end before the loop does.
    questions = jp_serverapp.web_app.settings.get(QUESTIONS)
    tasks = [one._task for one in questions._kept.values() if one._task is not None] if questions else []
    if tasks:
        jp_asyncio_loop.run_until_complete(asyncio.wait(tasks))


@pytest.fixture
def write_status(kernel_dir: Path) -> Callable[..., None]:
    """Writes the restore's status file, by default of one that is ready."""

    def write(**changes: Any) -> None:
        now = time.time()
        status = {
            "version": 1, "state": "ready", "phase": "done", "started": now - 60, "updated": now, "finished": now,
            "packages": {"done": 274, "all": 274}, "bytes": {"done": 456, "all": 456}, "rate": None,
            "seconds_left": None, "fraction": 1.0, "key": "0123456789abcdef", "warm": False,
            "kernels": {"rapids": None, "cpu": None}, "driver": None, "gpu": None, "instance_type": None, "reason": "",
            "log": str(kernel_dir / "restore.log"), "pid": os.getpid(),
            "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        }  # fmt: skip
        kernel_dir.mkdir(exist_ok=True)
        (kernel_dir / "status.json").write_text(json.dumps({**status, **changes}))

    return write


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> str:
    """The kernel's environment is this one."""
    monkeypatch.setenv("SEGWIDGETS_PYTHON", sys.executable)
    return sys.executable


@pytest.fixture
def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes a kernel's Python that does what a shell script says; each call of it leaves a line in the file given."""

    def make(script: str) -> Path:
        calls = tmp_path / "calls.txt"
        calls.touch()
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\necho \"$@\" >>'{calls}'\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("SEGWIDGETS_PYTHON", str(program))
        return calls

    return make


@pytest.fixture(scope="session")
def promoted() -> list[Job]:
    """Two jobs that completed, in this session's home."""
    table = samples.blobs(n=400)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "SEGWIDGETS_TRACKING_URI"):
            patch.delenv(name, raising=False)
        return [
            promote(RECIPE.replace(eps=eps), table, experiment="lab", trial="first").wait(120) for eps in (0.6, 0.8)
        ]
