"""A cache of stage results, in memory and on disk, under the digest of what went in.

Values are dicts of arrays. A stage's version is part of its key, so code that changes a result never reads an old one.
Files are written whole or not at all; a damaged one counts as missing and is dropped.
"""

from __future__ import annotations

import collections
import contextlib
import hashlib
import io
import json
import logging
import os
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segwidgets import storage

Arrays = Mapping[str, npt.NDArray[Any]]

_log = logging.getLogger(__name__)
_GIB = 1 << 30


def key_of(stage: str, version: int, settings: Mapping[str, Any], *upstream: str) -> str:
    """The digest (SHA-256, hex) of a stage's name, version and settings, and of the keys it builds upon."""
    text = json.dumps([stage, version, settings, upstream], sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Cache:
    """Stage results by key: a least-recently-used dict of objects, and ``.npz`` files of arrays under a directory.

    Args:
        directory: where the files lie; ``storage.home() / "cache"`` by default. None of the caller's data leaves it.
        disk_bytes: the files' budget; the least recently used ones go first. 0 keeps nothing on disk.
        memory_bytes: the budget of the arrays held in memory.

    Safe to share between threads; several processes may share one directory.
    """

    def __init__(
        self, directory: Path | None = None, *, disk_bytes: int = 4 * _GIB, memory_bytes: int = 2 * _GIB
    ) -> None:
        for name, value in (("disk_bytes", disk_bytes), ("memory_bytes", memory_bytes)):
            if value < 0:
                raise ValueError(f"{name}={value} is not allowed: it must be 0 or more bytes.")
        self.directory = directory if directory is not None else storage.home() / "cache"
        self.disk_bytes = disk_bytes
        self.memory_bytes = memory_bytes
        self._held: collections.OrderedDict[str, tuple[Any, int]] = collections.OrderedDict()
        self._held_bytes = 0
        self._lock = threading.Lock()

    def get_object(self, key: str) -> Any | None:
        """The object held in memory under ``key``, or None."""
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key][0]

    def put_object(self, key: str, value: object, size: int) -> None:
        """Hold an object of about ``size`` bytes in memory; one above the whole budget is not held."""
        with self._lock:
            if key in self._held:
                self._held_bytes -= self._held.pop(key)[1]
            if size > self.memory_bytes:
                return
            self._held[key] = (value, size)
            self._held_bytes += size
            while self._held_bytes > self.memory_bytes:
                _, (_, freed) = self._held.popitem(last=False)
                self._held_bytes -= freed

    def has(self, stage: str, key: str) -> bool:
        """Whether a result is held in memory or kept on disk."""
        with self._lock:
            held = key in self._held
        return held or (self.disk_bytes > 0 and self._path(stage, key).is_file())

    def _path(self, stage: str, key: str) -> Path:
        return self.directory / stage / f"{key}.npz"

    def read(self, stage: str, key: str) -> dict[str, npt.NDArray[Any]] | None:
        """The arrays kept on disk, or None when there are none or they are damaged (zip's CRC-32 tells)."""
        path = self._path(stage, key)
        if self.disk_bytes == 0 or not path.is_file():
            return None
        try:
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            os.utime(path)
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            _log.warning("the cached file %s is damaged and is made anew: %s", path, error)
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        return arrays

    def write(self, stage: str, key: str, arrays: Arrays) -> None:
        """Keep arrays on disk. A disk that is full or read-only costs the cache, never the run."""
        if sum(array.nbytes for array in arrays.values()) > self.disk_bytes:
            return
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        try:
            storage.write_atomic(self._path(stage, key), buffer.getvalue())
            self._shrink()
        except OSError as error:
            _log.warning("the result of %s could not be cached under %s: %s", stage, self.directory, error)

    def _shrink(self) -> None:
        files = []
        for path in self.directory.glob("*/*.npz"):
            with contextlib.suppress(OSError):  # another process may have dropped it
                stat = path.stat()
                files.append((stat.st_mtime, stat.st_size, path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self.disk_bytes:
                return
            with contextlib.suppress(OSError):
                path.unlink()
            total -= size
