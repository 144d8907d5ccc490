"""The stability maps of other n_neighbors and min_dist, side by side in the Stability tab."""

from __future__ import annotations

import threading
from typing import TypeVar

import ipywidgets as widgets

from segwidgets.data.errors import plural
from segwidgets.estimates import duration
from segwidgets.panel import html
from segwidgets.panel.heatmap import HeatMap
from segwidgets.panel.tabs.stabilitywords import facet, plateau_words
from segwidgets.panel.tabs.tab import Surroundings
from segwidgets.panel.tabs.takelist import TakeList
from segwidgets.panel.tabs.work import Show, Work
from segwidgets.recipe import Recipe
from segwidgets.result import Result
from segwidgets.stablesettings import MapsOfRecipe, SettingsPlateau, plan_maps, stability_maps

_Number = TypeVar("_Number", int, float)

#: Plateaus of all maps that are listed.
_LISTED = 5
_HINT = (
    "Maps for other n_neighbors and min_dist, in the background, one after the other: what is stable there too does "
    "not hang on how the map was drawn."
)


class OtherSettings:
    """Small multiples of the stability map.

    Args:
        around: what it works with.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._made: MapsOfRecipe | None = None
        self._base: Recipe | None = None
        narrow, style = widgets.Layout(width="260px"), {"description_width": "90px"}
        self.near = widgets.Text(
            description="n_neighbors", placeholder="8, 15, 30", layout=narrow, style=style,
            tooltip="Whole numbers, divided by commas; empty: the present one",
        )  # fmt: skip
        self.apart = widgets.Text(
            description="min_dist", placeholder="0, 0.1", layout=widgets.Layout(width="260px"), style=style,
            tooltip="Numbers from 0, divided by commas; empty: the present one",
        )  # fmt: skip
        self.work = Work(
            "stability-settings", "Make maps of other settings", icon="th-large", do=self._make,
            tooltip="A stability map for each n_neighbors and min_dist",
        )  # fmt: skip
        self.map = HeatMap(
            value_name="agreement",
            row_name="min_samples",
            column_name="eps",
            upwards=True,
            layers=(("segment", "count"), ("noise", "share")),
            action="take these settings",
            absent="fewer than two segments",
            height=200,
            layout=widgets.Layout(display="none"),
        )
        self.map.on_take(self._clicked)
        self._words = widgets.HTML()
        self._list = TakeList[SettingsPlateau](self.take)
        fields = widgets.HBox([self.near, self.apart], layout=widgets.Layout(flex_flow="row wrap", grid_gap="2px 12px"))
        self.view = widgets.VBox(
            [
                widgets.HTML(f'<div class="sw-dim">{html.escape(_HINT)}</div>'),
                fields,
                self.work.view,
                self.map,
                self._words,
                self._list.view,
            ]
        )

    @property
    def made(self) -> MapsOfRecipe | None:
        """The maps that are shown, or None."""
        return self._made

    @property
    def plateaus(self) -> tuple[SettingsPlateau, ...]:
        """The plateaus of all maps that can be taken, the best first."""
        return () if self._made is None else self._made.plateaus[:_LISTED]

    def show(self, result: Result) -> None:
        """The panel shows this result now."""
        method = result.recipe.embedding.method
        self.near.disabled = method not in {"umap", "tsne"}
        self.apart.disabled = method != "umap"
        self.work.button.disabled = self.near.disabled
        if self._made is not None:
            self._draw(self._made)

    def take(self, plateau: SettingsPlateau) -> None:
        """Move the sliders to the settings of a plateau, its map's among them."""
        if self._made is not None:
            self._go(self._made.take(plateau))

    def _make(self, show: Show, cancel: threading.Event) -> None:
        recipe = self._around.wanted()
        near = _numbers(self.near.value, int, "n_neighbors", "8, 15, 30")
        apart = [] if self.apart.disabled else _numbers(self.apart.value, float, "min_dist", "0, 0.1")
        if len(near) < 2 and len(apart) < 2:
            raise ValueError("there is nothing to hold beside each other: give two or more n_neighbors, or min_dist.")
        cost = plan_maps(
            self._around.session, recipe, n_neighbors=near, min_dist=apart, progress=show, cancel=cancel
        )  # fmt: skip
        words = f"{plural(cost.maps, 'map')} of {cost.cells:,} settings: about {duration(cost.seconds)} …"
        self.work.say(words)
        so_far = self._made if self._base == _base(recipe) else None
        self._base = _base(recipe)

        def told(now: MapsOfRecipe) -> None:
            if not cancel.is_set():
                self._draw(now)

        made = stability_maps(
            self._around.session, recipe, n_neighbors=near, min_dist=apart, so_far=so_far, told=told, progress=show,
            cancel=cancel,
        )  # fmt: skip
        self._draw(made)
        self.work.say(f"{plural(len(made.maps), 'map')} of {cost.cells:,} settings.")

    def _draw(self, made: MapsOfRecipe) -> None:
        self._made = made
        shown = self._around.shown()
        listed = made.plateaus[:_LISTED]
        facets = []
        for one in made.maps:
            e = one.recipe.embedding
            here = None
            if shown is not None and shown.recipe.embedding == e and shown.recipe.features == one.recipe.features:
                here = shown.recipe
            marks = [
                (number, plateau.plateau)
                for number, plateau in enumerate(listed, 1)
                if (plateau.n_neighbors, plateau.min_dist) == (e.n_neighbors, e.min_dist)
            ]
            facets.append(facet(one.map, marks, here, f"n_neighbors {e.n_neighbors}, min_dist {e.min_dist:g}"))
        self.map.layout.display = ""
        self.map.draw(facets, across=max(1, min(3, len(made.min_dist) if len(made.min_dist) > 1 else len(facets))))
        self._words.value = f'<div class="sw-dim" role="status">{html.escape(_between(made))}</div>'
        self._list.show(listed, _words)

    def _clicked(self, at: int, row: int, column: int) -> None:
        made = self._made
        if made is not None and at < len(made.maps):
            one = made.maps[at]
            grid = one.map.grid
            self._go(one.recipe.replace(eps=float(grid.eps[column]), min_samples=int(grid.min_samples[row])))

    def _go(self, recipe: Recipe) -> None:
        self._list.attempt(lambda: self._around.take(recipe))


def _words(one: SettingsPlateau) -> str:
    return f"n_neighbors {one.n_neighbors}, min_dist {one.min_dist:g}: {plateau_words(one.plateau)}"


def _base(recipe: Recipe) -> Recipe:
    """What all maps have in common: maps of another one are not gone on with."""
    start = Recipe()
    return recipe.replace(
        n_neighbors=start.embedding.n_neighbors, min_dist=start.embedding.min_dist, eps=None,
    )  # fmt: skip


def _numbers(text: str, kind: type[_Number], name: str, example: str) -> list[_Number]:
    """The numbers of a field; raises ValueError where one is none."""
    try:
        return [kind(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ValueError(
            f"{name}: {text!r} is not allowed: give numbers divided by commas, such as {example}."
        ) from None


def _between(made: MapsOfRecipe) -> str:
    """How far the best plateaus of neighbouring maps give the same segments."""
    known = [one.ari for one in made.between if one.ari is not None]
    if not known:
        return ""
    return (
        f"The best plateaus of maps that differ by one step agree with ARI {min(known):.2f} to {max(known):.2f}: "
        + (
            "the segments do not hang on these settings."
            if min(known) >= 0.9
            else "the segments hang on these settings."
        )
    )
