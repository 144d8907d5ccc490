"""A cold restore against the slower of its two halves alone, fetching and unpacking; and a warm one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# The tests' own channel and bundles; as a package, whose name nobody else has.
sys.path[:0] = [str(ROOT / "lifecycle"), str(ROOT / "tests")]

from lifecycle.site import NVIDIA_SMI, _small_segwidgets  # noqa: E402
from restoring import conda, lockfile, wheels  # noqa: E402
from restoring.layout import Layout  # noqa: E402
from restoring.reporting import Report  # noqa: E402

from lifecycle import channel as channels  # noqa: E402
from segwidgets.lifecycle.bundle import pack  # noqa: E402

#: Bytes of each of the two stand-ins for RAPIDS, and what the line carries a second.
LARGE = 300_000_000
RATE = 12_000_000
_AT_ONCE = 8


@contextlib.contextmanager
def _served(folder: Path, rate: float) -> Iterator[str]:
    """A channel over a line of this many bytes a second, all downloads together; 0: as fast as it goes."""
    guard = threading.Lock()
    free_at = [0.0]

    def wait_for_the_line(size: int) -> None:
        with guard:
            begin = max(time.monotonic(), free_at[0])
            free_at[0] = begin + size / rate
        time.sleep(max(0.0, free_at[0] - time.monotonic()))

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._head()

        def do_GET(self) -> None:
            with self._head().open("rb") as file, contextlib.suppress(OSError):
                while chunk := file.read(1 << 16):
                    if rate:
                        wait_for_the_line(len(chunk))
                    self.wfile.write(chunk)

        def _head(self) -> Path:
            place = folder / self.path.removeprefix("/")
            self.send_response(200)
            self.send_header("Content-Length", str(place.stat().st_size))
            self.end_headers()
            return place

        def log_message(self, *_arguments: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _fetch_alone(channel: channels.Channel, address: str) -> float:
    """Seconds to fetch every package, written nowhere."""

    def fetch(one: channels.Made) -> None:
        with urllib.request.urlopen(f"{address}/linux-64/{one.file}") as answer:  # noqa: S310 - loopback
            while answer.read(1 << 16):
                pass

    begun = time.perf_counter()
    with ThreadPoolExecutor(_AT_ONCE) as fetching:
        list(fetching.map(fetch, channel.packages.values()))
    return time.perf_counter() - begun


def _unpack_alone(channel: channels.Channel, work: Path) -> float:
    """Seconds to unpack and link every package from this disk, by py-rattler alone."""
    import rattler

    packages = lockfile.read(channel.lock())
    records = conda.records(
        rattler, packages, lambda address: address.replace(channels.ADDRESS, f"file://{channel.root}")
    )
    cache = rattler.PackageCache.new_layered([str(work / "pkgs")], validation_mode=rattler.ValidationMode.full())
    begun = time.perf_counter()
    asyncio.run(rattler.install(records, str(work / "env"), package_cache=cache, show_progress=False))
    return time.perf_counter() - begun


def _bundle(channel: channels.Channel, place: Path) -> None:
    content = {"restore.py": (ROOT / "lifecycle/restore.py").read_bytes(), "conda-lock.yml": channel.lock().encode()}
    for name in (ROOT / "lifecycle/restoring").glob("*.py"):
        content[f"restoring/{name.name}"] = name.read_bytes()
    content["bootstrap.txt"] = (ROOT / "lifecycle/bootstrap.txt").read_bytes()
    content |= dict.fromkeys(("requirements.txt", "server-requirements.txt"), b"# nothing of pip's\n")
    content["segwidgets-0-py3-none-any.whl"] = _small_segwidgets()
    archive = place.with_suffix(".tar.gz")
    archive.write_bytes(pack(content, "0").content)
    place.mkdir()
    shutil.unpack_archive(archive, place)


def _restore(bundle: Path, work: Path, address: str) -> tuple[float, dict[str, Any]]:
    """Seconds of one restore, and its status."""
    tools = work / "bin"
    tools.mkdir(exist_ok=True)
    (tools / "nvidia-smi").write_text(NVIDIA_SMI)
    (tools / "nvidia-smi").chmod(0o755)
    command = [
        sys.executable,
        str(bundle / "restore.py"),
        "--bundle",
        str(bundle),
        "--kernel-dir",
        str(work / "kernel"),
    ]
    command += ["--jupyter-data", str(work / "jupyter"), "--server-python", ""]
    command += ["--channel-map", f"{channels.ADDRESS}={address}"]
    begun = time.perf_counter()
    done = subprocess.run(
        command,
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
        check=False,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - begun
    assert not done.returncode, f"{done.stderr}\n{(work / 'kernel/restore.log').read_text()}"
    return seconds, json.loads((work / "kernel/status.json").read_text())


def run() -> str:
    """Measure, and say it as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        channel = channels.build(work / "channel", stand_in_bytes=LARGE)
        size = sum(one.size for one in channel.packages.values())
        bundle = work / "bundle"
        _bundle(channel, bundle)
        layout = Layout(work / "kernel")
        # py-rattler itself is fetched once in an instance's life, from another place.
        wheels.fetch(Path(sys.executable), bundle / "bootstrap.txt", layout.wheels / "bootstrap", lambda _: None)
        conda.load_rattler(layout, bundle, Report(layout))
        unpacking = _unpack_alone(channel, work / "alone")
        shutil.rmtree(work / "alone")
        with _served(channel.root, RATE) as address:
            fetching = _fetch_alone(channel, address)
            cold, status = _restore(bundle, work, address)
            assert status["state"] == "ready", status
            warm = min(_restore(bundle, work, address)[0] for _ in range(3))
    ratio = cold / max(fetching, unpacking)
    return "\n".join(
        [
            f"{len(channel.packages)} packages, {size / 1e6:,.0f} MB, {RATE / 1e6:.0f} MB/s; stand-ins for RAPIDS.",
            "",
            "| | seconds | of the slower half alone | goal |",
            "| --- | ---: | ---: | ---: |",
            f"| fetching alone | {fetching:.1f} | | |",
            f"| checking, unpacking and linking alone (py-rattler) | {unpacking:.1f} | | |",
            f"| cold restore: both kernels made, each runs a cell | {cold:.1f} | {ratio:.2f} x | 1.1 x |",
            f"| warm restore: both kernels tried and registered (best of 3) | {warm:.1f} | | 5 s |",
        ]
    )
