"""New rows into the segments of an approved run: the same answer in any company, and in a file."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import segwidgets as sw
from segwidgets.assignment import Assigner
from segwidgets.cli import main
from segwidgets.jobs.layout import Layout
from segwidgets.jobs.store import table_place
from segwidgets.layer import Layer
from segwidgets.session import Progress, Session

RECIPE = sw.Recipe().replace(n_neighbors=10, n_epochs=100)


@pytest.fixture(scope="module")
def table() -> sw.Table:
    return sw.samples.blobs(600)


@pytest.fixture(scope="module")
def new() -> sw.Table:
    return sw.read(sw.samples.blobs(900).to_frame().iloc[600:])


@pytest.fixture(scope="module")
def result(table: sw.Table) -> sw.Result:
    return Session(table).run(RECIPE)


@pytest.fixture(scope="module")
def folder(result: sw.Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("assign") / "result"
    result.save(path)
    return path


def test_the_rows_of_the_run_get_their_own_segments_back(table: sw.Table, result: sw.Result) -> None:
    found = sw.assign(result, table, reference=table)
    np.testing.assert_array_equal(found.labels, result.labels)
    eps = result.recipe.clustering.eps
    assert eps is not None
    inside = found.labels >= 0
    assert (found.distance[inside] <= eps).all()
    assert np.isinf(found.distance[~inside]).all()


@pytest.mark.parametrize("method", ["umap", "pca", "none"])
def test_a_row_gets_the_same_answer_alone_and_in_any_chunk(table: sw.Table, new: sw.Table, method: str) -> None:
    recipe = RECIPE.replace(embedding=sw.Embedding(method=method)) if method != "umap" else RECIPE  # type: ignore[arg-type]
    result = Session(table).run(recipe)
    asked = Assigner(result, reference=table)
    whole = sw.assign(asked, new)
    parts = sw.assign(asked, new, rows=37)
    np.testing.assert_array_equal(whole.labels, parts.labels)
    np.testing.assert_array_equal(whole.distance, parts.distance)
    for place in (0, 150, 299):
        alone = sw.assign(asked, new.take(np.array([place])))
        assert alone.labels[0] == whole.labels[place]
        assert alone.distance[0] == whole.distance[place]


def test_the_distance_is_the_smallest_eps_that_reaches_the_row(table: sw.Table, new: sw.Table) -> None:
    session = Session(table)
    result = session.run(RECIPE)
    found = sw.assign(result, new, reference=table)
    places = session.transform(result, new).astype(np.float64)
    eps = float(result.recipe.clustering.eps or 0)
    core = result.density.core_distances_
    apart = np.linalg.norm(places[:, None] - result.embedding.astype(np.float64)[None], axis=2)
    expected = np.where(core <= eps, np.maximum(apart, core), np.inf).min(axis=1)
    expected[expected > eps] = np.inf
    np.testing.assert_allclose(found.distance, expected, rtol=1e-6)


def test_the_file_has_what_the_call_returns_in_row_groups(
    table: sw.Table, new: sw.Table, folder: Path, tmp_path: Path
) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "deep" / "out.parquet"
    found = sw.assign(folder, new, reference=table, out=path, rows=100)
    read = pd.read_parquet(path)
    assert pq.ParquetFile(path).metadata.num_row_groups == 3
    assert read["id"].tolist() == found.ids.tolist()
    np.testing.assert_array_equal(read["segment"], found.labels)
    np.testing.assert_array_equal(read["distance"], found.distance)
    assert read["name"].tolist() == found.to_frame()["name"].tolist()


def test_a_cancelled_assignment_leaves_no_file(
    table: sw.Table, new: sw.Table, result: sw.Result, tmp_path: Path
) -> None:
    stop = threading.Event()

    def told(now: Progress) -> None:
        if now.overall > 0.3:
            stop.set()

    with pytest.raises(sw.Cancelled):
        sw.assign(result, new, reference=table, out=tmp_path / "x.parquet", rows=50, progress=told, cancel=stop)
    assert list(tmp_path.iterdir()) == []


def test_no_more_than_a_chunk_of_rows_is_placed_at_once(
    table: sw.Table, new: sw.Table, result: sw.Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Assigner(result, reference=table)
    seen: list[int] = []
    placed = asked.chunk

    def counted(some: sw.Table, run: object) -> object:
        seen.append(some.n_rows)
        return placed(some, run)  # type: ignore[arg-type]

    monkeypatch.setattr(asked, "chunk", counted)
    sw.assign(asked, new, rows=80)
    assert seen == [80, 80, 80, 60]


def test_another_reference_and_a_lacking_one_are_refused_in_words(new: sw.Table, result: sw.Result) -> None:
    with pytest.raises(ValueError, match="reference=TABLE"):
        sw.assign(result, new)
    with pytest.raises(ValueError, match="is not the table that the result was made from"):
        sw.assign(result, new, reference=new)


def test_the_command_writes_the_file_and_does_not_overwrite_one(
    table: sw.Table, new: sw.Table, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table.save(tmp_path / "then")
    new.save(tmp_path / "now")
    path = tmp_path / "out.parquet"
    call = ["assign", str(folder), str(tmp_path / "now"), "--out", str(path), "--reference", str(tmp_path / "then")]
    assert main([*call, "--quiet"]) == 0
    assert "300 rows" in capsys.readouterr().out
    assert main([*call, "--quiet"]) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_a_job_knows_its_own_rows(table: sw.Table, new: sw.Table, result: sw.Result) -> None:
    job = sw.promote(RECIPE, table, result=result, experiment="assigned").wait(300)
    found = sw.assign(job.name, new)
    np.testing.assert_array_equal(found.labels, sw.assign(result, new, reference=table).labels)


def test_a_damaged_copy_of_the_rows_is_not_taken(result: sw.Result, table: sw.Table, folder: Path) -> None:
    with pytest.raises(ValueError, match="holds no result"):
        sw.assign(folder.parent, table)
    changed = sw.read(table.to_frame() * 2)
    with pytest.raises(ValueError, match="its digest is"):
        sw.assign(folder, table, reference=changed)
    with pytest.raises(ValueError, match="rows=0 is not allowed"):
        sw.assign(result, table, reference=table, rows=0)


def merged(labels: np.ndarray[tuple[int], np.dtype[np.int32]]) -> Layer:
    """The first two segments as one, under a name."""
    return Layer().merged(labels, [0, 1], "families")


def test_a_layer_gives_its_numbers_and_names_alone_and_in_any_chunk(
    table: sw.Table, new: sw.Table, result: sw.Result
) -> None:
    layer = merged(result.labels)
    asked = Assigner(result, reference=table)
    plain, seen = sw.assign(asked, new), sw.assign(asked, new, layer=layer)
    assert (plain.labels == 1).any()
    np.testing.assert_array_equal(seen.labels, np.where(plain.labels == 1, 0, plain.labels))
    np.testing.assert_array_equal(seen.distance, plain.distance)
    assert set(seen.to_frame().loc[plain.labels == 1, "name"]) == {"families"}
    np.testing.assert_array_equal(sw.assign(asked, table, layer=layer).labels, layer.apply(result.labels))
    np.testing.assert_array_equal(sw.assign(asked, new, layer=layer, rows=37).labels, seen.labels)
    for place in np.flatnonzero(plain.labels == 1)[:2]:
        assert sw.assign(asked, new.take(np.array([place])), layer=layer).labels[0] == 0


def test_a_lock_holds_customers_of_the_run_and_a_new_row_joins_those_that_it_leaves(
    table: sw.Table, new: sw.Table, result: sw.Result
) -> None:
    asked = Assigner(result, reference=table)
    plain = sw.assign(asked, new).labels
    ones = np.flatnonzero(result.labels == 1)
    some = Layer(locks=((0, tuple(ones[: len(ones) * 3 // 4].tolist())),))
    np.testing.assert_array_equal(sw.assign(asked, new, layer=some).labels, plain)
    whole = Layer(locks=((0, tuple(ones.tolist())),))
    np.testing.assert_array_equal(sw.assign(asked, new, layer=whole).labels, np.where(plain == 1, 0, plain))
    with pytest.raises(ValueError, match="a layer fits the table that it was made on"):
        sw.assign(asked, new, layer=Layer(locks=((0, (600,)),)))


def test_the_command_takes_a_layer(
    table: sw.Table, new: sw.Table, result: sw.Result, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table.save(tmp_path / "then")
    new.save(tmp_path / "now")
    path, layer = tmp_path / "out.parquet", tmp_path / "layer.json"
    layer.write_text(json.dumps(merged(result.labels).to_dict()))
    call = ["assign", str(folder), str(tmp_path / "now"), "--out", str(path), "--reference", str(tmp_path / "then")]
    assert main([*call, "--quiet", "--layer", str(layer)]) == 0
    written = pd.read_parquet(path)
    expected = sw.assign(folder, new, reference=table, layer=merged(result.labels)).to_frame()
    assert written["segment"].tolist() == expected["segment"].tolist()
    assert written["name"].tolist() == expected["name"].tolist()
    layer.write_text("[]")
    assert main([*call, "--quiet", "--overwrite", "--layer", str(layer)]) == 2
    assert "holds no layer" in capsys.readouterr().err


def test_rows_without_a_channel_come_from_the_store_or_are_read_again_by_their_id_column(tmp_path: Path) -> None:
    frame = sw.samples.blobs(300).to_frame()
    path = tmp_path / "customers.csv"
    frame.reset_index(names="customer").to_csv(path, index=False)
    table = sw.read(path, id="customer")
    job = sw.promote(RECIPE, table, experiment="read-again").wait(300)
    some = table.take(np.arange(20))
    expected = sw.assign(job.name, some).labels
    # A job in SageMaker has no channel of rows on this machine.
    channel = Layout(job.path).channel("table")
    channel.unlink() if channel.is_symlink() else shutil.rmtree(channel)
    np.testing.assert_array_equal(sw.assign(job.name, some).labels, expected)
    # Nor has another machine what was stored.
    shutil.rmtree(table_place(table.digest))
    np.testing.assert_array_equal(sw.assign(job.name, some).labels, expected)
    path.unlink()
    with pytest.raises(ValueError, match="cannot be read from here"):
        sw.assign(job.name, some)
