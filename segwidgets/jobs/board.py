"""The leaderboard, after a look at every job that runs elsewhere."""

from __future__ import annotations

import concurrent.futures
import functools
from typing import TYPE_CHECKING, Any

from segwidgets.jobs.job import jobs
from segwidgets.tracking import board

if TYPE_CHECKING:
    import pandas as pd

#: Looks at AWS at once.
AT_ONCE = 8


def look_at_all() -> None:
    """Ask how every job stands that runs elsewhere and has not ended, so that trackers are told of those that have."""
    waiting = [job for job in jobs() if job.target != "local" and job.unfinished]
    if waiting:
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as looks:
            list(looks.map(lambda job: job.status, waiting))


@functools.wraps(board.leaderboard)
def leaderboard(*args: Any, **settings: Any) -> pd.DataFrame:
    """`tracking.board.leaderboard`, whose words stand here at run time."""
    look_at_all()
    return board.leaderboard(*args, **settings)
