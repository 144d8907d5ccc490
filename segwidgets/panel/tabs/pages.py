"""The pages together, one shown at a time."""

from __future__ import annotations

import ipywidgets as widgets

from segwidgets.panel.tabs.comparison import CompareTab
from segwidgets.panel.tabs.features import FeaturesTab
from segwidgets.panel.tabs.methods import MethodsTab
from segwidgets.panel.tabs.stability import StabilityTab
from segwidgets.panel.tabs.tab import Surroundings, Tab
from segwidgets.panel.worker import Lane
from segwidgets.result import Result


class Pages:
    """All pages.

    Args:
        segments: the first page: the table of segments.
        around: what the others work with.
    """

    def __init__(self, segments: widgets.Widget, around: Surroundings) -> None:
        self.features = FeaturesTab(around)
        self.methods = MethodsTab(around)
        self.stability = StabilityTab(around)
        self.compare = CompareTab(around)
        self._tabs: tuple[Tab, ...] = (self.features, self.methods, self.stability, self.compare)
        self.view = widgets.Tab(
            children=[segments, *(tab.view for tab in self._tabs)],
            titles=["Segments", *(tab.title for tab in self._tabs)],
            selected_index=0,
        )

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """All background work."""
        return tuple(lane for tab in self._tabs for lane in tab.lanes)

    def show(self, result: Result) -> None:
        """The panel shows this result now, scored."""
        for tab in self._tabs:
            tab.show(result)

    def open(self, title: str) -> None:
        """Show a page by its title.

        Raises:
            ValueError: there is no such page.
        """
        titles = list(self.view.titles)
        if title not in titles:
            raise ValueError(f"{title!r} is no page of the panel: the pages are {', '.join(titles)}.")
        self.view.selected_index = titles.index(title)
