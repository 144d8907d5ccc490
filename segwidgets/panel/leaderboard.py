"""All tracked runs as a table: sorted, filtered, compared and opened.

The front end is ``segwidgets/frontend/src/leaderboard.ts``; ``static/leaderboard.js`` is built from it.
"""

from __future__ import annotations

import collections
import math
import numbers
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anywidget
import traitlets

_Opened = Callable[[dict[str, Any]], object]
_PAIR = 2


def _plain(value: object) -> str | int | float | bool | None:
    """A value as JSON takes it; None where there is none."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        number = float(value)
        return number if math.isfinite(number) else None
    return str(value)


def _runs(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The records with an ``id`` each: a name may be in two experiments, or at two trackers."""
    seen: collections.Counter[str] = collections.Counter()
    runs = []
    for record in records:
        run = {str(column): _plain(value) for column, value in record.items()}
        name = run.get("name")
        if not isinstance(name, str) or not name:
            raise traitlets.TraitError(f"runs lack 'name': each needs the name of its run, got {name!r}.")
        identifier = "/".join(str(run.get(part) or "") for part in ("source", "experiment", "name"))
        seen[identifier] += 1
        run["id"] = identifier if seen[identifier] == 1 else f"{identifier}#{seen[identifier]}"
        runs.append(run)
    return runs


class Leaderboard(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget is followed as Any
    """A table of runs.

    Args:
        runs: One mapping a run, with ``name`` and whatever of the leaderboard's columns (`tracking.board.COLUMNS`) it
            has: text, numbers, None or NaN. Shares are from 0 to 1, ``started`` is ISO 8601, ``duration`` seconds.
            Columns that are not known are shown where two runs are compared. Each gets an ``id`` of its own.
        state: "pending" while they are being read, "final", or "empty".
        max_height: Height in CSS pixels above which the table scrolls inside.

    Raises:
        traitlets.TraitError: If a run has no name, more than two are chosen, or a brush is no range.

    ``sort_by`` and ``descending``, ``constraints`` (``noise_max``, ``smallest_min`` in per cent, ``segments_min``,
    ``segments_max``, ``status``, ``verdict``, ``text``), ``brushes`` ([from, to] by column), ``front_only``,
    ``front_by`` (two columns), ``chosen`` (ids of at most two runs that are compared) and ``parallel_shown`` follow the
    user. ``message`` is told above the table: set it when a run was opened, or could not be.
    """

    _esm = pathlib.Path(__file__).parent / "static" / "leaderboard.js"

    runs = traitlets.List(traitlets.Dict()).tag(sync=True)
    state = traitlets.Enum(["pending", "final", "empty"], "empty").tag(sync=True)
    sort_by = traitlets.Unicode("started").tag(sync=True)
    descending = traitlets.Bool(True).tag(sync=True)  # noqa: FBT003 - the newest first
    constraints = traitlets.Dict().tag(sync=True)
    brushes = traitlets.Dict().tag(sync=True)
    front_only = traitlets.Bool().tag(sync=True)
    front_by = traitlets.List(traitlets.Unicode(), ["silhouette", "coverage"], minlen=2, maxlen=2).tag(sync=True)
    chosen = traitlets.List(traitlets.Unicode()).tag(sync=True)
    parallel_shown = traitlets.Bool().tag(sync=True)
    message = traitlets.Unicode().tag(sync=True)
    max_height = traitlets.Int(380, min=120, max=4000).tag(sync=True)

    def __init__(self, runs: Sequence[Mapping[str, Any]] = (), *, state: str | None = None, **traits: Any) -> None:
        self._opened: list[_Opened] = []
        stated = state if state is not None else ("final" if runs else "empty")
        super().__init__(runs=list(runs), state=stated, **traits)
        self.on_msg(self._heard)

    def on_open(self, opened: _Opened) -> None:
        """Call ``opened(run)`` when the user opens a run in the panel; set ``message`` in answer."""
        self._opened.append(opened)

    @traitlets.validate("runs")  # type: ignore[untyped-decorator]  # traitlets is followed as Any
    def _check_runs(self, proposal: dict[str, Any]) -> list[dict[str, Any]]:
        return _runs(proposal["value"])

    @traitlets.validate("chosen")  # type: ignore[untyped-decorator]  # traitlets is followed as Any
    def _check_chosen(self, proposal: dict[str, Any]) -> list[str]:
        chosen: list[str] = proposal["value"]
        if len(chosen) > _PAIR:
            raise traitlets.TraitError(f"chosen={chosen!r} is not allowed: two runs at most are compared.")
        return chosen

    @traitlets.validate("brushes")  # type: ignore[untyped-decorator]  # traitlets is followed as Any
    def _check_brushes(self, proposal: dict[str, Any]) -> dict[str, list[float]]:
        made: dict[str, list[float]] = {}
        for column, value in proposal["value"].items():
            try:
                low, high = (float(end) for end in value)
            except (TypeError, ValueError):
                low, high = math.nan, math.nan
            if not low <= high:
                raise traitlets.TraitError(f"brushes[{column!r}]={value!r} is not allowed: it must be [from, to].")
            made[str(column)] = [low, high]
        return made

    @traitlets.observe("runs")  # type: ignore[untyped-decorator]  # traitlets is followed as Any
    def _forget_chosen(self, change: dict[str, Any]) -> None:
        there = {run["id"] for run in change["new"]}
        kept = [identifier for identifier in self.chosen if identifier in there]
        if kept != self.chosen:
            self.chosen = kept

    def _heard(self, _: object, content: dict[str, Any], __: object) -> None:
        if content.get("kind") != "open":
            return
        # A run may have gone while the message travelled.
        run = next((run for run in self.runs if run["id"] == content.get("id")), None)
        if run is not None:
            for opened in list(self._opened):
                opened(dict(run))
