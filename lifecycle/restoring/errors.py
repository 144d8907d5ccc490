"""What ends a restore."""

from __future__ import annotations


class RestoreError(Exception):
    """The restore cannot go on; the message says what failed and the way out, for whoever reads the status."""


class Stopped(RestoreError):  # noqa: N818 - it is no error, but it ends the restore like one
    """Somebody asked the restore to end (SIGTERM)."""
