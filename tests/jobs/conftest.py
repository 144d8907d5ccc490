"""A small table, a result on it, and one job that ran to its end: made once, because each takes seconds."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from segwidgets.data import Table, samples
from segwidgets.jobs import Job, local, promote
from segwidgets.jobs.layout import Layout
from segwidgets.jobs.spec import JobSpec, new_name
from segwidgets.recipe import Recipe
from segwidgets.result import Result
from segwidgets.session import Session
from segwidgets.tracking.mlflow import tracking_uri

RECIPE = Recipe().replace(eps=0.6, n_neighbors=10, n_epochs=100)


@pytest.fixture(scope="session", autouse=True)
def _own_tracker() -> Any:
    """The default tracker in this session's home, whatever the developer's shell names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield


@pytest.fixture(scope="session")
def table() -> Table:
    return samples.blobs(n=400)


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return RECIPE


@pytest.fixture(scope="session")
def result(table: Table) -> Result:
    return Session(table).run(RECIPE)


@pytest.fixture(scope="session")
def done(table: Table, result: Result) -> Job:
    """A job that completed."""
    return promote(RECIPE, table, result=result, experiment="finished", trial="first").wait(120)


@pytest.fixture
def assembled(table: Table, result: Result) -> Callable[..., Layout]:
    """Makes job folders whose process is not started, so that a test can spoil them first."""

    def assemble(table: Table = table, result: Result = result) -> Layout:
        spec = JobSpec(
            name=new_name(),
            recipe=result.recipe,
            mode="embedding",
            experiment="spoilt",
            trial="",
            table_name=table.name,
            table_digest=table.digest,
            embedding_digest=result.embedding_digest,
            label_digest=result.label_digest,
            created=time.time(),
        )
        return local.assemble(spec, table, result, tracking_uri())

    return assemble


@pytest.fixture
def entry_point() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the entry point of a job folder to its end, optionally under a shell's limits."""

    def run(layout: Layout, limits: str = "") -> subprocess.CompletedProcess[str]:
        command = f'{limits} exec "$0" -P -m segwidgets.jobs.train train'
        return subprocess.run(
            ["bash", "-c", command, sys.executable],
            cwd=layout.base,
            env=local.environment(layout),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run
