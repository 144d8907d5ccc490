"""Say what to do when the interpreter is too old, or newer than what has been tried."""

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    found = ".".join(map(str, sys.version_info[:3]))
    sys.exit(
        f"segwidgets needs Python 3.11, 3.12 or 3.13, and this is {found} ({sys.executable}).\n"
        "Install one of them (on Debian: apt-get install python3 python3-venv), then name it:\n"
        "  make lab PYTHON=/path/to/python3.12"
    )
