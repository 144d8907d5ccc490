"""Tracking: what a run was, what came of it, and all runs in one table.

A tracker is told settings, numbers and short documents about a run; no call of it takes rows of data.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segwidgets.tracking.base import Tracker, TrackingError
    from segwidgets.tracking.board import leaderboard
    from segwidgets.tracking.ledger import Ledger
    from segwidgets.tracking.mlflow import MLflowTracker

__all__ = ["Ledger", "MLflowTracker", "Tracker", "TrackingError", "leaderboard"]

_HOMES = {
    "Ledger": "ledger",
    "MLflowTracker": "mlflow",
    "Tracker": "base",
    "TrackingError": "base",
    "leaderboard": "board",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'segwidgets.tracking' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"segwidgets.tracking.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
