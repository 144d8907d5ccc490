"""A small picture of a map, for the history: numbers to pixels to PNG, without a plotting library."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from segwidgets.palette import noise_colour, segment_colours

#: Points drawn at most: more would not be seen.
_SAMPLE = 20_000
#: Share of the points that frames the picture, as the map frames its middle.
_FRAMED = (0.01, 0.99)
#: From where a 3-D map is first seen, radians (frontend/src/cloud/camera.ts).
_AZIMUTH, _ELEVATION = 0.7, 0.4


def thumbnail(
    points: npt.NDArray[np.floating[Any]], labels: npt.NDArray[np.integer[Any]], size: tuple[int, int] = (96, 72)
) -> bytes:
    """A PNG of a map, transparent around the points, in the map's colours; noise lies behind.

    Args:
        points: (n, 2 or 3), finite.
        labels: (n,), -1 for noise.
        size: width and height in pixels.
    """
    width, height = size
    picture = np.zeros((height, width, 4), np.uint8)
    if len(points):
        every = max(1, len(points) // _SAMPLE)
        flat = _seen(np.asarray(points[::every], np.float64))
        low, high = (np.quantile(flat, share, axis=0) for share in _FRAMED)
        scale = 0.9 * min((width - 1) / max(high[0] - low[0], 1e-9), (height - 1) / max(high[1] - low[1], 1e-9))
        place = np.rint((flat - (low + high) / 2) * [scale, -scale] + [(width - 1) / 2, (height - 1) / 2]).astype(int)
        inside = ((place >= 0) & (place < [width, height])).all(axis=1)
        colours, order = _coloured(labels)
        shown = labels[::every]
        for kept in (inside & (shown < 0), inside & (shown >= 0)):
            x, y = place[kept].T
            picture[y, x, :3] = colours[order[shown[kept] + 1]]
            picture[y, x, 3] = 255
    return _png(picture)


def _seen(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n, 2): to the right and upwards."""
    if points.shape[1] == 2:
        return points
    sa, ca, se, ce = np.sin(_AZIMUTH), np.cos(_AZIMUTH), np.sin(_ELEVATION), np.cos(_ELEVATION)
    seen: npt.NDArray[np.float64] = points @ np.array([[ca, -se * sa], [0.0, ce], [-sa, -se * ca]])
    return seen


def _coloured(labels: npt.NDArray[np.integer[Any]]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.intp]]:
    """Colours, noise's first, and the place of each label plus one among them: by size, as the map begins."""
    count = int(labels.max(initial=-1)) + 1
    rank = np.empty(count, np.intp)
    rank[np.argsort(-np.bincount(labels[labels >= 0], minlength=count), kind="stable")] = np.arange(count)
    colours = np.vstack([np.reshape(noise_colour(), (1, 3)), segment_colours(count).reshape(-1, 3)])
    return np.rint(colours * 255).astype(np.uint8), np.concatenate([[0], rank + 1])


def _png(picture: npt.NDArray[np.uint8]) -> bytes:
    """(height, width, 4) RGBA as a PNG (ISO/IEC 15948)."""
    height, width = picture.shape[:2]
    lines = np.concatenate([np.zeros((height, 1), np.uint8), picture.reshape(height, -1)], axis=1)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines.tobytes(), 6)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, content) for kind, content in parts)
