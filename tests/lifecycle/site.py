"""Where the instances of the fault tests stand: a channel and an index on loopback, bundles, and a GPU that answers."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.metadata
import io
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import segwidgets
from segwidgets.lifecycle.bundle import Bundle, pack

from . import channel as channels
from .instance import PACKAGES, SCRIPTS, SERVER, Instance, SmallVolume
from .parcels import filled

PORT = 8080
HERE = f"http://127.0.0.1:{PORT}"
#: What the stand-in for cuml says of itself, and the package that brings another one.
RAPIDS = channels.RAPIDS
PIP_CONF = f"[global]\nindex-url = {HERE}/simple/\ntimeout = 5\nretries = 1\n"
# The restore's pauses between its tries are real, but for their length.
IMPATIENT = "import time; time.sleep = (lambda wait: lambda seconds: wait(min(seconds, 0.1)))(time.sleep)\n"
# Asked for the driver's version or for the GPU's name.
NVIDIA_SMI = "#!/bin/sh\ncase $1 in *driver*) echo 535.161.07;; *) echo Tesla T4;; esac\n"


@dataclass
class Server:
    """What is served inside one instance, and how badly."""

    files: dict[str, bytes]
    requests: list[str] = field(default_factory=list)
    spoil: Callable[[int, str, bytes], bytes] = lambda _number, _path, content: content
    """What is sent of a file, by the number of the download and the path; the promised length stays."""
    rate: float = 0
    """Bytes a second, of all downloads together; 0 for as fast as it goes."""
    guard: threading.Lock = field(default_factory=threading.Lock)

    def send(self, path: str, content: bytes, write: Callable[[bytes], object]) -> None:
        """Send a file as it is to be sent now."""
        with self.guard:
            self.requests.append(path)
            number = len(self.requests)
        content = self.spoil(number, path, content)
        step = 1 << 16
        for start in range(0, len(content), step):
            piece = content[start : start + step]
            if self.rate:
                with self.guard:
                    time.sleep(len(piece) / self.rate)
            write(piece)


class Site:
    """The channel, the bundles and the servers. Made once."""

    def __init__(self, root: Path) -> None:
        self._channel = channels.build(root / "channel")
        self._files: dict[str, bytes] = {}
        wheel, name = _wheel_of("py-rattler"), "py_rattler-1-py3-none-any.whl"
        self._rattler = hashlib.sha256(wheel).hexdigest()
        self._files[f"/wheels/{name}"] = wheel
        link = f'<a href="/wheels/{name}#sha256={self._rattler}">{name}</a>'
        self._files["/simple/py-rattler/"] = f"<!doctype html><html><body>{link}</body></html>".encode()
        first = self._channel.lock()
        made = {"first": first, "wrong": self._channel.lock(changed={"cuml": "0" * 64})}
        for build in ("broken", "missing", "changed"):
            channels.add_stand_in(
                self._channel, "cuml", ["python", "cudf"], 400_000, broken=build == "broken", build=build
            )
            made[build] = self._channel.lock()
        made["unreadable"] = made["changed"].replace("package:", "package: &anchor", 1)
        for place in (root / "channel/linux-64").iterdir():
            if "standin_missing" not in place.name:
                self._files[f"/conda/linux-64/{place.name}"] = place.read_bytes()
        self.bundles = {name: self._bundle(lock) for name, lock in made.items()}
        #: Bytes of the first bundle's packages.
        self.size = sum(len(data) for name, data in self._files.items() if name.rsplit("/", 1)[1] in first)

    def _bundle(self, lock: str) -> Bundle:
        content = {name: (SCRIPTS / name).read_bytes() for name in ("restore.py", "on-start.sh")}
        content |= {f"restoring/{place.name}": place.read_bytes() for place in (SCRIPTS / "restoring").glob("*.py")}
        content |= {
            "conda-lock.yml": lock.encode(),
            "requirements.txt": b"# nothing of pip's\n",
            "server-requirements.txt": b"# nothing of pip's\n",
            "bootstrap.txt": f"py-rattler==1 --hash=sha256:{self._rattler}\n".encode(),
        }
        wheel, version = _small_segwidgets(), segwidgets.__version__
        return pack({**content, f"segwidgets-{version}-py3-none-any.whl": wheel}, version)

    def instance(self, volume: Path | SmallVolume, *, read_only: bool = False) -> Instance:
        """An instance that looks for packages here and believes that it has a GPU."""
        files = {
            "/usr/local/sbin/nvidia-smi": ("755", NVIDIA_SMI),
            "/home/ec2-user/.config/pip/pip.conf": ("644", PIP_CONF),
            f"{SERVER / PACKAGES}/impatient.pth": ("644", IMPATIENT),
        }
        return Instance(volume, read_only=read_only, files=files)

    def script(self, instance: Instance, name: str) -> str:
        """on-start for one of the bundles, which is put where the running instance finds it."""
        place = f"/mnt/{name}.tar.gz"
        instance.path(place).write_bytes(self.bundles[name].content)
        mirror = f"export SEGWIDGETS_CHANNEL_MAP={channels.ADDRESS}={HERE}/conda\n"
        # What a customer behind a mirror adds, in the place where the script's own environment is made.
        return filled(place, self.bundles[name].sha256).replace("\nset -u\n", f"\n{mirror}set -u\n")

    @staticmethod
    def untouched(_number: int, _path: str, content: bytes) -> bytes:
        """No fault."""
        return content

    @contextlib.contextmanager
    def serving(self, instance: Instance) -> Iterator[Server]:
        """Serve channel and index inside a running instance."""
        state = Server(self._files)

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._head()

            def do_GET(self) -> None:
                content = self._head()
                if content is not None:
                    with contextlib.suppress(OSError):
                        state.send(self.path, content, self.wfile.write)

            def _head(self) -> bytes | None:
                content = state.files.get(self.path)
                if content is None:
                    self.send_error(404)
                    return None
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/octet-stream")
                self.end_headers()
                return content

            def log_message(self, *_arguments: object) -> None:
                """Quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        server.daemon_threads = True
        server.handle_error = lambda *_arguments: None  # type: ignore[method-assign]  # a killed client is no error
        server.socket.close()
        server.socket = instance.listener(PORT)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _wheel_of(name: str) -> bytes:
    """An installed distribution put together as a wheel again."""
    distribution = importlib.metadata.distribution(name)
    content = {}
    for path in distribution.files or ():
        place = Path(str(distribution.locate_file(path)))
        if ".." not in path.parts and "__pycache__" not in path.parts and path.name != "RECORD" and place.is_file():
            folder = path.parts[0]
            inside = "py_rattler-1.dist-info" if folder.endswith(".dist-info") else folder
            content["/".join([inside, *path.parts[1:]])] = place.read_bytes()
    return _zipped(content, "py_rattler-1", b"Metadata-Version: 2.1\nName: py-rattler\nVersion: 1\n")


def _small_segwidgets() -> bytes:
    """A wheel of what of segwidgets imports without anything else; the kernels of the tests have no numpy."""
    top = Path(segwidgets.__file__).parent
    content = {f"segwidgets/{name}": (top / name).read_bytes() for name in ("__init__.py", "lazy.py")}
    told = f"Metadata-Version: 2.1\nName: segwidgets\nVersion: {segwidgets.__version__}\n"
    return _zipped(content, f"segwidgets-{segwidgets.__version__}", told.encode())


def _zipped(content: dict[str, bytes], name: str, metadata: bytes) -> bytes:
    info = f"{name}.dist-info"
    content = {**content, f"{info}/METADATA": metadata}
    content[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    lines = []
    for path, data in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(data)}\n")
    content[f"{info}/RECORD"] = "".join([*lines, f"{info}/RECORD,,\n"]).encode()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for path, data in content.items():
            archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), data)
    return made.getvalue()
