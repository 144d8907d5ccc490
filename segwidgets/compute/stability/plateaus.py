"""The parts of a stability map in which every setting gives about the same segments: settings to take."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from segwidgets.compute.stability.map import StabilityMap

#: Agreement from which a setting counts as stable, noise and largest segment up to which it is of use.
AGREEMENT, NOISE, LARGEST = 0.9, 0.5, 0.9


@dataclasses.dataclass(frozen=True)
class Plateau:
    """A connected region of the map.

    ``eps`` and ``min_samples`` stand where the region reaches furthest in all directions; ``ari``, ``clusters`` and
    ``noise`` are what the map says there. ``cells``: how large it is, and from where to where it goes.
    """

    eps: float
    min_samples: int
    ari: float
    clusters: int
    noise: float
    cells: int
    eps_range: tuple[float, float]
    min_samples_range: tuple[int, int]


def plateaus(
    made: StabilityMap, *, agreement: float = AGREEMENT, noise: float = NOISE, largest: float = LARGEST
) -> tuple[Plateau, ...]:
    """The plateaus of a map, the largest first.

    Args:
        made: the map; cells that are not computed are on no plateau.
        agreement: mean ARI from which a cell counts.
        noise: share of noise up to which a cell counts.
        largest: share of rows in the largest segment up to which a cell counts: one giant segment is always stable.

    Cells that touch by a side are of one plateau where all rows' clusterings agree from one to the other as well: a
    ridge between two clusterings is not a way from one to the other.
    """
    mean = made.mean
    good = np.nan_to_num(mean, nan=-1.0) >= agreement
    good &= (made.noise <= noise) & (made.largest <= largest)
    number = np.arange(good.size).reshape(good.shape)
    across = (made.across >= agreement) & good[:, :-1] & good[:, 1:]
    along = (made.along >= agreement) & good[:-1] & good[1:]
    ends = (
        np.concatenate([number[:, :-1][across], number[:-1][along]]),
        np.concatenate([number[:, 1:][across], number[1:][along]]),
    )
    ways = coo_matrix((np.ones(len(ends[0]), bool), ends), (good.size, good.size))
    region = connected_components(ways, directed=False)[1].reshape(good.shape)
    found = [_plateau(made, mean, good & (region == one)) for one in np.unique(region[good])]
    return tuple(sorted(found, key=lambda one: (-one.cells, -one.ari, one.min_samples)))


def _plateau(made: StabilityMap, mean: npt.NDArray[np.float64], inside: npt.NDArray[np.bool_]) -> Plateau:
    # A border of cells that do not count: the edge of the map is an edge of the plateau too.
    depth = ndimage.distance_transform_cdt(np.pad(inside, 1), metric="chessboard")[1:-1, 1:-1]
    deepest = np.where(depth == depth.max(), mean, -1.0)
    row, column = (int(at) for at in np.unravel_index(int(deepest.argmax()), deepest.shape))
    rows, columns = np.nonzero(inside)
    eps, sizes = made.grid.eps, made.grid.min_samples
    return Plateau(
        eps=float(eps[column]),
        min_samples=int(sizes[row]),
        ari=float(mean[row, column]),
        clusters=int(made.clusters[row, column]),
        noise=float(made.noise[row, column]),
        cells=int(inside.sum()),
        eps_range=(float(eps[columns.min()]), float(eps[columns.max()])),
        min_samples_range=(int(sizes[rows.min()]), int(sizes[rows.max()])),
    )
