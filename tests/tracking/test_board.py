from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from segwidgets.tracking import MLflowTracker, leaderboard
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
