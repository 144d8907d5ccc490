"""A 3-D or 2-D point cloud in a notebook cell, coloured by segment: WebGL2, binary arrays only.

The front end is ``segwidgets/frontend/src/pointcloud.ts``; ``static/pointcloud.js`` is built from it.
"""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

#: Largest label plus one that fits the number of bytes.
_LABEL_TYPES = ((np.iinfo(np.uint8).max, "u1"), (np.iinfo(np.uint16).max, "<u2"), (np.iinfo(np.uint32).max, "<u4"))


def _as_points(points: ArrayLike) -> NDArray[np.float32]:
    """(n, 2) or (n, 3) finite numbers as little-endian float32 rows; ValueError otherwise."""
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


def _as_labels(labels: ArrayLike, n_points: int) -> tuple[bytes, int]:
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


class PointCloud(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget is followed as Any
    """Points that turn, move and scale in the browser, in colours that colour-blind people tell apart.

    Args:
        points: (n, 3), or (n, 2) shown flat; finite numbers, sent as float32. None for an empty cloud.
        labels: (n,) integers, -1 for noise and 0, 1, … for segments. None shows all points in one colour.
        height: Height of the widget in CSS pixels.
        caption: A sentence over the lower left corner, such as what the points are a sample of.

    Attributes:
        point_size: Side of a point in CSS pixels; 0 chooses it by the number of points.

    Raises:
        ValueError: If the points or labels have the wrong shape or dtype, or hold NaN or infinite values.

    The traits ``points``, ``dimensions``, ``labels`` (label plus one, ``label_bytes`` each) and ``view_key`` are the
    wire format; use ``set_points`` and ``set_labels``. A second view, or a page loaded again, shows the same state.
    """

    _esm = pathlib.Path(__file__).parent / "static" / "pointcloud.js"

    points = traitlets.Bytes(b"").tag(sync=True)
    dimensions = traitlets.Int(3).tag(sync=True)
    labels = traitlets.Bytes(b"").tag(sync=True)
    label_bytes = traitlets.Int(1).tag(sync=True)
    view_key = traitlets.Int(0).tag(sync=True)
    caption = traitlets.Unicode("").tag(sync=True)
    height = traitlets.Int(480, min=120, max=4000).tag(sync=True)
    point_size = traitlets.Float(0.0, min=0.0, max=64.0).tag(sync=True)

    def __init__(
        self,
        points: ArrayLike | None = None,
        labels: ArrayLike | None = None,
        *,
        height: int = 480,
        caption: str = "",
        **traits: Any,
    ) -> None:
        if points is None and labels is not None:
            raise ValueError("labels were given without points: give both, or set_points first.")
        state = {} if points is None else self._state(points, labels)
        super().__init__(height=height, caption=caption, **state, **traits)

    @staticmethod
    def _state(points: ArrayLike, labels: ArrayLike | None) -> dict[str, Any]:
        """The traits that show these points and labels, checked before any of them changes."""
        values = _as_points(points)
        encoded, width = (b"", 1) if labels is None else _as_labels(labels, len(values))
        return {
            "points": values.tobytes(),
            "dimensions": int(values.shape[1]),
            "labels": encoded,
            "label_bytes": width,
        }

    @property
    def n_points(self) -> int:
        """How many points are shown."""
        return len(self.points) // (4 * int(self.dimensions))

    def set_points(
        self,
        points: ArrayLike,
        labels: ArrayLike | None = None,
        caption: str = "",
        *,
        keep_view: bool = False,
    ) -> None:
        """Show other points, with their labels and caption, in one message.

        Args:
            points: (n, 3) or (n, 2) finite numbers.
            labels: (n,) integers from -1, or None for points in one colour: labels never outlive their points.
            caption: What the points are; replaces the former caption.
            keep_view: Leave the camera where the user put it, because these points refine the former ones. Otherwise
                the camera fits the new cloud, and what was hidden or isolated in the legend is shown again.

        Raises:
            ValueError: As for the constructor; nothing changes then.
        """
        state = self._state(points, labels)
        with self.hold_sync():
            for name, value in state.items():
                setattr(self, name, value)
            self.caption = caption
            if not keep_view:
                self.view_key += 1

    def set_labels(self, labels: ArrayLike) -> None:
        """Colour the points by segment: (n,) integers, -1 for noise.

        1 byte per point travels up to 255 segments, 2 up to 65,535, else 4. A segment keeps the colour of the
        former one that it shares most points with.

        Raises:
            ValueError: If the length is not ``n_points``, or the labels are no integers from -1; nothing changes then.
        """
        encoded, width = _as_labels(labels, self.n_points)
        with self.hold_sync():
            self.labels = encoded
            self.label_bytes = width
