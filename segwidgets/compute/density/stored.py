"""An index as plain arrays, and back: for a disk cache, without pickle and without building."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segwidgets.compute.density.lists import Lists, first_rows

_FORMAT = 2
_HEAD = ("format", "n", "points", "dims", "min_samples", "max_min_samples", "neighbors")
_SHAPES: dict[str, tuple[tuple[type[Any], ...], tuple[str | int, ...]]] = {
    "points": ((np.float32, np.float64), ("u", "d")),
    "distances": ((np.float64,), ("u", "k")),
    "indices": ((np.int32,), ("u", "k")),
    "point_of": ((np.int32,), ("n",)),
    "weight": ((np.float64,), ("w",)),
    "edges": ((np.int32,), ("e", 2)),
    "edge_lengths": ((np.float64,), ("e",)),
    "own_edges": ((np.int32,), ("e", 2)),
    "own_weights": ((np.float64,), ("e",)),
}


class Stored(NamedTuple):
    """What an index is made of."""

    dims: int
    min_samples: int
    max_min_samples: int
    lists: Lists
    edges: NDArray[np.int32]
    """(u - 1, 2) of the tree for the lists' radii."""
    edge_lengths: NDArray[np.float64]
    own_edges: NDArray[np.int32]
    """(u - 1, 2) of the tree for min_samples, lightest first."""
    own_weights: NDArray[np.float64]


def pack(stored: Stored) -> dict[str, NDArray[Any]]:
    """Plain arrays that `unpack` reads; points as float32 where that is what they are."""
    lists = stored.lists
    u, k = lists.distances.shape
    points = lists.points[:, : stored.dims]
    with np.errstate(over="ignore"):
        narrow = points.astype(np.float32)
    numbers = (len(lists.point_of), u, stored.dims, stored.min_samples, min(stored.max_min_samples, 2**62), k)
    return {
        "format": np.array([_FORMAT, *numbers], np.int64),
        "points": narrow if np.array_equal(narrow, points) else np.ascontiguousarray(points),
        "distances": lists.distances,
        "indices": lists.indices,
        "point_of": lists.point_of,
        "weight": np.empty(0) if lists.weight is None else lists.weight,
        "edges": stored.edges,
        "edge_lengths": stored.edge_lengths,
        "own_edges": stored.own_edges,
        "own_weights": stored.own_weights,
    }


def unpack(arrays: Mapping[str, NDArray[Any]]) -> Stored:
    """The parts of the index that `pack` described; raises ValueError if arrays are missing or not of this format."""
    missing = {"format", *_SHAPES} - set(arrays)
    if missing:
        raise ValueError(f"these arrays are no DensityIndex: {', '.join(sorted(missing))} is missing. Build it again.")
    head = [int(value) for value in arrays["format"]]
    if head[0] != _FORMAT or len(head) != len(_HEAD):
        raise ValueError(f"DensityIndex format {head[0]} cannot be read, only {_FORMAT}: build it again.")
    _, n, u, dims, min_samples, max_min_samples, k = head
    weighted = len(arrays["weight"]) > 0
    sizes = {"n": n, "u": u, "d": dims, "k": k, "e": u - 1, "w": u if weighted else 0}
    for name, (dtypes, shape) in _SHAPES.items():
        expected = tuple(sizes.get(str(size), size) for size in shape)
        if arrays[name].shape != expected or arrays[name].dtype not in dtypes:
            raise ValueError(
                f"{name} is {arrays[name].dtype} {arrays[name].shape}, expected {np.dtype(dtypes[-1])} {expected}: the "
                "stored index is damaged. Build it again."
            )
    points = np.zeros((u, max(3, dims)))
    points[:, :dims] = arrays["points"]
    # Copies of the large ones would cost memory: the kernels only read, and take what np.load gives.
    point_of = np.ascontiguousarray(arrays["point_of"])
    lists = Lists(
        points,
        np.ascontiguousarray(arrays["distances"]),
        np.ascontiguousarray(arrays["indices"]),
        point_of,
        first_rows(point_of, u),
        None if u == n else np.bincount(point_of, minlength=u),
        arrays["weight"] if weighted else None,
    )
    return Stored(
        dims,
        min_samples,
        max_min_samples,
        lists,
        *(np.ascontiguousarray(arrays[name]) for name in ("edges", "edge_lengths", "own_edges", "own_weights")),
    )
