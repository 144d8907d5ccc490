"""Where the trials of a sweep run: what every place can do, and the simplest of them, this process."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from segwidgets.goals import measured
from segwidgets.recipe import Recipe, RecipeError
from segwidgets.result import Progress
from segwidgets.session import Session

if TYPE_CHECKING:
    from typing import Self


@dataclasses.dataclass(frozen=True)
class Tried:
    """What came of one recipe: with everything filled in that the data decides, its metrics, or why it has none."""

    recipe: Recipe
    metrics: dict[str, float]
    seconds: float
    error: str = ""


class Place(Protocol):
    """Runs trials, up to ``slots`` at once. Left as a context manager: nothing of it goes on afterwards."""

    slots: int

    def begin(self, number: int, recipe: Recipe) -> None:
        """Begin trial ``number``; there is a free slot."""
        ...

    def ended(self, patience: float) -> list[tuple[int, Tried]]:
        """The trials that have ended since the last call; waits for the first up to ``patience`` seconds.

        Raises:
            Cancelled: a place that runs them in the call was cancelled.
        """
        ...

    def standing(self) -> dict[int, Progress]:
        """How far each running trial is, as far as that is known."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


def tried(
    session: Session,
    recipe: Recipe,
    objectives: tuple[str, ...],
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
) -> Tried:
    """Run a recipe and measure it; one that does not fit the table (more neighbours than rows, say) is an outcome."""
    begun = time.monotonic()
    try:
        result = session.run(recipe, progress=progress, cancel=cancel)
    except RecipeError as error:
        return Tried(recipe, {}, time.monotonic() - begun, str(error))
    return Tried(result.recipe, measured(result, objectives), time.monotonic() - begun)


class Here:
    """This process, one trial after the other, on the session's own cache."""

    slots = 1

    def __init__(
        self,
        session: Session,
        objectives: tuple[str, ...],
        progress: Callable[[Progress], None] | None,
        cancel: threading.Event | None,
    ) -> None:
        self._session, self._objectives = session, objectives
        self._progress, self._cancel = progress, cancel
        self._next: list[tuple[int, Recipe]] = []

    def begin(self, number: int, recipe: Recipe) -> None:
        """Remember it: it runs in `ended`."""
        self._next.append((number, recipe))

    def ended(self, patience: float) -> list[tuple[int, Tried]]:
        """Run what was begun, however long it takes."""
        del patience
        number, recipe = self._next.pop()
        return [(number, tried(self._session, recipe, self._objectives, self._progress, self._cancel))]

    def standing(self) -> dict[int, Progress]:
        """Nothing: a trial tells its progress itself as it runs."""
        return {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._next.clear()
