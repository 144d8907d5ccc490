"""The pages below the map: segments, and what looks closer at features, methods, stability and other runs."""

from segwidgets.panel.tabs.pages import Pages
from segwidgets.panel.tabs.tab import Surroundings, Tab
from segwidgets.panel.tabs.work import Work

__all__ = ["Pages", "Surroundings", "Tab", "Work"]
