"""Reads conda-lock.yml without a YAML library: the part of YAML that conda-lock writes, and nothing else.

Block mappings and sequences, plain and quoted scalars, ``{}`` and ``[]``. Anything else is refused by its line, because
a guess here would install something else than what was locked.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from typing import Any

from .errors import RestoreError

_KEY = re.compile(r"(?P<key>[A-Za-z0-9_.+-]+|'(?:[^']|'')*'):(?: (?P<value>.*))?")
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"\\]*\"")
#: What a plain scalar may not begin with or hold: it would mean something in YAML.
_ODD = re.compile(r"[\[\]{}&*!|>%@`\"',?]|: | #")


@dataclasses.dataclass(frozen=True)
class Package:
    """One locked conda package."""

    name: str
    version: str
    build: str
    subdir: str
    file: str
    url: str
    sha256: str
    md5: str
    dependencies: dict[str, str]


class _Lines:
    """The lines that say something: number, indent and text."""

    def __init__(self, text: str) -> None:
        self.lines: list[tuple[int, int, str]] = []
        for number, line in enumerate(text.splitlines(), 1):
            bare = line.strip(" ")
            if not bare or bare.startswith("#"):
                continue
            if "\t" in line:
                raise _refused(number, line)
            self.lines.append((number, len(line) - len(line.lstrip(" ")), bare))
        self.at = 0

    def peek(self) -> tuple[int, int, str] | None:
        return self.lines[self.at] if self.at < len(self.lines) else None


def _refused(number: int, line: str) -> RestoreError:
    return RestoreError(
        f"conda-lock.yml cannot be read: line {number} is not as conda-lock writes it ({line.strip()[:60]!r}). "
        "Make the lock again (make lock) and deploy it."
    )


def _scalar(text: str, number: int) -> Any:
    if text in {"{}", "[]"}:
        return {} if text == "{}" else []
    if text[:1] in {"'", '"'}:
        if not _QUOTED.fullmatch(text):
            raise _refused(number, text)
        return text[1:-1].replace("''", "'") if text[0] == "'" else text[1:-1]
    if _ODD.match(text) or ": " in text or " #" in text or text.endswith(":"):
        raise _refused(number, text)
    words = {"true": True, "false": False, "null": None, "~": None}
    return words.get(text, text)


def _block(lines: _Lines, indent: int) -> Any:
    first = lines.peek()
    if first is None:
        return None
    return _sequence(lines, indent) if first[2].startswith("- ") else _mapping(lines, indent)


def _sequence(lines: _Lines, indent: int) -> list[Any]:
    found: list[Any] = []
    while (line := lines.peek()) is not None and line[1] == indent and line[2].startswith("- "):
        number, _, text = line
        rest = text[2:].lstrip(" ")
        if _KEY.fullmatch(rest):
            # The first key of a mapping stands on the dash's line: read it as if it stood below.
            inner = indent + len(text) - len(rest)
            lines.lines[lines.at] = (number, inner, rest)
            found.append(_mapping(lines, inner))
        else:
            lines.at += 1
            found.append(_scalar(rest, number))
    return found


def _mapping(lines: _Lines, indent: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while (line := lines.peek()) is not None and line[1] == indent:
        number, _, text = line
        match = _KEY.fullmatch(text)
        if match is None or text.startswith("- "):
            raise _refused(number, text)
        key = match["key"]
        key = key[1:-1].replace("''", "'") if key.startswith("'") else key
        if key in found:
            raise _refused(number, text)
        lines.at += 1
        if match["value"]:
            found[key] = _scalar(match["value"], number)
            continue
        below = lines.peek()
        # A sequence may stand at its key's own indent.
        deeper = below is not None and (below[1] > indent or (below[1] == indent and below[2].startswith("- ")))
        found[key] = _block(lines, below[1]) if deeper and below is not None else None
    return found


def parse(text: str) -> Any:
    """What the text says, with every number as the text it is.

    Raises:
        RestoreError: a line is not of the part of YAML that this reads.
    """
    lines = _Lines(text)
    found = _block(lines, 0)
    rest = lines.peek()
    if rest is not None:
        raise _refused(rest[0], rest[2])
    return found


def read(text: str, platform: str = "linux-64") -> tuple[Package, ...]:
    """The conda packages of a lock for a platform.

    Raises:
        RestoreError: it is no lock, of another version, or has none for the platform.
    """
    said = parse(text)
    if not isinstance(said, dict) or said.get("version") != "1" or not isinstance(said.get("package"), list):
        raise RestoreError("conda-lock.yml is not a lock of version 1: make it again (make lock) and deploy it.")
    found = [_package(one) for one in said["package"] if _concerns(one, platform)]
    if not found:
        raise RestoreError(f"conda-lock.yml locks nothing for {platform}: make it for that platform and deploy it.")
    names = [one.name for one in found]
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise RestoreError(f"conda-lock.yml locks {', '.join(twice)} twice: make it again (make lock) and deploy it.")
    return tuple(found)


def _concerns(one: Any, platform: str) -> bool:
    return isinstance(one, dict) and one.get("manager") == "conda" and one.get("platform") == platform


def _package(one: dict[str, Any]) -> Package:
    try:
        url, hashes = str(one["url"]), one["hash"]
        channel, subdir, file = url.rsplit("/", 2)
        stem = file.removesuffix(".conda").removesuffix(".tar.bz2")
        name, version, build = stem.rsplit("-", 2)
        sha256, md5 = str(hashes["sha256"]), str(hashes.get("md5") or "")
        dependencies = {str(key): str(value or "") for key, value in (one.get("dependencies") or {}).items()}
        whole = stem != file and channel and len(bytes.fromhex(sha256)) == 32 and name == one["name"]
    except (KeyError, ValueError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise RestoreError(
            f"conda-lock.yml does not say how to get {one.get('name')!r}: an address with a sha256 is needed. "
            "Make the lock again (make lock) and deploy it."
        )
    return Package(name, version, build, subdir, file, url, sha256, md5, dependencies)


def reachable(packages: Iterable[Package], roots: Iterable[str]) -> tuple[Package, ...]:
    """Those of the packages that the roots need, the roots included; roots that are not locked are left out."""
    by_name = {one.name: one for one in packages}
    waiting, found = [name for name in roots if name in by_name], set()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += [other for other in by_name[name].dependencies if other in by_name]
    return tuple(one for one in by_name.values() if one.name in found)
