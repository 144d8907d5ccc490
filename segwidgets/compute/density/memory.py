"""What an index takes, said before it is taken."""

from __future__ import annotations

import os

_SHARE_OF_MEMORY = 0.8
# By point: a neighbour (distance and index) in the lists; a coordinate in the points, their boxes and a copy on the
# way; and all else at the height of a build, which is the trees, the union-finds and the leaf order.
_BYTES_PER_NEIGHBOR = 12
_BYTES_PER_COORDINATE = 24
_BYTES_PER_POINT = 170


def bytes_needed(n: int, dims: int, listed: int) -> int:
    """Bytes beyond the input at the height of a build of n points that list so many neighbours each."""
    return n * (_BYTES_PER_NEIGHBOR * listed + _BYTES_PER_COORDINATE * max(dims, 3) + _BYTES_PER_POINT)


def refuse_beyond(n: int, dims: int, listed: int) -> None:
    """Raise ValueError where an index would take more than its share of this machine's memory."""
    needed = bytes_needed(n, dims, listed)
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not every system tells
        return
    if needed > _SHARE_OF_MEMORY * there:
        raise ValueError(
            f"{n:,} points with {listed:,} neighbours each (max_min_samples) need about {needed / 1e9:.1f} GB of this "
            f"machine's {there / 1e9:.1f} GB, and at most {_SHARE_OF_MEMORY:.0%} may be taken: lower max_min_samples, "
            "or take a sample of the rows."
        )
