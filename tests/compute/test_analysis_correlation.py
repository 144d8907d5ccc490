"""Correlation of columns of any kind: what pandas, scipy and the formulas' authors say, from sparse sums."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import contingency, spearmanr

import segwidgets as sw
from segwidgets.compute.analysis import correlations
from segwidgets.compute.analysis.categories import corrected_v
from segwidgets.compute.analysis.moments import pearson, prepare
from segwidgets.compute.analysis.ranks import shifted_ranks
from segwidgets.data import DataError


def mixed(seed: int = 0, n: int = 400) -> pd.DataFrame:
    """Sparse counts, full numbers, half-full ones of either sign and categories, all with holes."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=n)
    counts = {f"c{j}": rng.poisson(0.2 + 0.1 * j, n) * (base > 0.3 * j - 1) for j in range(4)}
    frame = pd.DataFrame({k: v.astype(float) for k, v in counts.items()})
    frame["full"] = 1e6 + base
    frame["half"] = np.where(rng.random(n) < 0.45, base + rng.normal(size=n), 0.0)
    frame["tiny"] = 1e-200 * (base + rng.normal(size=n))
    for name in list(frame)[::2]:
        frame.loc[rng.random(n) < 0.1, name] = np.nan
    frame.loc[rng.random(n) < 0.7, "full"] = np.nan
    frame["region"] = np.array(["north", "south", "west"])[np.digitize(base, [-0.5, 0.5])]
    frame["colour"] = rng.choice(["red", "blue", None], n)
    return frame


def test_pearson_is_pandas_pairwise_complete() -> None:
    frame = mixed()
    numbers = frame.select_dtypes("number")
    found = correlations(sw.read(frame), list(numbers), measure="pearson")
    expected = numbers.assign(tiny=numbers["tiny"] * 1e200).corr()
    np.testing.assert_allclose(found.values, expected, rtol=1e-8, atol=1e-9)


def test_spearman_is_scipys_where_nothing_is_missing() -> None:
    numbers = mixed().select_dtypes("number").fillna(0.0)
    found = correlations(sw.read(numbers), measure="spearman")
    np.testing.assert_allclose(found.values, spearmanr(numbers).statistic, atol=1e-12)


def test_spearman_with_holes_is_that_of_each_columns_own_ranks() -> None:
    numbers = mixed().select_dtypes("number")
    found = correlations(sw.read(numbers), measure="spearman")
    np.testing.assert_allclose(found.values, numbers.rank().corr(), atol=1e-10)


@given(
    st.lists(
        st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.0, -1.5, np.nan]), min_size=3, max_size=3),
        min_size=2,
        max_size=12,
    )
)
@settings(max_examples=150, deadline=None)
def test_any_small_table_agrees_with_pandas(rows: list[list[float]]) -> None:
    frame = pd.DataFrame(rows, dtype=float)
    matrix = sparse.csc_matrix(frame.to_numpy())
    np.testing.assert_allclose(pearson(prepare(matrix)), frame.corr(), atol=1e-9)
    np.testing.assert_allclose(pearson(prepare(shifted_ranks(matrix))), frame.rank().corr(), atol=1e-9)


@given(st.lists(st.sampled_from([0.0, 0.0, 3.0, 1.0, -2.0, np.nan]), min_size=1, max_size=15))
def test_shifted_ranks_are_ranks_less_that_of_zero(values: list[float]) -> None:
    column = pd.Series(values, dtype=float)
    found = shifted_ranks(sparse.csc_matrix(column.to_numpy()[:, None])).toarray().ravel()
    expected = column.rank()
    shift = (expected[column == 0].iloc[0] if (column == 0).any() else (column < 0).sum() + 0.5) if len(column) else 0
    np.testing.assert_allclose(found, expected - shift)


def test_a_large_mean_costs_no_digits() -> None:
    rng = np.random.default_rng(1)
    one = rng.normal(size=1000)
    frame = pd.DataFrame({"a": 1e12 + one, "b": -1e12 + one + rng.normal(size=1000)})
    found = correlations(sw.read(frame), measure="pearson")
    exact = (frame - [1e12, -1e12]).corr().iloc[0, 1]  # subtracting what is nearly equal loses nothing
    assert found.values[0, 1] == pytest.approx(exact, abs=1e-9)


def test_bergsmas_v_of_hand_made_tables() -> None:
    # n = 200, phi2 = 0.36, less 1/199; both sides have 2 - 1/199 corrected levels.
    table = np.array([[80.0, 20.0], [20.0, 80.0]])
    assert corrected_v(table) == pytest.approx(np.sqrt((0.36 - 1 / 199) / (1 - 1 / 199)))
    assert corrected_v(np.array([[30.0, 30.0], [20.0, 20.0]])) == 0.0
    assert corrected_v(np.diag([40.0, 30.0, 30.0])) == pytest.approx(1.0)
    assert np.isnan(corrected_v(np.array([[5.0, 6.0]])))
    assert np.isnan(corrected_v(np.array([[5.0, 6.0], [0.0, 0.0]])))


def test_bergsmas_v_nears_scipys_v_with_the_rows_and_is_smaller_for_few() -> None:
    table = np.array([[30, 12, 8], [10, 25, 15], [5, 9, 36]])
    plain = contingency.association(table, method="cramer")
    assert corrected_v(table.astype(float)) < plain
    assert corrected_v(table * 1e6) == pytest.approx(plain, abs=1e-6)


def test_categories_that_have_nothing_to_do_with_each_other_get_about_zero() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(20, size=(2, 300))
    table = np.zeros((20, 20))
    np.add.at(table, (codes[0], codes[1]), 1)
    assert corrected_v(table) < 0.1 < contingency.association(table.astype(int), method="cramer")


def test_a_category_with_a_number_is_the_correlation_ratio_of_the_rows_that_have_both() -> None:
    frame = mixed()
    found = correlations(sw.read(frame), measure="pearson")
    at = {name: place for place, name in enumerate(found.names)}
    for category in ("region", "colour"):
        for number in ("c0", "c1", "half", "full"):
            both = frame[[category, number]].dropna()
            groups = both.groupby(category)[number]
            between = (groups.size() * (groups.mean() - both[number].mean()) ** 2).sum()
            expected = np.sqrt(between / ((both[number] - both[number].mean()) ** 2).sum())
            assert found.values[at[category], at[number]] == pytest.approx(expected, abs=1e-7)
            assert found.values[at[number], at[category]] == found.values[at[category], at[number]]
    both = pd.crosstab(frame["region"], frame["colour"]).to_numpy(dtype=float)
    assert found.values[at["region"], at["colour"]] == pytest.approx(corrected_v(both))


def test_each_pair_says_what_it_is_measured_by() -> None:
    found = correlations(sw.read(mixed()))
    at = {name: place for place, name in enumerate(found.names)}
    assert found.measured_by(at["c0"], at["full"]) == "Spearman's rho"
    assert found.measured_by(at["c0"], at["region"]) == "correlation ratio"
    assert found.measured_by(at["colour"], at["region"]) == "Cramér's V"
    best = found.strongest(3)
    assert [abs(pair.value) for pair in best] == sorted((abs(pair.value) for pair in best), reverse=True)
    assert all(pair.one != pair.other for pair in best)


def test_what_does_not_vary_where_both_are_there_is_undefined_and_far_from_everything() -> None:
    frame = pd.DataFrame({"a": [1.0, 2, 3, np.nan, np.nan], "b": [np.nan, np.nan, 7, 1, 2], "c": [1.0, 2, 3, 4, 9]})
    found = correlations(sw.read(frame), measure="pearson")
    assert np.isnan(found.values[0, 1])
    assert found.distances()[0, 1] == 1.0
    assert {pair.value for pair in found.strongest()}.isdisjoint({np.nan})
    assert len(found.strongest()) == 2


def test_columns_that_go_together_stand_together() -> None:
    rng = np.random.default_rng(3)
    bases = rng.normal(size=(2, 500))
    frame = pd.DataFrame({f"x{j}": bases[j % 2] + 0.3 * rng.normal(size=500) for j in range(8)})
    order = correlations(sw.read(frame)).order()
    assert sorted(order.tolist()) == list(range(8))
    assert len({int(at) % 2 for at in order[:4]}) == 1


def test_a_wide_table_keeps_the_fullest_columns_and_says_which_it_left_out() -> None:
    rng = np.random.default_rng(0)
    matrix = sparse.random(300, 40, 0.2, random_state=rng, format="csc")
    table = sw.read(matrix, columns=[f"p{j}" for j in range(40)])
    found = correlations(table, most=10)
    filled = np.diff(matrix.indptr)
    assert len(found.names) == 10
    assert min(filled[int(name[1:])] for name in found.names) >= max(filled[int(name[1:])] for name in found.left_out)
    assert len(found.left_out) == 30
    assert "Only the 10 columns with the most entries" in found.note
    assert "30 columns" in found.note
    whole = correlations(table)
    assert (whole.left_out, whole.note) == ((), "")
    kept = [whole.names.index(name) for name in found.names]
    np.testing.assert_allclose(found.values, whole.values[np.ix_(kept, kept)])


def test_a_single_column_and_names_that_are_not_there() -> None:
    table = sw.read(mixed())
    alone = correlations(table, ["c0"])
    assert alone.values.tolist() == [[1.0]]
    assert alone.order().tolist() == [0]
    assert alone.strongest() == ()
    with pytest.raises(DataError, match="Did you mean 'colour'"):
        correlations(table, ["color"])
    with pytest.raises(ValueError, match="measure='kendall' is not allowed"):
        correlations(table, measure="kendall")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="most=1 is not allowed"):
        correlations(table, most=1)
    constant = sw.read(mixed().assign(same=1.0))
    with pytest.raises(DataError, match=r"'same' \(constant"):
        correlations(constant, ["c0", "same"])
