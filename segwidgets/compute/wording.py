"""Numbers as people read them."""

from __future__ import annotations

import math


def readable(value: float) -> str:
    """Four significant digits, whole from 1,000 on: powers of ten are for what is very large or very small only.

    >>> readable(52341.7), readable(3.14159), readable(0.5)
    ('52,342', '3.142', '0.5')
    """
    if math.isfinite(value) and 1_000 <= abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.4g}"
