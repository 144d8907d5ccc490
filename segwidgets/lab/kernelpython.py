"""Finds the Python that the kernel runs, and asks it for its segwidgets."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets import __version__
from segwidgets.lab.refused import RefusedError

if TYPE_CHECKING:
    from segwidgets.kernelstatus import KernelStatus

#: Names the Python of the kernel's environment where nothing else does.
VARIABLE = "SEGWIDGETS_PYTHON"
#: Kernels that may run segwidgets, the best first; the first two are the restore's.
KERNELS = ("rapids", "segwidgets-cpu", "python3")
#: What a Jupyter server knows and its helpers need not.
_SECRET = ("JPY_", "JUPYTERHUB_", "JUPYTER_TOKEN", "JUPYTER_PASSWORD")
#: How long MLflow's server may keep a look at the runs waiting; its own defaults are seven tries of two minutes.
_PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}

Specs = Mapping[str, Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class KernelPython:
    """A Python and the variables that its kernel is started with."""

    path: str
    variables: Mapping[str, str]

    def environment(self) -> dict[str, str]:
        """The environment of a command that it runs: what the kernel has, and nothing of the server's secrets."""
        # The directory it runs in holds data; it is not a place to import from.
        fixed = {"PYTHONSAFEPATH": "1", "PYTHONIOENCODING": "utf-8", "MLFLOW_DISABLE_TELEMETRY": "true"}
        return {**_PATIENCE, **plain_environment(), **self.variables, **fixed}

    def stamp(self) -> tuple[object, ...]:
        """Differs when something was installed there."""
        home = Path(self.path).parent.parent
        places = [Path(self.path), *sorted(home.glob("lib/python3*/site-packages"))]
        return (self.path, *(place.stat().st_mtime_ns for place in places if place.exists()))


def plain_environment() -> dict[str, str]:
    """The server's environment without what only a Jupyter server is to know."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_SECRET)}


def find(status: KernelStatus, specs: Specs) -> KernelPython:
    """The Python of the kernel: the restore's, the one that $SEGWIDGETS_PYTHON names, a kernelspec's, ours.

    Args:
        status: how the kernel's restore stands.
        specs: the kernelspecs (``argv``, ``env``) of those of ``KERNELS`` that are registered.

    Raises:
        RefusedError: there is none; the words say what to do about it.
    """
    for kernel, name in (("rapids", "rapids"), ("cpu", "segwidgets-cpu")):
        known = status.kernels.get(kernel)
        path = str(Path(known["env"]) / "bin" / "python") if known and known.get("env") else ""
        if _runs(path):
            return KernelPython(path, _variables(specs.get(name, {})))
    named = os.environ.get(VARIABLE)
    if named:
        path = shutil.which(str(Path(named).expanduser())) or ""
        if not path:
            raise RefusedError(
                503,
                "kernel-missing",
                f"{VARIABLE}={named!r} is not a program that can be run. Set it to the Python of the kernel's "
                "environment, such as /path/to/env/bin/python, and start JupyterLab again.",
            )
        return KernelPython(path, {})
    for name in KERNELS:
        argv = specs.get(name, {}).get("argv") or [""]
        path = shutil.which(str(argv[0])) or ""
        if path and not _is_ours(path):
            return KernelPython(path, _variables(specs[name]))
    # Last, and only if it has the kernel's half: on an instance the server's environment has not.
    if importlib.util.find_spec("numba") is not None:
        return KernelPython(sys.executable, {})
    raise RefusedError(503, "kernel-missing", _missing(status))


def _runs(path: str) -> bool:
    return bool(path) and os.access(path, os.X_OK) and Path(path).is_file()


def _is_ours(path: str) -> bool:
    # By directory, because the Pythons of virtual environments are links to one and the same.
    return Path(path).parent == Path(sys.executable).parent


def _variables(spec: Mapping[str, Any]) -> dict[str, str]:
    """What a kernelspec adds to the environment; ``${NAME}`` stands for a variable of ours, as in Jupyter."""
    return {str(name): os.path.expandvars(str(value)) for name, value in (spec.get("env") or {}).items()}


def _missing(status: KernelStatus) -> str:
    if status.state == "restoring":
        return f"The kernel's environment is on its way ({status.line()}). This works when it is there."
    if status.state in {"failed", "degraded"}:
        return f"The kernel's environment is missing: {status.reason} Retry from its details in the status bar."
    return (
        f"No kernel with segwidgets was found. Install it where your kernel runs: {install('python')}; then set "
        f"{VARIABLE} to that Python and start JupyterLab again."
    )


def install(python: str, version: str = __version__, *, alone: bool = False) -> str:
    """The line that brings segwidgets to a Python; ``alone`` without what it depends on, as the server needs it."""
    return f"{shlex.quote(python)} -m pip install {'--no-deps ' if alone else ''}'segwidgets=={version}'"


def mismatch(python: str, theirs: str) -> str:
    """How to mend that the kernel's segwidgets is another version than the server's; "" when they are the same."""
    if theirs == __version__:
        return ""
    said = (
        f"The kernel runs segwidgets {theirs}, JupyterLab's server {__version__}. Bring the older one up to the newer: "
    )
    if _order(theirs) < _order(__version__):
        return f"{said}{install(python)}, then restart the kernel."
    return f"{said}{install(sys.executable, theirs, alone=True)}, then start JupyterLab again."


def _order(version: str) -> tuple[int, ...]:
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        numbers.append(int(digits) if digits else -1)
    return tuple(numbers)
