"""What all tests share: a home directory of their own, so that none touches the user's, and the order of the files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

#: What takes longest, the longest first: what began last would be waited for alone.
LONGEST = (
    "browser",
    "lifecycle/test_faults.py",
    "browser/test_lab_extension.py",
    "panel/test_panel.py",
    "jobs/test_train.py",
    "parity/test_dbscan.py",
    "panel/test_promotion.py",
    "lab/test_notebook.py",
    "jobs/test_promotion.py",
    "jobs/test_contract.py",
    "lifecycle/test_on_start.py",
    "lifecycle/test_restore_parts.py",
    "compute/test_density_answers.py",
    "compute/test_analysis_sparsity.py",
    "test_session.py",
    "parity/test_dbscan_estimator.py",
)


def unit(path: str) -> str:
    """What one worker runs, first to last: a file, or all files that share one JupyterLab and draw in its browser."""
    return "browser" if path.startswith("browser/") and path != "browser/test_lab_extension.py" else path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, the others as they come."""
    here = Path(__file__).parent
    turn = {name: at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: turn.get(unit(item.path.relative_to(here).as_posix()), len(turn)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Workers take units, where more than one runs the tests."""
    from xdist.scheduler import LoadFileScheduling

    class Units(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit(nodeid.partition("::")[0].removeprefix("tests/"))

    return Units(config, log)


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
