from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from segwidgets.data import DataError, read


@pytest.fixture
def lines() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 400
    return pd.DataFrame(
        {
            "customer": rng.integers(1, 30, n),
            "product": rng.choice(["milk", "bread", "beer", "tea", "ham", "jam"], n),
            "amount": np.round(rng.gamma(2, 3, n), 2),
            "when": pd.date_range("2026-01-01", periods=n, freq="h"),
        }
    )


def test_lines_are_summed_by_customer_and_product(lines: pd.DataFrame) -> None:
    table = read(lines, rows="customer", columns="product", values="amount")
    wanted = lines.pivot_table(index="customer", columns="product", values="amount", aggfunc="sum", fill_value=0)
    assert [c.name for c in table.columns] == list(wanted.columns)
    assert table.ids.tolist() == [str(i) for i in wanted.index]  # as numbers: 2 before 10
    np.testing.assert_allclose(table.block(list(wanted.columns)).toarray(), wanted.to_numpy(), rtol=1e-12)


def test_without_values_lines_are_counted(lines: pd.DataFrame) -> None:
    table = read(lines, rows="customer", columns="product")
    wanted = pd.crosstab(lines["customer"], lines["product"])
    np.testing.assert_array_equal(table.block(list(wanted.columns)).toarray(), wanted.to_numpy())


def test_the_order_of_the_lines_does_not_matter(lines: pd.DataFrame) -> None:
    wanted = read(lines, rows="customer", columns="product", values="amount").digest
    for seed in range(5):
        shuffled = lines.sample(frac=1, random_state=seed)
        assert read(shuffled, rows="customer", columns="product", values="amount").digest == wanted


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize("values", ["amount", None])
def test_files_of_lines_give_the_same_table(
    lines: pd.DataFrame, tmp_path: Path, ending: str, values: str | None
) -> None:
    path = tmp_path / f"lines{ending}"
    if ending == ".csv":
        lines.to_csv(path, index=False)
    else:
        lines.to_parquet(path)
    table = read(path, rows="customer", columns="product", values=values)
    assert table.digest == read(lines, rows="customer", columns="product", values=values).digest
    assert table.name == "lines"
    with pytest.raises(DataError, match=r"rows='custommer': .* Did you mean 'customer'\?"):
        read(path, rows="custommer", columns="product")


def test_leading_zeros_of_customers_survive_csv(tmp_path: Path) -> None:
    (tmp_path / "lines.csv").write_text("who,what\n007,x\n7,x\n", encoding="utf-8")
    assert read(tmp_path / "lines.csv", rows="who", columns="what").ids.tolist() == ["007", "7"]


def test_a_table_of_many_customers_and_products_is_never_dense() -> None:
    n = 200_000  # dense: 200,000 x 100,000 x 8 bytes = 160 GB
    lines = pd.DataFrame({"who": np.arange(n), "what": np.arange(n) // 2})
    table = read(lines, rows="who", columns="what")
    assert (len(table), len(table.columns)) == (n, n // 2)
    block = table.block([table.columns[5].name])
    assert isinstance(block, sparse.csr_matrix)
    assert block.sum() == 2


def test_lines_without_a_customer_a_product_or_an_amount_are_counted(lines: pd.DataFrame) -> None:
    holed = lines.astype({"customer": float, "product": object})
    holed.loc[0, "customer"] = np.nan
    holed.loc[[1, 2], "product"] = None
    holed.loc[3, "amount"] = np.nan
    table = read(holed, rows="customer", columns="product", values="amount")
    found = next(check for check in table.checks if check.code == "dropped-lines")
    assert (found.count, found.columns) == (4, ("customer", "product", "amount"))
    assert found.message.startswith("4 lines of 400 left out: no value in 'customer' or 'product' or 'amount'")
    assert table.digest == read(lines.iloc[4:], rows="customer", columns="product", values="amount").digest


def test_a_customer_whose_lines_cancel_out_stays() -> None:
    lines = pd.DataFrame({"who": ["a", "a", "b"], "what": ["x", "x", "x"], "n": [2, -2, 1]})
    table = read(lines, rows="who", columns="what", values="n")
    assert table.ids.tolist() == ["a", "b"]
    assert table.block(["x"]).nnz == 1


def test_infinite_amounts_and_no_lines_at_all_are_refused() -> None:
    lines = pd.DataFrame({"who": ["a", "b"], "what": ["x", "y"], "n": [np.inf, 1]})
    with pytest.raises(DataError, match="1 infinite value in column 'n'"):
        read(lines, rows="who", columns="what", values="n")
    with pytest.raises(DataError, match="no columns besides its ids"):
        read(lines.iloc[:0], rows="who", columns="what", values="n")


def test_a_matrix_file_holds_no_lines(tmp_path: Path) -> None:
    sparse.save_npz(tmp_path / "m.npz", sparse.eye(3, format="csr"))
    with pytest.raises(DataError, match="this is a matrix"):
        read(tmp_path / "m.npz", rows="who", columns="what")
