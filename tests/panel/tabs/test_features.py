"""The Features tab, over a real session: what it shows, what its choices do, and what it refuses."""

from __future__ import annotations

import dataclasses
import re
import threading
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest

import segwidgets as sw
from segwidgets.analysis import FeatureAnalysis, analyse_features
from segwidgets.data import samples
from segwidgets.leaving import Effect, Effects, leave_out
from segwidgets.names import Names
from segwidgets.panel.heatmap import HeatMap
from segwidgets.panel.tabs import featurewords as words
from segwidgets.panel.tabs.features import FeaturesTab
from segwidgets.panel.tabs.tab import Surroundings, Tab
from segwidgets.recipe import Embedding, Recipe
from segwidgets.result import Result
from segwidgets.session import Session

#: Maps by PCA, which take no time.
FAST = Recipe(embedding=Embedding(method="pca"))


class Sliders:
    """A panel without a picture: a session, and a recipe that is taken where the session can run it."""

    def __init__(self, table: sw.Table, recipe: Recipe = FAST) -> None:
        self.session = Session(table)
        self.recipe = recipe
        self.result: Result | None = None
        self.around = Surroundings(self.session, lambda: self.result, lambda: self.recipe, self._take, Names)

    def _take(self, recipe: Recipe) -> None:
        self.session.check(recipe)
        self.recipe = recipe


@pytest.fixture(scope="module")
def table() -> sw.Table:
    return samples.households().take(np.arange(400))


@pytest.fixture(scope="module")
def said(table: sw.Table) -> FeatureAnalysis:
    return analyse_features(table, FAST)


@pytest.fixture
def sliders(table: sw.Table) -> Sliders:
    return Sliders(table)


@pytest.fixture
def tab(sliders: Sliders) -> FeaturesTab:
    return FeaturesTab(sliders.around)


def press(button: widgets.Button, tab: FeaturesTab) -> None:
    assert not button.disabled
    button.click()
    for lane in tab.lanes:
        assert lane.wait(120)


def texts(widget: widgets.Widget) -> str:
    """All HTML of a widget and what it holds."""
    own = widget.value if isinstance(widget, widgets.HTML) else ""
    return own + "".join(texts(part) for part in getattr(widget, "children", ()))


def parts_of(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    """A widget and all that it holds."""
    yield widget
    for part in getattr(widget, "children", ()):
        yield from parts_of(part)


def rows(markup: str) -> list[list[str]]:
    """The cells of the only table of some HTML."""
    found = re.search(r"<table.*?</table>", markup, re.DOTALL)
    assert found is not None
    tree = ET.fromstring(found[0])  # noqa: S314 - our own markup
    return [["".join(cell.itertext()) for cell in row] for row in tree.iter("tr")]


def test_it_is_a_tab_and_computes_nothing_before_it_is_asked(sliders: Sliders, tab: FeaturesTab) -> None:
    as_tab: Tab = tab
    assert as_tab.title == "Features"
    assert all(lane.submitted == 0 for lane in tab.lanes)
    sliders.result = sliders.session.run(sliders.recipe)
    tab.show(sliders.result)
    assert all(lane.submitted == 0 for lane in tab.lanes)
    assert tab.found is None
    assert "<svg" not in texts(tab.view)
    assert "No column is left out" in tab.left_out.value


def test_what_is_shown_is_what_the_analysis_says(tab: FeaturesTab, said: FeatureAnalysis) -> None:
    press(tab.look.button, tab)
    shown = texts(tab.view)
    assert tab.found is not None
    assert tab.found.to_dict() == said.to_dict()
    assert f"{said.sparsity.zeros:.1%} of 400 rows" in shown
    assert shown.count("<svg") == 2
    heat = next(one for one in parts_of(tab.view) if isinstance(one, HeatMap))
    order = said.correlations.order()
    drawn = np.frombuffer(heat.values, np.float32).reshape(len(order), len(order))
    np.testing.assert_allclose(drawn, said.correlations.values[np.ix_(order, order)], rtol=1e-6)
    assert heat.facets[0]["rows"] == heat.facets[0]["columns"] == [said.correlations.names[at] for at in order]
    assert said.redundant
    assert tuple(tab.drops) == said.redundant
    assert all(box.value and f"leave out {name}" == box.description for name, box in tab.drops.items())
    for group in said.groups:
        assert words.escape(group.reason) in shown
        assert all(words.escape(one.reason) in shown for one in group.drop)
    parts = said.components
    labels = [label for label, _ in tab.how.options]
    assert labels == ["none", f"more than chance ({parts.kept})"] + [
        f"{goal} % ({count})" for goal, count in zip((80, 90, 95), parts.needed, strict=True)
    ]
    table = rows(shown)
    assert table[0] == ["component", "explains", "chance", "made of"]
    assert table[1][:3] == ["1", f"{parts.explained[0]:.1%}", f"{parts.chance[0]:.1%}"]
    assert table[1][3].startswith(f"{parts.loadings[0][0].feature}\N{NO-BREAK SPACE}{parts.loadings[0][0].weight:+.2f}")
    assert 'scope="col"' in shown
    assert 'scope="row"' in shown


def test_checked_columns_are_left_out_and_taken_back(sliders: Sliders, tab: FeaturesTab, said: FeatureAnalysis) -> None:
    press(tab.look.button, tab)
    first, *others = said.redundant
    tab.drops[first].value = False
    tab.leave.click()
    assert sliders.recipe.features.exclude == tuple(others)
    plan = sliders.session.run(sliders.recipe).recipe.features.plan or ()
    used = {name for group in plan for name in group.columns}
    assert first in used
    assert not used & set(others)
    assert all(name in tab.left_out.value for name in others)
    assert words.EARLIER in tab.earlier.value
    press(tab.back, tab)
    assert sliders.recipe == FAST
    assert tab.back.disabled
    assert tab.earlier.value == ""


def test_nothing_is_left_out_where_nothing_is_checked(tab: FeaturesTab) -> None:
    press(tab.look.button, tab)
    for box in tab.drops.values():
        box.value = False
    assert tab.leave.disabled
    next(iter(tab.drops.values())).value = True
    assert not tab.leave.disabled


def test_columns_of_a_plan_are_left_out_and_come_back(table: sw.Table) -> None:
    sliders = Sliders(table, Session(table).resolve(FAST))
    tab = FeaturesTab(sliders.around)
    press(tab.look.button, tab)
    press(tab.leave, tab)
    assert tab.found is not None
    plan = sliders.recipe.features.plan or ()
    assert not {name for group in plan for name in group.columns} & set(tab.found.redundant)
    assert "decide anew" in tab.left_out.value
    press(tab.back, tab)
    assert sliders.session.resolve(sliders.recipe) == sliders.session.resolve(FAST)


def test_components_are_taken_and_given_up(sliders: Sliders, tab: FeaturesTab, said: FeatureAnalysis) -> None:
    press(tab.look.button, tab)
    assert "none, the features are taken as they are" in tab.kept.value
    tab.how.value = "90 %"
    press(tab.keep, tab)
    assert sliders.recipe == said.with_components(0.9)
    assert f"the first {said.components.needed[1]}" in tab.kept.value
    assert tab.earlier.value == ""
    tab.how.value = "more than chance"
    press(tab.keep, tab)
    assert sliders.recipe.features.pca == said.components.kept
    tab.how.value = "none"
    press(tab.keep, tab)
    assert sliders.recipe == FAST


def test_components_of_other_columns_are_not_taken(tab: FeaturesTab) -> None:
    press(tab.look.button, tab)
    tab.how.value = "80 %"
    press(tab.leave, tab)
    assert tab.keep.disabled
    press(tab.look.button, tab)
    assert tab.earlier.value == ""
    assert not tab.drops
    assert not tab.keep.disabled


def test_a_choice_that_cannot_be_is_told_and_changes_nothing(sliders: Sliders, tab: FeaturesTab) -> None:
    press(tab.look.button, tab)
    assert tab.found is not None
    sliders.recipe = only = FAST.replace(columns=list(tab.found.redundant))
    tab.leave.click()
    assert sliders.recipe is only
    assert "This did not work." in tab.left_out_errors.value
    assert "keep at least one" in tab.left_out_errors.value
    gone = {column.name for column in sliders.session.table.columns} - set(tab.found.redundant)
    sliders.recipe = few = FAST.replace(exclude=sorted(gone))
    tab.leave.click()
    assert sliders.recipe is few
    assert "no usable column is left" in tab.left_out_errors.value
    sliders.recipe = FAST
    press(tab.leave, tab)
    assert tab.left_out_errors.value == ""


def test_a_panel_that_refuses_is_told_beside_the_components(sliders: Sliders) -> None:
    def refuse(recipe: Recipe) -> None:
        raise sw.RecipeError("pca=<9> cannot be here")

    tab = FeaturesTab(dataclasses.replace(sliders.around, take=refuse))
    press(tab.look.button, tab)
    press(tab.keep, tab)
    assert "pca=&lt;9&gt; cannot be here" in tab.kept_errors.value
    assert sliders.recipe == FAST


def test_findings_of_an_earlier_setting_stay_and_say_so(sliders: Sliders, tab: FeaturesTab) -> None:
    press(tab.look.button, tab)
    found = tab.found
    tab.show(sliders.session.run(FAST.replace(eps=0.5)))
    assert tab.earlier.value == ""
    tab.show(sliders.session.run(FAST.replace(exclude=["spend"])))
    assert words.EARLIER in tab.earlier.value
    assert tab.found is found
    assert "<svg" in texts(tab.view)


def test_looking_can_be_cancelled_and_what_was_found_stays(sliders: Sliders) -> None:
    begun: list[Recipe] = []

    def wanted() -> Recipe:
        if threading.current_thread() is not threading.main_thread():
            begun.append(sliders.recipe)
            if len(begun) == stop_at:
                tab.look.cancel()
        return sliders.recipe

    stop_at = -1
    tab = FeaturesTab(dataclasses.replace(sliders.around, wanted=wanted))
    press(tab.look.button, tab)
    found, before = tab.found, texts(tab._parts)
    assert found is not None
    sliders.recipe = FAST.replace(exclude=["spend"])
    stop_at = len(begun) + 1
    press(tab.look.button, tab)
    assert len(begun) == stop_at
    assert tab.found is found
    assert texts(tab._parts) == before
    assert "Cancelled" in texts(tab.look.view)


def test_what_cannot_be_looked_at_is_told(sliders: Sliders, tab: FeaturesTab) -> None:
    sliders.recipe = FAST.replace(exclude=["spendd"])
    press(tab.look.button, tab)
    assert "Did you mean &#x27;spend&#x27;?" in texts(tab.look.view)
    assert tab.found is None


def test_names_are_text_and_never_markup() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 3))
    evil = "<img src=x onerror=alert(1)>"
    frame = pd.DataFrame(values, columns=["a", "b", "c"])
    frame[evil] = 2 * frame["a"]
    tab = FeaturesTab(Sliders(sw.read(frame, name="evil"), FAST).around)
    press(tab.look.button, tab)
    assert list(tab.drops) in ([evil], ["a"])
    tab.effects.by.value = "redundant"
    press(tab.effects.work.button, tab)
    shown = texts(tab.view)
    assert "img src=x" in shown
    assert "<img" not in shown


def test_what_each_group_does_is_what_leaving_it_out_says(sliders: Sliders, tab: FeaturesTab) -> None:
    press(tab.effects.work.button, tab)
    told = leave_out(Session(sliders.session.table, cache=sliders.session.cache), FAST)
    head, *body = rows(tab.effects.table.value)
    assert head == ["without", "columns", "ARI", "another seed", "effect", "change of scores", "in words"]
    assert len(body) > 1
    for row, one in zip(body, told.effects, strict=True):
        assert row[0] == one.group
        assert row[1].startswith(f"{len(one.columns)} column")
        assert row[2] == f"{one.ari:.2f}"
        assert row[4] == one.word
        assert f"segments {one.changes['clusters']:+.0f}" in row[5]
        assert row[6] == words.sentence(one, told.seed_ari)
    tab.show(told.result)
    assert tab.effects.earlier.value == ""
    tab.show(sliders.session.run(FAST.replace(exclude=["spend"])))
    assert words.EARLIER_EFFECTS in tab.effects.earlier.value


def test_the_forecast_comes_before_the_runs_which_stop_when_cancelled() -> None:
    table = samples.blobs(n=300, seed=3)
    sliders = Sliders(table, Recipe().replace(n_neighbors=10, n_epochs=60))
    tab = FeaturesTab(sliders.around)
    effects = tab.effects
    effects.by.value = "prefixes"
    assert effects.prefixes.layout.display == ""
    effects.prefixes.value = "x0, x1"
    seen: list[str] = []

    def stop(change: dict[str, str]) -> None:
        seen.append(change["new"])
        if change["new"]:
            effects.work.cancel()

    effects.forecast.observe(stop, "value")
    press(effects.work.button, tab)
    assert effects.found is None
    assert effects.table.value == ""
    assert re.search(r"3 of 3 runs to come: about .*\.", seen[0])
    effects.forecast.unobserve_all()
    press(effects.work.button, tab)
    body = rows(effects.table.value)[1:]
    assert sorted(row[0] for row in body) == ["x0", "x1"]
    assert effects.found is not None
    assert {row[3] for row in body} == {f"{effects.found.seed_ari:.2f}"}


def test_groups_that_cannot_be_asked_about_are_told() -> None:
    tab = FeaturesTab(Sliders(samples.blobs(n=80)).around)
    refused = {
        "plan": "all columns are of one kind (numbers)",
        "prefixes": "no beginning of a name is given",
        "redundant": "look at the features first",
    }
    for by, reason in refused.items():
        tab.effects.by.value = by
        press(tab.effects.work.button, tab)
        assert reason in texts(tab.effects.view)
        assert tab.effects.found is None


def test_each_effect_has_its_sentence() -> None:
    def effect(word: str, problem: str = "") -> Effect:
        return Effect("web", ("web_a",), None if problem else 0.5, None, {"clusters": -1.0}, word, problem)  # type: ignore[arg-type]

    assert words.sentence(effect("none"), 0.9) == "Without web the segments change no more than with another seed."
    assert words.sentence(effect("none"), None) == "Without web the segments hardly change."
    assert "more than with another seed" in words.sentence(effect("some"), 0.9)
    assert "other segments" in words.sentence(effect("strong"), 0.9)
    assert words.sentence(effect("failed", "pca=9"), 0.9) == "Without web nothing can be run: pca=9"


def test_segments_that_depend_on_chance_are_told(sliders: Sliders) -> None:
    result = sliders.session.run(FAST)
    effect = Effect("web", ("a",), 0.4, 0.4, {}, "some")
    assert "depend on chance" in words.effects(Effects(result, (effect,), 0.5))
    assert "depend on chance" not in words.effects(Effects(result, (effect,), 0.95))
