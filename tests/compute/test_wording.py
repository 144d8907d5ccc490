"""Numbers as people read them."""

from __future__ import annotations

import pytest

from segwidgets.compute.wording import readable


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (52_341.7, "52,342"),
        (-1_234_567.0, "-1,234,567"),
        (999.96, "1,000"),
        (3.14159, "3.142"),
        (0.5, "0.5"),
        (0.0, "0"),
        (0.000012345, "1.234e-05"),
        (1e300, "1e+300"),
        (float("nan"), "nan"),
    ],
)
def test_a_number_has_four_digits_and_no_power_of_ten_where_none_is_needed(value: float, words: str) -> None:
    assert readable(value) == words
