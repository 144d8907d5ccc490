"""The space of a sweep: what each setting may be, checked, and read the same way wherever the sweep runs."""

from __future__ import annotations

import dataclasses
import itertools
import numbers
from collections.abc import Mapping
from typing import Any

from segwidgets.data.errors import nearest
from segwidgets.recipe import Recipe, RecipeError
from segwidgets.sweeping.outcome import SETTINGS

#: Settings that are searched by their logarithm where their range spans a factor of ten or more.
_BY_RATIO = {"eps", "spread", "n_neighbors", "min_samples"}


@dataclasses.dataclass(frozen=True)
class Dimension:
    """A setting of a space: one of ``choices``, or a number from ``low`` to ``high``, both included.

    ``whole``: whole numbers only; ``by_ratio``: searched by its logarithm.
    """

    name: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    whole: bool = False
    by_ratio: bool = False

    @property
    def only(self) -> tuple[Any, ...]:
        """Its one value in a tuple, where there is no more than one; else nothing."""
        if self.choices:
            return self.choices if len(self.choices) == 1 else ()
        return (self.low,) if self.low == self.high else ()


def dimensions(space: Mapping[str, Any], start: Recipe) -> tuple[Dimension, ...]:
    """The space's settings; both ends of every range, and every value of every list, must be a recipe's.

    Raises:
        ValueError: the space is empty.
        RecipeError: a setting is unknown or out of range.
    """
    if not space:
        raise ValueError(
            'space is empty: name settings to try, such as {"n_neighbors": (5, 50), "min_samples": [5, 10]}.'
        )
    for name, values in space.items():
        _check(name, values)
        for value in values:
            start.replace(**{name: value})
    # Settings that only fit together (min_dist and spread) must fit in every corner.
    pairs = [(name, values) for name, values in space.items() if name in {"min_dist", "spread"}]
    for corner in itertools.product(*(values for _, values in pairs)):
        start.replace(**dict(zip((name for name, _ in pairs), corner, strict=True)))
    return tuple(_dimension(name, values) for name, values in space.items())


def _check(name: str, values: object) -> None:
    if name not in SETTINGS:
        raise RecipeError(
            f"{name!r} is no setting of a sweep.{nearest(name, SETTINGS)} Settings: {', '.join(SETTINGS)}."
        )
    if not isinstance(values, (tuple, list)) or not values:
        raise RecipeError(f"{name}={values!r} is not allowed in a space: give (low, high), or a list of values.")
    if isinstance(values, tuple) and (
        len(values) != 2 or not all(isinstance(one, numbers.Real) for one in values) or values[0] > values[1]
    ):
        raise RecipeError(
            f"{name}={values!r} is not allowed in a space: (low, high) must be two numbers, the lower first."
        )


def _dimension(name: str, values: Any) -> Dimension:
    if isinstance(values, list):
        return Dimension(name, choices=tuple(values))
    low, high = values
    by_ratio = low > 0 and high / low >= 10 and name in _BY_RATIO
    whole = all(isinstance(one, numbers.Integral) for one in values)
    return Dimension(name, low=low, high=high, whole=whole, by_ratio=by_ratio)
