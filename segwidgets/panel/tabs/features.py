"""The Features tab: which columns say the same, how many aspects there are, what each group of columns does."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets as widgets
import numpy as np

from segwidgets.analysis import FeatureAnalysis, analyse_features
from segwidgets.compute.analysis import TARGETS, RedundantGroup, without
from segwidgets.compute.features import resolve
from segwidgets.data.errors import plural
from segwidgets.panel import html
from segwidgets.panel.heatmap import Facet, HeatMap
from segwidgets.panel.tabs import featurewords as words
from segwidgets.panel.tabs.groupeffects import GroupEffects
from segwidgets.panel.tabs.tab import Surroundings
from segwidgets.panel.tabs.work import Show, Work
from segwidgets.recipe import Recipe
from segwidgets.result import Result

#: Columns up to which a figure's marks are drawn one by one; more are a picture within the figure.
_DRAWN = 500
#: Pixels of a heat map: of a column's line, of the labels below, of the whole at least and at most.
_LINE, _LABELS, _LEAST_TALL, _TALLEST = 15, 140, 260, 680
#: The choice of no components.
_NONE = "none"


class FeaturesTab:
    """Looks at the columns of the recipe when asked to, and takes choices into the recipe.

    Args:
        around: what the tab works with.

    ``found`` is what was found last, or None. ``drops`` holds a checkbox for each column that may be left out;
    ``leave`` leaves out those that are checked, ``back`` takes back all that are left out. ``how`` and ``keep`` choose
    principal components. ``effects`` tells what each group of columns does.
    """

    title = "Features"

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._shown: Result | None = None
        self.found: FeatureAnalysis | None = None
        self.look = Work(
            "features",
            "Look at the features",
            tooltip="Compare the columns, find those that say the same, and count the components",
            icon="search",
            do=self._look,
        )
        self.look.button.disabled = False
        self.effects = GroupEffects(around, lambda: self.found)
        self.drops: dict[str, widgets.Checkbox] = {}
        self._counts: dict[str, int | None] = {}
        self.leave = _button("Leave these out", "Leave the checked columns out of the settings", self._leave)
        self.back = _button("Take them back", "Take all columns that are left out back into the settings", self._back)
        self.how = widgets.Dropdown(
            options=[_NONE], description="components", tooltip="How many principal components are kept"
        )
        self.how.observe(lambda _: self._tell(), "value")
        self.keep = _button("Take", "Take this number of components into the settings", self._keep)
        self.earlier, self.left_out, self.kept = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.left_out_errors, self.kept_errors = widgets.HTML(), widgets.HTML()
        self._parts = widgets.VBox()
        self.view = widgets.VBox(
            [
                widgets.HTML(words.STYLE),
                self.look.view,
                _row(self.left_out, self.back),
                self.left_out_errors,
                self.earlier,
                self._parts,
                self.effects.view,
            ]
        )
        self.view.add_class("sw-featurepage")
        self.lanes = (self.look.lane, self.effects.work.lane)
        self._tell()

    def show(self, result: Result) -> None:
        """The panel shows this result now: say where the findings are of another setting."""
        self._shown = result
        self._tell()
        self.effects.show(result)

    # -- looking -----------------------------------------------------------------------------------------------------

    def _look(self, show: Show, cancel: threading.Event) -> None:
        found = analyse_features(self._around.session.table, self._around.wanted(), progress=show, cancel=cancel)
        if cancel.is_set():
            return
        self.found, self._shown = found, self._around.shown()
        parts = [self._sparsity(found), self._correlations(found), self._redundant(found), self._components(found)]
        before = set(_within(self._parts))
        self._parts.children = parts
        for gone in before - set(_within(self._parts)):
            gone.close()
        self.look.say(f"{plural(len(found.correlations.names), 'column')} compared.")
        self._tell()

    def _sparsity(self, found: FeatureAnalysis) -> widgets.Widget:
        from segwidgets.featurefigures import popularity_figure
        from segwidgets.panel import svg

        told = words.sparsity(found.sparsity)
        parts = [words.heading("How full the table is"), words.said(*told, *found.notes)]
        if found.sparsity.columns:
            figure = popularity_figure(found.sparsity)
            if len(found.sparsity.columns) > _DRAWN:
                for line in figure.axes[0].lines:
                    line.set_rasterized(True)
            parts.append(svg.inline(figure, "How many rows have each column. " + " ".join(told)))
        return widgets.HTML("".join(parts))

    def _correlations(self, found: FeatureAnalysis) -> widgets.Widget:
        """The heat map, and what it shows in words."""
        from segwidgets.featurefigures import correlation_text, legend

        c = found.correlations
        order = c.order()
        names = [c.names[at] for at in order]
        heat = HeatMap(
            value_name="association", low=-1.0, high=1.0, diverging=True, steep=True, absent="not defined",
            height=int(min(_TALLEST, max(_LEAST_TALL, _LINE * len(names) + _LABELS))),
        )  # fmt: skip
        heat.draw([Facet(c.values[np.ix_(order, order)], names, names, title=legend(c).replace("\n", "; "))])
        told = correlation_text(c, found.groups)
        title = widgets.HTML(words.heading("How far columns go together"))
        return widgets.VBox([title, heat, widgets.HTML(words.folded("The heat map in words", told))])

    def _redundant(self, found: FeatureAnalysis) -> widgets.Widget:
        """Each group of columns that say the same, with a checkbox for each that may go."""
        drops: dict[str, widgets.Checkbox] = {}
        groups = [part for group in found.groups for part in self._group(group, drops)]
        self.drops = drops
        title = widgets.HTML(words.heading("Columns that say the same") + words.said(words.redundancy(found)))
        if not groups:
            return widgets.VBox([title])
        listing = widgets.VBox(groups, layout=widgets.Layout(max_height="420px", overflow="auto"))
        return widgets.VBox([title, listing, _row(self.leave)])

    def _group(self, group: RedundantGroup, drops: dict[str, widgets.Checkbox]) -> list[widgets.Widget]:
        lines: list[widgets.Widget] = [
            widgets.HTML(
                f'<div class="sw-said"><b>Keep {html.escape(group.keep)}.</b> {html.escape(group.reason)}</div>'
            )
        ]
        for one in group.drop:
            box = widgets.Checkbox(
                value=True,
                description=f"leave out {one.name}",
                indent=False,
                tooltip=one.reason,
                layout=widgets.Layout(width="auto", min_width="220px", margin="0 0 0 16px"),
            )
            box.observe(lambda _: self._tell(), "value")
            drops[one.name] = box
            lines.append(_row(box, widgets.HTML(f'<span class="sw-dim">{html.escape(one.reason)}</span>')))
        return lines

    def _components(self, found: FeatureAnalysis) -> widgets.Widget:
        """How many components count, what they are made of, and the choice."""
        from segwidgets.featurefigures import components_figure
        from segwidgets.panel import svg

        options, counts, refused = [("none", _NONE)], {}, []
        for goal in (None, *TARGETS):
            word = "more than chance" if goal is None else f"{goal * 100:.0f} %"
            try:
                count = found.with_components(goal).features.pca
            except ValueError as error:
                refused.append(f"“{word}” is no choice. {error}")
            else:
                options.append((f"{word} ({count:,})", word))
                counts[word] = count
        before = self.how.value
        self._counts = counts
        self.how.options = options
        self.how.value = before if before in counts else _NONE
        told = words.components(found)
        figure = svg.inline(components_figure(found.components), told)
        title = words.heading("Principal components") + words.said(told, *refused)
        return widgets.VBox(
            [
                widgets.HTML(title + figure + words.loadings(found)),
                _row(self.how, self.keep, self.kept),
                self.kept_errors,
            ]
        )

    # -- choosing ----------------------------------------------------------------------------------------------------

    def _leave(self) -> None:
        names = [name for name, box in self.drops.items() if box.value]
        self._take(lambda recipe: without(recipe, names), self.left_out_errors)

    def _back(self) -> None:
        def changed(recipe: Recipe) -> Recipe:
            # A plan decides alone, and has no place for what was left out of it: the data decides anew.
            return recipe.replace(features=dataclasses.replace(recipe.features, exclude=(), plan=None))

        self._take(changed, self.left_out_errors)

    def _keep(self) -> None:
        self._take(lambda recipe: recipe.replace(pca=self._counts.get(self.how.value)), self.kept_errors)

    def _take(self, change: Callable[[Recipe], Recipe], errors: widgets.HTML) -> None:
        """Move the panel to a changed recipe; where that cannot be, say so and leave everything as it is."""
        self.left_out_errors.value = self.kept_errors.value = ""
        try:
            recipe = change(self._around.wanted())
            self._around.session.resolve(recipe)  # such as no column that is left: before anything moves
            self._around.take(recipe)
        except ValueError as error:
            errors.value = html.failure(error)
        self._tell()

    # -- telling -----------------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        """Say what the recipe leaves out and keeps now, and whether the findings are of its columns."""
        wanted = self._around.wanted()
        self.left_out.value = words.said(words.left_out(wanted.features))
        self.kept.value = words.said(words.kept(wanted.features))
        self.back.disabled = not wanted.features.exclude
        self.leave.disabled = not any(box.value for box in self.drops.values())
        old = self.found is not None and self._treated(wanted) != self._treated(self.found.recipe)
        # Components of other columns would be another number of them.
        self.keep.disabled = old and self.how.value != _NONE
        self.earlier.value = words.earlier(words.EARLIER) if old or self._shows_others() else ""

    def _shows_others(self) -> bool:
        """Whether the panel shows a result of other columns than those that were looked at."""
        found, shown = self.found, self._shown
        return found is not None and shown is not None and self._treated(shown.recipe) != self._treated(found.recipe)

    def _treated(self, recipe: Recipe) -> list[tuple[Any, ...]] | None:
        """The columns of a recipe and how they are treated; None where it does not fit the table."""
        try:
            plan = resolve(self._around.session.table, recipe.features).plan
        except ValueError:
            return None
        return [(group.kind, group.columns, group.transforms) for group in plan or ()]


def _button(label: str, tooltip: str, pressed: Callable[[], None]) -> widgets.Button:
    made = widgets.Button(description=label, tooltip=tooltip, layout=widgets.Layout(width="auto"))
    made.on_click(lambda _: pressed())
    return made


def _row(*parts: widgets.Widget) -> widgets.HBox:
    return widgets.HBox(
        list(parts), layout=widgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="4px 8px")
    )


def _within(box: widgets.Widget) -> Iterator[widgets.Widget]:
    """A widget and all that it holds."""
    yield box
    for part in getattr(box, "children", ()):
        yield from _within(part)
