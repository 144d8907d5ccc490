"""What a finished job leaves beside its result: the segment table, figures, the report's data, and what it ran on."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import platform
import resource
import sys
import time
from typing import TYPE_CHECKING, Any

from segwidgets import __version__, storage

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from segwidgets.data import Table
    from segwidgets.jobs.layout import Layout
    from segwidgets.jobs.spec import JobSpec
    from segwidgets.result import Result

#: The figures by file name, as `figures.figure` calls them.
_FIGURES = {"k-distance.png": "k-distance", "cloud.png": "clusters", "map.png": "map", "sizes.png": "sizes"}
#: Inches and dots an inch where a figure has its own: the report shows the map across the page.
_SIZES = {"map": (9.0, 6.0, 140)}
#: What sets a segment apart: this many columns each.
_TOP = 10
#: Samples that stability is judged on, fewer of large tables, none of tiny ones.
_REPEATS, _FEWER_REPEATS = 10, 3
_MANY_ROWS, _FEWEST_ROWS = 200_000, 50


def write_outputs(layout: Layout, spec: JobSpec, table: Table, result: Result) -> dict[str, str | bytes]:
    """Write ``segments.csv``, ``figures/``, the report and the model's folder; returns what a tracker is given.

    The report's data and the segment table hold aggregates only: no id, no row.
    """
    from segwidgets.compute.profiles import profile_segments
    from segwidgets.report import write_report

    profiles = profile_segments(table, result.labels, top=_TOP)
    segments = profiles.to_frame().to_csv(index=False)
    said = _report(spec, result, [dataclasses.asdict(one) for one in profiles.segments])
    report = json.dumps({**said, "described": described(table, result.labels, result.names)}, indent=1)
    place = layout.output_data
    storage.write_atomic(place / "segments.csv", segments)
    storage.write_atomic(place / "report.json", report)
    pictures = _figures(result)
    for name, picture in pictures.items():
        storage.write_atomic(place / "figures" / name, picture)
    _write_model(layout, spec, result)
    write_report(place, place / "report.html")
    return {"segments.csv": segments, **pictures}


def _report(spec: JobSpec, result: Result, segments: list[dict[str, Any]]) -> dict[str, Any]:
    """What a report says of the run, without a row of the table."""
    from segwidgets.compute.advice import plateau
    from segwidgets.compute.guidance import core_k, decimate, knee, shown_eps
    from segwidgets.report import FLOOR

    clustering = result.recipe.clustering
    eps, min_samples = float(clustering.eps or 0), clustering.min_samples
    curve = result.density.k_distances(core_k(min_samples))
    kept, bend = decimate(curve), knee(curve)
    grid = shown_eps(curve)
    profile = result.density.profile(grid, min_samples) if len(grid) else None
    return {
        "job": spec.name,
        "table": spec.table_name,
        "mode": spec.mode,
        "rows": len(result.labels),
        "recipe": result.recipe.to_dict(),
        "digests": {
            "recipe": result.recipe.digest,
            "table": result.table_digest,
            "embedding": result.embedding_digest,
            "labels": result.label_digest,
            "lock": spec.lock_digest,
        },
        "scores": result.scores.to_dict(),
        "names": {str(label): name for label, name in result.names.items()},
        "segments": segments,
        "map_floor": FLOOR,
        "stability": _stability(result),
        "k_distances": {"place": (kept + 1).tolist(), "distance": curve[kept].tolist(), "k": core_k(min_samples)},
        "knee": None if bend is None else dataclasses.asdict(bend),
        "plateau": list(plateau(result.density, eps, min_samples)) if eps > 0 else None,
        "profile": None
        if profile is None
        else {name: getattr(profile, name).tolist() for name in ("eps", "clusters", "noise", "largest")},
    }


def described(table: Table, labels: npt.NDArray[np.integer[Any]], names: Mapping[int, str]) -> dict[str, Any]:
    """What a report's cards say: each segment against the rest, a proposed name, and rules; aggregates only.

    Segments that bear one name are described as one, under the lowest of their labels. Nothing of fewer rows than the
    lowest floor of any report is in it; a report with a higher one leaves out more.
    """
    import numpy as np

    from segwidgets.compute.segments import FLOOR, describe, explain
    from segwidgets.report.facts import LOWEST_FLOOR

    home: dict[str, int] = {}
    place = np.arange(-1, int(labels.max(initial=-1)) + 1)
    for label, name in sorted(names.items()):
        place[label + 1] = home.setdefault(name, label)
    grouped = place[labels + 1]
    found = describe(table, grouped, top=_TOP)
    said = found.to_public(floor=LOWEST_FLOOR)
    rules = None
    # Smaller segments would make rules of a few persons.
    if sum(one.segment >= 0 and one.size >= FLOOR for one in found.segments) > 1 and found.tests:
        rules = dataclasses.asdict(explain(table, grouped, smallest=FLOOR).public(LOWEST_FLOOR))
    return {**said, "explained": rules}


def _stability(result: Result) -> dict[str, Any] | None:
    """Whether the segments come back on samples of the rows; None where there is too little to sample."""
    from segwidgets.compute.stability import stability

    clustering = result.recipe.clustering
    if not clustering.eps or len(result.labels) < _FEWEST_ROWS or not len(result.sizes):
        return None
    repeats = _REPEATS if len(result.labels) <= _MANY_ROWS else _FEWER_REPEATS
    found = stability(
        result.embedding, result.labels, eps=clustering.eps, min_samples=clustering.min_samples, repeats=repeats
    )
    return dataclasses.asdict(found)


def _figures(result: Result) -> dict[str, bytes]:
    from segwidgets.figures import figure

    found = {}
    for file, name in _FIGURES.items():
        picture = io.BytesIO()
        width, height, dots = _SIZES.get(name, (6.4, 4.0, 100))
        # The map stands in the client's report, where a segment of a few customers must not be seen as one.
        drawn = _without_small(result) if name == "map" else result
        figure(drawn, name, width=width, height=height).savefig(picture, format="png", dpi=dots)
        found[file] = picture.getvalue()
    return found


def _without_small(result: Result) -> Result:
    """Segments, and several of one name together, of fewer rows than a report's floor as noise."""
    import numpy as np

    from segwidgets.report import FLOOR

    named = [result.names.get(label, str(label)) for label in range(len(result.sizes))]
    together: dict[str, int] = {}
    for name, size in zip(named, result.sizes.tolist(), strict=True):
        together[name] = together.get(name, 0) + size
    small = [label for label, name in enumerate(named) if together[name] < FLOOR]
    labels = np.where(np.isin(result.labels, small), -1, result.labels).astype(np.int32)
    return dataclasses.replace(result, labels=labels)


def _write_model(layout: Layout, spec: JobSpec, result: Result) -> None:
    """The map, its labels and the recipe; with the table that is named, what new customers are assigned by."""
    import numpy as np

    for name, array in (("embedding", result.embedding), ("labels", result.labels)):
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        storage.write_atomic(layout.model / f"{name}.npy", buffer.getbuffer())
    storage.write_atomic(layout.model / "recipe.json", result.recipe.to_json())
    said = {
        "segwidgets": __version__,
        "job": spec.name,
        "table_digest": result.table_digest,
        "table_source": spec.table_source,
        "embedding_digest": result.embedding_digest,
        "label_digest": result.label_digest,
        "names": {str(label): name for label, name in result.names.items()},
    }
    storage.write_atomic(layout.model / "model.json", json.dumps(said, indent=2))


def usage() -> dict[str, float]:
    """What this process has used: CPU seconds of all cores, and the most memory at once in MB."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    scale = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, kilobytes here
    return {"cpu_seconds": used.ru_utime + used.ru_stime, "peak_memory_mb": used.ru_maxrss / scale}


def surroundings() -> dict[str, Any]:
    """Where this process runs: the machine in words, and every installed package. No variable of the environment."""
    from importlib.metadata import distributions

    packages = {str(one.metadata["Name"]): one.version for one in distributions()}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "host": platform.node(),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "packages": dict(sorted(packages.items())),
    }
