"""What is raised when data cannot be used, and how its messages name things."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class DataError(ValueError):
    """Data that cannot be used: names what is wrong, where, how often, and the way out."""


class MissingExtraError(DataError, ImportError):
    """A package that only some users need is not installed; the message is the command that installs it."""


def missing_extra(extra: str, what: str) -> MissingExtraError:
    """The error for ``what`` (a noun phrase) that needs the optional dependencies ``extra``."""
    return MissingExtraError(f'{what} needs an optional package. Install it with: pip install "segwidgets[{extra}]"')


def listed(names: Sequence[str], most: int = 5) -> str:
    """Names for a message: the first few quoted, then how many more there are."""
    shown = ", ".join(repr(name) for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


def plural(count: int, noun: str) -> str:
    """``1 row``, ``2,469 rows``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def nearest(name: str, allowed: Iterable[str]) -> str:
    """The hint `` Did you mean 'x'?`` where a name is close to an allowed one (letter case aside), else nothing."""
    by_lower = {item.lower(): item for item in allowed}
    near = difflib.get_close_matches(name.lower(), list(by_lower), 1, cutoff=0.5)
    return f" Did you mean {by_lower[near[0]]!r}?" if near else ""


def unknown_column(what: str, name: str, allowed: Sequence[str]) -> DataError:
    """The error for a column ``name`` that is not there; ``what`` is the argument that named it."""
    return DataError(
        f"{what}={name!r}: there is no such column.{nearest(name, allowed)} Columns: {listed(allowed, 12)}."
    )
