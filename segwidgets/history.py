"""The panel's memory: every setting that came to rest, on disk, with its scores, its names and a thumbnail.

One file an entry, written whole or not at all, so that two kernels on one folder add to each other's history and never
spoil it. Where one stands is a file of its own, read once: two kernels stand where each likes, and the last move is
where the next one begins. After an undo a new setting begins a branch, and nothing is lost.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import logging
import secrets
import threading
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
    or None. ``parent`` is the id of the entry that it was made from, "" for the first.
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
    parent: str = ""
    names: Names = dataclasses.field(default_factory=Names)
    thumbnail: bytes | None = None

    def to_json(self) -> str:
        """All but the thumbnail, which is a file beside it."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del values["thumbnail"]
        return json.dumps({**values, "recipe": self.recipe.to_dict(), "names": self.names.to_dict()}, indent=1)

    @classmethod
    def from_json(cls, text: str, thumbnail: bytes | None, identifier: str) -> Entry:
        """The entry of that id; raises ValueError, TypeError or KeyError where the text is none or another's."""
        values = dict(json.loads(text))
        if values["id"] != identifier:
            raise ValueError(f"it holds the entry {values['id']!r}")
        values["recipe"] = Recipe.from_dict(values["recipe"])
        values["names"] = Names.from_dict(values["names"])
        values["sizes"] = tuple(int(size) for size in values["sizes"])
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
        self._lock = threading.RLock()
        self._known: dict[Path, tuple[Any, Entry | None]] = {}
        self._here, self._ahead = self._cursor()

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
        """Where one stands; None at the beginning, and where another kernel let that entry go."""
        return self._read(self._place(self._here)) if self._here else None

    @property
    def can_undo(self) -> bool:
        """Whether there is an entry before."""
        return self._before() is not None

    @property
    def can_redo(self) -> bool:
        """Whether there is an entry after."""
        return self._after() is not None

    # -- what changes it ---------------------------------------------------------------------------------------------

    def add(self, result: Result, *, names: Names | None = None, thumbnail: bytes | None = None) -> Entry:
        """Remember a finished run and stand there; the one where one stands already is not remembered twice.

        Raises OSError where the folder cannot be written; nothing of the entry is left then.
        """
        with self._lock:
            current = self.current
            if (
                current is not None
                and current.recipe.digest == result.recipe.digest
                and current.label_digest == result.label_digest
            ):
                return current
            now = dt.datetime.now(dt.UTC)
            entry = Entry(
                id=self._new_id(now),
                time=now.isoformat(timespec="seconds"),
                recipe=result.recipe,
                scores=result.scores.to_dict(),
                sizes=tuple(int(size) for size in result.sizes),
                table_digest=result.table_digest,
                label_digest=result.label_digest,
                parent=self._here,
                names=names or Names(),
                thumbnail=thumbnail,
            )
            try:
                if thumbnail is not None:
                    storage.write_atomic(self._picture(entry.id), thumbnail)
                storage.write_atomic(self._place(entry.id), entry.to_json())
            except BaseException:
                self._picture(entry.id).unlink(missing_ok=True)
                raise
            self._stand(entry.id)
            self._trim(entry.id)
            return entry

    def undo(self) -> Entry | None:
        """Stand at the entry that the present one was made from; None where there is none."""
        with self._lock:
            found = self._before()
            return None if found is None else self._stand_at(found, (*self._ahead, self._here))

    def redo(self) -> Entry | None:
        """Take an `undo` back, else go to the newest entry made from the present one; None where there is none."""
        with self._lock:
            found = self._after()
            return None if found is None else self._stand_at(found, self._ahead[:-1])

    def goto(self, identifier: str) -> Entry:
        """Stand at an entry; KeyError where there is none."""
        with self._lock:
            return self._stand_at(identifier, ())

    def star(self, identifier: str, starred: bool = True) -> Entry:
        """Keep an entry, or let it go with the others."""
        with self._lock:
            return self._write(dataclasses.replace(self.entry(identifier), starred=starred))

    def rename(self, names: Names) -> Entry | None:
        """What the segments where one stands are called now."""
        with self._lock:
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
        """An entry, read again only where its files have changed; None where there is none, or it is damaged."""
        picture = path.with_suffix(".png")
        try:
            stamp = (_stamp(path), _stamp(picture) if picture.exists() else None)
            if (known := self._known.get(path)) is not None and known[0] == stamp:
                return known[1]
            entry = Entry.from_json(
                path.read_text(), picture.read_bytes() if stamp[1] else None, path.stem.removeprefix("entry-")
            )
        except OSError:
            self._known.pop(path, None)
            return None  # another kernel let it go
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            _log.warning("the history leaves out %s, which is damaged: %s", path, error)
            entry = None
        self._known[path] = (stamp, entry)
        return entry

    def _write(self, entry: Entry) -> Entry:
        storage.write_atomic(self._place(entry.id), entry.to_json())
        return entry

    def _cursor(self) -> tuple[str, tuple[str, ...]]:
        """Where the last kernel stood, and what it had undone, the first last."""
        try:
            values = json.loads((self.folder / _CURSOR).read_text())
            return str(values["id"]), tuple(str(one) for one in values["ahead"])
        except (OSError, ValueError, KeyError, TypeError):
            return "", ()

    def _stand(self, identifier: str, ahead: tuple[str, ...] = ()) -> None:
        self._here, self._ahead = identifier, ahead
        storage.write_atomic(self.folder / _CURSOR, json.dumps({"id": identifier, "ahead": ahead}))

    def _stand_at(self, identifier: str, ahead: tuple[str, ...]) -> Entry:
        entry = self.entry(identifier)
        self._stand(identifier, ahead)
        return entry

    def _new_id(self, now: dt.datetime) -> str:
        """Sorted by time, behind all there are though the clock was set back, and another than any other kernel's."""
        newest = max((path.stem.removeprefix("entry-") for path in self.folder.glob("entry-*.json")), default="")
        stamp = f"{now:%Y%m%dT%H%M%S%f}"
        last = newest.split("-")[0]
        if last >= stamp:
            with contextlib.suppress(ValueError):
                later = dt.datetime.strptime(last, "%Y%m%dT%H%M%S%f").replace(tzinfo=dt.UTC) + dt.timedelta.resolution
                stamp = f"{later:%Y%m%dT%H%M%S%f}"
        return f"{stamp}-{secrets.token_hex(3)}"

    def _before(self) -> str | None:
        """The parent; where the limit took it, the nearest older entry."""
        current = self.current
        if current is None or not current.parent:
            return None
        older = [entry.id for entry in self.entries() if entry.id < current.id]
        return current.parent if current.parent in older else (older[-1] if older else None)

    def _after(self) -> str | None:
        known = self.entries()
        if self._ahead and any(entry.id == self._ahead[-1] for entry in known):
            return self._ahead[-1]
        children = [entry.id for entry in known if entry.parent == self._here]
        return children[-1] if children and self._here else None

    def _trim(self, newest: str) -> None:
        if sum(1 for _ in self.folder.glob("entry-*.json")) <= self._limit:
            return
        loose = [entry.id for entry in self.entries() if not entry.starred and entry.id != newest]
        for identifier in loose[: max(0, len(loose) + 1 - self._limit)]:
            self._place(identifier).unlink(missing_ok=True)
            self._picture(identifier).unlink(missing_ok=True)


def _stamp(path: Path) -> tuple[int, int, int]:
    """What changes when a file is replaced."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino
