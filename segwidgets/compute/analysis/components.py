"""Principal components of the features: how much each explains, which are more than chance, and what is in them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from segwidgets.compute.features.components import MAX_COVARIANCE, most_components, principal
from segwidgets.compute.progress import Tick, no_tick
from segwidgets.data.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Components of features too wide for a d x d matrix at most.
_MOST_OF_WIDE = 50
#: Components whose features are told.
_TOLD = 10
#: Shares of the variance that are asked for.
TARGETS = (0.8, 0.9, 0.95)
#: Tables of permuted columns, and the quantile of their variances that a component must exceed.
REPEATS, QUANTILE = 20, 0.95


@dataclasses.dataclass(frozen=True)
class Loading:
    """A feature's ``weight`` in a component (its squares sum to 1), and its ``correlation`` with it."""

    feature: str
    weight: float
    correlation: float


@dataclasses.dataclass(frozen=True, eq=False)
class ComponentAnalysis:
    """The principal components of some features.

    Attributes:
        explained: (c,) the share of the variance that each explains, the largest first.
        chance: (c,) the share that it would have to exceed: the 95 % quantile among tables of permuted columns.
        kept: how many from the first on exceed it (Horn's parallel analysis).
        needed: for each of `TARGETS`, how many components reach it; None where more are needed than were computed.
        loadings: the features of the first components, the largest weight first.
        width: how many features.
        repeats: how many permuted tables.
    """

    explained: NDArray[np.float64]
    chance: NDArray[np.float64]
    kept: int
    needed: tuple[int | None, ...]
    loadings: tuple[tuple[Loading, ...], ...]
    width: int
    repeats: int


def components(
    values: Any,
    names: Sequence[str],
    *,
    repeats: int = REPEATS,
    top: int = 5,
    seed: int = 0,
    tick: Tick = no_tick,
) -> ComponentAnalysis:
    """Principal components with parallel analysis (Horn, "A rationale and test for the number of factors", 1965).

    Each column is permuted for itself, so that the permuted tables have the columns' distributions and no
    correlations; a sparse column is permuted by drawing other rows for its entries, and stays sparse.

    Args:
        values: (n, d) CSR matrix or array of finite numbers, as features are before PCA.
        names: d names.
        repeats: permuted tables, 1 to 1,000.
        top: features told of a component.
        seed: of the permutations.
        tick: told the share done; may raise `Cancelled`.

    Raises:
        DataError: fewer than two rows, or features that do not vary.
        ValueError: an argument is out of range.
    """
    if not 1 <= repeats <= 1000:
        raise ValueError(f"repeats={repeats!r} is not allowed: it must be a whole number from 1 to 1000.")
    n_rows, width = values.shape
    if n_rows < 2:
        raise DataError(f"{n_rows} row has no principal components: read at least two rows.")
    most = most_components(n_rows, width)
    count = most if width <= MAX_COVARIANCE else min(most, _MOST_OF_WIDE)
    found = principal(values, count)
    if found.total <= 0:
        raise DataError("the features do not vary, so they have no principal components: look at table.checks.")
    share = 1.0 / (1 + repeats)
    tick(share)
    rng = np.random.default_rng(seed)
    by_chance = np.empty((repeats, count))
    for repeat in range(repeats):
        by_chance[repeat] = _variances(_permuted(values, rng), count)
        tick(share * (repeat + 2))
    chance = np.quantile(by_chance, QUANTILE, axis=0)
    beyond = found.variance > chance * (1 + 1e-9)
    kept = count if beyond.all() else int(np.argmin(beyond))
    reached = np.cumsum(found.explained)
    needed = tuple(int(np.argmax(reached >= goal)) + 1 if reached[-1] >= goal else None for goal in TARGETS)
    deviation = np.sqrt(_column_variances(values))
    told = range(min(count, _TOLD))
    loadings = tuple(_loadings(found.directions[at], found.variance[at], deviation, names, top) for at in told)
    return ComponentAnalysis(found.explained, chance / found.total, kept, needed, loadings, width, repeats)


def _permuted(values: Any, rng: np.random.Generator) -> Any:
    if not sparse.issparse(values):
        return rng.permuted(values, axis=0)
    columns = values.tocsc()
    n_rows = columns.shape[0]
    rows = np.empty_like(columns.indices)
    for start, stop in zip(columns.indptr[:-1], columns.indptr[1:], strict=True):
        # In no order, so that which value comes to which row is drawn too.
        rows[start:stop] = rng.choice(n_rows, stop - start, replace=False)
    return sparse.csc_matrix((columns.data, rows, columns.indptr), shape=columns.shape).tocsr()


def _variances(values: Any, count: int) -> NDArray[np.float64]:
    """(count,) variances along the first principal components, without the components where that is quicker."""
    from scipy.linalg import eigvalsh

    n_rows, width = values.shape
    if width > MAX_COVARIANCE:
        return principal(values, count).variance
    wide = values.astype(np.float64)
    mean = np.asarray(wide.mean(axis=0), dtype=np.float64).ravel()
    if sparse.issparse(wide):
        products = (wide.T @ wide).toarray() - n_rows * np.outer(mean, mean)
    else:
        wide -= mean
        products = wide.T @ wide
    found: NDArray[np.float64] = eigvalsh(products / (n_rows - 1))[::-1][:count]
    positive: NDArray[np.float64] = np.maximum(found, 0.0)
    return positive


def _column_variances(values: Any) -> NDArray[np.float64]:
    n_rows = values.shape[0]
    if sparse.issparse(values):
        wide = values.astype(np.float64)
        mean = np.asarray(wide.mean(axis=0)).ravel()
        square = np.asarray(wide.multiply(wide).sum(axis=0)).ravel()
        found: NDArray[np.float64] = np.maximum(square - n_rows * mean**2, 0.0) / (n_rows - 1)
        return found
    return np.asarray(values.var(axis=0, ddof=1, dtype=np.float64))


def _loadings(
    direction: NDArray[np.float64],
    variance: float,
    deviation: NDArray[np.float64],
    names: Sequence[str],
    top: int,
) -> tuple[Loading, ...]:
    best = np.argsort(-np.abs(direction), kind="stable")[:top]
    told = []
    for at in best.tolist():
        with_it = float(direction[at] * np.sqrt(variance) / deviation[at]) if deviation[at] > 0 else 0.0
        told.append(Loading(names[at], float(direction[at]), float(np.clip(with_it, -1.0, 1.0))))
    return tuple(told)
