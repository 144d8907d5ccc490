"""The client's report: one HTML file that needs no network, made from a job's aggregates, never from its rows."""

from segwidgets.report.facts import FLOOR, Facts, ReportError, Segment
from segwidgets.report.making import make_report, write_report

__all__ = ["FLOOR", "Facts", "ReportError", "Segment", "make_report", "write_report"]
