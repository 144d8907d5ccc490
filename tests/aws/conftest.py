"""A simulated AWS for each file of tests in here: between two of them others may reset it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from segwidgets.aws import Cloud

from .cloud import VARIABLES, Host, serving
from .proxy import Proxy


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, Host]]]:
    with serving(tmp_path_factory.mktemp("hosts")) as running:
        yield running


@pytest.fixture(scope="module")
def hosts(server: tuple[str, dict[str, Host]]) -> dict[str, Host]:
    return server[1]


@pytest.fixture
def cloud(server: tuple[str, dict[str, Host]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cloud:
    """The simulated account, as the environment gives it to boto3; its own home."""
    for name, value in {**VARIABLES, "AWS_ENDPOINT_URL": server[0], "AWS_MAX_ATTEMPTS": "1"}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "MLFLOW_TRACKING_URI", "SEGWIDGETS_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    return Cloud()


@pytest.fixture
def network(cloud: Cloud, server: tuple[str, dict[str, Host]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """What lies between this machine and AWS; clients that are made after it go through it."""
    proxy = Proxy(server[0])
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.address)
    yield proxy
    proxy.close()
