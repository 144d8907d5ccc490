"""The local launcher: a job folder laid out like a container's ``/opt/ml``, and a process of its own in it."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from segwidgets import storage
from segwidgets.jobs.layout import Layout
from segwidgets.jobs.spec import JobSpec, SpecError
from segwidgets.jobs.store import jobs_root, stored_table
from segwidgets.tracking import process

if TYPE_CHECKING:
    from segwidgets.data import Table
    from segwidgets.result import Result

#: How long an MLflow server may keep a job waiting; its own defaults are seven tries of two minutes.
_PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}


def _link(source: Path, place: Path) -> None:
    """``source`` at ``place``, without a copy where the file system allows it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.symlink_to(source, target_is_directory=True)
    except OSError:
        try:
            shutil.copytree(source, place, copy_function=os.link)
        except (OSError, shutil.Error):
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(source, place)


def assemble(spec: JobSpec, table: Table, result: Result, tracking_uri: str) -> Layout:
    """Lay out the folder of a job that is not started yet; whole or not at all.

    Raises:
        SpecError: there is a job of this name already.
        OSError: the folder cannot be written.
    """
    data = stored_table(table)
    root = jobs_root()
    root.mkdir(parents=True, exist_ok=True)
    place = root / spec.name
    try:
        place.mkdir()  # takes the name, also against a second caller
    except FileExistsError:
        raise SpecError(f"name={spec.name!r} is not allowed: there is a job of this name. Choose another.") from None
    try:
        with storage.atomic_directory(place) as work:
            _fill(Layout(work), spec, data, result, tracking_uri)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return Layout(place)


def _fill(layout: Layout, spec: JobSpec, data: Path, result: Result, tracking_uri: str) -> None:
    channels = ["recipe", "table", "expected"] + (["embedding"] if spec.mode == "embedding" else [])
    recipe = layout.channel("recipe")
    storage.write_atomic(recipe / "recipe.json", spec.recipe.to_json())
    storage.write_atomic(recipe / "spec.json", spec.to_json())
    _link(data, layout.channel("table"))
    _write_array(layout.channel("expected") / "labels.npy", result.labels)
    if spec.mode == "embedding":
        _write_array(layout.channel("embedding") / "embedding.npy", result.embedding)
    channel = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
    configs = {
        "hyperparameters": spec.hyperparameters(),
        "inputdataconfig": dict.fromkeys(channels, channel),
        # A host must resolve: SageMaker's usual "algo-1" would keep a resolver waiting here.
        "resourceconfig": {"current_host": "localhost", "hosts": ["localhost"], "network_interface_name": "lo"},
    }
    for name, values in configs.items():
        storage.write_atomic(layout.config / f"{name}.json", json.dumps(values, indent=2))
    layout.model.mkdir(parents=True)
    layout.output_data.mkdir(parents=True)
    layout.ledger.write_job(
        {
            "name": spec.name,
            "experiment": spec.experiment,
            "trial": spec.trial,
            "created": spec.created,
            "rows": spec.rows,
            "columns": spec.columns,
            "links": {
                "input/table": data.as_uri(),
                "output/result": Layout(jobs_root() / spec.name).result.as_uri(),
            },
            "tracking_uri": tracking_uri,
            "params": spec.params(),
            "tags": spec.tags(),
            "process": process.identity(),  # the launcher's, until there is a process of the job
        }
    )


def _write_array(path: Path, array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    with path.open("wb") as file:
        file.write(buffer.getbuffer())


def environment(layout: Layout) -> dict[str, str]:
    """The environment of the job's process: what a container is given, and where segwidgets' home is."""
    job = layout.ledger.job
    return {
        **_PATIENCE,
        **os.environ,
        "SAGEMAKER_BASE_DIR": str(layout.base),
        "TRAINING_JOB_NAME": job["name"],
        "MLFLOW_TRACKING_URI": job["tracking_uri"],
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "SEGWIDGETS_HOME": str(storage.home()),
        "PYTHONUNBUFFERED": "1",
    }


def launch(layout: Layout) -> None:
    """Start the job's process: in a session of its own, so that it survives the kernel that started it."""
    with (layout.base / "log.txt").open("ab") as log:
        child = subprocess.Popen(
            # -P: the directory it runs in is data, not a place to import from.
            [sys.executable, "-P", "-m", "segwidgets.jobs.train"],
            cwd=layout.base,
            env=environment(layout),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # Waited for as soon as it ends: else it would stay a zombie for as long as the kernel lives.
    threading.Thread(target=child.wait, name=f"wait-{child.pid}", daemon=True).start()
    try:
        layout.ledger.write_job({**layout.ledger.job, "process": process.identity(child.pid)})
    except OSError:
        child.kill()  # a job that nobody could find again
        raise
