"""Maps are turned onto each other without changing a distance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from segwidgets.compute.embedding import aligned


@given(st.integers(0, 10_000), st.sampled_from([2, 3]), st.booleans())
def test_a_turned_mirrored_and_moved_map_comes_back(seed: int, dims: int, mirrored: bool) -> None:
    random = np.random.default_rng(seed)
    points = random.normal(size=(50, dims)).astype(np.float32)
    turn = np.linalg.qr(random.normal(size=(dims, dims)))[0]
    if mirrored:
        turn[:, 0] *= -1
    moved = (points @ turn + random.normal(size=dims) * 5).astype(np.float32)
    np.testing.assert_allclose(aligned(moved, points), points, atol=1e-4)


def test_nothing_is_stretched() -> None:
    random = np.random.default_rng(0)
    points = random.normal(size=(40, 3)).astype(np.float32)
    turned = aligned(points, 7 * random.normal(size=(40, 3)).astype(np.float32))
    np.testing.assert_allclose(pdist(turned), pdist(points), rtol=1e-4)
    assert turned.dtype == np.float32


def test_points_in_one_place_are_moved_there() -> None:
    same = np.ones((5, 3), np.float32)
    np.testing.assert_allclose(aligned(same, same + 2), same + 2)


def test_maps_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="equal shapes"):
        aligned(np.zeros((5, 3), np.float32), np.zeros((5, 2), np.float32))
