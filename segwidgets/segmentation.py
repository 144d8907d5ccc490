"""A segmentation from wherever it is: a result of this session, a job, a job's name, or a folder of results."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from segwidgets.result import Result

if TYPE_CHECKING:
    from segwidgets.data import Table
    from segwidgets.jobs import Job
    from segwidgets.jobs.verify import StoredResult
    from segwidgets.recipe import Recipe


@dataclasses.dataclass(frozen=True, eq=False)
class Segmentation:
    """Who is in which segment, by what recipe, on which map; and the rows it was made from, where they are known.

    ``ids`` (n,) object, ``labels`` (n,) int32 with -1 for noise, ``embedding`` (n, c) float32. ``names`` by label.
    ``place`` is the folder that it lies in, where there is one.
    """

    name: str
    recipe: Recipe
    table_digest: str
    ids: npt.NDArray[np.object_]
    labels: npt.NDArray[np.int32]
    embedding: npt.NDArray[np.float32]
    names: dict[int, str]
    table: Table | None = None
    missing: str = ""
    place: Path | None = None

    def called(self, label: int) -> str:
        """What a segment is called; "none" for -1."""
        return "none" if label < 0 else self.names.get(label, f"segment {label}")

    @property
    def rows(self) -> Table:
        """The table it was made from; raises ValueError, with the way out, where it is not known."""
        if self.table is None:
            raise ValueError(f"{self.name} does not hold its own rows{self.missing}: give them with reference=TABLE.")
        return self.table


def segmentation(what: Any, *, reference: Table | None = None) -> Segmentation:
    """The segmentation that ``what`` stands for.

    Args:
        what: a `Result`, a `Job`, a job's name, the folder of a job or of a result that `Result.save` wrote, or a
            `Segmentation`.
        reference: the table that it was made from. A local job knows its own.

    Raises:
        ValueError: there is nothing of that name, it is no whole result, or ``reference`` is another table.
    """
    from segwidgets.jobs import Job

    if isinstance(what, Segmentation):
        return dataclasses.replace(what, table=checked(reference, what)) if reference is not None else what
    if isinstance(what, Result):
        made = Segmentation(
            "the result", what.recipe, what.table_digest, what.ids, what.labels, what.embedding, what.names,
            missing=" (a result keeps none)",
        )  # fmt: skip
    elif isinstance(what, Job):
        made = _of_job(what, look=reference is None)
    elif isinstance(what, str | Path):
        made = _named(what, look=reference is None)
    else:
        raise TypeError(f"a result, a job, a job's name or a folder is needed, got {type(what).__name__}.")
    return made if reference is None else dataclasses.replace(made, table=checked(reference, made))


def checked(table: Table, made: Segmentation) -> Table:
    """The table, if the segmentation was made from it; else ValueError."""
    if table.digest != made.table_digest:
        raise ValueError(
            f"{table.name!r} is not the table that {made.name} was made from: its digest is {table.digest[:12]}, and "
            f"{made.table_digest[:12]} is needed. Read the same rows and columns as then, in the same order."
        )
    return table


def _named(what: str | Path, *, look: bool) -> Segmentation:
    from segwidgets.jobs import Job
    from segwidgets.jobs.job import at
    from segwidgets.jobs.verify import read_result

    path = Path(what)
    if (path / "job.json").is_file():
        return _of_job(at(path), look=look)
    if (path / "manifest.json").is_file():
        return dataclasses.replace(_stored(read_result(path), str(path)), place=path)
    if isinstance(what, Path) or path.is_dir():
        raise ValueError(
            f"{what} holds no result: name a job, or the folder that `segwidgets run --out` or Result.save wrote."
        )
    return _of_job(Job.load(what), look=look)


def _stored(found: StoredResult, name: str) -> Segmentation:
    names = {int(label): str(text) for label, text in found.scores.get("names", {}).items()}
    digest = str(found.manifest["table_digest"])
    return Segmentation(name, found.recipe, digest, found.ids, found.labels, found.embedding, names)


def _of_job(job: Job, *, look: bool) -> Segmentation:
    if job.status != "completed":
        raise ValueError(f"job {job.name} has no result, it is {job.status}: wait for it, or name another one.")
    made = dataclasses.replace(_stored(job.result(), f"job {job.name}"), place=job.path)
    if not look:
        return made
    table, missing = _rows_of(job, made)
    return dataclasses.replace(made, table=table, missing=missing)


def _rows_of(job: Job, made: Segmentation) -> tuple[Table | None, str]:
    """The job's rows, and why there are none: its own channel, this machine's store, or where they were read from.

    A job in SageMaker has no channel here, but where it was promoted the store keeps what was uploaded.
    """
    from segwidgets.data import DataError, Table, read
    from segwidgets.jobs.layout import Layout
    from segwidgets.jobs.store import table_place

    layout = Layout(job.path)
    for place in (layout.channel("table"), table_place(made.table_digest)):
        if place.is_dir():
            try:
                return checked(Table.load(place), made), ""
            except (DataError, OSError) as error:
                return None, f" ({error})"
    try:
        spec = json.loads((layout.channel("recipe") / "spec.json").read_text())
        source, reading = str(spec.get("table_source", "")), dict(spec.get("table_reading", {}))
    except (OSError, TypeError, ValueError):
        source, reading = "", {}
    if not source:
        return None, ""
    try:
        table = read(source, **reading)
    except (DataError, OSError, TypeError, ValueError, ImportError):
        return None, f" (they came from {source!r}, which cannot be read from here)"
    if table.digest != made.table_digest:
        return None, f" ({source!r} is not what it was then, or was read with other options)"
    return table, ""
