from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from segwidgets.data import DataError, Table, read


@pytest.fixture
def mixed() -> Table:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "bread": rng.poisson(0.3, 50),
            "spend": rng.normal(size=50),
            "region": rng.choice(["north", "süd", None], 50),
            "age": np.where(rng.random(50) < 0.2, np.nan, rng.integers(18, 90, 50)),
            "one": 1,
        }
    )
    return read(frame.set_axis([f"c{i}" for i in range(50)]), name="mixed")


def test_a_block_holds_the_columns_in_the_order_asked_for(mixed: Table) -> None:
    block = mixed.block(["age", "bread"])
    assert isinstance(block, sparse.csr_matrix)
    assert (block.shape, block.dtype, block.has_sorted_indices) == ((50, 2), np.float64, True)
    np.testing.assert_array_equal(block.toarray(), np.stack([mixed.values("age"), mixed.values("bread")], axis=1))
    assert np.isnan(block.data).sum() == mixed.column("age").missing > 0


def test_what_is_handed_out_cannot_change_the_table(mixed: Table) -> None:
    digest = read(mixed.to_frame()).digest
    numeric = ["bread", "spend", "age", "one"]
    mixed.block(numeric).data[:] = 7
    mixed.values("spend")[:] = 7
    mixed.values("region")[:] = "x"
    with pytest.raises(ValueError, match="read-only"):
        mixed.ids[0] = "x"
    assert mixed.digest == digest


def test_unknown_columns_and_wrong_kinds_are_refused(mixed: Table) -> None:
    with pytest.raises(DataError, match=r"column='spent': there is no such column\. Did you mean 'spend'\?"):
        mixed.values("spent")
    with pytest.raises(DataError, match="column 'region' holds categories"):
        mixed.block(["bread", "region"])
    with pytest.raises(DataError, match="column 'spend' holds numbers"):
        mixed.texts("spend")


def test_a_part_keeps_order_kinds_and_usability(mixed: Table) -> None:
    rows = np.array([40, 3, 17, 8])
    part = mixed.take(rows)
    assert part.ids.tolist() == ["c40", "c3", "c17", "c8"]
    assert [(c.name, c.kind, c.usable, c.reason) for c in part.columns] == [
        (c.name, c.kind, c.usable, c.reason) for c in mixed.columns
    ]
    for column in mixed.columns:
        wanted = mixed.values(column.name)[rows]
        np.testing.assert_array_equal(part.values(column.name), wanted)
        assert part.column(column.name).missing == pd.isna(wanted).sum()
    assert part.digest == read(mixed.to_frame().iloc[rows]).digest


def test_a_part_is_taken_by_bools_too(mixed: Table) -> None:
    chosen = mixed.values("spend") > 0
    assert mixed.take(chosen).digest == mixed.take(np.flatnonzero(chosen)).digest
    assert mixed.take(np.arange(50)).digest == mixed.digest


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "at least one"),
        ([0.5], "float64"),
        ([0, 50], "from 0 to 49, got 0 to 50"),
        ([-1], "from 0 to 49"),
        ([1, 1], "more than once"),
        ([[1], [2]], "of shape"),
        ([True, False], "50 bools"),
    ],
)
def test_rows_that_cannot_be_taken_are_refused(mixed: Table, rows: list[object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        mixed.take(np.array(rows))


def test_a_frame_comes_back_and_reads_the_same(mixed: Table) -> None:
    frame = mixed.to_frame()
    assert list(frame.columns) == [c.name for c in mixed.columns]
    assert frame.index.tolist() == mixed.ids.tolist()
    assert read(frame).digest == mixed.digest
    assert not any(isinstance(dtype, pd.SparseDtype) for dtype in frame.dtypes)


def test_a_sparse_table_comes_back_as_a_sparse_frame() -> None:
    table = read(sparse.random(100, 8, density=0.1, format="csr", random_state=0))
    frame = table.to_frame()
    assert all(isinstance(dtype, pd.SparseDtype) for dtype in frame.dtypes)
    assert read(frame).digest == table.digest


def test_a_table_of_categories_alone_works_throughout(tmp_path: Path) -> None:
    table = read(pd.DataFrame({"a": ["x", "y", "x"], "b": [None, "u", "v"]}))
    table.save(tmp_path / "t")
    again = Table.load(tmp_path / "t")
    assert again.digest == table.digest == read(table.to_frame().reset_index(drop=True)).digest
    assert again.block([]).shape == (3, 0)
    assert again.take(np.array([2])).values("b").tolist() == ["v"]


def test_a_saved_table_loads_whole(mixed: Table, tmp_path: Path) -> None:
    mixed.save(tmp_path / "deep" / "t")
    mixed.save(tmp_path / "deep" / "t")  # over itself
    again = Table.load(tmp_path / "deep" / "t")
    assert (again.name, again.source, again.digest) == (mixed.name, mixed.source, mixed.digest)
    assert (again.columns, again.checks) == (mixed.columns, mixed.checks)
    np.testing.assert_array_equal(again.ids, mixed.ids)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["t"]


@pytest.mark.parametrize(
    "name", ["values.npy", "positions.npy", "starts.npy", "codes.npy", "strings.json", "table.json"]
)
@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_a_damaged_table_is_refused(mixed: Table, tmp_path: Path, name: str, damage: str) -> None:
    mixed.save(tmp_path / "t")
    path = tmp_path / "t" / name
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "gone":
        path.unlink()
    elif name == "table.json":
        manifest = json.loads(content)
        path.write_text(json.dumps({**manifest, "digest": manifest["digest"][::-1]}), encoding="utf-8")
    else:
        path.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    with pytest.raises(DataError, match=r"is damaged|holds no saved table"):
        Table.load(tmp_path / "t")


def test_a_table_of_a_later_format_is_refused(mixed: Table, tmp_path: Path) -> None:
    mixed.save(tmp_path / "t")
    path = tmp_path / "t" / "table.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}), encoding="utf-8")
    with pytest.raises(DataError, match="has format 99, not 1"):
        Table.load(tmp_path / "t")


def test_saving_that_fails_leaves_what_was_there(mixed: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mixed.save(tmp_path / "t")

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space"):
        mixed.take(np.array([1])).save(tmp_path / "t")
    assert Table.load(tmp_path / "t").digest == mixed.digest
    assert [p.name for p in tmp_path.iterdir()] == ["t"]


def test_a_table_says_what_it_is_without_showing_a_customer(mixed: Table) -> None:
    assert repr(mixed) == "<Table 'mixed': 50 rows x 5 columns (1 count, 2 number, 1 category, 1 left out)>"
