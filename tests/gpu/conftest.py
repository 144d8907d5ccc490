"""The GPU tests run where they are asked for (`-m gpu`) and nowhere else; asked for without a GPU they fail."""

from __future__ import annotations

import re

import pytest

from segwidgets.compute.backend import BackendError, choose


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """After `-m` has chosen: deselect what nobody asked for, and refuse what cannot run."""
    chosen = [item for item in items if item.get_closest_marker("gpu")]
    if not chosen:
        return
    if not re.search(r"\bgpu\b", config.option.markexpr):
        items[:] = [item for item in items if item not in chosen]
        config.hook.pytest_deselected(items=chosen)
        return
    try:
        choose("cuml")
    except BackendError as error:
        pytest.exit(f"The GPU tests were asked for, and cannot run: {error}", returncode=1)
