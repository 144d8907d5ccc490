"""A tracker on a database of its own; made once, because making one takes a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from segwidgets.tracking import MLflowTracker


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tracking")


@pytest.fixture(autouse=True)
def _own_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGWIDGETS_HOME", str(home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="session")
def tracker(home: Path) -> MLflowTracker:
    return MLflowTracker(f"sqlite:///{home / 'mlflow.db'}")
