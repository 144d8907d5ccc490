"""Serve the panel as an app: Voila on notebooks/app.ipynb, on the first free port from 8888 on; prints the address.

A file may be named, whose rows are then looked at: `.ci/app.py customers.parquet`.
"""

import os
import secrets
import sys
from pathlib import Path

from lab import FIRST, free_port

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Replace this process by Voila."""
    options = sys.argv[1:]
    environment = {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1"}
    if options and not options[0].startswith("-"):
        table = options.pop(0)
        # The kernel works in the notebook's directory.
        environment["SEGWIDGETS_TABLE"] = table if "://" in table else str(Path(table).resolve())
    port, token = free_port(), secrets.token_hex(16)
    if port != FIRST:
        print(f"Port {FIRST} is taken: using {port}.")
    print(f"\n  The app: http://localhost:{port}/?token={token}\n\n  Ctrl+C here stops it.\n", flush=True)
    command = [
        sys.executable,
        "-m",
        "voila",
        str(ROOT / "notebooks" / "app.ipynb"),
        f"--port={port}",
        "--Voila.port_retries=0",
        f"--Voila.token={token}",
        "--Voila.log_level=WARN",
        "--VoilaConfiguration.show_tracebacks=True",
        *options,
    ]
    os.execve(sys.executable, command, environment)  # noqa: S606 - a fixed program, no shell


if __name__ == "__main__":
    main()
