"""The vectors that the front end's own tests are held to say what the Python reference says now.

After a change of the reference: ``python tests/panel/test_pointcloud_vectors.py`` writes them anew.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np

from segwidgets.compute.density import DensityIndex, labels_from_portable
from segwidgets.compute.density.portable import anchors_from_portable

PATH = pathlib.Path(__file__).parents[2] / "segwidgets" / "frontend" / "tests" / "vectors" / "cuts.json"


def clouds() -> dict[str, tuple[np.ndarray, int]]:
    """Points and min_samples; on a lattice, so that no processor rounds a distance otherwise, and ties abound."""
    rng = np.random.default_rng(7)

    def blobs(n: int, dimensions: int, at: int) -> np.ndarray:
        centres = rng.integers(-40, 40, size=(at, dimensions))
        return (centres[rng.integers(0, at, n)] + np.round(rng.normal(size=(n, dimensions)) * 3)) / 4

    return {
        "blobs in 3-D": (blobs(150, 3, 4), 5),
        "blobs in 2-D, many ties": (np.round(blobs(120, 2, 5)), 4),
        "every point twice or more": (np.repeat(blobs(40, 3, 3), 3, axis=0)[rng.permutation(120)], 5),
        "every point a core point": (blobs(40, 2, 3), 1),
        "too few points": (blobs(4, 3, 1), 9),
        "one point": (np.zeros((1, 3)), 1),
    }


def case(name: str, points: np.ndarray, min_samples: int) -> dict[str, Any]:
    index = DensityIndex(points, min_samples=min_samples).portable()
    finite = np.unique(np.concatenate([index.gap, index.core, index.entry]))
    finite = finite[np.isfinite(finite)]
    chosen = finite[np.unique(np.linspace(0, len(finite) - 1, 9).astype(int))] if len(finite) else finite
    # A threshold, just below it and just above it: none of the three may be mistaken for another.
    below, above = np.nextafter(chosen, np.float32(-np.inf)), np.nextafter(chosen, np.float32(np.inf))
    grid = sorted({0.0, 0.3, 1e9, *chosen.tolist(), *below[below >= 0].tolist(), *above.tolist()})
    cuts = [
        {
            "eps": eps,
            "labels": labels_from_portable(index, eps).tolist(),
            "anchors": anchors_from_portable(index, eps).tolist(),
        }
        for eps in grid
    ]
    arrays = {
        field: [None if value == np.inf else value for value in getattr(index, field).tolist()]
        for field in ("row", "gap", "core", "entry", "host")
    }
    return {"name": name, **arrays, "cuts": cuts}


def vectors() -> list[dict[str, Any]]:
    return [case(name, points, min_samples) for name, (points, min_samples) in clouds().items()]


def test_the_front_ends_vectors_are_what_the_reference_says() -> None:
    assert json.loads(PATH.read_text(encoding="utf-8")) == vectors()


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(one, separators=(",", ":")) for one in vectors())
    PATH.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
