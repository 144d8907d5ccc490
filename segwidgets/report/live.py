"""The live map of a report: a sample of the cloud, and what relabels it in the browser at every step of eps.

What goes into the file, and why nobody is known by it: places on the map of a random sample of the customers, rounded
to a 65,535th of its width, in the order of the tree and not of the table; the thresholds of `Sampled`, which are raised
to the eps at which the segment around each has ``floor`` customers; and for every step of the slider how many customers
of all, not of the sample, each segment has. No id, no row number, no feature. The sample is drawn by the system's own
randomness: a seed that stands in the file, or could be guessed, would give the rows away.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets.compute.progress import Tick, no_tick
from segwidgets.report.facts import Facts, ReportError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from segwidgets.compute.density import DensityIndex
    from segwidgets.compute.density.sampled import Sampled

#: Points of a sample: fewer say nothing, more would not fit into the file.
FEWEST, MOST = 100, 40_000
#: Steps of the slider, evenly by ratio, and how far it goes from the chosen eps either way, as a factor.
_STEPS, _REACH = 160, 10.0
_LEVELS = 65_535


@dataclasses.dataclass(frozen=True)
class LiveMap:
    """``data``: what the script reads, JSON. ``script``: what draws. ``count`` of ``rows`` customers are in it."""

    data: str
    script: str
    count: int
    rows: int
    floor: int

    @property
    def policy(self) -> str:
        """The one script that the page may run, by its digest."""
        digest = base64.b64encode(hashlib.sha256(self.script.encode()).digest()).decode()
        return f"script-src 'sha256-{digest}'"

    def section(self) -> str:
        """The part of the page; on paper the map that stands above it says enough."""
        what = (
            f"This part of the file holds a shuffled sample of the map: the places of {self.count:,} of the "
            f"{self.rows:,} customers, without ids, without the table's order and without anything else of them. "
            "It shows where segments lie and how they join or part as eps moves. Which of the dots are in one segment "
            "is as it is among all customers, and so are the sizes; a dot that is missing here is only not drawn. A "
            f"segment of fewer than {self.floor} customers is grey at every eps, like those who belong to none."
        )
        return (
            '<section class="live" aria-label="Live map"><h2>Try another eps</h2>'
            f'<p>{html.escape(what)}</p><div id="live"><noscript><p class="soft">This part needs scripts; the map '
            "above does not.</p></noscript></div>"
            f'<script type="application/json" id="live-data">{self.data}</script>'
            f"<script>{self.script}</script></section>"
        )


def checked_points(points: object, rows: int) -> int:
    """The number of points, 0 for none; raises ReportError where it is not allowed."""
    most = min(MOST, rows)
    if isinstance(points, bool) or not isinstance(points, int) or (points and not FEWEST <= points <= most):
        few = f" The table has only {rows:,} rows: leave the live map out." if most < FEWEST else ""
        raise ReportError(
            f"points={points!r} is not allowed: a live map holds a sample of {FEWEST:,} to {most:,} points (of "
            f"{rows:,} customers, and the file stays under 5 MB). Take a number from there, or 0 for no live map.{few}"
        )
    return points


def live_map(output: Path, facts: Facts, points: int, *, tick: Tick = no_tick) -> LiveMap:
    """A sample of the job's cloud and what relabels it.

    Args:
        output: the job's ``output/data``; its result's embedding is read.
        facts: of the same job.
        points: rows in the sample, 100 to 40,000 and no more than there are.
        tick: called with the share done; may raise `Cancelled`.

    Raises:
        ReportError: ``points`` is not allowed, or the job's embedding is missing or not the one of its labels.
    """
    import numpy as np

    count = checked_points(points, facts.rows)
    embedding, index = _index(output, facts, tick)
    rows = np.random.default_rng().choice(facts.rows, count, replace=False)
    eps, told, labels = _cut(index, facts, rows)
    tick(0.6)
    order = np.argsort(told.leaf)
    rows, leaf = rows[order], told.leaf[order]
    steps, start = _steps(told, eps)
    names, colours = _starting(facts, told, labels, rows, leaf, eps)
    places, offset, scale = _quantised(embedding[rows])
    sizes, rest = _sizes(index, told, rows, leaf, steps, facts.floor, lambda done: tick(0.6 + 0.4 * done))
    data = {
        "count": count,
        "rows": facts.rows,
        "floor": facts.floor,
        "dimensions": places.shape[1],
        "offset": offset,
        "scale": scale,
        "places": _packed(places.astype("<u2")),
        "leaves": len(told.gap),
        "leaf": _packed(leaf.astype("<i4")),
        "gap": _packed(told.gap.astype("<f4")),
        "core": _packed(told.core.astype("<f4")),
        "entry": _packed(told.entry.astype("<f4")),
        "host": _packed(told.host.astype("<i4")),
        "steps": _packed(steps.astype("<f4")),
        "start": start,
        "sizes": _packed(sizes.astype("<u4")),
        "rest": _packed(rest.astype("<u4")),
        "names": names,
        "colours": colours,
    }
    script = (Path(__file__).parent / "static" / "live.js").read_text("utf-8")
    # "</" would end the script element, and "<!--" begins a state in which it does not end.
    return LiveMap(json.dumps(data).replace("<", "\\u003c"), script, count, facts.rows, facts.floor)


def _packed(array: NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode()


def _index(output: Path, facts: Facts, tick: Tick) -> tuple[NDArray[np.float32], DensityIndex]:
    """The map of the job to draw, and its tree, built again from the embedding that the job left and checked."""
    import numpy as np

    from segwidgets.compute.density import DensityIndex
    from segwidgets.compute.embedding.pca import display
    from segwidgets.result import array_digest

    place = output / "result" / "embedding.npy"
    try:
        embedding = np.load(place, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ReportError(
            f"points= needs the job's map, and {place} cannot be read ({error}): make the report where the job's whole "
            "output is, or leave points out."
        ) from None
    if embedding.ndim != 2 or array_digest(embedding) != facts.digests.get("embedding"):
        raise ReportError(f"{place} is not the map that the report tells of: run the job again, or leave points out.")
    size = facts.recipe.clustering.min_samples
    index = DensityIndex(embedding, size, size, tick=lambda done: tick(0.5 * done))
    if array_digest(index.labels(float(facts.recipe.clustering.eps or 0))) != facts.digests.get("labels"):
        raise ReportError(
            "the labels of this job do not come from its own map by DBSCAN, so no slider can repeat them: leave points "
            "out."
        )
    return display(embedding), index


def _cut(index: DensityIndex, facts: Facts, rows: NDArray[Any]) -> tuple[float, Sampled, NDArray[np.int32]]:
    """The float32 eps at which the labels are the job's own, what the sample needs, and all labels."""
    import numpy as np

    from segwidgets.compute.density.portable import snap
    from segwidgets.compute.density.sampled import sampled

    eps = float(facts.recipe.clustering.eps or 0)
    labels = index.labels(eps)
    near = snap(eps)
    beside = [near, *(float(np.nextafter(np.float32(near), np.float32(way))) for way in (0, np.inf))]
    exact = next((one for one in beside if np.array_equal(index.labels(one), labels)), near)
    return exact, sampled(index.portable(), rows, facts.floor), labels


def _steps(told: Sampled, eps: float) -> tuple[NDArray[np.float32], int]:
    """The eps of each step of the slider, ascending, and which of them is the chosen one."""
    import numpy as np

    entry, gap = told.entry[np.isfinite(told.entry)], told.gap[np.isfinite(told.gap)]
    low = max(eps / _REACH, float(np.quantile(entry, 0.02)) if len(entry) else 0.0)
    high = min(eps * _REACH, 1.1 * float(gap.max()) if len(gap) else eps)
    grid = np.geomspace(min(low, eps / 1.5), max(high, eps * 1.5), _STEPS).astype(np.float32)
    steps = np.unique(np.append(grid, np.float32(eps)))
    return steps, int(np.searchsorted(steps, np.float32(eps)))


def _starting(
    facts: Facts, told: Sampled, labels: NDArray[np.int32], rows: NDArray[Any], leaf: NDArray[np.int32], eps: float
) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """Names of the segments as the cards have them, with the slots they have at the chosen eps; colours by slot."""
    slots = told.slots(eps)
    by_label = {int(label): int(slot) for label, slot in zip(labels[rows], slots[leaf], strict=True) if slot > 0}
    names = [
        {"name": one.name, "slots": sorted(by_label[label] for label in one.labels if label in by_label)}
        for one in facts.segments
    ]
    rank = {label: number for number, label in enumerate(facts.by_size)}
    return [one for one in names if one["slots"]], [[slot, rank[label]] for label, slot in sorted(by_label.items())]


def _quantised(points: NDArray[np.float32]) -> tuple[NDArray[Any], list[float], list[float]]:
    import numpy as np

    values = points.astype(np.float64)
    low, high = values.min(axis=0), values.max(axis=0)
    scale = np.where(high > low, (high - low) / _LEVELS, 1.0)
    return np.rint((values - low) / scale), low.tolist(), scale.tolist()


def _sizes(
    index: DensityIndex,
    told: Sampled,
    rows: NDArray[Any],
    leaf: NDArray[np.int32],
    steps: NDArray[np.float32],
    floor: int,
    tick: Tick,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Customers by step and slot, of all rows, one after the other; and by step how many are in none that is told.

    A segment of which no dot is in the sample has 0, and counts neither here nor there: (steps, 3) are noise and small
    segments together, segments without a dot, and their customers.
    """
    import numpy as np

    sizes, rest = [], []
    for at, eps in enumerate(steps.tolist()):
        tick(at / len(steps))
        labels, slots = index.labels(eps), told.slots(eps)
        counted = np.bincount(labels[labels >= 0], minlength=1)
        by_slot = np.zeros(int(slots.max(initial=0)), np.int64)
        shown = slots[leaf] > 0
        by_slot[slots[leaf][shown] - 1] = counted[labels[rows][shown]]
        large = counted[counted >= floor]
        sizes.append(by_slot)
        undrawn = len(large) - int((by_slot > 0).sum())
        rest += [len(labels) - int(large.sum()), undrawn, int(large.sum() - by_slot.sum())]
    return np.concatenate(sizes), np.array(rest)
