"""Tracking: what a run was, what came of it, and all runs in one table.

A tracker is told settings, numbers and short documents about a run; no call of it takes rows of data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segwidgets.lazy import lazy

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


__getattr__, __dir__ = lazy(__name__, _HOMES)
