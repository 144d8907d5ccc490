from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from segwidgets.data.samples import blobs
from segwidgets.recipe import Recipe
from segwidgets.session import Session
from segwidgets.tracking import MLflowTracker, database, leaderboard
from segwidgets.tracking.board import COLUMNS
from segwidgets.tracking.mlflow import MARK


def test_nothing_has_run_and_the_columns_stand_all_the_same(tmp_path: Path) -> None:
    frame = leaderboard(tracking_uri=f"sqlite:///{tmp_path / 'empty.db'}")
    assert frame.empty
    assert list(frame.columns) == list(COLUMNS)
    assert str(frame["started"].dtype).endswith("UTC]")


def test_runs_stand_newest_first_with_what_is_known_of_them(tracker: MLflowTracker) -> None:
    old = tracker.start(experiment="board", name="old", tags={MARK: "1", "segwidgets.trial": "spring"})
    params = {
        "clustering.eps": "0.25",
        "clustering.min_samples": "5",
        "embedding.n_neighbors": "30",
        "verdict": "exact",
    }
    tracker.log(old, params=params, metrics={"clusters": 7, "coverage": 0.9})
    tracker.end(old, "completed")
    new = tracker.start(experiment="board", name="new", tags={MARK: "1"})
    tracker.log(new, params={"clustering.eps": "none"})
    tracker.end(new, "failed", "the disk is full")
    frame = leaderboard("board")
    assert frame["name"].tolist() == ["new", "old"]
    assert frame["status"].tolist() == ["failed", "completed"]
    assert frame["verdict"].tolist() == ["", "exact"]
    assert frame["trial"].tolist() == ["", "spring"]
    assert frame["reason"].tolist() == ["the disk is full", ""]
    assert frame["segments"].tolist() == [pd.NA, 7]
    assert frame.loc[1, ["eps", "min_samples", "n_neighbors", "coverage"]].tolist() == [0.25, 5, 30, 0.9]
    assert pd.isna(frame.loc[0, "eps"])
    assert pd.isna(frame.loc[1, "silhouette"])
    assert (frame["duration"] >= 0).all()


def test_other_peoples_runs_are_left_out(tracker: MLflowTracker) -> None:
    tracker.start(experiment="shared", name="theirs", tags={})
    tracker.start(experiment="shared", name="ours", tags={MARK: "1"})
    assert leaderboard("shared")["name"].tolist() == ["ours"]


def test_all_experiments_stand_in_one_table_up_to_the_limit(tracker: MLflowTracker) -> None:
    for name in ("one", "two", "three"):
        tracker.start(experiment=f"all-{name}", name=name, tags={MARK: "1"})
    frame = leaderboard()
    assert {"all-one", "all-two", "all-three"} <= set(frame["experiment"])
    assert len(leaderboard(limit=2)) == 2


def test_an_unknown_experiment_is_refused_with_those_there_are(tracker: MLflowTracker) -> None:
    tracker.start(experiment="campaign", name="x", tags={MARK: "1"})
    with pytest.raises(ValueError, match=r"no experiment 'campain'\. Did you mean 'campaign'\?.*Default"):
        leaderboard("campain")
    with pytest.raises(ValueError, match="limit=0"):
        leaderboard(limit=0)


def _scored(tracker: MLflowTracker, experiment: str, rows: dict[str, tuple[int, float, float, float]]) -> None:
    """Runs by name: segments, coverage, smallest share, silhouette; the first is the newest."""
    for at, (name, (clusters, coverage, smallest, silhouette)) in enumerate(rows.items()):
        run_id = tracker.start(experiment=experiment, name=name, tags={MARK: "1"}, at=1_700_000_000.0 - at)
        numbers = {"clusters": clusters, "coverage": coverage, "smallest": smallest, "silhouette": silhouette}
        tracker.log(run_id, params={"verdict": "exact" if clusters % 2 else "ARI=0.98"}, metrics=numbers)
        tracker.end(run_id, "completed", at=1_700_000_060.0)


def test_only_runs_that_meet_the_constraints_are_left_and_the_bounds_are_allowed(tracker: MLflowTracker) -> None:
    rows = {
        "good": (4, 0.85, 0.02, 0.5),
        "noisy": (4, 0.84, 0.02, 0.5),
        "few": (3, 0.9, 0.1, 0.5),
        "many": (10, 0.9, 0.1, 0.5),
        "most": (9, 1.0, 0.1, 0.5),
        "thin": (5, 0.9, 0.019, 0.5),
    }
    _scored(tracker, "constraints", rows)
    tracker.start(experiment="constraints", name="unscored", tags={MARK: "1"})
    asked = {"max_noise": 0.15, "clusters": (4, 9), "min_share": 0.02}
    assert leaderboard("constraints", **asked)["name"].tolist() == ["good", "most"]  # type: ignore[arg-type]
    assert leaderboard("constraints", max_noise=0.15)["name"].tolist() == ["good", "few", "many", "most", "thin"]
    assert leaderboard("constraints", clusters=(3, 3))["name"].tolist() == ["few"]
    assert leaderboard("constraints", status="running")["name"].tolist() == ["unscored"]
    assert leaderboard("constraints", verdict="exact")["name"].tolist() == ["few", "most", "thin"]
    page = leaderboard("constraints", status=["completed", "running"], limit=2, offset=1)
    assert page["name"].tolist() == ["good", "noisy"]


def test_constraints_are_met_by_runs_beyond_the_page_too(tracker: MLflowTracker) -> None:
    rows = {"new": (2, 0.5, 0.1, 0.1), "newer": (2, 0.5, 0.1, 0.1), "old": (5, 0.9, 0.1, 0.1)}
    _scored(tracker, "beyond", rows)
    assert leaderboard("beyond", max_noise=0.15, limit=1)["name"].tolist() == ["old"]


def test_the_pareto_front_is_marked_among_those_that_are_left(tracker: MLflowTracker) -> None:
    rows = {
        "all-round": (5, 0.9, 0.1, 0.6),
        "beaten": (5, 0.9, 0.1, 0.5),
        "broad": (5, 1.0, 0.1, 0.2),
        "unbeaten-but-noisy": (5, 0.1, 0.1, 0.9),
    }
    _scored(tracker, "pareto", rows)
    frame = leaderboard("pareto", pareto=("silhouette", "coverage"))
    assert frame.set_index("name")["pareto"].to_dict() == {
        "all-round": True,
        "beaten": False,
        "broad": True,
        "unbeaten-but-noisy": True,
    }
    left = leaderboard("pareto", pareto=("silhouette", "coverage"), max_noise=0.15)
    assert left[left["pareto"]]["name"].tolist() == ["all-round", "broad"]
    assert "pareto" not in leaderboard("pareto").columns


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"max_noise": 15}, r"max_noise=15 is not allowed: it is a share, from 0 to 1"),
        ({"min_share": float("nan")}, r"min_share=nan is not allowed"),
        ({"clusters": (9, 4)}, r"clusters=\(9, 4\) is not allowed: give the fewest and the most"),
        ({"status": "complete"}, r"status='complete' is not allowed\. Did you mean 'completed'\?"),
        ({"pareto": ("silhouete", "coverage")}, r"pareto='silhouete' is not allowed\. Did you mean 'silhouette'\?"),
        ({"pareto": ("coverage",)}, r"name two or more"),
        ({"offset": -1}, r"offset=-1 is not allowed"),
    ],
)
def test_a_constraint_that_cannot_be_one_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        leaderboard(**given)


def test_sqlite_is_read_as_mlflow_lists_it(tracker: MLflowTracker) -> None:
    _scored(tracker, "same", {f"r-{at}": (at, 0.9, 0.1, 0.1 * at) for at in range(5)})
    tracker.start(experiment="same", name="theirs", tags={})
    chosen = {key: name for key, name in tracker.experiments().items() if name == "same"}
    direct = tracker.search(chosen, 4)
    assert direct == tracker.search_by_mlflow(chosen, 4)
    assert [run["name"] for run in direct] == ["r-0", "r-1", "r-2", "r-3"]


def test_a_database_of_another_kind_is_left_to_mlflow(tracker: MLflowTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    _scored(tracker, "fallback", {"only": (3, 0.9, 0.1, 0.1)})
    monkeypatch.setitem(database._TOLD, "params", "SELECT run_uuid, key, value FROM renamed WHERE")
    assert leaderboard("fallback")["name"].tolist() == ["only"]


def test_what_a_result_measures_fills_the_columns(tracker: MLflowTracker) -> None:
    recipe = Recipe()
    flat = recipe.replace(embedding=dataclasses.replace(recipe.embedding, method="pca"))
    result = Session(blobs(400)).run(flat)
    run_id = tracker.start(experiment="measured", name="m", tags={MARK: "1"})
    tracker.log(run_id, metrics=result.metrics())
    row = leaderboard("measured").iloc[0]
    assert row["segments"] == len(result.sizes)
    assert row["smallest"] == pytest.approx(result.sizes.min() / 400)
    assert row["largest"] == pytest.approx(result.sizes.max() / 400)
