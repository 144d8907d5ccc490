"""What changed between two segmentations, and between two tables."""

from segwidgets.compute.drift.columns import ColumnDrift, column_drift, psi
from segwidgets.compute.drift.events import Changes, SegmentChange, changes
from segwidgets.compute.drift.own import OwnRows
from segwidgets.compute.drift.verdict import Thresholds, Verdict, judge

__all__ = [
    "Changes", "ColumnDrift", "OwnRows", "SegmentChange", "Thresholds", "Verdict", "changes", "column_drift", "judge",
    "psi",
]  # fmt: skip
