"""What people decided about segments, as a layer over the labels that outlives another clustering.

A layer holds names (several segments of one name are one: a merge) and locks. Names stand on rows (`Names`): whatever
segment holds the row now bears the name. A lock stands on all rows of a segment: they stay together under its number,
whatever the new labels say. So that numbers mean the same, new labels are first matched with those before
(`matching.renumber`), and the layer is applied after that:

1. New labels take the numbers of the segments they match; on the same labels this changes nothing.
2. Rows of a locked segment get its number. Rows that the new labels put into that number, and that are not locked
   themselves, keep it: the lock holds customers in, it shuts nobody out.
3. Segments of one name are one, under the lowest of their numbers; a locked number stays as it is, and the others of
   its name join it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from segwidgets.names import Names

Labels = npt.NDArray[np.integer[Any]]


@dataclasses.dataclass(frozen=True)
class Layer:
    """Names, merges and locks. ``locks``: (number, its rows) of each locked segment, by number."""

    names: Names = dataclasses.field(default_factory=Names)
    locks: tuple[tuple[int, tuple[int, ...]], ...] = ()

    def renamed(self, labels: Labels, segment: int, name: str) -> Layer:
        """The segment of ``labels`` bears the name; where another has it, both are one.

        Raises:
            ValueError: there is no such segment, or the name is not allowed.
        """
        return dataclasses.replace(self, names=self.names.renamed([int(_rows(labels, segment)[0])], name))

    def merged(self, labels: Labels, segments: Sequence[int], name: str) -> Layer:
        """Several segments of ``labels`` are one, under the name.

        Raises:
            ValueError: fewer than two segments, one that is not there, or two that are locked.
        """
        if len(set(segments)) < 2:
            raise ValueError(f"segments={list(segments)!r} is not allowed: name two or more segments to merge.")
        locked = sorted({number for number, _ in self.locks} & set(segments))
        if len(locked) > 1:
            raise ValueError(f"segments {locked} are locked: unlock all but one of them to merge them.")
        rows = [int(_rows(labels, segment)[0]) for segment in segments]
        return dataclasses.replace(self, names=self.names.renamed(rows, name))

    def locked(self, labels: Labels, segment: int) -> Layer:
        """The rows that the segment of ``labels`` has now stay in it.

        Raises:
            ValueError: there is no such segment, or one of its rows is locked in another.
        """
        rows = tuple(_rows(labels, segment).tolist())
        kept = tuple(lock for lock in self.locks if lock[0] != segment)
        held = {row: number for number, others in kept for row in others}
        for row in rows:
            if row in held:
                raise ValueError(
                    f"segment {segment} has rows that are locked in segment {held[row]}: unlock that first."
                )
        return dataclasses.replace(self, locks=tuple(sorted((*kept, (int(segment), rows)))))

    def unlocked(self, segment: int) -> Layer:
        """Without the lock of this number, if it has one."""
        return dataclasses.replace(self, locks=tuple(lock for lock in self.locks if lock[0] != segment))

    def apply(self, labels: Labels, before: Labels | None = None) -> npt.NDArray[np.int32]:
        """The labels that people see, (n,) int32, -1 for noise.

        Args:
            labels: (n,) a clustering of the same rows as when the layer was made.
            before: (n,) the labels that the layer was made on; ``labels`` are matched with them first. None takes the
                numbers of ``labels`` as they are.

        Raises:
            ValueError: shapes differ, or a locked row is not among the rows.
        """
        from segwidgets.compute.matching import match, renumber

        found = np.maximum(np.asarray(labels), -1).astype(np.int32)
        if before is not None:
            found = renumber(found, match(before, found))
        for number, rows in self.locks:
            if rows[-1] >= len(found):
                raise ValueError(
                    f"segment {number} is locked with row {rows[-1]:,}, and there are {len(found):,} rows: a layer "
                    "fits the table that it was made on."
                )
            found[list(rows)] = number
        return self._joined(found)

    def _joined(self, labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Segments of one name as one: under the locked one's number, else the lowest."""
        held = {number for number, _ in self.locks}
        names = self.names.of(labels)
        home: dict[str, int] = {}
        for label in sorted(names, key=lambda one: (one not in held, one)):
            home.setdefault(names[label], label)
        place = np.arange(-1, int(labels.max(initial=-1)) + 1, dtype=np.int32)
        for label, name in names.items():
            if label not in held:
                place[label + 1] = home[name]
        joined: npt.NDArray[np.int32] = place[labels + 1]
        return joined

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it; `from_dict` reads it. It holds row numbers: for the analyst's own files."""
        locks = [{"segment": number, "rows": list(rows)} for number, rows in self.locks]
        return {"version": 1, "names": self.names.to_dict(), "locks": locks}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Layer:
        """The layer of `to_dict`.

        Raises:
            ValueError: it is of another version, or something in it is not allowed.
        """
        if values.get("version") != 1:
            raise ValueError(f"version={values.get('version')!r} of a layer is not known: this segwidgets reads 1.")
        locks: list[tuple[int, tuple[int, ...]]] = []
        taken: set[int] = set()
        for lock in values.get("locks", ()):
            number, rows = int(lock["segment"]), sorted({int(row) for row in lock["rows"]})
            if number < 0 or not rows or rows[0] < 0 or taken & set(rows) or number in dict(locks):
                raise ValueError(f"the lock of segment {number} is not allowed: each has rows of its own, from 0.")
            taken |= set(rows)
            locks.append((number, tuple(rows)))
        return cls(Names.from_dict(values.get("names", {})), tuple(sorted(locks)))


def _rows(labels: Labels, segment: int) -> npt.NDArray[np.intp]:
    rows = np.flatnonzero(np.asarray(labels) == segment)
    if segment < 0 or not len(rows):
        raise ValueError(f"segment={segment!r} is not there: the segments are 0 to {int(np.max(labels, initial=-1))}.")
    return rows
