"""Segments in the table's own units: effects by their formulas, corrected tests, names, rules, examples."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

import segwidgets as sw
from segwidgets.compute.segments import adjusted, cliffs_delta, cohens_d, cohens_h, describe, examples, explain
from segwidgets.compute.segments.effects import median

SEGMENT = np.repeat([0, 1, 2], 200)


def counts(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values, code = np.unique(np.concatenate([a, b]), return_inverse=True)
    one = np.bincount(code[: len(a)], minlength=len(values)).astype(float)
    return values, one, np.bincount(code[len(a) :], minlength=len(values)).astype(float)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    age = rng.normal(40, 5, 600) + 10 * (SEGMENT == 1)
    age[:20] = np.nan
    return pd.DataFrame(
        {
            "age": age,
            "noise": rng.normal(0, 1, 600),
            "city": np.where(rng.random(600) < np.where(SEGMENT == 0, 0.9, 0.2), "Graz", "Linz"),
            **{f"c{i}": rng.poisson(0.2 + 2 * (i == SEGMENT)) * 1.0 for i in range(3)},
        }
    )


def test_cohens_d_is_the_pooled_difference_and_its_test_is_welchs() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(1e6, 2, 40), rng.normal(1e6 + 1, 1, 90)
    found = cohens_d(*counts(a, b))
    pooled = math.sqrt((39 * a.var(ddof=1) + 89 * b.var(ddof=1)) / 128)
    assert found.value == pytest.approx((a.mean() - b.mean()) / pooled, rel=1e-6)
    assert found.p == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue, rel=1e-5)
    half = 1.959964 * math.sqrt(130 / 3600 + found.value**2 / 260)
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))


def test_cohens_h_is_the_difference_of_arcsines() -> None:
    # Cohen 1988, table 6.2.2: phi(.50) = 1.571, phi(.25) = 1.047.
    assert cohens_h(50, 100, 25, 100).value == pytest.approx(1.571 - 1.047, abs=1e-3)
    chi2 = stats.chi2_contingency([[50, 50], [25, 75]], correction=False).pvalue
    assert cohens_h(50, 100, 25, 100).p == pytest.approx(chi2, rel=1e-9)
    assert cohens_h(0, 10, 0, 10).p == 1.0


def test_cliffs_delta_and_its_test_agree_with_all_pairs_and_with_scipy() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.poisson(1.5, 60), rng.poisson(1.0, 140)
    _, one, other = counts(a, b)
    found = cliffs_delta(one, other)
    signs = np.sign(a[:, None] - b[None, :])
    assert found.value == pytest.approx(signs.mean())
    assert found.p == pytest.approx(stats.mannwhitneyu(a, b, method="asymptotic").pvalue, rel=1e-9)
    n, m, d = 60, 140, signs.mean()
    variance = (
        m * m * ((signs.mean(axis=1) - d) ** 2).sum()
        + n * n * ((signs.mean(axis=0) - d) ** 2).sum()
        - ((signs - d) ** 2).sum()
    ) / (n * m * (n - 1) * (m - 1))
    z = 1.959963984540054
    root = z * math.sqrt(variance * ((1 - d * d) ** 2 + z * z * variance))
    below = 1 - d * d + z * z * variance
    assert (found.low, found.high) == pytest.approx(((d - d**3 - root) / below, (d - d**3 + root) / below))


def test_intervals_hold_the_truth_about_95_times_in_100() -> None:
    rng = np.random.default_rng(3)
    truth = 2 * stats.norm.cdf(0.5 / math.sqrt(2)) - 1  # of two normals half a deviation apart
    held = {"d": 0, "delta": 0}
    for _ in range(400):
        values, one, other = counts(rng.normal(0.5, 1, 60), rng.normal(0, 1, 80))
        d, delta = cohens_d(values, one, other), cliffs_delta(one, other)
        held["d"] += d.low <= 0.5 <= d.high
        held["delta"] += delta.low <= truth <= delta.high
    assert all(0.915 <= many / 400 <= 0.985 for many in held.values()), held


def test_the_correction_is_benjamini_and_hochbergs() -> None:
    p = np.random.default_rng(4).random(50) ** 2
    np.testing.assert_allclose(adjusted(p), stats.false_discovery_control(p))
    found = adjusted([0.01, math.nan, 0.02])
    assert found[[0, 2]].tolist() == [0.02, 0.02]
    assert math.isnan(found[1])


def test_medians_come_from_counts() -> None:
    assert median(np.array([1.0, 2.0, 9.0]), np.array([1.0, 2.0, 1.0])) == 2
    assert median(np.array([1.0, 9.0]), np.array([1.0, 1.0])) == 5
    assert math.isnan(median(np.array([1.0]), np.array([0.0])))


def test_a_segment_is_told_in_the_tables_units(frame: pd.DataFrame) -> None:
    found = describe(sw.read(frame), SEGMENT)
    one = next(each for each in found.segments if each.segment == 1)
    age = next(each for each in one.differences if each.column == "age")
    assert (one.size, one.share) == (200, pytest.approx(1 / 3))
    assert age.inside == pytest.approx(frame["age"][SEGMENT == 1].median())
    assert age.outside == pytest.approx(frame["age"][SEGMENT != 1].median())
    bought = next(each for each in one.differences if each.column == "c1")
    assert bought.measure == "any"
    assert bought.inside == pytest.approx((frame["c1"][SEGMENT == 1] > 0).mean())
    assert bought.mean_inside == pytest.approx(frame["c1"][SEGMENT == 1].mean())
    city = {each.level: each for each in found.segments[0].differences if each.column == "city"}
    assert city["Graz"].inside == pytest.approx((frame["city"][SEGMENT == 0] == "Graz").mean())
    assert found.tests == len(found.to_frame())
    assert age.adjusted >= age.p


def test_columns_of_chance_are_rarely_findings() -> None:
    rng = np.random.default_rng(5)
    table = sw.read(rng.normal(size=(400, 60)))
    found = describe(table, rng.integers(0, 4, 400)).to_frame()
    assert (found["p"] < 0.05).sum() > 2
    assert (found["adjusted"] < 0.05).sum() <= 1


def test_sparse_and_dense_input_say_the_same() -> None:
    rng = np.random.default_rng(6)
    matrix = sparse.random(300, 40, 0.1, random_state=7, data_rvs=lambda n: rng.integers(1, 5, n).astype(float))
    labels = rng.integers(-1, 3, 300)
    pd.testing.assert_frame_equal(
        describe(sw.read(matrix.tocsr()), labels).to_frame(), describe(sw.read(matrix.toarray()), labels).to_frame()
    )


def test_names_are_proposed_from_the_strongest_findings_and_are_unique(frame: pd.DataFrame) -> None:
    names = {one.segment: one.name for one in describe(sw.read(frame), SEGMENT).segments}
    assert "more c1" in names[1]
    assert "more age" in names[1]
    assert len(set(names.values())) == 3
    chance = describe(sw.read(np.random.default_rng(8).normal(size=(90, 3))), np.arange(90) % 3)
    assert sorted(one.name for one in chance.segments) == [f"like the average ({i})" for i in range(3)]


def test_what_is_public_holds_no_id_and_no_small_segment(frame: pd.DataFrame) -> None:
    frame = frame.set_index(pd.Index([f"customer-{i}" for i in range(600)]))
    labels = SEGMENT.copy()
    labels[:7] = 3
    public = describe(sw.read(frame), labels).to_public()
    text = json.dumps(public, allow_nan=False)
    assert "customer-" not in text
    assert [one["segment"] for one in public["segments"]] == [0, 1, 2]
    assert public["hidden"] == 1


@pytest.fixture(scope="module")
def table(frame: pd.DataFrame) -> sw.Table:
    return sw.read(frame)


def test_the_trees_fidelity_is_what_an_independent_cross_validation_finds(table: sw.Table, frame: pd.DataFrame) -> None:
    from sklearn.metrics import precision_score, recall_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.tree import DecisionTreeClassifier

    found = explain(table, SEGMENT)
    X = pd.DataFrame(
        {
            "age": frame["age"].fillna(frame["age"].median()),
            "noise": frame["noise"],
            **{f"c{i}": frame[f"c{i}"] for i in range(3)},
            "Linz": frame["city"] == "Linz",
            "Graz": frame["city"] == "Graz",
        }
    ).to_numpy(float)
    if (frame["city"] == "Graz").sum() > 300:
        X = X[:, [0, 1, 2, 3, 4, 6, 5]]
    told = cross_val_predict(
        DecisionTreeClassifier(max_depth=4, min_samples_leaf=20, random_state=0), X, SEGMENT,
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
    )  # fmt: skip
    # Ties between equally good questions may fall the other way, for a row or two.
    assert found.accuracy == pytest.approx((told == SEGMENT).mean(), abs=0.01)
    assert [one.recall for one in found.rules] == pytest.approx(recall_score(SEGMENT, told, average=None), abs=0.02)
    precision = precision_score(SEGMENT, told, average=None)
    assert [one.precision for one in found.rules] == pytest.approx(precision, abs=0.02)
    assert found.imputed == ("age",)
    assert found.accuracy > found.baseline + 0.3


def test_the_rules_words_pick_the_rows_that_they_say() -> None:
    rng = np.random.default_rng(9)
    dairy = rng.poisson(2, 500).astype(float)
    city = np.where(rng.random(500) < 0.4, "Graz", "Linz")
    labels = np.where(dairy >= 3, 0, np.where(city == "Graz", 1, 2))
    found = explain(sw.read(pd.DataFrame({"dairy": dairy, "city": city})), labels)
    assert found.accuracy == 1.0
    assert found.rules[0].text == ("dairy at least 3",)
    assert "dairy at most 2" in found.rules[1].text[0]
    assert found.rules[1].text[0].endswith(("city is Graz", "city is not Linz"))


def test_labels_of_chance_are_not_explained(table: sw.Table) -> None:
    chance = np.random.default_rng(10).integers(0, 3, 600)
    assert explain(table, chance).accuracy < 0.42


def test_no_rule_speaks_of_a_few_customers_only(table: sw.Table) -> None:
    labels = SEGMENT.copy()
    labels[:12] = 3
    found = explain(table, labels)
    assert found.rules[3].text == ()
    assert (found.rules[3].precision, found.rules[3].recall) == (None, 0.0)
    assert "segment 3: no rule of its own" in found.text


def test_noise_and_tiny_segments_are_left_out_of_the_rules_and_said(table: sw.Table) -> None:
    labels = SEGMENT.copy()
    labels[:50] = -1
    labels[50:53] = 7
    found = explain(table, labels)
    assert found.left_out == (7,)
    assert found.coverage == pytest.approx(547 / 600)
    with pytest.raises(ValueError, match="rules tell two or more apart"):
        explain(table, np.zeros(600, int))
    with pytest.raises(ValueError, match="depth=0 is not allowed"):
        explain(table, SEGMENT, depth=0)


def test_sparse_and_dense_tables_are_explained_alike() -> None:
    rng = np.random.default_rng(11)
    dense = rng.poisson(0.1, (900, 30)).astype(float)
    labels = (dense[:, 3] > 0).astype(int)
    found = explain(sw.read(sparse.csr_matrix(dense)), labels)
    assert found.accuracy == 1.0
    assert [one.text for one in found.rules] == [("no x3",), ("some x3",)]


def test_examples_are_in_the_middle_and_at_the_border() -> None:
    rng = np.random.default_rng(12)
    points = np.concatenate([rng.normal(0, 1, (100, 2)), rng.normal((6, 0), 1, (100, 2)), [[3.0, 0.0]]])
    labels = np.array([0] * 100 + [1] * 100 + [0])
    found = examples(points, labels, count=3)
    assert found.border[0][0] == 200
    middle = np.median(points[labels == 0], axis=0)
    near = np.linalg.norm(points - middle, axis=1)
    near[labels != 0] = np.inf
    assert found.central[0].tolist() == np.argsort(near)[:3].tolist()
    assert set(examples(points, np.zeros(201, int)).border[0]) == set()
    with pytest.raises(ValueError, match="count=0 is not allowed"):
        examples(points, labels, count=0)
