"""The panel's memory: every setting that came to rest, on disk, with its scores, its names and a thumbnail.

One file an entry, written whole or not at all, so that two kernels on one folder add to each other's history and never
spoil it. Where one stands is a file of its own: after an undo a new setting begins a branch, and nothing is lost.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import logging
import secrets
from pathlib import Path
from typing import Any

from segwidgets import storage
from segwidgets.data import Table
from segwidgets.names import Names
from segwidgets.recipe import Recipe
from segwidgets.result import Result

#: Entries kept that are not starred.
LIMIT = 200
_CURSOR = "cursor.json"
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Entry:
    """A setting that came to rest.

    ``id`` sorts by time. ``scores`` are those of `Scores.to_dict`, ``sizes`` rows by segment. ``thumbnail`` is a PNG
    or None.
    """

    id: str
    time: str
    recipe: Recipe
    scores: dict[str, Any]
    sizes: tuple[int, ...]
    table_digest: str
    label_digest: str
    starred: bool = False
    note: str = ""
    names: Names = dataclasses.field(default_factory=Names)
    thumbnail: bytes | None = None

    def to_json(self) -> str:
        """All but the thumbnail, which is a file beside it."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del values["thumbnail"]
        return json.dumps({**values, "recipe": self.recipe.to_dict(), "names": self.names.to_dict()}, indent=1)

    @classmethod
    def from_json(cls, text: str, thumbnail: bytes | None) -> Entry:
        """An entry; raises ValueError, TypeError or KeyError where the text is none."""
        values = dict(json.loads(text))
        values["recipe"] = Recipe.from_dict(values["recipe"])
        values["names"] = Names.from_dict(values["names"])
        values["sizes"] = tuple(values["sizes"])
        return cls(**values, thumbnail=thumbnail)


class History:
    """Entries in a folder, the oldest first, and where one stands among them.

    Args:
        folder: made when it is missing.
        limit: entries kept that are not starred; the oldest go first, never the one where one stands.
    """

    def __init__(self, folder: Path, *, limit: int = LIMIT) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._limit = limit

    @classmethod
    def of(cls, table: Table, folder: Path | None = None) -> History:
        """The history of a table, in segwidgets' home by its digest, or in a folder."""
        return cls(folder if folder is not None else storage.home() / "history" / table.digest[:16])

    # -- what there is -----------------------------------------------------------------------------------------------

    def entries(self) -> list[Entry]:
        """All that can be read, the oldest first; a damaged file is left out with a warning that names it."""
        found = (self._read(path) for path in sorted(self.folder.glob("entry-*.json")))
        return [entry for entry in found if entry is not None]

    def entry(self, identifier: str) -> Entry:
        """One entry; KeyError with the way out where there is none."""
        entry = self._read(self._place(identifier))
        if entry is None:
            raise KeyError(f"there is no entry {identifier!r} in the history: take the id of one of its entries.")
        return entry

    @property
    def current(self) -> Entry | None:
        """Where one stands."""
        return self._at(self._cursor())

    @property
    def can_undo(self) -> bool:
        """Whether there is an entry before."""
        return self._beside(-1) is not None

    @property
    def can_redo(self) -> bool:
        """Whether there is an entry behind."""
        return self._beside(1) is not None

    # -- what changes it ---------------------------------------------------------------------------------------------

    def add(self, result: Result, *, names: Names | None = None, thumbnail: bytes | None = None) -> Entry:
        """Remember a finished run and stand there; the one where one stands already is not remembered twice.

        Raises OSError where the folder cannot be written; nothing of the entry is left then.
        """
        current = self.current
        if (
            current is not None
            and current.recipe.digest == result.recipe.digest
            and current.label_digest == result.label_digest
        ):
            return current
        now = dt.datetime.now(dt.UTC)
        entry = Entry(
            # Sorted by time, and another than any other kernel's.
            id=f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}",
            time=now.isoformat(timespec="seconds"),
            recipe=result.recipe,
            scores=result.scores.to_dict(),
            sizes=tuple(int(size) for size in result.sizes),
            table_digest=result.table_digest,
            label_digest=result.label_digest,
            names=names or Names(),
            thumbnail=thumbnail,
        )
        if thumbnail is not None:
            storage.write_atomic(self._picture(entry.id), thumbnail)
        storage.write_atomic(self._place(entry.id), entry.to_json())
        self._stand(entry.id)
        self._trim(entry.id)
        return entry

    def undo(self) -> Entry | None:
        """Stand at the entry before; None where there is none."""
        return self._move(-1)

    def redo(self) -> Entry | None:
        """Stand at the entry behind; None where there is none."""
        return self._move(1)

    def goto(self, identifier: str) -> Entry:
        """Stand at an entry; KeyError where there is none."""
        entry = self.entry(identifier)
        self._stand(identifier)
        return entry

    def star(self, identifier: str, starred: bool = True) -> Entry:
        """Keep an entry, or let it go with the others."""
        return self._write(dataclasses.replace(self.entry(identifier), starred=starred))

    def rename(self, names: Names) -> Entry | None:
        """What the segments where one stands are called now."""
        current = self.current
        if current is None or current.names == names:
            return current
        return self._write(dataclasses.replace(current, names=names))

    # -- files -------------------------------------------------------------------------------------------------------

    def _place(self, identifier: str) -> Path:
        return self.folder / f"entry-{Path(identifier).name}.json"

    def _picture(self, identifier: str) -> Path:
        return self._place(identifier).with_suffix(".png")

    def _read(self, path: Path) -> Entry | None:
        try:
            text = path.read_text()
        except OSError:
            return None  # another kernel let it go
        picture = None
        with contextlib.suppress(OSError):
            picture = path.with_suffix(".png").read_bytes()
        try:
            return Entry.from_json(text, picture)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            _log.warning("the history leaves out %s, which is damaged: %s", path, error)
            return None

    def _write(self, entry: Entry) -> Entry:
        storage.write_atomic(self._place(entry.id), entry.to_json())
        return entry

    def _cursor(self) -> str:
        try:
            return str(json.loads((self.folder / _CURSOR).read_text())["id"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def _stand(self, identifier: str) -> None:
        storage.write_atomic(self.folder / _CURSOR, json.dumps({"id": identifier}))

    def _at(self, identifier: str) -> Entry | None:
        return self._read(self._place(identifier)) if identifier else None

    def _beside(self, step: int) -> str | None:
        known = [path.stem.removeprefix("entry-") for path in sorted(self.folder.glob("entry-*.json"))]
        here = self._cursor()
        if here not in known:
            return known[-1] if known and step < 0 else None
        place = known.index(here) + step
        return known[place] if 0 <= place < len(known) else None

    def _move(self, step: int) -> Entry | None:
        found = self._beside(step)
        return None if found is None else self.goto(found)

    def _trim(self, newest: str) -> None:
        loose = [entry.id for entry in self.entries() if not entry.starred and entry.id != newest]
        for identifier in loose[: max(0, len(loose) + 1 - self._limit)]:
            self._place(identifier).unlink(missing_ok=True)
            self._picture(identifier).unlink(missing_ok=True)
