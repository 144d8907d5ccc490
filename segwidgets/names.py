"""What people call segments: remembered by a row that each holds, so that a name outlives another eps."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

#: Longest name, in characters.
NAME_LIMIT = 80


def checked_name(name: object) -> str:
    """The name without blanks around it; ValueError where it is none."""
    text = name.strip() if isinstance(name, str) else ""
    if not text or len(text) > NAME_LIMIT or not text.isprintable():
        raise ValueError(
            f"name={name!r} is not allowed: a segment's name has 1 to {NAME_LIMIT} printable characters in one line."
        )
    return text


@dataclasses.dataclass(frozen=True)
class Names:
    """Names by anchor row, the newest last; where two rows of one segment bear different names the newest holds.

    >>> Names().renamed([3], "families").of(np.array([0, 0, 1, 1]))
    {1: 'families'}
    """

    entries: tuple[tuple[int, str], ...] = ()

    @property
    def by_row(self) -> dict[int, str]:
        """``{row: name}``, the newest last."""
        return dict(self.entries)

    def renamed(self, rows: Sequence[int], name: str) -> Names:
        """The segments that hold these rows bear ``name``; several become one under it.

        Raises:
            ValueError: the name is empty, too long or not printable, or a row is negative.
        """
        text = checked_name(name)
        chosen = list(dict.fromkeys(int(row) for row in rows))
        if any(row < 0 for row in chosen):
            raise ValueError(f"rows={chosen!r} are not rows: they are counted from 0.")
        kept = tuple(entry for entry in self.entries if entry[0] not in set(chosen))
        return Names((*kept, *((row, text) for row in chosen)))

    def without(self, rows: Sequence[int]) -> Names:
        """The same without the names of these rows."""
        return Names(tuple(entry for entry in self.entries if entry[0] not in {int(row) for row in rows}))

    def of(self, labels: npt.NDArray[np.integer[Any]]) -> dict[int, str]:
        """``{label: name}`` in a clustering, (n,) with -1 for noise. Rows that are noise now name nothing."""
        found: dict[int, str] = {}
        for row, name in self.entries:
            if row < len(labels) and labels[row] >= 0:
                found[int(labels[row])] = name
        return found

    def grouped(self, labels: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int32]:
        """(n,) int32 labels in which segments of one name are one, under the lowest of their labels."""
        lowest: dict[str, int] = {}
        place = np.arange(-1, int(labels.max(initial=-1)) + 1, dtype=np.int32)
        for label, name in sorted(self.of(labels).items()):
            place[label + 1] = lowest.setdefault(name, label)
        grouped: npt.NDArray[np.int32] = place[labels + 1]
        return grouped

    def to_dict(self) -> dict[str, str]:
        """As JSON takes it; `from_dict` reads it."""
        return {str(row): name for row, name in self.entries}

    @classmethod
    def from_dict(cls, values: Mapping[str, str]) -> Names:
        """The names of `to_dict`; raises ValueError where a row is no number or a name is not allowed."""
        names = cls()
        for row, name in values.items():
            names = names.renamed([int(row)], name)
        return names
