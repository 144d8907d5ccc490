"""Open JupyterLab on a notebook, on the first free port from 8888 on, and print the address."""

import os
import secrets
import socket
import sys
from pathlib import Path

FIRST, LAST = 8888, 8987


def free_port() -> int:
    """The first port of the range that nobody listens on."""
    for port in range(FIRST, LAST + 1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    sys.exit(f"No port from {FIRST} to {LAST} is free. Stop a server (jupyter server list), then try again.")


def main() -> None:
    """Replace this process by JupyterLab."""
    notebook = sys.argv[1]
    port, token = free_port(), secrets.token_hex(16)
    address = f"http://localhost:{port}/lab/tree/{notebook}?token={token}"
    if port != FIRST:
        print(f"Port {FIRST} is taken: using {port}.")
    print(f"\n  JupyterLab: {address}\n\n  Run the cells with Shift+Enter. Ctrl+C here stops it.\n", flush=True)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        notebook,
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.root_dir=.",
        "--ServerApp.log_level=WARN",
        *sys.argv[2:],
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    # The kernel is this environment's, whatever a user-wide kernelspec of the same name says.
    environment = {**os.environ, "JUPYTER_TOKEN": token, "JUPYTER_PREFER_ENV_PATH": "1"}
    os.chdir(Path(__file__).parent.parent)
    os.execve(sys.executable, command, environment)  # noqa: S606 - a fixed program, no shell


if __name__ == "__main__":
    main()
