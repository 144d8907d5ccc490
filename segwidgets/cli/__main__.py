"""``python -m segwidgets.cli``."""

from __future__ import annotations

import sys

from segwidgets.cli import main

if __name__ == "__main__":
    sys.exit(main())
