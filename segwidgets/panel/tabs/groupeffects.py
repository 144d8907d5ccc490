"""What each group of columns does to the segments: the last part of the Features tab."""

from __future__ import annotations

import threading
from collections.abc import Callable

import ipywidgets as widgets

from segwidgets.analysis import FeatureAnalysis
from segwidgets.leaving import Effects, LeavingForecast, leave_out, plan_groups, prefix_groups, same_groups
from segwidgets.panel.tabs import featurewords as words
from segwidgets.panel.tabs.tab import Surroundings
from segwidgets.panel.tabs.work import Show, Work
from segwidgets.recipe import Recipe
from segwidgets.result import Result

_BY = (("kinds of columns", "plan"), ("beginnings of names", "prefixes"), ("columns that say the same", "redundant"))


class GroupEffects:
    """Runs the recipe without each group of columns in turn, when asked to.

    Args:
        around: what the tab works with.
        analysis: gives what was found about the columns, or None.
    """

    def __init__(self, around: Surroundings, analysis: Callable[[], FeatureAnalysis | None]) -> None:
        self._around = around
        self._analysis = analysis
        self.found: Effects | None = None
        wide = {"description_width": "76px"}
        self.by = widgets.Dropdown(
            options=_BY, description="groups", tooltip="What makes a group of columns", style=wide
        )
        self.prefixes = widgets.Text(
            description="begin with",
            placeholder="web_, shop_",
            tooltip="Beginnings of column names, commas between them",
            style=wide,
        )
        self.work = Work(
            "group-effects",
            "What does each group do?",
            tooltip="Run the settings without each group of columns in turn, and compare the segments",
            icon="object-ungroup",
            do=self._run,
        )
        self.work.button.disabled = False
        self.forecast, self.earlier, self.table = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.by.observe(lambda _: self._ask(), "value")
        row = widgets.HBox([self.by, self.prefixes], layout=widgets.Layout(flex_flow="row wrap", grid_gap="4px 8px"))
        title = widgets.HTML(words.heading("What each group of columns does to the segments"))
        self.view = widgets.VBox([title, row, self.work.view, self.forecast, self.earlier, self.table])
        self._ask()

    def show(self, result: Result) -> None:
        """The panel shows this result now: say where the table is of another setting."""
        found = self.found
        old = found is not None and found.result.recipe != result.recipe
        self.earlier.value = words.earlier(words.EARLIER_EFFECTS) if old else ""

    def _ask(self) -> None:
        self.prefixes.layout.display = "" if self.by.value == "prefixes" else "none"

    def _run(self, show: Show, cancel: threading.Event) -> None:
        recipe = self._around.wanted()
        self.forecast.value = ""
        found = leave_out(
            self._around.session, recipe, self._groups(recipe), told=self._told, progress=show, cancel=cancel
        )
        if cancel.is_set():
            return
        self.found = found
        self.table.value = words.effects(found)
        self.forecast.value = ""
        self.work.say("Done.")
        shown = self._around.shown()
        if shown is not None:
            self.show(shown)

    def _told(self, forecast: LeavingForecast) -> None:
        self.forecast.value = words.said(words.forecast(forecast))

    def _groups(self, recipe: Recipe) -> dict[str, tuple[str, ...]]:
        table = self._around.session.table
        if self.by.value == "prefixes":
            given = [part.strip() for part in self.prefixes.value.split(",") if part.strip()]
            if not given:
                raise ValueError("no beginning of a name is given: write some, commas between them, as in web_, shop_.")
            return prefix_groups(table, given, recipe)
        if self.by.value == "redundant":
            found = self._analysis()
            if found is None:
                raise ValueError("which columns say the same is not known yet: look at the features first.")
            if not found.groups:
                raise ValueError("no columns say the same, so there is no group to leave out: take other groups.")
            return same_groups(found.groups)
        groups = plan_groups(table, recipe)
        if len(groups) < 2:
            raise ValueError(
                f"all columns are of one kind ({next(iter(groups))}), so nothing would be left without it: take "
                "beginnings of names, or columns that say the same."
            )
        return groups
