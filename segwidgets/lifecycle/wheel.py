"""A wheel of the segwidgets that runs here: made from its checkout, or put together again from what was installed."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.metadata
import importlib.util
import io
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from segwidgets.lifecycle import files
from segwidgets.lifecycle.errors import LifecycleError

_NAME = re.compile(r"segwidgets-(?P<version>[A-Za-z0-9_.!+]+)-py3-none-any\.whl")
#: The first moment that a zip can tell. Every file has it: the same installation gives the same bytes.
_TIME = (1980, 1, 1, 0, 0, 0)
#: Seconds since 1970, for the builder: 2020-02-02, which is what hatchling takes by itself.
_EPOCH = "1580601600"
#: What an installer adds to a wheel's files.
_INSTALLERS = {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json"}


def wheel(given: Path | None = None) -> tuple[str, bytes]:
    """A wheel's name and content: the given one's, else that of the segwidgets that runs here.

    Raises:
        LifecycleError: the given file is no wheel of segwidgets, or none can be made here.
    """
    if given is not None:
        return _given(given)
    root = files.checkout()
    return repacked() if root is None else _made(root)


def version_of(name: str) -> str:
    """The version in a wheel's name; LifecycleError where it is no wheel of segwidgets."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise LifecycleError(f"{name!r} is no wheel of segwidgets: it is named like segwidgets-1.0-py3-none-any.whl.")
    return found["version"]


def _given(path: Path) -> tuple[str, bytes]:
    version_of(path.name)
    if not path.is_file() or not zipfile.is_zipfile(path):
        raise LifecycleError(f"wheel={str(path)!r} is not a wheel: give the path of a file that ends with .whl.")
    return path.name, path.read_bytes()


def _made(root: Path) -> tuple[str, bytes]:
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", place, str(root)]
        if importlib.util.find_spec("hatchling") is not None:  # then it needs no network
            command.insert(-1, "--no-build-isolation")
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, "SOURCE_DATE_EPOCH": _EPOCH, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            text=True,
            errors="replace",
            check=False,
        )
        found = sorted(Path(place).glob("*.whl"))
        if done.returncode != 0 or not found:
            said = " ".join((done.stderr or done.stdout).split())[-600:]
            raise LifecycleError(
                f"no wheel could be made from {root}: {said} Without a network, install hatchling here first, or give "
                "a wheel (--wheel segwidgets-….whl)."
            )
        version_of(found[0].name)
        return found[0].name, found[0].read_bytes()


# -- from what was installed -------------------------------------------------------------------------------------------


def repacked(distribution: importlib.metadata.Distribution | None = None) -> tuple[str, bytes]:
    """The wheel that the installed segwidgets came from, as far as it matters: same files, same metadata.

    Args:
        distribution: the installed one; segwidgets' by default.

    Raises:
        LifecycleError: it is not installed as a wheel, or its files were changed or lost since.
    """
    found = _installed() if distribution is None else distribution
    content: dict[str, bytes] = {}
    records = list(found.files or [])
    scripts = {entry.name for entry in found.entry_points if entry.group == "console_scripts"}
    name = f"segwidgets-{found.version}"
    for one in records:
        place = _place(PurePosixPath(one), name, scripts)
        if place is None:
            continue
        try:
            data = Path(str(one.locate())).read_bytes()
        except OSError as error:
            raise _not_whole(f"{one} cannot be read ({error.strerror})") from None
        if one.hash is not None and one.hash.value != _digest(data, one.hash.mode):
            raise _not_whole(f"{one} was changed since")
        content[place] = data
    if f"{name}.dist-info/METADATA" not in content or "segwidgets/__init__.py" not in content:
        raise _not_whole("its record does not list its files, as of an editable installation")
    return f"{name}-py3-none-any.whl", _zipped(content, f"{name}.dist-info/RECORD")


def _installed() -> importlib.metadata.Distribution:
    try:
        return importlib.metadata.distribution("segwidgets")
    except importlib.metadata.PackageNotFoundError:
        raise _not_whole("it is not installed, only importable") from None


def _not_whole(why: str) -> LifecycleError:
    return LifecycleError(
        f"the installed segwidgets cannot be made a wheel: {why}. Install it again with pip, or give its wheel "
        "(--wheel segwidgets-….whl)."
    )


def _place(path: PurePosixPath, name: str, scripts: set[str]) -> str | None:
    """Where an installed file lies in the wheel; None for what an installer makes by itself."""
    parts = [part for part in path.parts if part != ".."]
    if "__pycache__" in parts:
        return None
    if len(parts) == len(path.parts):
        own = parts[0] == f"{name}.dist-info"
        return None if own and parts[-1] in _INSTALLERS else "/".join(parts)
    if parts[0] in {"bin", "Scripts"}:
        return None if PurePosixPath(parts[-1]).stem in scripts else f"{name}.data/scripts/{'/'.join(parts[1:])}"
    return f"{name}.data/data/{'/'.join(parts)}"


def _digest(data: bytes, kind: str = "sha256") -> str:
    return base64.urlsafe_b64encode(hashlib.new(kind, data).digest()).rstrip(b"=").decode()


def _zipped(content: Mapping[str, bytes], record: str) -> bytes:
    """A wheel of these files: sorted, uncompressed (a bundle compresses it), the record last."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    for name in sorted(content):
        writer.writerow([name, f"sha256={_digest(content[name])}", len(content[name])])
    writer.writerow([record, "", ""])
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, data in [*sorted(content.items()), (record, lines.getvalue().encode())]:
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, data)
    return made.getvalue()
