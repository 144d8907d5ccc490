"""What is raised when the kernel's restore cannot be deployed."""

from __future__ import annotations


class LifecycleError(RuntimeError):
    """It cannot be deployed, or not like that; the message says why, and the way out."""
