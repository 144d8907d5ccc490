"""The panel: sliders, map, k-distance plot, scores and the promote button, over one session.

Three lanes of background work keep it answering: ``run`` makes maps, ``cut`` answers eps and min_samples from the tree
that is there, ``score`` estimates what a cut is worth. In each the newest value wins.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Any

import ipywidgets as widgets
import numpy as np
import numpy.typing as npt

from segwidgets import warmup
from segwidgets.compute import embedding as methods
from segwidgets.compute.embedding import Snapshot, aligned
from segwidgets.compute.embedding.pca import display as displayed
from segwidgets.compute.guidance import knee
from segwidgets.data import Table
from segwidgets.panel import html
from segwidgets.panel.controls import Controls
from segwidgets.panel.kdistance import KDistance
from segwidgets.panel.pointcloud import PointCloud
from segwidgets.panel.promotion import Promotion
from segwidgets.panel.worker import Lane
from segwidgets.recipe import Recipe, RecipeError
from segwidgets.session import Cancelled, Progress, Result, Session

_DEBOUNCE = 0.05
_SCORE_DELAY = 0.2
_PROGRESS_EVERY = 0.1
_FIRST = "First picture: a sample, and the other rows around it. The map is being laid out."
_NUDGED = "Preview: the last map, nudged by the new settings. The map is being laid out."
_COMPILING = "Compiling, once after an installation: a minute or two …"


class Panel(widgets.VBox):  # type: ignore[misc]  # ipywidgets carries no types
    """Explore the segments of a table: move a slider, see the map, the k-distance plot and the scores answer.

    Args:
        table: what `sw.read` or `sw.samples` gave.
        recipe: where to start; ``Recipe()`` by default. What it leaves open (None) the data decides.
        session: share one to share its cache.
        backend: "auto", "cpu" or "cuml", as `Session` takes it; a session that is given has one already.
        height: of the map, in pixels.

    ``recipe`` and ``result`` tell what the panel shows; setting ``recipe`` moves the sliders. Work starts at once and
    in the background; `wait` blocks until it is done.
    """

    def __init__(
        self,
        table: Table,
        recipe: Recipe | None = None,
        *,
        session: Session | None = None,
        backend: str = "auto",
        height: int = 540,
    ) -> None:
        if not isinstance(table, Table):
            raise TypeError(f"Panel needs a table from segwidgets.read(...), got {type(table).__name__}.")
        start = recipe if recipe is not None else Recipe()
        self._session = session if session is not None else Session(table, backend=backend)
        self._session.check(start)
        self._table = table
        self._lock = threading.RLock()
        self._wanted = start
        self._result: Result | None = None
        self._drawn: npt.NDArray[np.float32] | None = None
        self._scored = False
        self._last_progress = 0.0
        self._runs = Lane("run", delay=_DEBOUNCE, failed=self._failed)
        self._cuts = Lane("cut", failed=self._failed)
        self._scoring = Lane("score", delay=_SCORE_DELAY, failed=self._failed)
        self._lanes = (self._runs, self._cuts, self._scoring)
        self._controls = Controls(start, table.n_rows, self._changed)
        self.cloud = PointCloud(height=height, caption="")
        self.k_distance = KDistance(height=320)
        self.k_distance.observe(self._eps_dragged, "eps")
        self._promotion = Promotion(table, self._finished)
        self._head = widgets.HTML(
            html.STYLE + html.header(table.name, table.n_rows, len(table.columns), self._session.backend)
        )
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
            [self.cloud, self._busy, self._cards], layout=widgets.Layout(flex="2 1 520px", min_width="320px")
        )
        body = widgets.HBox([left, right], layout=widgets.Layout(flex_flow="row wrap", grid_gap="16px"))
        super().__init__([self._head, self._errors, body, self._promotion.view])
        self.add_class("sw-panel")
        self._run()

    # -- what others ask ---------------------------------------------------------------------------------------------

    @property
    def recipe(self) -> Recipe:
        """What the sliders say; filled in by the data where the map for it is there."""
        with self._lock:
            if self._result is None or not self._shows(self._result):
                return self._wanted
            return self._result.recipe.replace(**self._clustering())

    @recipe.setter
    def recipe(self, recipe: Recipe) -> None:
        if not isinstance(recipe, Recipe):
            raise RecipeError(f"panel.recipe must be a Recipe, got {type(recipe).__name__}.")
        self._session.check(recipe)
        with self._lock:
            self._wanted = recipe
        self._controls.show(recipe)
        self._run()

    @property
    def result(self) -> Result | None:
        """What the panel shows: labels, embedding, scores, timings; None until the first map is there."""
        with self._lock:
            return self._result

    @property
    def job(self) -> Any:
        """The job promoted last, or None."""
        return self._promotion.job

    def promote(self) -> None:
        """Press the Promote button."""
        self._promotion.start()

    def wait(self, timeout: float | None = None) -> Result:
        """Block until nothing is being computed, and give the result.

        Raises TimeoutError after ``timeout`` seconds, RuntimeError when the computation failed or was cancelled.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while not all(lane.idle for lane in self._lanes):
            for lane in self._lanes:
                left = None if end is None else max(0.0, end - time.monotonic())
                if not lane.wait(left):
                    raise TimeoutError(f"the panel was still computing after {timeout} s.")
        result = self.result
        if result is None:
            raise RuntimeError("there is no result: the computation failed or was cancelled; the panel says why.")
        return result

    def cancel(self) -> None:
        """Stop what is being computed; what is shown stays."""
        for lane in self._lanes:
            lane.cancel()
        self._bar.value = 0
        self._words.value = '<span class="sw-dim">Cancelled. Move a control to compute again.</span>'

    def close(self) -> None:
        """Stop all work and close the widget. A promoted job runs on."""
        # A panel whose arguments were refused is closed too, by its finaliser, and has none of these.
        for part in (*getattr(self, "_lanes", ()), *filter(None, [getattr(self, "_promotion", None)])):
            part.close()
        super().close()

    # -- what the user moves -----------------------------------------------------------------------------------------

    def _eps_dragged(self, change: dict[str, Any]) -> None:
        if not self._controls.is_quiet:
            # The curve of duplicates starts at 0, and DBSCAN's eps above it.
            self._changed("eps", max(change["new"], self._controls.least_eps), source="plot")

    def _changed(self, name: str, value: Any, source: str = "control") -> None:
        try:
            with self._lock:
                if name == "method":
                    wanted = self._wanted.replace(
                        embedding=dataclasses.replace(self._wanted.embedding, method=value, n_epochs=None)
                    )
                else:
                    wanted = self._wanted.replace(**{name: value})
                self._session.check(wanted)
                self._wanted = wanted
        except RecipeError as error:
            self._failed(error)
            return
        self._errors.value = ""
        if name in {"eps", "min_samples"}:
            self._cut(source)
        else:
            self._run()

    # -- maps --------------------------------------------------------------------------------------------------------

    def _shows(self, result: Result) -> bool:
        """Whether a result's map is the one that is wanted."""
        with self._lock:
            wanted = self._session.resolve(self._wanted)
        return (wanted.features, wanted.embedding) == (result.recipe.features, result.recipe.embedding)

    def _clustering(self) -> dict[str, Any]:
        """The wanted DBSCAN settings, eps as shown where it was left open."""
        with self._lock:
            clustering = self._wanted.clustering
            eps = clustering.eps
            if eps is None and self._result is not None:
                eps = self._result.recipe.clustering.eps
            return {"eps": eps, "min_samples": clustering.min_samples}

    def _run(self) -> None:
        self._errors.value = self._words.value = ""
        self._busy.layout.visibility = "visible"
        self._runs.submit(self._make_map)

    def _make_map(self, cancel: threading.Event) -> None:
        with self._lock:
            wanted = self._wanted
        try:
            if not warmup.is_done():
                self._words.value = f'<span class="sw-dim">{html.escape(_COMPILING)}</span>'
                if not warmup.wait(cancel):
                    raise Cancelled("cancelled while compiling")
            snapshot = None
            if "layout" in self._session.pending(wanted) and not self._nudge(wanted, cancel):
                snapshot = self._first_picture(wanted, cancel)
            result = self._session.run(
                wanted, progress=self._report, cancel=cancel, early=self._show_map, snapshot=snapshot
            )
            self._show_scores(result)
        finally:
            if not cancel.is_set():
                self._busy.layout.visibility = "hidden"

    def _nudge(self, wanted: Recipe, cancel: threading.Event) -> bool:
        """Show the map that is there, moved some steps towards the wanted one; False where that cannot be."""
        with self._lock:
            result = self._result
        if result is None or result.recipe.features != self._session.resolve(wanted).features:
            return False
        points = self._session.nudge(wanted, result.embedding, cancel=cancel)
        if points is not None:
            self._draw(points, result.labels, caption=_NUDGED)
        return points is not None

    def _first_picture(self, wanted: Recipe, cancel: threading.Event) -> Snapshot | None:
        """Show what a large table's layout starts from; what then shows the layout as it goes on."""
        if self._table.n_rows <= methods.SAMPLE_ABOVE or wanted.embedding.method != "umap":
            return None
        preview = self._session.preview(wanted, progress=self._report, cancel=cancel)
        with self._lock:
            self._result = None
        self._draw(preview.embedding, preview.labels, caption=_FIRST)

        def snapshot(points: npt.NDArray[np.float32], epochs: int) -> None:
            del epochs
            if not cancel.is_set():
                self._draw(points, preview.labels, caption=_FIRST)

        return snapshot

    def _draw(
        self,
        points: npt.NDArray[np.float32],
        labels: npt.NDArray[np.int32],
        caption: str = "",
        *,
        fit: bool = False,
    ) -> None:
        """Show points, turned onto those that are shown, as maps must not jump; ``fit`` sets the camera anew."""
        shown = displayed(points)
        # Another cut of the same map, or the next map of the same shape, must not turn the user's camera back.
        keep_view = self._drawn is not None and self._drawn.shape == shown.shape
        if keep_view and self._drawn is not None:
            shown = aligned(shown, self._drawn)
        self._drawn = shown
        self.cloud.set_points(shown, labels, caption=caption, keep_view=keep_view and not fit)

    def _report(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last_progress < _PROGRESS_EVERY and progress.done < 1:
            return
        self._last_progress = now
        self._bar.value = progress.overall
        self._words.value = f'<span class="sw-dim">{html.escape(progress.message)} …</span>'

    def _show_map(self, result: Result) -> None:
        """Show a new map with its labels; where eps or min_samples moved on in the meantime, cut again."""
        clustering = result.recipe.clustering
        with self._lock:
            # A layout outgrows the first picture that it starts from.
            fit = self._result is None
            self._result, self._scored = result, False
            stale = (
                self._wanted.clustering.min_samples != clustering.min_samples
                or self._wanted.clustering.eps
                not in {
                    None,
                    clustering.eps,
                }
            )
        self._draw(result.embedding, result.labels, fit=fit)
        self._show_curve(result, clustering.min_samples)
        self._show_eps(float(clustering.eps or 0), source="")
        self._cards.value = html.cards(result.scores, len(result.labels), pending=True)
        features = sum(len(group.columns) for group in result.recipe.features.plan or ())
        self._head.value = html.STYLE + html.header(
            self._table.name, self._table.n_rows, features, self._session.backend
        )
        self._promotion.button.disabled = False
        if stale:
            self._cut("")

    def _show_curve(self, result: Result, min_samples: int) -> None:
        # DBSCAN counts the point itself, so a core point reaches its (min_samples - 1)-th neighbour within eps.
        k = max(1, min_samples - 1)
        curve = result.density.k_distances(k)
        bend = knee(curve)
        with self._controls.quietly():
            self.k_distance.set_curve(curve, k, knee=None if bend is None else bend.value)
        positive = curve[curve > 0]
        if len(positive):
            low, high = np.quantile(positive, [0.01, 1.0])
            self._controls.eps_range(float(low) / 2, float(high) * 1.5)

    def _show_eps(self, eps: float, source: str) -> None:
        """Show eps everywhere but where the user is moving it."""
        with self._controls.quietly():
            if source != "plot":
                self.k_distance.eps = eps
            if source != "control":
                self._controls.show_eps(eps)

    # -- cuts --------------------------------------------------------------------------------------------------------

    def _cut(self, source: str) -> None:
        self._cuts.submit(lambda cancel: self._make_cut(cancel, source))

    def _make_cut(self, cancel: threading.Event, source: str) -> None:
        with self._lock:
            result, clustering = self._result, self._wanted.clustering
        if result is None:
            return  # the map that is being made takes the wanted eps
        if clustering.min_samples > result.density.max_min_samples:
            self._run()
            return
        eps = clustering.eps
        if eps is None:
            eps = result.density.suggest_eps(clustering.min_samples)
            source = ""
        labels = result.density.labels(eps, clustering.min_samples)
        if cancel.is_set():
            return
        cut = result.with_labels(labels, eps=eps, min_samples=clustering.min_samples)
        with self._lock:
            if self._result is not result:
                return  # a new map came in; it is cut by itself
            moved = result.recipe.clustering.min_samples != clustering.min_samples
            self._result, self._scored = cut, False
        self.cloud.set_labels(labels)
        if moved:
            self._show_curve(result, clustering.min_samples)
        self._show_eps(eps, source)
        self._cards.value = html.cards(cut.scores, len(labels), pending=True)
        self._scoring.submit(lambda stop: self._score(stop, cut))

    def _score(self, cancel: threading.Event, cut: Result) -> None:
        self._show_scores(self._session.run(cut.recipe, cancel=cancel), of=cut)

    def _show_scores(self, result: Result, of: Result | None = None) -> None:
        """Show finished scores unless the labels have moved on."""
        with self._lock:
            shown = self._result
            if shown is None or (of is not None and shown is not of) or shown.label_digest != result.label_digest:
                return
            self._result, self._scored = result, True
        self._cards.value = html.cards(result.scores, len(result.labels))

    def _finished(self, cancel: threading.Event) -> Result:
        """The result that is shown, with its scores: what a promotion ships."""
        with self._lock:
            result, scored = self._result, self._scored
        if result is None:
            raise RuntimeError("there is no map yet: wait for it, then promote.")
        return result if scored else self._session.run(result.recipe, cancel=cancel)

    def _failed(self, error: Exception) -> None:
        self._errors.value = html.failure(error)
        self._busy.layout.visibility = "hidden"
