"""The restore from its beginning to its end."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from . import checks, conda, kernels, lockfile, server, sweeping, wheels
from .errors import RestoreError, Stopped
from .kernels import CPU, RAPIDS, Kernel, python_of
from .layout import COMPLETE, Layout, flush_directory, key_of, point, remove_tree, sha256_of, write_if_new, write_whole
from .reporting import Report

READY, NOT_READY = 0, 1
#: What the CPU kernel is made of: these and what they need, of the same lock.
CPU_ROOTS = (
    "python",
    "pip",
    "ipykernel",
    "ipywidgets",
    "anywidget",
    "matplotlib-base",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "scikit-learn",
    "tqdm",
    "umap-learn",
    "boto3",
    "botocore",
    "fsspec",
    "packaging",
    "rich",
)
#: Bytes on the volume for each byte of a packed package: unpacked, and some for wheels and what Python compiles.
_UNPACKED = 4.5


class Restore:
    """One restore of one bundle.

    Args:
        bundle: the unpacked bundle.
        layout: the kernel directory.
        jupyter_data: where kernels are registered.
        server_python: the Jupyter server's interpreter; None looks for it, "" leaves the server alone.
        restart: the command that restarts the server.
        channel_map: (beginning of an address, what to put in its place).
    """

    def __init__(
        self,
        bundle: Path,
        layout: Layout,
        jupyter_data: Path,
        server_python: str | None,
        restart: tuple[str, ...],
        channel_map: Sequence[tuple[str, str]],
    ) -> None:
        self.bundle, self.layout, self.jupyter_data = bundle, layout, jupyter_data
        self._server_python, self._restart, self._map = server_python, restart, channel_map
        self.report = Report(layout)
        self.stop = threading.Event()
        self._registered: dict[str, Any] = {"rapids": None, "cpu": None}

    def run(self) -> int:
        """Do all of it; the exit code."""
        try:
            reason = self._restore()
        except Stopped as error:
            return self._failed(str(error), at_once=True)
        except RestoreError as error:
            return self._failed(str(error))
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            return self._failed(f"{error.strerror or error}{where}. {_way_out(error)}")
        except Exception as error:  # noqa: BLE001 - whatever it is, the status must say it
            import traceback

            self.report.log(traceback.format_exc())
            return self._failed(f"The restore broke: {type(error).__name__}: {error}. The log says where.")
        state = "ready" if self._registered["rapids"] else "degraded"
        self.report.finish(state, reason, kernels=dict(self._registered))
        return READY if state == "ready" else NOT_READY

    def _restore(self) -> str:
        """Returns what is to be said although all went well."""
        report, layout = self.report, self.layout
        report.phase("checking")
        checks.check_writable(layout)
        checks.check_system()
        gone = sweeping.sweep(layout)
        if gone:
            report.log(f"What an earlier restore left half made was deleted: {', '.join(sorted(gone)[:10])}")
        machine = checks.look()
        report.tell(driver=machine.driver, gpu=machine.gpu, instance_type=machine.instance_type)
        self._packages = lockfile.read((self.bundle / "conda-lock.yml").read_text("utf-8"))
        self._wheel = _wheel_of(self.bundle)
        keys = {
            RAPIDS.part: key_of(self.bundle, self._wheel),
            CPU.part: f"cpu{key_of(self.bundle, self._wheel, 'cpu')}",
        }
        report.tell(key=keys[RAPIDS.part])
        self._write_retry()
        wanted = [CPU] if machine.no_gpu else [CPU, RAPIDS]
        there = self._warm({kernel: layout.complete(keys[kernel.part]) for kernel in wanted})
        report.tell(warm=len(there) == len(wanted))
        missing = [kernel for kernel in wanted if kernel not in there]
        if missing:
            self._keep_last_good(missing)
            self._cold(missing, keys)
        said = self._serve()
        report.phase("pruning")
        for name in sweeping.prune(layout, self._used()):
            report.log(f"An old environment was deleted: {name}")
        if machine.no_gpu and self._registered["rapids"]:
            self._registered["rapids"] = None
        return " ".join(part for part in (machine.no_gpu, said) if part)

    # -- what is there already

    def _warm(self, found: dict[Kernel, Path | None]) -> list[Kernel]:
        """Register the kernels whose environments are there and still run."""
        there = {kernel: env for kernel, env in found.items() if env is not None}
        if not there:
            return []
        self.report.phase("smoke test")
        good = []
        with ThreadPoolExecutor(len(there)) as trying:
            for kernel, error in trying.map(lambda one: (one[0], _tried(one[1], one[0])), there.items()):
                if error is None:
                    good.append(kernel)
                    continue
                self.report.log(f"{there[kernel].name} is no good any more and is made anew: {error}")
                (there[kernel] / COMPLETE).unlink(missing_ok=True)
        self.report.phase("registering")
        for kernel in good:
            self._register(kernel, there[kernel])
        return good

    def _keep_last_good(self, missing: Sequence[Kernel]) -> None:
        """Until the new one is there, or if it fails, the last environment that ran stays registered."""
        for kernel in missing:
            last = self._last_good(kernel)
            trouble = "" if last is None else _tried(last, kernel)
            if last is None or trouble is not None:
                if trouble:
                    self.report.log(trouble)
                kernels.withdraw(kernel, self.jupyter_data)
                continue
            self._register(kernel, last, current=False)

    def _last_good(self, kernel: Kernel) -> Path | None:
        places = [
            place
            for place in self.layout.envs.glob("*-*")
            if place.name.startswith("cpu") == (kernel is CPU) and (place / COMPLETE).is_file()
        ]
        if kernel is RAPIDS:
            current = self.layout.current.resolve()
            if current in [place.resolve() for place in places]:
                return current
        return max(places, key=lambda place: (place / COMPLETE).stat().st_mtime, default=None)

    def _used(self) -> Iterator[Path]:
        for said in self._registered.values():
            if said is not None:
                yield Path(said["env"])
        yield self.layout.current

    def _register(self, kernel: Kernel, env: Path, *, current: bool = True) -> None:
        if kernel is RAPIDS and current:
            point(self.layout.current, env)
        self._registered[kernel.part] = kernels.register(kernel, env, self.layout, self.jupyter_data)
        self.report.tell(kernels=dict(self._registered))
        self.report.log(f"The kernel {kernel.name} runs from {env.name}")

    # -- what is made anew

    def _cold(self, missing: Sequence[Kernel], keys: dict[str, str]) -> None:
        report, layout = self.report, self.layout
        layout.envs.mkdir(parents=True, exist_ok=True)
        layout.pkgs.mkdir(parents=True, exist_ok=True)
        report.phase("bootstrap")
        rattler = conda.load_rattler(layout, self.bundle, report)
        report.phase("downloading")
        parts = {CPU: lockfile.reachable(self._packages, CPU_ROOTS), RAPIDS: self._packages}
        wanted = parts[RAPIDS] if RAPIDS in missing else parts[CPU]
        size = conda.sizes([self._mapped(one.url) for one in wanted if not self._cached(one)])
        absent = [one for one in wanted if not self._cached(one)]
        self._check_room(size, len(absent))
        count = conda.Count(report, {one.file: size.get(self._mapped(one.url), 0) for one in absent}, len(wanted))

        def into(kernel: Kernel, env: Path) -> None:
            packages = parts[kernel]
            seen = conda.reporter(rattler, count, {one.name: one.file for one in packages})
            conda.install(rattler, layout, conda.records(rattler, packages, self._mapped), env, seen, report, self.stop)

        with ThreadPoolExecutor(1) as behind:
            pending: Any = None
            envs = {kernel: layout.new(keys[kernel.part]) for kernel in missing}
            try:
                if CPU in missing:
                    report.phase("installing cpu")
                    into(CPU, envs[CPU])
                if RAPIDS in missing:
                    # The network and the disk need not wait while the CPU kernel is tried.
                    pending = behind.submit(into, RAPIDS, envs[RAPIDS])
                if CPU in missing:
                    report.phase("cpu kernel")
                    self._finish(CPU, envs[CPU], keys[CPU.part], quiet=True)
                if pending is not None:
                    report.phase("installing")
                    _joined(pending, self.stop)
                    self._finish(RAPIDS, envs[RAPIDS], keys[RAPIDS.part])
            except BaseException:
                self.stop.set()
                raise
            finally:
                if pending is not None:
                    with contextlib.suppress(Exception):
                        pending.result()
                for env in envs.values():
                    if env.is_dir() and not (env / COMPLETE).is_file():
                        remove_tree(env)

    def _finish(self, kernel: Kernel, env: Path, key: str, *, quiet: bool = False) -> None:
        """From conda packages to a registered kernel."""
        phase: Callable[[str], None] = self.report.log if quiet else self.report.phase
        phase("pip")
        python, folder = python_of(env), self.layout.wheels
        requirements = self.bundle / "requirements.txt"
        wheels.fetch(python, requirements, folder, self.report.log)
        wheels.install(python, requirements, folder, [self._wheel])
        said = {
            "key": key,
            "lock_sha256": sha256_of(self.bundle / "conda-lock.yml"),
            "requirements_sha256": sha256_of(requirements),
        }
        write_whole(env / "share" / "segwidgets" / "lock.json", json.dumps(said, indent=1))
        phase("smoke test")
        kernels.smoke(env, kernel.imports)
        os.sync()  # all of it is on the disk before anything says that it is
        write_whole(env / COMPLETE, key)
        flush_directory(env)
        phase("registering")
        self._register(kernel, env)

    def _mapped(self, address: str) -> str:
        for beginning, other in self._map:
            if address.startswith(beginning):
                return other + address[len(beginning) :]
        return address

    def _cached(self, package: lockfile.Package) -> bool:
        return (self.layout.pkgs / f"{package.name}-{package.version}-{package.build}" / "info").is_dir()

    def _check_room(self, size: dict[str, int], absent: int) -> None:
        known = sum(size.values())
        needs = checks.needs_of(absent, len(self._packages))
        if known:
            needs = checks.Needs(int(_UNPACKED * known), needs.inodes)
        checks.check_room(self.layout, needs)

    # -- around it

    def _serve(self) -> str:
        """The server's half; what is to be said where it did not work out: the kernels are there all the same."""
        python = server.find(self._server_python)
        if python is None:
            self.report.log("No Jupyter server was found whose environment could be furnished.")
            return ""
        self.report.phase("server")
        try:
            if server.furnish(python, self.bundle, self._wheel, self.layout, self.report):
                server.restart(self._restart, self.report)
        except (RestoreError, OSError) as error:
            self.report.log(str(error))
            return f"JupyterLab itself could not be furnished, so widgets may not show: {error}"
        return ""

    def _write_retry(self) -> None:
        """A program that starts this restore again, detached."""
        command = shlex.join([sys.executable, str(self.bundle / "restore.py"), *sys.argv[1:]])
        kept = [
            name for name in ("PATH", "HOME", "USER", "SEGWIDGETS_CHANNEL_MAP", "PIP_INDEX_URL") if name in os.environ
        ]
        lines = ["#!/bin/bash", *(f"export {name}={shlex.quote(os.environ[name])}" for name in kept)]
        lines.append(f"setsid {command} </dev/null >>{shlex.quote(str(self.layout.log))} 2>&1 &")
        write_if_new(self.layout.retry, "\n".join(lines) + "\n", 0o755)

    def _failed(self, reason: str, *, at_once: bool = False) -> int:
        """The last word of a restore that did not work out: what ran before stays registered, whatever failed.

        ``at_once`` leaves no time to try it.
        """
        for kernel in (CPU, RAPIDS):
            if self._registered[kernel.part] is None:
                with contextlib.suppress(OSError, RestoreError):
                    last = self._last_good(kernel)
                    if last is not None and (at_once or _tried(last, kernel) is None):
                        self._register(kernel, last, current=False)
        left = {part: said for part, said in self._registered.items() if said is not None}
        if left:
            names = " and ".join(sorted(said["name"] for said in left.values()))
            reason = f"{reason} Meanwhile the kernel {names} can be used."
        self.report.finish("degraded" if left else "failed", reason, kernels=dict(self._registered))
        return NOT_READY


def _tried(env: Path, kernel: Kernel) -> str | None:
    try:
        kernels.smoke(env, kernel.imports)
    except RestoreError as error:
        return str(error)
    return None


def _joined(pending: Any, stop: threading.Event) -> None:
    """Wait for the work behind, so that a signal is not kept waiting."""
    while True:
        with contextlib.suppress(TimeoutError):
            pending.result(timeout=0.2)
            return
        if pending.done():
            pending.result()
            return
        if stop.is_set():
            raise Stopped("The restore was asked to end. It starts again with the instance, or with retry.")


def _wheel_of(bundle: Path) -> Path:
    found = sorted(bundle.glob("segwidgets-*.whl"))
    if len(found) != 1:
        raise RestoreError(f"The bundle must hold one wheel of segwidgets, and has {len(found)}. Deploy it again.")
    return found[0]


def _way_out(error: OSError) -> str:
    import errno

    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return (
            "The volume is full: delete what is not needed under /home/ec2-user/SageMaker, or stop the instance and "
            "give it a larger volume (50 GB)."
        )
    return "Run the restore again; if it stays so, the log says more."
