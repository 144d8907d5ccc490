"""All runs in one table."""

from __future__ import annotations

import difflib
import math
import operator
from typing import TYPE_CHECKING, Any

from segwidgets import storage
from segwidgets.tracking.base import Run, TrackingError
from segwidgets.tracking.ledger import settle
from segwidgets.tracking.mlflow import MLflowTracker
from segwidgets.tracking.mlflow import tracking_uri as resolved_uri

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
    "silhouette": "float64",
    "eps": "float64",
    "min_samples": "Int64",
    "n_neighbors": "Int64",
    "min_dist": "float64",
    "started": "datetime64[ns, UTC]",
    "duration": "float64",
    "reason": "str",
    "recipe": "str",
}


def leaderboard(experiment: str | None = None, *, tracking_uri: str | None = None, limit: int = 1_000) -> pd.DataFrame:
    """The runs that segwidgets tracked, newest first.

    Jobs that were killed are noticed by this look: their runs stand as failed, with the reason.

    Args:
        experiment: runs of this experiment only; all by default.
        tracking_uri: MLflow's address; ``$MLFLOW_TRACKING_URI``, else SQLite in segwidgets' home by default.
        limit: how many runs at most, 1 or more.

    Returns:
        One row a run: name, experiment, trial, status ("running", "completed", "failed", "stopped"), verdict
        ("exact", "ARI=…", "" where there is none), segments, coverage (0 to 1), silhouette (NaN where it is not
        defined), eps, min_samples, n_neighbors, min_dist, started (UTC), duration in seconds, reason ("" where the
        run completed), recipe (its digest). No rows, and the same columns, when nothing has run.

    Raises:
        ValueError: ``limit`` is below 1, or there is no such experiment (the existing ones are named).
        TrackingError: the tracker cannot be reached.
    """
    import pandas as pd

    if limit < 1:
        raise ValueError(f"limit={limit} is not allowed: it must be a whole number from 1.")
    uri = resolved_uri(tracking_uri)
    tracker = MLflowTracker(uri)
    settle(storage.home() / "jobs", tracker)
    chosen = tracker.experiments()
    if experiment is not None:
        chosen = {key: name for key, name in chosen.items() if name == experiment} or _unknown(experiment, chosen)
    rows = [_row(run) for run in tracker.search(chosen, limit)]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame["started"] = pd.to_datetime(frame["started"], unit="ms", utc=True)
    return frame.astype({name: kind for name, kind in COLUMNS.items() if name != "started"})


def _unknown(experiment: str, existing: dict[str, str]) -> dict[str, str]:
    names = sorted(existing.values())
    near = difflib.get_close_matches(experiment, names, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"there is no experiment {experiment!r}.{hint} Existing: {', '.join(names) or 'none yet'}.")


def _number(text: str | None) -> float:
    try:
        return float(text) if text is not None else math.nan
    except ValueError:  # "none": the recipe left it to the data, and the run did not come that far
        return math.nan


def _whole(value: float) -> int | None:
    return int(value) if math.isfinite(value) else None


def _row(run: Run) -> dict[str, Any]:
    params, metrics, tags = operator.itemgetter("params", "metrics", "tags")(run)
    ended = run["ended"]
    return {
        "name": run["name"],
        "experiment": run["experiment"],
        "trial": tags.get("segwidgets.trial", ""),
        "status": run["state"],
        "verdict": params.get("verdict", ""),
        "segments": _whole(metrics.get("clusters", math.nan)),
        "coverage": metrics.get("coverage", math.nan),
        "silhouette": metrics.get("silhouette", math.nan),
        "eps": _number(params.get("clustering.eps")),
        "min_samples": _whole(_number(params.get("clustering.min_samples"))),
        "n_neighbors": _whole(_number(params.get("embedding.n_neighbors"))),
        "min_dist": _number(params.get("embedding.min_dist")),
        "started": run["started"],
        "duration": (ended - run["started"]) / 1000 if ended else math.nan,
        "reason": tags.get("reason", "") if run["state"] != "completed" else "",
        "recipe": params.get("recipe_digest", ""),
    }


__all__ = ["COLUMNS", "TrackingError", "leaderboard"]
