"""One answer for all who ask the same within a while: ten browser tabs cost what one does."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

#: An answer is kept for this many times what it cost, so that polling costs a small share of a core.
_SHARE = 5.0
#: An answer older than this many seconds is not shown while a newer one may come in time.
_OLD = 60.0


class LaterError(Exception):
    """The answer is being worked on, and did not come in the time that somebody could wait."""


@dataclasses.dataclass(frozen=True)
class Seen(Generic[T]):
    """An answer, when it was right (seconds since 1970), and why a newer one failed, if one did."""

    value: T
    at: float
    error: Exception | None


class Shared(Generic[T]):
    """The answer that ``work`` gives.

    Who asks first starts the work; who comes meanwhile waits for the same. An answer is fresh for ``fresh`` seconds, or
    longer where it was dear. After that it is given still, and the next one is worked on behind it. Nothing is done
    unless somebody asks.
    """

    def __init__(self, work: Callable[[], Awaitable[T]], fresh: float) -> None:
        self._work = work
        self._fresh = fresh
        self._seen: Seen[T] | None = None
        self._error: Exception | None = None
        self._task: asyncio.Task[None] | None = None
        self._due = 0.0
        self._outdated = False

    @property
    def busy(self) -> bool:
        """Whether an answer is being worked on."""
        return self._task is not None and not self._task.done()

    def expire(self, *, now: bool = False) -> None:
        """Something has happened: the answer is fresh no longer than ``fresh`` seconds, or no longer at all."""
        self._due = 0.0 if now else min(self._due, time.monotonic() + self._fresh)
        self._outdated = self._outdated or now  # what is under way may have looked before it happened

    async def get(self, patience: float) -> Seen[T]:
        """The answer: at once where there is one, else when it comes.

        Raises:
            LaterError: there is none yet, and none came within ``patience`` seconds.
            Exception: what went wrong with the work, where no earlier answer is left.
        """
        if not self.busy and time.monotonic() >= self._due:
            self._task = asyncio.ensure_future(self._refresh())
        if self._task is not None and not self._task.done() and not self._fit():
            # Whoever goes away takes nothing from the others: the task is no child of this wait.
            await asyncio.wait({self._task}, timeout=patience)
        if self._seen is not None:
            return dataclasses.replace(self._seen, error=self._error)
        if self._error is not None:
            raise self._error
        raise LaterError

    def _fit(self) -> bool:
        return self._seen is not None and time.time() - self._seen.at < _OLD

    async def _refresh(self) -> None:
        begun, at = time.monotonic(), time.time()
        self._outdated = False
        try:
            self._seen, self._error = Seen(await self._work(), at, None), None
        except Exception as error:  # noqa: BLE001  # kept for all who asked
            self._error = error
        ended = time.monotonic()
        self._due = 0.0 if self._outdated else ended + max(self._fresh, _SHARE * (ended - begun))
