"""Trials in processes of this machine: each reads the table from one file, and finds the others' stages cached."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets import storage
from segwidgets.recipe import Recipe
from segwidgets.result import Progress
from segwidgets.session import Session
from segwidgets.sweeping.places import Tried

if TYPE_CHECKING:
    from typing import Self

#: What the numeric libraries read their number of threads from.
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)
#: Seconds that the processes have to end by themselves before they are killed.
_GRACE = 1.5


def cores() -> int:
    """The cores that this process may use."""
    with contextlib.suppress(AttributeError):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Worker:
    """One process. ``heard`` is given its lines by a thread: (worker, line), and (worker, None) when it has ended."""

    def __init__(self, first: dict[str, Any], threads: int, work: Path, heard: queue.SimpleQueue[Any]) -> None:
        limits = dict.fromkeys(_THREADS, str(threads))
        # The file has no name any more once it is open; it says why the process ended.
        self._errors = tempfile.TemporaryFile(dir=work)  # noqa: SIM115 - closed in `end`
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "segwidgets.sweeping.worker"],
            env={**os.environ, **limits, "SEGWIDGETS_HOME": str(storage.home())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
            # Ctrl-C is for the parent, which stops them all.
            start_new_session=True,
        )
        self.trial: tuple[int, Recipe, float] | None = None
        self.standing: Progress | None = None
        self._say(first)
        self._listener = threading.Thread(target=self._listen, args=(heard,), name="worker", daemon=True)
        self._listener.start()

    def _listen(self, heard: queue.SimpleQueue[Any]) -> None:
        assert self._process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
        with contextlib.suppress(ValueError, OSError):  # a line cut off by its end
            for line in self._process.stdout:
                heard.put((self, json.loads(line)))
        self._process.wait()
        heard.put((self, None))

    def _say(self, words: dict[str, Any]) -> None:
        assert self._process.stdin is not None  # noqa: S101
        with contextlib.suppress(OSError):  # it has ended, which its end says
            self._process.stdin.write(json.dumps(words) + "\n")
            self._process.stdin.flush()

    def begin(self, number: int, recipe: Recipe) -> None:
        self.trial = (number, recipe, time.monotonic())
        self._say({"number": number, "recipe": recipe.to_json()})

    def why(self) -> str:
        """Why it ended, in words."""
        status = self._process.returncode or 0
        if status == -signal.SIGKILL:
            return "its process was killed (signal 9): most often the machine ran out of memory; take fewer workers"
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        return f"its process ended {how}" + (f": {lines[-1].strip()[:500]}" if lines else "")

    def release(self) -> None:
        """Nothing more comes: it stops what it does and ends."""
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None  # noqa: S101
            self._process.stdin.close()

    def end(self, until: float) -> None:
        """Wait for its end until then, and make it end."""
        try:
            self._process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join(_GRACE)
        for file in (self._process.stdin, self._process.stdout, self._errors):
            with contextlib.suppress(OSError):
                file.close()  # type: ignore[union-attr]


class Processes:
    """``slots`` processes. One that dies costs the trial that it ran, and another takes its place."""

    def __init__(self, session: Session, objectives: tuple[str, ...], slots: int) -> None:
        self.slots = slots
        self._session, self._objectives = session, objectives
        self._workers: list[_Worker] = []
        self._heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._work: tempfile.TemporaryDirectory[str] | None = None
        self._able = False

    def __enter__(self) -> Self:
        table = self._session.table
        self._work = tempfile.TemporaryDirectory(dir=storage.home(), prefix="sweep-", ignore_cleanup_errors=True)
        kept = storage.home() / "data" / table.digest  # a job has stored it already
        if not kept.exists():
            kept = Path(self._work.name) / "table"
            table.save(kept)
        cache = self._session.cache
        self._first = {
            "table": str(kept),
            "cache": str(cache.directory),
            "disk_bytes": cache.disk_bytes,
            "memory_bytes": cache.memory_bytes // self.slots,
            "backend": self._session.backend.name,
            "objectives": self._objectives,
        }
        return self

    def __exit__(self, *error: object) -> None:
        for worker in self._workers:
            worker.release()
        until = time.monotonic() + _GRACE
        for worker in self._workers:
            worker.end(until)
        self._workers.clear()
        if self._work is not None:
            self._work.cleanup()

    def _start(self) -> _Worker:
        assert self._work is not None  # noqa: S101
        threads = max(1, cores() // self.slots)
        worker = _Worker(self._first, threads, Path(self._work.name), self._heard)
        self._workers.append(worker)
        return worker

    def begin(self, number: int, recipe: Recipe) -> None:
        """Hand it to a process that has none, a new one where there is none such."""
        idle = [one for one in self._workers if one.trial is None]
        (idle[0] if idle else self._start()).begin(number, recipe)

    def ended(self, patience: float) -> list[tuple[int, Tried]]:
        """The trials that have ended; raises RuntimeError where a process cannot even start."""
        found: list[tuple[int, Tried]] = []
        until = time.monotonic() + patience
        while True:
            try:
                worker, line = self._heard.get(timeout=max(0.0, 0.0 if found else until - time.monotonic()))
            except queue.Empty:
                return found
            if line is None:
                found += self._died(worker)
            elif "ready" in line:
                self._able = True
            elif "progress" in line:
                worker.standing = Progress(**line["progress"])
            elif worker.trial is not None:
                worker.trial = worker.standing = None
                recipe = Recipe.from_json(line["recipe"])
                found.append((line["number"], Tried(recipe, line["metrics"], line["seconds"], line["error"])))

    def _died(self, worker: _Worker) -> list[tuple[int, Tried]]:
        why = worker.why()
        self._workers.remove(worker)
        worker.end(time.monotonic())
        if not self._able:
            raise RuntimeError(f"no process for trials can be started: {why}. Take workers=1 to see where it fails.")
        if worker.trial is None:
            return []
        number, recipe, begun = worker.trial
        return [(number, Tried(recipe, {}, time.monotonic() - begun, why))]

    def standing(self) -> dict[int, Progress]:
        """How far each trial is."""
        return {one.trial[0]: one.standing for one in self._workers if one.trial is not None and one.standing}
