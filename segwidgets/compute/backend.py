"""What a run computes on: the CPU, or a GPU through RAPIDS cuML; chosen once, with the reason.

``import cuml`` works on a machine without a GPU and only its first call fails, so the device itself is asked, through
cupy: are there any, and does one hand out memory. Neither cupy nor cuML is imported with this module.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.util
import os
from typing import Any, Literal

Name = Literal["cpu", "cuml"]

#: What `choose` may be asked for.
NAMES = ("auto", "cpu", "cuml")

_INSTALL = 'install it with: pip install "segwidgets[gpu]"'
#: RAPIDS' CUDA 12 builds start at Volta.
_LEAST_CAPABILITY = (7, 0)


class BackendError(RuntimeError):
    """The backend that was asked for is not there: says why, and the way out."""


@dataclasses.dataclass(frozen=True)
class Backend:
    """What a run computes on.

    Attributes:
        name: "cpu" or "cuml".
        device: the device in words: "CPU, 2 cores", "NVIDIA H100 80GB HBM3".
        reason: one sentence: why this one.
    """

    name: Name
    device: str
    reason: str


def choose(name: str = "auto", *, again: bool = False) -> Backend:
    """The backend of that name, or the best one there is.

    Args:
        name: "auto" (the GPU where one answers, else the CPU, with the reason), "cpu" or "cuml".
        again: ask the device anew; else the first answer of this process stands.

    Raises:
        ValueError: an unknown name.
        BackendError: "cuml" was asked for, and no GPU answers or cuML is not installed.
    """
    if name not in NAMES:
        raise ValueError(f"backend={name!r} is not known: take 'auto', 'cpu' or 'cuml'.")
    if name == "cpu":
        return cpu()
    if again:
        _answer.cache_clear()
    device, trouble = _answer()
    if not trouble:
        how = "A GPU answers and cuML is installed." if name == "auto" else "cuML was asked for, and a GPU answers."
        return Backend("cuml", device, how)
    if name == "cuml":
        raise BackendError(f"backend='cuml' cannot be used: {trouble}. Take backend='cpu', or 'auto' to do without.")
    return cpu(f"The CPU computes: {trouble}.")


def cpu(reason: str = "The CPU was asked for.") -> Backend:
    """The CPU as a backend; always there."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Backend("cpu", f"CPU, {cores} core" + ("s" if cores != 1 else ""), reason)


@functools.cache
def _answer() -> tuple[str, str]:
    """The GPU in words and "", or "" and why none can be used (a clause without a full stop)."""
    try:
        return _gpu(), ""
    except BackendError as error:
        return "", str(error)


def _gpu() -> str:
    """The GPU in words; BackendError, whose message is a clause, where none can be used."""
    try:
        device, capability = _ask(importlib.import_module("cupy"))
    except ModuleNotFoundError as error:
        if error.name != "cupy":
            raise BackendError(f"cupy cannot be imported ({_line(error)})") from error
        raise BackendError(f"cupy is not installed, through which a GPU is asked ({_INSTALL})") from error
    except (RuntimeError, MemoryError, OSError, ImportError) as error:
        raise BackendError(_in_words(error)) from error
    if not device:
        raise BackendError("no NVIDIA GPU answers")
    if capability < _LEAST_CAPABILITY:
        found, least = ".".join(map(str, capability)), ".".join(map(str, _LEAST_CAPABILITY))
        raise BackendError(f"{device} has compute capability {found}, and cuML needs {least} or newer")
    if importlib.util.find_spec("cuml") is None:
        raise BackendError(f"cuML is not installed ({_INSTALL})")
    return device


def _in_words(error: Exception) -> str:
    """What CUDA says, in words: its errors are RuntimeErrors that begin with its own name for them."""
    text = _line(error)
    if "InsufficientDriver" in text or "SystemDriverMismatch" in text:
        return "no NVIDIA driver answers, or it is too old for this CUDA (RAPIDS needs 535 or newer)"
    return "no NVIDIA GPU answers" if "NoDevice" in text else f"the GPU does not answer ({text})"


def _ask(cupy: Any) -> tuple[str, tuple[int, int]]:
    """The current GPU's name ("" if there is none) and compute capability, after it handed out memory once."""
    runtime = cupy.cuda.runtime
    if not runtime.getDeviceCount():
        return "", (0, 0)
    # A device that is listed may still be lost, full or taken by somebody else: one number there and back shows it.
    cupy.zeros(1, dtype="float32").get()
    properties = runtime.getDeviceProperties(runtime.getDevice())
    name = properties["name"]
    words = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
    return words, (int(properties["major"]), int(properties["minor"]))


def _line(error: BaseException) -> str:
    """An error's first line, with its type: a sentence has room for no more."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].rstrip('.')}" if lines else type(error).__name__
