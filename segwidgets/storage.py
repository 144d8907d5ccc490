"""Where segwidgets keeps its files, and how it writes them so that no half-written file is ever read as whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

#: The only directory of a SageMaker notebook instance that survives a stop.
_SAGEMAKER_VOLUME = Path("/home/ec2-user/SageMaker")


def home() -> Path:
    """The directory for caches, jobs and the tracking database; made when it is missing.

    ``$SEGWIDGETS_HOME`` where it is set, else ``.segwidgets`` on a notebook instance's persistent volume, else
    ``~/.segwidgets``.
    """
    given = os.environ.get("SEGWIDGETS_HOME")
    if given:
        path = Path(given).expanduser()
    elif _SAGEMAKER_VOLUME.is_dir():
        path = _SAGEMAKER_VOLUME / ".segwidgets"
    else:
        path = Path.home() / ".segwidgets"
    path = path.absolute()
    # It holds copies of customers' rows for the jobs: nobody else's business, whatever the umask says.
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_atomic(path: Path, content: bytes | memoryview | str) -> None:
    """Write a file whole or not at all: to a temporary file beside it, flushed to disk, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    work = _beside(path, "tmp")
    try:
        with work.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        work.replace(path)
    except BaseException:
        work.unlink(missing_ok=True)
        raise


def _beside(path: Path, ending: str) -> Path:
    """A new name beside ``path``. Not from tempfile, whose files nobody else may read, whatever the umask says."""
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}.{ending}")


@contextlib.contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Yield an empty temporary directory that becomes ``path`` when the block ends well, and vanishes when it does not.

    An existing ``path`` is replaced; between the two renames a reader may find neither, never a mixture.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    work = _beside(path, "tmp")
    work.mkdir()
    try:
        yield work
        if path.exists():
            old = _beside(path, "old")
            path.replace(old)
            try:
                work.replace(path)
            except BaseException:
                old.replace(path)
                raise
            finally:
                shutil.rmtree(old, ignore_errors=True)
        else:
            work.replace(path)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
