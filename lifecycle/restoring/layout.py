"""Where everything lies on the persistent volume, the key of an environment, and writes that are whole or not."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import RESTORE_VERSION

#: Written last into an environment: without it, it is none.
COMPLETE = ".complete"


@dataclasses.dataclass(frozen=True)
class Layout:
    """The directories under ``top``, the kernel directory."""

    top: Path

    @property
    def pkgs(self) -> Path:
        """Packages of conda, unpacked, and linked into the environments."""
        return self.top / "pkgs"

    @property
    def wheels(self) -> Path:
        """Wheels of the pip half, of the server's half and of the restore itself."""
        return self.top / "wheels"

    @property
    def envs(self) -> Path:
        """Environments, ``<key>-<n>``: never renamed, because scripts in them hold their path."""
        return self.top / "envs"

    @property
    def current(self) -> Path:
        """Points to the RAPIDS environment in use."""
        return self.top / "current"

    @property
    def bootstrap(self) -> Path:
        """py-rattler, by the sha256 of its wheel."""
        return self.top / "bootstrap"

    @property
    def status(self) -> Path:
        """How the restore stands."""
        return self.top / "status.json"

    @property
    def log(self) -> Path:
        """What the restore says."""
        return self.top / "restore.log"

    @property
    def lock(self) -> Path:
        """Held by the restore that runs."""
        return self.top / "lock"

    @property
    def retry(self) -> Path:
        """A program that starts the restore again."""
        return self.top / "retry"

    def complete(self, key: str) -> Path | None:
        """The newest finished environment of a key."""
        found = [place for place in self.envs.glob(f"{key}-*") if (place / COMPLETE).is_file()]
        return max(found, key=number_of, default=None)

    def new(self, key: str) -> Path:
        """A directory for a new environment of a key, of a number that none had."""
        numbers = [number_of(place) for place in self.envs.glob(f"{key}-*")]
        return self.envs / f"{key}-{max(numbers, default=0) + 1}"


def number_of(env: Path) -> int:
    """The n of ``<key>-<n>``; 0 where there is none."""
    tail = env.name.rpartition("-")[2]
    return int(tail) if tail.isdigit() else 0


def sha256_of(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def key_of(bundle: Path, wheel: Path, part: str = "") -> str:
    """The first 16 hex digits of the SHA-256 over all that decides what an environment holds."""
    digest = hashlib.sha256(f"{RESTORE_VERSION}\n{part}\n".encode())
    for name in ("conda-lock.yml", "requirements.txt"):
        digest.update((bundle / name).read_bytes() + b"\0")
    digest.update(sha256_of(wheel).encode())
    return digest.hexdigest()[:16]


def write_whole(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    """Write a file beside its place, flush it to the disk, and rename it there."""
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.chmod(mode)  # whatever the umask says
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def write_if_new(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    """`write_whole`, unless the file says that already."""
    data = content.encode() if isinstance(content, str) else content
    with contextlib.suppress(OSError):
        if path.read_bytes() == data and path.stat().st_mode & 0o777 == mode:
            return
    write_whole(path, data, mode)


def point(link: Path, target: Path) -> None:
    """A relative symbolic link, put in place by rename; nothing where it points there already."""
    relative = os.path.relpath(target, link.parent)
    with contextlib.suppress(OSError):
        if os.readlink(link) == relative:  # noqa: PTH115 - Path.readlink gives no text
            return
    new = link.with_name(f".{link.name}.{secrets.token_hex(4)}.new")
    new.symlink_to(relative)
    new.replace(link)


def flush_directory(place: Path) -> None:
    """Make what was renamed or made in a directory outlive a power cut."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_json(path: Path) -> Any:
    """What a JSON file says; None where there is none to read."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def remove_tree(place: Path) -> None:
    """Delete a directory for good, read-only directories within it too."""
    if place.is_symlink() or not place.is_dir():
        place.unlink(missing_ok=True)
        return
    for folder, _, _ in os.walk(place):
        with contextlib.suppress(OSError):
            Path(folder).chmod(0o755)
    shutil.rmtree(place, ignore_errors=True)


@contextlib.contextmanager
def made(place: Path) -> Iterator[Path]:
    """A new directory that vanishes when the block fails. It has its last name from the start."""
    place.mkdir(parents=True)
    try:
        yield place
    except BaseException:
        remove_tree(place)
        raise
