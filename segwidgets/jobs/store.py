"""The job folders of this machine, and the store of tables that they share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from segwidgets import storage

if TYPE_CHECKING:
    from segwidgets.data import Table


def jobs_root() -> Path:
    """Where the job folders lie."""
    return storage.home() / "jobs"


def table_place(digest: str) -> Path:
    """Where the store has the table of this digest, if it has it."""
    return storage.home() / "data" / digest


def stored_table(table: Table) -> Path:
    """The table in the store, written once for all jobs on the same content."""
    place = table_place(table.digest)
    if not place.exists():
        table.save(place)
    return place
