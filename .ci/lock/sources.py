"""Where the records of conda packages are read: the channels themselves, or a snapshot of their indexes in a folder."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rattler import RepoDataRecord
from rattler.platform import SubdirLiteral
from rattler_conda import HOST, MAP, ChannelMap

CHANNELS = ("rapidsai", "conda-forge")
SUBDIRS: tuple[SubdirLiteral, ...] = ("linux-64", "noarch")
PROBE_SECONDS = 5.0
# The keys of a record that a solver reads, and the figures that a package is checked against.
KEPT = (
    "name", "version", "build", "build_number", "depends", "constrains", "track_features", "noarch",
    "python_site_packages_path", "timestamp", "size", "md5", "sha256",
)  # fmt: skip

Records = dict[str, dict[str, Any]]
"""Records by their public address."""


class LockError(Exception):
    """What stands in the way of a lock, with the way out."""


@dataclass(frozen=True)
class Source:
    """Live channels where `folder` is None, else a snapshot: <folder>/<channel>/<subdir>/repodata.json."""

    folder: Path | None

    def __str__(self) -> str:
        return f"live channels at {HOST}" if self.folder is None else f"the snapshot {self.folder}"

    @property
    def variables(self) -> dict[str, str]:
        """What tells `rattler_conda.py` to read here."""
        return {MAP: "" if self.folder is None else f"{HOST}={self.folder}"}

    @property
    def channel_map(self) -> ChannelMap:
        """The same, for use in this process."""
        return ChannelMap.parse(self.variables[MAP])

    def records(self, names: Iterable[str]) -> Records:
        """All records of packages of these names."""
        return asyncio.run(self._records(sorted(names)))

    async def _records(self, names: list[str]) -> Records:
        mapped = self.channel_map
        with mapped.gateway() as gateway:
            found = await gateway.query(
                [mapped.read(channel) for channel in CHANNELS],
                SUBDIRS,
                names,
                recursive=False,
            )
        return {mapped.canonical(str(record.url)): _plain(record) for group in found for record in group}


def _plain(record: RepoDataRecord) -> dict[str, Any]:
    entry = json.loads(record.to_json())
    return {key: entry[key] for key in KEPT if entry.get(key) not in (None, "", [])}


def reachable() -> bool:
    """Whether the channels answer, within a few seconds."""
    asked = urllib.request.Request(f"{HOST}/rapidsai/noarch/repodata.json.zst", method="HEAD")  # noqa: S310  # https, a constant
    try:
        with urllib.request.urlopen(asked, timeout=PROBE_SECONDS) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def find_source(snapshot: Path | None, default: Path) -> Source:
    """The snapshot that was named; else the live channels where they answer; else the default snapshot."""
    if snapshot is None and reachable():
        return Source(None)
    folder = (snapshot or default).resolve()
    if not all((folder / channel / subdir / "repodata.json").is_file() for channel in CHANNELS for subdir in SUBDIRS):
        why = (
            f"{HOST} does not answer, and there is no snapshot in {folder}"
            if snapshot is None
            else f"{folder} is no snapshot"
        )
        raise LockError(
            f"{why}. Lock on a machine that reaches {HOST}, or name a folder that holds "
            f"<channel>/<subdir>/repodata.json for {' and '.join(CHANNELS)}, {' and '.join(SUBDIRS)}: "
            "make lock SNAPSHOT=<folder>"
        )
    return Source(folder)


def write_records(records: Mapping[str, Mapping[str, Any]], file: Path) -> None:
    """One line a record, sorted, so that a new lock is a readable difference."""
    lines = [
        f"{json.dumps(url.removeprefix(HOST + '/'))}: {json.dumps(record, sort_keys=True, separators=(',', ':'))}"
        for url, record in sorted(records.items())
    ]
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def read_records(file: Path) -> Records:
    """What `write_records` wrote."""
    return {f"{HOST}/{path}": record for path, record in json.loads(file.read_text()).items()}


def unpack_snapshot(records: Mapping[str, Mapping[str, Any]], folder: Path) -> Source:
    """A snapshot of just these records in `folder`."""
    for channel in CHANNELS:
        for subdir in SUBDIRS:
            place = f"{HOST}/{channel}/{subdir}/"
            index: dict[str, Any] = {
                "info": {"subdir": subdir},
                "packages": {},
                "packages.conda": {},
                "repodata_version": 1,
            }
            for url, record in records.items():
                if url.startswith(place):
                    kind = "packages.conda" if url.endswith(".conda") else "packages"
                    index[kind][url.removeprefix(place)] = {**record, "subdir": subdir}
            target = folder / channel / subdir
            target.mkdir(parents=True, exist_ok=True)
            (target / "repodata.json").write_text(json.dumps(index))
    return Source(folder.resolve())
