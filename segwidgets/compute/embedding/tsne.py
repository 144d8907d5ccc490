"""t-SNE (van der Maaten and Hinton 2008) through openTSNE (Poličar, Stražar and Zupan 2024), on our neighbours."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from segwidgets.compute.neighbors import Neighbors, neighbors
from segwidgets.compute.progress import Tick, no_tick
from segwidgets.data.errors import missing_extra

FloatArray = npt.NDArray[np.float32]

#: openTSNE's defaults: 250 iterations with attraction times 12, then 500 without.
DEFAULT_EPOCHS = 750
_EARLY_SHARE = 1 / 3
_EARLY_MOST = 250
_EXAGGERATION = 12.0
_MOMENTUM = 0.8
#: Below so many rows the tree is quicker than the interpolation on a plane, by openTSNE's own rule.
_INTERPOLATE_FROM = 10_000
#: Where it starts: this wide, as openTSNE has it (wider starts converge worse), with 1 % of it shaken.
_START_WIDTH = 1e-4
_SHAKEN = 0.01
#: Rows and iterations between two looks at a cancellation: about 100 ms' work on two cores. Each look costs the error.
_ROWS_A_LOOK = 10_000


def perplexity_of(n_neighbors: int) -> float:
    """The perplexity that goes with n_neighbors: a third of it, as t-SNE looks at three times its perplexity."""
    return max(1.0, n_neighbors / 3)


def tsne(
    X_or_neighbors: Any,
    n_components: int,
    *,
    perplexity: float,
    metric: str,
    seed: int,
    n_epochs: int | None = None,
    begin: FloatArray | None = None,
    tick: Tick = no_tick,
) -> FloatArray:
    """The map of t-SNE: repulsion by interpolation on a plane of many rows, by a tree (Barnes-Hut) elsewhere.

    Args:
        X_or_neighbors: (n, d) features, whose 3 x perplexity neighbours (itself counted) are then searched; or the
            neighbours, all of which are used.
        n_components: 2 or 3.
        perplexity: how many neighbours count, see `perplexity_of`; below the number of neighbours given.
        metric: of the search, where features are given.
        seed: of the start, where none is given, of its shaking and of the search.
        n_epochs: iterations, 750 by default; a third of them (250 at most) with exaggerated attraction.
        begin: (n, n_components) where it starts, of any scale: a PCA or another map; else a seeded normal cloud.
        tick: told the share done about every 100 ms; may raise `Cancelled`.

    Returns:
        (n, n_components) float32, C order; bit for bit the same for the same input and any number of threads.

    Raises:
        MissingExtraError: openTSNE is not installed.
        ValueError: the perplexity needs more neighbours than there are, or ``begin`` has another shape.
    """
    try:
        opentsne, affinity = importlib.import_module("openTSNE"), importlib.import_module("openTSNE.affinity")
    except ImportError as error:
        raise missing_extra("tsne", "method='tsne'") from error
    given = isinstance(X_or_neighbors, Neighbors)
    share = 0.0 if given else 0.3
    if given:
        found = X_or_neighbors
    else:
        k = min(X_or_neighbors.shape[0], max(2, math.ceil(3 * perplexity)))
        found = neighbors(X_or_neighbors, k, metric, seed=seed, tick=lambda done: tick(share * done))
    n, k = found.indices.shape
    if not 1 <= perplexity <= k - 1:
        raise ValueError(
            f"perplexity={perplexity:g} is not allowed: with {k - 1} neighbours of each row it must be from 1 to "
            f"{k - 1}. Take a larger n_neighbors; a third of it is the usual perplexity."
        )
    points = _start(begin, n, n_components, seed)
    tick(share)
    threads = _threads()
    # The row itself is its first neighbour, and has no part in its own affinities.
    joint = affinity.joint_probabilities_nn(
        found.indices[:, 1:], found.distances[:, 1:], [float(perplexity)], n_jobs=threads
    )
    plane = n_components == 2 and n >= _INTERPOLATE_FROM
    every = max(1, _ROWS_A_LOOK // n)
    embedding = opentsne.TSNEEmbedding(
        points,
        affinity.PrecomputedAffinities(joint, normalize=False),
        negative_gradient_method="fft" if plane else "bh",
        random_state=seed,
        n_jobs=threads,
        momentum=_MOMENTUM,
        learning_rate="auto",
        callbacks_every_iters=every,
    )
    total = n_epochs or DEFAULT_EPOCHS
    early = min(_EARLY_MOST, round(_EARLY_SHARE * total))

    def look(before: int) -> Any:
        def called(iteration: int, _error: float, _points: object) -> bool:
            tick(share + (1 - share) * (before + iteration) / total)
            return False

        return called

    if early:
        embedding = embedding.optimize(early, inplace=True, exaggeration=_EXAGGERATION, callbacks=[look(0)])
    embedding = embedding.optimize(total - early, inplace=True, callbacks=[look(early)])
    tick(1.0)
    return np.ascontiguousarray(embedding, dtype=np.float32)


def _start(begin: FloatArray | None, n: int, n_components: int, seed: int) -> npt.NDArray[np.float64]:
    random = np.random.default_rng(seed)
    shape = (n, n_components)
    if begin is None:
        return random.normal(scale=_START_WIDTH, size=shape)
    if begin.shape != shape:
        raise ValueError(f"begin has the shape {begin.shape}, and these rows and n_components need {shape}.")
    points: npt.NDArray[np.float64] = begin.astype(np.float64) - begin.mean(axis=0, dtype=np.float64)
    width = points[:, 0].std()
    if width > 0:
        points *= _START_WIDTH / width
    # Points at the very same place would stay together: no force between them has a direction.
    points += random.normal(scale=_SHAKEN * _START_WIDTH, size=shape)
    return points


def _threads() -> int:
    import numba

    return int(numba.get_num_threads())
