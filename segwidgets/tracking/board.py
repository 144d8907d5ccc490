"""All runs in one table."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from segwidgets import storage
from segwidgets.tracking import address
from segwidgets.tracking.base import Run, State, TrackingError, noted
from segwidgets.tracking.choice import Choice, states
from segwidgets.tracking.ledger import settle
from segwidgets.tracking.merging import Found, merged
from segwidgets.tracking.untold import SOURCE, untold

if TYPE_CHECKING:
    import pandas as pd

#: The columns in their order, and what they hold.
COLUMNS = {
    "name": "str",
    "experiment": "str",
    "trial": "str",
    "status": "str",
    "verdict": "str",
    "segments": "Int64",
    "coverage": "float64",
    "smallest": "float64",
    "largest": "float64",
    "silhouette": "float64",
    "eps": "float64",
    "min_samples": "Int64",
    "n_neighbors": "Int64",
    "min_dist": "float64",
    "started": "datetime64[ns, UTC]",
    "duration": "float64",
    "source": "str",
    "reason": "str",
    "recipe": "str",
}
#: How many runs of a tracker are looked at where constraints leave some out.
SCANNED = 50_000


def leaderboard(
    experiment: str | None = None,
    *,
    tracking_uri: str | None = None,
    limit: int = 1_000,
    offset: int = 0,
    max_noise: float | None = None,
    clusters: tuple[int, int] | None = None,
    min_share: float | None = None,
    status: State | Sequence[State] | None = None,
    verdict: str | None = None,
    pareto: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The runs that segwidgets tracked, newest first.

    Jobs that were killed are noticed by this look: their runs stand as failed, with the reason. A run that several
    trackers know is one row. Where a tracker cannot be asked, the runs that this machine has for it stand in the table
    all the same.

    Args:
        experiment: runs of this experiment only; all by default.
        tracking_uri: the trackers' address, several with commas between; ``$SEGWIDGETS_TRACKING_URI``,
            ``$MLFLOW_TRACKING_URI``, else SQLite in segwidgets' home by default.
        limit: how many runs at most, 1 or more.
        offset: how many of the newest to pass over, for the next page.
        max_noise: the largest share of rows that may be noise, 0 to 1.
        clusters: the fewest and the most segments, both allowed.
        min_share: the share of all rows, 0 to 1, that the smallest segment must have.
        status: one of "running", "completed", "failed" and "stopped", or several.
        verdict: what the verdict begins with: "exact", "ARI=0.9".
        pareto: two or more of silhouette, coverage, smallest (more is better), largest and duration (less is better):
            adds the column ``pareto``, true for the runs that none of those which meet the constraints beats in them.

    Returns:
        One row a run: name, experiment, trial, status, verdict ("exact", "ARI=…", "" where there is none), segments,
        coverage (0 to 1), smallest and largest (shares of all rows in those segments), silhouette (NaN where it is not
        defined), eps, min_samples, n_neighbors, min_dist, started (UTC), duration in seconds, source ("local",
        "mlflow", "managed mlflow", "experiments", joined by + where several know the run, "untold" where its tracker
        could not be asked), reason ("" where it completed), recipe (its digest). No rows, and the same columns, when
        nothing has run. ``attrs["errors"]`` holds, by address, what went wrong with trackers that could not be asked.

    Raises:
        ValueError: an argument is not allowed, or there is no such experiment (the existing ones are named).
        TrackingError: no tracker can be reached, and this machine has no run for one.
    """
    import pandas as pd

    if limit < 1:
        raise ValueError(f"limit={limit} is not allowed: it must be a whole number from 1.")
    if offset < 0:
        raise ValueError(f"offset={offset} is not allowed: it must be a whole number from 0.")
    choice = Choice(max_noise, clusters, min_share, states(status), verdict, tuple(pareto or ()))
    found, errors = _runs(address.resolved(tracking_uri), experiment, SCANNED if choice.any else offset + limit)
    frame = pd.DataFrame([_row(run, source) for run, source in found], columns=list(COLUMNS))
    frame["started"] = pd.to_datetime(frame["started"], unit="ms", utc=True)
    frame = frame.astype({name: kind for name, kind in COLUMNS.items() if name != "started"})
    page = choice.of(frame).iloc[offset : offset + limit].reset_index(drop=True)
    page.attrs["errors"] = errors
    return page


def _runs(uri: str, experiment: str | None, limit: int) -> tuple[list[Found], dict[str, str]]:
    """The newest runs at an address, and what went wrong by single address."""
    errors: dict[str, str] = {}
    boards: list[tuple[str, Sequence[Run]]] = []
    existing: set[str] = set()
    for single in address.parts(uri):
        with noted(single, errors):
            board = address.board(single)
            settle(storage.home() / "jobs", board)
            chosen = board.experiments()
            existing |= set(chosen.values())
            if experiment is not None:
                chosen = {key: name for key, name in chosen.items() if name == experiment}
            boards.append((address.source(single), board.search(chosen, limit)))
    left = untold(storage.home() / "jobs", errors, experiment) if errors else []
    if left:
        boards.append((SOURCE, left))
        existing |= {run["experiment"] for run in left}
    if not boards:
        raise TrackingError("; ".join(errors.values()))
    if experiment is not None and experiment not in existing:
        raise _unknown(experiment, existing, errors)
    return merged(boards), errors


def _unknown(experiment: str, existing: set[str], errors: Mapping[str, str]) -> ValueError:
    names = sorted(existing)
    near = difflib.get_close_matches(experiment, names, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    unasked = f" {', '.join(errors)} could not be asked." if errors else ""
    return ValueError(
        f"there is no experiment {experiment!r}.{hint} Existing: {', '.join(names) or 'none yet'}.{unasked}"
    )


def _number(text: str | None) -> float:
    try:
        return float(text) if text is not None else math.nan
    except ValueError:  # "none": the recipe left it to the data, and the run did not come that far
        return math.nan


def _whole(value: float) -> int | None:
    return int(value) if math.isfinite(value) else None


def _row(run: Run, source: str) -> dict[str, Any]:
    params, metrics, tags = run["params"], run["metrics"], run["tags"]
    ended = run["ended"]
    return {
        "name": run["name"],
        "experiment": run["experiment"],
        "trial": tags.get("segwidgets.trial", ""),
        "status": run["state"],
        "verdict": params.get("verdict", ""),
        "segments": _whole(metrics.get("clusters", math.nan)),
        "coverage": metrics.get("coverage", math.nan),
        "smallest": metrics.get("smallest", math.nan),
        "largest": metrics.get("largest", math.nan),
        "silhouette": metrics.get("silhouette", math.nan),
        "eps": _number(params.get("clustering.eps")),
        "min_samples": _whole(_number(params.get("clustering.min_samples"))),
        "n_neighbors": _whole(_number(params.get("embedding.n_neighbors"))),
        "min_dist": _number(params.get("embedding.min_dist")),
        "started": run["started"],
        "duration": (ended - run["started"]) / 1000 if ended else math.nan,
        "source": source,
        "reason": tags.get("reason", "") if run["state"] != "completed" else "",
        "recipe": params.get("recipe_digest", ""),
    }


__all__ = ["COLUMNS", "TrackingError", "leaderboard"]
