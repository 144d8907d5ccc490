"""Starts the kernel's restore again."""

from __future__ import annotations

import asyncio
import os

from segwidgets import kernelstatus
from segwidgets.lab.kernelpython import plain_environment
from segwidgets.lab.refused import RefusedError

#: Seconds that the program may take to detach itself; it goes on, however long it takes.
_PATIENCE = 10.0
#: Its exit status when another restore runs.
_RUNS = 75


async def retry() -> None:
    """Start the restore, detached; RefusedError where one runs, or where it cannot be started."""
    status = await asyncio.to_thread(kernelstatus.read)
    if status.state == "restoring":
        raise _running()
    program = kernelstatus.kernel_dir() / "retry"
    if not (program.is_file() and os.access(program, os.X_OK)):
        raise RefusedError(
            404,
            "no-restore",
            f"There is no {program}: no restore has run here. On a notebook instance its lifecycle configuration makes "
            "it at the next start.",
        )
    try:
        # A session of its own, and none of our pipes: it outlives the server.
        child = await asyncio.create_subprocess_exec(
            str(program),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=program.parent,
            env=plain_environment(),
            start_new_session=True,
        )
    except OSError as error:
        raise RefusedError(500, "restore", f"{program} cannot be started: {error.strerror}.") from None
    ended = asyncio.ensure_future(child.wait())
    await asyncio.wait({ended}, timeout=_PATIENCE)
    if not ended.done() or ended.result() == 0:
        return
    if ended.result() == _RUNS:
        raise _running()
    raise RefusedError(
        500,
        "restore",
        f"The restore could not be started (exit {ended.result()}). Its log says more: {status.log or 'none'}.",
    )


def _running() -> RefusedError:
    return RefusedError(409, "restoring", "The kernel is being restored already. The status bar shows how far it is.")
