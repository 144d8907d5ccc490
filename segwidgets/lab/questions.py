"""What the server asks of the kernel's environment, each question by one command and for all who ask at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from segwidgets import kernelstatus
from segwidgets.lab import asking, kernelpython, rows
from segwidgets.lab.kernelpython import KernelPython, Specs
from segwidgets.lab.refused import RefusedError, shown
from segwidgets.lab.shared import LaterError, Seen, Shared

T = TypeVar("T")

#: Commands under way at once; stopping a job has places of its own, so that it waits for no list.
_AT_ONCE = 3
#: Questions that may wait for a place; one more is refused.
_QUEUE = 32
#: Answers that are kept.
_KEPT = 64
#: Runs that are listed, the newest.
RUNS = 5_000
#: Seconds after which a command is killed. A leaderboard may ask several trackers and AWS.
_SECONDS = 120.0
#: Bytes of an answer at most, and of a log, whose end is kept.
_BYTES = 32_000_000
_LOG_BYTES = 512_000
#: Seconds that an answer of each kind is fresh.
_FRESH_RUNS, _FRESH_LOG, _FRESH_REST = 3.0, 2.0, 30.0


class Questions:
    """The questions, their answers of late, and the limits that they share.

    Args:
        root: where commands run, as kernels do: the server's root directory.
        specs: gives the kernelspecs of `kernelpython.KERNELS` that are registered.
        patience: seconds that an answer waits for a command.
        seconds: after which a command is killed.
        limit: bytes that a command may print, a log excepted.
    """

    def __init__(
        self,
        root: Path,
        specs: Callable[[], Awaitable[Specs]],
        *,
        patience: float = 10.0,
        seconds: float = _SECONDS,
        limit: int = _BYTES,
    ) -> None:
        self._root = root
        self._specs = specs
        self._patience, self._seconds, self._limit = patience, seconds, limit
        self._places, self._stop_places = asyncio.Semaphore(_AT_ONCE), asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._kept: dict[tuple[object, ...], Shared[Any]] = {}
        self._last_joined: tuple[list[Any], list[Any], list[rows.Row]] = ([], [], [])

    async def python(self) -> KernelPython:
        """The kernel's Python; RefusedError where there is none."""
        status = await asyncio.to_thread(kernelstatus.read)
        return kernelpython.find(status, await self._specs())

    async def version(self, python: KernelPython) -> str:
        """The kernel's segwidgets; RefusedError, with the way out, where it has none."""

        async def ask() -> str:
            output = await self._run(python, "--version")
            found = re.search(r"segwidgets (\S+)", output.text)
            if found is None:
                raise RefusedError(502, "kernel-broken", f"{python.path} did not tell its version: {_last(output)}")
            return found[1]

        return (await self._get(("version", *python.stamp()), ask, _FRESH_REST)).value

    async def runs(self) -> tuple[list[rows.Row], float | None, list[str]]:
        """All runs, the newest first; when that was so (None: not known yet); what is wrong with it, in sentences."""
        python = await self.python()
        board = self._shared(("board", python.path), lambda: self._board(python), _FRESH_RUNS)
        jobs = self._shared(("jobs", python.path), lambda: self._jobs(python), _FRESH_RUNS)
        seen = await asyncio.gather(*(one.get(self._patience) for one in (board, jobs)), return_exceptions=True)
        values: list[list[Any]] = []
        times, problems = [], []
        for what, one in zip(("the tracked runs", "the jobs"), seen, strict=True):
            if isinstance(one, Seen):
                found, told = one.value
                values.append(found)
                times.append(one.at)
                problems += told
                if one.error is not None:
                    problems.append(_words(one.error))
            elif isinstance(one, LaterError):
                values.append([])
                problems.append(f"Still reading {what}; they come with the next look.")
            elif isinstance(one, RefusedError):
                values.append([])
                problems.append(one.message)
            else:
                raise one
        if not times and all(isinstance(one, RefusedError) for one in seen):
            raise seen[0]  # type: ignore[misc]  # it is one of them
        if _ended(*values):
            board.expire()  # a run has ended that the list still shows running: its scores are due
        return self._joined(*values), min(times, default=None), list(dict.fromkeys(problems))

    def _joined(self, board: list[Any], jobs: list[Any]) -> list[rows.Row]:
        """The two lists as one; a page after a page of the same lists is not joined anew."""
        known_board, known_jobs, found = self._last_joined
        if board is not known_board or jobs is not known_jobs:
            found = rows.joined(board, jobs)
            self._last_joined = (board, jobs, found)
        return found

    async def _board(self, python: KernelPython) -> tuple[list[Any], list[str]]:
        output = await self._ask(python, "leaderboard", "--json", "--limit", str(RUNS + 1))
        found = _list(output)
        told = [shown(line.removeprefix("segwidgets: ")) for line in output.said.splitlines() if _ours(line)]
        if len(found) > RUNS:
            told.append(f"Only the newest {RUNS:,} runs are listed.")
        return found[:RUNS], told

    async def _jobs(self, python: KernelPython) -> tuple[list[Any], list[str]]:
        return _list(await self._ask(python, "jobs", "--json", "--limit", str(RUNS))), []

    async def recipe(self, name: str) -> dict[str, Any]:
        """The recipe of a run; RefusedError where nobody knows it."""
        python = await self.python()

        async def ask() -> dict[str, Any]:
            found = _object(await self._ask(python, "leaderboard", "--recipe", name))
            if not isinstance(found.get("recipe"), dict):
                raise RefusedError(502, "kernel-broken", f"The kernel's environment told no recipe of {name}.")
            return dict(found["recipe"])

        return (await self._get(("recipe", python.path, name), ask, _FRESH_REST)).value

    async def log(self, name: str, lines: int) -> list[str]:
        """The last lines of what a job has printed."""
        python = await self.python()

        async def ask() -> list[str]:
            return (await self._ask(python, "job", name, "--log", only_end=True)).text.splitlines()

        return (await self._get(("log", python.path, name), ask, _FRESH_LOG)).value[-lines:]

    async def report(self, name: str) -> Path:
        """The file of a job's report; RefusedError where it has none."""
        python = await self.python()

        async def ask() -> Path:
            return Path(str(_object(await self._ask(python, "job", name, "--json")).get("path")))

        folder = (await self._get(("folder", python.path, name), ask, _FRESH_REST)).value
        found = await asyncio.to_thread(rows.report_in, folder) if folder.name == name else None
        if found is None:
            raise RefusedError(404, "no-report", f"{name} has no report yet.")
        return found

    async def stop(self, name: str) -> None:
        """Stop a job; RefusedError where that cannot be. A job that takes longer to end goes on ending."""
        python = await self.python()

        async def ask() -> dict[str, Any]:
            return _object(await self._ask(python, "job", name, "--stop", "--json", places=self._stop_places))

        stopping = self._shared(("stop", python.path, name), ask, 0.0)
        try:
            seen = await stopping.get(self._patience)
        except LaterError:
            return
        except RefusedError as error:
            if error.reason == "cannot":
                raise RefusedError(409, "cannot", error.message) from None
            raise
        finally:
            if not stopping.busy:
                del self._kept["stop", python.path, name]  # an order is no answer to be given again
            for what in ("jobs", "board"):
                if (what, python.path) in self._kept:
                    self._kept[what, python.path].expire(now=True)
        status = seen.value.get("status")
        if status in {"completed", "failed"}:
            raise RefusedError(409, "ended", f"{name} had ended already: {status}.")

    def _shared(self, key: tuple[object, ...], ask: Callable[[], Awaitable[T]], fresh: float) -> Shared[T]:
        found: Shared[T] | None = self._kept.pop(key, None)
        if found is None:
            found = Shared(ask, fresh)
        self._kept[key] = found  # the last one asked for is the last one forgotten
        idle = [one for one, kept in self._kept.items() if not kept.busy and one != key]
        for old in idle[: max(0, len(self._kept) - _KEPT)]:
            del self._kept[old]
        return found

    async def _get(self, key: tuple[object, ...], ask: Callable[[], Awaitable[T]], fresh: float) -> Seen[T]:
        try:
            return await self._shared(key, ask, fresh).get(self._patience)
        except LaterError:
            raise RefusedError(
                503, "later", f"The kernel's environment has not answered within {self._patience:g} s. Try again."
            ) from None

    async def _ask(
        self, python: KernelPython, *words: str, only_end: bool = False, places: asyncio.Semaphore | None = None
    ) -> asking.Output:
        """What a command printed that went well; RefusedError in its own words where it did not."""
        output = await self._run(python, *words, only_end=only_end, places=places)
        if output.status == 0:
            return output
        told = [line.removeprefix("segwidgets: ") for line in output.said.splitlines() if _ours(line)]
        if output.status == 2 and told:
            text = f"{shown(told[-1])} {_way_out(output)}".strip()
            missing = text.startswith(("there is no job", "the recipe of", "the folder of"))
            raise RefusedError(404 if missing else 502, "unknown" if missing else "cannot", text)
        mend = ""
        with contextlib.suppress(RefusedError):  # the failure itself says more
            mend = kernelpython.mismatch(python.path, await self.version(python))
        mend = mend or _way_out(output)
        raise RefusedError(
            502,
            "kernel-broken",
            f"The kernel's segwidgets failed (exit {output.status}): {_last(output)} {mend}".strip(),
        )

    async def _run(
        self, python: KernelPython, *words: str, only_end: bool = False, places: asyncio.Semaphore | None = None
    ) -> asking.Output:
        if self._waiting >= _QUEUE:
            raise RefusedError(503, "busy", "Too many questions are waiting for the kernel's environment. Try again.")
        what = f"“segwidgets {words[0]}”"
        self._waiting += 1
        try:
            async with places or self._places:
                output = await asking.run(
                    [python.path, "-m", "segwidgets.cli", *words],
                    cwd=self._root,
                    env=python.environment(),
                    timeout=self._seconds,
                    limit=_LOG_BYTES if only_end else self._limit,
                    only_end=only_end,
                )
        except asking.HungError:
            raise RefusedError(
                504,
                "hung",
                f"{what} had not answered after {self._seconds:g} s and was stopped. Try it in a terminal.",
            ) from None
        except asking.FloodError:
            raise RefusedError(
                502,
                "flood",
                f"{what} printed more than {self._limit / 1e6:g} MB and was stopped. Try it in a terminal.",
            ) from None
        except asking.NotStartedError as error:
            raise RefusedError(
                503, "kernel-missing", f"{python.path} cannot be started: {error}. Restore the kernel's environment."
            ) from None
        finally:
            self._waiting -= 1
        if output.status and re.search(r"No module named '?segwidgets\b", output.said):
            raise RefusedError(
                503,
                "kernel-missing",
                f"The kernel's environment has no segwidgets. Install it: {kernelpython.install(python.path)}",
            )
        return output


def _ours(line: str) -> bool:
    return line.startswith("segwidgets: ")


def _way_out(output: asking.Output) -> str:
    """What to do where a module is missing: the environment has segwidgets but not what it needs."""
    lacks = "No module named" in _last(output)
    return "Install what it needs in that environment: pip install segwidgets" if lacks else ""


def _last(output: asking.Output) -> str:
    lines = [line for line in output.said.splitlines() if line.strip()]
    return shown(lines[-1]) if lines else "it said nothing."


def _words(error: Exception) -> str:
    if isinstance(error, RefusedError):
        return error.message
    raise error


def _ended(board: list[Mapping[str, Any]], jobs: list[Mapping[str, Any]]) -> bool:
    running = {run["name"] for run in board if run["status"] == "running"}
    return any(job["name"] in running and job["status"] != "running" for job in jobs)


def _parsed(output: asking.Output) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        return json.loads(output.text, parse_constant=refuse)  # NaN would be no JSON for the browser
    except (ValueError, RecursionError):
        return None


def _object(output: asking.Output) -> dict[str, Any]:
    found = _parsed(output)
    if not isinstance(found, dict):
        raise _garbage()
    return found


def _list(output: asking.Output) -> list[Any]:
    found = _parsed(output)
    fine = isinstance(found, list) and all(isinstance(one, dict) and {"name", "status"} <= one.keys() for one in found)
    if not fine:
        raise _garbage()
    return list(found)


def _garbage() -> RefusedError:
    return RefusedError(
        502, "garbage", "The kernel's segwidgets answered what this server cannot read. Bring both to one version."
    )
