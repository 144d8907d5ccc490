"""The two scripts of a lifecycle configuration: filled in, and held against what SageMaker takes."""

from __future__ import annotations

import base64
import difflib
import re
from collections.abc import Mapping

from segwidgets.lifecycle import files
from segwidgets.lifecycle.errors import LifecycleError

#: Bytes of a script, and characters of it in base64.
MOST_BYTES = 12_288
MOST_CHARACTERS = 16_384
#: The hook's name in SageMaker, and the script that it gets.
HOOKS = {"OnCreate": files.ON_CREATE, "OnStart": files.ON_START}
URI_LINE, SHA256_LINE = b"BUNDLE_URI=''\n", b"BUNDLE_SHA256=''\n"

#: What stands between bash's single quotes may hold anything but those; this is what S3 and a volume call a file.
_URI = re.compile(r"(?:s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?/[\w!.()/@=+~ -]+", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_OURS = b"\n# segwidgets: "


def filled(uri: str, sha256: str) -> dict[str, bytes]:
    """The scripts by their hook, each with the bundle's address and checksum.

    Raises:
        LifecycleError: a script is missing, or is not as SageMaker takes it.
    """
    if not _URI.fullmatch(uri):
        raise LifecycleError(
            f"the bundle's address {uri!r} is not allowed: s3://bucket/key, or a full path on the instance's volume, "
            "of letters (a to z), digits and !-_.()/@=+~ only."
        )
    if not _SHA256.fullmatch(sha256):
        raise LifecycleError(f"the bundle's checksum {sha256!r} is not allowed: it is 64 hexadecimal digits.")
    made = {}
    for hook, name in HOOKS.items():
        before, between, after = parts(name)
        made[hook] = b"".join((before, uri.encode(), between, sha256.encode(), after))
        check(name, made[hook])
    return made


def parts(name: str) -> tuple[bytes, bytes, bytes]:
    """A script as what stands before the bundle's address, between that and its checksum, and after it.

    Raises:
        LifecycleError: it does not have the two lines, once each, one after the other.
    """
    text = files.text(name)
    lines = URI_LINE + SHA256_LINE
    if text.count(lines) != 1 or text.count(b"\nBUNDLE_URI=") != 1 or text.count(b"\nBUNDLE_SHA256=") != 1:
        raise LifecycleError(
            f"{files.path(name)} must have the lines BUNDLE_URI='' and BUNDLE_SHA256='' once, one after the other."
        )
    before, _, after = text.partition(lines)
    return before + b"BUNDLE_URI='", b"'\nBUNDLE_SHA256='", b"'\n" + after


def check(name: str, text: bytes) -> None:
    """LifecycleError where SageMaker would refuse a script, or an instance could not run it."""
    for wrong in wrongs(text):
        raise LifecycleError(f"{name} cannot be deployed: {wrong}")


def wrongs(text: bytes) -> list[str]:
    """What is wrong with a script, in words."""
    found = []
    encoded = len(base64.b64encode(text))
    if len(text) > MOST_BYTES or encoded > MOST_CHARACTERS:
        found.append(
            f"it has {len(text):,} bytes, {encoded:,} characters in base64. SageMaker takes {MOST_BYTES:,} and "
            f"{MOST_CHARACTERS:,}: give the bundle a shorter address (--prefix), or shorten the script."
        )
    if not text.startswith(b"#!/"):
        found.append("it does not begin with #! and a program, so nothing would run it.")
    if b"\r" in text:
        found.append("its lines end with CR LF, or hold a CR: save it with LF.")
    if b"\0" in text:
        found.append("it holds a NUL byte, as of UTF-16: save it as UTF-8.")
    if not text.endswith(b"\n"):
        found.append("its last line does not end.")
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        found.append(f"it is not UTF-8 (byte {error.start:,}).")
    return found


def encoded(text: bytes) -> str:
    """As SageMaker wants it."""
    return base64.b64encode(text).decode()


def decoded(hooks: Mapping[str, object]) -> dict[str, bytes]:
    """The scripts of a configuration that SageMaker describes; an empty one for a hook that it does not have."""
    found = {}
    for hook in HOOKS:
        entries = hooks.get(hook)
        content = str(entries[0].get("Content") or "") if isinstance(entries, list) and entries else ""
        try:
            found[hook] = base64.b64decode(content)
        except ValueError:  # not base64: it differs from ours, whatever it is
            found[hook] = content.encode()
    return found


def is_ours(text: bytes) -> bool:
    """Whether a script is one of segwidgets', of whatever version."""
    return _OURS in text[:200].replace(b"\r\n", b"\n")


def diff(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> str:
    """What changes in the scripts, as a unified diff; "" where nothing does."""
    found: list[str] = []
    for hook, name in HOOKS.items():
        old, new = (one.get(hook, b"").decode("utf-8", "replace").splitlines() for one in (before, after))
        now = f"{name} (in AWS)" if before.get(hook) else "/dev/null"
        to_be = f"{name} (to be)" if after.get(hook) else "/dev/null"
        found += difflib.unified_diff(old, new, now, to_be, lineterm="")
    return "\n".join(found)
