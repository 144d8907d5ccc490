"""Runs one cell in a registered kernel, inside the simulated instance: `cell.py KERNELS_DIRECTORY NAME CODE`.

The client is root and this machine's; the kernel runs as ec2-user in ec2-user's environment, as under the Jupyter
server.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

UID = 61000


class AsUser(KernelManager):
    """Starts the kernel as ec2-user."""

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        os.chown(self.connection_file, UID, UID)
        return [
            "setpriv",
            f"--reuid={UID}",
            f"--regid={UID}",
            "--init-groups",
            *super().format_kernel_cmd(extra_arguments),
        ]


def main(kernels: str, name: str, code: str) -> int:
    """Print what the cell prints; 1 with its error if it has one."""
    runtime = Path("/run/jupyter")
    runtime.mkdir(exist_ok=True)
    os.chown(runtime, UID, UID)
    specs = KernelSpecManager(kernel_dirs=[kernels], ensure_native_kernel=False)
    manager = AsUser(kernel_name=name, kernel_spec_manager=specs, connection_file=str(runtime / f"{os.getpid()}.json"))
    home = "/home/ec2-user"
    manager.start_kernel(env={"HOME": home, "USER": "ec2-user", "PATH": "/usr/local/bin:/usr/bin:/bin"}, cwd=home)
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        reply = client.execute_interactive(code, timeout=60)
        return int(reply["content"]["status"] != "ok")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
