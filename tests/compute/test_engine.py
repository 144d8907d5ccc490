"""A stage's work goes to the hands that the backend names, and the device that did it is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from segwidgets.compute import embedding, engine, rapids
from segwidgets.compute.backend import Backend, cpu
from segwidgets.compute.neighbors import neighbors
from segwidgets.compute.progress import no_tick
from segwidgets.recipe import Embedding

GPU = Backend("cuml", "NVIDIA Test", "for the test")
X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of cuML's stages; the CPU's answer for them."""
    seen: list[str] = []

    def search(rows: Any, k: int, metric: str, **options: Any) -> Any:
        seen.append(f"neighbors {metric}")
        return neighbors(rows, k, metric)

    def layout(found: Any, begin: Any, **options: Any) -> Any:
        seen.append(f"layout {options['min_dist']} {options['n_epochs']} {options['repulsion_strength']}")
        return begin

    monkeypatch.setattr(rapids, "neighbors", search)
    monkeypatch.setattr(rapids, "layout", layout)
    return seen


def test_a_gpu_searches_the_metrics_it_has_and_the_cpu_the_rest(asked: list[str]) -> None:
    for metric in ("euclidean", "jaccard"):
        engine.find_neighbors(GPU, X, 5, metric, seed=0, tick=no_tick)
    engine.find_neighbors(cpu(), X, 5, "euclidean", seed=0, tick=no_tick)
    assert asked == ["neighbors euclidean"]


def test_a_gpu_lays_out_by_the_same_settings(asked: list[str]) -> None:
    begin = np.zeros((60, 3), np.float32)
    settings = Embedding(min_dist=0.2, repulsion_strength=2.0)
    found = neighbors(X, 5, "euclidean")
    done = engine.lay_out(GPU, found, None, begin, settings, n_epochs=30, snapshot=None, tick=no_tick)
    assert asked == ["layout 0.2 30 2.0"]
    assert (done.epochs, done.settled) == (30, False)
    ours = engine.lay_out(cpu(), found, None, begin, settings, n_epochs=30, snapshot=None, tick=no_tick)
    graph = embedding.fuzzy_graph(found)
    same = embedding.layout(graph, begin, min_dist=0.2, spread=1.0, n_epochs=30, seed=42, repulsion_strength=2.0).points
    np.testing.assert_array_equal(ours.points, same)


@pytest.mark.parametrize(
    ("metric", "method", "told"),
    [
        ("euclidean", "umap", {"neighbors": "NVIDIA Test", "layout": "NVIDIA Test"}),
        ("jaccard", "umap", {"neighbors": cpu().device, "layout": "NVIDIA Test"}),
        ("euclidean", "tsne", {"neighbors": "NVIDIA Test", "layout": cpu().device}),
        ("euclidean", "pca", {"layout": cpu().device}),
    ],
)
def test_the_device_of_each_stage_is_told(metric: str, method: str, told: dict[str, str]) -> None:
    assert engine.devices(GPU, metric, method) == told
