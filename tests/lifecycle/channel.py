"""A real conda channel of real packages, made by the tests: this machine's CPython and what a kernel needs, repacked.

cuml and cudf are stand-ins, and say so in their version. Everything is packed as conda packs it, so py-rattler checks,
unpacks and links it like any other.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import io
import json
import os
import re
import struct
import sys
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from conda_package_streaming.create import conda_builder
from packaging.requirements import Requirement

ADDRESS = "https://conda.anaconda.org/conda-forge"
#: What the kernels of the tests are made of; what these need comes with them.
ROOTS = ("ipykernel", "ipywidgets", "anywidget", "pip")
#: Left out: large, and no cell of the tests needs it.
WITHOUT = {"debugpy", "widgetsnbextension", "jupyterlab-widgets", "jedi"}
RAPIDS = "26.2.0+standin"
_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
_SITE = f"lib/python{_VERSION}/site-packages"
_SKIPPED = {"__pycache__", "test", "tests", "site-packages", "idlelib", "turtledemo", "tkinter", "lib2to3", "ensurepip"}

Files = dict[str, tuple[bytes, int]]


@dataclass(frozen=True)
class Made:
    """A package of the channel."""

    name: str
    version: str
    build: str
    depends: tuple[str, ...]
    sha256: str
    md5: str
    size: int

    @property
    def file(self) -> str:
        return f"{self.name}-{self.version}-{self.build}.conda"

    @property
    def url(self) -> str:
        return f"{ADDRESS}/linux-64/{self.file}"


@dataclass
class Channel:
    """A folder laid out as a channel, and what is in it."""

    root: Path
    packages: dict[str, Made] = field(default_factory=dict)

    def add(self, name: str, version: str, files: Files, depends: Iterable[str] = (), build: str = "0") -> Made:
        """Pack a package into the channel; one of that name is replaced in the locks to come."""
        folder = self.root / "linux-64"
        folder.mkdir(parents=True, exist_ok=True)
        stem = f"{name}-{version}-{build}"
        _pack(folder, stem, name, version, build, list(depends), files)
        content = (folder / f"{stem}.conda").read_bytes()
        made = Made(
            name,
            version,
            build,
            tuple(depends),
            hashlib.sha256(content).hexdigest(),
            hashlib.md5(content, usedforsecurity=False).hexdigest(),
            len(content),
        )
        self.packages[name] = made
        return made

    def path(self, name: str) -> Path:
        """The package's file."""
        return self.root / "linux-64" / self.packages[name].file

    def lock(self, names: Iterable[str] | None = None, *, changed: Mapping[str, str] | None = None) -> str:
        """A conda-lock.yml of the packages, as conda-lock writes one; ``changed`` are other sha256 by name."""
        chosen = sorted(self.packages if names is None else names)
        lines = ["version: 1", "metadata:", "  content_hash:", f"    linux-64: {'0' * 64}", "  channels:"]
        lines += ["  - url: conda-forge", "    used_env_vars: []", "  platforms:", "  - linux-64", "package:"]
        for name in chosen:
            one = self.packages[name]
            lines += [f"- name: {name}", f"  version: '{one.version}'", "  manager: conda", "  platform: linux-64"]
            lines += (
                ["  dependencies:", *(f"    {item}: ''" for item in one.depends)]
                if one.depends
                else ["  dependencies: {}"]
            )
            lines += [f"  url: {one.url}", "  hash:", f"    md5: {one.md5}"]
            lines += [f"    sha256: {(changed or {}).get(name, one.sha256)}", "  category: main", "  optional: false"]
        return "\n".join(lines) + "\n"


def _pack(folder: Path, stem: str, name: str, version: str, build: str, depends: list[str], files: Files) -> None:
    index = {
        "name": name,
        "version": version,
        "build": build,
        "build_number": 0,
        "depends": depends,
        "subdir": "linux-64",
        "arch": "x86_64",
        "platform": "linux",
        "timestamp": 1_700_000_000_000,
        "license": "test",
    }
    paths = [
        {"_path": path, "path_type": "hardlink", "sha256": hashlib.sha256(data).hexdigest(), "size_in_bytes": len(data)}
        for path, (data, _) in files.items()
    ]
    info: Files = {
        "info/index.json": (json.dumps(index).encode(), 0o644),
        "info/paths.json": (json.dumps({"paths": paths, "paths_version": 1}).encode(), 0o644),
        "info/files": ("\n".join(files).encode(), 0o644),
        "info/about.json": (b"{}", 0o644),
    }
    # A low level: packing must not be what the tests wait for.
    with conda_builder(stem, folder, compressor=_compressor) as archive:
        for path, (data, mode) in {**files, **info}.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode, entry.mtime = len(data), mode, 1_700_000_000
            archive.addfile(entry, io.BytesIO(data))


def _compressor() -> object:
    import zstandard

    return zstandard.ZstdCompressor(level=1)


def _cpython() -> Files:
    """This interpreter and its library."""
    base = Path(sys.base_prefix)
    files: Files = {}
    top = base / "lib" / f"python{_VERSION}"
    for folder, below, names in os.walk(top):
        below[:] = [one for one in below if one not in _SKIPPED and not one.startswith("config-")]
        for name in names:
            place = Path(folder) / name
            if place.is_file():
                mode = 0o755 if os.access(place, os.X_OK) else 0o644
                files[str(place.relative_to(base))] = (place.read_bytes(), mode)
                files |= _compiled(place, str(place.relative_to(base)))
    program = f"bin/python{_VERSION}"
    files[program] = ((base / program).read_bytes(), 0o755)
    for other in ("bin/python3", "bin/python"):
        start = f'#!/bin/sh\nexec "$(dirname "$(readlink -f "$0")")/python{_VERSION}" "$@"\n'
        files[other] = (start.encode(), 0o755)
    for library in (base / "lib").glob("libpython3*.so*"):
        files[f"lib/{library.name}"] = (library.read_bytes(), 0o755)
    files[f"{_SITE}/README.txt"] = (b"packages\n", 0o644)
    return files


def normal(name: str) -> str:
    """A distribution's name as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(roots: Iterable[str]) -> dict[str, importlib.metadata.Distribution]:
    """The roots and what they need, of what is installed here."""
    waiting, found = list(roots), {}
    while waiting:
        name = normal(waiting.pop())
        if name in found or name in WITHOUT:
            continue
        found[name] = importlib.metadata.distribution(name)
        waiting += _requires(found[name])
    return found


def _requires(distribution: importlib.metadata.Distribution) -> list[str]:
    wanted = [Requirement(line) for line in distribution.requires or ()]
    return [normal(one.name) for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]


def _files_of(distribution: importlib.metadata.Distribution) -> Files:
    files: Files = {}
    for path in distribution.files or ():
        place = Path(str(distribution.locate_file(path)))
        if ".." in path.parts or "__pycache__" in path.parts or not place.is_file():
            continue
        files[f"{_SITE}/{path}"] = (place.read_bytes(), 0o644)
        files |= _compiled(place, f"{_SITE}/{path}")
    return files


def _compiled(source: Path, path: str) -> Files:
    """What this machine's Python has compiled of a module, as conda's packages bring it; the source's hash guards it.

    Without it every Python of every restored environment would compile what it imports, and the tests wait for that.
    """
    if source.suffix != ".py":
        return {}
    there = Path(importlib.util.cache_from_source(str(source)))
    try:
        data = there.read_bytes()
    except OSError:
        return {}
    modified, size = (int(value) & 0xFFFFFFFF for value in (source.stat().st_mtime, source.stat().st_size))
    fresh = importlib.util.MAGIC_NUMBER + struct.pack("<III", 0, modified, size)
    if not data.startswith(fresh):
        return {}
    guarded = importlib.util.MAGIC_NUMBER + (3).to_bytes(4, "little") + importlib.util.source_hash(source.read_bytes())
    return {importlib.util.cache_from_source(path): (guarded + data[len(fresh) :], 0o644)}


def build(root: Path, *, stand_in_bytes: int = 400_000) -> Channel:
    """Make the channel: about 35 packages, 20 MB, in seconds."""
    channel = Channel(root)
    channel.add("python", sys.version.split()[0], _cpython(), build="0_cpython")
    for name, distribution in needed(ROOTS).items():
        depends = ["python", *(one for one in _requires(distribution) if one not in WITHOUT)]
        channel.add(name, distribution.version, _files_of(distribution), sorted(set(depends)), build="py_0")
    for name, depends in (("cudf", ["python"]), ("cuml", ["python", "cudf"])):
        add_stand_in(channel, name, depends, stand_in_bytes)
    return channel


def add_stand_in(
    channel: Channel, name: str, depends: Iterable[str], size: int, *, broken: bool = False, build: str = "0"
) -> Made:
    """A package in the place of a RAPIDS one, with so many bytes that do not compress; a broken one does not import."""
    said = 'raise ImportError("broken on purpose")' if broken else f'__version__ = "{RAPIDS}"'
    files: Files = {
        f"{_SITE}/{name}/__init__.py": (f"{said}\n".encode(), 0o644),
        f"lib/lib{name}.so": (os.urandom(size), 0o644),
    }
    return channel.add(name, RAPIDS.partition("+")[0], files, depends, build=f"standin_{build}")
