"""Principal components: scikit-learn's shares, Horn's number of them, and what is in each."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.decomposition import PCA

from segwidgets.compute.analysis import components
from segwidgets.compute.analysis.components import _permuted, _variances
from segwidgets.compute.progress import Cancelled
from segwidgets.data import DataError


def factors(n: int = 1500, width: int = 12, seed: int = 0) -> np.ndarray:
    """Three aspects, four columns each, and noise."""
    rng = np.random.default_rng(seed)
    aspects = rng.normal(size=(n, 3)) * [2.0, 1.5, 1.2]
    return (np.repeat(aspects, width // 3, axis=1) + rng.normal(size=(n, width))).astype(np.float32)


def names(values: object) -> list[str]:
    return [f"f{j}" for j in range(values.shape[1])]  # type: ignore[attr-defined]


def test_shares_are_scikit_learns_and_the_numbers_for_80_90_95_percent_follow() -> None:
    values = factors()
    found = components(values, names(values), repeats=2)
    expected = PCA().fit(values.astype(np.float64)).explained_variance_ratio_
    np.testing.assert_allclose(found.explained, expected, atol=1e-9)
    reached = np.cumsum(expected)
    assert found.needed == tuple(int(np.argmax(reached >= goal)) + 1 for goal in (0.8, 0.9, 0.95))


def test_parallel_analysis_finds_the_planted_number_of_aspects_and_none_in_noise() -> None:
    assert components(factors(), names(factors())).kept == 3
    noise = np.random.default_rng(5).normal(size=(600, 15))
    assert components(noise, names(noise)).kept <= 1  # one in twenty by construction


def test_parallel_analysis_of_sparse_counts_finds_the_planted_aspects() -> None:
    rng = np.random.default_rng(2)
    kinds = rng.integers(4, size=3000)
    rate = np.full((3000, 40), 0.05)
    for kind in range(3):
        rate[kinds == kind, 10 * kind : 10 * kind + 10] = 1.2
    values = sparse.csr_matrix(rng.poisson(rate).astype(np.float32))
    found = components(values, names(values), repeats=10)
    assert found.kept == 3
    weights = {loading.feature for told in found.loadings[:3] for loading in told}
    assert all(int(name[1:]) < 30 for name in weights)


def test_sparse_equals_dense() -> None:
    values = sparse.random(400, 25, 0.1, random_state=0, format="csr", dtype=np.float32)
    one, other = (components(form, names(values), repeats=3) for form in (values, values.toarray()))
    np.testing.assert_allclose(one.explained, other.explained, atol=1e-9)
    assert one.needed == other.needed
    assert [[x.feature for x in told] for told in one.loadings[:5]] == [
        [x.feature for x in told] for told in other.loadings[:5]
    ]
    np.testing.assert_allclose(_variances(values, 25), _variances(values.toarray(), 25), rtol=1e-6, atol=1e-12)


def test_a_permuted_table_keeps_each_columns_values_and_its_sparse_form() -> None:
    values = sparse.random(500, 8, 0.2, random_state=1, format="csr", dtype=np.float32)
    mixed = _permuted(values, np.random.default_rng(0))
    assert sparse.issparse(mixed)
    assert mixed.nnz == values.nnz
    assert (mixed != values).nnz > 0
    np.testing.assert_array_equal(np.sort(mixed.toarray(), axis=0), np.sort(values.toarray(), axis=0))


def test_loadings_are_weights_and_correlations_with_the_component() -> None:
    values = factors()
    found = components(values, names(values), repeats=1, top=12)
    placed = PCA(1).fit_transform(values.astype(np.float64)).ravel()
    first = found.loadings[0]
    assert sum(loading.weight**2 for loading in first) == pytest.approx(1.0)
    assert [abs(x.weight) for x in first] == sorted((abs(x.weight) for x in first), reverse=True)
    for loading in first:
        expected = np.corrcoef(values[:, int(loading.feature[1:])], placed)[0, 1]
        assert abs(loading.correlation) == pytest.approx(abs(expected), abs=1e-6)
    assert {loading.feature for loading in first[:4]} == {"f0", "f1", "f2", "f3"}


def test_more_features_than_a_matrix_takes_give_the_first_components_and_say_so() -> None:
    values = sparse.random(300, 2100, 0.02, random_state=0, format="csr", dtype=np.float32)
    found = components(values, names(values), repeats=1)
    assert len(found.explained) == 50
    assert found.needed == (None, None, None)
    expected = PCA(5, svd_solver="full").fit(values.toarray().astype(np.float64)).explained_variance_ratio_
    np.testing.assert_allclose(found.explained[:5], expected, rtol=1e-6)


def test_the_same_seed_gives_the_same_answer_and_a_run_can_be_stopped() -> None:
    values = factors(300)
    one, other = (components(values, names(values), repeats=5, seed=7) for _ in range(2))
    np.testing.assert_array_equal(one.chance, other.chance)
    seen: list[float] = []

    def stop(done: float) -> None:
        seen.append(done)
        if done > 0.5:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        components(values, names(values), repeats=5, tick=stop)
    assert seen == sorted(seen)


def test_what_does_not_vary_and_what_is_out_of_range_is_refused_in_words() -> None:
    same = np.ones((10, 3), dtype=np.float32)
    with pytest.raises(DataError, match="do not vary"):
        components(same, names(same))
    with pytest.raises(DataError, match="at least two rows"):
        components(same[:1], names(same))
    with pytest.raises(ValueError, match="repeats=0 is not allowed"):
        components(factors(), names(factors()), repeats=0)
