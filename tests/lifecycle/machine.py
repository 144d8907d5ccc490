"""What runs inside the simulated instance as its first process: it arranges the machine, then buries the dead.

Started by `instance.py` in namespaces of its own, as root. Takes one argument, JSON:

    {"volume": "/…",        the directory that is the persistent volume
     "keep": ["/…"],        what of this machine must stay readable by everybody, wherever it lies (interpreters)
     "systemd": false,      systemd is the first process, as on a real instance
     "read_only": false,    the volume is mounted so
     "hidden": ["python3*"],  programs that the machine shall not have
     "files": {"/home/ec2-user/…": ["mode", "text"]}, "links": {"/place": "target"}}
"""

# ruff: noqa: S108, T201 - the directories are the simulated machine's; what is printed is its signal

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import socket
import stat
import struct
import sys
import uuid
from pathlib import Path
from typing import Any

USER, UID = "ec2-user", 61000
HOME = Path("/home") / USER
VOLUME = HOME / "SageMaker"
PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
BIND, REMOUNT, READ_ONLY, PRIVATE, RECURSIVE = 4096, 32, 1, 1 << 18, 16384
SYSTEMD = "/lib/systemd/systemd"
libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: Path, kind: str = "", flags: int = 0, options: str = "") -> None:
    """mount(2)."""
    if libc.mount(source.encode(), str(target).encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()):
        number = ctypes.get_errno()
        raise OSError(number, f"mount {source} on {target}: {os.strerror(number)}")


def cover(place: Path, keep: list[Path]) -> None:
    """An empty place instead of what lies there, but for the paths to keep below it."""
    if not place.is_dir():
        return
    kept = {path: os.open(path, os.O_PATH) for path in keep if path.is_relative_to(place)}
    mount("none", place, "tmpfs", options="mode=755")
    for path, descriptor in kept.items():
        path.mkdir(parents=True)
        mount(f"/proc/self/fd/{descriptor}", path, flags=BIND | RECURSIVE)
        os.close(descriptor)


def first_closed(path: Path) -> Path | None:
    """The topmost directory on the way to a path that others than its owner cannot go through."""
    for place in [*reversed(path.parents), path]:
        if not place.stat().st_mode & stat.S_IXOTH:
            return place
    return None


def over_file(original: Path, text: str) -> None:
    """Another content for one file of the machine."""
    new = Path("/mnt") / original.name
    new.write_text(text)
    mount(str(new), original, flags=BIND)


def furnish(plan: dict[str, Any]) -> None:
    """The files that are asked for, and the user as the owner of everything at home."""
    for place, (mode, text) in plan["files"].items():
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        Path(place).write_text(text)
        Path(place).chmod(int(mode, 8))
    for place, target in plan["links"].items():
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        Path(place).symlink_to(target)
    for folder, _, files in os.walk(HOME):
        if Path(folder).is_relative_to(VOLUME):
            continue
        for name in [".", *files]:
            os.chown(Path(folder) / name, UID, UID, follow_symlinks=False)


def arrange(plan: dict[str, Any]) -> None:
    """The machine's directories, its user, its volume, its network."""
    mount("none", Path("/"), flags=PRIVATE | RECURSIVE)
    mount("proc", Path("/proc"), "proc")
    keep = [Path(path) for path in plan["keep"]]
    volume = os.open(plan["volume"], os.O_PATH)
    for path in keep:
        closed = first_closed(path)
        if closed is not None:
            cover(closed, keep)
    # The last one is first on the scripts' PATH: a place for programs that this machine has not.
    for name in ("/home", "/mnt", "/tmp", "/var/tmp", "/run", "/dev/shm", "/usr/local/sbin"):
        cover(Path(name), keep)
    for name in ("/tmp", "/var/tmp", "/dev/shm"):
        Path(name).chmod(0o1777)
    over_file(Path("/etc/passwd"), f"{Path('/etc/passwd').read_text()}{USER}:x:{UID}:{UID}::{HOME}:/bin/bash\n")
    over_file(Path("/etc/group"), f"{Path('/etc/group').read_text()}{USER}:x:{UID}:\n")
    over_file(Path("/proc/sys/kernel/random/boot_id"), f"{uuid.uuid4()}\n")
    VOLUME.mkdir(parents=True)
    mount(f"/proc/self/fd/{volume}", VOLUME, flags=BIND)
    os.chown(VOLUME, UID, UID)
    if plan["read_only"]:
        mount("none", VOLUME, flags=BIND | REMOUNT | READ_ONLY)
    for pattern in plan["hidden"]:
        for place in {found.resolve() for name in PATH for found in Path(name).glob(pattern)}:
            over_file(place, "")
    furnish(plan)
    link_up()
    socket.sethostname("instance")


def become_systemd() -> None:
    """Hand over to systemd, in a cgroup of its own, with nothing to start."""
    mount("/proc/sys", Path("/proc/sys"), flags=BIND | RECURSIVE)
    mount("none", Path("/proc/sys"), flags=BIND | REMOUNT | READ_ONLY)
    groups = Path("/mnt/cgroup")
    groups.mkdir()
    mount("none", groups, "cgroup2")
    for left in sorted(groups.glob("segwidgets-*/**/"), reverse=True):
        with contextlib.suppress(OSError):  # busy: another instance's
            left.rmdir()
    own = groups / f"segwidgets-{uuid.uuid4()}"
    own.mkdir()
    (own / "cgroup.procs").write_text("0")
    if libc.unshare(0x02000000):  # CLONE_NEWCGROUP
        raise OSError(ctypes.get_errno(), "unshare")
    libc.umount2(b"/sys/fs/cgroup", 2)
    mount("none", Path("/sys/fs/cgroup"), "cgroup2")
    for name in ("/run/lock", "/run/systemd/system"):
        Path(name).mkdir(parents=True)
    Path("/run/systemd/system/only.target").write_text("[Unit]\nDefaultDependencies=no\n")
    options = ["--system", "--unit=only.target", "--log-target=null", "--show-status=0"]
    os.execve(SYSTEMD, [SYSTEMD, *options], {"container": "simulated", "PATH": "/usr/sbin:/usr/bin"})  # noqa: S606


def link_up(up: bool = True) -> None:
    """The loopback device, which is all the network there is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 0x1 if up else 0))  # SIOCSIFFLAGS


def bury() -> None:
    """What a first process is for: nobody stays a zombie, so that a dead process reads as dead."""
    while True:
        signal.sigwait({signal.SIGCHLD})
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    machine = json.loads(sys.argv[1])
    arrange(machine)
    print("up", flush=True)
    if machine["systemd"]:
        become_systemd()
    bury()
