"""The script repeats the result: it is run, in a process of its own names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import segwidgets as sw
from segwidgets.cache import Cache
from segwidgets.script import code


def ran(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(text, "script", "exec"), names)  # noqa: S102 - the script is what is tested
    return names


@pytest.mark.parametrize(
    "recipe",
    [
        sw.Recipe(),
        sw.Recipe().replace(n_neighbors=10, min_dist=0.2, eps=0.4, min_samples=7, seed=3),
        sw.Recipe(embedding=sw.Embedding(method="pca", n_components=2)),
        sw.Recipe(features=sw.Features(exclude=("x0",), scaling="robust")),
    ],
)
def test_a_sample_is_repeated_label_by_label(recipe: sw.Recipe, tmp_path: Path) -> None:
    table = sw.samples.blobs(300, seed=4)
    result = sw.Session(table, cache=Cache(tmp_path)).run(recipe)
    names = ran(code(result.recipe, table))
    assert names["result"].label_digest == result.label_digest
    assert list(names["customers"].columns) == ["id", "segment"]


def test_a_file_is_read_as_it_was_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"customer": [f"c{i}" for i in range(200)], "a": rng.normal(size=200), "b": rng.normal(size=200)}
    )
    path = tmp_path / "customers.csv"
    frame.to_csv(path, index=False)
    table = sw.read(path, id="customer")
    text = code(sw.Recipe(), table)
    assert f"sw.read({str(path)!r}, id='customer')" in text
    assert ran(text)["table"].digest == table.digest


def test_only_what_differs_from_the_defaults_is_named() -> None:
    table = sw.samples.blobs(300)
    assert "sw.Recipe()\n" in code(sw.Recipe(), table)
    assert "replace(n_neighbors=30)" in code(sw.Recipe().replace(n_neighbors=30), table)


def test_a_table_from_memory_is_left_to_the_reader() -> None:
    table = sw.read(np.random.default_rng(0).normal(size=(50, 3)))
    assert "table = …" in code(sw.Recipe(), table)
    assert "ndarray" in code(sw.Recipe(), table)
