"""The distance of two rows to full precision, and the sorted list that the nearest ones are kept in.

Here and in the package's other kernels ``fastmath=False`` is said where it matters: numba hands a caller's fastmath
down to what it calls, and a distance must be the same bits whichever kernel asks for it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from segwidgets.compute.kernel import kernel
from segwidgets.compute.neighbors.rows import CORRELATION, EUCLIDEAN, HELLINGER, JACCARD, MANHATTAN


@kernel(fastmath=False)
def distance(code: int, A: Any, a: int, B: Any, b: int) -> Any:  # noqa: PLR0911 - a metric each
    """The distance of row ``a`` of ``A`` and row ``b`` of ``B`` (`Rows` of one storage), float32.

    Summed over differences in float64, so that near-duplicates keep their distance and duplicates are at 0, where a
    difference of sums would leave rounding. Cosine: for unit vectors ``1 - u.v = |u - v|^2 / 2``; correlation is that
    of centred rows, and Hellinger's is its root for the roots of shares. To a row without variation all but
    Euclid's and Manhattan's are undefined, and 1.
    """
    total = 0.0
    if code in (EUCLIDEAN, MANHATTAN):
        if B.dense.size > 0:
            if code == EUCLIDEAN:
                for c in range(B.width):
                    step = np.float64(A.dense[a, c]) - np.float64(B.dense[b, c])
                    total += step * step
                return np.float32(math.sqrt(total))
            for c in range(B.width):
                total += abs(np.float64(A.dense[a, c]) - np.float64(B.dense[b, c]))
            return np.float32(total)
    elif code == JACCARD:
        if A.sums[a] == 0 or B.sums[b] == 0:
            return np.float32(1)
    elif A.inverse[a] == 0 or B.inverse[b] == 0:
        return np.float32(1)
    if code == JACCARD:
        shared = 0.0
        if B.dense.size > 0:
            for c in range(B.width):
                shared += A.dense[a, c] * B.dense[b, c]
        else:
            # Without branches that depend on the data: they would be guessed wrong half the time.
            i, j = np.uint64(A.indptr[a]), np.uint64(B.indptr[b])
            end_a, end_b = np.uint64(A.indptr[a + 1]), np.uint64(B.indptr[b + 1])
            while i < end_a and j < end_b:
                left, right = A.indices[i], B.indices[j]
                shared += left == right
                i += np.uint64(left <= right)
                j += np.uint64(right <= left)
        return np.float32(1 - shared / (A.sums[a] + B.sums[b] - shared))
    # Only one scale is left to tell: a plain difference has the factors 1.
    plain = code in (EUCLIDEAN, MANHATTAN)
    scale_a = 1.0 if plain else A.inverse[a]
    scale_b = 1.0 if plain else B.inverse[b]
    shift = A.mean[a] * scale_a - B.mean[b] * scale_b
    if B.dense.size > 0:
        for c in range(B.width):
            step = A.dense[a, c] * scale_a - B.dense[b, c] * scale_b - shift
            total += step * step
    else:
        i, j = np.uint64(A.indptr[a]), np.uint64(B.indptr[b])
        end_a, end_b = np.uint64(A.indptr[a + 1]), np.uint64(B.indptr[b + 1])
        rest = B.width
        while i < end_a and j < end_b:
            left, right = A.indices[i], B.indices[j]
            mine, others = np.float64(left <= right), np.float64(right <= left)
            step = mine * (A.values[i] * scale_a) - others * (B.values[j] * scale_b) - shift
            i += np.uint64(left <= right)
            j += np.uint64(right <= left)
            total += abs(step) if code == MANHATTAN else step * step
            rest -= 1
        while i < end_a:
            step = A.values[i] * scale_a - shift
            i += np.uint64(1)
            total += abs(step) if code == MANHATTAN else step * step
            rest -= 1
        while j < end_b:
            step = B.values[j] * scale_b + shift
            j += np.uint64(1)
            total += abs(step) if code == MANHATTAN else step * step
            rest -= 1
        if code == CORRELATION:
            total += rest * shift * shift
    if code == EUCLIDEAN:
        return np.float32(math.sqrt(total))
    if code == MANHATTAN:
        return np.float32(total)
    if code == HELLINGER:
        return np.float32(math.sqrt(total / 2))
    return np.float32(total / 2)


@kernel(fastmath=False)
def insert(near: Any, index: Any, d: Any, row: int) -> bool:
    """Put a row into the list (k,) of the nearest, ordered by distance and index; False when it does not belong."""
    k = near.size
    last = k - 1
    if d > near[last] or (d == near[last] and row >= index[last]):
        return False
    j = last
    while j > 0 and (near[j - 1] > d or (near[j - 1] == d and index[j - 1] > row)):
        near[j] = near[j - 1]
        index[j] = index[j - 1]
        j -= 1
    near[j] = d
    index[j] = row
    return True
