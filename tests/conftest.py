"""What all tests share: a home directory of their own, so that none touches the user's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """$SEGWIDGETS_HOME for this session; a test that needs an empty one sets its own."""
    path = tmp_path_factory.mktemp("home")
    before = os.environ.get("SEGWIDGETS_HOME")
    os.environ["SEGWIDGETS_HOME"] = str(path)
    yield path
    if before is None:
        del os.environ["SEGWIDGETS_HOME"]
    else:
        os.environ["SEGWIDGETS_HOME"] = before
