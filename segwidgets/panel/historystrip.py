"""The history as a strip of cards: go back, undo, star, and compare two.

The front end is ``segwidgets/frontend/src/historystrip.ts``; ``static/historystrip.js`` is built from it.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anywidget
import traitlets

_TEXTS = ("id", "title", "detail", "time")
#: A picture is shown in the page: nothing else than a picture may come in.
_PICTURE = "data:image/"


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {part: str(entry[part]) for part in _TEXTS}
    made["starred"], made["current"] = bool(entry["starred"]), bool(entry["current"])
    made["thumbnail"] = str(entry.get("thumbnail") or "")
    if made["thumbnail"] and not made["thumbnail"].startswith(_PICTURE):
        raise ValueError(
            f"thumbnail={made['thumbnail'][:40]!r} is not allowed: it must be a data URL of a picture, or ''."
        )
    return made


def _light(entries: Sequence[Mapping[str, Any]], _: object) -> list[dict[str, Any]]:
    """The entries without their pictures, which travel only when they change."""
    return [{name: part for name, part in entry.items() if name != "thumbnail"} for entry in entries]


class HistoryStrip(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget is followed as Any
    """Entries of a history as cards, in the order given: the newest first.

    Args:
        entries: Mappings with ``id``, ``title``, ``detail``, ``time`` (ISO 8601; other text is
            shown as it is), ``starred``, ``current`` and
            ``thumbnail`` (data URL of a picture, or "").

    Raises:
        traitlets.TraitError: If an entry lacks a part, a thumbnail is no picture, or two have one id.

    ``can_undo`` and ``can_redo`` open the buttons. ``comparison`` is None or a dict with ``title``, ``rows`` (lists of
    label, first, second and change, all str), ``text`` and, if wanted, ``columns`` (the heads of the first and the
    second); the user closes it. ``starred_only`` and ``chosen`` (ids ticked) follow the user.
    """

    _esm = pathlib.Path(__file__).parent / "static" / "historystrip.js"

    entries = traitlets.List(traitlets.Dict()).tag(sync=True, to_json=_light)
    thumbnails = traitlets.Dict(help="data URL by entry id; set with the entries").tag(sync=True)
    can_undo = traitlets.Bool().tag(sync=True)
    can_redo = traitlets.Bool().tag(sync=True)
    starred_only = traitlets.Bool().tag(sync=True)
    chosen = traitlets.List(traitlets.Unicode()).tag(sync=True)
    comparison = traitlets.Dict(allow_none=True).tag(sync=True)

    def __init__(self, entries: Sequence[Mapping[str, Any]] = (), **traits: Any) -> None:
        self._called: dict[str, list[Callable[..., object]]] = {}
        super().__init__(entries=list(entries), **traits)
        self.on_msg(self._heard)

    def on_goto(self, went: Callable[[str], object]) -> None:
        """Call ``went(id)`` when the user goes to an entry."""
        self._called.setdefault("goto", []).append(went)

    def on_star(self, starred: Callable[[str, bool], object]) -> None:
        """Call ``starred(id, on)`` when the user stars an entry or takes the star away."""
        self._called.setdefault("star", []).append(starred)

    def on_compare(self, compared: Callable[[str, str], object]) -> None:
        """Call ``compared(older, newer)`` with two ids when the user compares them; set ``comparison`` in answer."""
        self._called.setdefault("compare", []).append(compared)

    def on_undo(self, undone: Callable[[], object]) -> None:
        """Call ``undone()`` when the user undoes."""
        self._called.setdefault("undo", []).append(undone)

    def on_redo(self, redone: Callable[[], object]) -> None:
        """Call ``redone()`` when the user takes an undo back."""
        self._called.setdefault("redo", []).append(redone)

    @traitlets.default("comparison")  # type: ignore[untyped-decorator]  # traitlets is followed as Any
    def _no_comparison(self) -> None:
        """A Dict takes a default of None for an empty one."""
        return

    @traitlets.validate("entries")  # type: ignore[untyped-decorator]  # traitlets is followed as Any
    def _check_entries(self, proposal: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            entries = [_entry(entry) for entry in proposal["value"]]
        except KeyError as error:
            raise traitlets.TraitError(
                f"entries lack {error}: each has what the docstring of HistoryStrip names."
            ) from None
        except ValueError as error:
            raise traitlets.TraitError(f"entries are not allowed: {error}") from None
        seen: set[str] = set()
        for entry in entries:
            if entry["id"] in seen:
                raise traitlets.TraitError(f"entries name id={entry['id']!r} twice: give each its own.")
            seen.add(entry["id"])
        return entries

    @traitlets.observe("entries")  # type: ignore[untyped-decorator]  # traitlets is followed as Any
    def _take_pictures(self, change: dict[str, Any]) -> None:
        self.thumbnails = {entry["id"]: entry["thumbnail"] for entry in change["new"] if entry["thumbnail"]}

    @traitlets.validate("comparison")  # type: ignore[untyped-decorator]  # traitlets is followed as Any
    def _check_comparison(self, proposal: dict[str, Any]) -> dict[str, Any] | None:
        value = proposal["value"]
        if value is None:
            return None
        rows = [[str(cell) for cell in row] for row in value.get("rows", ())]
        if any(len(row) != 4 for row in rows):
            raise traitlets.TraitError("comparison rows are label, first, second and change: give each four texts.")
        made = {"title": str(value.get("title", "Comparison")), "rows": rows, "text": str(value.get("text", ""))}
        if value.get("columns"):
            first, second = value["columns"]
            made["columns"] = [str(first), str(second)]
        return made

    def _heard(self, _: object, content: dict[str, Any], __: object) -> None:
        kind = content.get("kind")
        there = {entry["id"] for entry in self.entries}
        told: tuple[Any, ...]
        if kind in {"undo", "redo"}:
            told = ()
        elif kind == "goto":
            told = (content.get("id"),)
        elif kind == "star":
            told = (content.get("id"), bool(content.get("starred")))
        elif kind == "compare" and len(content.get("ids", ())) == 2:
            told = tuple(content["ids"])
        else:
            return
        # Entries may have gone while the message travelled.
        ids = told[:1] if kind == "star" else told
        if any(identifier not in there for identifier in ids) or len(set(ids)) < len(ids):
            return
        for called in list(self._called.get(str(kind), ())):
            called(*told)
