"""A SageMaker notebook instance, simulated by namespaces of this machine.

Processes, mounts, network and host name are its own. It has an `ec2-user`, a home that is empty but for the persistent
volume, and a loopback network. Scripts run as root with SageMaker's PATH and an empty environment. A stop kills every
process at once and takes away all that was written outside the volume. `machine.py` is the half that runs inside.

What it is not: no GPU, no CloudWatch, no Jupyter server, and the kernel and glibc are this machine's.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

HOME = Path("/home/ec2-user")
VOLUME = HOME / "SageMaker"
KERNELS = HOME / ".local/share/jupyter/kernels"
SERVER = HOME / "anaconda3/envs/JupyterSystemEnv"
PACKAGES = Path(f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages")
ROOT_PATH = "/sbin:bin:/usr/sbin:/usr/bin"
UID = 61000
NAMESPACES = ("--mount", "--pid", "--net", "--ipc", "--uts")
SCRIPTS = Path(__file__).parents[2] / "lifecycle"


def require_namespaces() -> None:
    """Skip where no instance can be simulated; fail there under CI, which has to have root."""
    if os.geteuid() != 0:
        reason = "The simulated instance needs root: it makes namespaces and mounts."
    else:
        tried = subprocess.run(
            ["unshare", *NAMESPACES, "--fork", "mount", "-t", "tmpfs", "none", "/mnt"],
            capture_output=True,
            text=True,
            check=False,
        )
        if not tried.returncode:
            return
        reason = f"The simulated instance needs namespaces and mounts, and this machine refuses: {tried.stderr.strip()}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _topmost(*places: Path) -> list[str]:
    """The places that do not lie in another one of them, which brings them along."""
    return sorted(
        {str(one) for one in places if not any(one.is_relative_to(other) and one != other for other in places)}
    )


@dataclass
class Started:
    """What the caller of a lifecycle script saw."""

    seconds: float
    output: str
    code: int
    inherited: int
    """The read end of a pipe whose write end the script got as an additional descriptor."""

    def inherited_is_closed(self, within: float = 5.0) -> bool:
        """Whether nobody holds the additional descriptor any more."""
        os.set_blocking(self.inherited, False)
        end = time.monotonic() + within
        while time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                return os.read(self.inherited, 1) == b""
            time.sleep(0.01)
        return False


class SmallVolume:
    """A volume with an end: a tmpfs of so many bytes and inodes. It outlives stops, and goes with the test."""

    def __init__(self, size: str, inodes: int = 0) -> None:
        make = f"mount -t tmpfs -o {self._options(size, inodes)} none /mnt && echo && exec sleep inf"
        self._holder = subprocess.Popen(["unshare", "--mount", "sh", "-c", make], stdout=subprocess.PIPE)
        assert self._holder.stdout
        assert self._holder.stdout.readline(), "the small volume could not be made"

    @staticmethod
    def _options(size: str, inodes: int) -> str:
        return f"size={size},nr_inodes={inodes},mode=755"

    @property
    def path(self) -> Path:
        """Where this process sees it."""
        return Path(f"/proc/{self._holder.pid}/root/mnt")

    def enter(self) -> list[str]:
        """What comes before a command that shall see it at /mnt."""
        return ["nsenter", f"--target={self._holder.pid}", "--mount", "--"]

    def resize(self, size: str, inodes: int = 0) -> None:
        """More room, or less."""
        command = ["mount", "-o", f"remount,{self._options(size, inodes)}", "/mnt"]
        subprocess.run([*self.enter(), *command], check=True)

    def close(self) -> None:
        """Take it away."""
        self._holder.kill()
        self._holder.communicate()


@dataclass
class Instance:
    """One notebook instance; `start` boots it where it does not run."""

    volume: Path | SmallVolume
    read_only: bool = False
    systemd: bool = False
    """Whether systemd is its first process, as on a real one; else systemd is installed and does not run."""
    python: bool = True
    """Whether there is a Python where notebook instances have theirs."""
    files: dict[str, tuple[str, str]] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    """Programs of this machine that the instance has not: directories of the PATH keep all others."""
    _process: subprocess.Popen[str] | None = None
    _machine: int = 0
    _pipes: list[int] = field(default_factory=list)

    # ---- on and off

    def boot(self) -> None:
        """Switch it on: an empty machine with the volume."""
        assert self._process is None
        small = isinstance(self.volume, SmallVolume)
        base = Path(sys.base_prefix).resolve()
        plan: dict[str, Any] = {
            "volume": "/mnt" if small else str(self.volume),
            "keep": _topmost(base, Path(sys.prefix).resolve(), Path(__file__).parents[2].resolve()),
            "read_only": self.read_only,
            "systemd": self.systemd,
            "files": dict(self.files),
            "links": {},
            "hidden": list(self.hidden),
        }
        if self.python:
            plan["files"][str(SERVER / "pyvenv.cfg")] = ("644", f"home = {base}/bin\n")
            plan["links"][str(SERVER / "bin/python3")] = str(Path(sys.executable).resolve())
            plan["links"][str(SERVER / PACKAGES / "pip")] = str(Path(sys.prefix) / PACKAGES / "pip")
        self._process = subprocess.Popen(
            [
                *(self.volume.enter() if isinstance(self.volume, SmallVolume) else []),
                *("unshare", *NAMESPACES, "--fork", "--kill-child"),
                *(sys.executable, str(Path(__file__).with_name("machine.py")), json.dumps(plan)),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == "up\n", "the machine did not come up; see its error above"
        self._machine = psutil.Process(self._process.pid).children()[0].pid
        end = time.monotonic() + 20
        while self.systemd and not self.path("/run/systemd/private").exists():
            assert time.monotonic() < end, "systemd did not come up"
            time.sleep(0.02)

    def stop(self) -> None:
        """Switch it off: every process dies, and only the volume is left."""
        if self._process is None:
            return
        if self._machine:
            # Its parent ends when it and all that ran inside are gone.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._machine, signal.SIGKILL)
        else:
            self._process.kill()
        self._process.wait()
        self._machine = 0
        assert self._process.stdout
        self._process.stdout.close()
        self._process = None
        while self._pipes:
            os.close(self._pipes.pop())

    def inside(self, command: list[str], *, user: bool = False) -> list[str]:
        """The command line that runs a command in the instance, as root or as ec2-user, with an empty environment."""
        assert self._process is not None, "the instance is off"
        names = [f"PATH={ROOT_PATH}"]
        if user:
            names = [f"HOME={HOME}", "USER=ec2-user", "PATH=/usr/local/bin:/usr/bin:/bin"]
        become = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--init-groups"] if user else []
        return ["nsenter", f"--target={self._machine}", *NAMESPACES, "--", *become, "env", "-i", *names, *command]

    def run(self, command: list[str], *, user: bool = True, check: bool = True) -> str:
        """Run a command to its end; what it printed."""
        done = subprocess.run(self.inside(command, user=user), capture_output=True, text=True, check=False, timeout=120)
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def path(self, inside: Path | str) -> Path:
        """Where this process finds a path of the running instance."""
        return Path(f"/proc/{self._machine}/root{inside}")

    # ---- what a lifecycle configuration does

    def begin(self, script: str) -> Callable[[], Started]:
        """Run a lifecycle script as SageMaker does; the answer waits for its end and for the end of its output."""
        if self._process is None:
            self.boot()
        place = self.path(f"/run/script-{time.monotonic_ns()}")
        place.write_text(script, newline="")
        inherited, additional = os.pipe()
        self._pipes.append(inherited)
        began = time.monotonic()
        process = subprocess.Popen(
            self.inside(["/bin/bash", f"/run/{place.name}"]),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=[additional],
        )
        os.close(additional)

        def end() -> Started:
            # Reading to the end is what a caller with a pipe does: it waits here while a detached process holds it.
            output, _ = process.communicate(timeout=60)
            place.unlink(missing_ok=True)
            return Started(time.monotonic() - began, output, process.returncode, inherited)

        return end

    def start(self, script: str | None = None) -> Started:
        """Run on-start (or another script) and come back when its caller would."""
        return self.begin(SCRIPTS.joinpath("on-start.sh").read_text() if script is None else script)()

    # ---- what can be seen from outside

    @property
    def kernel_dir(self) -> Path:
        """The restore's directory, whether the instance runs or not."""
        volume = self.volume.path if isinstance(self.volume, SmallVolume) else self.volume
        return volume / ".rapids-kernel"

    def status(self) -> dict[str, Any]:
        """status.json as it lies there; empty where it does not."""
        try:
            value: dict[str, Any] = json.loads(self.kernel_dir.joinpath("status.json").read_text())
        except FileNotFoundError:
            return {}
        return value

    def log(self) -> str:
        """The restore's log."""
        place = self.kernel_dir / "restore.log"
        return place.read_text() if place.exists() else ""

    def wait_for(self, *states: str, phase: str | None = None, timeout: float = 90, since: float = 0) -> dict[str, Any]:
        """The status, as soon as it has one of these states (and the phase)."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            now = self.status()
            if now.get("state") in states and phase in {None, now["phase"]} and now["updated"] >= since:
                return now
            if now.get("finished") and not self.processes():
                break
            time.sleep(0.002 if phase else 0.02)
        pytest.fail(f"not {' or '.join(states)} {phase or ''} after {timeout} s, but {self.status()}\n{self.log()}")

    def processes(self) -> list[psutil.Process]:
        """All that runs inside, but for the machine itself."""
        return psutil.Process(self._machine).children(recursive=True)

    def wait_until_quiet(self, timeout: float = 90) -> None:
        """Until nothing runs inside any more."""
        end = time.monotonic() + timeout
        # Whatever runs inside descends from a child of the first process. To ask the kernel for these costs next to
        # nothing; to look through all processes of the machine, fifty times a second, takes the time of what runs.
        children = Path(f"/proc/{self._machine}/task/{self._machine}/children")
        while (children.exists() and children.read_text()) or self.processes():
            assert time.monotonic() < end, f"still running after {timeout} s: {self.processes()}\n{self.log()}"
            time.sleep(0.02)

    def kill(self, number: int = signal.SIGKILL, *, only: str = "") -> None:
        """Send a signal to everything that runs inside, or to the processes with a word in their command line."""
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                if only in " ".join(process.cmdline()):
                    process.send_signal(number)

    def kernels(self) -> dict[str, dict[str, Any]]:
        """The registered kernels by name."""
        found = self.path(KERNELS).glob("*/kernel.json")
        return {place.parent.name: json.loads(place.read_text()) for place in found}

    def run_cell(self, kernel: str, code: str) -> str:
        """Start a registered kernel as ec2-user through jupyter_client, run a cell, and give what it printed."""
        return self.run(
            [sys.executable, str(Path(__file__).with_name("cell.py")), str(KERNELS), kernel, code], user=False
        ).strip()

    def registered_are_whole(self, code: str = "print(6 * 7)", prints: str = "42") -> set[str]:
        """The names of the registered kernels, each of which stands on a finished environment and runs a cell."""
        names = self.kernels()
        for name, spec in names.items():
            python = Path(spec["argv"][0])
            inside = next(parent for parent in python.parents if parent.parent.name == "envs")
            assert self.path(inside / ".complete").exists(), f"{name} is registered on {inside}, which is half-built"
        with ThreadPoolExecutor() as cells:
            printed = dict(zip(names, cells.map(lambda name: self.run_cell(name, code), names), strict=True))
        assert printed == dict.fromkeys(names, prints)
        return set(names)

    # ---- the network

    def listener(self, port: int) -> socket.socket:
        """A socket that listens inside the instance, to be served by this process."""
        made: list[socket.socket] = []

        def make() -> None:
            with Path(f"/proc/{self._machine}/ns/net").open() as space:
                if ctypes.CDLL(None, use_errno=True).setns(space.fileno(), 0):
                    raise OSError(ctypes.get_errno(), "setns")
            made.append(socket.create_server(("127.0.0.1", port)))

        # Only the thread that calls it changes its network, and a socket stays where it was made.
        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        return made[0]


@contextlib.contextmanager
def running(instance: Instance) -> Iterator[Instance]:
    """The instance, switched off in the end whatever happens."""
    try:
        yield instance
    finally:
        instance.stop()
