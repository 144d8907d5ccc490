"""What the panel computes, in which order, and what gives way to what. Knows no widget.

Three lanes of background work: ``run`` makes maps, ``cut`` answers eps and min_samples from the tree that is there,
``score`` estimates what a cut is worth. In each the newest value wins.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from segwidgets import warmup
from segwidgets.compute import embedding as methods
from segwidgets.compute.embedding import Snapshot
from segwidgets.panel.controls import CLUSTERING
from segwidgets.panel.worker import Lane
from segwidgets.recipe import Recipe, RecipeError
from segwidgets.session import Cancelled, Progress, Result, Session

_DEBOUNCE = 0.05
_SCORE_DELAY = 0.2
_PROGRESS_EVERY = 0.1
_FIRST = "First picture: a sample, and the other rows around it. The map is being laid out."
_NUDGED = "Preview: the last map, nudged by the new settings. The map is being laid out."
_COMPILING = "Compiling, once after an installation: a minute or two …"


class View(Protocol):
    """What a flow tells; called from its threads."""

    def working(self, words: str) -> None:
        """A map is being made; ``words`` say what is going on, empty until it is known."""

    def progress(self, progress: Progress, seconds: float) -> None:
        """How far the map is, ``seconds`` after it was begun."""

    def idle(self) -> None:
        """No map is being made any more."""

    def draw(
        self, points: npt.NDArray[np.float32], labels: npt.NDArray[np.int32], *, caption: str = "", fit: bool = False
    ) -> None:
        """Show points; ``caption`` says what they are where they are not the map; ``fit`` the camera anew."""

    def map_made(self, result: Result) -> None:
        """A new map is there with its labels; scores that are estimated are still None. It has been drawn."""

    def cut_made(self, result: Result, *, moved: bool) -> None:
        """The map is cut anew; ``moved`` when min_samples is another one."""

    def scored(self, result: Result) -> None:
        """The scores of what is shown are there."""

    def failed(self, error: Exception, where: str) -> None:
        """Something went wrong: ``where`` is "setting" or "map"."""


class Flow:
    """Makes what a panel shows of what its controls say.

    Args:
        session: what computes.
        start: the recipe to begin with.
        view: is told everything.
    """

    def __init__(self, session: Session, start: Recipe, view: View) -> None:
        self._session = session
        self._view = view
        self._lock = threading.RLock()
        self._wanted = start
        self._result: Result | None = None
        self._scored = False
        self._last_progress = 0.0
        self._begun = 0.0
        self._runs = Lane("run", delay=_DEBOUNCE, failed=self._failed)
        self._cuts = Lane("cut", failed=self._failed)
        self._scoring = Lane("score", delay=_SCORE_DELAY, failed=self._failed)
        self.lanes = (self._runs, self._cuts, self._scoring)

    # -- what is wanted, and what is there ---------------------------------------------------------------------------

    @property
    def recipe(self) -> Recipe:
        """What is wanted; filled in by the data where the map for it is there."""
        with self._lock:
            if self._result is None or not self._shows(self._result):
                return self._wanted
            return self._result.recipe.replace(**self._clustering())

    @property
    def wanted(self) -> Recipe:
        """What is wanted, open where the data decides."""
        with self._lock:
            return self._wanted

    @property
    def result(self) -> Result | None:
        """What is shown."""
        with self._lock:
            return self._result

    def want(self, recipe: Recipe) -> None:
        """Go to another recipe; raises RecipeError where it cannot run on this table."""
        self._session.check(recipe)
        with self._lock:
            self._wanted = recipe
            result = self._result
            stays = result is not None and self._runs.idle and self._shows(result)
        if stays:
            self._cut()
        else:
            self.run()

    def move(self, name: str, value: Any) -> bool:
        """Change one setting; False where it cannot be, which the view is told."""
        try:
            with self._lock:
                if name == "method":
                    embedding = dataclasses.replace(self._wanted.embedding, method=value, n_epochs=None)
                    wanted = self._wanted.replace(embedding=embedding)
                else:
                    wanted = self._wanted.replace(**{name: value})
                if wanted == self._wanted:
                    return True
                self._session.check(wanted)
                self._wanted = wanted
        except RecipeError as error:
            self._view.failed(error, "setting")
            return False
        if name in CLUSTERING:
            self._cut()
        else:
            self.run()
        return True

    def finished(self, cancel: threading.Event) -> Result:
        """The result that is shown, with its scores: what a promotion ships."""
        with self._lock:
            result, scored = self._result, self._scored
        if result is None:
            raise RuntimeError("there is no map yet: wait for it, then promote.")
        return result if scored else self._session.run(result.recipe, cancel=cancel)

    def cancel(self) -> None:
        """Stop what is being computed; what is shown stays."""
        for lane in self.lanes:
            lane.cancel()

    def close(self) -> None:
        """Stop for good."""
        for lane in self.lanes:
            lane.close()

    # -- maps --------------------------------------------------------------------------------------------------------

    def _shows(self, result: Result) -> bool:
        """Whether a result's map is the one that is wanted."""
        with self._lock:
            return _map_of(self._session.resolve(self._wanted)) == _map_of(result.recipe)

    def _clustering(self) -> dict[str, Any]:
        """The wanted DBSCAN settings, eps as shown where it was left open."""
        with self._lock:
            clustering = self._wanted.clustering
            eps = clustering.eps
            if eps is None and self._result is not None:
                eps = self._result.recipe.clustering.eps
            return {"eps": eps, "min_samples": clustering.min_samples}

    def run(self) -> None:
        """Make the map that is wanted."""
        self._view.working("")
        self._runs.submit(self._make_map)

    def _make_map(self, cancel: threading.Event) -> None:
        with self._lock:
            wanted = self._wanted
        self._begun = time.monotonic()
        try:
            if not warmup.is_done():
                self._view.working(_COMPILING)
                if not warmup.wait(cancel):
                    raise Cancelled("cancelled while compiling")
                self._begun = time.monotonic()
            snapshot = None
            if "layout" in self._session.pending(wanted) and not self._nudge(wanted, cancel):
                snapshot = self._first_picture(wanted, cancel)
            result = self._session.run(
                wanted, progress=self._report, cancel=cancel, early=self._show_map, snapshot=snapshot
            )
            self._show_scores(result)
        finally:
            if not cancel.is_set():
                self._view.idle()

    def _nudge(self, wanted: Recipe, cancel: threading.Event) -> bool:
        """Show the map that is there, moved some steps towards the wanted one; False where that cannot be."""
        with self._lock:
            result = self._result
        if result is None or result.recipe.features != self._session.resolve(wanted).features:
            return False
        points = self._session.nudge(wanted, result.embedding, cancel=cancel)
        if points is not None:
            self._view.draw(points, result.labels, caption=_NUDGED)
        return points is not None

    def _first_picture(self, wanted: Recipe, cancel: threading.Event) -> Snapshot | None:
        """Show what a large table's layout starts from; what then shows the layout as it goes on."""
        if self._session.table.n_rows <= methods.SAMPLE_ABOVE or wanted.embedding.method != "umap":
            return None
        preview = self._session.preview(wanted, progress=self._report, cancel=cancel)
        with self._lock:
            self._result = None
        self._view.draw(preview.embedding, preview.labels, caption=_FIRST)

        def snapshot(points: npt.NDArray[np.float32], epochs: int) -> None:
            del epochs
            if not cancel.is_set():
                self._view.draw(points, preview.labels, caption=_FIRST)

        return snapshot

    def _report(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last_progress >= _PROGRESS_EVERY or progress.done >= 1:
            self._last_progress = now
            self._view.progress(progress, now - self._begun)

    def _show_map(self, result: Result) -> None:
        """Show a new map with its labels; where eps or min_samples moved on in the meantime, cut again."""
        clustering = result.recipe.clustering
        with self._lock:
            # A layout outgrows the first picture that it starts from.
            fit = self._result is None
            self._result, self._scored = result, False
            wanted = self._wanted.clustering
            stale = wanted.min_samples != clustering.min_samples or wanted.eps not in {None, clustering.eps}
        self._view.draw(result.embedding, result.labels, fit=fit)
        self._view.map_made(result)
        if stale:
            self._cut()

    # -- cuts --------------------------------------------------------------------------------------------------------

    def _cut(self) -> None:
        self._cuts.submit(self._make_cut)

    def _make_cut(self, cancel: threading.Event) -> None:
        with self._lock:
            result, clustering = self._result, self._wanted.clustering
        if result is None:
            return  # the map that is being made takes the wanted eps
        if clustering.min_samples > result.density.max_min_samples:
            self.run()
            return
        eps = clustering.eps
        if eps is None:
            eps = result.density.suggest_eps(clustering.min_samples)
        labels = result.density.labels(eps, clustering.min_samples)
        if cancel.is_set():
            return
        cut = result.with_labels(labels, eps=eps, min_samples=clustering.min_samples)
        with self._lock:
            # The scores of the last cut may have come in meanwhile: another object, and the same map.
            if self._result is None or not _same_map(self._result, result):
                return  # a new map came in; it is cut by itself
            moved = result.recipe.clustering.min_samples != clustering.min_samples
            self._result, self._scored = cut, False
        self._view.cut_made(cut, moved=moved)
        self._scoring.submit(lambda stop: self._score(stop, cut))

    def _score(self, cancel: threading.Event, cut: Result) -> None:
        self._show_scores(self._session.run(cut.recipe, cancel=cancel))

    def _show_scores(self, result: Result) -> None:
        """Show finished scores unless the setting has moved on, be it to the same labels."""
        with self._lock:
            shown = self._result
            if shown is None or shown.recipe != result.recipe:
                return
            self._result, self._scored = result, True
        self._view.scored(result)

    def _failed(self, error: Exception) -> None:
        self._view.failed(error, "map")
        self._view.idle()


def _map_of(recipe: Recipe) -> tuple[Any, Any]:
    """The settings that make the map."""
    return recipe.features, recipe.embedding


def _same_map(one: Result, other: Result) -> bool:
    return _map_of(one.recipe) == _map_of(other.recipe)
