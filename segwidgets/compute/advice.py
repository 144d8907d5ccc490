"""Guidance that says no: what should give pause about a clustering, and the change that mends it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from segwidgets.compute.density import DensityIndex
from segwidgets.compute.guidance import core_k

if TYPE_CHECKING:
    from segwidgets.result import Result

#: A plateau is looked for this far up and down, in steps of this ratio.
_FAR, _STEPS = 8.0, 400
#: The noise share may change this much on a plateau.
_NOISE = 0.02
#: A cliff: within this ratio of eps, this much of the noise or of the clusters changes.
_NEAR, _FALL, _BREAK = 1.05, 0.10, 0.25
_TRUSTED, _FOUND = 0.8, 0.9
_GIANT, _BARE = 0.9, 0.1
_NEARLY = 0.99


@dataclasses.dataclass(frozen=True)
class Advice:
    """``level``: "warn" or "note". ``code`` is stable. ``text`` names the value, why it matters and the way out.

    ``change`` are the settings that mend it, ``{name: value}``, or None where only the reader can tell.
    """

    level: Literal["warn", "note"]
    code: str
    text: str
    change: dict[str, Any] | None = None


def plateau(density: DensityIndex, eps: float, min_samples: int) -> tuple[float, float]:
    """How far eps can move before the clustering changes by more than a little.

    Args:
        density: of the map.
        eps: above 0.
        min_samples: counts the point itself.

    Returns:
        The lowest and highest eps around it, at most 8 times down and up, between which the number of clusters stays
        the same and the share of noise within 0.02 of what it is at ``eps``.
    """
    if not eps > 0:
        return (0.0, 0.0)
    # Odd, so that eps itself is in the middle.
    grid = eps * np.geomspace(1 / _FAR, _FAR, 2 * _STEPS + 1)
    grid[_STEPS] = eps
    profile = density.profile(grid, min_samples)
    same = (profile.clusters == profile.clusters[_STEPS]) & (np.abs(profile.noise - profile.noise[_STEPS]) <= _NOISE)
    other = np.flatnonzero(~same)
    low = int(other[other < _STEPS].max(initial=-1)) + 1
    high = int(other[other > _STEPS].min(initial=len(grid))) - 1
    return float(grid[low]), float(grid[high])


def advise(result: Result) -> tuple[Advice, ...]:
    """What should give pause about a result with its scores, the gravest first; empty where all is well."""
    checks: tuple[Callable[[Result], Advice | None], ...] = (
        _bare, _giant, _untrusted, _few_samples, _core, _cliff, _missed,
    )  # fmt: skip
    found = [advice for check in checks if (advice := check(result)) is not None]
    return tuple(sorted(found, key=lambda one: one.level != "warn"))


def _settings(result: Result) -> tuple[float, int]:
    c = result.recipe.clustering
    return float(c.eps or 0), c.min_samples


def _suggested(result: Result) -> dict[str, Any] | None:
    """The eps that the density profile suggests, where it is another one."""
    eps, min_samples = _settings(result)
    suggested = result.density.suggest_eps(min_samples)
    return {"eps": suggested} if abs(suggested / eps - 1) > 0.01 else None


def _bare(result: Result) -> Advice | None:
    if result.scores.coverage >= _BARE:
        return None
    eps, min_samples = _settings(result)
    return Advice(
        "warn",
        "noise",
        f"Nearly everything is noise ({1 - result.scores.coverage:.0%}): eps = {eps:.4g} is too small for "
        f"min_samples = {min_samples}. Scores of the rest say little. Take a larger eps or a smaller min_samples.",
        _suggested(result),
    )


def _giant(result: Result) -> Advice | None:
    if result.scores.largest < _GIANT:
        return None
    eps, _ = _settings(result)
    return Advice(
        "warn",
        "giant",
        f"One segment holds {result.scores.largest:.0%} of all rows: at eps = {eps:.4g} nearly everything hangs "
        "together. Take a smaller eps, or a map with fewer n_neighbors.",
        _suggested(result),
    )


def _few_samples(result: Result) -> Advice | None:
    dims = result.embedding.shape[1]
    least = max(3, dims + 1)
    _, min_samples = _settings(result)
    if min_samples >= least or result.density.n < least:
        return None
    return Advice(
        "warn",
        "min_samples",
        f"min_samples = {min_samples} is below {least}: in {dims} dimensions fewer than {least} points make no "
        "density, and chains of single points become segments. Take at least "
        f"{least}, better {2 * dims}.",
        {"min_samples": least},
    )


def _core(result: Result) -> Advice | None:
    eps, min_samples = _settings(result)
    core = float(np.mean(result.density.k_distances(core_k(min_samples)) <= eps)) if min_samples > 1 else 1.0
    if core > _NEARLY:
        return Advice(
            "note",
            "all-core",
            f"{core:.1%} of the points are core points at eps = {eps:.4g}: hardly anybody is noise, and segments touch "
            "easily. A smaller eps shows whether they hold together.",
        )
    if core < 1 - _NEARLY:
        return Advice(
            "warn",
            "no-core",
            f"Only {core:.1%} of the points are core points: min_samples = {min_samples} asks for more neighbours than "
            f"eps = {eps:.4g} reaches. Take a larger eps.",
            _suggested(result),
        )
    return None


def _cliff(result: Result) -> Advice | None:
    eps, min_samples = _settings(result)
    near = result.density.profile(np.array([eps / _NEAR, eps, eps * _NEAR]), min_samples)
    noise = float(np.abs(near.noise - near.noise[1]).max())
    clusters = float(np.abs(near.clusters - near.clusters[1]).max()) / max(1, int(near.clusters[1]))
    largest = float(np.abs(near.largest - near.largest[1]).max())
    if noise <= _FALL and largest <= _FALL and (clusters <= _BREAK or near.clusters[1] < 4):
        return None
    return Advice(
        "warn",
        "cliff",
        f"eps = {eps:.4g} stands on a cliff: 5 % up or down gives {near.clusters.min():,} to {near.clusters.max():,} "
        f"segments and {near.noise.min():.0%} to {near.noise.max():.0%} noise. Move it to the middle of a plateau.",
        _suggested(result),
    )


def _untrusted(result: Result) -> Advice | None:
    trust = result.scores.trustworthiness
    if trust is None or trust.value >= _TRUSTED:
        return None
    return Advice(
        "warn",
        "trust",
        f"The map is not to be trusted: its trustworthiness is {trust.value:.2f}, below {_TRUSTED}. Neighbours on it "
        "are often none in the data, so segments may be the map's invention. Try more n_neighbors, or another metric.",
    )


def _missed(result: Result) -> Advice | None:
    recall = result.scores.recall
    if recall is None or recall.value >= _FOUND:
        return None
    return Advice(
        "warn",
        "recall",
        f"The map was made from {recall.value:.0%} of the true neighbours only, below {_FOUND:.0%}. "
        "Fewer columns, by Features(pca=50), make them easier to find.",
    )
