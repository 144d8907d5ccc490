"""A 3-D or 2-D point cloud in a notebook cell, coloured by segment: WebGL2, binary arrays only.

The front end is ``segwidgets/frontend/src/pointcloud.ts``; ``static/pointcloud.js`` is built from it.
"""

from __future__ import annotations

import math
import pathlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import anywidget
import numpy as np
import traitlets

from segwidgets.panel import wire

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from segwidgets.compute.density import Portable

Kind = Literal["segment", "number", "category", "trust"]
KINDS: tuple[Kind, ...] = ("segment", "number", "category", "trust")

#: Up to so many points all arrays are part of the widget's state (at most 4 MB), which a saved notebook keeps.
KEPT_POINTS = 100_000
#: Seconds after which a browser that shows the widget listens. Before, arrays wait to be asked for, or they would
#: travel twice.
_LISTENS_AFTER = 1.0
_BY_SEGMENT: dict[str, Any] = {"by": "segment", "kind": "segment"}


def _bytes(value: Any, _: Any) -> bytes:
    """A binary trait from the browser comes as a view of the message."""
    return bytes(value or b"")


def _checked_eps(value: float) -> float:
    eps = float(value)
    if not (math.isfinite(eps) and eps >= 0):
        raise traitlets.TraitError(f"eps={eps!r} is not allowed: it must be a finite number from 0.")
    return eps


class PointCloud(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget is followed as Any
    """Points that turn, move and scale in the browser, in colours that colour-blind people tell apart.

    Args:
        points: (n, 3), or (n, 2) shown flat; finite numbers, sent as float32, and above 2,000,000 points in 65,536
            steps on each axis: that concerns the picture only. None for an empty cloud.
        labels: (n,) integers, -1 for noise and 0, 1, … for segments. None shows all points in one colour.
        height: Height of the widget in CSS pixels.
        caption: A sentence over the lower left corner, such as what the points are a sample of.

    Attributes:
        eps: With an index (`set_index`) the browser labels the points by itself at this eps, whichever side moves it.
        point_size: Side of a point in CSS pixels; 0 chooses it by the number of points.
        opacity: Of a point, up to 1; 0 chooses it.
        colour_choices: Names offered in a list over the legend; `on_colour` hears what is chosen.
        still: The last picture, PNG, at most 640 pixels wide; empty until a browser has drawn one.

    Raises:
        ValueError: If the points or labels have the wrong shape or dtype, or hold NaN or infinite values.

    A second view, or a page loaded again, shows the same state. Up to 100,000 points it is saved with the notebook,
    where JupyterLab is told to save widget state; above, the browser asks the kernel for the arrays and shows ``still``
    until they come. The traits that are not named here are the wire format.
    """

    _esm = pathlib.Path(__file__).parent / "static" / "pointcloud.js"

    # What is known of each array: version, bytes an element, and whether the trait of its name holds it.
    arrays = traitlets.Dict().tag(sync=True)
    points = traitlets.Bytes(b"").tag(sync=True)
    labels = traitlets.Bytes(b"").tag(sync=True)
    index = traitlets.Bytes(b"").tag(sync=True)
    values = traitlets.Bytes(b"").tag(sync=True)
    view_key = traitlets.Int(0).tag(sync=True)
    eps = traitlets.Float(0.0).tag(sync=True)
    names = traitlets.List().tag(sync=True)
    hues = traitlets.Dict().tag(sync=True)
    colouring = traitlets.Dict(_BY_SEGMENT).tag(sync=True)
    colour_choices = traitlets.List(traitlets.Unicode()).tag(sync=True)
    picked = traitlets.Bytes(b"").tag(sync=True, from_json=_bytes)
    describes = traitlets.Bool(False).tag(sync=True)  # noqa: FBT003 - a trait's default has no name
    still = traitlets.Bytes(b"").tag(sync=True, from_json=_bytes, echo_update=False)
    look = traitlets.Dict().tag(sync=True)
    caption = traitlets.Unicode("").tag(sync=True)
    height = traitlets.Int(480, min=120, max=4000).tag(sync=True)
    point_size = traitlets.Float(0.0, min=0.0, max=64.0).tag(sync=True)
    opacity = traitlets.Float(0.0, min=0.0, max=1.0).tag(sync=True)

    def __init__(
        self,
        points: ArrayLike | None = None,
        labels: ArrayLike | None = None,
        *,
        height: int = 480,
        caption: str = "",
        **traits: Any,
    ) -> None:
        if points is None and labels is not None:
            raise ValueError("labels were given without points: give both, or set_points first.")
        arrays = {} if points is None else self._encoded(points, labels)
        self._large: dict[str, bytes] = {}
        self._lock = threading.RLock()
        self._versions = 0
        self._heard_of_browser = False
        self._born = time.monotonic()
        self._describe: Callable[[int], Sequence[tuple[str, str]]] | None = None
        self._renamed: list[Callable[[list[int], str], None]] = []
        self._coloured: list[Callable[[str], None]] = []
        about, kept = self._placed({}, arrays)
        super().__init__(height=height, caption=caption, arrays=about, **kept, **traits)
        self.on_msg(self._hear)

    # -- points and labels ---------------------------------------------------------------------------------------------

    @property
    def n_points(self) -> int:
        """How many points are shown."""
        return int(self.arrays.get("points", {}).get("count", 0))

    @property
    def dimensions(self) -> int:
        """2 or 3."""
        return int(self.arrays.get("points", {}).get("dimensions", 3))

    @property
    def label_bytes(self) -> int:
        """Bytes a label takes on the way."""
        return int(self.arrays.get("labels", {}).get("width", 1))

    def set_points(
        self,
        points: ArrayLike,
        labels: ArrayLike | None = None,
        caption: str = "",
        *,
        keep_view: bool = False,
    ) -> None:
        """Show other points, with their labels and caption, in one message; an index and other colours are dropped.

        Args:
            points: (n, 3) or (n, 2) finite numbers.
            labels: (n,) integers from -1, or None for points in one colour: labels never outlive their points.
            caption: What the points are; replaces the former caption.
            keep_view: Leave the camera where the user put it, because these points refine the former ones. Otherwise
                the camera fits the new cloud, and what was hidden or isolated in the legend is shown again.

        Raises:
            ValueError: As for the constructor; nothing changes then.
        """
        arrays = self._encoded(points, labels)
        traits: dict[str, Any] = {"caption": caption, "colouring": dict(_BY_SEGMENT)}
        if arrays["points"][1]["count"] != self.n_points:  # rows are other rows now
            traits |= {"hues": {}, "picked": b""}
        if not keep_view:
            traits["view_key"] = self.view_key + 1
        self._send_arrays({"labels": None, "index": None, "values": None, **arrays}, traits)

    def set_labels(self, labels: ArrayLike) -> None:
        """Colour the points by segment: (n,) integers, -1 for noise. An index is dropped: these labels count.

        1 byte per point travels up to 255 segments, 2 up to 65,535, else 4. Segments keep the colours of the former
        ones, matched so that as many points as possible keep theirs.

        Raises:
            ValueError: If the length is not ``n_points``, or the labels are no integers from -1; nothing changes then.
        """
        packed, width = wire.packed_labels(labels, self.n_points)
        self._send_arrays({"labels": (packed, {"width": width}), "index": None})

    # -- cuts in the browser -------------------------------------------------------------------------------------------

    def set_index(self, index: Portable | None, eps: float) -> None:
        """Let the browser label the points by itself, now at ``eps`` and from then on at every `eps`, 20 bytes a point.

        Labels are then those of ``DensityIndex.labels`` at the float32 next to eps, and colours follow each cluster's
        anchor.

        Args:
            index: ``DensityIndex.portable()`` of the rows that are shown; None goes back to the last labels.
            eps: A finite number from 0.

        Raises:
            ValueError: The index is of another number of rows; nothing changes then.
            TraitError: eps is negative or not finite.
        """
        at = _checked_eps(eps)
        packed = None if index is None else (wire.packed_index(index, self.n_points), {"width": 20})
        self._send_arrays({"index": packed}, {"eps": at})

    @property
    def cuts_itself(self) -> bool:
        """Whether the browser labels by itself as `eps` moves."""
        return "index" in self.arrays

    @traitlets.validate("eps")  # type: ignore[untyped-decorator]  # traitlets is followed as Any
    def _check_eps(self, proposal: dict[str, Any]) -> float:
        return _checked_eps(proposal["value"])

    # -- names and colours ---------------------------------------------------------------------------------------------

    def set_names(self, names: Mapping[int, str] | Mapping[str, str]) -> None:
        """Show segments under names: ``{row: name}``, the segment that holds the row bears it, the newest name last.

        Segments of one name are shown as one: one colour, one line of the legend.
        """
        self.names = [[int(row), str(name)] for row, name in names.items()]

    def on_rename(self, f: Callable[[list[int], str], None]) -> None:
        """Call ``f(rows, name)`` after the user renamed in the legend; rows: one of each segment that the line holds.

        The name is shown at once; `set_names` may take it back.
        """
        self._renamed.append(f)

    def set_colour(self, by: str, values: ArrayLike | None = None, *, kind: Kind = "segment") -> None:
        """Colour the points by something; a byte a point travels.

        Args:
            by: Its name, shown over the legend.
            values: (n,): floats with NaN for none ("number"), strings or integers ("category"), or floats from 0 to 1
                ("trust"). None for "segment".
            kind: "number": a scale whose lightness tells low from high, its ends where 1 % of the values lie beyond;
                with two arms where values lie from -1 to 1 and below 0, as a silhouette does. "category": the 40
                largest in colours of their own. "trust": segments' colours, faded where trust is low.

        Raises:
            ValueError: An unknown kind, or values of another length or dtype; nothing changes then.
        """
        if kind not in KINDS:
            raise ValueError(f"kind={kind!r} is not known: take {', '.join(map(repr, KINDS))}.")
        if kind == "segment":
            self._send_arrays({"values": None}, {"colouring": {"by": by, "kind": kind}})
            return
        if values is None:
            raise ValueError(f"kind={kind!r} needs values, one per point.")
        packed, about = wire.packed_values(values, kind, self.n_points)
        self._send_arrays({"values": (packed, {"width": 1})}, {"colouring": {"by": by, "kind": kind, **about}})

    def on_colour(self, f: Callable[[str], None]) -> None:
        """Call ``f(name)`` after the user chose one of `colour_choices`."""
        self._coloured.append(f)

    # -- selection and questions ---------------------------------------------------------------------------------------

    @property
    def selection(self) -> NDArray[np.int64]:
        """(m,) int64 rows that are selected, ascending."""
        return wire.unpacked_selection(self.picked, self.n_points)

    def set_selection(self, rows: ArrayLike) -> None:
        """Select rows, (m,) integers in any order; none to clear.

        Raises:
            ValueError: They are no rows of the cloud; nothing changes then.
        """
        self.picked = wire.packed_selection(rows, self.n_points)

    def on_selection(self, f: Callable[[NDArray[np.int64]], None]) -> None:
        """Call ``f(rows)`` after the selection changed, in the browser or by `set_selection`."""
        self.observe(lambda _: f(self.selection), "picked")

    @property
    def describe(self) -> Callable[[int], Sequence[tuple[str, str]]] | None:
        """What the browser asks about the row under the pointer: row -> pairs of a name and a value; None: nothing."""
        return self._describe

    @describe.setter
    def describe(self, f: Callable[[int], Sequence[tuple[str, str]]] | None) -> None:
        self._describe = f
        self.describes = f is not None

    # -- the wire ------------------------------------------------------------------------------------------------------

    @staticmethod
    def _encoded(points: ArrayLike, labels: ArrayLike | None) -> dict[str, Any]:
        """Bytes and description by name, checked before anything changes."""
        values = wire.as_points(points)
        arrays: dict[str, Any] = {"points": wire.packed_points(values)}
        if labels is not None:
            packed, width = wire.packed_labels(labels, len(values))
            arrays["labels"] = (packed, {"width": width})
        return arrays

    def _placed(self, before: dict[str, Any], arrays: dict[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
        """The trait ``arrays``, and the traits that hold bytes; the larger ones are put aside."""
        about = {name: one for name, one in before.items() if name not in arrays}
        traits: dict[str, bytes] = {}
        count = (arrays["points"][1] if arrays.get("points") else before.get("points", {})).get("count", 0)
        kept = count <= KEPT_POINTS
        for name, one in arrays.items():
            if one is not None and before.get(name, {}).items() >= one[1].items() and self._held(name) == one[0]:
                about[name] = before[name]  # the same again travels no second time
                continue
            self._large.pop(name, None)
            traits[name] = b""
            if one is None:
                continue
            packed, described = one
            self._versions += 1
            about[name] = {"version": self._versions, "kept": kept, **described}
            if kept:
                traits[name] = packed
            else:
                self._large[name] = packed
        return about, traits

    def _held(self, name: str) -> bytes:
        return self._large.get(name) or getattr(self, name)

    def _send_arrays(self, arrays: dict[str, Any], traits: Mapping[str, Any] | None = None) -> None:
        """Change arrays, None for those that go, and other traits with them, as one change for the browser."""
        with self._lock:
            about, kept = self._placed(self.arrays, arrays)
            fresh = [name for name in arrays if name in self._large and about[name] != self.arrays.get(name)]
            if fresh and (self._heard_of_browser or time.monotonic() - self._born > _LISTENS_AFTER):
                self._send_large(fresh, about)
            with self.hold_sync():
                for name, value in {**kept, **(traits or {}), "arrays": about}.items():
                    setattr(self, name, value)

    def _send_large(self, names: Sequence[str], about: Mapping[str, Any]) -> None:
        there = [name for name in names if name in self._large]
        versions = [[name, about[name]["version"]] for name in there]
        self.send({"type": "arrays", "versions": versions}, [memoryview(self._large[name]) for name in there])

    def _hear(self, _: Any, content: Any, __: Any) -> None:
        """A message from the browser."""
        match content:
            case {"type": "ask", "names": names}:
                with self._lock:
                    self._heard_of_browser = True
                    self._send_large(names, self.arrays)
            case {"type": "describe", "row": int(row)}:
                self.send({"type": "described", "row": row, "facts": self._facts(row)})
            case {"type": "rename", "rows": rows, "name": str(name)}:
                for renamed in self._renamed:
                    renamed([int(row) for row in rows], name)
            case {"type": "colour", "name": str(name)}:
                for coloured in self._coloured:
                    coloured(name)

    def _facts(self, row: int) -> list[list[str]]:
        if self._describe is None or not 0 <= row < self.n_points:
            return []
        try:
            return [[str(name), str(value)] for name, value in self._describe(row)]
        except Exception as error:  # noqa: BLE001 - whatever it is, the tip says so, and the next row may be well
            return [["not told", f"{type(error).__name__}: {error}"]]
