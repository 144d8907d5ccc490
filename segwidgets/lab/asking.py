"""Runs a command for its output, within limits: it can neither hang, nor flood the server, nor outlive it."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import dataclasses
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

#: Seconds between a polite SIGTERM and a SIGKILL, and for the system to take the process away after it.
_GRACE = 2.0
_CHUNK = 65_536
#: Bytes that are kept of what a command says on stderr: the end.
_SAID = 16_384
#: Groups of commands under way, by the number of their first process.
_living: set[int] = set()


class HungError(Exception):
    """It was not done in time, and was killed."""


class FloodError(Exception):
    """It printed more than allowed, and was killed."""


class NotStartedError(Exception):
    """It could not be started; the message is the system's."""


@dataclasses.dataclass(frozen=True)
class Output:
    """How a command ended, what it printed, and the end of what it said on stderr."""

    status: int
    text: str
    said: str


async def run(
    words: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float, limit: int, only_end: bool = False
) -> Output:
    """Run a command to its end.

    Args:
        words: the program and its arguments; no shell sees them.
        cwd: where it runs.
        env: its whole environment.
        timeout: seconds after which it is killed, with every process that it has started.
        limit: bytes of its output after which it is killed.
        only_end: keep no more than the last ``limit`` bytes instead, however much it prints.

    Raises:
        NotStartedError, HungError, FloodError
    """
    async with contextlib.AsyncExitStack() as stack:
        (reads_out, out), (reads_said, said) = await _pipe(stack), await _pipe(stack)
        try:
            child = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=said,
                cwd=cwd,
                env=dict(env),
                start_new_session=True,  # it leads a group of its own, which can be killed whole
            )
        except OSError as error:
            raise NotStartedError(error.strerror or str(error)) from None
        finally:
            for end in (out, said):
                os.close(end)
        _living.add(child.pid)
        printed = asyncio.ensure_future(_read(reads_out, limit, only_end=only_end))
        told = asyncio.ensure_future(_read(reads_said, _SAID, only_end=True))
        ended = asyncio.ensure_future(child.wait())
        parts: set[asyncio.Future[bytes] | asyncio.Future[int]] = {printed, told, ended}
        try:
            # Not wait_for: the time-out would cancel what still has to be looked at.
            await asyncio.wait(parts, timeout=timeout, return_when=asyncio.FIRST_EXCEPTION)
            if printed.done() and (flood := printed.exception()):
                raise flood
            if not all(part.done() for part in parts):
                raise HungError
            return Output(ended.result(), *(part.result().decode("utf-8", "replace") for part in (printed, told)))
        finally:
            await _clear(child.pid, parts)


async def _pipe(stack: contextlib.AsyncExitStack) -> tuple[asyncio.StreamReader, int]:
    """A pipe of our own: asyncio's would stay open for as long as any process holds its other end."""
    ours, theirs = os.pipe()
    reader = asyncio.StreamReader()
    file = stack.enter_context(os.fdopen(ours, "rb", buffering=0))
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
    stack.callback(transport.close)
    return reader, theirs


async def _read(stream: asyncio.StreamReader, limit: int, *, only_end: bool) -> bytes:
    kept = bytearray()
    while chunk := await stream.read(_CHUNK):
        kept += chunk
        if len(kept) > limit:
            if not only_end:
                raise FloodError
            del kept[:-limit]
    return bytes(kept)


async def _clear(pid: int, parts: set[asyncio.Future[bytes] | asyncio.Future[int]]) -> None:
    """Kill what is left of a command, and leave nothing waiting."""
    try:
        if not all(part.done() and not part.exception() for part in parts):
            for number in (signal.SIGTERM, signal.SIGKILL):  # both: one of the group may be deaf to the first
                _kill(pid, number)
                await asyncio.wait(parts, timeout=_GRACE)
    finally:
        # A process that has left its group may hold a pipe's other end: nobody waits for it.
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
        _living.discard(pid)


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


@atexit.register
def _kill_all() -> None:
    """A server that stops leaves no command behind: nobody would be left to end it."""
    for pid in _living:
        _kill(pid, signal.SIGKILL)
