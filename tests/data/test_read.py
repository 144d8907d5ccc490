from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from segwidgets.data import DataError, Table, read


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "customer_id": [f"{i:03d}" for i in range(30)],
            "bread": rng.poisson(0.4, 30),
            "spend": rng.normal(40, 9.7, 30),
            "region": [["north", "south", None][i % 3] for i in range(30)],
            "member": rng.random(30) < 0.5,
        }
    )


def test_a_frame_becomes_a_table(frame: pd.DataFrame) -> None:
    table = read(frame, id="customer_id", name="customers")
    assert (table.name, table.source, len(table), table.n_rows) == ("customers", "DataFrame", 30, 30)
    assert [(c.name, c.kind, c.usable, c.missing) for c in table.columns] == [
        ("bread", "count", True, 0),
        ("spend", "number", True, 0),
        ("region", "category", True, 10),
        ("member", "number" if frame["member"].mean() > 0.5 else "count", True, 0),
    ]
    assert table.ids[7] == "007"
    np.testing.assert_array_equal(table.values("spend"), frame["spend"])
    assert (
        table.values("region").tolist() == frame["region"].astype(object).where(frame["region"].notna(), None).tolist()
    )


def test_the_frame_that_was_read_is_left_as_it_was(frame: pd.DataFrame) -> None:
    before = frame.copy(deep=True)
    read(frame, id="customer_id").values("spend")[:] = 0
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("as_path", [str, Path])
@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".tsv", ".parquet", ".pq"])
def test_files_hold_the_same_as_the_frame(frame: pd.DataFrame, tmp_path: Path, ending: str, as_path: type) -> None:
    path = tmp_path / f"customers{ending}"
    if "csv" in ending or "tsv" in ending:
        frame.to_csv(path, index=False, sep="\t" if "tsv" in ending else ",")
    else:
        frame.to_parquet(path, index=False)
    table = read(as_path(path), id="customer_id")
    assert table.name == "customers"
    assert table.digest == read(frame, id="customer_id").digest


def test_a_directory_of_parquet_parts_is_one_table(frame: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "customers.parquet").mkdir()
    for part in range(3):
        frame.iloc[part * 10 : part * 10 + 10].to_parquet(
            tmp_path / f"customers.parquet/part-{part}.parquet", index=False
        )
    assert read(tmp_path / "customers.parquet", id="customer_id").digest == read(frame, id="customer_id").digest


def test_matrices_and_arrays_hold_the_same_as_the_frame(tmp_path: Path) -> None:
    counts = np.random.default_rng(1).poisson(0.3, (40, 6)).astype(float)
    names = [f"p{j}" for j in range(6)]
    wanted = read(pd.DataFrame(counts, columns=names)).digest
    sparse.save_npz(tmp_path / "m.npz", sparse.csr_matrix(counts))
    np.save(tmp_path / "m.npy", counts)
    assert read(counts, columns=names).digest == wanted
    assert read(counts.astype(np.int16), columns=names).digest == wanted
    for form in ("csr", "csc", "coo", "lil", "dok"):
        assert read(sparse.csr_matrix(counts).asformat(form), columns=names).digest == wanted
    assert read(sparse.csr_array(counts), columns=names).digest == wanted
    assert read(tmp_path / "m.npz", columns=names).digest == wanted
    assert read(tmp_path / "m.npy", columns=names).digest == wanted


def test_a_matrix_is_not_changed_by_reading_it() -> None:
    matrix = sparse.csc_matrix(
        (np.array([0.0, 2.0, 1.0, 1.0]), np.array([1, 0, 2, 2]), np.array([0, 2, 4])), shape=(4, 2)
    )
    table = read(matrix)
    assert matrix.nnz == 4
    assert matrix.data.tolist() == [0.0, 2.0, 1.0, 1.0]
    assert table.values("x1").tolist() == [0, 0, 2, 0]
    matrix.data[:] = 9  # nor does the table change with the matrix
    assert table.values("x1").tolist() == [0, 0, 2, 0]


def test_a_canonical_matrix_may_be_written_to_after_it_was_read() -> None:
    matrix = sparse.csc_matrix(np.eye(4))
    table = read(matrix)
    matrix.data[:] = 9
    assert table.values("x0").tolist() == [1, 0, 0, 0]


def test_a_saved_table_is_read_back(frame: pd.DataFrame, tmp_path: Path) -> None:
    table = read(frame, id="customer_id")
    table.save(tmp_path / "saved")
    again = read(tmp_path / "saved", name="again")
    assert isinstance(again, Table)
    assert (again.digest, again.name, again.source) == (table.digest, "again", "DataFrame")
    with pytest.raises(DataError, match="part of it"):
        read(tmp_path / "saved", id="customer_id")


def test_whatever_turns_into_pandas_is_read(frame: pd.DataFrame) -> None:
    import pyarrow as pa

    assert read(pa.Table.from_pandas(frame), id="customer_id").digest == read(frame, id="customer_id").digest


def test_a_sparse_frame_stays_sparse(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = sparse.random(500, 20, density=0.03, format="csc", random_state=0)
    frame = pd.DataFrame.sparse.from_spmatrix(matrix, columns=[f"p{j}" for j in range(20)])

    def refuse(self: object) -> None:
        raise AssertionError("a sparse column was made dense")

    monkeypatch.setattr(pd.arrays.SparseArray, "to_dense", refuse)
    monkeypatch.setattr(pd.arrays.SparseArray, "__array__", refuse)
    table = read(frame)
    assert table.digest == read(matrix, columns=list(frame.columns)).digest


def test_a_sparse_frame_whose_gaps_are_missing_values_is_read() -> None:
    frame = pd.DataFrame({"a": pd.arrays.SparseArray([1.0, np.nan, 0.0, np.nan]), "b": [1.0, 2.0, 3.0, 4.0]})
    table = read(frame)
    assert table.columns[0].missing == 2
    np.testing.assert_array_equal(table.values("a"), [1, np.nan, 0, np.nan])


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "int64[pyarrow]", "double[pyarrow]"])
def test_nullable_numbers_are_numbers(dtype: str) -> None:
    frame = pd.DataFrame({"a": pd.array([1, None, 3], dtype=dtype)})
    assert read(frame).digest == read(pd.DataFrame({"a": [1, np.nan, 3]})).digest


@pytest.mark.parametrize("dtype", ["object", "str", "string", "category", "string[pyarrow]"])
def test_all_kinds_of_text_are_categories(dtype: str) -> None:
    frame = pd.DataFrame({"a": pd.Series(["x", None, "y", ""], dtype="object").astype(dtype), "b": [1, 2, 3, 5]})
    if dtype == "str" and frame["a"].isna().sum() == 0:  # pandas 2 writes "None"
        frame["a"] = frame["a"].replace("None", None)
    table = read(frame)
    assert table.values("a").tolist() == ["x", None, "y", None]
    assert table.digest == read(pd.DataFrame({"a": ["x", None, "y", None], "b": [1.0, 2, 3, 5]})).digest


def test_bools_with_gaps_are_numbers() -> None:
    assert read(pd.DataFrame({"a": [True, None, False]})).values("a").tolist()[::2] == [1.0, 0.0]


def test_ids_come_from_the_index_where_it_says_more_than_row_numbers(frame: pd.DataFrame) -> None:
    by_column = read(frame, id="customer_id")
    indexed = frame.set_index("customer_id")
    assert read(indexed).digest == by_column.digest
    assert read(indexed, id="customer_id").digest == by_column.digest
    assert read(frame.drop(columns="customer_id"), id=frame["customer_id"]).digest == by_column.digest
    numbered = read(frame.drop(columns="customer_id"))
    assert numbered.ids.tolist() == [str(i) for i in range(30)]
    assert "row-numbers" in [check.code for check in numbered.checks]
    assert numbered.digest != by_column.digest


def test_whole_ids_that_became_floats_are_written_without_a_fraction() -> None:
    frame = pd.DataFrame({"n": [7.0, 12.0], "v": [1.0, 2.0]})
    assert read(frame, id="n").ids.tolist() == ["7", "12"]


def test_text_in_csv_keeps_na_and_numbers_do_not(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("country,visits,empty\nNA,3,\nDE,null,\n,4,\n", encoding="utf-8")
    table = read(tmp_path / "a.csv")
    assert table.values("country").tolist() == ["NA", "DE", None]
    np.testing.assert_array_equal(table.values("visits"), [3, np.nan, 4])
    assert table.columns[2].reason == "every value is missing"


def test_fsspec_urls_are_read(frame: pd.DataFrame) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    with memory.open("/lake/customers.csv", "w") as file:
        frame.to_csv(file, index=False)
    with memory.open("/lake/customers.parquet", "wb") as file:
        frame.to_parquet(file, index=False)
    wanted = read(frame, id="customer_id").digest
    assert read("memory://lake/customers.csv", id="customer_id").digest == wanted
    assert read("memory://lake/customers.parquet", id="customer_id").digest == wanted
    with pytest.raises(DataError, match=r"memory://lake/other\.csv does not exist"):
        read("memory://lake/other.csv")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"id": "custmer_id"}, r"id='custmer_id': there is no such column\. Did you mean 'customer_id'\?"),
        ({"id": "Customer_ID"}, r"Did you mean 'customer_id'\?"),
        ({"rows": "customer_id"}, "columns= must name one column too"),
        ({"rows": "customer_id", "columns": ["bread"]}, "columns= must name one column too"),
        ({"rows": "customer_id", "columns": "bred"}, r"columns='bred': .* Did you mean 'bread'\?"),
        ({"rows": "customer", "columns": "bread"}, r"rows='customer': .* Did you mean 'customer_id'\?"),
        ({"rows": "bread", "columns": "bread"}, "name one column twice"),
        ({"rows": "customer_id", "columns": "bread", "values": "region"}, "must be a column of numbers"),
        ({"rows": "customer_id", "columns": "bread", "id": "customer_id"}, "give rows= only"),
        ({"values": "spend"}, "is for transactions: give rows="),
        ({"columns": ["a", "b"]}, "a frame has its own names"),
        ({"id": ["a", "b"]}, "id has 2 values for 30 rows"),
        ({"storage_options": {"anon": True}}, "storage_options are for URLs"),
    ],
)
def test_settings_that_do_not_fit_are_refused_with_the_way_out(
    frame: pd.DataFrame, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(frame, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("array", "settings", "message"),
    [
        (np.zeros((3, 2)), {"id": "a"}, "an array has no named columns"),
        (np.zeros((3, 2)), {"columns": "a"}, "as a list"),
        (np.zeros((3, 2)), {"columns": ["a"]}, "columns= has 1 name for 2 columns"),
        (np.zeros((3, 2)), {"columns": ["a", "a"]}, "more than once: 'a'"),
        (np.zeros((3, 2)), {"rows": "a", "columns": "b"}, "this is an array or a matrix"),
        (np.zeros(3), {}, "two dimensions"),
        (np.zeros((3, 2), dtype=complex), {}, "dtype complex128"),
        (sparse.csr_matrix(np.zeros((3, 2), dtype=complex)), {}, "dtype complex128"),
        (np.zeros((0, 2)), {}, "the table is empty: it has 2 columns and no rows"),
        (np.zeros((2, 0)), {}, "no columns besides its ids"),
        ({"a": [1]}, {}, "cannot read a dict"),
    ],
)
def test_arrays_that_are_no_tables_are_refused(array: object, settings: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(array, **settings)  # type: ignore[arg-type]


def test_files_that_are_not_there_or_not_known_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"customers\.csv does not exist\. Looked in"):
        read(tmp_path / "customers.csv")
    (tmp_path / "customers.xlsx").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"the ending '\.xlsx', which says nothing that can be read\. Known: \.parquet"):
        read(tmp_path / "customers.xlsx")
    (tmp_path / "customers").write_bytes(b"PK")
    with pytest.raises(DataError, match="no ending"):
        read(tmp_path / "customers")
    with pytest.raises(DataError, match=r"no saved table: it has no table\.json"):
        read(tmp_path)
    with pytest.raises(DataError, match="Protocol not known"):
        read("nowhere://a/b.csv")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", b"no parquet at all", "is not a Parquet file that can be read"),
        ("a.csv", b"", "is not a CSV file that can be read"),
        ("a.csv", b'a,b\n1,2\n1,2,3\n"', "is not a CSV file that can be read"),
        ("a.csv", b"a,b\n\xff\xfe,2\n", "is not a CSV file that can be read"),
        ("a.csv.gz", b"not packed", "cannot be read"),
        ("a.npz", b"not a matrix", "is not a matrix written by scipy.sparse.save_npz"),
        ("a.npy", b"not an array", "is not an array of numbers"),
        ("a.csv", b"a,b\n", "the table is empty"),
    ],
)
def test_damaged_files_are_refused_by_name(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(tmp_path / name)


def test_an_npz_of_plain_arrays_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.zeros(3))
    with pytest.raises(DataError, match=r"is not a matrix written by scipy\.sparse\.save_npz"):
        read(tmp_path / "a.npz")
