"""What a card says of a segment, out of ``described`` in a job's ``report.json``: nothing that few customers have.

The file holds differences and rules down to the lowest floor there is. Whoever has a higher one is told less: no level,
and no counted column, that fewer customers have, no path of a rule to fewer, and no proposed name that speaks of one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

#: What sets a segment apart: so many features on its card.
_FEATURES = 6
#: Ways to a segment that are told in words at most.
_PATHS = 2


@dataclasses.dataclass(frozen=True)
class Told:
    """A difference in words, its effect (Cohen's d or h) and the effect's 95 % interval, where it is known."""

    name: str
    text: str
    effect: float
    low: float | None = None
    high: float | None = None

    @property
    def interval(self) -> str:
        """The effect and its interval in words; empty where no interval is known."""
        if self.low is None or self.high is None:
            return ""
        return f"effect {self.effect:+.2f} ({self.low:+.2f} to {self.high:+.2f})"


@dataclasses.dataclass(frozen=True)
class RuleTold:
    """Who is in the segment, in rules of the table's columns; how often they are right, and how many they find."""

    paths: tuple[str, ...]
    precision: float | None
    recall: float


@dataclasses.dataclass(frozen=True)
class Card:
    """``size`` customers; ``proposed`` is a name that nobody has taken or refused, empty where none may be told."""

    size: int
    features: tuple[Told, ...]
    proposed: str
    rule: RuleTold | None


@dataclasses.dataclass(frozen=True)
class Fidelity:
    """How far all rules together can be trusted: shares of customers, by cross-validation."""

    accuracy: float
    baseline: float
    coverage: float


def cards(described: Mapping[str, Any], floor: int) -> dict[int, Card]:
    """The cards by segment, of those with at least ``floor`` customers; an empty dict where nothing is described."""
    rules = _rules(described.get("explained") or {}, floor)
    found = {}
    for one in described.get("segments", ()):
        segment, size = int(one["segment"]), int(one["size"])
        if segment < 0 or size < floor:
            continue
        differences = one["differences"]
        rare = [each for each in differences if _having(each, size) < floor]
        kept = [each for each in differences if each not in rare]
        name = str(one["name"])
        # A name is cut where a column's is long, so its first half speaks of it too.
        spoken = any(str(each["name"])[:15] in name for each in rare)
        found[segment] = Card(size, _told(kept), "" if spoken else name, rules.get(segment))
    return found


def fidelity(described: Mapping[str, Any]) -> Fidelity | None:
    """Of all rules; None where there are none."""
    said = described.get("explained")
    if not said:
        return None
    return Fidelity(*(float(said[name]) for name in ("accuracy", "baseline", "coverage")))


def _having(one: Mapping[str, Any], size: int) -> float:
    """How many customers have what a difference speaks of; of a count those above 0."""
    if one["measure"] != "any":
        return int(one["rows"])
    inside, outside = float(one["inside"]), float(one["outside"])
    return round(inside * size + outside * max(0, int(one["rows"]) - size))


def _told(differences: Iterable[Mapping[str, Any]]) -> tuple[Told, ...]:
    """The strongest that are beyond chance and at least small."""
    from segwidgets.compute.segments.description import LEVEL, SMALL

    found = []
    for one in differences:
        effect = one["effect"] if one["effect"] is not None else 4 * (one["delta"] or 0.0)
        known = one["effect"] is not None
        if one["adjusted"] is not None and one["adjusted"] <= LEVEL and abs(effect) >= SMALL:
            low, high = (one["low"], one["high"]) if known else (None, None)
            found.append(Told(str(one["name"]), str(one["text"]), float(effect), low, high))
    return tuple(found[:_FEATURES])


def _rules(explained: Mapping[str, Any], floor: int) -> dict[int, RuleTold]:
    found = {}
    for rule in explained.get("rules", ()):
        paths = tuple(str(text) for text, many in zip(rule["text"], rule["paths"], strict=True) if many >= floor)
        if int(rule["size"]) >= floor and paths:
            precision = None if rule["precision"] is None else float(rule["precision"])
            found[int(rule["segment"])] = RuleTold(paths[:_PATHS], precision, float(rule["recall"]))
    return found
