"""On a real GPU: the stages by cuML against the CPU's, and cuDF frames against pandas'. `make test-gpu` runs them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.cluster
import sklearn.manifold
from sklearn.metrics import adjusted_rand_score

import segwidgets as sw
from segwidgets.cache import Cache
from segwidgets.compute import rapids
from segwidgets.compute.backend import choose
from segwidgets.compute.neighbors import Neighbors
from segwidgets.compute.neighbors import neighbors as on_the_cpu
from segwidgets.compute.progress import Cancelled
from segwidgets.result import Progress

pytestmark = pytest.mark.gpu

LAYOUT: dict[str, Any] = {"min_dist": 0.1, "spread": 1.0, "n_epochs": 200, "seed": 5}


def blobs(n: int, columns: int, seed: int = 0) -> npt.NDArray[np.float32]:
    random = np.random.default_rng(seed)
    centres = random.normal(size=(8, columns)) * 6
    return (random.normal(size=(n, columns)) + centres[random.integers(0, 8, n)]).astype(np.float32)


def counts(n: int, columns: int) -> sp.csr_matrix:
    matrix = sp.random(n, columns, density=0.05, format="csr", dtype=np.float32, random_state=2)
    matrix.data = np.ceil(matrix.data * 9).astype(np.float32)
    return matrix


def recall(ours: Neighbors, theirs: Neighbors) -> float:
    """The share of the CPU's neighbours found, or others at no greater distance: equal ones may be swapped."""
    limit = theirs.distances[:, -1:] * (1 + 1e-4) + 1e-4
    return float((ours.distances <= limit).mean())


def test_auto_takes_the_gpu_and_names_it() -> None:
    import cupy

    chosen = choose("auto", again=True)
    assert chosen.name == "cuml"
    assert chosen.device == cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    assert choose("cuml").device == chosen.device


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan", "correlation"])
def test_dense_neighbours_are_the_cpus(metric: str) -> None:
    X = blobs(15_000, 30)
    ours, theirs = rapids.neighbors(X, 15, metric), on_the_cpu(X, 15, metric)
    np.testing.assert_array_equal(ours.indices[:, 0], np.arange(len(X)))
    assert (np.diff(ours.distances, axis=1) >= 0).all()
    np.testing.assert_allclose(ours.distances, theirs.distances, rtol=1e-3, atol=1e-4)
    assert recall(ours, theirs) > 0.999
    assert (ours.indices == theirs.indices).mean() > 0.99


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
def test_sparse_neighbours_are_the_cpus(metric: str) -> None:
    X = counts(12_000, 300)
    ours, theirs = rapids.neighbors(X, 15, metric), on_the_cpu(X, 15, metric)
    np.testing.assert_array_equal(ours.indices[:, 0], np.arange(X.shape[0]))
    np.testing.assert_allclose(ours.distances, theirs.distances, rtol=1e-3, atol=5e-3)
    assert recall(ours, theirs) > 0.995


def test_far_from_the_origin_near_rows_keep_their_order() -> None:
    X = blobs(3_000, 10) + np.float32(1_000)
    ours, theirs = rapids.neighbors(X, 10, "euclidean"), on_the_cpu(X, 10, "euclidean")
    assert recall(ours, theirs) > 0.999


def test_duplicates_and_rows_of_zeros_are_no_trouble() -> None:
    X = np.repeat(blobs(100, 6), 40, axis=0)
    X[17] = 0
    for metric in ("euclidean", "cosine"):
        found = rapids.neighbors(X, 10, metric)
        np.testing.assert_array_equal(found.indices[:, 0], np.arange(len(X)))
        np.testing.assert_array_equal(found.distances[:, 0], 0)
        assert np.isfinite(found.distances).all()
    np.testing.assert_array_equal(found.distances[17, 1:], 1)


def test_rows_on_the_device_need_no_way_back() -> None:
    import cupy

    X = blobs(2_000, 8)
    on_it = cupy.asarray(X)
    here, there = rapids.neighbors(X, 10, "euclidean"), rapids.neighbors(on_it, 10, "euclidean")
    np.testing.assert_array_equal(here.indices, there.indices)
    np.testing.assert_array_equal(on_it.get(), X, "rows that are somebody else's stay as they are")


@pytest.mark.parametrize(("n", "columns", "k"), [(20_000, 2, 20), (20_000, 3, 20), (1_000, 2, 60)])
def test_a_maps_neighbours_are_the_cpus(n: int, columns: int, k: int) -> None:
    points = blobs(n, columns)
    ours, theirs = rapids.map_neighbors(points, k), on_the_cpu(points, k, "euclidean")
    np.testing.assert_array_equal(ours.indices[:, 0], np.arange(n))
    np.testing.assert_allclose(ours.distances, theirs.distances, rtol=1e-3, atol=1e-5)


def test_a_search_is_cancelled() -> None:
    def tick(done: float) -> None:
        if done > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        rapids.neighbors(blobs(40_000, 10), 10, "euclidean", tick=tick)


@pytest.fixture(scope="module")
def rows() -> npt.NDArray[np.float32]:
    return blobs(3_000, 20)


@pytest.fixture(scope="module")
def found(rows: npt.NDArray[np.float32]) -> Neighbors:
    return on_the_cpu(rows, 15, "euclidean")


@pytest.fixture(scope="module")
def begin(rows: npt.NDArray[np.float32]) -> Any:
    """A start in which the groups already lie apart, as the spectral one's do."""
    centred = rows - rows.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:3]
    place = centred @ axes.T
    return np.ascontiguousarray(10 * place / np.abs(place).max(), dtype=np.float32)


@pytest.mark.parametrize("components", [2, 3])
def test_the_map_shows_the_data(rows: Any, found: Neighbors, begin: Any, components: int) -> None:
    start = np.ascontiguousarray(begin[:, :components])
    points = rapids.layout(found, start, n_components=components, **LAYOUT)
    assert points.shape == (3_000, components)
    assert points.dtype == np.float32
    assert sklearn.manifold.trustworthiness(rows, points, n_neighbors=15) > 0.9


def test_no_point_is_thrown_far_out(found: Neighbors, begin: Any) -> None:
    points = rapids.layout(found, begin, n_components=3, **LAYOUT)
    far = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    assert far.max() < 4 * np.quantile(far, 0.99)


def test_a_seed_gives_the_same_map_again(found: Neighbors, begin: Any) -> None:
    first, second = (rapids.layout(found, begin, n_components=3, **LAYOUT) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_epochs_are_told_one_by_one(found: Neighbors, begin: Any) -> None:
    done: list[float] = []
    rapids.layout(found, begin, n_components=3, **(LAYOUT | {"n_epochs": 50}), tick=done.append)
    assert done == sorted(done)
    assert len(done) >= 50
    assert done[-1] == 1


def test_a_cancelled_layout_says_so_and_the_process_lives(found: Neighbors, begin: Any) -> None:
    def tick(done: float) -> None:
        if done > 0.2:
            raise Cancelled

    with pytest.raises(Cancelled):
        rapids.layout(found, begin, n_components=3, **LAYOUT, tick=tick)


@pytest.mark.parametrize(("n", "columns", "eps"), [(20_000, 2, 0.15), (20_000, 3, 0.4), (5_000, 10, 2.0)])
def test_dbscan_finds_the_same_clusters(n: int, columns: int, eps: float) -> None:
    points = blobs(n, columns)
    labels, core = rapids.dbscan_labels(points, eps, 10)
    theirs = sklearn.cluster.DBSCAN(eps=eps, min_samples=10).fit(points)
    expected = np.zeros(n, bool)
    expected[theirs.core_sample_indices_] = True
    assert (core == expected).mean() > 0.9999, "a pair at eps to the last digit of float32 may tip"
    both = core & expected
    assert adjusted_rand_score(labels[both], theirs.labels_[both]) > 0.9999
    assert ((labels < 0) == (theirs.labels_ < 0)).mean() > 0.9999


@pytest.mark.parametrize(("n", "kind"), [(200_000, np.float32), (60_000, np.float64)])
def test_dbscan_of_more_pairs_than_32_bits_count(n: int, kind: Any) -> None:
    points = blobs(n, 3).astype(kind)
    ours, theirs = (sw.DBSCAN(eps=0.25, min_samples=10, backend=name).fit(points) for name in ("cuml", "cpu"))
    assert (ours.engine_, theirs.engine_) == ("cuml", "density")
    core = np.intersect1d(ours.core_sample_indices_, theirs.core_sample_indices_)
    assert len(core) > 0.9999 * max(len(ours.core_sample_indices_), len(theirs.core_sample_indices_))
    assert adjusted_rand_score(ours.labels_[core], theirs.labels_[core]) > 0.999


def test_the_estimator_runs_on_the_gpu() -> None:
    points = blobs(5_000, 2)
    fitted = sw.DBSCAN(eps=0.2, min_samples=10, backend="auto").fit(points)
    assert fitted.engine_ == "cuml"
    assert adjusted_rand_score(fitted.labels_, sw.DBSCAN(eps=0.2, min_samples=10).fit(points).labels_) > 0.99


def groups() -> tuple[sw.Table, npt.NDArray[np.int64]]:
    """Rows about eight centres, as a table, and the centre of each."""
    random = np.random.default_rng(7)
    member = random.integers(0, 8, 6_000)
    rows = random.normal(size=(6_000, 12)) + (random.normal(size=(8, 12)) * 6)[member]
    return sw.read(pd.DataFrame(rows, columns=[f"c{i}" for i in range(12)])), member


def test_the_whole_path_finds_the_groups_and_says_what_computed_it(tmp_path: Path) -> None:
    table, member = groups()
    result = sw.Session(table, cache=Cache(tmp_path), backend="cuml").run()
    gpu = choose("cuml").device
    assert result.devices == {"neighbors": gpu, "layout": gpu}
    assert result.search == "exact brute force on the GPU (cuML)"
    assert adjusted_rand_score(member, result.labels) > 0.98
    assert result.scores.trustworthiness is not None
    assert result.scores.trustworthiness.value > 0.9


def test_a_cancelled_run_leaves_a_session_that_runs(tmp_path: Path) -> None:
    table, member = groups()
    session, cancel = sw.Session(table, cache=Cache(tmp_path), backend="cuml"), threading.Event()

    def stop_in_the_layout(progress: Progress) -> None:
        if progress.stage == "layout" and progress.done > 0.2:
            cancel.set()

    with pytest.raises(Cancelled):
        session.run(progress=stop_in_the_layout, cancel=cancel)
    assert adjusted_rand_score(member, session.run().labels) > 0.98


@pytest.fixture
def customers() -> pd.DataFrame:
    random = np.random.default_rng(0)
    n = 500
    return pd.DataFrame(
        {
            "spend": np.where(random.random(n) < 0.5, 0.0, random.normal(size=n)),
            "visits": pd.array([None if i == 3 else i % 7 for i in range(n)], dtype="Int64"),
            "member": random.random(n) < 0.5,
            "small": random.normal(size=n).astype(np.float32),
            "town": [None if i == 5 else ("Ulm", "Köln", "")[i % 3] for i in range(n)],
            "tier": pd.Categorical(random.choice(["gold", "silver"], n)),
        }
    )


def test_a_cudf_frame_reads_as_the_pandas_one(customers: pd.DataFrame) -> None:
    import cudf

    ours, theirs = sw.read(cudf.from_pandas(customers)), sw.read(customers)
    assert ours.digest == theirs.digest
    assert ours.columns == theirs.columns


def test_numbers_and_texts_do_not_leave_the_gpu_as_pandas(
    customers: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cudf

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a column was turned into a pandas one")

    frame = cudf.from_pandas(customers.drop(columns="tier"))
    monkeypatch.setattr(cudf.Series, "to_pandas", refuse)
    assert len(sw.read(frame)) == len(customers)
