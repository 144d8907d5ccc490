from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segwidgets.tracking.front import front

# Few different values, so that rows are equal, or equal in one column, as well.
_VALUES = st.sampled_from([-np.inf, -1.0, 0.0, 0.1 + 0.2, 0.3, 1e300, np.inf, np.nan])
_TABLES = st.tuples(st.integers(0, 25), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=_VALUES)
)


def _beaten(row: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> bool:
    return any(bool((other >= row).all() and (other > row).any()) for other in others)


@settings(max_examples=400, deadline=None)
@given(_TABLES)
def test_the_front_is_what_its_definition_says(values: npt.NDArray[np.float64]) -> None:
    whole = values[~np.isnan(values).any(axis=1)]
    expected = [not np.isnan(row).any() and not _beaten(row, whole) for row in values]
    assert front(values).tolist() == expected


def test_equal_rows_stand_together() -> None:
    assert front(np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 1.0]])).tolist() == [True, True, False]
