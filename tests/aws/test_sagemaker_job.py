"""A job in SageMaker, from the click to the verdict, on a simulated account with a host that runs it for real."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from segwidgets.aws import Cloud
from segwidgets.data import Table, samples
from segwidgets.jobs import Job, jobs, plan
from segwidgets.recipe import Recipe
from segwidgets.result import Result
from segwidgets.session import Session

from .cloud import BUCKET, IMAGE, ROLE, Host

RECIPE = Recipe().replace(eps=0.6, n_neighbors=10, n_epochs=100)
WHERE: dict[str, Any] = {"target": "sagemaker", "role": ROLE, "image": IMAGE, "trial": "spring"}


@pytest.fixture(scope="module")
def table() -> Table:
    return samples.blobs(n=400)


@pytest.fixture(scope="module")
def result(table: Table) -> Result:
    return Session(table).run(RECIPE)


def test_a_job_in_sagemaker_finds_the_same_segments_and_says_so(cloud: Cloud, table: Table, result: Result) -> None:
    made = plan(RECIPE, table, result=result, experiment="on-aws", **WHERE)
    job = made.launch()
    seen = []
    job.wait(180, show=lambda now: seen.append(now.overall))
    assert (job.status, job.verdict, job.reason) == ("completed", "exact", None), job.log()
    assert seen == sorted(seen)
    stored = job.result()
    np.testing.assert_array_equal(stored.labels, result.labels)
    np.testing.assert_array_equal(stored.embedding, result.embedding)
    output = job.path / "output" / "data"
    assert (output / "figures" / "cloud.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((output / "report.json").read_text())["scores"]["clusters"] == result.scores.clusters
    assert "progress 1.00 done exact" in job.log()
    assert Job.load(job.name).verdict == "exact"
    assert job.name in [one.name for one in jobs()]
