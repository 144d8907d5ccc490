"""The one way this package compiles: numba, cached on disk, without the GIL, on all cores where that is safe."""

from __future__ import annotations

import functools
import importlib
import logging
import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

# GNU OpenMP's threads spin for milliseconds while they wait for each other. Where two processes do so, a panel and a
# promoted job say, each takes the cores from the work that the other waits for: on two cores an index of 46,766 points
# took 0.48 s then, and 0.19 s with this (0.10 s alone, with and without). It is read when the first parallel kernel
# starts, so it can be set here; whoever has set a policy keeps it.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")

_F = TypeVar("_F", bound=Callable[..., Any])
_log = logging.getLogger(__name__)


@functools.cache
def threads_are_safe() -> bool:
    """Whether several threads may run parallel kernels at once, as a panel's lanes do.

    numba's own fallback, the work queue, ends the process when they do; OpenMP and TBB do not, and each is there only
    when its system library is.
    """
    for layer in ("omppool", "tbbpool"):
        try:
            importlib.import_module(f"numba.np.ufunc.{layer}")
        except ImportError:
            continue
        return True
    _log.warning(
        "neither OpenMP nor TBB was found, so kernels run on one core. "
        "Install libgomp1 (on Debian: apt-get install libgomp1) to use all of them."
    )
    return False


def kernel(**options: Any) -> Callable[[_F], _F]:
    """``numba.njit`` that keeps the function's type; ``options`` (parallel, inline, fastmath) are numba's.

    The cache of a kernel does not notice a change in a kernel of another module that it calls: whoever edits one
    removes ``__pycache__``.
    """
    if options.get("parallel") and not threads_are_safe():
        options["parallel"] = False
    return cast("Callable[[_F], _F]", numba.njit(cache=True, nogil=True, **options))
