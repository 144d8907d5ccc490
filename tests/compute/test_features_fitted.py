"""Features learned from one table make the same features of any other."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from segwidgets.compute.features import FeatureMatrix, build, fit, resolve
from segwidgets.compute.progress import Cancelled
from segwidgets.data import DataError, Table, read
from segwidgets.recipe import ColumnGroup, Features


def frame(n: int = 200, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.poisson(0.2, (n, 12)).astype(float), columns=[f"p{j}" for j in range(12)])
    table["age"] = np.where(rng.random(n) < 0.1, np.nan, rng.integers(18, 90, n))
    table["income"] = rng.lognormal(10, 1, n)
    table["region"] = rng.choice(["north", "south", "west", None], n)
    return table


@pytest.fixture(scope="module")
def mixed() -> Table:
    return read(frame())


def dense(matrix: FeatureMatrix) -> np.ndarray:
    return matrix.values.toarray() if sparse.issparse(matrix.values) else matrix.values


def same(one: FeatureMatrix, other: FeatureMatrix) -> None:
    """Bit by bit."""
    assert (one.names, one.imputed, one.zero_rows) == (other.names, other.imputed, other.zero_rows)
    assert one.unseen == other.unseen
    assert sparse.issparse(one.values) == sparse.issparse(other.values)
    parts = ("data", "indices", "indptr") if sparse.issparse(one.values) else ("T",)
    for part in parts:
        mine, theirs = getattr(one.values, part), getattr(other.values, part)
        assert mine.dtype == theirs.dtype
        assert mine.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("pca", [None, 4])
@pytest.mark.parametrize("scaling", ["standard", "robust"])
def test_applied_to_its_own_table_it_is_what_build_gives(mixed: Table, scaling: Any, pca: int | None) -> None:
    chosen = Features(scaling=scaling, pca=pca)
    same(fit(mixed, chosen).apply(mixed), build(mixed, chosen))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 25), st.integers(2, 8), st.booleans(), st.sampled_from([None, 2]))
def test_any_table_gets_from_its_fit_what_build_gives(seed: int, n: int, d: int, robust: bool, pca: int | None) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, d)) * 10.0 ** rng.integers(-12, 12, d) * (rng.random((n, d)) < rng.random(d))
    values[:, ::2] = np.abs(np.round(rng.normal(size=values[:, ::2].shape) * 3))
    values[rng.random((n, d)) < 0.05] = np.nan
    values[0], values[1] = 1, 2  # nothing constant
    whole = pd.DataFrame(values, columns=[f"p{j}" for j in range(d)])
    whole["kind"] = rng.choice(["a", "b", None], n)
    whole.loc[:1, "kind"] = ["a", "b"]
    table = read(whole)
    chosen = Features(scaling="robust" if robust else "standard", pca=pca)
    same(fit(table, chosen).apply(table), build(table, chosen))


def test_more_columns_than_a_covariance_can_take_are_applied_as_they_were_built() -> None:
    table = read(sparse.random(120, 2500, density=0.01, format="csr", random_state=0))
    same(fit(table, Features(pca=3)).apply(table), build(table, Features(pca=3)))


def test_new_rows_get_the_features_that_they_had_among_the_old(mixed: Table) -> None:
    chosen = np.arange(20, 60)
    part = fit(mixed, Features()).apply(mixed.take(chosen))
    assert dense(part).tobytes() == dense(build(mixed, Features()))[chosen].tobytes()


def test_a_row_alone_has_the_features_that_it_has_among_others(mixed: Table) -> None:
    learned = fit(mixed, Features())
    whole = dense(learned.apply(mixed))
    for row in range(0, 200, 20):
        np.testing.assert_array_equal(dense(learned.apply(mixed.take(np.array([row]))))[0], whole[row])


def test_missing_numbers_of_new_rows_are_the_medians_of_the_old() -> None:
    old = read(np.array([[1.0, 9], [2, 8], [30, 7], [np.nan, 6]]), columns=["a", "b"])
    plan = (ColumnGroup("number", ("a", "b"), ()),)
    matrix = fit(old, Features(plan=plan)).apply(read(np.array([[np.nan, 5.0], [4, np.nan]]), columns=["a", "b"]))
    np.testing.assert_array_equal(matrix.values, np.array([[2, 5], [4, 7.5]], np.float32))
    assert matrix.imputed == {"a": 1, "b": 1}


def test_a_level_that_was_never_seen_is_a_row_of_zeros_and_counted() -> None:
    old = read(pd.DataFrame({"region": ["n", "s", "w", "n"], "plan": ["x", "y", "x", "y"]}))
    new = read(pd.DataFrame({"region": ["e", "s", "e"], "plan": ["y", None, "x"]}))
    matrix = fit(old, Features()).apply(new)
    assert matrix.names == ("region=n", "region=s", "region=w", "plan=x", "plan=y")
    np.testing.assert_array_equal(dense(matrix), [[0, 0, 0, 0, 1], [0, 1, 0, 0, 0], [0, 0, 0, 1, 0]])
    assert matrix.unseen == {"region": 2}
    assert build(old, Features()).unseen == {}


def test_columns_that_are_not_there_are_refused_by_name(mixed: Table) -> None:
    learned = fit(mixed, Features())
    with pytest.raises(DataError, match=r"lacks 2 columns that the features were learned from: 'p3', 'income'\."):
        learned.apply(read(frame().drop(columns=["p3", "income"])))
    with pytest.raises(DataError, match=r"lacks 1 column .*: 'income'\. Did you mean 'Income'\?"):
        learned.apply(read(frame().rename(columns={"income": "Income"})))


def test_further_columns_and_another_order_change_nothing(mixed: Table) -> None:
    other = frame().assign(extra=1.5).iloc[:, ::-1]
    same(fit(mixed, Features()).apply(read(other)), build(mixed, Features()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"region": 4.5}, "'region' holds numbers, and categories where"),
        ({"income": "much"}, "'income' holds categories, and numbers where"),
        ({"p3": "none"}, "'p3' holds categories, and counts where"),
        ({"p3": -1.0}, "'p3' as counts, but negative values"),
        ({"income": 1e300}, "'income' has values beyond float32.*too far from"),
    ],
)
def test_columns_that_hold_something_else_are_refused(mixed: Table, change: dict[str, Any], message: str) -> None:
    learned = fit(mixed, Features())
    with pytest.raises(DataError, match=message):
        learned.apply(read(frame().assign(**change)))


def test_one_row_without_any_value_has_features() -> None:
    learned = fit(read(frame()), Features())
    empty = pd.DataFrame({name: [None] for name in frame().columns})
    matrix = learned.apply(read(empty))
    assert matrix.imputed == dict.fromkeys([f"p{j}" for j in range(12)] + ["age", "income"], 1)
    assert dense(matrix)[0, matrix.names.index("region=north")] == 0
    texts = pd.DataFrame({name: ["x", None] for name in frame().columns})
    named = read(texts).take(np.array([1]))  # categories without a value
    assert named.column("p0").kind == "category"
    same(learned.apply(named), matrix)


def test_new_rows_are_stored_as_those_the_features_were_learned_from() -> None:
    rng = np.random.default_rng(0)
    few, many = (read(rng.poisson(rate, (50, 12)).astype(float)) for rate in (0.1, 1.5))
    assert sparse.isspmatrix_csr(fit(few, Features()).apply(many).values)
    assert isinstance(fit(many, Features()).apply(few).values, np.ndarray)


def test_sparse_rows_are_never_made_dense(monkeypatch: pytest.MonkeyPatch) -> None:
    table = read(sparse.random(300, 400, density=0.01, format="csr", random_state=0))

    def refuse(self: object, *args: object, **kwargs: object) -> None:
        raise AssertionError("a sparse matrix was made dense")

    learned = fit(table, Features(pca=5))
    monkeypatch.setattr(sparse.csr_matrix, "toarray", refuse)
    monkeypatch.setattr(sparse.csr_matrix, "todense", refuse)
    assert learned.apply(table).values.shape == (300, 5)


def test_the_plan_is_kept_and_the_whole_can_be_pickled(mixed: Table) -> None:
    learned = fit(mixed, Features())
    assert learned.features == resolve(mixed, Features())
    again = pickle.loads(pickle.dumps(learned))  # noqa: S301 - its own
    same(again.apply(mixed), build(mixed, Features()))


def test_components_explain_the_variance_that_they_have(mixed: Table) -> None:
    plain = dense(build(mixed, Features())).astype(float)
    components = fit(mixed, Features(pca=4)).components
    assert components is not None
    variances = np.sort(np.linalg.eigvalsh(np.cov(plain.T)))[::-1]
    np.testing.assert_allclose(components.variance, variances[:4], rtol=1e-6)
    np.testing.assert_allclose(components.explained, variances[:4] / variances.sum(), rtol=1e-6)


def test_progress_is_told_to_the_end_and_applying_can_be_stopped(mixed: Table) -> None:
    for work in (
        lambda tick: fit(mixed, Features(pca=3), tick),
        lambda tick: fit(mixed, Features()).apply(mixed, tick),
    ):
        told: list[float] = []
        work(told.append)
        assert told == sorted(told)
        assert (told[0], told[-1]) == (0.0, 1.0)

    def stop(done: float) -> None:
        if done > 0.2:
            raise Cancelled

    with pytest.raises(Cancelled):
        fit(mixed, Features()).apply(mixed, stop)
