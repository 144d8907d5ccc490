"""The digest of a table's content, which does not depend on where the table came from or how it was stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from segwidgets.data.columns import Numbers, Texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Goes first into every digest; a change of the rules below changes it.
_RULES = b"segwidgets table content 1"


def _strings(hasher: Any, strings: Sequence[str]) -> None:
    """Their number, their lengths in code points, then all of them as UTF-8: no separator that a string could hold."""
    lengths = np.fromiter(map(len, strings), dtype="<i8", count=len(strings))
    hasher.update(np.array([len(strings)], dtype="<i8").tobytes())
    hasher.update(lengths.tobytes())
    hasher.update("".join(strings).encode("utf-8", "surrogatepass"))


def content_digest(ids: NDArray[np.object_], fields: Iterable[tuple[str, Numbers | Texts]]) -> str:
    """SHA-256 (hex) of a table.

    Args:
        ids: one string a row, (n,).
        fields: the columns in their order, each with its name.

    Returns:
        64 hex digits. Into the digest go: the ids in row order; for each column its name; for a numeric one the row
        numbers (int64) and values (float64, little-endian, one NaN, no negative zero) of its entries that are not
        zero; for a text one its sorted levels and a code a row (int32), -1 where missing. The kind ("count" or
        "number") is derived from the content and stays out.
    """
    hasher = hashlib.sha256(_RULES)
    _strings(hasher, ids.tolist())
    for name, field in fields:
        if isinstance(field, Numbers):
            hasher.update(b"numbers")
            _strings(hasher, [name])
            hasher.update(np.array([len(field.positions)], dtype="<i8").tobytes())
            hasher.update(field.positions.astype("<i8", copy=False).tobytes())
            hasher.update(field.values.astype("<f8", copy=False).tobytes())
        else:
            hasher.update(b"texts")
            _strings(hasher, [name])
            _strings(hasher, field.levels)
            hasher.update(field.codes.astype("<i4", copy=False).tobytes())
    return hasher.hexdigest()
