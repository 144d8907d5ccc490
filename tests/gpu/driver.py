"""Say in one sentence, and fail, where no NVIDIA GPU answers: asked before anything large is installed.

Standard library only. It asks the driver itself, as every CUDA program does in the end.
"""

from __future__ import annotations

import ctypes
import sys


def trouble() -> str:
    """Why no GPU can be used, or nothing."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "no NVIDIA driver is installed"
    code = driver.cuInit(0)
    if code:
        return f"the NVIDIA driver does not start (CUDA error {code})"
    count = ctypes.c_int()
    code = driver.cuDeviceGetCount(ctypes.byref(count))
    if code or not count.value:
        return "the NVIDIA driver knows no GPU"
    return ""


if __name__ == "__main__":
    reason = trouble()
    if reason:
        sys.exit(f"The GPU tests need a machine on which an NVIDIA GPU answers, and here {reason}.")
