"""Compile everything once after an installation, in a process of its own: ``python -m segwidgets.warmup``.

numba keeps what it compiles on disk, but the first call in a fresh installation takes tens of seconds and holds the
GIL, which would freeze a kernel. So a panel has a second process compile, and waits for it in the background.
"""

from __future__ import annotations

import hashlib
import json
import logging
import platform
import subprocess
import sys
import threading
from importlib import metadata
from pathlib import Path

from segwidgets import __version__, compute, storage

_log = logging.getLogger(__name__)
_POLL_SECONDS = 0.1
_lock = threading.Lock()
_running: subprocess.Popen[str] | None = None


def fingerprint() -> str:
    """What compiled code depends on: the sources, numba, the interpreter and the machine."""
    root = Path(compute.__file__).parent
    files = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(root.rglob("*.py"))]
    facts = [__version__, metadata.version("numba"), sys.version, platform.machine(), platform.node(), files]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _stamp() -> Path:
    return storage.home() / "compiled.json"


def is_done() -> bool:
    """Whether this installation was compiled on this machine; an unreadable stamp counts as no."""
    try:
        found = json.loads(_stamp().read_text())
    except (OSError, ValueError):
        return False
    return bool(found == {"fingerprint": fingerprint()})


def run() -> None:
    """Call every kernel once, on small tables, and note that it was done."""
    import numpy as np
    from scipy import sparse

    from segwidgets.cache import Cache
    from segwidgets.compute import neighbors
    from segwidgets.compute.embedding import first_picture
    from segwidgets.data import read
    from segwidgets.recipe import Recipe
    from segwidgets.session import Session

    random = np.random.default_rng(0)
    neighbors.warm_up()
    counts = sparse.random(400, 30, 0.2, format="csr", random_state=0)
    for source in (random.normal(size=(400, 5)), counts):
        table = read(source)
        session = Session(table, cache=Cache(storage.home() / "cache", disk_bytes=0), backend="cpu")
        for dims in (2, 3):
            recipe = Recipe().replace(n_components=dims, n_epochs=20)
            result = session.run(recipe)
            session.run(result.recipe.replace(min_samples=5, eps=result.recipe.clustering.eps))
            session.nudge(recipe.replace(min_dist=0.5), result.embedding)
            session.transform(result, table)
        features = sparse.csr_matrix(source, dtype=np.float32) if sparse.issparse(source) else np.float32(source)
        first_picture(features, 3, "euclidean", 0)
    storage.write_atomic(_stamp(), json.dumps({"fingerprint": fingerprint()}))


def wait(cancel: threading.Event) -> bool:
    """Have another process compile, and wait for it; False when ``cancel`` came first (it compiles on for the next).

    A process that fails costs nothing but its time: the work at hand then compiles for itself.
    """
    global _running  # noqa: PLW0603 - one compiler serves all panels of a process
    with _lock:
        if _running is None:
            command = [sys.executable, "-m", "segwidgets.warmup"]
            _running = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
        process = _running
    while process.poll() is None:
        if cancel.wait(_POLL_SECONDS):
            return False
    with _lock:
        if _running is process:
            _running = None
            errors = process.stderr.read() if process.stderr is not None else ""
            if process.stderr is not None:
                process.stderr.close()
            if process.returncode != 0:
                _log.warning("compiling beforehand failed, the first run compiles: %s", errors.strip()[-500:])
    return True


if __name__ == "__main__":
    run()
