"""Principal components: learned from the rows of one matrix, projected onto by those of any other."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from segwidgets.data.errors import plural
from segwidgets.recipe import RecipeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: More features than this, and the principal components come from an iteration instead of a d x d matrix.
MAX_COVARIANCE = 2000


@dataclasses.dataclass(frozen=True, eq=False)
class Components:
    """The first principal components of some rows.

    Attributes:
        mean: (d,) float64, the mean of each feature.
        directions: (c, d) float64 orthonormal rows, the largest entry of each positive.
        variance: (c,) float64, the variance of the rows along each, largest first.
        total: the variance of the rows in all features together.
    """

    mean: NDArray[np.float64]
    directions: NDArray[np.float64]
    variance: NDArray[np.float64]
    total: float

    @property
    def explained(self) -> NDArray[np.float64]:
        """(c,) the share of the variance that each component has, 0 to 1; zeros where nothing varies."""
        return self.variance / self.total if self.total > 0 else np.zeros_like(self.variance)

    def project(self, values: Any) -> NDArray[np.float32]:
        """Rows as their coordinates along the components: (m, c) float32, C order.

        Args:
            values: (m, d) CSR matrix or array; a sparse one is not made dense.
        """
        placed = values.astype(np.float64) @ self.directions.T
        placed -= self.mean.reshape(1, -1) @ self.directions.T
        return np.ascontiguousarray(placed, dtype=np.float32)


def most_components(n_rows: int, width: int) -> int:
    """How many principal components `principal` can give."""
    # The iteration cannot give the last one.
    return min(n_rows, width) if width <= MAX_COVARIANCE else min(n_rows, width) - 1


def principal(values: Any, n_components: int, setting: str = "pca", way_out: str = "None for no PCA") -> Components:
    """The first principal components, by a solver without chance (or with a fixed seed) and with fixed signs.

    Args:
        values: (n, d) CSR matrix or array of finite numbers; a sparse one is not made dense.
        n_components: how many, 1 or more.
        setting: the recipe's name for ``n_components``, for the message.
        way_out: what to use besides a smaller number, for the message.

    Raises:
        RecipeError: there are not that many.
    """
    from sklearn.decomposition import PCA

    n_rows, width = values.shape
    most = most_components(n_rows, width)
    if n_components > most:
        raise RecipeError(
            f"{setting}={n_components} is not allowed: {n_rows:,} rows with {plural(width, 'feature')} have at most "
            f"{most:,} principal components. Use a smaller number, or {way_out}."
        )
    small = width <= MAX_COVARIANCE
    if n_rows == 1 or (not small and _all_equal(values)):
        # Nothing varies: the iteration would find no direction, and one row has no variance at all.
        mean = np.asarray(values[:1].sum(axis=0), dtype=np.float64).ravel()
        return Components(mean, np.eye(n_components, width), np.zeros(n_components), 0.0)
    solver = "covariance_eigh" if small else "arpack"
    with np.errstate(divide="ignore", invalid="ignore"):  # the shares of a variance of 0, which nobody reads
        fitted = PCA(n_components, svd_solver=solver, random_state=0).fit(values.astype(np.float64))
    # scikit-learn keeps shares; the total is what they are shares of.
    variance = np.array(fitted.explained_variance_)
    share = float(np.nansum(fitted.explained_variance_ratio_))
    total = float(variance.sum()) / share if share > 0 else 0.0
    return Components(np.array(fitted.mean_), np.array(fitted.components_), variance, total)


def _all_equal(values: Any) -> bool:
    low, high = values.min(axis=0), values.max(axis=0)
    if sparse.issparse(values):
        return bool((low != high).nnz == 0)
    return bool((low == high).all())
