"""The Jupyter server's half: what the server needs to show the widgets and the restore, put in where it is missing.

The server has an environment of its own, which a stop takes away. It gets jupyterlab_widgets and anywidget (the front
end halves of what the kernel has) and segwidgets, each without what it depends on.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from . import wheels
from .errors import RestoreError
from .layout import Layout, sha256_of
from .reporting import Report

#: Where the server's interpreter lies on a notebook instance.
USUAL = ("anaconda3/envs/JupyterSystemEnv/bin/python3", "anaconda3/envs/JupyterSystemEnv/bin/python")
RESTART = ("sudo", "-n", "systemctl", "--no-block", "restart", "jupyter-server.service")
_LIMIT = 60

_ASK = """
import importlib.metadata, json, pathlib, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
place = pathlib.Path(sys.prefix, "share", "segwidgets", "server.json")
try:
    found["wheel"] = json.loads(place.read_text())["wheel"]
except (OSError, ValueError, KeyError):
    pass
print(json.dumps(found))
"""
_TELL = """
import json, pathlib, sys
place = pathlib.Path(sys.prefix, "share", "segwidgets", "server.json")
place.parent.mkdir(parents=True, exist_ok=True)
place.write_text(json.dumps({"wheel": sys.argv[1]}))
"""


def find(given: str | None) -> Path | None:
    """The Jupyter server's interpreter: the given one, the instance's usual one, or that of jupyter-server on PATH."""
    if given is not None:
        return Path(given) if given else None
    for name in USUAL:
        if (Path.home() / name).is_file():
            return Path.home() / name
    program = shutil.which("jupyter-server") or shutil.which("jupyter-lab")
    if program is None:
        return None
    try:
        with Path(program).open("rb") as file:
            first = file.readline(4096).decode("utf-8", "replace")
    except OSError:
        return None
    interpreter = Path(first.removeprefix("#!").strip().partition(" ")[0])
    return interpreter if interpreter.is_file() and interpreter.name.startswith("python") else None


def furnish(python: Path, bundle: Path, wheel: Path, layout: Layout, report: Report) -> bool:
    """Put in what is missing or of another version; whether anything was.

    Raises:
        RestoreError: it could not be put in.
    """
    requirements = bundle / "server-requirements.txt"
    pins = wheels.read_pins(requirements.read_text("utf-8"))
    digest = sha256_of(wheel)
    there = _run(python, _ASK, *(pin.name for pin in pins), "segwidgets")
    try:
        found = json.loads(there)
    except ValueError:
        raise RestoreError(f"The Jupyter server's Python ({python}) answers oddly: {there[:200]!r}.") from None
    if (
        all(found.get(pin.name) == pin.version for pin in pins)
        and found.get("wheel") == digest
        and "segwidgets" in found
    ):
        return False
    folder = layout.wheels / "server"
    wheels.fetch(python, requirements, folder, report.log)
    wheels.install(python, requirements, folder, [wheel])
    _run(python, _TELL, digest)
    return True


def restart(command: tuple[str, ...], report: Report) -> None:
    """Have the server begin anew; it may not be there yet at an instance's start, and then needs no such thing."""
    if not command:
        return
    if command == RESTART and not Path("/run/systemd/system").is_dir():
        report.log(
            "The Jupyter server was not restarted: there is no systemd here. It shows what is new at its next start."
        )
        return
    try:
        done = subprocess.run(
            list(command), capture_output=True, text=True, timeout=_LIMIT, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError) as error:
        report.log(f"The Jupyter server was not restarted ({error}). It shows what is new when it is started next.")
        return
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())[-200:]
        report.log(f"The Jupyter server was not restarted ({said}). It shows what is new when it is started next.")


def _run(python: Path, code: str, *arguments: str) -> str:
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", code, *arguments],
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RestoreError(f"The Jupyter server's Python ({python}) cannot be asked: {error}.") from None
    return done.stdout
