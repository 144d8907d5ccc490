"""What became of each segment: kept, grown, shrunk, split, merged, new or gone, and whether it is more than noise.

Events after Spiliopoulou and others, "MONIC: modeling and monitoring cluster transitions", 2006, on the customers that
both segmentations know; shares are of all customers of either. Matched by the most customers in common (Kuhn 1955).
Intervals by the bootstrap over customers (Efron 1979), the percentiles of resampled tables of flows. They say how far
the share could differ with other customers of the same kind. How far a second run of the same recipe would differ is
another question, which needs ``baseline``: the customers that changed segment between such runs.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from segwidgets.compute.matching import match
from segwidgets.compute.stability.agreement import agreement

Event = Literal["kept", "grown", "shrunk", "split", "merged", "new", "gone"]
Labels = npt.NDArray[np.int64]

#: A part of a segment of at least this share counts when it splits or merges.
PART = 0.2
#: A part's segment is made of it by at least this share: else it moved rather than split.
OWN = 0.5
#: Resampled tables.
REPEATS = 1000


@dataclasses.dataclass(frozen=True)
class SegmentChange:
    """A segment before and what it is after: ``before`` is None for a new one, ``after`` for one that is gone.

    ``share_before`` and ``share_after`` are of all customers then and now, ``change`` their difference with its 95 %
    interval. ``beyond_noise``: the interval leaves out 0, and the change is above the baseline where one is given.
    ``others``: the segments besides that it split into, or that merged into it. ``stayed``: the share of its
    customers, of those both know, that are in its match.
    """

    event: Event
    before: int | None
    after: int | None
    share_before: float
    share_after: float
    change: float
    low: float
    high: float
    beyond_noise: bool
    others: tuple[int, ...]
    stayed: float


@dataclasses.dataclass(frozen=True, eq=False)
class Changes:
    """Two segmentations beside each other, by the ids in both.

    ``flows`` (segments before + 1, segments after + 1): customers, the first row and column those in none. ``ari`` and
    ``ami`` as in `agreement`, None for fewer than two customers in both. ``moved``: the share of the customers in both
    that are not in their segment's match, with its 95 % interval; ``beyond_noise``: the interval is above ``baseline``
    (0 where none is given). ``arrived`` and ``left``: customers in one only.
    """

    segments: tuple[SegmentChange, ...]
    flows: npt.NDArray[np.int64]
    common: int
    arrived: int
    left: int
    ari: float | None
    ami: float | None
    moved: float
    moved_low: float
    moved_high: float
    baseline: float | None

    @property
    def beyond_noise(self) -> bool:
        """Whether more customers moved than sampling, or a second run, explains."""
        return self.moved_low > (self.baseline or 0.0)

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it; no id."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values |= {"flows": self.flows.tolist(), "segments": [dataclasses.asdict(one) for one in self.segments]}
        return {**values, "beyond_noise": self.beyond_noise}


def changes(
    ids_before: npt.NDArray[Any],
    before: npt.NDArray[np.integer[Any]],
    ids_after: npt.NDArray[Any],
    after: npt.NDArray[np.integer[Any]],
    *,
    baseline: float | None = None,
    repeats: int = REPEATS,
    part: float = PART,
    seed: int = 0,
) -> Changes:
    """Compare two segmentations of the same or of different tables.

    Args:
        ids_before: (n,) distinct.
        before: (n,) labels, below 0 for noise.
        ids_after: (m,) distinct.
        after: (m,) likewise.
        baseline: the share of customers that moves between two runs of one recipe, or on samples of the rows: what is
            noise of the labels. None counts none.
        repeats: resampled tables.
        part: the least share of a segment that counts as a part of it in a split or merge, from 0 to 0.5.
        seed: of the bootstrap.

    Raises:
        ValueError: an argument is out of range.
    """
    if baseline is not None and not 0 <= baseline <= 1:
        raise ValueError(f"baseline={baseline!r} is not allowed: it is a share of the customers, from 0 to 1.")
    if not 0 < part <= 0.5:
        raise ValueError(f"part={part!r} is not allowed: it is a share above 0, at most 0.5.")
    if isinstance(repeats, bool) or repeats < 1:
        raise ValueError(f"repeats={repeats!r} is not allowed: it is a whole number from 1; {REPEATS} is usual.")
    one, other = np.maximum(before, -1).astype(np.int64), np.maximum(after, -1).astype(np.int64)
    place = {key: at for at, key in enumerate(ids_before)}
    home = np.array([place.get(key, -1) for key in ids_after], np.int64)
    both = np.flatnonzero(home >= 0)
    a, b = one[home[both]], other[both]
    shape = (int(one.max(initial=-1)) + 2, int(other.max(initial=-1)) + 2)
    flows = _table(a + 1, b + 1, shape)
    gone = np.bincount(one + 1, minlength=shape[0]) - flows.sum(axis=1)
    fresh = np.bincount(other + 1, minlength=shape[1]) - flows.sum(axis=0)
    partner = _partners(a, b, shape)
    measured = agreement(a, b) if len(both) > 1 else None
    drawn = _resampled(flows, gone, fresh, repeats, seed)
    stay = _stayed(flows, partner)
    share = 1 - _stayed_share(flows[None], stay)[0] if len(both) else 0.0
    moved = np.percentile(1 - _stayed_share(drawn[0], stay), [2.5, 97.5]) if len(both) else np.zeros(2)
    segments = _segments(flows, gone, fresh, partner, drawn, baseline or 0.0, part)
    return Changes(
        segments=segments,
        flows=flows,
        common=len(both),
        arrived=int(fresh.sum()),
        left=int(gone.sum()),
        ari=None if measured is None else float(measured.ari),
        ami=None if measured is None or measured.ami is None else float(measured.ami),
        moved=float(share),
        moved_low=float(moved[0]),
        moved_high=float(moved[1]),
        baseline=baseline,
    )


def _table(a: Labels, b: Labels, shape: tuple[int, int]) -> npt.NDArray[np.int64]:
    table: npt.NDArray[np.int64] = np.bincount(a * shape[1] + b, minlength=shape[0] * shape[1]).reshape(shape)
    return table


def _partners(a: Labels, b: Labels, shape: tuple[int, int]) -> npt.NDArray[np.int64]:
    """(segments after,) the segment before that each is, or -1; also where no customer in both is in it."""
    found = np.full(shape[1] - 1, -1, np.int64)
    before = match(a, b).before
    found[: len(before)] = before
    return found


def _stayed(flows: npt.NDArray[np.int64], partner: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """The cells of the customers that are where they were."""
    cells = np.zeros(flows.shape, bool)
    cells[0, 0] = True
    at = np.flatnonzero(partner >= 0)
    cells[partner[at] + 1, at + 1] = True
    return cells


def _stayed_share(tables: npt.NDArray[np.int64], cells: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    share: npt.NDArray[np.float64] = tables[:, cells].sum(axis=1) / np.maximum(tables.sum(axis=(1, 2)), 1)
    return share


_Drawn = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]


def _resampled(
    flows: npt.NDArray[np.int64], gone: npt.NDArray[np.int64], fresh: npt.NDArray[np.int64], repeats: int, seed: int
) -> _Drawn:
    """Tables of resampled customers. Which cell each falls into is all that is counted, so cells are drawn at once."""
    cells = np.concatenate([flows.ravel(), gone, fresh])
    total = int(cells.sum())
    drawn = np.random.default_rng(seed).multinomial(total, cells / max(1, total), size=repeats)
    first, second = flows.size, flows.size + len(gone)
    return drawn[:, :first].reshape(repeats, *flows.shape), drawn[:, first:second], drawn[:, second:]


def _shares(
    flows: npt.NDArray[np.int64], gone: npt.NDArray[np.int64], fresh: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Shares of segments before and after, the last axis each, noise first."""
    then, now = flows.sum(axis=-1) + gone, flows.sum(axis=-2) + fresh
    return then / np.maximum(then.sum(axis=-1, keepdims=True), 1), now / np.maximum(now.sum(axis=-1, keepdims=True), 1)


def _segments(
    flows: npt.NDArray[np.int64],
    gone: npt.NDArray[np.int64],
    fresh: npt.NDArray[np.int64],
    partner: npt.NDArray[np.int64],
    drawn: _Drawn,
    baseline: float,
    part: float,
) -> tuple[SegmentChange, ...]:
    inner = flows[1:, 1:]
    rows, columns = flows[1:].sum(axis=1), flows[:, 1:].sum(axis=0)
    # (before, after): a large part of the one that makes up most of the other.
    splits = (inner >= part * np.maximum(rows, 1)[:, None]) & (inner >= OWN * np.maximum(columns, 1)[None])
    merges = (inner >= part * np.maximum(columns, 1)[None]) & (inner >= OWN * np.maximum(rows, 1)[:, None])
    then, now = _shares(flows, gone, fresh)
    some_then, some_now = _shares(*drawn)
    nothing = np.zeros(len(some_then))
    after_of = {int(one): at for at, one in enumerate(partner) if one >= 0}
    there = [segment for segment in range(len(inner)) if then[segment + 1] > 0]
    fresh_ones = [at for at in range(inner.shape[1]) if now[at + 1] > 0 and partner[at] < 0]
    found = []
    for segment, matched in [*((one, after_of.get(one)) for one in there), *((None, at) for at in fresh_ones)]:
        event, after, others = _event(segment, matched, splits, merges)
        a = 0.0 if segment is None else float(then[segment + 1])
        b = 0.0 if after is None else float(now[after + 1])
        difference = (nothing if after is None else some_now[:, after + 1]) - (
            nothing if segment is None else some_then[:, segment + 1]
        )
        low, high = (float(one) for one in np.percentile(difference, [2.5, 97.5]))
        beyond = (low > 0 or high < 0) and abs(b - a) > baseline
        if event == "kept" and beyond:
            event = "grown" if b > a else "shrunk"
        known = int(rows[segment]) if segment is not None else 0
        stayed = float(inner[segment, after] / known) if segment is not None and after is not None and known else 0.0
        found.append(SegmentChange(event, segment, after, a, b, b - a, low, high, bool(beyond), others, stayed))
    return tuple(found)


def _event(
    segment: int | None, after: int | None, splits: npt.NDArray[np.bool_], merges: npt.NDArray[np.bool_]
) -> tuple[Event, int | None, tuple[int, ...]]:
    """What became of a segment, in which, and the others that are part of it; "kept" is told apart by its share."""
    if segment is None:
        source = np.flatnonzero(splits[:, after]) if after is not None else np.empty(0, int)
        if len(source) == 1 and int(splits[source[0]].sum()) > 1:
            return "split", after, (int(source[0]),)
        return "new", after, ()
    into = np.flatnonzero(splits[segment])
    if len(into) > 1:
        return "split", after, tuple(int(at) for at in into if at != after)
    home = np.flatnonzero(merges[segment])
    place = after if after is not None else int(home[0]) if len(home) == 1 else None
    whence = np.flatnonzero(merges[:, place]) if place is not None else home
    if place is not None and len(whence) > 1 and segment in whence:
        return "merged", place, tuple(int(at) for at in whence if at != segment)
    return ("gone" if after is None else "kept"), after, ()
