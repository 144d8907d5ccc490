"""A proposed name for each segment, from what sets it apart: short, and no two the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segwidgets.compute.segments.description import Difference

#: Parts of a name at first, and at most where fewer are not unique.
_PARTS, _MOST = 2, 4
#: Longest name, in characters: what `Names` allows.
_LONGEST = 80
_LONGEST_PART = 30


def proposed(differences: Mapping[int, Sequence[Difference]]) -> dict[int, str]:
    """Names by segment, such as "more dairy, less alcohol": from findings with at least a small effect.

    Args:
        differences: of each segment, the strongest first.
    """
    parts = {segment: _parts(ranked) for segment, ranked in differences.items()}
    names = {segment: ", ".join(said[:_PARTS]) or "like the average" for segment, said in parts.items()}
    for many in range(_PARTS + 1, _MOST + 1):
        for segment in _twice(names):
            longer = ", ".join(parts[segment][:many])
            names[segment] = longer if 0 < len(longer) <= _LONGEST else names[segment]
    for segment in _twice(names):
        names[segment] = f"{names[segment][: _LONGEST - 12]} ({segment})"
    return names


def _twice(names: Mapping[int, str]) -> list[int]:
    said = list(names.values())
    return [segment for segment, name in names.items() if said.count(name) > 1]


def _parts(ranked: Sequence[Difference]) -> list[str]:
    from segwidgets.compute.segments.description import FLOOR, LEVEL, SMALL

    found: list[str] = []
    columns: set[str] = set()
    for one in ranked:
        if abs(one.strength) < SMALL or not one.adjusted <= LEVEL or one.column in columns:
            continue
        if one.level is not None and one.rows < FLOOR:
            continue  # what few customers wrote is no name that everybody reads
        columns.add(one.column)  # a category's levels say the same thing twice
        word = one.name if len(one.name) <= _LONGEST_PART else one.name[: _LONGEST_PART - 1] + "…"
        found.append(f"{one.direction} {' '.join(word.split())}")
        if len(found) == _MOST:
            break
    return found
