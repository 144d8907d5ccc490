"""What a report says, read from the ``report.json`` that a job leaves: checked, small segments hidden, nobody's values.

A segment with fewer customers than the floor is not told of: with the others of its kind it is one line, a number of
segments and of customers. A feature that only a few customers have cannot be read off a card then.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from segwidgets.recipe import Recipe, RecipeError
from segwidgets.report.cards import Card, Fidelity, RuleTold, Told, cards, fidelity

#: Customers that a segment must have to be told of, and how few that may be.
FLOOR, LOWEST_FLOOR = 20, 5
#: Of a file that an earlier segwidgets wrote: so many features on a card.
_FEATURES = 6


class ReportError(ValueError):
    """There is nothing to make a report of: what is wrong and the way out."""


@dataclasses.dataclass(frozen=True)
class Segment:
    """A segment as a client sees it: ``labels`` of which it is made, ``size``, ``share``, and what sets it apart.

    ``proposed``: a name that nobody has given yet; empty where people have named it, or nothing may be proposed.
    """

    name: str
    labels: tuple[int, ...]
    size: int
    share: float
    features: tuple[Told, ...]
    stability: float | None = None
    """Mean Jaccard index over samples (Hennig 2007), None where it was not computed."""
    proposed: str = ""
    rule: RuleTold | None = None


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a report is made of.

    ``segments`` are those of at least ``floor`` customers, the largest first; ``hidden`` how many others there are, and
    how many customers in them. ``noise``: customers in no segment. ``by_size``: every label, the largest first, as the
    map's colours go.
    """

    job: str
    rows: int
    recipe: Recipe
    digests: dict[str, str]
    scores: dict[str, Any]
    segments: tuple[Segment, ...]
    hidden: tuple[int, int]
    noise: int
    by_size: tuple[int, ...]
    floor: int
    k: int
    k_places: tuple[float, ...]
    k_distances: tuple[float, ...]
    plateau: tuple[float, float] | None
    knee: dict[str, Any] | None
    profile: dict[str, list[float]] | None
    stability: dict[str, Any] | None
    verdict: str
    mode: str
    table: str
    fidelity: Fidelity | None = None
    caveat: str = ""
    layered: bool = False
    """Whether names, merges and locks that people made are on cards and in the table."""
    map_tells_more: bool = False
    """Whether the job drew its map for a lower floor, and with it segments that this report does not tell of."""

    @classmethod
    def from_dict(
        cls,
        said: Mapping[str, Any],
        *,
        floor: int = FLOOR,
        verdict: str = "",
        layered: Mapping[str, Any] | None = None,
    ) -> Facts:
        """From a job's ``report.json``.

        Args:
            said: what the file says.
            floor: customers that a segment must have to be told of; 5 or more.
            verdict: of the job.
            layered: ``segments``, ``names``, ``described`` and ``members`` (the job's labels in each) instead of the
                job's own, where people have made a layer over its labels.

        Raises:
            ReportError: it is no such file, or the floor is too low.
        """
        if floor < LOWEST_FLOOR:
            raise ReportError(
                f"floor={floor!r} is not allowed: it must be a whole number from {LOWEST_FLOOR}, so that nobody can "
                f"be recognised in a segment. {FLOOR} is usual."
            )
        try:
            rows = int(said["rows"])
            recipe = Recipe.from_dict(said["recipe"])
            shown = said if layered is None else layered
            names = {int(label): str(name) for label, name in shown.get("names", {}).items()}
            stability = said.get("stability")
            described = shown.get("described") or {}
            segments, hidden, noise = _segments(
                shown["segments"], names, stability if layered is None else None, rows, floor, cards(described, floor)
            )
            if layered is not None:
                members = {int(label): tuple(own) for label, own in layered["members"].items()}
                segments = tuple(
                    dataclasses.replace(one, labels=tuple(raw for own in one.labels for raw in members.get(own, ())))
                    for one in segments
                )
            curve = said["k_distances"]
            plateau = said.get("plateau")
            return cls(
                job=str(said["job"]),
                rows=rows,
                recipe=recipe,
                digests={str(name): str(value) for name, value in said["digests"].items()},
                scores=dict(said["scores"]),
                segments=segments,
                hidden=hidden,
                noise=noise,
                by_size=_by_size(said["segments"]),
                floor=floor,
                k=int(curve["k"]),
                k_places=tuple(float(place) for place in curve["place"]),
                k_distances=tuple(float(distance) for distance in curve["distance"]),
                plateau=None if plateau is None else (float(plateau[0]), float(plateau[1])),
                knee=said.get("knee"),
                profile=said.get("profile"),
                stability=stability,
                verdict=verdict,
                mode=str(said.get("mode", "")),
                table=str(said.get("table", "")),
                fidelity=fidelity(described),
                caveat=str(described.get("caveat", "")),
                layered=layered is not None,
                map_tells_more=any(
                    said.get("map_floor", floor) <= size < floor for size in _sizes(said["segments"], names).values()
                ),
            )
        except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
            if isinstance(error, ReportError):
                raise
            more = f" ({error})" if isinstance(error, RecipeError) else ""
            raise ReportError(
                f"report.json does not say what a report needs{more}: run the job again with this segwidgets."
            ) from None

    @property
    def covered(self) -> float:
        """The share of customers that is in a segment."""
        return 1 - self.noise / max(1, self.rows)


def _sizes(listed: list[dict[str, Any]], names: Mapping[int, str]) -> dict[str, int]:
    """Customers by name."""
    found: dict[str, int] = {}
    for one in listed:
        if (label := int(one["segment"])) >= 0:
            name = names.get(label, f"Segment {label}")
            found[name] = found.get(name, 0) + int(one["size"])
    return found


def _by_size(listed: list[dict[str, Any]]) -> tuple[int, ...]:
    labels = sorted(int(one["segment"]) for one in listed if int(one["segment"]) >= 0)
    size = {int(one["segment"]): int(one["size"]) for one in listed}
    return tuple(sorted(labels, key=lambda label: -size[label]))


def _segments(
    listed: list[dict[str, Any]],
    names: dict[int, str],
    stability: Mapping[str, Any] | None,
    rows: int,
    floor: int,
    known: Mapping[int, Card],
) -> tuple[tuple[Segment, ...], tuple[int, int], int]:
    """Those that are told of, how many are not, and the noise. Labels of one name are one segment."""
    steady = {int(one["segment"]): float(one["jaccard"]) for one in (stability or {}).get("segments", ())}
    groups: dict[str, list[dict[str, Any]]] = {}
    noise = 0
    for one in listed:
        label = int(one["segment"])
        if label < 0:
            noise = int(one["size"])
            continue
        groups.setdefault(names.get(label, f"Segment {label}"), []).append(one)
    told, hidden = [], [0, 0]
    for name, parts in groups.items():
        size = sum(int(part["size"]) for part in parts)
        if size < floor:
            hidden[0] += 1
            hidden[1] += size
            continue
        labels = tuple(int(part["segment"]) for part in parts)
        stable = _steady(steady, parts)
        card = known.get(min(labels))
        share = size / max(1, rows)
        if card is not None and card.size == size:
            proposed = "" if labels[0] in names else card.proposed
            told.append(Segment(name, labels, size, share, card.features, stable, proposed, card.rule))
        else:
            told.append(Segment(name, labels, size, share, _earlier(parts), stable))
    told.sort(key=lambda one: (-one.size, one.labels))
    return tuple(told), (hidden[0], hidden[1]), noise


def _steady(steady: Mapping[int, float], parts: list[dict[str, Any]]) -> float | None:
    known = [(steady[int(one["segment"])], int(one["size"])) for one in parts if int(one["segment"]) in steady]
    return sum(value * weight for value, weight in known) / sum(weight for _, weight in known) if known else None


def _earlier(parts: list[dict[str, Any]]) -> tuple[Told, ...]:
    """The features of the largest part, as files of an earlier segwidgets have them."""
    largest = max(parts, key=lambda part: int(part["size"]))
    return tuple(
        Told(str(one["name"]), str(one["text"]), float(one["effect"]))
        for one in largest.get("features", ())[:_FEATURES]
    )
