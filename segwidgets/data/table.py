"""A table of customers: immutable, sparse inside, with a digest of its content."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from segwidgets import storage
from segwidgets.data.columns import Check, Column, Numbers, Texts
from segwidgets.data.digest import content_digest
from segwidgets.data.errors import DataError, unknown_column

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

FORMAT_VERSION = 1
#: The file that makes a directory a saved table.
MANIFEST = "table.json"
#: Tables with a smaller share of non-zero numbers than this come back as sparse frames.
SPARSE_BELOW = 0.25

_ARRAYS = ("positions", "values", "starts", "codes")


def canonical_csc(matrix: Any) -> sparse.csc_matrix:
    """A float64 CSC matrix with sorted rows, no duplicates, no stored zeros and one bit pattern for NaN.

    Never changes the matrix it is given: copies where it must clean.
    """
    csc = sparse.csc_matrix(matrix, dtype=np.float64)
    if not csc.has_canonical_format or (csc.data == 0).any() or np.isnan(csc.data).any():
        csc = csc.copy()
        csc.sum_duplicates()
        csc.eliminate_zeros()
        csc.data[np.isnan(csc.data)] = np.nan
    return csc


class Table:
    """Customers by columns, ready for features. Made by `segwidgets.read`, which also checks it.

    Numbers are kept as one CSC matrix (non-zero entries only, NaN for missing), texts as codes; nothing of it can be
    changed. Rows are counted from 0 and carry an id, a distinct string each.

    Attributes:
        name: a short name for people, from the file where there is one.
        source: where it came from, for people.
        ids: (n_rows,) object array of ``str``.
        columns: one `Column` each, in order.
        checks: what a reader should know about the data.
        call: the Python that makes it again, "" where it was made in memory.
        reading: the names of columns that `read` was given beside the source (``id``, ``rows``, ``columns``,
            ``values``): what it takes to read the same rows again.
    """

    def __init__(
        self,
        *,
        name: str,
        source: str,
        ids: NDArray[np.object_],
        columns: Sequence[Column],
        numeric: sparse.csc_matrix,
        texts: Mapping[str, Texts],
        checks: Sequence[Check] = (),
    ) -> None:
        self.name = name
        self.source = source
        self.columns = tuple(columns)
        self.checks = tuple(checks)
        self.call = ""
        self.reading: dict[str, Any] = {}
        self.ids = ids
        self.ids.setflags(write=False)
        self._numeric = numeric
        self._numeric_at = {c.name: j for j, c in enumerate(c for c in self.columns if c.kind != "category")}
        self._texts = dict(texts)
        self._by_name = {c.name: c for c in self.columns}
        self._digest: str | None = None
        for array in (numeric.data, numeric.indices, numeric.indptr):
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        kinds = [c.kind for c in self.columns if c.usable]
        parts = [f"{kinds.count(kind)} {kind}" for kind in ("count", "number", "category") if kind in kinds]
        unusable = len(self.columns) - len(kinds)
        return (
            f"<Table {self.name!r}: {self.n_rows:,} rows x {len(self.columns):,} columns "
            f"({', '.join(parts) or 'none usable'}" + (f", {unusable} left out" if unusable else "") + ")>"
        )

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return len(self.ids)

    @property
    def density(self) -> float:
        """The share of the numeric cells that are not zero (missing ones count), 0 to 1."""
        cells = self._numeric.shape[0] * self._numeric.shape[1]
        return float(self._numeric.nnz / cells) if cells else 0.0

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the content, the same from any source and storage; see `content_digest`. Computed once."""
        if self._digest is None:
            self._digest = content_digest(self.ids, self._fields())
        return self._digest

    def column(self, name: str) -> Column:
        """The column of that name; raises DataError, with the nearest name, where there is none."""
        try:
            return self._by_name[name]
        except (KeyError, TypeError):
            raise unknown_column("column", str(name), tuple(self._by_name)) from None

    def block(self, names: Sequence[str]) -> sparse.csr_matrix:
        """Some numeric columns as a new CSR matrix, (n_rows, len(names)) float64, in the order asked for, NaN kept.

        Raises DataError for an unknown column or a category.
        """
        places = [self._numeric_place(name) for name in names]
        chosen = self._numeric if places == list(range(self._numeric.shape[1])) else self._numeric[:, places]
        rows: sparse.csr_matrix = chosen.tocsr(copy=True)
        rows.sort_indices()
        return rows

    def texts(self, name: str) -> Texts:
        """One category as codes and levels; raises DataError for an unknown or a numeric column."""
        if self.column(name).kind != "category":
            raise DataError(f"column {name!r} holds numbers, not categories: use values({name!r}).")
        return self._texts[name]

    def values(self, name: str) -> NDArray[Any]:
        """One column, (n_rows,): float64 with NaN for missing, or for a category objects, ``str`` or ``None``."""
        if self.column(name).kind == "category":
            return self._texts[name].values()
        dense = np.zeros(self.n_rows)
        numbers = self._numbers(self._numeric_at[name])
        dense[numbers.positions] = numbers.values
        return dense

    def row(self, place: int) -> dict[str, Any]:
        """What a row has: its texts and the numbers that are not zero, NaN left out, by column in the table's order.

        Quick for a sparse table of any length: it looks into every column once.
        """
        if not 0 <= place < self.n_rows:
            raise DataError(f"row {place} is not there: rows are counted from 0 to {self.n_rows - 1:,}.")
        found: dict[str, Any] = {}
        for column in self.columns:
            if column.kind == "category":
                code = int(self._texts[column.name].codes[place])
                if code >= 0:
                    found[column.name] = self._texts[column.name].levels[code]
                continue
            numbers = self._numbers(self._numeric_at[column.name])
            at = int(np.searchsorted(numbers.positions, place))
            if at < len(numbers.positions) and numbers.positions[at] == place and not np.isnan(numbers.values[at]):
                found[column.name] = float(numbers.values[at])
        return found

    def described(self, source: str, name: str | None = None, *, call: str = "") -> Table:
        """The same table with another source, name or call, told to people; the digest stays."""
        table = copy.copy(self)
        table.source = source
        table.call = call or self.call
        table.name = self.name if name is None else name
        return table

    def take(self, rows: NDArray[Any]) -> Table:
        """The table of some rows, in the order asked for.

        Args:
            rows: distinct row numbers, or one bool a row.

        Returns:
            A table whose columns keep their kind and whether they are usable, so that a sample is treated like the
            whole; only ``missing`` is counted anew. Its checks are those of the whole.
        """
        chosen = np.asarray(rows)
        if chosen.dtype == bool and chosen.shape == (self.n_rows,):
            chosen = np.flatnonzero(chosen)
        if chosen.ndim != 1 or not np.issubdtype(chosen.dtype, np.integer) or not len(chosen):
            raise DataError(
                f"rows must be row numbers, at least one, or {self.n_rows:,} bools; "
                f"got {chosen.dtype} of shape {chosen.shape}."
            )
        if chosen.min() < 0 or chosen.max() >= self.n_rows:
            raise DataError(f"rows must be from 0 to {self.n_rows - 1}, got {chosen.min()} to {chosen.max()}.")
        if len(np.unique(chosen)) != len(chosen):
            raise DataError("rows names a row more than once: ids must stay distinct.")
        numeric = canonical_csc(self._numeric.tocsr()[chosen].tocsc())
        texts = {name: field.take(chosen) for name, field in self._texts.items()}
        absent = np.diff(np.concatenate([[0], np.cumsum(np.isnan(numeric.data))])[numeric.indptr])
        columns = [
            dataclasses.replace(
                c, missing=texts[c.name].missing if c.kind == "category" else int(absent[self._numeric_at[c.name]])
            )
            for c in self.columns
        ]
        return Table(
            name=self.name,
            source=self.source,
            ids=self.ids[chosen],
            columns=columns,
            numeric=numeric,
            texts=texts,
            checks=self.checks,
        )

    def to_frame(self) -> pd.DataFrame:
        """The table as pandas sees it, ids as the index; numeric columns are sparse where the table is (under 25 %)."""
        import pandas as pd

        index = pd.Index(self.ids, name="id", dtype=object)
        if self.density < SPARSE_BELOW and self._numeric_at:
            sparse_frames: Any = pd.DataFrame.sparse
            numeric = sparse_frames.from_spmatrix(self._numeric, index=index, columns=list(self._numeric_at))
        else:
            numeric = pd.DataFrame({name: self.values(name) for name in self._numeric_at}, index=index)
        texts = {name: pd.Series(field.values(), index=index, dtype=object) for name, field in self._texts.items()}
        frame: pd.DataFrame = pd.concat([numeric, pd.DataFrame(texts, index=index)], axis=1)
        return frame[[c.name for c in self.columns]]

    def save(self, path: Path) -> None:
        """Write the table into the directory ``path``, whole or not at all; an existing one is replaced."""
        arrays = {
            "positions": self._numeric.indices,
            "values": self._numeric.data,
            "starts": self._numeric.indptr,
            "codes": np.array([field.codes for field in self._texts.values()], dtype=np.int32).reshape(-1, self.n_rows),
        }
        manifest = {
            "format": FORMAT_VERSION,
            "name": self.name,
            "source": self.source,
            "digest": self.digest,
            "n_rows": self.n_rows,
            "columns": [dataclasses.asdict(c) for c in self.columns],
            "checks": [dataclasses.asdict(c) for c in self.checks],
        }
        strings = {"ids": self.ids.tolist(), "levels": [field.levels for field in self._texts.values()]}
        with storage.atomic_directory(Path(path)) as work:
            for name in _ARRAYS:
                np.save(work / f"{name}.npy", arrays[name], allow_pickle=False)
            (work / "strings.json").write_text(json.dumps(strings), encoding="utf-8")
            (work / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Table:
        """The table that `save` wrote into ``path``; DataError where there is none or its digest does not fit."""
        path = Path(path)
        if not (path / MANIFEST).is_file():
            raise DataError(f"{path} holds no saved table: it has no {MANIFEST}.")
        again = "Read it from its source again."
        try:
            manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
            if manifest["format"] != FORMAT_VERSION:
                raise DataError(f"the table in {path} has format {manifest['format']!r}, not {FORMAT_VERSION}. {again}")
            table, recorded = cls._from_files(path, manifest), manifest["digest"]
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"the table in {path} is damaged ({type(error).__name__}: {error}). {again}") from error
        if table.digest != recorded:
            raise DataError(f"the table in {path} is damaged: its content is not what its digest says. {again}")
        return table

    @classmethod
    def _from_files(cls, path: Path, manifest: Mapping[str, Any]) -> Table:
        arrays = {name: np.load(path / f"{name}.npy", allow_pickle=False) for name in _ARRAYS}
        strings = json.loads((path / "strings.json").read_text(encoding="utf-8"))
        columns = [Column(**values) for values in manifest["columns"]]
        n_rows = manifest["n_rows"]
        text_names = [c.name for c in columns if c.kind == "category"]
        numeric = sparse.csc_matrix(
            (arrays["values"], arrays["positions"], arrays["starts"]), shape=(n_rows, len(columns) - len(text_names))
        )
        numeric.check_format()
        texts = {
            name: Texts(codes, tuple(levels))
            for name, codes, levels in zip(text_names, arrays["codes"], strings["levels"], strict=True)
        }
        if len(strings["ids"]) != n_rows:
            raise DataError(f"the table in {path} is damaged: {len(strings['ids'])} ids for {n_rows} rows.")
        return cls(
            name=manifest["name"],
            source=manifest["source"],
            ids=np.array([*strings["ids"], None], dtype=object)[:-1],
            columns=columns,
            numeric=numeric,
            texts=texts,
            checks=[Check(**{**values, "columns": tuple(values["columns"])}) for values in manifest["checks"]],
        )

    def _numeric_place(self, name: str) -> int:
        if self.column(name).kind == "category":
            raise DataError(f"column {name!r} holds categories: use values({name!r}) or texts({name!r}).")
        return self._numeric_at[name]

    def _numbers(self, place: int) -> Numbers:
        start, stop = self._numeric.indptr[place : place + 2]
        return Numbers(self._numeric.indices[start:stop], self._numeric.data[start:stop])

    def _fields(self) -> Iterator[tuple[str, Numbers | Texts]]:
        for column in self.columns:
            if column.kind == "category":
                yield column.name, self._texts[column.name]
            else:
                yield column.name, self._numbers(self._numeric_at[column.name])
