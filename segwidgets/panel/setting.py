"""One hyperparameter: a slider and a number field that move together.

The front end is ``segwidgets/frontend/src/setting.ts``; ``static/setting.js`` is built from it.
"""

from __future__ import annotations

import math
import numbers
import pathlib
import threading
from collections.abc import Callable
from typing import Any

import anywidget
import traitlets


def _number(value: Any) -> float:
    """``value`` as a float; NaN where it is no finite number."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return math.nan
    number = float(value)
    return number if math.isfinite(number) else math.nan


def _allowed(setting: Setting) -> str:
    """What a value may be, in words."""
    kind = "a whole number" if setting.whole else "a number"
    low, high = setting.low, setting.high
    if low is not None and high is not None:
        kind += f" from {low:.15g} to {high:.15g}"
    elif low is not None:
        kind += f" of {low:.15g} or more"
    elif high is not None:
        kind += f" above 0 and up to {high:.15g}" if setting.logarithmic else f" of {high:.15g} or less"
    elif setting.logarithmic:
        kind += " above 0"
    return f"{kind}, or None" if setting.optional else kind


class _Value(traitlets.TraitType):  # type: ignore[misc]  # traitlets is followed as Any
    """What a setting's limits allow. A Float with a validator would let None pass, and make floats of whole numbers."""

    def validate(self, obj: Setting, value: Any) -> float | None:
        """``value`` as it is kept; TraitError where it is not allowed."""
        if value is None and obj.optional:
            return None
        number = _number(value)
        if (
            math.isnan(number)
            or (obj.whole and not number.is_integer())
            or (obj.logarithmic and number <= 0)
            or (obj.low is not None and number < obj.low)
            or (obj.high is not None and number > obj.high)
        ):
            raise traitlets.TraitError(f"{obj.name}={value!r} is not allowed: it must be {_allowed(obj)}.")
        return int(number) if obj.whole else number


class Setting(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget is followed as Any
    """A slider with a number field, a help text and a note.

    Args:
        name: Name of the hyperparameter; the label of its controls.
        value: What it shows first. None, where ``optional``: left open.
        min: Lower end of the slider. It bounds what is offered, not what is allowed: the slider widens to a value
            beyond it.
        max: Upper end of the slider, above ``min``; as ``min``.
        step: What the slider moves by, above 0. A logarithmic one moves by hundredths of the value.
        log: Whether the slider runs over equal ratios; ``min`` is above 0 then, and so is every value.
        whole: Whether only whole numbers are allowed. ``value`` is an int then, else a float.
        help: What the setting does: shown by the info button, and the controls' accessible description.
        disabled: Whether the user cannot move it.
        optional: Whether it may be left open (None), by a checkbox "auto".
        placeholder: What a setting that is left open shows.
        low: Least value allowed; None: no limit.
        high: Largest value allowed; None: no limit.

    Raises:
        ValueError: If the range or the value is not allowed; the sentence names it and what is.

    The trait ``value`` is synced, so that `ipywidgets.jslink` moves other widgets without the kernel. ``note`` is a
    small text beside the label. While the slider is dragged the newest value arrives about every 50 ms, and the last
    one always. Setting ``value`` to one that is not allowed raises TraitError, and the value stays; the browser is
    answered with the value that stays.
    """

    _esm = pathlib.Path(__file__).parent / "static" / "setting.js"

    name = traitlets.Unicode("").tag(sync=True)
    value = _Value(0.0).tag(sync=True)
    min = traitlets.Float(0.0).tag(sync=True)
    max = traitlets.Float(1.0).tag(sync=True)
    step = traitlets.Float(0.01).tag(sync=True)
    low = traitlets.Float(None, allow_none=True).tag(sync=True)
    high = traitlets.Float(None, allow_none=True).tag(sync=True)
    # Not `log`: under that name widgets have their logger.
    logarithmic = traitlets.Bool().tag(sync=True)
    whole = traitlets.Bool().tag(sync=True)
    optional = traitlets.Bool().tag(sync=True)
    disabled = traitlets.Bool().tag(sync=True)
    help = traitlets.Unicode("").tag(sync=True)
    note = traitlets.Unicode("").tag(sync=True)
    placeholder = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        name: str,
        value: float | None,
        *,
        min: float,  # noqa: A002 - the names of ipywidgets' sliders
        max: float,  # noqa: A002
        step: float,
        log: bool = False,
        whole: bool = False,
        help: str = "",  # noqa: A002
        disabled: bool = False,
        optional: bool = False,
        placeholder: str = "",
        low: float | None = None,
        high: float | None = None,
        **traits: Any,
    ) -> None:
        for limit, given in (("min", min), ("max", max), ("step", step), ("low", low), ("high", high)):
            if given is not None and math.isnan(_number(given)):
                raise ValueError(f"{name}: {limit}={given!r} is not allowed: it must be a finite number.")
        if not min < max:
            raise ValueError(f"{name}: min={min!r} and max={max!r} are no range: min must be below max.")
        if low is not None and high is not None and low > high:
            raise ValueError(f"{name}: low={low!r} and high={high!r} allow no value: low must not be above high.")
        if step <= 0:
            raise ValueError(f"{name}: step={step!r} is not allowed: it must be above 0.")
        if log and min <= 0:
            raise ValueError(f"{name}: min={min!r} is not allowed: a logarithmic range starts above 0.")
        self._heard: list[Callable[[Any], None]] = []
        self._showing: int | None = None  # the thread that moves the value itself
        try:
            # The limits first: the value is held to them.
            super().__init__(
                name=name, low=low, high=high, logarithmic=log, whole=whole, optional=optional, value=value, min=min,
                max=max, step=step, help=help, disabled=disabled, placeholder=placeholder, **traits,
            )  # fmt: skip
        except traitlets.TraitError as error:
            raise ValueError(str(error)) from None
        self.observe(self._moved, "value")

    def show(self, value: float | None) -> None:
        """Move it without calling `on_move`; the slider widens to a value beyond its ends.

        Raises:
            TraitError: If the value is not allowed; nothing moves then.
        """
        self._showing = threading.get_ident()
        try:
            self.value = value
        finally:
            self._showing = None

    def on_move(self, f: Callable[[Any], None]) -> None:
        """Call ``f(value)`` whenever the value changes other than by `show`: int where ``whole``, None where open."""
        self._heard.append(f)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the browser says. A value that is not allowed is answered with the one that stays."""
        try:
            super().set_state(sync_data)
        except traitlets.TraitError:
            self.send_state("value")
            raise

    def _moved(self, change: dict[str, Any]) -> None:
        if self._showing != threading.get_ident():
            for f in tuple(self._heard):
                f(change["new"])

    @traitlets.validate("min", "max", "step")  # type: ignore[untyped-decorator]  # traitlets is followed as Any
    def _check_range(self, proposal: dict[str, Any]) -> float:
        value, trait = float(proposal["value"]), proposal["trait"].name
        positive = trait == "step" or self.logarithmic
        if not math.isfinite(value) or (positive and value <= 0):
            words = "a finite number above 0" if positive else "a finite number"
            raise traitlets.TraitError(f"{self.name}: {trait}={value!r} is not allowed: it must be {words}.")
        return value
