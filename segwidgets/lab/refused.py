"""What cannot be done, in the words and the number that the browser is given."""

from __future__ import annotations

import re

#: The longest message, in characters: it stands in a notice.
_LIMIT = 1_000
_PASSWORD = re.compile(r"(?<=://)[^/\s@]+@")


class RefusedError(Exception):
    """An answer that is no: ``status`` is HTTP's, ``reason`` one word for machines, ``message`` plain words."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message


def shown(text: str) -> str:
    """A message in one line, without what stands before an address's @ (a user and a password)."""
    line = _PASSWORD.sub("…@", " ".join(text.split()))
    return line if len(line) <= _LIMIT else line[: _LIMIT - 2] + " …"
