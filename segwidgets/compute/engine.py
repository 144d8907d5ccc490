"""Which hands do a stage's work: the CPU's code or cuML's, with the same arguments and results."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from segwidgets.compute import embedding as methods
from segwidgets.compute import neighbors as search
from segwidgets.compute import rapids
from segwidgets.compute.backend import Backend, cpu
from segwidgets.compute.embedding import Layout, Snapshot
from segwidgets.compute.neighbors import Neighbors
from segwidgets.compute.progress import Tick
from segwidgets.recipe import Embedding


def find_neighbors(
    backend: Backend, X: Any, k: int, metric: str, *, seed: int, tick: Tick, begin: Neighbors | None = None
) -> Neighbors:
    """The ``k`` nearest rows of each row: `neighbors.neighbors`, or cuML's exact search where it has the metric."""
    if _searches(backend, metric):
        return rapids.neighbors(X, k, metric, seed=seed, tick=tick)
    return search.neighbors(X, k, metric, seed=seed, tick=tick, begin=begin)


def lay_out(
    backend: Backend,
    found: Neighbors,
    graph: sp.csr_matrix | None,
    begin: npt.NDArray[np.float32],
    settings: Embedding,
    *,
    n_epochs: int,
    snapshot: Snapshot | None,
    tick: Tick,
) -> Layout:
    """UMAP's layout from ``begin``: `embedding.layout` of the ``graph``, or cuML's UMAP, which needs none."""
    shared = umap_settings(settings)
    if backend.name == "cuml":
        points = rapids.layout(found, begin, n_epochs=n_epochs, n_components=settings.n_components, tick=tick, **shared)
        return Layout(points, n_epochs, settled=False)
    graph = methods.fuzzy_graph(found) if graph is None else graph
    return methods.layout(graph, begin, n_epochs=n_epochs, snapshot=snapshot, tick=tick, **shared)


def umap_settings(settings: Embedding) -> dict[str, Any]:
    """What every optimiser of UMAP's objective is given, by the names of its arguments."""
    names = ("min_dist", "spread", "seed", "negative_sample_rate", "repulsion_strength")
    return {name: getattr(settings, name) for name in names}


def devices(backend: Backend, metric: str, method: str) -> dict[str, str]:
    """The device of every stage whose device may differ, by name."""
    host = cpu().device
    if method in {"pca", "none"}:
        return {"layout": host}
    searching = backend.device if _searches(backend, metric) else host
    return {"neighbors": searching, "layout": backend.device if method == "umap" else host}


def _searches(backend: Backend, metric: str) -> bool:
    """Whether the backend's own search has the metric; the CPU's stands in where it has not."""
    return backend.name == "cuml" and metric in rapids.METRICS
