"""Restores the notebook's kernels: `python3 restore.py --bundle DIR`. Started by on-start.sh, or by hand.

Standard library and py-rattler, Python 3.10 or later. What it does stands in `restoring/`.
"""

import sys

from restoring.command import main

if __name__ == "__main__":
    sys.exit(main())
