"""Rows in: read a table of customers from anywhere, check it before work starts, and give its content a digest."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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
}

__all__ = ["Check", "Column", "DataError", "MissingExtraError", "Table", "read", "samples"]


def __getattr__(name: str) -> Any:
    if name == "samples":
        return importlib.import_module("segwidgets.data.samples")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'segwidgets.data' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"segwidgets.data.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
