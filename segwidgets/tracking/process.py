"""Whether a process of this machine still runs, told apart from a later one that was given the same number."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """What changes when the machine is started anew; empty where the system does not say."""
    with contextlib.suppress(OSError):
        return _BOOT.read_text().strip()
    return ""


def started(pid: int) -> str | None:
    """When process ``pid`` was started, in the system's own words; None when there is no such process.

    A zombie, a process that has ended but was not waited for, counts as none.
    """
    if not Path("/proc/self/stat").exists():
        return _started_by_ps(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # proc(5): the second field is the command in brackets and may hold anything; state is the 3rd, start time the 22nd.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else fields[19]


def _started_by_ps(pid: int) -> str | None:
    """The same on macOS, which has no /proc."""
    shown = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=1)
    return None if len(shown) < 2 or shown[0].startswith("Z") else shown[1].strip()


def identity(pid: int | None = None) -> dict[str, str | int]:
    """What names a process for good: its number, its start time and the machine's boot. This one's by default."""
    number = os.getpid() if pid is None else pid
    return {"pid": number, "started": started(number) or "", "boot": boot_id()}
