"""What a run leaves: embedding, labels, scores, timings, and their files."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from segwidgets import __version__, storage
from segwidgets.compute.density import DensityIndex
from segwidgets.compute.scores import Estimate, coverage
from segwidgets.compute.scores import sizes as cluster_sizes
from segwidgets.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd


def array_digest(array: npt.NDArray[Any]) -> str:
    """SHA-256 (hex) of an array's dtype, shape and values in C order."""
    flat = np.ascontiguousarray(array)
    digest = hashlib.sha256(f"{flat.dtype.str}{flat.shape}".encode())
    digest.update(flat.data)
    return digest.hexdigest()


@dataclasses.dataclass(frozen=True)
class Progress:
    """Where a run stands: the stage, the share of it and of the whole that is done (0 to 1), and words for people."""

    stage: str
    done: float
    overall: float
    message: str


@dataclasses.dataclass(frozen=True)
class Scores:
    """How good a clustering is. Noise stands apart: it counts against ``coverage``, not within ``silhouette``.

    ``clusters``: how many. ``coverage``: the share of rows that is not noise. ``largest``: the share of all rows in the
    largest cluster. ``silhouette``: mean over the clustered rows in the embedding, None below two clusters.
    ``dbcv``: whether clusters of any shape are dense within and apart (Moulavi et al. 2014), where noise counts as 0.
    ``trustworthiness``: whether neighbours on the map were neighbours in the data (Venna and Kaski 2001).
    ``recall``: the share of the true nearest neighbours among those the map was made from, None where they are exact
    or the method needs none.
    """

    clusters: int
    coverage: float
    largest: float
    silhouette: Estimate | None = None
    dbcv: Estimate | None = None
    trustworthiness: Estimate | None = None
    recall: Estimate | None = None

    @classmethod
    def of(cls, labels: npt.NDArray[np.int32]) -> Scores:
        """What counting tells; the estimates are None."""
        sizes = cluster_sizes(labels)
        return cls(len(sizes), coverage(labels), float(sizes.max(initial=0)) / max(1, len(labels)))

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and dicts, None where a score does not exist."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Result:
    """One finished run.

    ``recipe`` has everything filled in that the data decided. ``ids`` (n,) object, ``embedding`` (n, c) float32 and
    ``labels`` (n,) int32 stand in the table's row order; label -1 is noise. ``timings`` are seconds by stage that ran,
    ``cached`` names the stages that did not have to. ``search`` says how neighbours were found, ``devices`` what
    computed the stages that a GPU may compute; all others ran on the CPU. ``names`` are what people call segments, by
    label; two labels with one name are one segment to them.
    """

    recipe: Recipe
    table_digest: str
    ids: npt.NDArray[np.object_]
    embedding: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int32]
    sizes: npt.NDArray[np.int64]
    scores: Scores
    timings: dict[str, float]
    cached: tuple[str, ...]
    notes: tuple[str, ...]
    density: DensityIndex
    search: str = ""
    devices: dict[str, str] = dataclasses.field(default_factory=dict)
    names: dict[int, str] = dataclasses.field(default_factory=dict)

    @property
    def label_digest(self) -> str:
        """Digest of the labels: two runs with the same one found the same segments, number by number."""
        return array_digest(self.labels)

    @property
    def embedding_digest(self) -> str:
        """Digest of the embedding, bit by bit."""
        return array_digest(self.embedding)

    def with_labels(self, labels: npt.NDArray[np.int32], *, eps: float, min_samples: int) -> Result:
        """The same map cut at another eps or min_samples; the scores that need estimating are None."""
        scores = dataclasses.replace(Scores.of(labels), recall=self.scores.recall)
        recipe = self.recipe.replace(eps=eps, min_samples=min_samples)
        return dataclasses.replace(self, labels=labels, sizes=cluster_sizes(labels), recipe=recipe, scores=scores)

    def to_frame(self) -> pd.DataFrame:
        """One row a customer, in the table's order: ``id``, ``segment`` (-1: noise), and ``name`` where any has one."""
        import pandas as pd

        frame = pd.DataFrame({"id": self.ids, "segment": self.labels})
        if self.names:
            said = np.array(["noise", *(self.names.get(label, f"segment {label}") for label in range(len(self.sizes)))])
            frame["name"] = said[self.labels + 1]
        return frame

    def metrics(self) -> dict[str, float]:
        """The scores and the seconds by stage as flat names and numbers, what a tracker records."""
        numbers: dict[str, float] = {
            "clusters": float(self.scores.clusters),
            "coverage": self.scores.coverage,
            "largest": self.scores.largest,
            "smallest": float(self.sizes.min()) / max(1, len(self.labels)) if len(self.sizes) else 0.0,
        }
        for name in ("silhouette", "dbcv", "trustworthiness", "recall"):
            estimate: Estimate | None = getattr(self.scores, name)
            if estimate is not None:
                numbers |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        return numbers | {f"seconds_{stage}": seconds for stage, seconds in self.timings.items()}

    def save(self, directory: Path) -> None:
        """Write ``embedding.npy``, ``labels.csv``, ``scores.json``, ``recipe.json`` and ``manifest.json``, all or none.

        The manifest names every other file's SHA-256, so that a reader can tell a whole result from a damaged one.
        """
        buffer = io.BytesIO()
        np.save(buffer, self.embedding, allow_pickle=False)
        scores = {
            **self.scores.to_dict(),
            "sizes": self.sizes.tolist(),
            "timings": self.timings,
            "notes": list(self.notes),
            "search": self.search,
            "devices": self.devices,
            "names": {str(label): name for label, name in self.names.items()},
        }
        files = {
            "embedding.npy": buffer.getvalue(),
            "labels.csv": self.to_frame().to_csv(index=False).encode(),
            "scores.json": json.dumps(scores, indent=2, allow_nan=False).encode(),
            "recipe.json": self.recipe.to_json().encode(),
        }
        manifest = {
            "segwidgets": __version__,
            "rows": len(self.labels),
            "table_digest": self.table_digest,
            "recipe_digest": self.recipe.digest,
            "label_digest": self.label_digest,
            "embedding_digest": self.embedding_digest,
            "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        }
        with storage.atomic_directory(directory) as work:
            for name, content in files.items():
                storage.write_atomic(work / name, content)
            storage.write_atomic(work / "manifest.json", json.dumps(manifest, indent=2))


@dataclasses.dataclass(frozen=True)
class Preview:
    """A quick map of all rows: ``embedding`` (n, c), ``labels`` (n,), and the ``sample`` (m,) it was built around."""

    embedding: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int32]
    sample: npt.NDArray[np.int64]
