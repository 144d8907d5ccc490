"""One run that several trackers know is one row of the table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from segwidgets.tracking.base import Run

#: A run, and what kind of tracker it was found in.
Found = tuple[Run, str]


def merged(boards: Iterable[tuple[str, Sequence[Run]]]) -> list[Found]:
    """The runs of several boards (source, runs), newest first.

    A run of another board with the same experiment and name is the same: a job's name is taken once. What the first
    board says of it counts, the others fill in what it does not know.
    """
    found: list[Found] = []
    known: dict[tuple[str, str], int] = {}
    for source, runs in boards:
        fresh: dict[tuple[str, str], int] = {}
        for run in runs:
            key = (run["experiment"], run["name"])
            at = known.get(key)
            if at is None:
                fresh[key] = len(found)
                found.append((run, source))
            else:
                first, sources = found[at]
                found[at] = (_both(first, run), sources if source in sources.split("+") else f"{sources}+{source}")
        known |= fresh
    return sorted(found, key=lambda one: one[0]["started"] or 0, reverse=True)


def _both(first: Run, second: Run) -> Run:
    ended = second if first["state"] == "running" else first
    return {
        **first,
        "state": ended["state"],
        "ended": ended["ended"],
        "params": {**second["params"], **first["params"]},
        "metrics": {**second["metrics"], **first["metrics"]},
        "tags": {**second["tags"], **first["tags"]},
    }
