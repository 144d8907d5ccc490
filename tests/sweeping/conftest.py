"""What the tests of sweeps in other processes share."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil
import pytest

import segwidgets as sw


@pytest.fixture(scope="session")
def session() -> sw.Session:
    return sw.Session(sw.samples.blobs(400))


@pytest.fixture(scope="session")
def recipe() -> sw.Recipe:
    return sw.Recipe().replace(n_neighbors=10, n_epochs=50)


@pytest.fixture(scope="session")
def slow() -> tuple[sw.Session, sw.Recipe]:
    """A trial that takes long enough to be stopped in."""
    return sw.Session(sw.samples.blobs(60_000)), sw.Recipe().replace(n_epochs=10_000)


def children() -> list[int]:
    """The processes of this one that run trials."""
    found = psutil.Process().children()
    return [one.pid for one in found if "segwidgets.sweeping.worker" in _command(one)]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it has just ended
        return []


@pytest.fixture
def workers() -> Callable[[], list[int]]:
    return children


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.05)


@pytest.fixture
def wait_until() -> Callable[..., None]:
    return until
