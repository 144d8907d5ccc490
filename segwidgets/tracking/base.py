"""What a tracker is told, and how a recipe becomes parameters."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Protocol, TypedDict

from segwidgets.recipe import ColumnGroup, Recipe

_log = logging.getLogger(__name__)

#: How a run stands: it runs, or it ended in one of three ways.
State = Literal["running", "completed", "failed", "stopped"]

#: The longest parameter value any of the trackers takes (SageMaker Experiments: 2,500 characters).
MAX_VALUE = 2_500
_CUT = " … (cut)"


class TrackingError(RuntimeError):
    """The tracker could not be reached, or does not know what it was asked for."""


@contextlib.contextmanager
def noted(uri: str, errors: dict[str, str]) -> Iterator[None]:
    """A TrackingError inside is noted under the tracker's address, and what is done goes on without that tracker."""
    try:
        yield
    except TrackingError as error:
        errors[uri] = str(error)
        _log.warning("the tracker at %s is left out: %s", uri, error)


class Tracker(Protocol):
    """Takes down one run after another.

    Nothing here takes rows of data: parameters and tags are short text, metrics are numbers, documents are small
    files about the run (its recipe, its scores, its figures), links say where larger things lie.
    """

    uri: str

    def start(
        self, *, experiment: str, name: str, tags: Mapping[str, str], trial: str = "", at: float | None = None
    ) -> str:
        """Begin a run that stands as running; returns its id. The experiment is made when it is missing.

        ``trial`` is a group of runs within the experiment, which may be empty. ``at`` is when it began (seconds since
        1970), where that is not now.
        """
        ...

    def find(self, *, experiment: str, name: str) -> str | None:
        """The id of the run that was begun under this name, or None."""
        ...

    def log(
        self,
        run_id: str,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        documents: Mapping[str, str | bytes] | None = None,
        links: Mapping[str, str] | None = None,
        step: int = 0,
    ) -> None:
        """Add to a run. Saying the same thing twice is allowed; metrics that are not finite are left out.

        ``documents`` are JSON texts and PNG figures by file name; ``links`` are addresses by "input/…" or "output/…".
        """
        ...

    def end(self, run_id: str, state: State, reason: str | None = None, *, at: float | None = None) -> None:
        """End a run as completed, failed or stopped; ``reason`` says why it did not complete, ``at`` when it ended."""
        ...


class Run(TypedDict):
    """A run as a board gives it back. Times are milliseconds since 1970."""

    name: str
    run_id: str
    experiment: str
    state: State
    started: float
    ended: float | None
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]


class Board(Protocol):
    """What can give runs back."""

    uri: str

    def experiments(self) -> dict[str, str]:
        """The experiments: id -> name."""
        ...

    def search(self, experiments: Mapping[str, str], limit: int) -> list[Run]:
        """The newest runs of ours in these experiments (id -> name), newest first."""
        ...


def cut(value: str, limit: int = MAX_VALUE) -> str:
    """The value, shortened to what every tracker takes; a shortened one says so."""
    return value if len(value) <= limit else value[: limit - len(_CUT)] + _CUT


def recipe_params(recipe: Recipe) -> dict[str, str]:
    """Every setting of a recipe as ``section.name`` -> text, for a tracker's parameters.

    The feature plan is told in short: kind, how many columns, and the transforms of each group.
    """
    params: dict[str, str] = {}
    for section in ("features", "embedding", "clustering"):
        settings = getattr(recipe, section)
        for name in settings.__dataclass_fields__:
            params[f"{section}.{name}"] = cut(_text(getattr(settings, name)))
    return params


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return "; ".join(_group(item) if isinstance(item, ColumnGroup) else str(item) for item in value)
    return str(value)


def _group(group: ColumnGroup) -> str:
    steps = " > ".join(group.transforms) or "as they are"
    return f"{len(group.columns)} {group.kind} columns: {steps}"
