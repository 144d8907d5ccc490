"""How long work reports on itself and is stopped."""

from __future__ import annotations

from collections.abc import Callable

#: Called with the share done, 0 to 1. It may raise `Cancelled`; the work then stops and leaves nothing behind.
Tick = Callable[[float], None]


class Cancelled(Exception):  # noqa: N818 - it is not an error
    """The work was stopped because somebody asked for it or because its settings are stale."""


def no_tick(done: float) -> None:
    """A `Tick` for whoever does not listen."""
