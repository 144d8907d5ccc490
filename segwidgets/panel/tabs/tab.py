"""What a tab of the panel is, and what it is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Protocol

import ipywidgets as widgets

from segwidgets.names import Names
from segwidgets.panel.worker import Lane
from segwidgets.recipe import Recipe
from segwidgets.result import Result
from segwidgets.session import Session


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What a tab works with.

    ``session``: computes, on the panel's table, with the panel's cache. ``shown``: gives the result that the panel
    shows (its scores may still be None), or None. ``wanted``: the recipe of the sliders, open where the data decides.
    ``take``: moves the sliders; raises RecipeError where the recipe cannot run. ``names``: of the segments.
    """

    session: Session
    shown: Callable[[], Result | None]
    wanted: Callable[[], Recipe]
    take: Callable[[Recipe], None]
    names: Callable[[], Names]


class Tab(Protocol):
    """A page of the panel below the map. Nothing is computed before the user asks for it."""

    @property
    def title(self) -> str:
        """What stands on its tab."""

    @property
    def view(self) -> widgets.Widget:
        """The page."""

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Its background work."""

    def show(self, result: Result) -> None:
        """The panel shows this result now, scored; called off the main thread."""
