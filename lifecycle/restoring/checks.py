"""What the machine must have before a restore begins, each refusal in plain words with the way out."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
import re
import secrets
import shutil
import subprocess
from pathlib import Path

from .errors import RestoreError
from .layout import Layout

#: The oldest driver with which CUDA 12 runs (docs.rapids.ai, platform support).
LEAST_DRIVER = (535,)
LEAST_GLIBC = (2, 28)
#: Bytes that a restore of everything takes on the volume: packages, both environments (linked, not copied) and wheels.
FULL_BYTES, SMALL_BYTES = 14 << 30, 3 << 30
LEAST_INODES = 250_000
#: Families that notebook-al2023-v1 cannot run (AWS's documentation of the platform).
_NOT_ON_AL2023 = re.compile(r"ml\.(p2|p3|p3dn|inf1|g3)\.")
_METADATA = Path("/opt/ml/metadata/resource-metadata.json")


@dataclasses.dataclass(frozen=True)
class Machine:
    """``driver`` and ``gpu``: None where none answers. ``instance_type``: None where the machine does not tell.

    ``no_gpu``: why the RAPIDS kernel cannot run here, "" where it can.
    """

    driver: str | None
    gpu: str | None
    instance_type: str | None
    no_gpu: str


@dataclasses.dataclass(frozen=True)
class Needs:
    """Bytes and inodes that a restore takes of the volume."""

    bytes: int
    inodes: int


def look() -> Machine:
    """What machine this is. Takes seconds at the most and never fails."""
    driver, gpu = _driver(), None
    if driver is not None:
        gpu = _asked("name")
    instance = _instance_type()
    return Machine(driver, gpu, instance, _why_no_gpu(driver, instance))


def _driver() -> str | None:
    with contextlib.suppress(OSError):
        match = re.search(
            r"Kernel Module\s+(?:for \S+\s+)?(\d+[\d.]*)", Path("/proc/driver/nvidia/version").read_text()
        )
        if match:
            return match[1]
    return _asked("driver_version")


def _asked(what: str) -> str | None:
    """What nvidia-smi says of the first GPU."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(
            ["nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            stdin=subprocess.DEVNULL,
        ).stdout.splitlines()
        return said[0].strip() or None if said else None
    return None


def _instance_type() -> str | None:
    for name in ("SEGWIDGETS_INSTANCE_TYPE",):
        if os.environ.get(name):
            return os.environ[name]
    with contextlib.suppress(OSError, ValueError):
        said = json.loads(_METADATA.read_text("utf-8"))
        for name in ("InstanceType", "ResourceType", "instance_type"):
            if isinstance(said, dict) and str(said.get(name, "")).startswith("ml."):
                return str(said[name])
    return None


def _why_no_gpu(driver: str | None, instance: str | None) -> str:
    if driver is None:
        kind = f" {instance}" if instance else ""
        odd = instance is not None and _NOT_ON_AL2023.match(instance)
        more = " The platform notebook-al2023-v1 has no driver for this family." if odd else ""
        return (
            f"No NVIDIA GPU answers on this instance{kind}.{more} The CPU kernel is there; for RAPIDS take an instance "
            "with a GPU, such as ml.g4dn.xlarge, ml.g5.xlarge or ml.g6.xlarge."
        )
    number = tuple(int(part) for part in re.findall(r"\d+", driver))
    if number < LEAST_DRIVER:
        return (
            f"The NVIDIA driver {driver} is too old: CUDA 12 needs {LEAST_DRIVER[0]} or newer. Stop the instance and "
            "start it again to get its newest driver, or take the platform notebook-al2023-v1. The CPU kernel is there."
        )
    return ""


def check_system() -> None:
    """Raise RestoreError where no kernel of the lock can run on this system at all."""
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64"):
        raise RestoreError(
            f"The lock is for Linux on x86-64, and this is {system} on {machine}. Take an instance type with an Intel "
            "or AMD processor."
        )
    name, version = platform.libc_ver()
    number = tuple(int(part) for part in re.findall(r"\d+", version))
    if name == "glibc" and number and number < LEAST_GLIBC:
        raise RestoreError(
            f"glibc {version} is too old: RAPIDS needs {'.'.join(map(str, LEAST_GLIBC))} or newer. Make the instance "
            "anew with the platform notebook-al2023-v1."
        )


def check_writable(layout: Layout) -> None:
    """Raise RestoreError where the volume takes no files."""
    probe = layout.top / f".write-{secrets.token_hex(4)}.new"
    try:
        layout.top.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise RestoreError(
            f"The volume cannot be written to ({layout.top}: {error.strerror}). Stop the instance and start it again; "
            "if that does not help, look at the volume's state in the console."
        ) from None


def check_room(layout: Layout, needs: Needs) -> None:
    """Raise RestoreError where the volume has too little room for a restore."""
    free = shutil.disk_usage(layout.top).free
    if free < needs.bytes:
        raise RestoreError(
            f"The volume has {free / 2**30:.1f} GB free, and the restore needs about {needs.bytes / 2**30:.1f} GB. "
            "Delete what is not needed under /home/ec2-user/SageMaker, or stop the instance and give it a larger "
            "volume (50 GB)."
        )
    inodes = os.statvfs(layout.top)
    # A file system without a fixed number of inodes says 0 of 0.
    if inodes.f_files and inodes.f_favail < needs.inodes:
        raise RestoreError(
            f"The volume has room for {inodes.f_favail:,} files more, and the restore needs about {needs.inodes:,}. "
            "Delete directories with many small files, or stop the instance and give it a larger volume (50 GB)."
        )


def needs_of(packages: int, of: int) -> Needs:
    """What a restore of some of the packages takes, by how many of a full lock of ``of`` they are."""
    # Measured on the full lock: the figures above. A small lock (a test's, an own one) takes its share.
    share = min(1.0, packages / max(of, 1)) if of >= _FULL_LOCK else packages / _FULL_LOCK
    return Needs(int(FULL_BYTES * share), int(LEAST_INODES * share))


#: Packages of the lock that the figures above were estimated for.
_FULL_LOCK = 280
