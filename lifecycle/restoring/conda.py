"""The conda half, by py-rattler: itself fetched once by its hash, then packages fetched, checked, unpacked and linked.

py-rattler downloads and unpacks several packages at once, straight from the network into its cache, so that neither
waits for the other; a package that is in the cache and whole is not fetched again.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import random
import re
import sys
import threading
import time
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from . import wheels
from .errors import RestoreError, Stopped
from .layout import Layout, made, remove_tree
from .lockfile import Package
from .reporting import Report

#: Tries of all that is missing, and the seconds before the second one; each pause is twice the last, and a random part.
TRIES, PAUSE = 6, 1.0
#: How often a size is asked for at once, and how long the answer may take.
_SIZES_AT_ONCE, _SIZE_LIMIT = 16, 5.0
#: What trying again does not mend.
_HOPELESS = ("No space left", "Read-only", "Permission denied")


def load_rattler(layout: Layout, bundle: Path, report: Report) -> Any:
    """py-rattler, from the volume or fetched there.

    Raises:
        RestoreError: it could not be had.
    """
    requirements = bundle / "bootstrap.txt"
    pins = wheels.read_pins(requirements.read_text("utf-8"))
    if len(pins) != 1:
        raise RestoreError(
            "bootstrap.txt must name py-rattler and nothing else: make it again (make lock) and deploy it."
        )
    folder = layout.wheels / "bootstrap"
    wheels.fetch(Path(sys.executable), requirements, folder, report.log)
    files = [file for file in folder.glob("*.whl") if wheels.normal(file.name.partition("-")[0]) == pins[0].name]
    place = layout.bootstrap / min(pins[0].hashes)[:16]
    if not (place / ".complete").is_file():
        remove_tree(place)
        with made(place), zipfile.ZipFile(files[0]) as archive:
            archive.extractall(place)
            (place / ".complete").touch()
    sys.path.insert(0, str(place))
    try:
        return importlib.import_module("rattler")
    except ImportError as error:
        remove_tree(place)
        raise RestoreError(
            f"py-rattler cannot be imported by {sys.executable} ({error}). Start the instance again; if it stays so, "
            "make the lock again (make lock) and deploy it."
        ) from None


def sizes(addresses: Sequence[str]) -> dict[str, int]:
    """Bytes of each address, as far as the servers tell."""

    def ask(address: str) -> tuple[str, int]:
        try:
            request = urllib.request.Request(address, method="HEAD")  # noqa: S310 - addresses of the lock
            with urllib.request.urlopen(request, timeout=_SIZE_LIMIT) as answer:  # noqa: S310
                return address, int(answer.headers.get("Content-Length") or 0)
        except (OSError, ValueError):
            return address, 0

    with ThreadPoolExecutor(_SIZES_AT_ONCE) as asking:
        return dict(asking.map(ask, addresses))


class Count:
    """What py-rattler reports, by package, added up over several installations and tries."""

    def __init__(self, report: Report, sizes: dict[str, int], packages: int) -> None:
        self._report = report
        self._guard = threading.Lock()
        self._sizes = sizes
        self._bytes: dict[str, int] = {}
        self._ready: set[str] = set()
        self._all = packages
        self.fetched = 0

    def bytes_of(self, file: str, done: int, total: int | None) -> None:
        """So much of a package has come."""
        with self._guard:
            if total:
                self._sizes[file] = total
            if done > self._bytes.get(file, 0):
                self.fetched += done - self._bytes.get(file, 0)
            self._bytes[file] = done
            self._tell()

    def ready(self, file: str) -> None:
        """A package is in the cache, whole."""
        with self._guard:
            self._ready.add(file)
            self._bytes[file] = max(self._bytes.get(file, 0), self._sizes.get(file, 0))
            self._tell()

    def _tell(self) -> None:
        done = sum(self._bytes.values())
        self._report.count((len(self._ready), self._all), (done, max(done, sum(self._sizes.values()))))


def reporter(rattler: Any, count: Count, files: dict[str, str]) -> Any:
    """A py-rattler reporter that tells a `Count`; ``files`` by package name."""

    class Reporter(rattler.InstallerReporter):  # type: ignore[misc]  # rattler is loaded at run time
        def __init__(self) -> None:
            self.names: list[str] = []

        def on_populate_cache_start(self, operation: int, package_name: str) -> int:
            del operation
            self.names.append(package_name)
            return len(self.names) - 1

        def on_populate_cache_complete(self, cache_entry: int) -> None:
            count.ready(files.get(self.names[cache_entry], self.names[cache_entry]))

        def on_download_start(self, cache_entry: int) -> int:
            return cache_entry

        def on_download_progress(self, download_idx: int, progress: int, total: int | None) -> None:
            count.bytes_of(files.get(self.names[download_idx], self.names[download_idx]), progress, total)

    return Reporter()


def records(rattler: Any, packages: Sequence[Package], mapped: Callable[[str], str]) -> list[Any]:
    """py-rattler's records of locked packages, to be fetched from where ``mapped`` says."""
    found = []
    for one in packages:
        depends = [f"{name} {spec}".strip() for name, spec in one.dependencies.items()]
        record = rattler.PackageRecord(
            one.name,
            one.version,
            rattler.BuildString(one.build),
            _build_number(one.build),
            one.subdir,
            depends=depends,
            sha256=bytes.fromhex(one.sha256),
            md5=bytes.fromhex(one.md5) if one.md5 else None,
        )
        address = mapped(one.url)
        found.append(
            rattler.RepoDataRecord(
                package_record=record, file_name=one.file, channel=one.url.rsplit("/", 2)[0], url=address
            )
        )
    return found


def _build_number(build: str) -> int:
    tail = build.rpartition("_")[2]
    return int(tail) if tail.isdigit() else 0


def install(
    rattler: Any,
    layout: Layout,
    wanted: Sequence[Any],
    target: Path,
    seen: Any,
    report: Report,
    stop: threading.Event,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Fetch, check, unpack and link records into a directory, and try again what the network broke.

    Raises:
        RestoreError: it did not work out.
        Stopped: ``stop`` was set.
    """
    logging.getLogger("rattler").setLevel(logging.ERROR)
    layer = rattler.PackageCacheLayer(str(layout.pkgs)).with_validation_mode(rattler.ValidationMode.full())
    cache = rattler.PackageCache.from_layers([layer])
    for turn in range(TRIES):
        said = _tried(rattler, wanted, target, cache, seen, stop)
        if said is None:
            return
        if turn + 1 == TRIES or any(word in said for word in _HOPELESS):
            raise RestoreError(_words(said))
        report.log(f"try {turn + 1} of {TRIES} failed: {said}")
        if "hash mismatch" in said:
            _forget(layout, wanted, said)
        sleep(PAUSE * 2**turn * (1 + random.random() / 2))  # noqa: S311 - no secret


def _forget(layout: Layout, wanted: Sequence[Any], said: str) -> None:
    """Delete from the cache the packages that a failure names.

    py-rattler notes the checksum that it expects beside a cached package before it has checked what it fetches, so the
    next try would take what was cached under another checksum for the package that is locked.
    """
    for record in wanted:
        name = record.name.normalized
        stem = f"{name}-{record.version}-{record.build}"
        if stem in said or name in re.split(r"[^A-Za-z0-9._-]+", said):
            remove_tree(layout.pkgs / stem)
            (layout.pkgs / f"{stem}.lock").unlink(missing_ok=True)


def _tried(
    rattler: Any, wanted: Sequence[Any], target: Path, cache: Any, seen: Any, stop: threading.Event
) -> str | None:
    """None where it went well, else what went wrong."""
    try:
        _run(rattler, wanted, target, cache, seen, stop)
    except Stopped:
        raise
    except Exception as error:  # noqa: BLE001 - py-rattler raises what its parts raise
        return " ".join(str(error).split())[-400:]
    return None


def _run(rattler: Any, wanted: Sequence[Any], target: Path, cache: Any, seen: Any, stop: threading.Event) -> None:
    async def work() -> None:
        task = asyncio.ensure_future(
            rattler.install(list(wanted), str(target), package_cache=cache, reporter=seen, show_progress=False)
        )
        while not task.done():
            await asyncio.wait({task}, timeout=0.2)
            if stop.is_set():
                task.cancel()
                raise Stopped("The restore was asked to end. It starts again with the instance, or with retry.")
        await task

    asyncio.run(work())


def _words(said: str) -> str:
    if "No space left" in said:
        return (
            "The volume is full. Delete what is not needed under /home/ec2-user/SageMaker, or stop the instance and "
            f"give it a larger volume (50 GB). ({said})"
        )
    if "Read-only" in said:
        return f"The volume cannot be written to. Stop the instance and start it again. ({said})"
    if "Permission denied" in said:
        return (
            f"A file on the volume belongs to somebody else. Delete .rapids-kernel and run the restore again. ({said})"
        )
    return (
        "A package could not be fetched. Check the network: the channels' addresses must be reachable, or a mirror "
        f"named (--channel-map). ({said})"
    )
