"""Background work for a panel: one thread a lane, the newest request wins, what is stale is cancelled."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from segwidgets.session import Cancelled

Task = Callable[[threading.Event], None]

_log = logging.getLogger(__name__)


class Lane:
    """Runs the newest task submitted; an older one is cancelled if it runs and dropped if it waits.

    Args:
        name: of the thread.
        delay: seconds to wait for a newer task before one starts, so that a slider's flight costs one run.
        failed: called in the lane's thread with the exception of a task that failed.

    The thread is a daemon and starts with the first task.
    """

    def __init__(self, name: str, *, delay: float = 0.0, failed: Callable[[Exception], None] | None = None) -> None:
        self._name = name
        self._delay = delay
        self._failed = failed
        self._changed = threading.Condition()
        self._pending: Task | None = None
        self._due = 0.0
        self._cancel = threading.Event()
        self._busy = False
        self._thread: threading.Thread | None = None
        self._closed = False
        #: How many tasks it was ever given: lanes that hand work on to each other are at rest once this stays.
        self.submitted = 0

    def submit(self, task: Task) -> None:
        """Run ``task(cancel)`` as soon as the lane is free; whatever was asked for before is stale from now on."""
        with self._changed:
            if self._closed:
                return
            self._cancel.set()
            self.submitted += 1
            self._pending = task
            self._due = time.monotonic() + self._delay
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name=f"segwidgets-{self._name}", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def cancel(self) -> None:
        """Stop what runs and forget what waits."""
        with self._changed:
            self._pending = None
            self._cancel.set()
            self._changed.notify_all()

    def close(self) -> None:
        """Stop for good; the thread ends when its task has."""
        with self._changed:
            self._closed = True
        self.cancel()

    @property
    def idle(self) -> bool:
        """Whether nothing runs and nothing waits."""
        with self._changed:
            return not self._busy and self._pending is None

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the lane is idle; False when ``timeout`` seconds were not enough."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy and self._pending is None, timeout)

    def _next(self) -> tuple[Task, threading.Event] | None:
        """The task to run now, or None when the lane is closed."""
        with self._changed:
            while not self._closed:
                if self._pending is None:
                    self._changed.wait()
                elif (left := self._due - time.monotonic()) > 0:
                    self._changed.wait(left)
                else:
                    task, self._pending = self._pending, None
                    self._cancel = threading.Event()
                    self._busy = True
                    return task, self._cancel
            return None

    def _loop(self) -> None:
        while (work := self._next()) is not None:
            task, cancel = work
            try:
                task(cancel)
            except Cancelled:
                pass
            except Exception as error:  # noqa: BLE001 - a panel shows whatever went wrong, and lives on
                _log.debug("a task of lane %s failed", self._name, exc_info=True)
                if self._failed is not None and not cancel.is_set():
                    self._failed(error)
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()
