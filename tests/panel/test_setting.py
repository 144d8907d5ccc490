from __future__ import annotations

import pathlib
import threading
from typing import Any

import numpy as np
import pytest
import traitlets

from segwidgets.panel.setting import Setting

STATIC = pathlib.Path(__file__).parents[2] / "segwidgets" / "panel" / "static"


def neighbours(**changes: Any) -> Setting:
    given: dict[str, Any] = {"min": 2, "max": 200, "step": 1, "whole": True, "low": 2, "high": 500, **changes}
    return Setting("n_neighbors", given.pop("value", 15), **given)


def moves(setting: Setting) -> list[Any]:
    seen: list[Any] = []
    setting.on_move(seen.append)
    return seen


def from_browser(setting: Setting, **state: Any) -> None:
    setting._handle_msg({"content": {"data": {"method": "update", "state": state}}})


def test_a_move_in_the_browser_is_told_and_a_whole_one_as_int() -> None:
    setting = neighbours()
    seen = moves(setting)
    from_browser(setting, value=30.0)
    assert seen == [30]
    assert [type(value) for value in (*seen, setting.value)] == [int, int]


def test_a_value_set_in_python_is_told_and_a_shown_one_is_not() -> None:
    setting = neighbours()
    seen = moves(setting)
    setting.value = 20
    setting.show(40)
    assert (seen, setting.value) == ([20], 40)


def test_showing_does_not_hush_a_move_from_another_thread() -> None:
    setting = neighbours()
    seen = moves(setting)

    def meanwhile(change: dict[str, Any]) -> None:
        if change["new"] == 40:
            other = threading.Thread(target=lambda: from_browser(setting, value=50))
            other.start()
            other.join()

    setting.observe(meanwhile, "value")
    setting.show(40)
    assert seen == [50]


def test_a_value_that_stays_is_not_told() -> None:
    setting = neighbours()
    seen = moves(setting)
    from_browser(setting, value=15)
    setting.value = 15.0
    assert seen == []


def test_the_slider_need_not_reach_a_value_within_the_hard_limits() -> None:
    setting = neighbours(value=450)
    setting.show(500)
    assert (setting.value, setting.max) == (500, 200)


def test_a_setting_left_open_is_none() -> None:
    setting = neighbours(optional=True, value=None, placeholder="decided by the data")
    seen = moves(setting)
    from_browser(setting, value=100)
    from_browser(setting, value=None)
    assert seen == [100, None]


def test_numbers_of_numpy_are_numbers() -> None:
    setting = neighbours(value=np.int64(20))
    setting.value = np.int32(21)
    eps = Setting("eps", np.float64(0.5), min=1e-3, max=10, step=1e-3, log=True)
    eps.value = np.float32(0.25)
    assert (setting.value, eps.value) == (21, 0.25)
    assert type(eps.value) is float


def test_the_range_may_move_past_itself_and_the_value() -> None:
    eps = Setting("eps", 0.1, min=1e-4, max=10.0, step=1e-4, log=True, low=1e-30)
    with eps.hold_sync():
        eps.min, eps.max = 50.0, 90.0
    assert (eps.value, eps.min, eps.max) == (0.1, 50.0, 90.0)


@pytest.mark.parametrize("value", [1, 501, 2.5, np.nan, np.inf, None, "many", True])
def test_a_value_that_is_not_allowed_is_refused_and_nothing_moves(value: Any) -> None:
    setting = neighbours()
    seen = moves(setting)
    with pytest.raises(traitlets.TraitError):
        setting.value = value
    with pytest.raises(traitlets.TraitError):
        setting.show(value)
    with pytest.raises(ValueError, match=r"n_neighbors=.* is not allowed: it must be a whole number from 2 to 500"):
        neighbours(value=value)
    assert (setting.value, seen) == (15, [])


def test_a_value_from_the_browser_that_is_not_allowed_is_answered_with_the_one_that_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setting = neighbours()
    seen = moves(setting)
    answers: list[Any] = []
    monkeypatch.setattr(setting, "send_state", lambda key=None: answers.append((key, setting.value)))
    with pytest.raises(traitlets.TraitError, match="n_neighbors=1000"):
        setting.set_state({"value": 1000})
    assert (answers[-1], setting.value, seen) == (("value", 15), 15, [])


def test_a_refusal_names_the_value_and_the_range() -> None:
    setting = neighbours()
    with pytest.raises(traitlets.TraitError, match=r"n_neighbors=501.*whole number from 2 to 500"):
        setting.value = 501
    eps = Setting("eps", 0.5, min=0.1, max=1, step=0.1, log=True)
    with pytest.raises(traitlets.TraitError, match=r"eps=0 is not allowed: it must be a number above 0"):
        eps.value = 0


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"min": 5, "max": 5}, "min=5 and max=5"),
        ({"step": 0}, "step=0"),
        ({"low": 9, "high": 8}, "low=9 and high=8"),
        ({"max": np.inf}, "max=inf"),
        ({"min": 0, "log": True}, "min=0"),
    ],
)
def test_a_range_that_cannot_be_is_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        neighbours(**changes)


def test_a_range_that_cannot_be_is_refused_later_too() -> None:
    eps = Setting("eps", 0.5, min=0.1, max=1, step=0.1, log=True)
    with pytest.raises(traitlets.TraitError, match="min=0"):
        eps.min = 0
    assert eps.min == 0.1


def test_the_widget_carries_the_built_bundle() -> None:
    assert str(neighbours()._esm) == (STATIC / "setting.js").read_text(encoding="utf-8")
