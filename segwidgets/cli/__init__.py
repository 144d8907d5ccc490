"""``segwidgets run | promote | assign | compare | leaderboard | jobs | …``: what the panel does, without a notebook.

Exit status: 0, 1 when a job that was waited for did not complete, 2 when what was asked for cannot be done, 130 after
Ctrl-C. Results go to stdout, everything else to stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from segwidgets import __version__
from segwidgets.cli import (
    assign,
    board,
    compare,
    features,
    image,
    jobs,
    lifecycle,
    methods,
    promote,
    report,
    run,
    segments,
    source,
    stability,
    sweep,
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="segwidgets", description="Find segments in customer records, and promote what you found."
    )
    parser.add_argument("--version", action="version", version=f"segwidgets {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    reads = source.parser()
    run.add(commands, reads)
    promote.add(commands, reads)
    stability.add(commands, reads)
    sweep.add(commands, reads)
    features.add(commands, reads)
    methods.add(commands, reads)
    assign.add(commands)
    board.add(commands)
    jobs.add(commands)
    report.add(commands)
    segments.add(commands)
    compare.add(commands)
    image.add(commands)
    lifecycle.add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; ``argv`` without the program's name, that of the process by default. Returns the exit status."""
    options = _parser().parse_args(argv)
    try:
        return int(options.do(options))
    except KeyboardInterrupt:
        sys.stderr.write("segwidgets: interrupted\n")
        return 130
    except BrokenPipeError:  # `segwidgets leaderboard | head`
        sys.stderr.close()
        return 0
    except Exception as error:
        if not _is_for_the_user(error):
            raise
        text = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)
        sys.stderr.write(f"segwidgets: {' '.join(text.split())}\n")
        return 2


def _is_for_the_user(error: Exception) -> bool:
    """Whether the message says it all; anything else is a fault of ours and shows where it happened.

    A ValueError of ours comes out of one of our checks; one that numpy raises deep down does not.
    """
    if isinstance(error, OSError | ImportError) or type(error).__module__.startswith("segwidgets."):
        return True
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    raised_in = place.tb_frame.f_globals.get("__name__", "") if place is not None else ""
    return isinstance(error, ValueError) and raised_in.startswith("segwidgets.")
