"""Which segment of an approved run takes in new customers: the run's features and map, then the border rule."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from segwidgets.compute.density import DensityIndex
from segwidgets.layer import Layer
from segwidgets.placing import Placing
from segwidgets.result import Progress
from segwidgets.run import Run
from segwidgets.segmentation import Segmentation, segmentation

if TYPE_CHECKING:
    import pandas as pd

    from segwidgets.data import Table

__all__ = ["CHUNK", "Assigned", "Assigner", "assign"]

#: Rows that are worked on at a time: what bounds the memory. A row group of the Parquet file each.
CHUNK = 65_536


@dataclasses.dataclass(frozen=True, eq=False)
class Assigned:
    """New rows and their segments, in the order of their table.

    ``labels`` (m,) int32, -1 for none. ``distance`` (m,) float64: the smallest eps at which the row is reached by its
    segment, infinite for none. ``names`` by label.
    """

    ids: npt.NDArray[np.object_]
    labels: npt.NDArray[np.int32]
    distance: npt.NDArray[np.float64]
    names: dict[int, str]
    eps: float

    @property
    def none(self) -> float:
        """The share of rows that no segment takes in."""
        return float((self.labels < 0).mean()) if len(self.labels) else 0.0

    def to_frame(self) -> pd.DataFrame:
        """One row a customer: ``id``, ``segment``, ``name`` ("none" for -1) and ``distance``."""
        import pandas as pd

        columns = {"id": self.ids, "segment": self.labels, "name": _called(self.labels, self.names)}
        return pd.DataFrame({**columns, "distance": self.distance})


class Assigner:
    """An approved run, ready to be asked; what it needs of the reference rows is made once.

    Args:
        what: see `segmentation.segmentation`.
        reference: the table that it was made from, where it does not know it.
    """

    def __init__(self, what: Any, *, reference: Table | None = None) -> None:
        self.run: Segmentation = segmentation(what, reference=reference)
        clustering = self.run.recipe.clustering
        if clustering.eps is None:
            raise ValueError(f"{self.run.name} has no eps: take the recipe of a finished run.")
        self.eps, self.min_samples = float(clustering.eps), clustering.min_samples
        self.placing = Placing(self.run.rows, self.run.recipe, self.run.embedding)
        self._density = DensityIndex(self.run.embedding, self.min_samples, self.min_samples)
        made = self._density.labels(self.eps)
        if not np.array_equal(made, self.run.labels):
            raise ValueError(
                f"the segments of {self.run.name} are not those of its map at eps={self.eps:g}, so new rows cannot be "
                "assigned by it: they were made by another version or changed by hand. Run its recipe again."
            )

    def chunk(self, table: Table, run: Run) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
        """Labels and distances of a table that is small enough to be worked on at once."""
        return self._density.reached(self.placing(table, run), self.eps)

    def chunks(
        self,
        table: Table,
        *,
        rows: int = CHUNK,
        progress: Callable[[Progress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Iterator[tuple[slice, npt.NDArray[np.int32], npt.NDArray[np.float64]]]:
        """Slice by slice of ``table``: which rows, their labels and distances."""
        if isinstance(rows, bool) or rows < 1:
            raise ValueError(f"rows={rows!r} is not allowed: it is how many rows are worked on at once, from 1.")
        total = table.n_rows
        for low in range(0, total, rows):
            part = slice(low, min(low + rows, total))
            share = (part.stop - low) / total

            def tell(now: Progress, begun: float = low / total, share: float = share) -> None:
                if progress is not None:
                    done = begun + share * now.done * (0.1 if now.stage == "features" else 0.95)
                    progress(Progress("assign", done, done, "Assigning the rows"))

            run = Run(tell, cancel)
            run.tick("features")(0.0)
            some = table if share == 1 else table.take(np.arange(part.start, part.stop))
            yield part, *self.chunk(some, run)
        if progress is not None:
            progress(Progress("assign", 1.0, 1.0, "Assigning the rows"))


def assign(
    what: Any,
    table: Any,
    *,
    reference: Table | None = None,
    layer: Layer | None = None,
    out: str | Path | None = None,
    rows: int = CHUNK,
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
) -> Assigned:
    """Which segment of an approved run takes in each row of a new table.

    The run's features are applied (its medians, scales, weights and levels), the row is placed on its map, and the
    border rule decides: the segment of the core point that reaches it at the smallest eps, none beyond the run's eps.
    A row gets the same answer alone as among a million; one that equals a row of the run gets that row's segment.

    Args:
        what: a job, a job's name, a folder of results, a `Result`, or an `Assigner`, which is quicker the second time.
        table: the new rows: a table, or what `segwidgets.read` takes.
        reference: the table that the run was made from; a local job knows its own. Its digest must be the run's.
        layer: names and merges that people made on this run's labels: a row gets the number and the name that its
            segment has under it. A lock holds customers of the run, not new ones: a new row goes where the customers
            of its segment are that no lock holds, or, where locks hold them all, to most of them.
        out: a Parquet file that is written too, chunk by chunk, whole or not at all: ``id``, ``segment``, ``name``,
            ``distance``.
        rows: worked on at a time.
        progress: called in this thread.
        cancel: when set, the work stops, and ``out`` is not written.

    Raises:
        ValueError: the run does not know its rows, ``reference`` is another table, or the layer does not fit.
        DataError: the new table lacks a column, or has one of another kind.
        Cancelled: ``cancel`` was set.
    """
    from segwidgets.data import Table, read

    asked = what if isinstance(what, Assigner) else Assigner(what, reference=reference)
    new = table if isinstance(table, Table) else read(table)
    place, names = _under(layer, asked.run)
    labels = np.empty(new.n_rows, np.int32)
    distance = np.empty(new.n_rows, np.float64)
    with _parquet(out) as write:
        for part, found, far in asked.chunks(new, rows=rows, progress=progress, cancel=cancel):
            some = place[found + 1]
            labels[part], distance[part] = some, far
            write(new.ids[part], some, far, names)
    return Assigned(new.ids, labels, distance, names, asked.eps)


def _under(layer: Layer | None, run: Segmentation) -> tuple[npt.NDArray[np.int32], dict[int, str]]:
    """(segments + 1,) int32: what people see for each label of the run, from -1 on; and the names of what they see.

    It depends on the run and the layer only, so a row gets the same answer in any company.
    """
    place = np.arange(-1, int(run.labels.max(initial=-1)) + 1, dtype=np.int32)
    if layer is None:
        return place, run.names
    seen = layer.apply(run.labels)
    free = np.ones(len(seen), bool)
    for _, rows in layer.locks:
        free[list(rows)] = False
    for label in range(len(place) - 1):
        mine = run.labels == label
        homes = seen[mine & free] if (mine & free).any() else seen[mine]
        if len(homes):
            values, counts = np.unique(homes, return_counts=True)
            place[label + 1] = values[counts.argmax()]
    return place, {**run.names, **layer.names.of(seen)}


def _called(labels: npt.NDArray[np.int32], names: dict[int, str]) -> npt.NDArray[np.object_]:
    most = int(labels.max(initial=-1))
    said = ["none", *(names.get(label, f"segment {label}") for label in range(most + 1))]
    called: npt.NDArray[np.object_] = np.array(said, dtype=object)[labels + 1]
    return called


@contextlib.contextmanager
def _parquet(out: str | Path | None) -> Iterator[Callable[..., None]]:
    """A writer of row groups into a file beside ``out``, which becomes it when all went well."""
    if out is None:
        yield lambda *_: None
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = Path(out)
    target.parent.mkdir(parents=True, exist_ok=True)
    work = target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp")
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("segment", pa.int32()),
            ("name", pa.dictionary(pa.int32(), pa.string())),
            ("distance", pa.float64()),
        ]
    )
    try:
        with pq.ParquetWriter(work, schema, compression="zstd") as writer:

            def write(ids: Any, labels: Any, distance: Any, names: dict[int, str]) -> None:
                most = int(labels.max(initial=-1))
                said = ["none", *(names.get(label, f"segment {label}") for label in range(most + 1))]
                # Two segments of one name are one word: a dictionary's words are distinct.
                words = list(dict.fromkeys(said))
                place = np.array([words.index(word) for word in said], np.int32)
                name = pa.DictionaryArray.from_arrays(pa.array(place[labels + 1]), pa.array(words, pa.string()))
                columns = [pa.array(ids, pa.string()), pa.array(labels), name, pa.array(distance)]
                writer.write_table(pa.Table.from_arrays(columns, schema=schema))

            yield write
        work.replace(target)
    except BaseException:
        work.unlink(missing_ok=True)
        raise
