"""The one way this package compiles: numba, cached on disk, without the GIL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

_F = TypeVar("_F", bound=Callable[..., Any])


def kernel(**options: Any) -> Callable[[_F], _F]:
    """``numba.njit`` that keeps the function's type; ``options`` (parallel, inline, fastmath) are numba's.

    The cache of a kernel does not notice a change in a kernel of another module that it calls: whoever edits one
    removes ``__pycache__``.
    """
    return cast("Callable[[_F], _F]", numba.njit(cache=True, nogil=True, **options))
