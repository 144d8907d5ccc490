"""What a scene of points shows, as arrays: which rows, in which colours, and which of them a lasso holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwidgets.compute.matching import match
from segwidgets.palette import noise_colour, segment_colours

#: Share of the values at either end that a scale of numbers does not stretch to: one outlier must not grey the rest.
_TAIL = 0.01
#: Categories that get a colour; the rarer ones are grey.
_CATEGORIES = 30


def stratified(labels: NDArray[np.int64] | None, n: int, most: int, floor: int) -> NDArray[np.int64]:
    """A sample of rows, the same for the same labels, in which every segment has its share, and small ones more.

    Args:
        labels: (n,) integers from -1, or None for a plain sample.
        n: rows.
        most: rows of the sample; all rows if there are no more.
        floor: rows that a segment keeps, if it has them and there is room for so many of each.

    Returns:
        (min(n, most),) int64, ascending.
    """
    if n <= most:
        return np.arange(n, dtype=np.int64)
    # One order for all labels: after a small change of labels the sample is nearly the same, and nothing flickers.
    order = np.random.default_rng(0).permutation(n)
    if labels is None:
        return np.sort(order[:most])
    mixed = labels[order]
    order = order[np.argsort(mixed, kind="stable")]
    counts = np.bincount(labels + 1)
    counts = counts[counts > 0]
    kept = np.minimum(counts, min(floor, most // len(counts)))
    share = (counts - kept) * ((most - kept.sum()) / max(1, n - kept.sum()))
    quota = kept + np.floor(share).astype(np.int64)
    # What the rounding left goes to the largest remainders.
    missing = most - int(quota.sum())
    quota[np.argsort(np.floor(share) - share, kind="stable")[:missing]] += 1
    starts = np.cumsum(counts) - counts
    place = np.arange(n) - np.repeat(starts, counts)
    return np.sort(order[place < np.repeat(quota, counts)])


def projected(
    at: NDArray[np.float64], position: Sequence[float], quaternion: Sequence[float], *, fov: float, aspect: float
) -> NDArray[np.float64]:
    """Where points are in the picture of a camera that looks along its own -z.

    Args:
        at: (n, 3) points.
        position: of the camera.
        quaternion: x, y, z, w: how the camera is turned.
        fov: degrees from the lower to the upper edge.
        aspect: width over height.

    Returns:
        (n, 2), each axis from -1 to 1; NaN behind the camera.
    """
    x, y, z, w = quaternion
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    seen = (at - np.asarray(position, float)) @ turn
    depth = -seen[:, 2:] * np.tan(np.radians(fov) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(depth > 0, seen[:, :2] / (depth * [aspect, 1.0]), np.nan)


def aspect(data: Mapping[str, Any]) -> float | None:
    """Width over height of the picture in which a selector was drawn, from its shape in pixels and in device axes."""
    pixel, device = data.get("pixel"), data.get("device")
    if not pixel or not device:
        return None
    if data["type"] != "lasso":
        pixel, device = [pixel["begin"], pixel["end"]], [device["begin"], device["end"]]
    if any(corner is None for corner in [*pixel, *device]):
        return None
    (x, y), (right, up) = np.asarray(pixel, float).T, np.asarray(device, float).T
    # The corner farthest from the upper left one tells most exactly.
    across, down = right + 1, 1 - up
    if across.max() <= 0 or down.max() <= 0:
        return None
    return float((x[across.argmax()] / across.max()) / (y[down.argmax()] / down.max()))


def within(data: Mapping[str, Any], at: NDArray[np.float64]) -> NDArray[np.bool_] | None:
    """Which points a selector of ipyvolume's holds.

    Args:
        data: as ipyvolume sends it: "type" is "lasso", "circle" or "rectangle", "device" its shape, axes from -1 to 1.
        at: (n, 2): where the points are, in the same axes; NaN where they are not seen.

    Returns:
        (n,) bool, or None if the shape holds no area.
    """
    shape = data.get("device")
    if not shape:
        return None
    x, y = at[:, 0], at[:, 1]
    with np.errstate(invalid="ignore"):
        if data["type"] == "lasso":
            return _inside(np.asarray(shape, float), x, y) if len(shape) > 2 else None
        if shape.get("begin") is None or shape.get("end") is None:
            return None
        (x1, y1), (x2, y2) = shape["begin"], shape["end"]
        if data["type"] == "circle":
            return np.asarray((x - x1) ** 2 + (y - y1) ** 2 < (x2 - x1) ** 2 + (y2 - y1) ** 2)
        return np.asarray((x > min(x1, x2)) & (x < max(x1, x2)) & (y > min(y1, y2)) & (y < max(y1, y2)))


def _inside(corners: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Points in a polygon, by the even-odd rule; only those in its bounding box are looked at."""
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    near = np.flatnonzero((x >= left) & (x <= right) & (y >= bottom) & (y <= top))
    px, py = x[near], y[near]
    odd = np.zeros(len(near), bool)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y1 != y2:
            crosses = (y1 > py) != (y2 > py)
            odd ^= crosses & (px < (x2 - x1) * (py - y1) / (y2 - y1) + x1)
    inside = np.zeros(len(x), bool)
    inside[near[odd]] = True
    return inside


def numbered(labels: NDArray[np.int64], before: NDArray[np.int64] | None, numbers: Mapping[int, int]) -> dict[int, int]:
    """Colour number by label: segments keep those of the former ones that they match (`compute.matching`).

    Args:
        labels: (n,) integers from -1.
        before: (n,) the former labels of the same points, or None.
        numbers: the former colour numbers.

    Returns:
        A number for every label but -1; new segments take the lowest free numbers, the largest first.
    """
    sizes = np.bincount(labels + 1)[1:]
    present = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
    found: dict[int, int] = {}
    if before is not None and numbers:
        found = {now: numbers[then] for then, now in match(before, labels).pairs if then in numbers}
    taken = set(found.values())
    free = (number for number in range(len(present) + len(taken)) if number not in taken)
    return found | {label: next(free) for label in present.tolist() if label not in found}


def by_segment(labels: NDArray[np.int64], numbers: Mapping[int, int], *, dark: bool) -> NDArray[np.float32]:
    """(m, 3): the colours of rows with these labels."""
    palette = segment_colours(1 + max(numbers.values(), default=0), dark=dark)
    table = np.empty((int(labels.max(initial=-1)) + 2, 3), np.float32)
    table[:] = noise_colour(dark=dark)
    for label, number in numbers.items():
        if label + 1 < len(table):
            table[label + 1] = palette[number]
    return np.asarray(table[labels + 1])


def faded(colours: NDArray[np.float32], share: NDArray[np.float32], *, dark: bool) -> NDArray[np.float32]:
    """(m, 3): the colours, each left by its ``share`` (m,) from 0, which leaves a trace, to 1; NaN is 0."""
    paper = np.float32(0.07 if dark else 1.0)
    left = np.nan_to_num(share).clip(0, 1)[:, None] * np.float32(0.85) + np.float32(0.15)
    return np.asarray(paper + (colours - paper) * left, np.float32)


def by_number(
    values: NDArray[Any], shown: NDArray[np.int64], *, dark: bool
) -> tuple[NDArray[np.float32], tuple[float, float] | None]:
    """Numbers as viridis from the first to the last percentile of all values, NaN grey.

    Returns:
        (m, 3) colours of the rows ``shown``, and the two percentiles; None if no value is finite.
    """
    import matplotlib as mpl

    numbers = np.asarray(values, np.float64)
    finite = np.isfinite(numbers)
    colours = np.empty((len(shown), 3), np.float32)
    colours[:] = noise_colour(dark=dark)
    if not finite.any():
        return colours, None
    low, high = np.quantile(numbers[finite], [_TAIL, 1 - _TAIL])
    if low == high:
        low, high = numbers[finite].min(), numbers[finite].max()
    some = finite[shown]
    scaled = (numbers[shown][some] - low) / (high - low or 1.0)
    colours[some] = mpl.colormaps["viridis"](scaled.clip(0, 1))[:, :3]
    return colours, (float(low), float(high))


def by_category(
    values: NDArray[Any], shown: NDArray[np.int64], *, dark: bool
) -> tuple[NDArray[np.float32], list[tuple[str, int]]]:
    """(m, 3): a colour for each of the most frequent categories, grey for the others; and these, with their rows."""
    names, codes, counts = np.unique(np.asarray(values).astype(str), return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_CATEGORIES]
    table = np.empty((len(names), 3), np.float32)
    table[:] = noise_colour(dark=dark)
    table[order] = segment_colours(len(order), dark=dark)
    return table[codes[shown]], [(str(names[i]), int(counts[i])) for i in order]
