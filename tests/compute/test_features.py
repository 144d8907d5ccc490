from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, RobustScaler, StandardScaler

from segwidgets.compute.features import NORMAL_IQR, FeatureMatrix, build, default_metric, resolve
from segwidgets.compute.progress import Cancelled
from segwidgets.data import DataError, Table, read
from segwidgets.recipe import ColumnGroup, Features, Recipe, RecipeError


def counts(n: int = 200, d: int = 12, rate: float = 0.2, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(rate, (n, d)).astype(float)


@pytest.fixture
def mixed_frame() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(counts(), columns=[f"p{j}" for j in range(12)])
    frame["age"] = np.where(rng.random(200) < 0.1, np.nan, rng.integers(18, 90, 200))
    frame["income"] = rng.lognormal(10, 1, 200)
    frame["region"] = rng.choice(["north", "south", "west", None], 200)
    return frame


@pytest.fixture
def mixed(mixed_frame: pd.DataFrame) -> Table:
    return read(mixed_frame, id=[f"c{i}" for i in range(200)])


def dense(matrix: FeatureMatrix) -> np.ndarray:
    return matrix.values.toarray() if sparse.issparse(matrix.values) else matrix.values


def same(one: FeatureMatrix, other: FeatureMatrix) -> None:
    """Bit by bit."""
    assert (one.names, one.imputed, one.zero_rows) == (other.names, other.imputed, other.zero_rows)
    assert sparse.issparse(one.values) == sparse.issparse(other.values)
    parts = ("data", "indices", "indptr") if sparse.issparse(one.values) else ("T",)
    for part in parts:
        mine, theirs = getattr(one.values, part), getattr(other.values, part)
        assert mine.dtype == theirs.dtype
        assert mine.tobytes() == theirs.tobytes()


def test_counts_are_the_tfidf_profile_of_scikit_learn() -> None:
    values = counts()
    table = read(values)
    matrix = build(table, Features())
    wanted = TfidfTransformer(norm="l2", smooth_idf=True).fit_transform(np.log1p(values)).toarray()
    np.testing.assert_allclose(dense(matrix), wanted, rtol=1e-6, atol=1e-9)
    assert matrix.imputed == {}
    assert default_metric(resolve(table, Features())) == "cosine"


def test_numbers_are_imputed_and_scaled_as_by_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(5, [1, 100, 1e-3], (150, 3))
    values[rng.random((150, 3)) < 0.1] = np.nan
    full = SimpleImputer(strategy="median").fit_transform(values)
    table = read(values, columns=["a", "b", "c"])
    standard = build(table, Features())
    assert isinstance(standard.values, np.ndarray)
    assert standard.values.flags.c_contiguous
    assert standard.values.dtype == np.float32
    assert default_metric(resolve(table, Features())) == "euclidean"
    np.testing.assert_allclose(standard.values, StandardScaler().fit_transform(full), rtol=1e-5, atol=1e-6)
    assert standard.imputed == dict(zip("abc", np.isnan(values).sum(axis=0).tolist(), strict=True))
    robust = build(table, Features(scaling="robust"))
    wanted = RobustScaler(unit_variance=True).fit_transform(full)
    np.testing.assert_allclose(robust.values, wanted, rtol=1e-5, atol=1e-6)
    assert pytest.approx(2 * 0.6744897501960817) == NORMAL_IQR


def test_categories_are_one_hot_and_a_missing_one_is_none_of_them() -> None:
    frame = pd.DataFrame({"region": ["n", "s", None, "n", "w"], "plan": ["x", "y", "x", "y", None]})
    matrix = build(read(frame), Features())
    assert matrix.names == ("region=n", "region=s", "region=w", "plan=x", "plan=y")
    wanted = OneHotEncoder(sparse_output=False).fit_transform(frame.astype(object).fillna("zz"))[:, [0, 1, 2, 4, 5]]
    np.testing.assert_array_equal(dense(matrix), wanted)
    assert matrix.imputed == {}


def test_a_missing_count_is_zero_and_counted() -> None:
    holed = counts()
    holed[:5, 0] = np.nan
    filled = np.nan_to_num(holed)
    matrix = build(read(holed), Features())
    assert matrix.imputed == {"x0": 5}
    np.testing.assert_array_equal(dense(matrix), dense(build(read(filled), Features())))


def test_aspects_of_a_customer_weigh_alike(mixed: Table) -> None:
    matrix = build(mixed, Features())
    values = dense(matrix).astype(float)
    far = {}
    for aspect in ("age", "region", "p"):
        block = values[:, [name.startswith(aspect) for name in matrix.names]]
        far[aspect] = ((block[:, None] - block[None]) ** 2).sum(axis=2)
    assert far["age"].mean() == pytest.approx(2, rel=1e-5)
    for aspect in ("region", "p"):
        assert far[aspect].max() == pytest.approx(2, rel=1e-5)


def test_the_plan_says_what_is_done_to_which_column_and_why(mixed: Table) -> None:
    plan = resolve(mixed, Features(scaling="robust")).plan
    assert plan is not None
    assert [(g.kind, g.columns, g.transforms) for g in plan] == [
        ("count", tuple(f"p{j}" for j in range(12)), ("log1p", "tfidf", "l2")),
        ("number", ("age", "income"), ("robust",)),
        ("category", ("region",), ("onehot",)),
    ]
    assert all(len(group.reason) > 20 for group in plan)
    assert default_metric(resolve(mixed, Features())) == "euclidean"
    assert build(mixed, Features()).names[-3:] == ("region=north", "region=south", "region=west")


def test_a_resolved_plan_survives_json_and_gives_the_same_features(mixed: Table) -> None:
    resolved = resolve(mixed, Features(exclude=("p3",)))
    again = Recipe.from_json(Recipe(features=resolved).to_json()).features
    assert again == resolved == resolve(mixed, again)
    same(build(mixed, again), build(mixed, Features(exclude=("p3",))))


def test_a_sample_is_treated_by_the_same_plan_as_the_whole(mixed: Table) -> None:
    part = mixed.take(np.arange(10))
    assert resolve(part, Features()).plan == resolve(mixed, Features()).plan
    assert np.isfinite(dense(build(part, Features()))).all()


def test_few_mostly_zero_columns_are_numbers_not_a_profile() -> None:
    rng = np.random.default_rng(0)
    table = read(np.column_stack([rng.poisson(0.3, 100) * 9.5, rng.normal(size=100)]), columns=["gifts", "score"])
    plan = resolve(table, Features()).plan
    assert plan is not None
    assert [(g.kind, g.columns) for g in plan] == [("number", ("gifts",)), ("number", ("score",))]
    assert "fewer than 3" in plan[0].reason
    assert len(np.unique(dense(build(table, Features()))[:, 0])) > 2


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 25), st.integers(1, 8), st.booleans(), st.sampled_from([None, 2]))
def test_dense_and_sparse_tables_have_bit_identical_features(
    seed: int, n: int, d: int, robust: bool, pca: int | None
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, d)) * (rng.random((n, d)) < rng.random(d))
    values[:, ::2] = np.abs(np.round(values[:, ::2] * 3))
    values[rng.random((n, d)) < 0.05] = np.nan
    values[0], values[1] = 1, 2  # nothing constant
    names = [f"p{j}" for j in range(d)]
    frames: list[Any] = [
        pd.DataFrame(values, columns=names),
        pd.DataFrame.sparse.from_spmatrix(sparse.csc_matrix(values), columns=names),
    ]
    tables = [read(values, columns=names), read(sparse.csr_matrix(values), columns=names), *map(read, frames)]
    chosen = Features(scaling="robust" if robust else "standard", pca=pca if d >= 2 else None)
    matrices = [build(table, chosen) for table in tables]
    for matrix in matrices[1:]:
        same(matrices[0], matrix)


def test_the_result_is_sparse_by_its_content_alone() -> None:
    few, many = build(read(counts(rate=0.1)), Features()), build(read(counts(rate=0.6)), Features())
    assert sparse.isspmatrix_csr(few.values)
    assert few.values.has_canonical_format
    assert (few.values.data != 0).all()
    assert isinstance(many.values, np.ndarray)
    assert few.values.dtype == many.values.dtype == np.float32


def test_rows_of_nothing_stay_and_are_counted() -> None:
    values = counts(rate=0.4)
    values[[3, 50]] = 0
    empty = int((values.sum(axis=1) == 0).sum())
    matrix = build(read(values), Features())
    assert matrix.values.shape[0] == 200
    assert matrix.zero_rows == empty >= 2
    lengths = np.linalg.norm(dense(matrix), axis=1)
    np.testing.assert_allclose(lengths[lengths > 0], 1, rtol=1e-6)
    assert build(read(values), Features(pca=3)).values.shape == (200, 3)


@pytest.mark.parametrize("rate", [0.1, 0.8])
def test_pca_gives_the_components_of_scikit_learn(rate: float) -> None:
    table = read(counts(rate=rate))
    plain, reduced = build(table, Features()), build(table, Features(pca=4))
    assert reduced.names == ("pc1", "pc2", "pc3", "pc4")
    assert default_metric(resolve(table, Features(pca=4))) == "euclidean"
    assert reduced.values.flags.c_contiguous
    assert reduced.values.dtype == np.float32
    wanted = PCA(4, svd_solver="full").fit_transform(dense(plain).astype(float))
    np.testing.assert_allclose(np.abs(reduced.values), np.abs(wanted), atol=1e-5)
    same(reduced, build(table, Features(pca=4)))


def test_pca_of_many_sparse_columns_never_makes_them_dense(monkeypatch: pytest.MonkeyPatch) -> None:
    table = read(sparse.random(300, 5000, density=0.01, format="csr", random_state=0))
    chosen = Features(pca=5)
    wanted = PCA(5, svd_solver="full").fit_transform(dense(build(table, Features())).astype(float))

    def refuse(self: object, *args: object, **kwargs: object) -> None:
        raise AssertionError("a sparse matrix was made dense")

    monkeypatch.setattr(sparse.csr_matrix, "toarray", refuse)
    monkeypatch.setattr(sparse.csr_matrix, "todense", refuse)
    reduced = build(table, chosen)
    same(reduced, build(table, chosen))
    np.testing.assert_allclose(np.abs(reduced.values), np.abs(wanted), atol=1e-4)


@pytest.mark.parametrize(("n", "d", "pca", "most"), [(100, 5, 6, 5), (4, 12, 5, 4), (4, 2500, 4, 3)])
def test_more_components_than_there_can_be_are_refused(n: int, d: int, pca: int, most: int) -> None:
    table = read(np.random.default_rng(0).normal(size=(n, d)))
    with pytest.raises(RecipeError, match=f"pca={pca} is not allowed: .* at most {most} principal components"):
        build(table, Features(pca=pca))


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (Features(columns=("incme",)), r"columns names 'incme', which is no column\. Did you mean 'income'\?"),
        (Features(exclude=("Age",)), r"exclude names 'Age', which is no column\. Did you mean 'age'\?"),
        (Features(columns=("age", "one")), r"1 column that cannot be used: 'one' \(constant: every value is 1\)"),
        (Features(plan=()), "plan=.* has no group"),
        (Features(plan=(ColumnGroup("number", ("agee",), ("standard",)),)), r"plan names 'agee'.*'age'"),
        (
            Features(plan=(ColumnGroup("number", ("region",), ("standard",)),)),
            "'region' as a number, but it holds categories",
        ),
        (Features(plan=(ColumnGroup("category", ("age",), ("onehot",)),)), "'age' as a category, but it holds numbers"),
        (Features(plan=(ColumnGroup("category", ("region",), ()),)), "needs the transforms"),
        (Features(plan=(ColumnGroup("number", ("age", "age"), ()),)), "plan names column 'age' more than once"),
    ],
)
def test_columns_that_cannot_be_are_refused_with_the_way_out(
    mixed_frame: pd.DataFrame, chosen: Features, message: str
) -> None:
    table = read(mixed_frame.assign(one=1))
    for work in (resolve, build):
        with pytest.raises(RecipeError, match=message):
            work(table, chosen)


def test_nothing_usable_left_is_refused(mixed: Table) -> None:
    with pytest.raises(DataError, match="no usable column is left"):
        resolve(mixed, Features(columns=("age",), exclude=("age",)))
    with pytest.raises(DataError, match=r"'a' \(constant: every value is 1\)"):
        build(read(np.ones((4, 1)), columns=["a"]), Features())


def test_chosen_columns_come_in_the_order_of_the_table(mixed: Table) -> None:
    chosen = Features(columns=("income", "p3", "age", "p1", "p2"), exclude=("p2",))
    plan = resolve(mixed, chosen).plan
    assert plan is not None
    assert [g.columns for g in plan] == [("p1", "p3"), ("age", "income")]


def test_a_given_plan_is_obeyed(mixed: Table) -> None:
    plan = (
        ColumnGroup("count", ("p2", "p1"), ("log1p",), "as I say"),
        ColumnGroup("number", ("p5", "income"), (), "raw"),
    )
    matrix = build(mixed, Features(plan=plan))
    assert matrix.names == ("p2", "p1", "p5", "income")
    wanted = np.column_stack([np.log1p(mixed.values("p2")), np.log1p(mixed.values("p1")), mixed.values("p5")])
    np.testing.assert_allclose(dense(matrix)[:, :3], wanted, rtol=1e-6)
    np.testing.assert_allclose(dense(matrix)[:, 3], mixed.values("income"), rtol=1e-6)


def test_a_plan_is_obeyed_where_a_column_has_become_constant_or_empty() -> None:
    table = read(pd.DataFrame({"a": [2.0, 2, 2], "b": [np.nan] * 3, "c": [1.0, 2, 4]}))
    matrix = build(table, Features(plan=(ColumnGroup("number", ("a", "b", "c"), ("standard",)),)))
    np.testing.assert_array_equal(dense(matrix)[:, :2], np.zeros((3, 2)))
    assert matrix.imputed == {"b": 3}


def test_negative_values_are_no_counts() -> None:
    table = read(np.array([[1.0, -2], [0, 3]]), columns=["a", "b"])
    with pytest.raises(DataError, match="plan treats 'b' as counts, but negative values"):
        build(table, Features(plan=(ColumnGroup("count", ("a", "b"), ("log1p",)),)))


def test_huge_and_tiny_values_are_scaled_without_overflow() -> None:
    huge = np.array([[1e300, 1e-300], [2e300, 2e-300], [4e300, 5e-300]])
    values = build(read(huge), Features()).values
    np.testing.assert_allclose(values, StandardScaler().fit_transform(huge / [1e300, 1e-300]), rtol=1e-6)
    with pytest.raises(DataError, match=r"'x0' has values beyond float32"):
        build(read(huge), Features(plan=(ColumnGroup("number", ("x0",), ()),)))
    with pytest.raises(DataError, match=r"'x0' has values beyond float32"):
        build(read(huge), Features(plan=(ColumnGroup("count", ("x0",), ()),)))
    np.testing.assert_allclose(
        dense(build(read(huge), Features(plan=(ColumnGroup("count", ("x0", "x1"), ("l2",)),)))), [[1, 0]] * 3
    )


def test_robust_scaling_of_a_mostly_equal_column_falls_back_to_the_standard_deviation() -> None:
    column = np.array([5.0] * 90 + [6.0] * 10)
    plan = (ColumnGroup("number", ("x0",), ("robust",)),)
    values = dense(build(read(column[:, None]), Features(plan=plan)))
    np.testing.assert_allclose(values[:, 0], (column - 5) / column.std(), rtol=1e-6)


def test_progress_is_told_to_the_end_and_work_can_be_stopped(mixed: Table) -> None:
    told: list[float] = []
    build(mixed, Features(pca=3), told.append)
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)

    def stop(done: float) -> None:
        if done > 0.2:
            raise Cancelled

    with pytest.raises(Cancelled):
        build(mixed, Features(), stop)
