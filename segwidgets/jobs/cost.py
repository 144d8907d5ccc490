"""What a training job may cost at most, and about what it will, by one's own past jobs. Nothing is asked of AWS.

Prices come from a dated table that says where it comes from (``prices.json`` beside this file), and from one of the
same name in segwidgets' home, which wins. Disk, storage in S3 and transfer are not in them.
"""

from __future__ import annotations

import dataclasses
import importlib.resources
import itertools
import json
import math
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from segwidgets import storage
from segwidgets.data.errors import plural
from segwidgets.jobs.spec import SpecError
from segwidgets.jobs.store import jobs_root
from segwidgets.tracking.ledger import Ledger

#: The table of one's own prices, in segwidgets' home.
FILE = "prices.json"
#: A past job is of like size where it had a tenth to ten times the rows.
LIKE = 10.0
#: Pairs of past jobs tell how time grows with rows where their sizes differ by this much, and there are three jobs.
_APART, _ENOUGH = 1.5, 3
#: Time grows neither slower than not at all nor faster than with the square of the rows.
_SLOPES = (0.0, 2.0)


@dataclasses.dataclass(frozen=True)
class Price:
    """USD for an hour of one instance; ``source`` and ``date`` say how far it can be trusted."""

    hourly: float
    source: str
    date: str


@dataclasses.dataclass(frozen=True)
class Estimate:
    """About how long a job will take, by ``jobs`` past ones: the middle, and the least and most that they say."""

    seconds: float
    low: float
    high: float
    jobs: int


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a job may cost. Everything in USD is None where no price is known: unknown is not free.

    ``ceiling`` is the on-demand price for all of ``max_run``, for a spot job too; ``spot`` is the least and most of
    that ceiling with the usual discounts.
    """

    instance_type: str
    instance_count: int
    region: str
    max_run: int
    price: Price | None
    ceiling: float | None
    spot: tuple[float, float] | None
    estimate: Estimate | None

    @property
    def likely(self) -> float | None:
        """USD by the estimate, at the on-demand price."""
        if self.price is None or self.estimate is None:
            return None
        return self.price.hourly * self.instance_count * self.estimate.seconds / 3600

    @property
    def text(self) -> str:
        """In a few sentences, with what it rests on."""
        return " ".join([*self._money(), *self._time()])

    def _money(self) -> Iterator[str]:
        if self.price is None or self.ceiling is None:
            yield (
                f"No price is known for {self.instance_type} in {self.region}, so there is no ceiling: look at AWS's "
                f"price list, and write it into {FILE} in segwidgets' home."
            )
            return
        many = f" x {self.instance_count}" if self.instance_count > 1 else ""
        yield (
            f"At most about {dollars(self.ceiling)}: {dollars(self.price.hourly)} an hour{many} for {self.max_run:,} s "
            f"({self.price.source}, {self.price.date})."
        )
        if self.spot is not None:
            yield f"As a spot job usually {dollars(self.spot[0])} to {dollars(self.spot[1])} of that."

    def _time(self) -> Iterator[str]:
        if self.estimate is None:
            yield f"No past job of like size on {self.instance_type} says how long it takes."
            return
        e = self.estimate
        money = "" if self.likely is None else f", {dollars(self.likely)}"
        span = f" ({_minutes(e.low)} to {_minutes(e.high)})" if e.jobs > 1 else ""
        yield f"By {plural(e.jobs, 'past job')} of like size about {_minutes(e.seconds)}{span}{money}."

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a page or a file."""
        return {**dataclasses.asdict(self), "likely": self.likely, "text": self.text}


def dollars(value: float) -> str:
    """USD for people: cents, two digits from 100 on, and never down to nothing."""
    if value >= 100:
        return f"${float(f'{value:.2g}'):,.0f}"
    return f"${value:.2f}" if value >= 0.01 else "less than $0.01"


def _minutes(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def cost(
    instance_type: str,
    *,
    region: str,
    instance_count: int = 1,
    max_run: int,
    spot: bool = False,
    rows: int,
    columns: int,
    mode: str,
    history: Path | None = None,
) -> Cost:
    """What a job may cost.

    Args:
        instance_type: "ml.g5.xlarge" and the like.
        region: where it runs.
        instance_count: on how many.
        max_run: seconds after which it is stopped.
        spot: whether it asks for spot instances.
        rows: of its table.
        columns: of its table.
        mode: "embedding" or "refit"; past jobs count where they had the same.
        history: the directory of past jobs' folders; segwidgets' own by default.

    Raises:
        SpecError: the table of one's own prices cannot be read.
    """
    found = price(instance_type, region)
    ceiling = None if found is None else found.hourly * instance_count * max_run / 3600
    least, most = _shipped()["spot_discount"]
    discounted = None if ceiling is None or not spot else (ceiling * (1 - most), ceiling * (1 - least))
    seen = past(instance_type, mode, history)
    about = estimate(seen, rows, columns)
    return Cost(instance_type, instance_count, region, max_run, found, ceiling, discounted, about)


# -- prices ------------------------------------------------------------------------------------------------------------


def price(instance_type: str, region: str) -> Price | None:
    """An hour's price, one's own before the shipped one; None where neither knows. Raises SpecError."""
    own = _own()
    hourly = own.get("prices", {}).get(region, {}).get(instance_type)
    if hourly is not None:
        return Price(float(hourly), str(own.get("source", FILE)), str(own.get("date", "no date")))
    table = _shipped()
    hourly, factor = table["instances"].get(instance_type), table["regions"].get(region)
    if hourly is None or factor is None:
        return None
    return Price(hourly * factor, table["source"], table["date"])


def _shipped() -> dict[str, Any]:
    text = importlib.resources.files("segwidgets.jobs").joinpath(FILE).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _own() -> dict[str, Any]:
    file = storage.home() / FILE
    way_out = 'Write {"date": …, "source": …, "prices": {"eu-central-1": {"ml.g5.xlarge": 1.76}}}, or move it away.'
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise SpecError(f"{file} cannot be read: {error}. {way_out}") from None
    prices = found.get("prices") if isinstance(found, dict) else None
    if not isinstance(prices, dict) or not all(isinstance(one, dict) for one in prices.values()):
        raise SpecError(f"{file} has no prices by region. {way_out}")
    for region, by_type in prices.items():
        for name, hourly in by_type.items():
            right = isinstance(hourly, int | float) and not isinstance(hourly, bool)
            if not right or not math.isfinite(hourly) or hourly <= 0:
                raise SpecError(f"{file}: {region}, {name} is {hourly!r}, which is no price: USD an hour, above 0.")
    return dict(found)


# -- past jobs ---------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Past:
    """A job that completed: its rows, columns where they are known, and seconds from start to end."""

    rows: int
    columns: int | None
    seconds: float


def past(instance_type: str, mode: str, root: Path | None = None) -> list[Past]:
    """The completed SageMaker jobs on such an instance, by their folders. A folder that says nothing is left out."""
    place = jobs_root() if root is None else root
    if not place.is_dir():
        return []
    found = (_read(Ledger(path), instance_type, mode) for path in sorted(place.iterdir()) if path.is_dir())
    return [one for one in found if one is not None]


def _read(ledger: Ledger, instance_type: str, mode: str) -> Past | None:
    job, status = ledger.job, ledger.status
    settings = job.get("settings") or {}
    if status.get("state") != "completed" or settings.get("instance_type") != instance_type:
        return None
    if settings.get("instance_count", 1) != 1 or job.get("params", {}).get("mode") != mode:
        return None
    try:
        seconds = float(status["ended"]) - float(status["begun"])
        rows = int(job["rows"] if "rows" in job else _manifest(ledger)["rows"])
        columns = int(job["columns"]) if "columns" in job else None
    except (KeyError, TypeError, ValueError, OSError):
        return None
    return Past(rows, columns, seconds) if rows > 0 and seconds > 0 else None


def _manifest(ledger: Ledger) -> Mapping[str, Any]:
    """What the job's result says of itself."""
    found: Mapping[str, Any] = json.loads((ledger.path / "output" / "data" / "result" / "manifest.json").read_text())
    return found


def estimate(seen: list[Past], rows: int, columns: int) -> Estimate | None:
    """About how long a table of this size takes, by past jobs of like size; None where there are none.

    How time grows with size is the median slope over all pairs of jobs in logarithms (Theil 1950, Sen 1968), which one
    odd job does not turn; with too few jobs to tell, time grows with size itself. Each job then says a time for this
    size, and their median is taken. Size is rows x columns where every job's columns are known, else rows.
    """
    like = [one for one in seen if rows / LIKE <= one.rows <= rows * LIKE] if rows > 0 else []
    if not like:
        return None
    wide = columns > 0 and all(one.columns for one in like)
    size = math.log(rows * columns if wide else rows)
    points = [(math.log(one.rows * (one.columns or 1) if wide else one.rows), math.log(one.seconds)) for one in like]
    slope = _slope(points)
    said = sorted(math.exp(time + slope * (size - at)) for at, time in points)
    return Estimate(statistics.median(said), said[0], said[-1], len(said))


def _slope(points: list[tuple[float, float]]) -> float:
    pairs = itertools.combinations(points, 2)
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs if abs(b[0] - a[0]) >= math.log(_APART)]
    if len(points) < _ENOUGH or not slopes:
        return 1.0
    return min(max(statistics.median(slopes), _SLOPES[0]), _SLOPES[1])
