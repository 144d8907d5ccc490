"""What the point cloud sends to the browser and gets back, as bytes: positions, labels, cuts, values and selections.

The front end's half is ``segwidgets/frontend/src/cloud/{traits,cut,selection}.ts``. All numbers are little-endian.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from segwidgets.compute.density import Portable

#: Above so many points a coordinate travels in 2 bytes instead of 4: 65,536 steps on each axis, finer than any screen.
NARROW_FROM = 2_000_000
#: Largest label plus one that fits the number of bytes.
_LABEL_TYPES = ((np.iinfo(np.uint8).max, "u1"), (np.iinfo(np.uint16).max, "<u2"), (np.iinfo(np.uint32).max, "<u4"))
#: Categories with a colour of their own; the rest are one.
CATEGORIES = 40
#: The share of values at each end that a scale leaves out, so that a few far ones do not wash out the others.
_BEYOND = 0.01
#: First 4 bytes of a selection: rows follow, or one bit a row.
_ROWS, _BITS = 0, 1


def as_points(points: ArrayLike) -> NDArray[np.float32]:
    """(n, 2) or (n, 3) finite numbers as float32 rows; ValueError otherwise."""
    array = np.asarray(points)
    if array.ndim != 2 or array.shape[1] not in {2, 3}:
        raise ValueError(
            f"points have shape {array.shape}: give one row per point with 2 or 3 columns, (n, 2) or (n, 3)."
        )
    if array.dtype.kind not in "fiu":
        raise ValueError(f"points have dtype {array.dtype}: give numbers, for example float32.")
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(array, dtype="<f4")
    bad = int(np.count_nonzero(~np.isfinite(values).all(axis=1)))
    if bad:
        raise ValueError(
            f"{bad:,} of {len(values):,} points hold a NaN or an infinite value (as float32): drop or fill them."
        )
    return values


def packed_points(points: NDArray[np.float32]) -> tuple[bytes, dict[str, Any]]:
    """Positions as bytes, and what the front end must know to read them: a place is offset + scale * value."""
    n, dimensions = points.shape
    about: dict[str, Any] = {"count": n, "dimensions": dimensions, "width": 4}
    if n <= NARROW_FROM:
        return points.tobytes(), {**about, "offset": [0.0] * dimensions, "scale": [1.0] * dimensions}
    low, high = points.min(axis=0).astype(np.float64), points.max(axis=0).astype(np.float64)
    scale = np.where(high > low, (high - low) / 65535, 1.0)
    narrow = np.empty(points.shape, "<u2")
    for axis in range(dimensions):  # one axis at a time: float64 of all of them would be four times the points
        narrow[:, axis] = np.rint((points[:, axis] - low[axis]) / scale[axis])
    return narrow.tobytes(), {**about, "width": 2, "offset": low.tolist(), "scale": scale.tolist()}


def packed_labels(labels: ArrayLike, n_points: int) -> tuple[bytes, int]:
    """Labels plus one in the fewest bytes that hold them, and how many bytes that is; ValueError if they do not fit."""
    array = np.asarray(labels)
    if array.size == 0:
        array = array.astype(np.int32)
    if array.ndim != 1 or len(array) != n_points:
        raise ValueError(
            f"labels have shape {array.shape}, but there are {n_points:,} points: give one label per point."
        )
    if array.dtype.kind not in "iu":
        raise ValueError(f"labels have dtype {array.dtype}: give integers, -1 for noise and 0, 1, … for segments.")
    low, high = (int(array.min()), int(array.max())) if n_points else (-1, -1)
    if low < -1 or high + 1 > _LABEL_TYPES[-1][0]:
        raise ValueError(f"labels run from {low} to {high}: -1 is noise, and segments are numbered from 0.")
    kind = np.dtype(next(name for top, name in _LABEL_TYPES if high + 1 <= top))
    # Unsigned types wrap around, so adding in 64 bits would only cost memory.
    with np.errstate(over="ignore"):
        shifted = array.astype(kind) + kind.type(1)
    return shifted.astype(kind, copy=False).tobytes(), kind.itemsize


def packed_index(index: Portable, n_points: int) -> bytes:
    """20 bytes a leaf: row, gap, core, entry and host, each field whole; ValueError if it is of other points."""
    if len(index.row) != n_points:
        raise ValueError(
            f"the index is of {len(index.row):,} rows, but {n_points:,} points are shown: "
            "set_points first, then the index of the same rows."
        )
    fields = ((index.row, "<i4"), (index.gap, "<f4"), (index.core, "<f4"), (index.entry, "<f4"), (index.host, "<i4"))
    return b"".join(np.ascontiguousarray(values, dtype=kind).tobytes() for values, kind in fields)


def packed_values(values: ArrayLike, kind: str, n_points: int) -> tuple[bytes, dict[str, Any]]:
    """One byte a point, 0 where there is no value, and the legend: the scale's ends, or the categories.

    Args:
        values: (n,); for "number" and "trust" floats, NaN where there is none, for "category" anything that can be
            told apart, None or NaN where there is none.
        kind: "number", "category" or "trust" (from 0 to 1).
        n_points: how many there must be.

    Raises:
        ValueError: another length, no numbers, or trust beyond 0 to 1.
    """
    array = np.asarray(values)
    if array.ndim != 1 or len(array) != n_points:
        raise ValueError(f"values have shape {array.shape}, but there are {n_points:,} points: give one per point.")
    if kind == "category":
        return _packed_categories(array)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"values have dtype {array.dtype}: give numbers, or kind='category'.")
    numbers = array.astype(np.float64)
    there = np.isfinite(numbers)
    low, high, about = _trust_scale(numbers[there]) if kind == "trust" else _scale(numbers[there])
    share = (numbers - low) / (high - low) if high > low else np.full(n_points, 0.5)
    places = 1 + np.rint(254 * np.clip(np.nan_to_num(share), 0, 1))
    packed = np.where(there, places, 0).astype(np.uint8)
    return packed.tobytes(), {"low": low, "high": high, "missing": int(np.count_nonzero(~there)), **about}


def _trust_scale(numbers: NDArray[np.float64]) -> tuple[float, float, dict[str, Any]]:
    if numbers.size and not (numbers.min() >= 0 and numbers.max() <= 1):
        raise ValueError(f"trust runs from {numbers.min():g} to {numbers.max():g}: it must lie from 0 to 1.")
    return 0.0, 1.0, {}


def _scale(numbers: NDArray[np.float64]) -> tuple[float, float, dict[str, Any]]:
    """The ends of a scale, and what to say of them."""
    if numbers.size == 0:
        return 0.0, 1.0, {}
    least, greatest = float(numbers.min()), float(numbers.max())
    if least < 0 and least >= -1 and greatest <= 1:  # a silhouette, a correlation
        return -1.0, 1.0, {"diverging": True}
    low, high = (float(q) for q in np.quantile(numbers, [_BEYOND, 1 - _BEYOND]))
    if np.median(numbers) == least:  # mostly zeros: what is not tells how high the scale must reach
        high = float(np.quantile(numbers[numbers > least], 1 - _BEYOND)) if greatest > least else greatest
    return low, high, {"below": least < low, "above": greatest > high}


def _packed_categories(values: NDArray[Any]) -> tuple[bytes, dict[str, Any]]:
    codes, names = pd.factorize(values)
    sizes = np.bincount(codes[codes >= 0], minlength=len(names))
    by_size = np.argsort(-sizes, kind="stable")
    place = np.full(len(names) + 1, CATEGORIES + 1, np.int64)
    place[-1] = 0  # factorize gives -1 to what is missing
    place[by_size[:CATEGORIES]] = np.arange(1, len(by_size[:CATEGORIES]) + 1)
    listed = [{"name": str(names[at]), "size": int(sizes[at])} for at in by_size[:CATEGORIES]]
    if len(names) > CATEGORIES:
        rest = by_size[CATEGORIES:]
        listed.append({"name": f"{len(rest):,} others", "size": int(sizes[rest].sum())})
    packed = place[codes].astype(np.uint8)
    return packed.tobytes(), {"categories": listed, "missing": int(np.count_nonzero(codes < 0))}


def packed_selection(rows: ArrayLike, n_points: int) -> bytes:
    """Rows in the shorter of two forms, at most 4 + n / 8 bytes; ValueError if they are no rows of the cloud."""
    array = np.asarray(rows)
    if array.size == 0:
        return b""
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(f"rows have shape {array.shape} and dtype {array.dtype}: give row numbers, (m,) integers.")
    if int(array.min()) < 0 or int(array.max()) >= n_points:
        raise ValueError(f"rows run from {array.min()} to {array.max()}, but the cloud has {n_points:,} points.")
    mask = np.zeros(n_points, bool)
    mask[array] = True
    chosen = np.flatnonzero(mask)
    if 4 * len(chosen) <= -(-n_points // 8):
        return np.array([_ROWS], "<u4").tobytes() + chosen.astype("<u4").tobytes()
    return np.array([_BITS], "<u4").tobytes() + np.packbits(mask, bitorder="little").tobytes()


def unpacked_selection(packed: bytes, n_points: int) -> NDArray[np.int64]:
    """(m,) int64 rows, ascending; what is no row of the cloud is left out."""
    if len(packed) < 4:
        return np.empty(0, np.int64)
    if np.frombuffer(packed, "<u4", 1)[0] == _ROWS:
        rows = np.frombuffer(packed, "<u4", offset=4).astype(np.int64)
        return np.unique(rows[rows < n_points])
    bits = np.unpackbits(np.frombuffer(packed, np.uint8, offset=4), bitorder="little")[:n_points]
    return np.flatnonzero(bits).astype(np.int64)
