"""Trials on a Dask cluster: the table travels to each worker once, and each keeps its stages in a cache of its machine.

https://distributed.dask.org/en/stable/client.html
"""

from __future__ import annotations

import contextlib
import os
import queue
import secrets
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets.cache import Cache
from segwidgets.compute.progress import Cancelled
from segwidgets.data import Table
from segwidgets.data.errors import missing_extra
from segwidgets.recipe import Recipe
from segwidgets.result import Progress
from segwidgets.session import Session
from segwidgets.sweeping.places import Tried, tried

if TYPE_CHECKING:
    from typing import Self

    from distributed import Client

#: Seconds to connect, between two looks of a trial whether it is to stop, and that trials have to stop.
_CONNECT, _LOOK, _GRACE = "10s", 0.5, 15.0

#: The sessions of a worker's process: its trials share the table and the cache. One, because a table may be large.
_sessions: dict[str, Session] = {}
_lock = threading.Lock()


class OnDask:
    """A trial for each thread that the cluster's workers have as the sweep begins."""

    def __init__(self, session: Session, objectives: tuple[str, ...], client: Client | str) -> None:
        try:
            from distributed import Client as Connected
        except ImportError as error:
            raise missing_extra("dask", "A sweep on Dask") from error
        self._session, self._objectives = session, objectives
        self._own = isinstance(client, str)
        if isinstance(client, str):
            try:
                client = Connected(client, timeout=_CONNECT)
            except (OSError, TimeoutError, ValueError) as error:
                raise RuntimeError(
                    f"client={client!r} is no Dask scheduler that answers: {error}. Give tcp://HOST:8786, as the "
                    "scheduler says when it is started."
                ) from error
        elif not isinstance(client, Connected) or client.asynchronous:
            raise ValueError(
                f"client={client!r} is not allowed: it must be a distributed.Client that is not asynchronous, or the "
                "address of a scheduler, such as tcp://10.0.0.5:8786."
            )
        self._client: Any = client
        threads = client.nthreads()
        self.slots = sum(threads.values())
        if not self.slots:
            self._close()
            raise ValueError("client has no workers: start some (`dask worker ADDRESS`, or cluster.scale(4)).")
        # Workers of one host share its cores.
        hosts = [address.rpartition(":")[0] for address in threads]
        self._crowd = max(sum(threads[one] for one in threads if one.rpartition(":")[0] == host) for host in hosts)
        self._heard: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        self._running: dict[int, tuple[Any, Recipe, float]] = {}
        self._halt = f"segwidgets-{secrets.token_hex(8)}"

    def __enter__(self) -> Self:
        self._table = self._client.scatter(self._session.table, broadcast=True, hash=False)
        return self

    def __exit__(self, *error: object) -> None:
        from distributed import Event, wait

        futures = [future for future, _, _ in self._running.values()]
        try:
            if futures:
                Event(self._halt, client=self._client).set()
                with contextlib.suppress(TimeoutError):
                    wait(futures, timeout=_GRACE)
                self._client.cancel(futures, force=True)
        finally:
            self._running.clear()
            self._table = None
            self._close()

    def _close(self) -> None:
        if self._own:
            self._client.close()

    def begin(self, number: int, recipe: Recipe) -> None:
        """Hand it to the scheduler."""
        cache = self._session.cache
        future = self._client.submit(
            _on_worker,
            self._table,
            recipe.to_json(),
            self._objectives,
            self._session.backend.name,
            str(cache.directory),
            self._crowd,
            self._halt,
            pure=False,
            key=f"{self._halt}-{number}",
        )
        self._running[number] = (future, recipe, time.monotonic())
        future.add_done_callback(lambda _: self._heard.put((number, None)))

    def ended(self, patience: float) -> list[tuple[int, Tried]]:
        """The trials that have ended. One whose worker died is tried on another first, as Dask is set to."""
        found: list[tuple[int, Tried]] = []
        with contextlib.suppress(queue.Empty):
            while True:
                number, _ = self._heard.get(timeout=0 if found else patience)
                found.append((number, self._outcome(number)))
        return found

    def _outcome(self, number: int) -> Tried:
        future, recipe, begun = self._running.pop(number)
        if future.status == "finished":
            said = future.result()
            return Tried(Recipe.from_json(said["recipe"]), said["metrics"], said["seconds"], said["error"])
        why = future.exception() if future.status == "error" else None
        words = f"the cluster gave it up ({future.status})" if why is None else f"{type(why).__name__}: {why}"
        return Tried(recipe, {}, time.monotonic() - begun, words)

    def standing(self) -> dict[int, Progress]:
        """Nothing: workers do not tell how far a trial is."""
        return {}


def _on_worker(
    table: Table,
    recipe: str,
    objectives: tuple[str, ...],
    backend: str,
    directory: str,
    crowd: int,
    halt: str,
) -> dict[str, Any]:
    """A trial, in a worker. ``crowd`` trials share this host's cores; the event ``halt`` stops it."""
    import numba

    numba.set_num_threads(max(1, min(numba.config.NUMBA_NUM_THREADS, (os.cpu_count() or 1) // crowd)))
    session = _session(table, backend, directory)
    stop, over = threading.Event(), threading.Event()
    _watch(halt, stop, over)
    meant = Recipe.from_json(recipe)
    try:
        made = tried(session, meant, objectives, cancel=stop)
    except Cancelled:
        made = Tried(meant, {}, 0.0, "stopped with its sweep")
    finally:
        over.set()
    return {"recipe": made.recipe.to_json(), "metrics": made.metrics, "seconds": made.seconds, "error": made.error}


def _session(table: Table, backend: str, directory: str) -> Session:
    """The worker's session on the table. It shares the caller's cache directory where it has it."""
    key = f"{table.digest} {backend} {directory}"
    with _lock:
        if key not in _sessions:
            shared = Path(directory)
            _sessions.clear()
            _sessions[key] = Session(table, cache=Cache(shared if shared.is_dir() else None), backend=backend)
        return _sessions[key]


def _watch(halt: str, stop: threading.Event, over: threading.Event) -> None:
    """Set ``stop`` once the sweep is halted: by its event, or because its cluster is not there any more."""
    from distributed import Event, get_client

    client = get_client()

    def look() -> None:
        event = Event(halt, client=client)
        try:
            while not over.wait(_LOOK) and not event.is_set():
                pass
        except Exception:  # noqa: BLE001, S110 - whatever it is, nobody waits for this trial any more
            pass
        stop.set()

    threading.Thread(target=look, name="halt", daemon=True).start()
