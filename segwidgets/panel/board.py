"""The leaderboard in the panel: read in a process of its own, and a run's settings restored from it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from segwidgets.data import Table
from segwidgets.jobs import Job
from segwidgets.jobs.recipes import UnknownRecipeError, in_folder
from segwidgets.names import Names
from segwidgets.panel import html
from segwidgets.panel.leaderboard import Leaderboard
from segwidgets.panel.worker import Lane
from segwidgets.recipe import Recipe

_log = logging.getLogger(__name__)

#: As many runs as the table is made for.
_RUNS = 5_000
_TIMEOUT = 180


class Board:
    """The tracked runs.

    Args:
        table: what the panel shows; names of segments belong to its rows.
        go: called with the recipe and the names of a run that the user opens; raises ValueError where they cannot be.
    """

    def __init__(self, table: Table, go: Callable[[Recipe, Names], None]) -> None:
        self._table = table
        self._go = go
        self._reading = Lane("board", failed=self._failed)
        self._opening = Lane("open", failed=self._not_opened)
        self.refresh = widgets.Button(
            description="Leaderboard", icon="list", tooltip="Read the tracked runs", layout=widgets.Layout(width="auto")
        )
        self.refresh.on_click(lambda _: self.read())
        self.runs = Leaderboard(layout=widgets.Layout(display="none"))
        self.runs.on_open(lambda run: self._opening.submit(lambda _: self._open(run)))
        self.errors = widgets.HTML()
        self.view = widgets.VBox([self.errors, self.runs])

    def read(self) -> None:
        """Read the tracked runs. In a process of its own: importing MLflow here would hold up the sliders."""
        self.refresh.disabled = True
        self.runs.layout.display = ""
        self.runs.state = "pending"
        self._reading.submit(self._read)

    def _read(self, _cancel: threading.Event) -> None:
        command = [sys.executable, "-m", "segwidgets.cli", "leaderboard", "--json", "--limit", str(_RUNS)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"the leaderboard could not be read: {done.stderr.strip()[-500:]}")
        self.show(json.loads(done.stdout))

    def show(self, records: list[dict[str, Any]]) -> None:
        """Show these runs."""
        self.errors.value = ""
        with self.runs.hold_sync():
            self.runs.runs = records
            self.runs.state = "final" if records else "empty"
        self.runs.layout.display = ""
        self.refresh.disabled = False

    def _failed(self, error: Exception) -> None:
        self.errors.value = html.failure(error)
        self.runs.state = "final" if self.runs.runs else "empty"
        self.runs.layout.display = "" if self.runs.runs else "none"
        self.refresh.disabled = False

    def _open(self, run: Mapping[str, Any]) -> None:
        name = str(run["name"])
        recipe, names, told = found(name, self._table)
        self._go(recipe, names)
        self.runs.message = f"The settings of {name} are in the panel.{told}"

    def _not_opened(self, error: Exception) -> None:
        # What a run lacks is told in a sentence; only a fault of ours has a traceback worth showing.
        if isinstance(error, (ValueError, OSError)):
            self.runs.message = f"Not opened: {error}"
        else:
            _log.warning("a run was not opened", exc_info=error)
            self.errors.value = html.failure(error)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the runs are read, and the one that was opened last is."""
        return self._reading.wait(timeout) and self._opening.wait(timeout)

    def close(self) -> None:
        """Stop reading."""
        self._reading.close()
        self._opening.close()


def found(name: str, table: Table) -> tuple[Recipe, Names, str]:
    """The recipe of a run, what its segments are called on this table, and a sentence where there is more to say.

    Raises:
        UnknownRecipeError: neither a job's folder on this machine nor a tracker has it.
    """
    try:
        said = in_folder(Job.load(name).path)
    except UnknownRecipeError:
        raise
    except ValueError:  # promoted elsewhere; asking a tracker is slow, and importing one holds up the sliders
        command = [sys.executable, "-m", "segwidgets.cli", "leaderboard", "--recipe", name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
        if done.returncode != 0:
            raise UnknownRecipeError(done.stderr.strip().removeprefix("segwidgets: ")[-500:]) from None
        said = json.loads(done.stdout)
    recipe = Recipe.from_dict(said["recipe"])
    if said["table_digest"] == table.digest:
        return recipe, Names.from_dict(said["names"]), ""
    return recipe, Names(), " They were found on another table, so the segments will differ."
