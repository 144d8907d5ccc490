"""What segments are: how they differ, what to call them, what rules tell them apart, what rows stand for them."""

from segwidgets.compute.segments.description import (
    CAVEAT,
    FLOOR,
    LEVEL,
    Difference,
    SegmentDescription,
    SegmentDescriptions,
    describe,
)
from segwidgets.compute.segments.effects import Effect, adjusted, cliffs_delta, cohens_d, cohens_h
from segwidgets.compute.segments.examples import Examples, examples
from segwidgets.compute.segments.rules import Explanation, Rule, explain

__all__ = [
    "CAVEAT", "FLOOR", "LEVEL", "Difference", "Effect", "Examples", "Explanation", "Rule", "SegmentDescription",
    "SegmentDescriptions", "adjusted", "cliffs_delta", "cohens_d", "cohens_h", "describe", "examples", "explain",
]  # fmt: skip
