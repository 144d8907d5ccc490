"""status.json and restore.log: what people and JupyterLab see of a restore."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from .layout import Layout, write_whole

VERSION = 1
#: Seconds between two writings of the status while only numbers change.
_PAUSE = 0.25
#: Seconds over which the rate is taken.
_WINDOW = 20.0
#: Bytes of a log that is put aside.
_LOG_LIMIT = 5_000_000


def boot_id() -> str:
    """This start of the machine; "" where the system does not tell."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return ""


class Report:
    """Keeps the status and the log of one restore. Its methods may be called from any thread.

    Times of day stand in the status for people; what is measured is measured by a clock that nobody sets.
    """

    def __init__(self, layout: Layout, key: str = "") -> None:
        self._layout = layout
        self._guard = threading.RLock()
        self._written = -1e9
        self._seen: deque[tuple[float, int]] = deque()
        _put_aside(layout.log)
        now = time.time()
        self._said: dict[str, Any] = {
            "version": VERSION,
            "state": "restoring",
            "phase": "starting",
            "started": now,
            "updated": now,
            "finished": None,
            "packages": {"done": 0, "all": 0},
            "bytes": {"done": 0, "all": 0},
            "rate": None,
            "seconds_left": None,
            "fraction": None,
            "key": key,
            "warm": False,
            "kernels": {"rapids": None, "cpu": None},
            "driver": None,
            "gpu": None,
            "instance_type": None,
            "reason": "",
            "log": str(layout.log),
            "pid": os.getpid(),
            "boot": boot_id(),
        }

    @property
    def said(self) -> dict[str, Any]:
        """The status as it stands."""
        with self._guard:
            return dict(self._said)

    def log(self, text: str) -> None:
        """A line of the log."""
        stamp = dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        line = f"{stamp} {' '.join(text.split())}\n"
        with self._guard:
            try:
                with self._layout.log.open("a", encoding="utf-8") as file:
                    file.write(line)
            except (
                OSError
            ):  # a volume that is full, or cannot be written to: whoever started this may keep it elsewhere
                with contextlib.suppress(OSError, ValueError):
                    sys.stderr.write(line)

    def phase(self, phase: str, **changes: Any) -> None:
        """The next phase begins: on the disk before anything of it is done."""
        with self._guard:
            if phase in {"downloading", "installing cpu", "installing"}:
                self._seen.clear()
            self._said.update(phase=phase, **changes)
            self._write()
        self.log(f"{phase} …")

    def tell(self, **changes: Any) -> None:
        """Change what the status says, at once."""
        with self._guard:
            self._said.update(changes)
            self._write()

    def count(self, packages: tuple[int, int] | None = None, volume: tuple[int, int] | None = None) -> None:
        """How many packages and bytes are done, of how many; written now and then."""
        with self._guard:
            if packages is not None:
                self._said["packages"] = {"done": packages[0], "all": packages[1]}
            if volume is not None:
                self._said["bytes"] = {"done": volume[0], "all": volume[1]}
            self._estimate()
            if time.monotonic() - self._written >= _PAUSE:
                self._write()

    def _estimate(self) -> None:
        now, done, total = time.monotonic(), self._said["bytes"]["done"], self._said["bytes"]["all"]
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[0][0] < now - _WINDOW:
            self._seen.popleft()
        then, span = self._seen[0][1], now - self._seen[0][0]
        rate = (done - then) / span if span >= 1 and done > then else None
        self._said["rate"] = rate
        self._said["seconds_left"] = (total - done) / rate if rate and total > done else None
        counted, of = self._said["packages"]["done"], self._said["packages"]["all"]
        # Bytes tell best; where the server does not say how many there are, packages do.
        share = done / total if total else counted / of if of else None
        self._said["fraction"] = None if share is None else min(1.0, share)

    def finish(self, state: str, reason: str = "", **changes: Any) -> None:
        """The last word."""
        with self._guard:
            if state == "ready":
                changes = {"phase": "done", "fraction": 1.0, **changes}
            self._said.update(state=state, reason=reason, finished=time.time(), seconds_left=None, rate=None, **changes)
            self._write()
        self.log(f"{state}. {reason}")

    def _write(self) -> None:
        self._said["updated"] = time.time()
        try:
            write_whole(self._layout.status, json.dumps(self._said, indent=1))
        except OSError as error:
            # A full or read-only volume cannot be told of on itself; the log may lie elsewhere.
            self.log(f"status.json cannot be written: {error.strerror}")
        self._written = time.monotonic()


def _put_aside(path: Path) -> None:
    """Rename a log that has grown long."""
    with contextlib.suppress(OSError):
        if path.stat().st_size > _LOG_LIMIT:
            path.replace(path.with_suffix(".log.old"))
