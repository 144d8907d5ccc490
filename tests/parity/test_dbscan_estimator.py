"""The estimator against scikit-learn's: its checks, its labels, its errors."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.cluster
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.utils.estimator_checks import estimator_checks_generator

import segwidgets as sw
from segwidgets.compute import dbscan as module

# The one check left out asks whether array API input is told apart, and runs only where SCIPY_ARRAY_API is set.
CHECKS = [
    (estimator, check)
    for some in (sw.DBSCAN(), sw.DBSCAN(algorithm="brute"))
    for estimator, check in estimator_checks_generator(some)
    if "array_api" not in str(check)
]


@pytest.mark.parametrize(
    ("estimator", "check"), CHECKS, ids=lambda one: getattr(getattr(one, "func", None), "__name__", str(one))
)
def test_it_is_a_scikit_learn_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture(params=[module._FEW_ROWS, 0], ids=["as it is", "engine from the first row"])
def _few_rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FEW_ROWS", request.param)


def alike(ours: Any, theirs: Any) -> None:
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    np.testing.assert_array_equal(ours.core_sample_indices_, theirs.core_sample_indices_)
    if sparse.issparse(theirs.components_):
        np.testing.assert_array_equal(ours.components_.toarray(), theirs.components_.toarray())
    else:
        np.testing.assert_array_equal(ours.components_, theirs.components_)
        assert ours.components_.dtype == theirs.components_.dtype
    assert ours.labels_.dtype == theirs.labels_.dtype
    assert ours.core_sample_indices_.dtype == theirs.core_sample_indices_.dtype
    assert ours.n_features_in_ == theirs.n_features_in_


def both(X: Any, sample_weight: Any = None, **parameters: Any) -> Any:
    ours = sw.DBSCAN(**parameters).fit(X, sample_weight=sample_weight)
    alike(ours, sklearn.cluster.DBSCAN(**parameters).fit(X, sample_weight=sample_weight))
    return ours


@st.composite
def cases(draw: st.DrawFn) -> tuple[NDArray[Any], NDArray[Any] | None, dict[str, Any]]:
    """Few points, many ties: lattices, copies and clouds; eps often exactly a distance; weights or none."""
    n, d = draw(st.integers(1, 40)), draw(st.integers(1, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["lattice", "copies", "cloud", "one"]))
    points = rng.integers(0, 3, (n, d)).astype(float)
    if kind == "copies":
        points = points[rng.integers(0, 1 + n // 5, n)]
    elif kind == "cloud":
        points = rng.normal(size=(n, d))
    elif kind == "one":
        points[:] = 0.5
    if draw(st.booleans()):
        points = points.astype(draw(st.sampled_from([np.float32, np.int64, np.float16])))
    squares = np.unique(((points[:, None].astype(float) - points[None].astype(float)) ** 2).sum(axis=2))
    # In a lattice all squares are whole numbers, and every way to compute a distance is exact.
    eps = float(np.sqrt(squares[draw(st.integers(0, len(squares) - 1))])) if kind != "cloud" else 1.0
    if eps == 0 or draw(st.booleans()):
        eps = draw(st.floats(0.05, 6.0))
    weight = None
    if draw(st.booleans()):
        weight = rng.integers(draw(st.sampled_from([-1, 0, 1])), 5, n)
        weight[0] += not weight.any()  # nothing but zeros is refused
    parameters = {"eps": eps, "min_samples": draw(st.integers(1, 12))}
    if draw(st.booleans()):
        parameters["algorithm"] = draw(st.sampled_from(["kd_tree", "ball_tree", "brute"]))
    return points, weight, parameters


@pytest.mark.usefixtures("_few_rows")
@given(cases())
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_small_degenerate_input_is_labelled_alike(
    case: tuple[NDArray[Any], NDArray[Any] | None, dict[str, Any]],
) -> None:
    points, weight, parameters = case
    # sqrt(3)² is below 3 in float64, sqrt(2)² below 2 in the float32 that scikit-learn may round eps to: whether such
    # an eps reaches is each way's own luck, so it is given some room. One that is a whole number reaches everywhere.
    square = parameters["eps"] ** 2
    if parameters["eps"] != round(parameters["eps"]) and abs(square - round(square)) < 1e-6:
        parameters = {**parameters, "eps": parameters["eps"] * (1 + 1e-6)}
    both(points, weight, **parameters)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_eps_that_is_exactly_a_distance_reaches_alike(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        n, d = rng.integers(2, 60), rng.integers(1, 16)
        points = rng.normal(size=(n, d)).astype(dtype)
        p, q = rng.choice(n, 2, replace=False)
        eps = np.linalg.norm(points[p].astype(np.float64) - points[q].astype(np.float64))
        both(points, eps=float(eps), min_samples=int(rng.integers(1, 8)))


@pytest.mark.parametrize("d", [1, 2, 3, 8, 15, 20])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clouds_are_labelled_alike_by_the_density_engine(d: int, dtype: Any) -> None:
    rng = np.random.default_rng(d)
    points = (rng.uniform(0, 10, (6, d))[rng.integers(0, 6, 3000)] + rng.normal(size=(3000, d))).astype(dtype)
    for eps, min_samples in ((0.3 * np.sqrt(d), 5), (0.6 * np.sqrt(d), 10), (np.sqrt(d), 30)):
        ours = both(points, eps=eps, min_samples=min_samples)
        assert ours.engine_ == "density"
        both(points, rng.integers(1, 4, 3000), eps=eps, min_samples=min_samples)


def test_weights_of_eighths_are_the_engines_and_tenths_are_not() -> None:
    points = np.random.default_rng(0).normal(size=(300, 2))
    assert both(points, np.full(300, 0.125), eps=0.3, min_samples=2).engine_ == "density"
    assert both(points, np.full(300, 0.1), eps=0.3, min_samples=2).engine_ == "scikit-learn"


CLOUD = np.random.default_rng(0).normal(size=(60, 3))
FOREIGN: dict[str, tuple[Any, Any, dict[str, Any], str]] = {
    "metric": (CLOUD, None, {"metric": "manhattan"}, "the metric is 'manhattan'"),
    "callable metric": (CLOUD, None, {"metric": lambda a, b: float(np.abs(a - b).max())}, "the metric is <function"),
    "power": (CLOUD, None, {"metric": "minkowski", "p": 3}, "'minkowski' with p=3"),
    "metric_params": (CLOUD, None, {"metric": "minkowski", "metric_params": {"p": 2}}, "metric_params={'p': 2}"),
    "brute": (CLOUD, None, {"algorithm": "brute"}, "algorithm='brute'"),
    "sparse": (sparse.csr_matrix(CLOUD), None, {}, "X is sparse"),
    "precomputed": (np.abs(CLOUD @ CLOUD.T), None, {"metric": "precomputed"}, "'precomputed'"),
    "columns": (np.hstack([CLOUD] * 7), None, {"eps": 3.0}, "21 columns, more than 20"),
    "rows": (CLOUD[:11], None, {}, "fewer than 12 rows"),
    "no weight": (CLOUD, np.r_[0.0, np.ones(59)], {}, "not above 0"),
    "rounded weights": (CLOUD, np.full(60, 0.1), {"min_samples": 1}, "cannot be added without rounding"),
    "neighbours": (np.tile(CLOUD, (5, 1)), None, {"min_samples": 257}, "more than 256 neighbours"),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_the_engine_does_not_serve_goes_to_scikit_learn_and_says_so(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    X, weight, parameters, reason = FOREIGN[what]
    with caplog.at_level(logging.INFO, logger=module.__name__):
        ours = both(X, weight, **parameters)
    assert ours.engine_ == "scikit-learn"
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert reason in caplog.text


@pytest.mark.parametrize(
    "parameters", [{}, {"metric": "l2"}, {"metric": "minkowski", "p": 2}, {"metric": "minkowski", "p": 2.0}, {"p": 1}]
)
def test_every_name_of_the_euclidean_distance_is_the_engines(
    parameters: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger=module.__name__):
        assert both(CLOUD, eps=0.8, **parameters).engine_ == "density"
    assert not caplog.records


def test_no_power_is_two_as_documented() -> None:
    # scikit-learn 1.9 documents it and fails on it.
    alike(sw.DBSCAN(metric="minkowski").fit(CLOUD), sklearn.cluster.DBSCAN().fit(CLOUD))


@pytest.mark.parametrize(
    "parameters",
    [
        {"eps": 0.0},
        {"eps": -1.0},
        {"eps": np.inf},
        {"eps": "1"},
        {"min_samples": 0},
        {"min_samples": 2.5},
        {"metric": "nearness"},
        {"algorithm": "fast"},
        {"leaf_size": 0},
        {"p": -1},
        {"n_jobs": 1.5},
    ],
)
def test_parameters_are_refused_in_scikit_learns_words(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="parameter of DBSCAN must be") as theirs:
        sklearn.cluster.DBSCAN(**parameters).fit(CLOUD)
    with pytest.raises(ValueError, match="parameter of DBSCAN must be") as ours:
        sw.DBSCAN(**parameters).fit(CLOUD)
    assert type(ours.value) is type(theirs.value)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize(
    ("X", "weight"),
    [
        (np.full((20, 2), np.nan), None),
        (np.zeros(20), None),
        (np.zeros((0, 2)), None),
        (CLOUD, np.ones(59)),
        (CLOUD, np.full(60, np.nan)),
        (CLOUD.astype(complex), None),
    ],
)
def test_data_is_refused_in_scikit_learns_words(X: Any, weight: Any) -> None:
    with pytest.raises(ValueError, match=r".") as theirs:
        sklearn.cluster.DBSCAN().fit(X, sample_weight=weight)
    with pytest.raises(ValueError, match=r".") as ours:
        sw.DBSCAN().fit(X, sample_weight=weight)
    assert str(ours.value) == str(theirs.value)


def test_huge_eps_and_numpys_own_numbers_are_taken() -> None:
    for eps in (1e300, np.float32(0.5), np.float64(0.5), 1):
        assert both(CLOUD, eps=eps, min_samples=np.int64(4)).engine_ == "density"


def test_a_data_frame_leaves_its_column_names() -> None:
    frame = pd.DataFrame(CLOUD, columns=["a", "b", "c"])
    for parameters in ({}, {"metric": "manhattan"}):
        fitted = sw.DBSCAN(**parameters).fit(frame)
        assert fitted.feature_names_in_.tolist() == ["a", "b", "c"]


def test_a_fitted_estimator_is_cloned_pickled_and_fitted_again() -> None:
    fitted = sw.DBSCAN(eps=0.8).fit(CLOUD)
    again = pickle.loads(pickle.dumps(fitted))  # noqa: S301 - our own
    alike(again, fitted)
    assert again.engine_ == "density"
    assert clone(fitted).get_params() == fitted.get_params()
    fitted.set_params(metric="manhattan").fit(CLOUD)
    assert fitted.engine_ == "scikit-learn"
    assert repr(sw.DBSCAN(eps=1)) == "DBSCAN(eps=1)"


def test_constructors_take_the_same() -> None:
    assert sw.DBSCAN().get_params() == sklearn.cluster.DBSCAN().get_params() | {"backend": "cpu"}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    calls: list[int] = []
    real = sklearn.cluster.DBSCAN.fit

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return real(self, *args, **kwargs)

    monkeypatch.setattr(sklearn.cluster.DBSCAN, "fit", counting)
    return calls


def test_the_engine_does_not_ask_scikit_learn(counted: list[int]) -> None:
    sw.DBSCAN(eps=0.8).fit(CLOUD)
    assert counted == []
    sw.DBSCAN(eps=0.8, metric="manhattan").fit(CLOUD)
    assert counted == [1]
