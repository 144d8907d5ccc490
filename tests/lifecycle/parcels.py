"""Bundles for the tests of the scripts alone: their `restore.py` only writes down how it was started.

The scripts' business ends where restore.py begins, so here they run without a channel and in milliseconds.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .instance import SCRIPTS, SERVER, Instance

RECORDS = """
import json, os, pathlib, sys, time
place = pathlib.Path(sys.argv[sys.argv.index("--kernel-dir") + 1])
fds = "/proc/self/fd/"
told = {
    "bundle": sys.argv[sys.argv.index("--bundle") + 1], "python": sys.executable,
    "uid": os.getuid(), "gid": os.getgid(),
    "environment": dict(os.environ), "directory": os.getcwd(), "session": os.getsid(0), "terminal": os.isatty(0),
    "open": {name: os.readlink(fds + name) for name in os.listdir(fds) if os.path.lexists(fds + name)},
    "cgroup": open("/proc/self/cgroup").read(), "umask": os.umask(0o022),
}
with open(place / "told.jsonl", "a") as file:
    file.write(json.dumps(told) + "\\n")
status = {"version": 1, "state": "ready", "phase": "done", "updated": time.time(), "reason": ""}
(place / "status.new").write_text(json.dumps(status))
os.replace(place / "status.new", place / "status.json")
print("restored by", VERSION)
"""


@dataclass(frozen=True)
class Parcel:
    """A bundle and its checksum."""

    content: bytes
    sha256: str


def parcel(version: str = "one", program: str = RECORDS) -> Parcel:
    """A bundle whose restore.py is this program."""
    files = {"restore.py": f"VERSION = {version!r}\n{program}".encode(), "restoring/__init__.py": b""}
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    files["bundle.json"] = json.dumps({"version": 1, "segwidgets": version, "files": sums}).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return Parcel(out.getvalue(), hashlib.sha256(out.getvalue()).hexdigest())


def filled(uri: str, sha256: str, script: str = "on-start.sh") -> str:
    """A script as `segwidgets lifecycle deploy` fills it in."""
    text = SCRIPTS.joinpath(script).read_text()
    for line, value in (("BUNDLE_URI=''", uri), ("BUNDLE_SHA256=''", sha256)):
        assert text.count(f"\n{line}\n") == 1
        text = text.replace(f"\n{line}\n", f"\n{line.replace(repr(''), repr(value))}\n")
    return text


def told(instance: Instance) -> list[dict[str, Any]]:
    """How each restore was started."""
    place = instance.kernel_dir / "told.jsonl"
    return [json.loads(line) for line in place.read_text().splitlines()] if place.exists() else []


def wait_for_restores(instance: Instance, number: int, timeout: float = 60) -> list[dict[str, Any]]:
    """Wait until so many restores have run on the volume, and nothing runs any more."""
    end = time.monotonic() + timeout
    while len(told(instance)) < number:
        assert time.monotonic() < end, f"{len(told(instance))} restores of {number} after {timeout} s\n{instance.log()}"
        time.sleep(0.02)
    if not instance.systemd:
        instance.wait_until_quiet()
    return told(instance)


AWS = f"""#!{SERVER}/bin/python3
# Stands in for the AWS command line, which a notebook instance has and this machine may not:
# `aws s3 cp s3://BUCKET/KEY FILE`.
import sys, urllib.request
assert sys.argv[1:3] == ["s3", "cp"] and "--only-show-errors" in sys.argv, sys.argv
timeout = float(sys.argv[sys.argv.index("--cli-read-timeout") + 1])
try:
    address = "http://127.0.0.1:8765/" + sys.argv[3].removeprefix("s3://")
    with urllib.request.urlopen(address, timeout=timeout) as answer:
        content = answer.read()
except Exception as problem:
    sys.exit(f"fatal error: {{problem!r}}")
open(sys.argv[4], "wb").write(content)
"""
WITH_AWS = {
    "/usr/local/sbin/aws": ("755", AWS),
    # The pauses between the tries are real, but for their length.
    "/usr/local/sbin/sleep": ("755", "#!/bin/sh\nexec /usr/bin/sleep 0.1\n"),
}


@dataclass
class Bucket:
    """What lies behind s3:// in an instance whose `aws` is the one above."""

    objects: dict[str, bytes]
    spoil: Callable[[int, bytes], bytes] = lambda _request, content: content
    """What becomes of a download, by its number."""
    requests: list[str] = field(default_factory=list)

    def open(self, instance: Instance) -> Callable[[], None]:
        """Serve it inside the instance; the answer ends that."""
        bucket = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.removeprefix("/")
                bucket.requests.append(name)
                if name not in bucket.objects:
                    self.send_error(404)
                    return
                content = bucket.objects[name]
                sent = bucket.spoil(len(bucket.requests), content)
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *_arguments: object) -> None:
                """Quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        server.socket.close()
        server.socket = instance.listener(8765)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()

        def close() -> None:
            server.shutdown()
            thread.join()
            server.server_close()

        return close


def write(place: Path, content: bytes) -> str:
    """A bundle on the volume, and its path inside the instance."""
    place.write_bytes(content)
    return f"/home/ec2-user/SageMaker/{place.name}"
