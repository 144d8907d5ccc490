"""Rows in: read a table of customers from anywhere, check it before work starts, and give its content a digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segwidgets.lazy import lazy

if TYPE_CHECKING:
    from segwidgets.data import samples as samples
    from segwidgets.data.columns import Check, Column
    from segwidgets.data.errors import DataError, MissingExtraError
    from segwidgets.data.reading import read
    from segwidgets.data.table import Table

_HOMES = {
    "Check": "columns",
    "Column": "columns",
    "DataError": "errors",
    "MissingExtraError": "errors",
    "Table": "table",
    "read": "reading",
    "samples": "samples",
}

__all__ = ["Check", "Column", "DataError", "MissingExtraError", "Table", "read", "samples"]


__getattr__, __dir__ = lazy(__name__, _HOMES)
