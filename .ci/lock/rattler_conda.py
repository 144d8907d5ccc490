#!/usr/bin/env python3
"""Stands in for conda where conda-lock makes a lock: a dry run of `conda create`, solved by py-rattler.

conda-lock hands the solving to an executable that its option `--conda` names, and for a lock it makes two calls:

    conda --version
    conda create --prefix P --dry-run --json --override-channels --channel C ... SPEC ...

They are answered, in the words and the JSON of conda; everything else is refused. conda-lock's last channel is a folder
of made-up packages, which say what the machine is taken to have (glibc, a driver): they are handed to the solver as
virtual packages.

CHANNEL_MAP in the environment, `https://conda.anaconda.org=/path/to/snapshot`, reads the channels under that address
from a folder. What comes out names the address, never the folder.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import rattler
from rattler import (
    BuildString,
    Channel,
    ChannelPriority,
    Gateway,
    GenericVirtualPackage,
    PackageName,
    RepoDataRecord,
    Version,
    solve,
)
from rattler.exceptions import GatewayError, InvalidMatchSpecError, SolverError

HOST = "https://conda.anaconda.org"
MAP = "CHANNEL_MAP"
# conda-lock asks for more than 4.8 of whatever calls itself conda; who reads a log sees who answered.
VERSION = f"conda 24.0.0 (py-rattler {rattler.__version__})"
MADE_UP = "conda-lock-fake-repodata-"
PATIENCE = dt.timedelta(minutes=5)


class RefusedError(Exception):
    """A call that is not answered here; the text says what is."""


@dataclass(frozen=True)
class ChannelMap:
    """An address, and the folder that is read in its stead; both None: the channels themselves are read."""

    address: str | None = None
    folder: Path | None = None

    @classmethod
    def parse(cls, text: str) -> ChannelMap:
        """From `address=folder`; empty for none."""
        if not text:
            return cls()
        address, equals, folder = text.partition("=")
        if not equals or "://" not in address:
            raise RefusedError(f"{MAP} is {text!r}. It must be <address>=<folder>, as in {HOST}=/path/to/snapshot.")
        if not Path(folder).is_dir():
            raise RefusedError(
                f"{MAP} names {folder!r}, which is no folder. Name one that holds <channel>/<subdir>/repodata.json."
            )
        return cls(address.rstrip("/"), Path(folder).resolve())

    def read(self, channel: str) -> Channel:
        """Where the records of this channel (a name or an address) are read."""
        address = channel if "://" in channel else f"{HOST}/{channel}"
        if self.folder is None or self.address is None or not address.startswith(self.address + "/"):
            return Channel(address)
        folder = self.folder / address.removeprefix(self.address + "/")
        if not folder.is_dir():
            raise RefusedError(f"{self.folder} has no channel {channel!r}: it has {_folders(self.folder)}.")
        return Channel(folder.as_uri())

    @contextmanager
    def gateway(self) -> Iterator[Gateway]:
        """A reader of channels. What an earlier run remembers of a folder at this path must not answer for this one."""
        if self.folder is None:
            yield Gateway()
        else:
            with tempfile.TemporaryDirectory(prefix="lock-") as cache:
                yield Gateway(cache_dir=Path(cache))

    def canonical(self, url: str) -> str:
        """The public address of what was read at `url`."""
        if self.folder is None or self.address is None:
            return url
        root = self.folder.as_uri()
        return self.address + url.removeprefix(root) if url.startswith(root + "/") else url


def _folders(folder: Path) -> str:
    return ", ".join(sorted(entry.name for entry in folder.iterdir() if entry.is_dir())) or "none"


def virtual_packages(channel: str, subdir: str) -> list[GenericVirtualPackage]:
    """The made-up packages of conda-lock's own channel, a file:// address."""
    repodata = json.loads((Path(channel.removeprefix("file://")) / subdir / "repodata.json").read_text())
    return [
        GenericVirtualPackage(PackageName(entry["name"]), Version(entry["version"]), BuildString(entry["build"]))
        for entry in repodata["packages"].values()
    ]


def fetch_action(record: RepoDataRecord, channels: ChannelMap) -> dict[str, Any]:
    """A record as conda tells of a package that it would download."""
    url = channels.canonical(str(record.url))
    return {
        "channel": url.rsplit("/", 2)[0],
        "url": url,
        "fn": record.file_name,
        "name": record.name.normalized,
        "version": str(record.version),
        "build": str(record.build),
        "build_number": record.build_number,
        "subdir": str(record.subdir),
        "depends": list(record.depends),
        "constrains": list(record.constrains),
        "md5": record.md5.hex() if record.md5 else "",
        "sha256": record.sha256.hex() if record.sha256 else None,
        "size": record.size,
    }


async def solved(specs: list[str], channels: list[str], subdir: str, mapped: ChannelMap) -> list[dict[str, Any]]:
    """What conda would download for these specs, by name; strict channel priority, in the order given."""
    made_up = [channel for channel in channels if channel.startswith("file://") and MADE_UP in channel]
    with mapped.gateway() as gateway:
        records = await solve(
            [mapped.read(channel) for channel in channels if channel not in made_up],
            specs,
            gateway=gateway,
            platforms=[subdir, "noarch"],  # type: ignore[list-item]  # the platform is conda-lock's word, checked by py-rattler
            virtual_packages=[package for channel in made_up for package in virtual_packages(channel, subdir)],
            channel_priority=ChannelPriority.Strict,
            timeout=PATIENCE,
        )
    return sorted((fetch_action(record, mapped) for record in records), key=lambda action: str(action["name"]))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise RefusedError(
            f"{message}. This stands in for conda only where conda-lock makes a lock: it answers "
            "`--version` and `create --prefix P --dry-run --json --override-channels --channel C ... SPEC ...`. "
            "For anything else, use conda, mamba or pixi."
        )


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = _Parser(prog="rattler-conda", add_help=False, allow_abbrev=False)
    parser.add_argument("command", choices=["create"])
    parser.add_argument("--prefix")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--override-channels", action="store_true")
    parser.add_argument("--channel", action="append", default=[])
    parser.add_argument("specs", nargs="+")
    asked = parser.parse_args(words)
    for needed in ("dry_run", "json", "override_channels", "channel"):
        if not getattr(asked, needed):
            parser.error(f"--{needed.replace('_', '-')} is missing")
    return asked


def main(words: list[str]) -> int:
    """Answer one call; 0, 1 for what cannot be solved, 2 for what is not answered here."""
    try:
        if words == ["--version"]:
            print(VERSION)
            return 0
        asked = _arguments(words)
        mapped = ChannelMap.parse(os.environ.get(MAP, ""))
        subdir = os.environ.get("CONDA_SUBDIR", "linux-64")
        actions = asyncio.run(solved(asked.specs, asked.channel, subdir, mapped))
    except RefusedError as why:
        print(why, file=sys.stderr)
        return 2
    except (SolverError, GatewayError, InvalidMatchSpecError) as why:
        print(json.dumps({"success": False, "error": type(why).__name__, "message": str(why)}))
        return 1
    print(json.dumps({"success": True, "dry_run": True, "actions": {"FETCH": actions, "LINK": []}}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
