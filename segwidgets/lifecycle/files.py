"""The files that a notebook instance is given: at the root of a checkout, or in the package where it was installed."""

from __future__ import annotations

from pathlib import Path

import segwidgets
from segwidgets.lifecycle.errors import LifecycleError

ON_START, ON_CREATE = "on-start.sh", "on-create.sh"
TEMPLATE = "template.yaml"
LOCK = "conda-lock.yml"
#: What a bundle is made of, beside the folder of the restore's modules and the wheel.
BUNDLED = ("restore.py", ON_START, LOCK, "requirements.txt", "server-requirements.txt", "bootstrap.txt")
MODULES = "restoring"


def checkout() -> Path | None:
    """The directory of the checkout that this package runs from; None where it was installed from a wheel."""
    root = Path(segwidgets.__file__).parents[1]
    return root if (root / "pyproject.toml").is_file() and (root / "lifecycle").is_dir() else None


def path(name: str) -> Path:
    """Where a file lies, whether it is there or not; a name may have a folder before it."""
    root = checkout()
    if root is None:
        return Path(segwidgets.__file__).parent / "lifecycle" / "files" / name
    return root / name if name == LOCK else root / "lifecycle" / name


def text(name: str) -> bytes:
    """A text file with LF at its lines' ends, whatever the checkout made of them.

    Raises:
        LifecycleError: it is missing, or cannot be read.
    """
    file = path(name)
    try:
        return file.read_bytes().replace(b"\r\n", b"\n")
    except FileNotFoundError:
        mend = "install segwidgets again" if checkout() is None else "bring it back with git, or make it: make lock"
        raise LifecycleError(f"{file} is missing, so there is nothing whole to give to an instance: {mend}.") from None
    except OSError as error:
        raise LifecycleError(f"{file} cannot be read: {error.strerror}.") from error


def modules() -> list[str]:
    """The names of the restore's modules, folder before them, sorted. Raises LifecycleError where there are none."""
    folder = path(MODULES)
    found = sorted(
        one.relative_to(folder.parent).as_posix()
        for one in folder.rglob("*")
        if one.is_file() and "__pycache__" not in one.parts and not one.name.startswith(".")
    )
    if not found:
        raise LifecycleError(
            f"{folder} is missing or empty: it holds the modules of restore.py. "
            "Bring it back with git, or install segwidgets again."
        )
    return found
