"""The spaces that the rows of a recipe stand in besides its map: its features, and other maps of the same features."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import scipy.sparse as sp

from segwidgets.compute.density import MAX_DIMENSIONS, DensityIndex
from segwidgets.recipe import Embedding, Recipe
from segwidgets.result import Progress, Result
from segwidgets.run import Run
from segwidgets.stages import Stages

if TYPE_CHECKING:
    from segwidgets.session import Session

#: The spaces, and what they are called.
SPACES = {
    "map": "the map",
    "features": "the features",
    "pca": "the principal components",
    "tsne": "a t-SNE map",
    "umap": "a UMAP map",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Space:
    """The rows as one space has them, and the density tree there.

    ``rows`` (n, d) array or CSR matrix, None where the space cannot be made, and ``no_rows`` says why. ``index`` of
    them, None where they have none, and ``no_index`` says why, after a method's name. ``eps``: where to cut it.
    """

    name: str
    rows: Any = None
    index: DensityIndex | None = None
    eps: float = 0.0
    no_rows: str = ""
    no_index: str = ""


def same_as_map(name: str, recipe: Recipe) -> bool:
    """Whether a space is the recipe's own map."""
    own = recipe.embedding.method
    return name in {"map", own} or (name == "features" and own == "none")


def space(
    session: Session,
    recipe: Recipe,
    result: Result,
    name: str,
    *,
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
) -> Space:
    """The rows in a space, from the session's cache where it has them.

    Args:
        session: of the table.
        recipe: the settings, as `Session.resolve` gives them. Another map takes all of them but for its n_epochs.
        result: its run; the recipe's own map is cut at its eps, other spaces where their density profile suggests.
        name: one of ``SPACES``.
        progress: called in this thread as the stages go on.
        cancel: when set, they stop.

    Returns:
        The space; one that cannot be made says so, and raises nothing.

    Raises:
        Cancelled: ``cancel`` was set.
    """
    if same_as_map(name, recipe):
        return Space(name, result.embedding, result.density, float(result.recipe.clustering.eps or 0))
    run = Run(progress, cancel)
    try:
        return _features(session, recipe, run) if name == "features" else _map(session, recipe, name, run)
    except ValueError as error:  # this space cannot be, others can
        return Space(name, no_rows=str(error))


def _map(session: Session, recipe: Recipe, method: Any, run: Run) -> Space:
    made = _stages(session, recipe, dataclasses.replace(recipe.embedding, method=method, n_epochs=None), run)
    rows, index = made.layout, made.density
    return Space(method, rows, index, index.suggest_eps(recipe.clustering.min_samples))


def _features(session: Session, recipe: Recipe, run: Run) -> Space:
    rows = _stages(session, recipe, recipe.embedding, run).features.values
    if sp.issparse(rows):
        why = "needs dense features, and these are sparse: take it on the map, or on principal components ('pca')."
        return Space("features", rows, no_index=why)
    if rows.shape[1] > MAX_DIMENSIONS:
        why = (
            f"takes up to {MAX_DIMENSIONS} columns, and the features have {rows.shape[1]:,}: take it on the map, or on "
            "principal components ('pca')."
        )
        return Space("features", rows, no_index=why)
    made = _stages(session, recipe, dataclasses.replace(recipe.embedding, method="none"), run)
    index = made.density
    return Space("features", rows, index, index.suggest_eps(recipe.clustering.min_samples))


def _stages(session: Session, recipe: Recipe, embedding: Embedding, run: Run) -> Stages:
    resolved = session.resolve(recipe.replace(embedding=embedding))
    return Stages(session.table, resolved, session.cache, run, session.backend)
