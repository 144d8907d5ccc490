"""How the restore of the kernels stands, read from the files that it writes on the instance's volume.

Standard library only, and Python 3.10: the Jupyter server's half reads it. Nothing here raises for what lies in the
files: one that is missing, half written or of a later version is an answer, too.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: The version of ``status.json`` that is read here.
VERSION = 1
#: What a restore says of itself, and what only a reader can say: there is no file, or none that can be read.
STATES = ("restoring", "ready", "degraded", "failed", "none", "unreadable")
LOG = "restore.log"

_SAID = STATES[:4]
_STATUS = "status.json"
_USUAL = Path("/home/ec2-user/SageMaker/.rapids-kernel")
_BOOT = Path("/proc/sys/kernel/random/boot_id")
#: Bytes; a status has about a thousand.
_LARGEST = 1_000_000
_NO_RESTORE = (
    "No restore has run here. On a notebook instance its lifecycle configuration starts it: "
    "segwidgets lifecycle deploy NAME --instance INSTANCE."
)
_INTERRUPTED = (
    "The restore was interrupted while it was at {phase!r}. It starts again with the instance, or with retry: {retry}."
)


@dataclasses.dataclass(frozen=True)
class KernelStatus:
    """What ``status.json`` says; times are seconds since 1970, ``rate`` bytes a second, ``seconds_left`` seconds.

    ``state`` is one of `STATES`. ready: the RAPIDS kernel is registered. degraded: it is not, but an older one or the
    CPU kernel is. failed: there is nothing to work with. ``kernels`` has ``rapids`` and ``cpu``: each None, or its
    kernelspec's ``name`` and the directory ``env``. ``reason`` says in words what went wrong, and the way out.
    """

    state: str
    phase: str = ""
    started: float | None = None
    updated: float | None = None
    finished: float | None = None
    packages: Mapping[str, int] = dataclasses.field(default_factory=lambda: {"done": 0, "all": 0})
    bytes: Mapping[str, int] = dataclasses.field(default_factory=lambda: {"done": 0, "all": 0})
    rate: float | None = None
    seconds_left: float | None = None
    fraction: float | None = None
    key: str = ""
    warm: bool = False
    kernels: Mapping[str, Mapping[str, str] | None] = dataclasses.field(
        default_factory=lambda: {"rapids": None, "cpu": None}
    )
    driver: str | None = None
    gpu: str | None = None
    instance_type: str | None = None
    reason: str = ""
    log: str = ""
    pid: int | None = None
    boot: str = ""

    def line(self) -> str:
        """In a few words, for a status bar: ``ready``, ``restoring 43 % (2 min left)``."""
        if self.state == "restoring":
            return self._restoring()
        if self.state == "degraded":
            return "degraded, " + ("an older RAPIDS kernel" if self.kernels.get("rapids") else "the CPU kernel only")
        return {"none": "not restored here", "unreadable": "status unreadable"}.get(self.state, self.state)

    def _restoring(self) -> str:
        if self.fraction is None:
            return f"restoring ({self.phase})" if self.phase else "restoring"
        # 100 % would be ready.
        far = f"restoring {min(99, math.floor(100 * self.fraction))} %"
        return far if self.seconds_left is None else f"{far} ({_span(self.seconds_left)} left)"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as the file has them."""
        return {"version": VERSION, **dataclasses.asdict(self)}


def kernel_dir() -> Path:
    """Where the restore keeps everything: ``$SEGWIDGETS_KERNEL_DIR``, else the usual place on an instance's volume."""
    given = os.environ.get("SEGWIDGETS_KERNEL_DIR")
    return Path(given).expanduser() if given else _USUAL


def read(directory: Path | None = None) -> KernelStatus:
    """How the restore stands; never raises.

    A restore that says it runs but whose process is gone, or that is of a time before the machine's last start, has
    failed.

    Args:
        directory: the restore's directory; `kernel_dir` by default.
    """
    place = kernel_dir() if directory is None else directory
    file = place / _STATUS
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return KernelStatus("none", reason=_NO_RESTORE)
    except (OSError, ValueError) as error:
        return _unreadable(file, getattr(error, "strerror", None) or str(error))
    if len(content) > _LARGEST:
        return _unreadable(file, f"it has more than {_LARGEST:,} bytes")
    try:
        said = json.loads(content, parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        return _unreadable(file, f"it is not JSON ({error})")
    try:
        return _lives(_parsed(said), place)
    except _WrongError as error:
        return _unreadable(file, str(error))


def tail(directory: Path | None = None, lines: int = 200, limit: int = 256_000) -> list[str]:
    """The last lines of the restore's log; none where there is no log, and the reason where it cannot be read.

    Args:
        directory: the restore's directory; `kernel_dir` by default.
        lines: at most so many.
        limit: bytes that are read from its end at most. A line that this cuts is left out.
    """
    file = (kernel_dir() if directory is None else directory) / LOG
    try:
        with file.open("rb") as opened:
            size = opened.seek(0, os.SEEK_END)
            # One byte more tells whether the first line begins where the reading does.
            opened.seek(max(0, size - limit - 1))
            content = opened.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError) as error:
        return [f"{file} cannot be read: {getattr(error, 'strerror', None) or error}."]
    if size > limit:
        content = content.partition(b"\n")[2]
    found = [line.rstrip("\r") for line in content.decode("utf-8", "replace").split("\n")]
    if found[-1] == "":
        found.pop()
    return found[-lines:] if lines > 0 else []


class _WrongError(Exception):
    """What is wrong with a status, for a sentence that begins with its file."""


def _unreadable(file: Path, why: str) -> KernelStatus:
    return KernelStatus(
        "unreadable",
        reason=f"{file} cannot be read: {why}. The next restore writes it anew: run {file.parent / 'retry'}, or start "
        "the instance again.",
        log=str(file.parent / LOG),
    )


def _not_json(word: str) -> Any:
    raise ValueError(f"it says {word}")


def _lives(status: KernelStatus, place: Path) -> KernelStatus:
    """The status, unless it speaks of a restore that is no more."""
    if status.state != "restoring":
        return status
    boot = _boot()
    earlier = bool(status.boot and boot and status.boot != boot)
    if not earlier and _runs(status.pid):
        return status
    reason = _INTERRUPTED.format(phase=status.phase or "starting", retry=place / "retry")
    return dataclasses.replace(status, state="failed", reason=reason, rate=None, seconds_left=None)


def _boot() -> str:
    """What names the time since this machine's last start; "" where the system does not say."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _runs(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    try:
        # One that has ended and was not waited for is a zombie: "pid (name) Z …", and the name may hold anything.
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[:1] != [b"Z"]
    except OSError:
        return True


# -- the file's values -------------------------------------------------------------------------------------------------


def _parsed(said: Any) -> KernelStatus:
    if not isinstance(said, dict):
        raise _WrongError("it is not a table of values")
    version = said.get("version")
    if isinstance(version, int) and version > VERSION:
        raise _WrongError(
            f"it is of version {version}, and this segwidgets reads version {VERSION} (install the segwidgets that the "
            "restore brought)"
        )
    if version != VERSION or isinstance(version, bool):
        raise _WrongError(f"its version is {_shown(version)}, not {VERSION}")
    state = said.get("state")
    if state not in _SAID:
        raise _WrongError(f"its state is {_shown(state)}, not one of {', '.join(_SAID)}")
    fraction = _number(said, "fraction")
    pid = _number(said, "pid")
    return KernelStatus(
        state=str(state),
        phase=_text(said, "phase") or "",
        started=_number(said, "started"),
        updated=_number(said, "updated"),
        finished=_number(said, "finished"),
        packages=_count(said, "packages"),
        bytes=_count(said, "bytes"),
        rate=_number(said, "rate"),
        seconds_left=_number(said, "seconds_left"),
        fraction=None if fraction is None else min(1.0, max(0.0, fraction)),
        key=_text(said, "key") or "",
        warm=said.get("warm") is True,
        kernels=_kernels(said.get("kernels")),
        driver=_text(said, "driver"),
        gpu=_text(said, "gpu"),
        instance_type=_text(said, "instance_type"),
        reason=_text(said, "reason") or "",
        log=_text(said, "log") or "",
        # Signals to 0 and below go to whole groups of processes.
        pid=None if pid is None or pid < 1 else int(pid),
        boot=_text(said, "boot") or "",
    )


def _number(said: Mapping[str, Any], name: str) -> float | None:
    value = said.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        raise _WrongError(f"its {name} is {_shown(value)}, not a number")
    return value


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False


def _text(said: Mapping[str, Any], name: str) -> str | None:
    value = said.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise _WrongError(f"its {name} is {_shown(value)}, not a text")
    # JSON can write half of a pair of surrogates, which nothing can print.
    return value.encode("utf-8", "replace").decode()


def _count(said: Mapping[str, Any], name: str) -> dict[str, int]:
    value = said.get(name)
    if not isinstance(value, dict):
        if value is not None:
            raise _WrongError(f"its {name} is {_shown(value)}, not a table of done and all")
        value = {}
    return {part: int(_number(value, part) or 0) for part in ("done", "all")}


def _kernels(value: Any) -> dict[str, Mapping[str, str] | None]:
    if value is not None and not isinstance(value, dict):
        raise _WrongError(f"its kernels are {_shown(value)}, not a table")
    found: dict[str, Mapping[str, str] | None] = {}
    for kind in ("rapids", "cpu"):
        one = (value or {}).get(kind)
        if one is None:
            found[kind] = None
        elif isinstance(one, dict):
            found[kind] = {part: _text(one, part) or "" for part in ("name", "env")}
        else:
            raise _WrongError(f"its {kind} kernel is {_shown(one)}, not a table")
    return found


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _span(seconds: float) -> str:
    """A time in one unit, rounded up so that it does not end before it is over."""
    whole = max(1, math.ceil(seconds))
    if whole < 60:
        return f"{whole} s"
    return f"{math.ceil(whole / 60)} min" if whole < 5_400 else f"{math.ceil(whole / 3_600)} h"
