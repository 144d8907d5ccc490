from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from segwidgets.data import Check, DataError, Table, read


def check(table: Table, code: str) -> Check:
    found = [c for c in table.checks if c.code == code]
    assert len(found) == 1, f"{code} in {[c.code for c in table.checks]}"
    return found[0]


def reason(table: Table, name: str) -> str:
    column = table.column(name)
    assert column.usable == (not column.reason)
    return column.reason


def test_duplicate_ids_are_refused_with_count_examples_and_the_way_out() -> None:
    frame = pd.DataFrame({"who": ["a", "b", "a", "c", "b", "a"], "v": range(6)})
    with pytest.raises(
        DataError, match=r"2 ids stand on more than one row \(3 rows too many\).*'a', 'b'.*drop_duplicates"
    ):
        read(frame, id="who")


def test_ids_that_differ_by_type_only_are_duplicates() -> None:
    with pytest.raises(DataError, match="1 id stand on more than one row"):
        read(np.eye(2), id=[1, "1"])


@pytest.mark.parametrize("gap", [None, np.nan, ""])
def test_missing_ids_are_refused(gap: object) -> None:
    frame = pd.DataFrame({"who": ["a", gap, "c"], "v": [1, 2, 3]})
    with pytest.raises(DataError, match="1 id missing in column 'who'"):
        read(frame, id="who")


def test_missing_values_are_counted_and_named() -> None:
    frame = pd.DataFrame({"a": [1, np.nan, np.nan, 4], "b": [1.0, 2, 3, 4], "c": ["x", None, "y", "x"]})
    found = check(read(frame), "missing")
    assert (found.level, found.columns, found.count) == ("warning", ("a", "c"), 3)
    assert "'a' (2), 'c' (1)" in found.message


@pytest.mark.parametrize("make", [lambda x: x, sparse.csr_matrix], ids=["dense", "sparse"])
def test_infinities_are_refused_with_counts_and_names(make: type) -> None:
    values = np.ones((4, 3))
    values[0, 0], values[1:3, 2] = np.inf, -np.inf
    with pytest.raises(
        DataError, match=r"3 infinite values in 2 columns: 'a' \(1\), 'c' \(2\)\..*NaN to have them imputed"
    ):
        read(make(values), columns=["a", "b", "c"])


def test_all_columns_of_mixed_types_are_refused_with_the_counts() -> None:
    frame = pd.DataFrame({"a": [1, "x", 2.5, None], "good": [1, 2, 3, 4], "b": ["x", [1], "y", "z"]})
    with pytest.raises(DataError, match=r"'a' holds 1 int, 1 str, 1 float; 'b' holds 3 str, 1 list") as error:
        read(frame)
    assert "good" not in str(error.value)


def test_all_kinds_of_numbers_in_one_column_are_not_mixed() -> None:
    frame = pd.DataFrame({"a": pd.Series([1, 2.5, True, Decimal("4.25"), np.int8(3), None], dtype=object)})
    np.testing.assert_array_equal(read(frame).values("a"), [1, 2.5, 1, 4.25, 3, np.nan])


def test_constant_columns_are_told_and_not_used() -> None:
    frame = pd.DataFrame(
        {
            "zero": np.zeros(4),
            "seven": [7, 7, 7, 7],
            "seven_or_none": [7, np.nan, 7, 7],
            "text": ["x"] * 4,
            "text_or_none": ["x", None, "x", "x"],
            "none": [None] * 4,
            "good": [1, 2, 3, 3],
        }
    )
    table = read(frame)
    assert check(table, "constant").columns == ("zero", "seven", "seven_or_none", "text", "none")
    assert reason(table, "seven") == "constant: every value is 7"
    assert reason(table, "seven_or_none") == "constant: every present value is 7"
    # Whether somebody answered at all tells customers apart.
    assert reason(table, "text_or_none") == ""
    assert reason(table, "good") == ""


def test_identifiers_are_told_and_not_used() -> None:
    rng = np.random.default_rng(0)
    n = 200
    frame = pd.DataFrame(
        {
            "email": [f"p{i}@example.org" for i in range(n)],
            "row": rng.permutation(n) + 1000,
            "card": rng.choice(10**9, n, replace=False) + 10**9,
            "storeId": rng.choice(5000, n, replace=False),
            "loyalty_id": [f"L{i}" for i in range(n - 4)] + ["L0"] * 4,
            "paid": rng.choice(50_000, n, replace=False),
            "spend": rng.normal(50, 9, n),
            "valid": rng.integers(0, 40, n),
            "store_id": rng.integers(0, 12, n),
        }
    )
    table = read(frame)
    assert check(table, "identifier").columns == ("email", "row", "card", "storeId", "loyalty_id")
    assert reason(table, "email") == "an identifier: all 200 values are distinct"
    assert "running number" in reason(table, "row")
    assert "10 digits" in reason(table, "card")
    assert "by its name" in reason(table, "storeId")
    assert "by its name" in reason(table, "loyalty_id")


def test_few_rows_make_no_identifier_unless_the_name_says_so() -> None:
    table = read(pd.DataFrame({"city": ["x", "y", "z"], "n": [1, 2, 3], "customer_id": [10, 20, 30]}))
    assert [c.usable for c in table.columns] == [True, True, False]


def test_too_many_categories_are_told_and_not_used() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"town": [f"t{i}" for i in rng.permutation(400) % 101], "region": [f"r{i % 100}" for i in range(400)]}
    )
    table = read(frame)
    assert check(table, "too-many-categories").columns == ("town",)
    assert reason(table, "town") == "101 different values, more than 100 categories"
    assert reason(table, "region") == ""


def test_numbers_spoiled_by_a_word_are_told_so() -> None:
    frame = pd.DataFrame({"age": [*(str(i % 150) for i in range(300)), "unknown"]})
    assert "150 of them read as numbers, 'unknown' does not" in reason(read(frame), "age")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (pd.date_range("2026-01-01", periods=3), "dates and times"),
        (pd.date_range("2026-01-01", periods=3, tz="UTC"), "dates and times"),
        (pd.to_timedelta([1, 2, 3], unit="h"), "dates and times"),
        (pd.period_range("2026-01", periods=3, freq="M"), "dates and times"),
        ([dt.date(2026, 1, day) for day in (1, 2, 3)], "dates and times"),
        (["2026-01-01", "2026-01-02", None], "dates and times"),
        (["2026-01-01 10:00:00", "2026-01-02T11:30", None], "dates and times"),
        ([[1, 2], [3], None], "nested values"),
        ([{"a": 1}, {}, {"b": 2}], "nested values"),
        ([np.array([1]), np.array([1, 2]), None], "nested values"),
        ([b"x", b"y", b"z"], "type bytes"),
    ],
)
def test_columns_of_other_types_are_told_and_not_used(values: object, said: str) -> None:
    table = read(pd.DataFrame({"odd": values, "good": [1, 2, 2]}))
    assert said in reason(table, "odd")
    found = check(table, "unsupported")
    assert (found.level, found.columns) == ("warning", ("odd",))
    assert table.column("good").usable


def test_complex_columns_are_refused() -> None:
    with pytest.raises(DataError, match="column 'z' holds complex numbers"):
        read(pd.DataFrame({"z": [1j, 2]}))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0, 0, 1, 5], "count"),
        ([0.0, 0.0, 1.25, 99.5], "count"),
        ([0, np.nan, 0, 3], "count"),
        ([0, 1, 2, 3], "number"),
        ([0, 0, 0, -1], "number"),
        ([True, False, True, True], "number"),
        (["yes", "no", "no", "yes"], "category"),
        (pd.Categorical([1, 2, 2, 1]), "category"),
    ],
)
def test_kinds_follow_from_the_values(values: object, kind: str) -> None:
    assert read(pd.DataFrame({"a": values, "b": [1.5, 2, 3, 4], "c": [1.5, 2, 3, 4]})).columns[0].kind == kind


def test_a_count_that_most_customers_have_is_known_by_its_company() -> None:
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.2, (100, 12))
    counts[:, 3] = rng.integers(0, 3, 100)  # milk: in two thirds of the baskets
    counts[:, 4] = rng.integers(20, 60, 100)  # age
    kinds = [c.kind for c in read(counts).columns]
    assert (kinds[3], kinds[4]) == ("count", "number")
    assert read(counts[:, 2:5]).columns[1].kind == "number"
    assert [c.kind for c in read(sparse.csr_matrix(counts)).columns] == kinds


def test_clean_data_have_nothing_to_tell() -> None:
    assert read(np.random.default_rng(0).normal(size=(50, 3)), id=[f"c{i}" for i in range(50)]).checks == ()
