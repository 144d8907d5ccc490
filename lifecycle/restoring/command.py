"""The restore's command line: what it is told, and that only one runs at a time."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import kernels, server
from .errors import RestoreError, Stopped
from .layout import Layout
from .run import NOT_READY, Restore

BUSY = 75
_USUAL_CHANNEL_MAP = "channel-map"


def _pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    found = []
    for text in texts:
        beginning, equals, other = text.partition("=")
        if not equals or not beginning or not other:
            raise RestoreError(f"{text!r} is not FROM=TO, such as https://conda.anaconda.org=https://mirror.")
        found.append((beginning.rstrip("/"), other.rstrip("/")))
    return found


def _parsed(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="restore.py", description="Restore the notebook's kernels from a bundle.")
    parser.add_argument("--bundle", type=Path, required=True, help="the unpacked bundle")
    parser.add_argument(
        "--kernel-dir",
        type=Path,
        default=os.environ.get("SEGWIDGETS_KERNEL_DIR", "/home/ec2-user/SageMaker/.rapids-kernel"),
        help="where everything is kept",
    )
    parser.add_argument("--jupyter-data", type=Path, help="where kernels are registered (Jupyter's own place)")
    parser.add_argument("--server-python", help="the Jupyter server's interpreter; '' leaves the server alone")
    parser.add_argument("--restart-server", default=shlex.join(server.RESTART), help="the command; '' for none")
    parser.add_argument(
        "--channel-map",
        action="append",
        metavar="FROM=TO",
        help="fetch from a mirror; also $SEGWIDGETS_CHANNEL_MAP, or the file channel-map in the kernel directory",
    )
    return parser.parse_args(argv)


def _channel_map(options: argparse.Namespace, layout: Layout) -> list[tuple[str, str]]:
    given = options.channel_map or os.environ.get("SEGWIDGETS_CHANNEL_MAP", "").split()
    if not given:
        with contextlib.suppress(OSError):
            given = (layout.top / _USUAL_CHANNEL_MAP).read_text("utf-8").split()
    return _pairs(given)


@contextlib.contextmanager
def _alone(layout: Layout) -> Iterator[bool]:
    """Hold the lock, which the system takes back when this process dies; False where another restore holds it."""
    layout.top.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def main(argv: Sequence[str] | None = None) -> int:
    """Restore; the exit code: 0 ready, 1 not, 75 another restore runs."""
    options = _parsed(sys.argv[1:] if argv is None else argv)
    layout = Layout(options.kernel_dir.absolute())
    try:
        with _alone(layout) as alone:
            if not alone:
                sys.stderr.write("Another restore runs.\n")
                return BUSY
            restore = Restore(
                options.bundle.absolute(),
                layout,
                options.jupyter_data or kernels.data_directory(),
                options.server_python,
                tuple(shlex.split(options.restart_server)),
                _channel_map(options, layout),
            )

            def asked_to_end(_number: int, _frame: Any) -> None:
                restore.stop.set()
                raise Stopped("The restore was asked to end. It starts again with the instance, or with retry.")

            signal.signal(signal.SIGTERM, asked_to_end)
            return restore.run()
    except (OSError, RestoreError) as error:
        sys.stderr.write(f"The restore cannot begin: {error}\n")
        return NOT_READY
