"""Where runs are tracked: an address in text, and the trackers and boards behind it.

- ``sqlite:///runs.db``, ``https://mlflow.example.com``, a directory: MLflow;
- ``arn:aws:sagemaker:…``: a managed MLflow (the plug-in ``sagemaker-mlflow``, extra ``aws``);
- ``experiments:eu-central-1``: SageMaker Experiments in that region, ``experiments:`` in the environment's;
- several of them with commas between: all at once.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from segwidgets.tracking.base import TrackingError

if TYPE_CHECKING:
    from segwidgets.tracking.base import Board, Tracker
    from segwidgets.tracking.experiments import ExperimentsTracker
    from segwidgets.tracking.mlflow import MLflowTracker

#: Begins the address of SageMaker Experiments; its region follows.
EXPERIMENTS = "experiments:"
#: The address of a job that can reach no tracker: whoever looks at its end tells one.
NOWHERE = "none:"
#: The variable that names the tracker, before MLflow's own.
VARIABLE = "SEGWIDGETS_TRACKING_URI"

# A comma ends an address where another begins behind it: a path may hold commas.
_BETWEEN = re.compile(r"\s*,\s*(?=[A-Za-z][A-Za-z0-9+.-]*:|/|$)")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d")
_MANAGED = re.compile(r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:(mlflow-tracking-server|mlflow-app)/[\w-]+")


def parts(uri: str) -> tuple[str, ...]:
    """The single addresses in one, in their order; none where the text is empty."""
    return tuple(dict.fromkeys(part for part in _BETWEEN.split(uri.strip()) if part))


def resolved(given: str | None = None) -> str:
    """The address in full: ``given``, else ``$SEGWIDGETS_TRACKING_URI``, else MLflow's default.

    MLflow's default is ``$MLFLOW_TRACKING_URI``, else SQLite in segwidgets' home. Relative paths become absolute, and
    ``experiments:`` gets its region, because a job runs in another directory and with another environment.

    Raises:
        TrackingError: an address cannot be one, or no AWS region is known.
    """
    from segwidgets.tracking.mlflow import tracking_uri

    said = parts(given or os.environ.get(VARIABLE) or os.environ.get("MLFLOW_TRACKING_URI") or "")
    return ",".join(dict.fromkeys(_full(part) for part in said)) if said else tracking_uri()


def _full(part: str) -> str:
    from segwidgets.tracking.mlflow import tracking_uri

    if part == NOWHERE:
        return part
    if part.startswith(EXPERIMENTS):
        from segwidgets.tracking.experiments import region_of

        region = part.removeprefix(EXPERIMENTS).strip("/") or region_of(part)
        if not _REGION.fullmatch(region):
            raise TrackingError(
                f"tracking_uri={part!r} is not allowed: behind 'experiments:' stands a region of AWS, such as "
                "experiments:eu-central-1, or nothing for the environment's."
            )
        return EXPERIMENTS + region
    if part.startswith("arn:"):
        if not _MANAGED.fullmatch(part):
            raise TrackingError(
                f"tracking_uri={part!r} is not allowed: the ARN must be a managed MLflow's, "
                "arn:aws:sagemaker:REGION:ACCOUNT:mlflow-tracking-server/NAME."
            )
        return part
    return tracking_uri(part)


def is_local(uri: str) -> bool:
    """Whether every address is a file of this machine, so that no network can make a call wait."""
    from segwidgets.tracking import mlflow

    return all(mlflow.is_local(part) for part in parts(uri)) and bool(parts(uri))


def source(uri: str) -> str:
    """What kind of tracker one address is: "local", "mlflow", "managed mlflow" or "experiments"."""
    if uri.startswith(EXPERIMENTS):
        return "experiments"
    if uri.startswith("arn:"):
        return "managed mlflow"
    return "local" if is_local(uri) else "mlflow"


def tracker(uri: str) -> Tracker:
    """The tracker at an address; one that tells all of them where there are several.

    Raises:
        TrackingError: none can be reached, or what it needs is not installed.
    """
    single = parts(uri)
    if single == (NOWHERE,):
        raise TrackingError("no tracker can be reached from inside this job")
    if len(single) > 1:
        from segwidgets.tracking.several import Several

        return Several.at(single)
    return _opened(single[0] if single else resolved())


def board(uri: str) -> MLflowTracker | ExperimentsTracker:
    """What can list the runs at one address, a `Board` and its `Tracker`; raises TrackingError like `tracker`."""
    if uri == NOWHERE:
        raise TrackingError(f"{NOWHERE} names no tracker")
    return _opened(uri)


def boards(uri: str) -> list[Board]:
    """What can list runs at an address, one for each single address."""
    return [board(part) for part in parts(uri)]


def _opened(uri: str) -> MLflowTracker | ExperimentsTracker:
    if uri.startswith(EXPERIMENTS):
        from segwidgets.tracking.experiments import ExperimentsTracker

        return ExperimentsTracker(uri)
    from segwidgets.tracking.mlflow import MLflowTracker

    return MLflowTracker(uri)
