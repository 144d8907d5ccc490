"""The restore's log as it grows."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from segwidgets import kernelstatus

#: Seconds between two looks, bytes of one read, and how far back the last lines are looked for.
LOOKS = 0.5
_CHUNK = 65_536
_BACK = 256_000


def follow(
    directory: Path | None = None, *, lines: int = 200, pause: Callable[[float], None] = time.sleep
) -> Iterator[str]:
    """The log's last lines, then each line once it is whole, without end.

    A log that was cut, or replaced by another, begins again with its last lines.

    Args:
        directory: the restore's directory; `kernelstatus.kernel_dir` by default.
        lines: of what is there already, at most so many.
        pause: waits some seconds; what it raises ends it.

    Raises:
        OSError: the log is there and cannot be read.
    """
    file = (kernelstatus.kernel_dir() if directory is None else directory) / kernelstatus.LOG
    with contextlib.ExitStack() as held:
        opened: BinaryIO | None = None
        rest = b""
        while True:
            if opened is None or _is_another(file, opened):
                held.close()
                opened, rest = _opened(file, lines), b""
                if opened is not None:
                    held.enter_context(opened)
            while opened is not None and (chunk := opened.read(_CHUNK)):
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    yield line.decode("utf-8", "replace").rstrip("\r")
            pause(LOOKS)


def _opened(file: Path, lines: int) -> BinaryIO | None:
    """The log, read up to before its last lines; None where there is none."""
    try:
        opened = file.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        return None
    start = max(0, opened.seek(0, os.SEEK_END) - _BACK)
    opened.seek(start)
    ends = [at for at, byte in enumerate(opened.read(_BACK)) if byte == 0x0A]
    if len(ends) > lines:
        opened.seek(start + ends[-lines - 1] + 1)
    else:
        opened.seek(start + ends[0] + 1 if start and ends else start)
    return opened


def _is_another(file: Path, opened: BinaryIO) -> bool:
    """Whether the log's name stands for another file by now, or for less than was read."""
    try:
        now = file.stat()
    except OSError:
        return False
    was = os.fstat(opened.fileno())
    return (now.st_dev, now.st_ino) != (was.st_dev, was.st_ino) or now.st_size < opened.tell()
