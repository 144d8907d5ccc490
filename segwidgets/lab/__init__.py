"""The Jupyter server's half of the JupyterLab extension: how the kernel's restore stands, the runs, new notebooks.

The server's environment has no numpy, and may be Python 3.10: everything here is standard library and jupyter_server.
What needs more is asked of the kernel's environment, by running its ``python -m segwidgets.cli … --json``. Nothing is
imported before it is used and nothing runs before somebody asks: every start of JupyterLab pays for this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segwidgets import __version__

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

__all__ = ["__version__"]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "segwidgets.lab"}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "segwidgets-lab"}]


def _load_jupyter_server_extension(serverapp: ServerApp) -> None:
    from segwidgets.lab.routes import add

    add(serverapp.web_app)
