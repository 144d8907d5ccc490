"""A process that runs trials for a sweep: ``python -m segwidgets.sweeping.worker``, started by `processes`.

It is given JSON lines and answers in JSON lines: no pickles, no ``__main__`` that would have to be importable. It ends
when what it is given ends, so it outlives neither a sweep that was cancelled nor a parent that was killed.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segwidgets.result import Progress

#: Seconds between two words on the progress.
_EVERY = 0.25
#: Seconds that a trial has to stop by itself: then the process ends all the same.
_GRACE = 1.0


class _Parent:
    """What is heard from the parent, by a thread that must never wait for a trial, and what it is told."""

    def __init__(self, heard: IO[str], told: IO[str]) -> None:
        self._heard, self._told = heard, told
        self.lines: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.gone = threading.Event()
        threading.Thread(target=self._listen, name="parent", daemon=True).start()

    def _listen(self) -> None:
        for line in self._heard:
            self.lines.put(json.loads(line))
        self.gone.set()
        self.lines.put(None)
        time.sleep(_GRACE)
        os._exit(1)

    def tell(self, **words: Any) -> None:
        """A line to the parent."""
        try:
            self._told.write(json.dumps(words) + "\n")
            self._told.flush()
        except OSError:
            os._exit(1)


def main() -> int:
    """Serve until the parent has no more to say."""
    # What a library prints must not come between the lines.
    told = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    parent = _Parent(sys.stdin, told)
    first = parent.lines.get()
    if first is None:
        return 0
    from segwidgets.cache import Cache
    from segwidgets.compute.progress import Cancelled
    from segwidgets.data import Table
    from segwidgets.recipe import Recipe
    from segwidgets.session import Session
    from segwidgets.sweeping.places import Tried, tried

    cache = Cache(Path(first["cache"]), disk_bytes=first["disk_bytes"], memory_bytes=first["memory_bytes"])
    session = Session(Table.load(Path(first["table"])), cache=cache, backend=first["backend"])
    parent.tell(ready=True)
    while (task := parent.lines.get()) is not None:
        recipe, last = Recipe.from_json(task["recipe"]), [0.0]

        def progress(now: Progress, number: int = task["number"], last: list[float] = last) -> None:
            if time.monotonic() - last[0] >= _EVERY:
                last[0] = time.monotonic()
                words = {"stage": now.stage, "done": now.done, "overall": now.overall, "message": now.message}
                parent.tell(number=number, progress=words)

        try:
            made = tried(session, recipe, tuple(first["objectives"]), progress, parent.gone)
        except Cancelled:
            return 0
        except Exception as error:  # noqa: BLE001 - whatever it is, it is why this trial failed
            made = Tried(recipe, {}, 0.0, f"{type(error).__name__}: {error}")
        parent.tell(
            number=task["number"],
            recipe=made.recipe.to_json(),
            metrics=made.metrics,
            seconds=made.seconds,
            error=made.error,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
