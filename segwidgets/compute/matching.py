"""Which segment of one clustering is which of another, and who moved between them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from segwidgets.compute.scores.counts import adjusted_rand_index
from segwidgets.compute.scores.estimate import checked_labels

Labels = npt.NDArray[np.integer[Any]]


@dataclasses.dataclass(frozen=True, eq=False)
class Matching:
    """Pairs of segments that share the most rows, each segment in one pair at most.

    ``before`` (segments after,) int64: the segment before that each is, or -1. ``jaccard`` (segments after,) float64:
    rows in both over rows in either, 0 for a segment without a partner.
    """

    before: npt.NDArray[np.int64]
    jaccard: npt.NDArray[np.float64]

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """(before, after) of every pair, by the number after."""
        return tuple((int(one), after) for after, one in enumerate(self.before) if one >= 0)


@dataclasses.dataclass(frozen=True, eq=False)
class Comparison:
    """Two clusterings of the same rows beside each other.

    ``ari``: the adjusted Rand index (Hubert and Arabie 1985), noise as a segment of its own. ``moved``: rows in another
    segment than the partner of theirs, noise left out. ``joined_noise``, ``left_noise``: rows that went into noise and
    out of it. ``flows``: (segment in a, segment in b, rows) of all rows that are elsewhere now, the most first, -1 for
    noise. ``sizes_a``, ``sizes_b``: rows by segment. ``matching``: from a to b.
    """

    ari: float
    moved: int
    joined_noise: int
    left_noise: int
    flows: tuple[tuple[int, int, int], ...]
    sizes_a: tuple[int, ...]
    sizes_b: tuple[int, ...]
    matching: Matching


def _both(before: npt.ArrayLike, after: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    one = checked_labels(before)
    other = checked_labels(after, len(one))
    return np.maximum(one, -1), np.maximum(other, -1)


def _shared(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> csr_matrix:
    """(segments before, segments after): rows in both."""
    kept = (one >= 0) & (other >= 0)
    shape = (int(one.max(initial=-1)) + 1, int(other.max(initial=-1)) + 1)
    table: csr_matrix = coo_matrix((np.ones(kept.sum(), np.int64), (one[kept], other[kept])), shape).tocsr()
    return table


def match(before: npt.ArrayLike, after: npt.ArrayLike) -> Matching:
    """The pairing of segments that leaves the most rows in their segment (Kuhn 1955).

    Segments that share no row are never a pair. The assignment is solved on the overlaps that there are (Jonker and
    Volgenant 1987, for sparse matrices), so memory grows with them and not with the product of the numbers of segments.

    Args:
        before: (n,) whole numbers, below 0 for noise.
        after: (n,) likewise, of the same rows.

    Raises:
        ValueError: shapes do not match, or labels are no whole numbers.
    """
    one, other = _both(before, after)
    shared = _shared(one, other)
    rows, columns = shared.shape
    partner = np.full(columns, -1, np.int64)
    both = shared.tocoo()
    # Each segment before also has a column of its own, so that it may stay alone. One row more on every edge changes no
    # choice, for each segment takes exactly one, and makes staying alone an edge that is stored.
    itself = np.arange(rows)
    edges = np.concatenate([both.data + 1, np.ones(rows, np.int64)]).astype(np.float64)
    places = (np.concatenate([both.row, itself]), np.concatenate([both.col, columns + itself]))
    table = coo_matrix((edges, places), (rows, columns + rows)).tocsr()
    mine, theirs = min_weight_full_bipartite_matching(table, maximize=True) if rows else (itself, itself)
    paired = theirs < columns
    partner[theirs[paired]] = mine[paired]
    size_one = np.bincount(one[one >= 0], minlength=rows)
    size_other = np.bincount(other[other >= 0], minlength=columns)
    jaccard = np.zeros(columns)
    found = np.flatnonzero(partner >= 0)
    if len(found):
        common = np.asarray(shared[partner[found], found]).ravel()
        jaccard[found] = common / (size_one[partner[found]] + size_other[found] - common)
    return Matching(partner, jaccard)


def renumber(after: npt.ArrayLike, matching: Matching) -> npt.NDArray[np.int32]:
    """(n,) int32: the same partition under the numbers that its segments had before; new ones take free numbers.

    Raises:
        ValueError: ``after`` has segments that the matching does not know.
    """
    labels = np.maximum(checked_labels(after), -1)
    partner = matching.before
    if labels.max(initial=-1) >= len(partner):
        raise ValueError(
            f"labels go up to {labels.max()}, but the matching knows segments 0 to {len(partner) - 1}: "
            "match(before, after) with these labels as `after` first."
        )
    taken = set(partner[partner >= 0].tolist())
    free = (number for number in range(len(partner) + len(taken) + 1) if number not in taken)
    place = np.array([-1, *(one if one >= 0 else next(free) for one in partner.tolist())], np.int32)
    renumbered: npt.NDArray[np.int32] = place[labels + 1]
    return renumbered


def compare(a: npt.ArrayLike, b: npt.ArrayLike) -> Comparison:
    """Two clusterings of the same rows: how alike they are, and who moved.

    Raises:
        ValueError: shapes do not match, or labels are no whole numbers.
    """
    one, other = _both(a, b)
    matching = match(one, other)
    home = np.append(matching.before, -1)[other]  # the last entry is noise's
    elsewhere = (one != home) | ((one < 0) != (other < 0))
    wide = len(matching.before) + 1
    pairs, counts = np.unique((one[elsewhere] + 1) * wide + other[elsewhere] + 1, return_counts=True)
    most = np.argsort(-counts, kind="stable")
    flows = tuple((int(pairs[i] // wide) - 1, int(pairs[i] % wide) - 1, int(counts[i])) for i in most)
    noise = (one < 0, other < 0)
    return Comparison(
        ari=float(adjusted_rand_index(one, other)),
        moved=int((elsewhere & ~noise[0] & ~noise[1]).sum()),
        joined_noise=int((~noise[0] & noise[1]).sum()),
        left_noise=int((noise[0] & ~noise[1]).sum()),
        flows=flows,
        sizes_a=tuple(np.bincount(one[one >= 0]).tolist()),
        sizes_b=tuple(np.bincount(other[other >= 0]).tolist()),
        matching=matching,
    )
