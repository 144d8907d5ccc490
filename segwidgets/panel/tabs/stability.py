"""The Stability tab: whether the segments come back on samples of the rows, and which settings are stable."""

from __future__ import annotations

import threading

import ipywidgets as widgets

from segwidgets.compute.stability import Plateau, StabilityMap, plateaus
from segwidgets.compute.stability.map import REPEATS
from segwidgets.data.errors import plural
from segwidgets.estimates import duration
from segwidgets.panel import html
from segwidgets.panel.heatmap import HeatMap
from segwidgets.panel.tabs.othersettings import OtherSettings
from segwidgets.panel.tabs.stabilitywords import facet, plateau_words, table
from segwidgets.panel.tabs.tab import Surroundings
from segwidgets.panel.tabs.takelist import TakeList
from segwidgets.panel.tabs.work import Show, Work
from segwidgets.recipe import Recipe
from segwidgets.result import Result
from segwidgets.stable import MapOfRecipe, plan_map, stability, stability_map

#: Plateaus that have a label on the map, and that are listed.
_MARKED = 5

_HINT = (
    "How well samples of the rows agree with the clustering of all of them (ARI), for every eps and min_samples, from "
    "trees that are built once. A plateau is a region of settings that give the same segments: click it to take its "
    "settings."
)
_HINT_SEGMENTS = "How much of each segment comes back on samples of the rows (Jaccard, after Hennig 2007)."


class StabilityTab:
    """Stability by segment, and the stability map.

    Args:
        around: what it works with.
    """

    title = "Stability"

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._made: MapOfRecipe | None = None
        self._unfinished: tuple[Recipe, StabilityMap] | None = None
        self._of: Result | None = None
        self.map_work = Work(
            "stability-map", "Make the stability map", icon="th", do=self._make,
            tooltip="Judge every eps and min_samples on samples of the rows",
        )  # fmt: skip
        self.segment_work = Work(
            "stability", "Is each segment stable?", icon="check", do=self._judge,
            tooltip="Cluster samples of the rows with the present settings",
        )  # fmt: skip
        self.map = HeatMap(
            value_name="agreement",
            row_name="min_samples",
            column_name="eps (distance on the map)",
            upwards=True,
            layers=(("segment", "count"), ("noise", "share")),
            action="take these settings",
            absent="fewer than two segments",
            height=320,
            layout=widgets.Layout(display="none"),
        )
        self.map.on_take(self._take)
        self._words = widgets.HTML()
        self._list = TakeList[Plateau](self.take)
        self._segments = widgets.HTML()
        self.others = OtherSettings(around)
        self.lanes = (self.map_work.lane, self.segment_work.lane, self.others.work.lane)
        self.view = widgets.VBox(
            [
                widgets.HTML(f'<div class="sw-dim">{html.escape(_HINT)}</div>'),
                self.map_work.view,
                self.map,
                self._words,
                self._list.view,
                widgets.HTML(f'<div class="sw-dim">{html.escape(_HINT_SEGMENTS)}</div>'),
                self.segment_work.view,
                self._segments,
                self.others.view,
            ]
        )

    @property
    def made(self) -> MapOfRecipe | None:
        """The map that is shown, or None."""
        return self._made

    @property
    def plateaus(self) -> tuple[Plateau, ...]:
        """The plateaus that can be taken, the largest first."""
        return () if self._made is None else self._made.plateaus[:_MARKED]

    def show(self, result: Result) -> None:
        """The panel shows this result now."""
        self.map_work.button.disabled = self.segment_work.button.disabled = False
        self.others.show(result)
        if self._made is not None:
            self._draw()
        if self._of is not None:
            same = self._of.recipe == result.recipe
            self._segments.layout.display = "" if same else "none"
            self.segment_work.say("" if same else "Of an earlier setting: judge again.")

    def take(self, plateau: Plateau) -> None:
        """Move the sliders to a plateau's settings."""
        made = self._made
        if made is not None:
            self._go(made, plateau.eps, plateau.min_samples)

    # -- the map -----------------------------------------------------------------------------------------------------

    def _make(self, show: Show, cancel: threading.Event) -> None:
        result = self._there()
        recipe = result.recipe
        so_far = None
        if self._unfinished is not None and _one_map(self._unfinished[0], recipe):
            so_far = self._unfinished[1]
        if so_far is None:
            grid, cost = plan_map(self._around.session, recipe)
            self.map_work.say(f"{cost.cells:,} settings on {cost.repeats} samples: about {duration(cost.seconds)} …")
        else:
            grid = so_far.grid

        def told(now: StabilityMap) -> None:
            if not cancel.is_set():
                self._unfinished = (recipe, now)
                self._made = MapOfRecipe(recipe, result, now)
                self._draw()

        made = stability_map(
            self._around.session, recipe, grid=grid, repeats=REPEATS, so_far=so_far, told=told, progress=show,
            cancel=cancel,
        )  # fmt: skip
        self._unfinished = None
        self._made = made
        self._draw()
        self.map_work.say(f"{made.map.mean.size:,} settings, {made.map.repeats} samples of {made.map.share:.0%}.")

    def _draw(self) -> None:
        made = self._made
        if made is None:
            return
        shown = self._around.shown()
        current = shown is not None and _one_map(made.recipe, shown.recipe)
        found = plateaus(made.map)[:_MARKED]
        self.map.layout.display = ""
        here = shown.recipe if shown is not None and current else None
        self.map.draw([facet(made.map, list(enumerate(found, 1)), here)])
        old = "" if current else "<b>Of an earlier map</b>: make it again, or take a setting to go back to that map. "
        done = "" if made.map.done >= 1 else f"{made.map.done:.0%} is there; start again to go on. "
        told = (
            f"{plural(len(found), 'plateau')}, the largest first:"
            if found
            else "No plateau: no setting is stable and of use."
        )
        self._words.value = f'<div class="sw-dim" role="status">{old}{done}{told}</div>'
        self._list.show(found, plateau_words)

    def _take(self, _facet: int, row: int, column: int) -> None:
        made = self._made
        if made is not None:
            grid = made.map.grid
            self._go(made, float(grid.eps[column]), int(grid.min_samples[row]))

    def _go(self, made: MapOfRecipe, eps: float, min_samples: int) -> None:
        recipe = made.recipe.replace(eps=eps, min_samples=min_samples)
        self._list.attempt(lambda: self._around.take(recipe))

    # -- the segments ------------------------------------------------------------------------------------------------

    def _judge(self, show: Show, cancel: threading.Event) -> None:
        result = self._there()
        found = stability(self._around.session, result.recipe, progress=show, cancel=cancel)
        if cancel.is_set():
            return
        self._of = result
        self._segments.layout.display = ""
        self._segments.value = table(found, self._around.names())
        self.segment_work.say("")

    def _there(self) -> Result:
        result = self._around.shown()
        if result is None:
            raise RuntimeError("there is no map yet: wait for it.")
        return result


def _one_map(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes differ by how the map is cut at most."""
    return one.features == other.features and one.embedding == other.embedding
