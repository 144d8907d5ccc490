"""Principal components as a map, and as the way to show more than three dimensions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.decomposition import PCA

from segwidgets.compute.embedding.pca import display, pca, pca_components
from segwidgets.compute.progress import Cancelled
from segwidgets.recipe import RecipeError


def cloud(n: int = 300, d: int = 8) -> np.ndarray:
    return (np.random.default_rng(0).normal(size=(n, d)) * np.arange(d, 0, -1)).astype(np.float32)


@pytest.mark.parametrize("c", [2, 3])
def test_the_map_is_the_components_of_scikit_learn(c: int) -> None:
    points = pca(cloud(), c)
    assert points.shape == (300, c)
    assert points.dtype == np.float32
    assert points.flags.c_contiguous
    wanted = PCA(c, svd_solver="full").fit_transform(cloud().astype(float))
    np.testing.assert_allclose(points, wanted, atol=1e-4)


def test_the_map_is_the_same_every_time_and_its_signs_are_fixed() -> None:
    X = cloud()
    np.testing.assert_array_equal(pca(X, 3), pca(X, 3))
    np.testing.assert_allclose(pca(X[::-1], 3)[::-1], pca(X, 3), atol=1e-4)
    largest = pca_components(X, 3).directions
    assert (largest[np.arange(3), np.abs(largest).argmax(axis=1)] > 0).all()


def test_the_explained_variance_is_told() -> None:
    found, wanted = pca_components(cloud(), 3), PCA(3).fit(cloud().astype(float))
    np.testing.assert_allclose(found.explained, wanted.explained_variance_ratio_, rtol=1e-5)


@pytest.mark.parametrize("d", [40, 3000])
def test_sparse_features_are_not_made_dense(d: int, monkeypatch: pytest.MonkeyPatch) -> None:
    X = sparse.random(200, d, density=0.02, format="csr", random_state=0, dtype=np.float32)
    wanted = PCA(4, svd_solver="full").fit_transform(X.toarray().astype(float))[:, :3]

    def refuse(self: object, *args: object, **kwargs: object) -> None:
        raise AssertionError("a sparse matrix was made dense")

    if d > 2000:  # the covariance of few features is dense by nature
        monkeypatch.setattr(sparse.csr_matrix, "toarray", refuse)
        monkeypatch.setattr(sparse.csr_matrix, "todense", refuse)
    np.testing.assert_allclose(np.abs(pca(X, 3)), np.abs(wanted), atol=1e-4)
    np.testing.assert_array_equal(display(X), pca(X, 3))


def test_more_components_than_there_are_are_refused_with_the_way_out() -> None:
    with pytest.raises(RecipeError, match=r"n_components=3 is not allowed: .* 2 features .* or method='none'"):
        pca(cloud(50, 2), 3)


def test_equal_rows_lie_in_one_place() -> None:
    for X in (np.ones((20, 5), np.float32), np.ones((20, 2500), np.float32), np.zeros((20, 5), np.float32)):
        np.testing.assert_allclose(pca(X, 3), np.zeros((20, 3)), atol=1e-6)
        np.testing.assert_array_equal(pca_components(X, 3).explained, np.zeros(3))
    empty = sparse.csr_matrix((20, 2500), dtype=np.float32)
    np.testing.assert_array_equal(pca(empty, 3), np.zeros((20, 3)))


def test_work_can_be_stopped() -> None:
    def stop(done: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        pca(cloud(), 3, stop)


@pytest.mark.parametrize("c", [1, 2, 3])
def test_up_to_three_columns_are_shown_as_they_are(c: int) -> None:
    np.testing.assert_array_equal(display(cloud(30, c)), cloud(30, c))
    np.testing.assert_array_equal(display(sparse.csr_matrix(cloud(30, c))), cloud(30, c))


@pytest.mark.parametrize("n", [1, 2, 3, 300])
def test_more_columns_are_shown_by_three_components_whatever_the_rows(n: int) -> None:
    shown = display(cloud(n, 6))
    assert shown.shape == (n, 3)
    assert shown.dtype == np.float32
    assert np.isfinite(shown).all()
    wide = display(sparse.random(n, 2500, density=0.1, format="csr", random_state=0, dtype=np.float32))
    assert wide.shape == (n, 3)
    assert np.isfinite(wide).all()
