"""What all tests share: a home directory of their own, so that none touches the user's, and the order of the files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

#: The files that take longest, the longest first: one that began last would be waited for alone.
LONGEST = (
    "lifecycle/test_faults.py",
    "browser/test_lab_extension.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, the others as they come."""
    here = Path(__file__).parent
    turn = {here / name: at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: turn.get(item.path, len(turn)))


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
