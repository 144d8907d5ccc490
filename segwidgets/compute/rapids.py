"""The stages by RAPIDS cuML on a GPU, with the arguments and results of the CPU's, so that one stands in for the other.

Written against cuML 26.02 to 26.10, and run with 26.10; the contract tests hold every call to the signatures of both.
Arrays come back to the host. Whether a GPU is there is `backend.choose`'s to say; cuML and cupy are imported where they
are used.

The GPU's map is not the CPU's, digit by digit: other random numbers, another optimiser. A seed gives the same map again
on the same device and release.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from segwidgets.compute.neighbors import Neighbors
from segwidgets.compute.progress import Tick, no_tick
from segwidgets.data.errors import missing_extra

FloatArray = npt.NDArray[np.float32]

#: Metrics searched on the GPU whatever the rows are. Correlation is one more for dense rows, see `refusal`.
METRICS = frozenset({"euclidean", "cosine", "manhattan"})

#: Rows a block of queries holds: a tenth of a second against a million rows, on a small GPU.
_BLOCK = 8_192
#: Numbers that the differences of one block may hold: 256 MB.
_BLOCK_NUMBERS = 2**26
#: cuML ranks by |a|^2 - 2 a.b + |b|^2 in float32, where near rows that are long round into each other: dense rows are
#: centred first, and so many more neighbours fetched, measured anew and ranked by that, and the farthest dropped.
_SPARE = 4
#: From so many rows on the random ball cover beats brute force in two and three dimensions.
_COVER_ROWS = 4_096
_LARGEST_INT32 = 2**31 - 1


def refusal(metric: str, *, sparse: bool) -> str:
    """Why cuML does not search by ``metric`` in such rows, as a clause; "" if it does."""
    if metric == "correlation":
        return "cuML has no correlation of sparse rows" if sparse else ""
    return "" if metric in METRICS else f"cuML's search has no metric {metric!r} here"


def neighbors(X: Any, n_neighbors: int, metric: str, *, seed: int = 42, tick: Tick = no_tick) -> Neighbors:
    """The ``n_neighbors`` nearest rows of each row, itself included and first, by exact search.

    Args:
        X: (n, p) float32: NumPy array, scipy CSR matrix, or an array that is on the device already.
        n_neighbors: neighbours per row, itself counted, 2 to n.
        metric: "euclidean", "cosine", "manhattan", for dense rows also "correlation". A row without any variation is
            at 1 from every other by cosine and correlation, as on the CPU.
        seed: there because the CPU's search has it; an exact search needs none.
        tick: told the share done after each block of rows; may raise `Cancelled`.

    Returns:
        Dense distances are measured by differences, as exact as float32 is; sparse ones are cuML's, where rows closer
        than about 0.0003 of their length are rounded. Rows at equal distances may stand in another order than the
        CPU's, or be others.

    Raises:
        ValueError: ``n_neighbors`` exceeds the rows; a metric that `refusal` refuses; more than 2^31 stored values.
        MissingExtraError: cuML is not installed.
    """
    del seed
    sparse, n = sp.issparse(X), X.shape[0]
    if not 2 <= n_neighbors <= n:
        raise ValueError(f"n_neighbors={n_neighbors} is not allowed for {n} rows: take 2 to {n}, or more rows.")
    reason = refusal(metric, sparse=sparse)
    if reason:
        raise ValueError(f"metric={metric!r} is not searched on the GPU: {reason}. Take backend='cpu' for it.")
    if sparse and X.nnz > _LARGEST_INT32:
        raise ValueError(
            f"{X.nnz:,} stored values are more than cuML's sparse search takes (2^31): take backend='cpu'."
        )
    # A copy where they are on the device already: what is ours may be centred in place.
    rows = sp.csr_matrix(X, dtype=np.float32) if sparse else _module("cupy").array(X, dtype=np.float32)
    if metric == "manhattan":
        return _search(rows, n_neighbors, metric, "brute", tick)
    if metric == "euclidean":
        return _search(rows if sparse else _centred(rows), n_neighbors, metric, "brute", tick)
    # For unit rows |a - b|^2 = 2 (1 - a.b), so the Euclidean order is the cosine order; cuML's own cosine divides by 0
    # where a row is.
    unit, flat = _unit_sparse(rows) if sparse else _unit_dense(rows, centred=metric == "correlation")
    found = _search(unit if sparse else _centred(unit), n_neighbors, "euclidean", "brute", tick)
    distances = found.distances.astype(np.float64) ** 2 / 2
    # A flat row is the zero vector now: at 1/2 from every unit row by the formula, at 1 by definition.
    distances[flat[:, None] | flat[found.indices]] = 1
    distances[:, 0] = 0
    order = np.argsort(distances, axis=1, kind="stable")
    indices = np.take_along_axis(found.indices, order, axis=1)
    sorted_distances = np.take_along_axis(distances, order, axis=1).astype(np.float32)
    return Neighbors(indices, sorted_distances, exact=True, method=found.method)


def map_neighbors(points: Any, k: int, *, tick: Tick = no_tick) -> Neighbors:
    """The ``k`` nearest points of each point of a map, itself included and first.

    Args:
        points: (n, 2 or 3) float32.
        k: neighbours per point, itself counted, 2 to n.
        tick: told the share done; may raise `Cancelled`.

    Returns:
        Exact neighbours, by the random ball cover (Cayton 2012) where cuML has it: many points, few neighbours.
    """
    rows = _centred(_module("cupy").array(points, dtype=np.float32))
    n, columns = rows.shape
    if not 2 <= k <= n:
        raise ValueError(f"k={k} is not allowed for {n} points: take 2 to {n}.")
    # The cover takes at most the square root of n neighbours, and warns where it is asked for more.
    covered = columns in {2, 3} and n >= _COVER_ROWS and (k + _SPARE) ** 2 <= n
    return _search(rows, k, "euclidean", "rbc" if covered else "brute", tick)


def layout(
    found: Neighbors,
    begin: FloatArray,
    *,
    min_dist: float,
    spread: float,
    n_epochs: int,
    seed: int,
    n_components: int,
    negative_sample_rate: int = 5,
    repulsion_strength: float = 1.0,
    tick: Tick = no_tick,
) -> FloatArray:
    """UMAP's layout by cuML, from known neighbours and a known start.

    Args:
        found: the neighbours of n rows; each row is its own first one.
        begin: (n, n_components) float32 where the points start; unchanged.
        min_dist: how close points may lie, in units of the layout.
        spread: the scale of the layout, not below ``min_dist``.
        n_epochs: steps, 1 or more.
        seed: of the random numbers. Given always: without one cuML's maps of few rows are poor. It costs time.
        n_components: columns of ``begin``.
        negative_sample_rate: repulsive samples per attracting one.
        repulsion_strength: their weight.
        tick: told the share done after every epoch. **cuML cannot be stopped**: what ``tick`` raises is kept, and
            raised when the layout has run to its end, a few seconds later at a million rows.

    Returns:
        (n, n_components) float32, C order.

    Raises:
        Cancelled: whatever ``tick`` raised.
        ValueError: ``begin`` does not fit, or cuML refuses a setting.
        RuntimeError: the map has points that are not finite.
        MissingExtraError: cuML is not installed.

    With the neighbours given cuML searches for none, so neither its noisy search above 100,000 rows nor its random one
    above 50,000 comes in.
    """
    n, k = found.indices.shape
    if begin.shape != (n, n_components):
        raise ValueError(f"begin has the shape {begin.shape}, and {(n, n_components)} is needed.")
    start = np.ascontiguousarray(begin, dtype=np.float32)
    umap = _module("cuml.manifold").UMAP
    listener = _listener(tick, n_epochs)
    # From a spectral start cuML's parallel epochs throw single points far out; it runs serial ones for its own, and
    # cannot tell that ours is one. Releases before the parameter have one kind of epoch.
    known = inspect.signature(umap).parameters
    serial = {"force_serial_epochs": True} if "force_serial_epochs" in known else {}
    model = umap(
        n_neighbors=k,
        n_components=n_components,
        n_epochs=n_epochs,
        min_dist=min_dist,
        spread=spread,
        negative_sample_rate=negative_sample_rate,
        repulsion_strength=repulsion_strength,
        random_state=seed,
        init=start,
        precomputed_knn=(found.indices.astype(np.int64), np.ascontiguousarray(found.distances, dtype=np.float32)),
        callback=listener,
        output_type="numpy",
        **serial,
    )
    tick(0.0)
    # Of the rows cuML reads the number only, once their neighbours are known.
    points = np.ascontiguousarray(model.fit_transform(start), dtype=np.float32)
    if listener.raised is not None:
        raise listener.raised
    if not np.isfinite(points).all():
        bad = int((~np.isfinite(points)).any(axis=1).sum())
        raise RuntimeError(f"cuML laid out {bad:,} of {n:,} rows at no finite place: take backend='cpu'.")
    tick(1.0)
    return points


def dbscan_labels(points: Any, eps: float, min_samples: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """DBSCAN by cuML, Euclidean.

    Args:
        points: (n, p) float32 or float64, dense.
        eps: points at most this far apart are neighbours. cuML takes it as float32, float64 points too, so a pair at
            eps to the last digit may be seen otherwise than on the CPU.
        min_samples: neighbours, the point itself counted, that make a core point.

    Returns:
        Labels (n,) int32, -1 for noise, and whether each is a core point (n,). Clusters are numbered by their first
        core point, as scikit-learn's are. A border point within reach of several clusters is in one of them, not
        always the one that scikit-learn takes.

    Raises:
        MissingExtraError: cuML is not installed.

    float32 points in two and three dimensions are searched by the random ball cover. The brute force (all others, and
    few) takes its distances in batches of a quarter of the memory that is
    free; cuML has run out of memory or failed with millions of rows of hundreds of columns.
    """
    rows = points if points.dtype in {np.dtype(np.float32), np.dtype(np.float64)} else points.astype(np.float64)
    n, columns = rows.shape
    free, _ = _module("cupy").cuda.runtime.memGetInfo()
    # Asked for a cover of doubles, or for 32-bit labels, cuML takes brute force, in batches too large for such labels.
    covered = columns in {2, 3} and n >= _COVER_ROWS and rows.dtype == np.float32
    model = _module("cuml.cluster").DBSCAN(
        eps=float(eps),
        min_samples=int(min_samples),
        metric="euclidean",
        algorithm="rbc" if covered else "brute",
        max_mbytes_per_batch=max(64, int(free) // 4 >> 20),
        calc_core_sample_indices=True,
        output_type="numpy",
    )
    # Brute force counts pairs: those of a batch of rows with all, and a batch may be all rows.
    model.fit(rows, out_dtype="int64" if covered or n * max(n, columns) > _LARGEST_INT32 else "int32")
    core = np.zeros(n, np.bool_)
    core[np.asarray(model.core_sample_indices_)] = True
    return _numbered(np.asarray(model.labels_), core), core


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise missing_extra("gpu", "backend='cuml'") from error


def _centred(rows: Any) -> Any:
    """The same rows on the device, moved in place to lie about the origin: that changes no distance between them.

    What the move rounds away is less than float32 had to round when the rows were written down.
    """
    rows -= rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    return rows


def _unit_dense(rows: Any, *, centred: bool) -> tuple[Any, npt.NDArray[np.bool_]]:
    """Rows at length 1 on the device, and which have none."""
    cupy = _module("cupy")
    if centred:
        rows = rows - rows.mean(axis=1, keepdims=True)
    norms = cupy.sqrt((rows * rows).sum(axis=1, keepdims=True))
    flat = norms < 1e-12
    return cupy.where(flat, 0, rows / cupy.where(flat, 1, norms)), cupy.asnumpy(flat[:, 0])


def _unit_sparse(rows: sp.csr_matrix) -> tuple[sp.csr_matrix, npt.NDArray[np.bool_]]:
    """Rows at length 1, and which have none."""
    norms = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1), dtype=np.float64)).ravel()
    flat = norms < 1e-12
    return sp.csr_matrix(sp.diags(np.where(flat, 0, 1 / np.where(flat, 1, norms))) @ rows, dtype=np.float32), flat


def _search(rows: Any, k: int, metric: str, algorithm: str, tick: Tick) -> Neighbors:
    """The ``k`` nearest rows of each, block by block; ``rows`` is a device array or a scipy CSR matrix."""
    cupy = _module("cupy")
    n, columns = rows.shape
    wide = min(n, k + _SPARE)
    model = _module("cuml.neighbors").NearestNeighbors(
        n_neighbors=wide, algorithm=algorithm, metric=metric, output_type="cupy"
    )
    model.fit(rows)
    size = _BLOCK if sp.issparse(rows) else min(_BLOCK, max(256, _BLOCK_NUMBERS // columns))
    indices = np.empty((n, k), np.int32)
    distances = np.empty((n, k), np.float32)
    for start in range(0, n, size):
        tick(start / n)
        stop = min(n, start + size)
        near, index = model.kneighbors(rows[start:stop])
        if not sp.issparse(rows):
            near = _measured(cupy, rows, rows[start:stop], index, metric)
        found, measured = cupy.asnumpy(index).astype(np.int32), cupy.asnumpy(near)
        order = np.argsort(measured, axis=1, kind="stable")
        found, measured = _self_first(
            np.take_along_axis(found, order, axis=1), np.take_along_axis(measured, order, axis=1), start
        )
        indices[start:stop], distances[start:stop] = found[:, :k], measured[:, :k]
    tick(1.0)
    how = "random ball cover" if algorithm == "rbc" else "brute force"
    return Neighbors(indices, distances, exact=True, method=f"exact {how} on the GPU (cuML)")


def _self_first(
    indices: npt.NDArray[np.int32], distances: npt.NDArray[np.floating[Any]], start: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.floating[Any]]]:
    """Put each row itself first: among exact duplicates a search may list it anywhere, or not at all."""
    own = np.arange(start, start + len(indices), dtype=np.int32)[:, None]
    is_self = indices == own
    # Rows that lost themselves to duplicates give up their farthest neighbour.
    is_self[~is_self.any(axis=1), -1] = True
    # A stable sort on "is not self" moves the row itself to the front and leaves the rest in order.
    order = np.argsort(~is_self, axis=1, kind="stable")
    indices = np.take_along_axis(indices, order, axis=1)
    distances = np.take_along_axis(distances, order, axis=1)
    indices[:, 0] = own[:, 0]
    distances[:, 0] = 0
    return indices, distances


def _measured(cupy: Any, rows: Any, block: Any, index: Any, metric: str) -> Any:
    """The distances of ``block``'s rows to the rows ``index`` names, by differences, on the device.

    cuML's ``two_pass_precision`` would do so only for a query of all rows at once, and leaves out the root.
    """
    near = cupy.empty(index.shape, dtype=np.float32)
    for place in range(index.shape[1]):
        gap = rows[index[:, place]] - block
        near[:, place] = abs(gap).sum(axis=1) if metric == "manhattan" else cupy.sqrt((gap * gap).sum(axis=1))
    return near


def _listener(tick: Tick, n_epochs: int) -> Any:
    """A callback for cuML that passes epochs on to ``tick``, and keeps in ``raised`` what that raised.

    Nothing may leave it: cuML's C++ caller drops the reference of a result that is not there, and the process ends.
    """
    base: Any = _module("cuml.internals").GraphBasedDimRedCallback

    class Listener(base):  # type: ignore[misc]
        def __init__(self) -> None:
            self.epoch = 0
            self.raised: BaseException | None = None

        def get_numba_matrix(self, *_: Any) -> None:
            """Spare the wrapping of the positions, which nobody looks at, and which may fail."""

        def on_epoch_end(self, _embeddings: Any) -> None:
            try:
                self.epoch += 1
                if self.raised is None:
                    tick(min(1.0, self.epoch / n_epochs))
            except BaseException as error:  # noqa: BLE001 - an interrupt too must wait, see above
                self.raised = error

    return Listener()


def _numbered(labels: npt.NDArray[Any], core: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """The same clusters, numbered by their first core points."""
    found, first = np.unique(labels[core], return_index=True)
    number = np.full(int(labels.max(initial=-1)) + 2, -1, np.int32)  # the last is noise's
    number[found[np.argsort(first)]] = np.arange(len(found), dtype=np.int32)
    numbered: npt.NDArray[np.int32] = number[labels]
    return numbered
