"""The sorted k-distances of all points, with eps as a line to drag or to move by key.

The front end is ``segwidgets/frontend/src/kdistance.ts``; ``static/kdistance.js`` is built from it. The plot is
the one of Ester, Kriegel, Sander and Xu (1996), "A density-based algorithm for discovering clusters", section 4.2,
sorted upwards.
"""

from __future__ import annotations

import math
import pathlib
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets

from segwidgets.compute.guidance import Knee, decimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from segwidgets.compute.density import Profile


def _as_curve(k_distances: ArrayLike) -> NDArray[np.float64]:
    """(n,) finite distances from 0, ascending; ValueError otherwise."""
    array = np.asarray(k_distances)
    if array.ndim != 1:
        raise ValueError(f"k_distances have shape {array.shape}: give one distance per point, (n,).")
    if array.size and array.dtype.kind not in "fiu":
        raise ValueError(f"k_distances have dtype {array.dtype}: give numbers, for example float64.")
    values = array.astype(np.float64)
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        raise ValueError(f"{bad:,} of {len(values):,} k-distances are NaN or infinite: distances are finite.")
    if values.size and values.min() < 0:
        raise ValueError(f"k_distances go down to {values.min():g}: a distance is 0 or more.")
    if (np.diff(values) < 0).any():
        values.sort()
    return values


def _checked(name: str, value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise ValueError(
            f"{name}={value!r} is not allowed: it must be a finite number from 0, in the points' own units."
        )


def _check_plateau(plateau: tuple[float, float] | None) -> None:
    if plateau is not None and not (0 <= plateau[0] <= plateau[1] < math.inf):
        raise ValueError(
            f"plateau={tuple(plateau)!r} is not allowed: it must be the lowest and the highest eps, finite and from 0, "
            "or None for no band."
        )


def _as_rows(profile: Profile) -> bytes:
    """(n, 3) float32 of eps, clusters and noise share; ValueError where eps do not ascend."""
    eps = np.asarray(profile.eps, dtype=np.float64)
    if (np.diff(eps) <= 0).any():
        raise ValueError("the profile's eps do not ascend: give density.profile(…) of an ascending grid.")
    return np.column_stack([eps, profile.clusters, profile.noise]).astype("<f4").tobytes()


class KDistance(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget is followed as Any
    """The k-distance plot.

    Args:
        k_distances: (n,) distance of each point to its k-th neighbour, in any order. None for an empty plot.
        eps: Where the line stands; the trait ``eps`` follows the line, and the line follows the trait.
        k: Which neighbour, the point itself not counted. The share that the plot calls core is the share of points
            with a k-distance of at most eps: the core points of DBSCAN where k is min_samples - 1.
        knee: A knee of the curve to mark faintly (`guidance.Knee`, or its eps), or None: the plot says "no knee".
        height: Height of the widget in CSS pixels.

    Raises:
        ValueError: If the distances are not (n,) finite numbers from 0, or eps, k or knee is out of range.

    While the line is dragged the newest eps arrives about every 50 ms, and the last one always. An eps beyond the
    curve is shown at the edge of the plot and left as it is.
    """

    _esm = pathlib.Path(__file__).parent / "static" / "kdistance.js"

    curve = traitlets.Bytes(b"", help="float32 pairs: place in the sorted order, k-distance").tag(sync=True)
    n_points = traitlets.Int(0).tag(sync=True)
    k = traitlets.Int(10, min=0).tag(sync=True)
    knee = traitlets.Float(None, allow_none=True).tag(sync=True)
    knee_confidence = traitlets.Float(0.0, min=0.0, max=1.0).tag(sync=True)
    profile = traitlets.Bytes(b"", help="float32 rows of eps, clusters, noise share").tag(sync=True)
    plateau = traitlets.Tuple(
        traitlets.Float(), traitlets.Float(), default_value=None, allow_none=True, help="lowest and highest eps"
    ).tag(sync=True)
    eps = traitlets.Float(0.0).tag(sync=True)
    height = traitlets.Int(240, min=120, max=4000).tag(sync=True)

    def __init__(
        self,
        k_distances: ArrayLike | None = None,
        *,
        eps: float = 0.0,
        k: int = 10,
        knee: Knee | float | None = None,
        height: int = 240,
        **traits: Any,
    ) -> None:
        _checked("eps", eps)
        state = self._state([] if k_distances is None else k_distances, k, knee)
        super().__init__(eps=eps, height=height, **state, **traits)

    @staticmethod
    def _state(k_distances: ArrayLike, k: int, knee: Knee | float | None) -> dict[str, Any]:
        """The traits that show this curve, checked before any of them changes."""
        if k < 0:
            raise ValueError(f"k={k!r} is not allowed: it must be a whole number from 0.")
        at, confidence = (knee.value, knee.confidence) if isinstance(knee, Knee) else (knee, 0.0)
        _checked("knee", at)
        values = _as_curve(k_distances)
        places = decimate(values)
        pairs = np.empty((len(places), 2), dtype="<f4")
        pairs[:, 0] = places
        pairs[:, 1] = values[places]
        return {
            "curve": pairs.tobytes(),
            "n_points": len(values),
            "k": int(k),
            "knee": at,
            "knee_confidence": min(1.0, max(0.0, confidence)),
        }

    def set_curve(
        self,
        k_distances: ArrayLike,
        k: int,
        *,
        knee: Knee | float | None = None,
        profile: Profile | None = None,
        plateau: tuple[float, float] | None = None,
    ) -> None:
        """Show another curve in one message; eps stays.

        Args:
            k_distances: (n,) finite distances from 0, in any order; at most 2,000 of them travel, the extremes always.
            k: Which neighbour they are the distances to.
            knee: A knee of the curve to mark, or None.
            profile: Clusters and noise over ascending eps, drawn under the curve on the same axis; None for none.
            plateau: The eps between which the clustering stays much the same, marked as a band; None for none.

        Raises:
            ValueError: As for the constructor; nothing changes then.
        """
        state = self._state(k_distances, k, knee)
        state["profile"] = b"" if profile is None else _as_rows(profile)
        _check_plateau(plateau)
        state["plateau"] = plateau
        with self.hold_sync():
            for name, value in state.items():
                setattr(self, name, value)

    @traitlets.validate("eps")  # type: ignore[untyped-decorator]  # traitlets is followed as Any
    def _check_eps(self, proposal: dict[str, Any]) -> float:
        eps = float(proposal["value"])
        if not (math.isfinite(eps) and eps >= 0):
            raise traitlets.TraitError(f"eps={eps!r} is not allowed: it must be a finite number from 0.")
        return eps

    @traitlets.validate("plateau")  # type: ignore[untyped-decorator]  # traitlets is followed as Any
    def _check_band(self, proposal: dict[str, Any]) -> tuple[float, float] | None:
        plateau: tuple[float, float] | None = proposal["value"]
        try:
            _check_plateau(plateau)
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from None
        return plateau
