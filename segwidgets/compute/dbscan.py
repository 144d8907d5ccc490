"""DBSCAN as a scikit-learn estimator, on the density engine."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

import numpy as np
import sklearn.cluster
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import _check_sample_weight, validate_data

from segwidgets.compute.backend import NAMES, choose
from segwidgets.compute.density import DensityIndex
from segwidgets.compute.density.distance import MAX_DIMENSIONS

#: The density engine is asked for up to so many neighbours a point; listing more takes longer than scikit-learn does.
MAX_NEIGHBORS = 256

# Below so many rows scikit-learn's automatic choice is no tree but a matrix product, whose distances are rounded
# otherwise. So few rows cost nothing there either, so they are labelled there, to the last bit.
_FEW_ROWS = 12
_LARGEST = float(np.finfo(np.float64).max)
_log = logging.getLogger(__name__)


class DBSCAN(sklearn.cluster.DBSCAN):  # type: ignore[misc]
    """Density-based clustering (Ester et al. 1996): `sklearn.cluster.DBSCAN`, on the density engine where it serves.

    Parameters, their bounds and errors, attributes and labels are scikit-learn's, number by number; only the work is
    done elsewhere. Dense Euclidean data (metric "euclidean", "l2", or "minkowski" with p=2) of 1 to 20 columns goes
    through `DensityIndex`; ``algorithm``, ``leaf_size`` and ``n_jobs`` then change nothing. To scikit-learn go other
    metrics, ``metric_params``, ``algorithm="brute"``, sparse and precomputed input, more than 20 columns, fewer than 12
    rows, weights that are not above 0 or cannot be added without rounding, min_samples above 256 times the smallest
    weight, and what the engine refuses for want of memory. Which of the two it was stands in ``engine_``, and the
    reason for scikit-learn in the log (level INFO).

    Distances are compared in float64 as scikit-learn's KD-tree compares them. Over 15 columns scikit-learn itself takes
    a matrix product instead, which rounds: there a pair that is exactly eps apart may be seen otherwise.

    To look at many eps or min_samples of the same points take `DensityIndex`: it searches once.

    With ``backend`` "cuml", or "auto" where a GPU answers, cuML does the dense Euclidean work without weights, of any
    number of columns. Core points and their clusters are the same but where a distance is eps to the last digit of
    float32; a border point may be in another of the clusters it touches. The rest is done as with "cpu".

    Args:
        eps: Points at most this far apart are neighbours; above 0.
        min_samples: Neighbours, the point itself included, or their total weight, that make a core point; from 1.
        metric: As in scikit-learn.
        metric_params: As in scikit-learn.
        algorithm: "auto", "ball_tree", "kd_tree" or "brute".
        leaf_size: As in scikit-learn.
        p: Power of the Minkowski metric; None is 2.
        n_jobs: As in scikit-learn. The engine takes numba's threads.
        backend: "cpu", "cuml" (RAPIDS, on a GPU) or "auto" (cuML where a GPU answers).

    Attributes:
        labels_: (n,) intp, -1 for noise. A border point has the lowest label among its core neighbours'.
        core_sample_indices_: (cores,) intp, ascending.
        components_: (cores, columns) the core points.
        n_features_in_: Columns seen by `fit`.
        feature_names_in_: Their names, where all are strings.
        engine_: "density", "scikit-learn" or "cuml".
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **sklearn.cluster.DBSCAN._parameter_constraints,
        "backend": [StrOptions(set(NAMES))],
    }

    def __init__(
        self,
        eps: float = 0.5,
        *,
        min_samples: int = 5,
        metric: Any = "euclidean",
        metric_params: dict[str, Any] | None = None,
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float | None = None,
        n_jobs: int | None = None,
        backend: str = "cpu",
    ) -> None:
        super().__init__(
            eps,
            min_samples=min_samples,
            metric=metric,
            metric_params=metric_params,
            algorithm=algorithm,
            leaf_size=leaf_size,
            p=p,
            n_jobs=n_jobs,
        )
        self.backend = backend

    def fit(self, X: Any, y: None = None, sample_weight: ArrayLike | None = None) -> DBSCAN:
        """Cluster ``X``.

        Args:
            X: (n, columns) array, data frame or sparse matrix; (n, n) distances with ``metric="precomputed"``.
            y: Ignored, there by convention.
            sample_weight: (n,) weight of each row; a row of weight min_samples is a core point by itself.

        Raises:
            sklearn.utils._param_validation.InvalidParameterError: A parameter is out of scikit-learn's bounds.
            ValueError: X or sample_weight has the wrong shape or is not finite.
            BackendError: ``backend="cuml"``, and no GPU answers or cuML is not installed.
        """
        self._validate_params()
        on_gpu = self.backend != "cpu" and choose(self.backend).name == "cuml"
        reason = self._foreign_parameter()
        if not reason:
            points = validate_data(self, X, accept_sparse="csr")
            weight = None if sample_weight is None else _check_sample_weight(sample_weight, points)
            if on_gpu and isinstance(points, np.ndarray) and weight is None:
                self._fit_cuml(points)
                return self
            reason = self._foreign_data(points, weight) or self._fit_density(points, weight)
        if on_gpu:
            _log.info("DBSCAN: the CPU does it, for %s", reason or "weights, which are not given to cuML")
        if reason:
            _log.info("DBSCAN: scikit-learn does it, for %s", reason)
            super().fit(X, y, sample_weight)
            self.engine_ = "scikit-learn"
        return self

    def _foreign_parameter(self) -> str:
        """Which parameter the density engine does not serve, in words; "" if none."""
        euclidean = isinstance(self.metric, str) and (
            self.metric in {"euclidean", "l2"} or (self.metric == "minkowski" and self.p in {None, 2})
        )
        if not euclidean:
            return f"the metric is {self.metric!r}" + (f" with p={self.p}" if self.metric == "minkowski" else "")
        if self.metric_params:
            return f"metric_params={self.metric_params!r} is given"
        if self.algorithm == "brute":
            return "algorithm='brute' was asked for"
        return ""

    def _foreign_data(self, X: Any, weight: NDArray[Any] | None) -> str:
        """Why the density engine does not serve this data, in words; "" if it does."""
        if not isinstance(X, np.ndarray):
            return "X is sparse"
        n, columns = X.shape
        if columns > MAX_DIMENSIONS:
            return f"X has {columns} columns, more than {MAX_DIMENSIONS}"
        if n < _FEW_ROWS:
            return f"X has fewer than {_FEW_ROWS} rows"
        least = 1.0 if weight is None else float(weight.min())
        if least <= 0:
            return "a sample_weight is not above 0"
        if min(self.min_samples / least, n) > MAX_NEIGHBORS:
            return f"min_samples={self.min_samples} takes more than {MAX_NEIGHBORS} neighbours a point"
        return ""

    def _fit_density(self, X: NDArray[Any], weight: NDArray[Any] | None) -> str:
        """Fit by the density engine; the reason if it cannot."""
        points = X if X.dtype in {np.dtype(np.float32), np.dtype(np.float64)} else X.astype(np.float64)
        # The engine's whole numbers are Python's; numpy's and their subclasses are allowed here.
        least, eps = int(self.min_samples), min(float(self.eps), _LARGEST)
        try:
            index = DensityIndex(points, least, least, sample_weight=weight)
        except ValueError as error:  # all else was checked before: it is the memory, or weights that round when added
            return str(error)
        self._keep(X, index.labels(eps, border="first"), np.flatnonzero(index.core_distances_ <= eps), "density")
        return ""

    def _fit_cuml(self, X: NDArray[Any]) -> None:
        from segwidgets.compute.rapids import dbscan_labels

        labels, core = dbscan_labels(X, float(self.eps), int(self.min_samples))
        self._keep(X, labels, np.flatnonzero(core), "cuml")

    def _keep(self, X: NDArray[Any], labels: NDArray[Any], core: NDArray[np.intp], engine: str) -> None:
        self.core_sample_indices_ = core
        self.labels_ = labels.astype(np.intp)
        self.components_ = X[core].copy() if len(core) else np.empty((0, X.shape[1]))
        self.engine_ = engine


def dbscan(
    X: Any,
    eps: float = 0.5,
    *,
    min_samples: int = 5,
    metric: Any = "minkowski",
    metric_params: dict[str, Any] | None = None,
    algorithm: str = "auto",
    leaf_size: int = 30,
    p: float | None = 2,
    sample_weight: ArrayLike | None = None,
    n_jobs: int | None = None,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """`DBSCAN` as a function, as `sklearn.cluster.dbscan` is.

    Returns:
        The rows of the core points, ascending, and the labels (n,).

    Raises:
        ValueError: As by `DBSCAN.fit`.
    """
    found = DBSCAN(
        eps,
        min_samples=min_samples,
        metric=metric,
        metric_params=metric_params,
        algorithm=algorithm,
        leaf_size=leaf_size,
        p=p,
        n_jobs=n_jobs,
    ).fit(X, sample_weight=sample_weight)
    return found.core_sample_indices_, found.labels_
