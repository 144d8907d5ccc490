"""Kernels: whether an environment really runs one, and how Jupyter is told of it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .errors import RestoreError
from .layout import Layout, read_json, remove_tree, write_if_new

#: Seconds that a kernel may take to import everything and run a cell. cuML's first import takes a quarter of a minute.
SMOKE_LIMIT = 300

#: Runs in the environment that is tried: a kernel of it runs a cell, over Jupyter's own protocol.
_SMOKE = """
import sys
from jupyter_client.manager import KernelManager
manager = KernelManager()
manager.kernel_spec.argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
manager.start_kernel()
client = manager.blocking_client()
client.start_channels()
try:
    client.wait_for_ready(timeout=LIMIT)
    said = []
    def hear(message):
        if message["msg_type"] == "stream":
            said.append(message["content"]["text"])
    code = "\\n".join(["import " + name for name in sys.argv[1:]] + ["print(6 * 7)"])
    reply = client.execute_interactive(code, timeout=LIMIT, output_hook=hear)
    if reply["content"]["status"] != "ok":
        sys.exit(f"{reply['content'].get('ename')}: {reply['content'].get('evalue')}")
    if not "".join(said).rstrip().endswith("42"):
        sys.exit("the cell printed something else than asked")
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
"""


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel that the restore brings: ``imports`` must work in it."""

    part: str
    name: str
    display: str
    imports: tuple[str, ...]


RAPIDS = Kernel("rapids", "rapids", "RAPIDS (segwidgets)", ("cudf", "cuml", "segwidgets"))
CPU = Kernel("cpu", "segwidgets-cpu", "segwidgets CPU", ("ipywidgets", "segwidgets"))


def python_of(env: Path) -> Path:
    """The interpreter of an environment."""
    return env / "bin" / "python"


def smoke(env: Path, imports: Sequence[str], limit: float = SMOKE_LIMIT) -> None:
    """Have a kernel of the environment import and run a cell.

    Raises:
        RestoreError: it did not.
    """
    code = _SMOKE.replace("LIMIT", repr(limit))
    try:
        done = subprocess.run(
            [str(python_of(env)), "-c", code, *imports],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=2 * limit,
            check=False,
            stdin=subprocess.DEVNULL,
            env=environment(env),
            cwd=env / "bin",
        )
    except subprocess.TimeoutExpired:
        raise RestoreError(
            f"A kernel of {env.name} did not answer within {limit:g} s. Run the restore again."
        ) from None
    except OSError as error:
        raise RestoreError(
            f"The Python of {env.name} cannot be run ({error.strerror}). Run the restore again."
        ) from None
    if done.returncode:
        told = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise RestoreError(f"A kernel of {env.name} could not run a cell: {(told or ['it said nothing'])[-1][-300:]}")


def environment(env: Path) -> dict[str, str]:
    """What a process of the environment runs in: nothing of this one's Python."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CONDA", "JUPYTER"))}
    path = f"{env / 'bin'}:{os.environ.get('PATH', '/usr/bin:/bin')}"
    return {**kept, "PATH": path, "CONDA_PREFIX": str(env), "PYTHONNOUSERSITE": "1"}


def spec(kernel: Kernel, env: Path, layout: Layout) -> str:
    """The kernel.json that starts the kernel from the environment."""
    said = {
        "argv": [str(python_of(env)), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": kernel.display,
        "language": "python",
        "interrupt_mode": "signal",
        "env": {
            "PATH": f"{env / 'bin'}:${{PATH}}",
            "CONDA_PREFIX": str(env),
            "SEGWIDGETS_HOME": str(layout.top.parent / ".segwidgets"),
            "SEGWIDGETS_KERNEL_DIR": str(layout.top),
        },
        "metadata": {"debugger": True, "segwidgets": {"env": str(env)}},
    }
    return json.dumps(said, indent=1)


def register(kernel: Kernel, env: Path, layout: Layout, jupyter_data: Path) -> dict[str, str]:
    """Tell Jupyter of the kernel, by rename; returns what the status says of it."""
    write_if_new(jupyter_data / "kernels" / kernel.name / "kernel.json", spec(kernel, env, layout))
    return {"name": kernel.name, "env": str(env)}


def registered(kernel: Kernel, jupyter_data: Path) -> Path | None:
    """The environment of the registered kernel, None where there is none of ours."""
    said = read_json(jupyter_data / "kernels" / kernel.name / "kernel.json")
    with contextlib.suppress(KeyError, TypeError):
        return Path(said["metadata"]["segwidgets"]["env"])
    return None


def withdraw(kernel: Kernel, jupyter_data: Path) -> None:
    """Take a kernel back that stands on nothing."""
    remove_tree(jupyter_data / "kernels" / kernel.name)


def data_directory() -> Path:
    """Where this user's Jupyter looks for kernels."""
    given = os.environ.get("JUPYTER_DATA_DIR")
    return Path(given) if given else Path.home() / ".local" / "share" / "jupyter"
