"""The panel: controls, map, k-distance plot, scores, segments, history and promotion, over one session.

It holds the parts together: `flow` computes, `picture` draws, `segments` describes, `past` remembers, `promotion`
ships. None of them knows another.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np
import numpy.typing as npt

from segwidgets import script
from segwidgets.compute.advice import plateau
from segwidgets.compute.guidance import core_k, knee, shown_eps
from segwidgets.data import Table
from segwidgets.estimates import Estimates
from segwidgets.history import History
from segwidgets.names import Names
from segwidgets.panel import html
from segwidgets.panel.advice import Guidance
from segwidgets.panel.controls import CLUSTERING, HELP, Controls
from segwidgets.panel.flow import Flow
from segwidgets.panel.kdistance import KDistance
from segwidgets.panel.past import Past
from segwidgets.panel.picture import Picture
from segwidgets.panel.promotion import Promotion
from segwidgets.panel.segments import Segments
from segwidgets.panel.tabs import Pages, Surroundings
from segwidgets.panel.worker import Lane
from segwidgets.recipe import Recipe, RecipeError
from segwidgets.session import Progress, Result, Session

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Seconds after the last move until eps is shown everywhere: before, the browser has the newer one.
_REST = 0.3


class Panel(widgets.VBox):  # type: ignore[misc]  # ipywidgets carries no types
    """Explore the segments of a table: move a slider, see the map, the k-distance plot and the scores answer.

    Args:
        table: what `sw.read` or `sw.samples` gave.
        recipe: where to start; ``Recipe()`` by default. What it leaves open (None) the data decides.
        session: share one to share its cache.
        backend: "auto", "cpu" or "cuml", as `Session` takes it; a session that is given has one already.
        height: of the map, in pixels.
        renderer: "webgl", or "ipyvolume" for the same scene through ipyvolume (above 50,000 points a sample).
        hover: columns that are told of the row under the pointer; by default those in which it has the most.
        history: the folder the history is kept in; by default one per table in segwidgets' home.

    ``recipe`` and ``result`` tell what the panel shows; setting ``recipe`` moves the sliders. ``selection`` are the
    rows picked in the map. Work starts at once and in the background; `wait` blocks until it is done.
    """

    def __init__(
        self,
        table: Table,
        recipe: Recipe | None = None,
        *,
        session: Session | None = None,
        backend: str = "auto",
        height: int = 540,
        renderer: str = "webgl",
        hover: Sequence[str] | None = None,
        history: str | Path | None = None,
    ) -> None:
        if not isinstance(table, Table):
            raise TypeError(f"Panel needs a table from segwidgets.read(...), got {type(table).__name__}.")
        start = recipe if recipe is not None else Recipe()
        self._session = session if session is not None else Session(table, backend=backend)
        self._session.check(start)
        self._table = table
        self._names = Names()
        self._estimates = Estimates()
        self._settle = Lane("settle", delay=_REST, failed=self._broke)
        self._picture = Picture(self._session, renderer, height, hover, self._renamed, self._broke)
        self.cloud = self._picture.cloud
        self.k_distance = KDistance(height=340)
        self._flow = Flow(self._session, start, self)
        self._controls = Controls(start, table.n_rows, self._moved)
        self._segments = Segments(table, self._renamed, self._picked, self._broke)
        folder = Path(history) if history is not None else None
        self._past = Past(self._session, History.of(table, folder), self._go, self._broke)
        around = Surroundings(
            self._session, lambda: self._flow.result, lambda: self._flow.wanted, self._take, lambda: self._names
        )
        self.pages = Pages(self._segments.view, around)
        self._guidance = Guidance(self._apply)
        self._promotion = Promotion(table, self._shipped, self._go)
        self.k_distance.observe(lambda change: self._eps_moved(change["new"]), "eps")
        self.cloud.observe(lambda change: self._eps_moved(change["new"]), "eps")
        # The browser carries eps from one to the other by itself: a kernel that computes, or is gone, holds up nothing.
        self._links = [
            widgets.jslink((self._controls.eps, "value"), (self.k_distance, "eps")),
            widgets.jslink((self._controls.eps, "value"), (self.cloud, "eps")),
        ]
        self._lanes = (
            *self._flow.lanes, self._settle, *self._picture.lanes, self._segments.lane, *self._past.lanes,
            *self.pages.lanes,
        )  # fmt: skip
        super().__init__(self._assemble())
        self.add_class("sw-panel")
        self._flow.run()

    def _assemble(self) -> list[widgets.Widget]:
        columns = len(self._table.columns)
        header = html.header(self._table.name, self._table.n_rows, columns, self._session.backend)
        self._head = widgets.HTML(html.STYLE + header)
        self._bar = widgets.FloatProgress(min=0, max=1, layout=widgets.Layout(width="180px"))
        self._words = widgets.HTML()
        self._cancel = widgets.Button(
            description="Cancel", icon="stop", tooltip="Stop the computation", layout=widgets.Layout(width="auto")
        )
        self._cancel.on_click(lambda _: self.cancel())
        self._busy = widgets.HBox(
            [self._bar, self._words, self._cancel], layout=widgets.Layout(align_items="center", visibility="hidden")
        )
        self._cards = widgets.HTML()
        self._errors = widgets.HTML()
        left = widgets.VBox(
            [self._controls.view, self.k_distance], layout=widgets.Layout(flex="1 1 330px", min_width="300px")
        )
        right = widgets.VBox(
            [self._errors, self.cloud, self._busy, self._cards, self._guidance.view],
            layout=widgets.Layout(flex="2 1 520px", min_width="320px"),
        )
        body = widgets.HBox([left, right], layout=widgets.Layout(flex_flow="row wrap", grid_gap="16px"))
        return [self._head, body, self.pages.view, self._past.view, self._promotion.view]

    # -- what others ask ---------------------------------------------------------------------------------------------

    @property
    def recipe(self) -> Recipe:
        """What the sliders say; filled in by the data where the map for it is there."""
        return self._flow.recipe

    @recipe.setter
    def recipe(self, recipe: Recipe) -> None:
        if not isinstance(recipe, Recipe):
            raise RecipeError(f"panel.recipe must be a Recipe, got {type(recipe).__name__}.")
        self._flow.want(recipe)
        self._controls.show(recipe)
        self._clear_errors()

    @property
    def result(self) -> Result | None:
        """What the panel shows: labels, embedding, scores, timings, names; None until the first map is there."""
        result = self._flow.result
        return None if result is None else self._named(result)

    @property
    def job(self) -> Any:
        """The job promoted last, or None."""
        return self._promotion.job

    @property
    def names(self) -> dict[int, str]:
        """What the segments that are shown are called, by number; those without a name are left out."""
        result = self._flow.result
        return {} if result is None else self._names.of(result.labels)

    @property
    def selection(self) -> npt.NDArray[np.int64]:
        """The rows picked in the map, ascending; set it to pick rows from Python."""
        rows: npt.NDArray[np.int64] = self.cloud.selection
        return rows

    @selection.setter
    def selection(self, rows: npt.ArrayLike) -> None:
        self.cloud.set_selection(np.asarray(rows))

    def selected_rows(self) -> pd.DataFrame:
        """The customers picked in the map: their columns, ``id`` as the index, and ``segment``."""
        rows = self.selection
        if not len(rows):
            return self._table.take(np.array([0])).to_frame().iloc[:0]
        frame = self._table.take(rows).to_frame()
        result = self._flow.result
        if result is not None:
            frame.insert(0, "segment", result.labels[rows])
        return frame

    def to_frame(self) -> pd.DataFrame:
        """One row a customer: ``id``, ``segment`` (-1: noise) and, once one has a name, ``name``."""
        return self._there().to_frame()

    def code(self) -> str:
        """Python that repeats what is shown, without a widget."""
        return script.code(self.recipe, self._table)

    def figure(self, name: str, **options: Any) -> Figure:
        """A plot for papers and reports, by matplotlib: "k-distance", "clusters", "profile" or "sizes"."""
        from segwidgets.figures import figure

        return figure(self._there(), name, **options)

    def rename(self, rows: Sequence[int], name: str) -> None:
        """Name the segments that hold these rows as core points; several become one under the name.

        Raises:
            ValueError: the name is empty, too long or not printable.
        """
        self._name(self._names.renamed(rows, name))

    def colour_by(self, name: str) -> None:
        """Colour the map by "segment", "trust", "silhouette" or a column."""
        self._picture.colour_by(name)

    def undo(self) -> None:
        """Go to the setting before the present one."""
        self._past.undo()

    def redo(self) -> None:
        """Take an `undo` back."""
        self._past.redo()

    @property
    def history(self) -> tuple[Any, ...]:
        """Every setting that came to rest, the oldest first, earlier kernels' too; each has ``id`` and ``recipe``."""
        return self._past.entries

    def go_back(self, identifier: str) -> None:
        """Go to an entry of the history."""
        self._past.goto(identifier)

    def compare(self, a: str, b: str) -> Any:
        """Two entries of the history beside each other: sizes, ARI, who moved."""
        return self._past.compare(a, b)

    def promote(self) -> None:
        """Press the Promote button."""
        self._promotion.start()

    def wait(self, timeout: float | None = None) -> Result:
        """Block until nothing is being computed, and give the result.

        Raises TimeoutError after ``timeout`` seconds, RuntimeError when the computation failed or was cancelled.
        """
        end = None if timeout is None else time.monotonic() + timeout
        before: list[int] = []
        # One lane may hand work on to another between two looks: rest is when none was given any since the last one.
        while before != (before := [lane.submitted for lane in self._lanes]):
            for lane in self._lanes:
                left = None if end is None else max(0.0, end - time.monotonic())
                if not lane.wait(left):
                    raise TimeoutError(f"the panel was still computing after {timeout} s.")
        return self._there()

    def cancel(self) -> None:
        """Stop what is being computed; what is shown stays."""
        self._flow.cancel()
        self._bar.value = 0
        self._words.value = '<span class="sw-dim">Cancelled. Move a control to compute again.</span>'

    def close(self) -> None:
        """Stop all work and close the widget. A promoted job runs on."""
        # A panel whose arguments were refused is closed too, by its finaliser, and has none of these.
        for lane in getattr(self, "_lanes", ()):
            lane.close()
        promotion = getattr(self, "_promotion", None)
        if promotion is not None:
            promotion.close()
        super().close()

    # -- what the user moves -----------------------------------------------------------------------------------------

    def _moved(self, name: str, value: Any) -> None:
        self._clear_errors()
        self._past.forget_pending()
        if self._flow.move(name, value) and name == "eps":
            self._settle.submit(lambda _: self._show_eps())

    def _eps_moved(self, eps: float) -> None:
        """The line of the plot was moved, or the browser carried eps to the cloud: the slider's move, once."""
        result = self._flow.result
        if result is None or eps == result.recipe.clustering.eps:
            return
        # The curve of duplicates starts at 0, and DBSCAN's eps above it.
        self._moved("eps", max(eps, self._controls.eps.min))

    def _apply(self, change: dict[str, Any]) -> None:
        """Make the change that an advice asks for."""
        try:
            self.recipe = self._flow.wanted.replace(**change)
        except RecipeError as error:
            self.failed(error, "setting")

    def _take(self, recipe: Recipe) -> None:
        """A page of the panel proposes a recipe, and the user takes it."""
        self.recipe = recipe

    def _go(self, recipe: Recipe, names: Names) -> None:
        self._name(names)
        self.recipe = recipe

    def _picked(self, segment: int | None) -> None:
        """The user points at a segment of the table: its rows are picked in the map."""
        result = self._flow.result
        if result is not None:
            rows = np.flatnonzero(result.labels == segment) if segment is not None else np.empty(0, np.int64)
            self.cloud.set_selection(rows)

    def _renamed(self, rows: Sequence[int], name: str) -> None:
        """The user named segments in the legend or the table."""
        try:
            self.rename(rows, name)
        except ValueError as error:
            self._broke(error)

    def _name(self, names: Names) -> None:
        self._names = names
        self._picture.name(names)
        self._segments.name(names)
        result = self._flow.result
        if result is not None:
            self._past.rename(names)

    # -- what the flow tells -----------------------------------------------------------------------------------------

    def working(self, words: str) -> None:
        """A map is being made."""
        said = words or self._plan()
        self._words.value = f'<span class="sw-dim">{html.escape(said)}</span>' if said else ""
        self._busy.layout.visibility = "visible"

    def _plan(self) -> str:
        """Which stages will run, and about how long."""
        try:
            return self._estimates.text(self._session, self._flow.wanted)
        except ValueError:  # a table that no map can be made of: the run itself says so
            return ""

    def progress(self, progress: Progress, seconds: float) -> None:
        """How far the map is."""
        self._bar.value = progress.overall
        self._words.value = f'<span class="sw-dim">{html.escape(html.progress(progress, seconds))}</span>'

    def idle(self) -> None:
        """No map is being made any more."""
        self._busy.layout.visibility = "hidden"

    def draw(
        self, points: npt.NDArray[np.float32], labels: npt.NDArray[np.int32], *, caption: str = "", fit: bool = False
    ) -> None:
        """Show points."""
        self._picture.draw(points, labels, caption=caption, fit=fit)

    def map_made(self, result: Result) -> None:
        """A new map is there."""
        self._estimates.learn(result)
        self._show_curve(result)
        self._show_eps(result)
        self._picture.show(result)
        self._segments.wait()
        self._controls.tell_costs(self._costs(result))
        self._cards.value = html.cards(result.scores, len(result.labels), pending=True)
        features = sum(len(group.columns) for group in result.recipe.features.plan or ())
        self._head.value = html.STYLE + html.header(
            self._table.name, self._table.n_rows, features, self._session.backend
        )
        self._promotion.show(result)

    def cut_made(self, result: Result, *, moved: bool) -> None:
        """The map is cut anew."""
        self._picture.recut(result, moved=moved)
        if moved:
            self._show_curve(result)
        if self._flow.wanted.clustering.eps is None:
            self._show_eps(result)
        self._settle.submit(lambda _: self._show_eps())
        self._segments.wait()
        self._cards.value = html.cards(result.scores, len(result.labels), pending=True)

    def scored(self, result: Result) -> None:
        """The scores of what is shown are there."""
        self._cards.value = html.cards(result.scores, len(result.labels))
        self._guidance.show(result)
        self._segments.show(result)
        self._past.keep(result, self._picture.drawn, self._names)
        self.pages.show(result)

    def failed(self, error: Exception, where: str) -> None:
        """Something went wrong: told where it arose."""
        (self._controls.errors if where == "setting" else self._errors).value = html.failure(error)

    # -- helpers -----------------------------------------------------------------------------------------------------

    def _broke(self, error: Exception) -> None:
        self.failed(error, "map")

    def _clear_errors(self) -> None:
        self._errors.value = self._controls.errors.value = ""

    def _there(self) -> Result:
        result = self.result
        if result is None:
            raise RuntimeError("there is no result: the computation failed or was cancelled; the panel says why.")
        return result

    def _named(self, result: Result) -> Result:
        names = self._names.of(result.labels)
        return dataclasses.replace(result, names=names) if names else result

    def _shipped(self, cancel: threading.Event) -> tuple[Result, Names]:
        """What a promotion ships: the finished result, and what its segments are called."""
        return self._flow.finished(cancel), self._names

    def _show_curve(self, result: Result) -> None:
        min_samples = result.recipe.clustering.min_samples
        k = core_k(min_samples)
        curve = result.density.k_distances(k)
        grid = shown_eps(curve)
        if len(grid):
            self._controls.eps_range(float(grid[0]), float(grid[-1]))
        profile = result.density.profile(grid, min_samples) if len(grid) else None
        self.k_distance.set_curve(curve, k, knee=knee(curve), profile=profile)

    def _show_eps(self, result: Result | None = None) -> None:
        """Show the eps that is in force everywhere, once nothing moves, and how far it can move."""
        shown = result if result is not None else self._flow.result
        if shown is None:
            return
        eps = float(shown.recipe.clustering.eps or 0)
        self._controls.eps.show(eps)
        self.k_distance.eps = eps
        self.cloud.eps = eps
        self.k_distance.plateau = plateau(shown.density, eps, shown.recipe.clustering.min_samples)

    def _costs(self, result: Result) -> dict[str, str]:
        """What moving each setting will run, and about how long, by what this session has seen."""
        return {
            name: self._estimates.cost(self._session, result.recipe, name)
            for name in HELP
            if name not in CLUSTERING and name != "method"
        }
