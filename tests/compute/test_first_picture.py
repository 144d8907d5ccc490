"""The first picture: a stratified sample laid out, the other rows placed around it, the same every time."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.cluster import DBSCAN
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from segwidgets.compute.embedding import first, first_picture
from segwidgets.compute.embedding.first import sample_rows
from segwidgets.compute.progress import Cancelled


@pytest.fixture(scope="module")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    X, truth = make_blobs(3000, 10, centers=6, cluster_std=1.0, random_state=3)
    return X.astype(np.float32), truth


@pytest.fixture(autouse=True)
def small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first, "SAMPLE_ROWS", 500)


@pytest.mark.parametrize("dims", [2, 3])
def test_all_rows_lie_with_their_kind(blobs: tuple[np.ndarray, np.ndarray], dims: int) -> None:
    X, truth = blobs
    picture = first_picture(X, dims, "euclidean", 0)
    assert picture.points.shape == (3000, dims)
    assert picture.points.dtype == np.float32
    assert len(picture.sample) == 500
    assert adjusted_rand_score(truth, DBSCAN(eps=1.0, min_samples=10).fit_predict(picture.points)) > 0.98


def test_it_is_the_same_for_any_number_of_threads(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    before = numba.get_num_threads()
    pictures = []
    try:
        for threads in (1, before):
            numba.set_num_threads(threads)
            pictures.append(first_picture(blobs[0], 3, "euclidean", 0).points)
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(*pictures)
    assert not np.array_equal(pictures[0], first_picture(blobs[0], 3, "euclidean", 1).points)


@pytest.mark.parametrize("sparse", [True, False])
def test_the_sample_has_every_kind_of_row_by_its_share(blobs: tuple[np.ndarray, np.ndarray], sparse: bool) -> None:
    X, truth = blobs
    rows = sample_rows(sp.csr_matrix(X) if sparse else X, 300, 0)
    assert len(rows) == len(set(rows.tolist())) == 300
    assert (np.diff(rows) > 0).all()
    shares = np.bincount(truth[rows], minlength=6) / 300
    np.testing.assert_allclose(shares, np.bincount(truth) / 3000, atol=0.05)


@pytest.mark.parametrize("size", [1, 7, 2999, 3000])
def test_a_sample_of_any_size_is_of_different_rows(blobs: tuple[np.ndarray, np.ndarray], size: int) -> None:
    rows = sample_rows(blobs[0], size, 5)
    assert len(np.unique(rows)) == size
    assert rows.min() >= 0
    assert rows.max() < 3000


def test_blank_and_duplicate_rows_have_places() -> None:
    X = np.zeros((1200, 6), np.float32)
    X[600:, 2] = 1
    picture = first_picture(sp.csr_matrix(X), 3, "cosine", 0)
    assert np.isfinite(picture.points).all()


def test_a_raising_tick_stops_it(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    def tick(done: float) -> None:
        if done > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        first_picture(blobs[0], 3, "euclidean", 0, tick=tick)
