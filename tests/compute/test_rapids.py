"""The GPU's stages without a GPU: every call held to cuML's real signatures, and our side of the path run through.

The fakes take their parameters from tests/gpu/signatures.json, which was read out of cuML's wheels, so a keyword that
cuML does not have fails here. What they answer is scikit-learn's, or the CPU's layout.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.sparse as sp
import sklearn.cluster
import sklearn.neighbors

import segwidgets as sw
from segwidgets.compute import dbscan as estimator
from segwidgets.compute import rapids
from segwidgets.compute.backend import Backend, BackendError, cpu
from segwidgets.compute.neighbors import Neighbors
from segwidgets.compute.neighbors import neighbors as on_the_cpu
from segwidgets.compute.progress import Cancelled
from segwidgets.data.errors import MissingExtraError

TOLD = json.loads((Path(__file__).parent.parent / "gpu" / "signatures.json").read_text(encoding="utf-8"))["cuml-cu12"]
GPU = Backend("cuml", "NVIDIA imagined", "A test says so.")


def signature(told: list[dict[str, str]]) -> inspect.Signature:
    return inspect.Signature(
        [
            inspect.Parameter(
                p["name"],
                getattr(inspect.Parameter, p["kind"]),
                default=ast.literal_eval(p["default"]) if "default" in p else inspect.Parameter.empty,
            )
            for p in told
            if p["name"] != "self"
        ]
    )


class Cuml:
    """One release of cuML as fakes; ``calls`` records class, method and arguments of every call."""

    def __init__(self, release: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.release, self.told = release, TOLD[release]
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.free_bytes = 8 << 30
        for path, answers in (
            ("cuml.neighbors.NearestNeighbors", Search),
            ("cuml.manifold.UMAP", Umap),
            ("cuml.cluster.DBSCAN", Clusters),
        ):
            self.provide(path, self.held(path, answers), monkeypatch)
        self.provide("cuml.internals.GraphBasedDimRedCallback", Callback, monkeypatch)
        runtime = SimpleNamespace(memGetInfo=lambda: (self.free_bytes, 2 * self.free_bytes))
        cupy: Any = ModuleType("cupy")
        numpy_alike = ("array", "asarray", "empty", "sqrt", "where")
        cupy.__dict__.update({name: getattr(np, name) for name in numpy_alike})
        cupy.__dict__.update(asnumpy=np.asarray, cuda=SimpleNamespace(runtime=runtime))
        monkeypatch.setitem(sys.modules, "cupy", cupy)

    def provide(self, path: str, what: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        module, _, name = path.rpartition(".")
        monkeypatch.setitem(sys.modules, "cuml", sys.modules.get("cuml") or ModuleType("cuml"))
        monkeypatch.setitem(sys.modules, module, ModuleType(module))
        sys.modules[module].__dict__[name] = what

    def held(self, path: str, answers: Any) -> Any:
        """``answers`` behind the signatures of the release: what does not bind raises TypeError."""
        told, calls = self.told[path], self.calls

        class Held(answers):  # type: ignore[misc]
            __signature__ = signature(told["__init__"])

            def __init__(self, *args: Any, **keywords: Any) -> None:
                self.parameters = Held.__signature__.bind(*args, **keywords).arguments
                calls.append((path, "__init__", self.parameters))

            def __getattribute__(self, name: str) -> Any:
                value = super().__getattribute__(name)
                if name not in told or name == "__init__":
                    return value

                def call(*args: Any, **keywords: Any) -> Any:
                    bound = signature(told[name]).bind(*args, **keywords).arguments
                    calls.append((path, name, bound))
                    return value(**bound)

                return call

        return Held

    def only(self, path: str, method: str) -> dict[str, Any]:
        (arguments,) = (a for p, m, a in self.calls if (p, m) == (path, method))
        return arguments


class Search:
    parameters: dict[str, Any]

    def fit(self, X: Any) -> Any:
        p = self.parameters
        if p["algorithm"] == "rbc":
            assert X.shape[1] in {2, 3}
            assert p["n_neighbors"] ** 2 <= X.shape[0], "cuML would warn and fall back"
        assert p["metric"] in ({"euclidean", "manhattan"})
        self.model = sklearn.neighbors.NearestNeighbors(
            n_neighbors=p["n_neighbors"], algorithm="brute", metric=p["metric"]
        ).fit(X)
        return self

    def kneighbors(self, X: Any) -> tuple[Any, Any]:
        if self.parameters["metric"] == "euclidean" and self.parameters["algorithm"] == "brute" and not sp.issparse(X):
            near, index = self.expanded(X)
        else:
            near, index = self.model.kneighbors(X)
        # cuML rounds near distances and lists equal ones in any order.
        return near[:, ::-1].astype(np.float32) + np.float32(1e-3), index[:, ::-1].astype(np.int64)

    def expanded(self, X: Any) -> tuple[Any, Any]:
        """As cuML ranks: by |a|^2 - 2 a.b + |b|^2, in float32 all along."""
        rows = self.model._fit_X
        squares = (X * X).sum(axis=1)[:, None] - 2 * (X @ rows.T) + (rows * rows).sum(axis=1)
        assert squares.dtype == np.float32
        index = np.argsort(squares, axis=1)[:, : self.parameters["n_neighbors"]]
        return np.sqrt(np.maximum(np.take_along_axis(squares, index, axis=1), 0)), index


class Umap:
    parameters: dict[str, Any]

    def fit_transform(self, X: Any) -> Any:
        p = self.parameters
        indices, distances = p["precomputed_knn"]
        assert indices.dtype == np.int64
        assert distances.dtype == np.float32
        assert indices.shape == distances.shape == (len(X), p["n_neighbors"])
        np.testing.assert_array_equal(indices[:, 0], np.arange(len(X)), "cuML demands that each row is its own first")
        place = np.array(p["init"])
        for _ in range(p["n_epochs"]):
            p["callback"].called("on_epoch_end")
            place += (place[indices].mean(axis=1) - place) / 10
        return place


class Clusters:
    parameters: dict[str, Any]

    def fit(self, X: Any, out_dtype: str) -> Any:
        p = self.parameters
        if p["algorithm"] == "rbc":
            assert (X.dtype, out_dtype) == (np.float32, "int64"), "cuML would warn and fall back"
        found = sklearn.cluster.DBSCAN(eps=p["eps"], min_samples=p["min_samples"]).fit(X)
        # Other numbers for the same clusters, as cuML is free to choose.
        self.labels_ = np.where(found.labels_ < 0, -1, found.labels_.max() - found.labels_).astype(out_dtype)
        self.core_sample_indices_ = found.core_sample_indices_.astype(out_dtype)
        return self


class Callback:
    def get_numba_matrix(self, embeddings: int, shape: tuple[int, int], typestr: str) -> Any:
        raise AssertionError("this needs a CUDA context, and its failure ends the process")

    def called(self, name: str) -> None:
        """As cuML's C++ does: whatever is raised here ends the process."""
        try:
            getattr(self, name)(self.get_numba_matrix(0, (1, 2), "float32"))
        except BaseException as error:
            raise AssertionError("the process would have died of this") from error


@pytest.fixture(params=sorted(TOLD))
def cuml(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Cuml:
    return Cuml(request.param, monkeypatch)


@pytest.fixture
def gpu(cuml: Cuml, monkeypatch: pytest.MonkeyPatch) -> Cuml:
    """The fakes, and a backend that says a GPU is there."""
    monkeypatch.setattr(estimator, "choose", lambda _: GPU)
    return cuml


def blobs(n: int, columns: int, seed: int = 0) -> npt.NDArray[np.float32]:
    random = np.random.default_rng(seed)
    return (random.normal(size=(n, columns)) + 6 * random.integers(0, 3, size=(n, 1))).astype(np.float32)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan", "correlation"])
def test_dense_neighbours_are_the_cpus(cuml: Cuml, metric: str) -> None:
    X = blobs(400, 5)
    ours, theirs = rapids.neighbors(X, 8, metric), on_the_cpu(X, 8, metric)
    np.testing.assert_array_equal(ours.indices, theirs.indices)
    np.testing.assert_allclose(ours.distances, theirs.distances, rtol=1e-4, atol=1e-6)
    assert ours.indices.dtype == np.int32
    assert ours.distances.dtype == np.float32
    assert ours.exact
    assert "GPU" in ours.method


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
def test_sparse_neighbours_are_the_cpus_but_for_rounding(cuml: Cuml, metric: str) -> None:
    X = sp.random(300, 40, density=0.2, format="csr", dtype=np.float32, random_state=1)
    ours, theirs = rapids.neighbors(X, 6, metric), on_the_cpu(X, 6, metric)
    same = [len(set(a) & set(b)) for a, b in zip(ours.indices.tolist(), theirs.indices.tolist(), strict=True)]
    assert np.mean(same) > 5.9
    np.testing.assert_array_equal(ours.indices[:, 0], np.arange(300))


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "correlation"])
def test_far_from_the_origin_near_rows_keep_their_order(cuml: Cuml, metric: str) -> None:
    X = blobs(800, 10) + np.float32(1_000)
    before = X.copy()
    ours, theirs = rapids.neighbors(X, 10, metric), on_the_cpu(X, 10, metric)
    limit = theirs.distances[:, -1:] * (1 + 1e-3)
    assert (ours.distances <= limit).mean() > 0.999
    np.testing.assert_array_equal(X, before, "the rows moved are the search's own")


def test_a_map_far_from_the_origin_has_its_neighbours(cuml: Cuml) -> None:
    points = blobs(500, 3) + np.float32(1_000)
    before = points.copy()
    ours, theirs = rapids.map_neighbors(points, 10), on_the_cpu(points, 10, "euclidean")
    np.testing.assert_allclose(ours.distances, theirs.distances, rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(points, before)


def test_a_row_is_its_own_first_neighbour_among_duplicates(cuml: Cuml) -> None:
    X = np.repeat(blobs(20, 3), 30, axis=0)
    found = rapids.neighbors(X, 5, "euclidean")
    np.testing.assert_array_equal(found.indices[:, 0], np.arange(600))
    np.testing.assert_array_equal(found.distances[:, 0], 0)


def test_a_row_without_variation_is_at_one_from_every_other(cuml: Cuml) -> None:
    X = blobs(50, 4)
    X[7] = 0
    found = rapids.neighbors(X, 50, "cosine")
    np.testing.assert_array_equal(found.distances[7, 1:], 1)
    assert found.indices[7, 0] == 7
    assert (np.diff(found.distances, axis=1) >= 0).all()


def test_sparse_correlation_is_refused_with_the_way_out(cuml: Cuml) -> None:
    with pytest.raises(ValueError, match=r"no correlation of sparse rows\. Take backend='cpu'"):
        rapids.neighbors(sp.eye(10, format="csr", dtype=np.float32), 3, "correlation")
    assert "correlation" not in rapids.METRICS


def test_too_many_neighbours_are_refused(cuml: Cuml) -> None:
    with pytest.raises(ValueError, match="n_neighbors=11 is not allowed for 10 rows"):
        rapids.neighbors(blobs(10, 2), 11, "euclidean")


def test_the_search_is_cancelled_between_blocks(cuml: Cuml, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rapids, "_BLOCK", 100)

    def tick(done: float) -> None:
        if done > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        rapids.neighbors(blobs(400, 3), 5, "euclidean", tick=tick)
    assert sum(method == "kneighbors" for _, method, _ in cuml.calls) == 1


@pytest.mark.parametrize(("n", "k", "algorithm"), [(5_000, 10, "rbc"), (5_000, 80, "brute"), (100, 5, "brute")])
def test_the_ball_cover_searches_a_map_where_cuml_has_it(cuml: Cuml, n: int, k: int, algorithm: str) -> None:
    points = blobs(n, 2)
    ours, theirs = rapids.map_neighbors(points, k), on_the_cpu(points, k, "euclidean")
    assert cuml.only("cuml.neighbors.NearestNeighbors", "__init__")["algorithm"] == algorithm
    np.testing.assert_array_equal(ours.indices[:, 0], np.arange(n))
    np.testing.assert_allclose(ours.distances, theirs.distances, rtol=1e-4, atol=1e-5)


def laid_out(found: Neighbors, begin: Any, **settings: Any) -> Any:
    given = {"min_dist": 0.1, "spread": 1.0, "n_epochs": 20, "seed": 3, "n_components": begin.shape[1]} | settings
    return rapids.layout(found, begin, **given)


@pytest.fixture(scope="module")
def found() -> Neighbors:
    return on_the_cpu(blobs(200, 4), 10, "euclidean")


@pytest.mark.parametrize("components", [2, 3])
def test_the_layout_takes_our_neighbours_start_and_seed(cuml: Cuml, found: Neighbors, components: int) -> None:
    begin = blobs(200, components)
    before, done = begin.copy(), []
    points = laid_out(found, begin, tick=done.append)
    given = cuml.only("cuml.manifold.UMAP", "__init__")
    assert points.shape == (200, components)
    assert points.dtype == np.float32
    assert points.flags.c_contiguous
    assert (given["random_state"], given["n_neighbors"], given["n_epochs"]) == (3, 10, 20)
    np.testing.assert_array_equal(given["init"], before)
    np.testing.assert_array_equal(begin, before)
    assert done == sorted(done)
    assert done[-1] == 1
    assert len(done) == 22


def test_serial_epochs_are_asked_for_where_the_release_has_them(cuml: Cuml, found: Neighbors) -> None:
    laid_out(found, blobs(200, 2))
    asked = cuml.only("cuml.manifold.UMAP", "__init__").get("force_serial_epochs")
    assert asked == (True if cuml.release.startswith("26.10") else None)


def test_a_cancelled_layout_says_so_at_its_end_and_harms_no_process(cuml: Cuml, found: Neighbors) -> None:
    asked = []

    def tick(done: float) -> None:
        asked.append(done)
        if done > 0.3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled, match="enough"):
        laid_out(found, blobs(200, 2), tick=tick)
    assert len(asked) == 8, "once it was told, it asks no more"


def test_an_interrupt_in_an_epoch_waits_too(cuml: Cuml, found: Neighbors) -> None:
    def tick(done: float) -> None:
        if done > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        laid_out(found, blobs(200, 2), tick=tick)


def test_a_start_that_does_not_fit_is_refused(cuml: Cuml, found: Neighbors) -> None:
    with pytest.raises(ValueError, match=r"begin has the shape \(199, 2\), and \(200, 2\) is needed"):
        laid_out(found, blobs(199, 2))


def test_a_map_that_is_not_finite_is_an_error(cuml: Cuml, found: Neighbors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Umap, "fit_transform", lambda _, X: np.full_like(X, np.nan))
    with pytest.raises(RuntimeError, match="200 of 200 rows at no finite place"):
        laid_out(found, blobs(200, 2))


@pytest.mark.parametrize(
    ("n", "columns", "kind", "algorithm", "labels_kind"),
    [
        (5_000, 2, np.float32, "rbc", "int64"),
        (5_000, 2, np.float64, "brute", "int32"),
        (500, 3, np.float32, "brute", "int32"),
        (5_000, 4, np.float32, "brute", "int32"),
    ],
)
def test_dbscan_numbers_clusters_as_scikit_learn_does(
    cuml: Cuml, n: int, columns: int, kind: Any, algorithm: str, labels_kind: str
) -> None:
    points = blobs(n, columns).astype(kind)
    labels, core = rapids.dbscan_labels(points, 0.8, 6)
    theirs = sklearn.cluster.DBSCAN(eps=0.8, min_samples=6).fit(points)
    np.testing.assert_array_equal(labels, theirs.labels_)
    np.testing.assert_array_equal(np.flatnonzero(core), theirs.core_sample_indices_)
    assert labels.dtype == np.int32
    given = cuml.only("cuml.cluster.DBSCAN", "__init__")
    assert given["algorithm"] == algorithm
    assert given["max_mbytes_per_batch"] == 2048, "a quarter of what is free"
    assert cuml.only("cuml.cluster.DBSCAN", "fit")["out_dtype"] == labels_kind


def test_noise_only_is_no_cluster(cuml: Cuml) -> None:
    labels, core = rapids.dbscan_labels(blobs(50, 3), 1e-6, 5)
    assert (labels == -1).all()
    assert not core.any()


def test_labels_are_64_bit_where_cuml_needs_them(cuml: Cuml, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rapids, "_LARGEST_INT32", 50 * 50 - 1)
    rapids.dbscan_labels(blobs(50, 2), 0.5, 5)
    assert cuml.only("cuml.cluster.DBSCAN", "fit")["out_dtype"] == "int64", "a batch may hold every pair"


def test_the_estimator_computes_on_the_gpu_where_it_is_asked_to(gpu: Cuml) -> None:
    points = blobs(300, 2)
    ours = sw.DBSCAN(eps=0.8, min_samples=6, backend="cuml").fit(points)
    theirs = sklearn.cluster.DBSCAN(eps=0.8, min_samples=6).fit(points)
    assert ours.engine_ == "cuml"
    np.testing.assert_array_equal(ours.labels_, theirs.labels_)
    np.testing.assert_array_equal(ours.core_sample_indices_, theirs.core_sample_indices_)
    np.testing.assert_array_equal(ours.components_, theirs.components_)
    assert ours.labels_.dtype == theirs.labels_.dtype


@pytest.mark.parametrize(
    ("parameters", "weight"),
    [({"metric": "manhattan"}, None), ({"algorithm": "brute"}, None), ({}, np.ones(60))],
    ids=["metric", "algorithm", "weights"],
)
def test_what_cuml_does_not_serve_is_done_on_the_cpu(gpu: Cuml, parameters: Any, weight: Any) -> None:
    fitted = sw.DBSCAN(backend="auto", **parameters).fit(blobs(60, 2), sample_weight=weight)
    assert fitted.engine_ != "cuml"
    assert not gpu.calls


def test_sparse_rows_are_clustered_on_the_cpu(gpu: Cuml) -> None:
    assert sw.DBSCAN(backend="cuml").fit(sp.csr_matrix(blobs(60, 2))).engine_ == "scikit-learn"


def test_auto_is_the_cpu_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimator, "choose", lambda _: cpu())
    assert sw.DBSCAN(backend="auto").fit(blobs(60, 2)).engine_ == "density"


def test_cuml_asked_of_the_estimator_and_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> Backend:
        raise BackendError(f"backend={name!r} cannot be used")

    monkeypatch.setattr(estimator, "choose", refuse)
    with pytest.raises(BackendError):
        sw.DBSCAN(backend="cuml").fit(blobs(60, 2))


def test_an_unknown_backend_is_refused_as_any_parameter() -> None:
    with pytest.raises(ValueError, match="'backend' parameter of DBSCAN must be a str among"):
        sw.DBSCAN(backend="gpu").fit(blobs(60, 2))


def test_without_cuml_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(MissingExtraError, match=r'pip install "segwidgets\[gpu\]"'):
        rapids.neighbors(blobs(60, 2), 5, "euclidean")
