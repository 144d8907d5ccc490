"""The bundle: all that an instance needs to restore its kernels, in one archive that its checksum names."""

from __future__ import annotations

import base64
import dataclasses
import functools
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

from segwidgets.lifecycle import files
from segwidgets.lifecycle.errors import LifecycleError
from segwidgets.lifecycle.wheel import version_of, wheel

VERSION = 1
_INDEX = "bundle.json"


@dataclasses.dataclass(frozen=True)
class Bundle:
    """A bundle's bytes, and what they are called."""

    content: bytes = dataclasses.field(repr=False)
    segwidgets: str

    @functools.cached_property
    def sha256(self) -> str:
        """Its checksum, in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def checksum(self) -> str:
        """Its checksum, as S3 writes it."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode()

    @property
    def name(self) -> str:
        """The name of its file, which tells its content."""
        return f"segwidgets-kernel-{self.sha256[:16]}.tar.gz"

    def write(self, folder: Path) -> Path:
        """Write it into a folder, which is made when it is missing; returns its path. Raises OSError."""
        from segwidgets.storage import write_atomic

        path = folder / self.name
        write_atomic(path, self.content)
        return path


def build(given: Path | None = None) -> Bundle:
    """The bundle of this segwidgets, byte for byte the same for the same files.

    Args:
        given: a wheel of segwidgets; that of the one that runs here by default.

    Raises:
        LifecycleError: a file is missing, or there is no wheel and none can be made.
    """
    content = {name: files.text(name) for name in (*files.BUNDLED, *files.modules())}
    _whole(content)
    name, data = wheel(given)
    return pack({**content, name: data}, version_of(name))


def _whole(content: Mapping[str, bytes]) -> None:
    """LifecycleError where a file is there but empty: an instance would find out only at its start."""
    for name in files.BUNDLED:
        if not content[name].strip():
            raise LifecycleError(f"{files.path(name)} is empty: bring it back with git, or make it: make lock.")


def pack(content: Mapping[str, bytes], version: str) -> Bundle:
    """A bundle of these files and the list of them, which the instance holds them against."""
    listed = {name: hashlib.sha256(content[name]).hexdigest() for name in sorted(content)}
    index = json.dumps({"version": VERSION, "segwidgets": version, "files": listed}, indent=1) + "\n"
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in sorted({**content, _INDEX: index.encode()}.items()):
            entry = tarfile.TarInfo(name)  # as of 1970, and nobody's
            entry.size = len(data)
            entry.mode = 0o755 if name.endswith(".sh") or name == "restore.py" else 0o644
            archive.addfile(entry, io.BytesIO(data))
    made = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=made, mtime=0) as packed:
        packed.write(plain.getvalue())
    return Bundle(made.getvalue(), version)
