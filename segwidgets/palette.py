"""The point cloud's colours in Python: the same numbers as ``frontend/src/cloud/palette.ts`` chooses in the browser.

The first forty are chosen there, by distance under normal, protan and deutan vision, and written down here; further
ones follow the same rule in both. A browser test compares the two.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_LIGHT = (
    "0072b2", "e69f00", "009e73", "d55e00", "56b4e9", "cc79a7", "e2d62d", "93caa3", "751a65", "7bc8da",
    "619bf8", "e17f30", "027649", "075811", "35688c", "9bcd5f", "77ab83", "3b5bb7", "009387", "716208",
    "7f844a", "67344f", "b6c287", "314673", "e1a6c6", "1b3f97", "836acf", "7448a8", "92709f", "045631",
    "5baab8", "6b8d0e", "a96c63", "c8c038", "884e5f", "8ea66f", "508e6f", "146f79", "5484ab", "017826",
)  # fmt: skip
_DARK = (
    "2887c8", "e69f00", "009e73", "d55e00", "56b4e9", "cc79a7", "f0e442", "bcf5cc", "b659a2", "b3f1ff",
    "aeccfc", "feb98b", "21b374", "3d9640", "6b9fc6", "c4f88a", "a4dab0", "6d93f4", "1dcbbc", "af9804",
    "b1b77b", "a46c89", "e0ecb0", "6880b1", "ffd8ec", "517cd9", "b4a0ff", "aa7fe4", "c6a2d3", "02995a",
    "8ad9e8", "9cc14c", "df9e94", "f3ea69", "c28494", "bcd59c", "83c1a0", "56a7b1", "86b7e1", "50b05d",
)  # fmt: skip
_GOLDEN_ANGLE = 137.50776405003785
_GOLDEN_RATIO = 0.6180339887498949
#: OKLCH lightness that stands out from the background.
_LIGHTNESS = {False: (0.4, 0.79), True: (0.6, 0.92)}


def _from_lch(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    """OKLCH (Ottosson 2020) to sRGB from 0 to 1; chroma gives way until sRGB can show the colour."""
    angle = math.radians(hue)
    linear = np.full(3, lightness)
    for step in range(int(chroma / 0.005 + 1e-9) + 1):
        c = chroma - 0.005 * step
        a, b = c * math.cos(angle), c * math.sin(angle)
        l, m, s = (  # noqa: E741 - the names of the cone responses
            (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3,
            (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3,
            (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3,
        )
        linear = np.array(
            [
                4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
                -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
                -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
            ]
        )
        if (linear >= -1e-4).all() and (linear <= 1.0001).all():
            break
    linear = linear.clip(0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return float(encoded[0]), float(encoded[1]), float(encoded[2])


def segment_colour(number: int, *, dark: bool = False) -> tuple[float, float, float]:
    """The colour with that number, from 0, for any number of segments: sRGB from 0 to 1."""
    chosen = _DARK if dark else _LIGHT
    if number < len(chosen):
        red, green, blue = bytes.fromhex(chosen[number])
        return red / 255, green / 255, blue / 255
    low, high = _LIGHTNESS[dark]
    lightness = low + (number * _GOLDEN_RATIO) % 1 * (high - low)
    return _from_lch(lightness, 0.13 if number % 2 else 0.08, (number * _GOLDEN_ANGLE) % 360)


def segment_colours(count: int, *, dark: bool = False) -> NDArray[np.float32]:
    """(count, 3) float32: the first ``count`` colours."""
    return np.array([segment_colour(i, dark=dark) for i in range(count)], np.float32).reshape(count, 3)


def noise_colour(*, dark: bool = False) -> tuple[float, float, float]:
    """The grey of noise on a white, or a near-black, background."""
    level = 0x62 if dark else 0xBA
    return level / 255, level / 255, level / 255


def css(colour: tuple[float, float, float] | NDArray[np.float32]) -> str:
    """``#rrggbb``."""
    return "#" + "".join(f"{round(min(1, max(0, float(part))) * 255):02x}" for part in colour)
