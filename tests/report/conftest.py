"""A job of five balls of customers, one of them below the floor, that the report's tests share."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import segwidgets as sw
from segwidgets.jobs import Job
from segwidgets.names import Names
from segwidgets.session import Session

RECIPE = sw.Recipe().replace(n_neighbors=10, n_epochs=100, eps=0.6)


@pytest.fixture(scope="session")
def table() -> sw.Table:
    """Five balls of customers with ids that would be seen anywhere."""
    rng = np.random.default_rng(5)
    sizes = (150, 120, 90, 60, 12)
    points = np.vstack([rng.normal(8 * np.eye(5)[i], 0.4, (size, 5)) for i, size in enumerate(sizes)])
    frame = pd.DataFrame(points, columns=[f"col<{i}>" for i in range(5)])
    frame.insert(0, "customer", [f"SECRET-{i:05d}" for i in range(len(frame))])
    return sw.read(frame, id="customer")


@pytest.fixture(scope="session")
def job(table: sw.Table) -> Job:
    result = Session(table).run(RECIPE)
    names = Names().renamed([0], "<b>Big & bold</b>")
    done = sw.promote(result.recipe, table, result=result, names=names).wait(120)
    assert done.verdict == "exact", done.log()
    return done


@pytest.fixture(scope="session")
def said(job: Job) -> dict[str, Any]:
    return json.loads((job.output_data / "report.json").read_text())
