"""What a command prints: results to stdout, as lines, a table, or JSON."""

from __future__ import annotations

import math
import sys
from typing import Any


def out(text: str) -> None:
    """A result: one line, or several, to stdout."""
    sys.stdout.write(text + "\n")


def plain(row: dict[Any, Any]) -> dict[str, Any]:
    """A row of the leaderboard in what JSON has: None for what there is not, ISO times."""
    import pandas as pd

    plain: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, pd.Timestamp):
            plain[str(name)] = value.isoformat()
        elif value is pd.NA or (isinstance(value, float) and math.isnan(value)):
            plain[str(name)] = None
        else:
            plain[str(name)] = value
    return plain


def cell(name: str, value: Any) -> str:
    """A value of the leaderboard in a few characters."""
    if value is None:
        return "-"
    if name == "started":
        return str(value)[:19].replace("T", " ")
    if name == "coverage":
        return f"{value:.1%}"
    if isinstance(value, float):
        return f"{value:.1f}" if name == "duration" else f"{value:.3g}"
    return str(value) if len(str(value)) <= 60 else f"{value[:57]}..."


def aligned(header: list[str], rows: list[list[str]]) -> str:
    """A table in columns that stand under each other."""
    widths = [max(len(row[at]) for row in [header, *rows]) for at in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows]]
    return "\n".join(line.rstrip() for line in lines)
