from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber

from segwidgets.aws import Cloud
from segwidgets.data.samples import blobs
from segwidgets.jobs import promote
from segwidgets.recipe import Recipe
from segwidgets.tracking import Ledger, MLflowTracker, TrackingError, address, leaderboard, process
from segwidgets.tracking.experiments import ExperimentsTracker
from segwidgets.tracking.ledger import settle, settle_near, unsettled
from segwidgets.tracking.mlflow import MARK
from segwidgets.tracking.several import Several, run_ids

EXPERIMENTS = "experiments:eu-central-1"
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


def _both(tracker: MLflowTracker) -> str:
    return f"{tracker.uri},{EXPERIMENTS}"


def test_all_are_told_and_the_leaderboard_shows_one_row(tracker: MLflowTracker, aws: str) -> None:
    both = address.tracker(_both(tracker))
    run_id = both.start(experiment="both", name="both-1", tags={MARK: "1"}, trial="both-spring")
    both.log(run_id, params={"clustering.eps": "0.4", "verdict": "exact"}, metrics={"clusters": 7, "coverage": 0.9})
    both.end(run_id, "completed")
    for uri, source in ((tracker.uri, "local"), (EXPERIMENTS, "experiments"), (both.uri, "local+experiments")):
        frame = leaderboard("both", tracking_uri=uri)
        wanted = ["name", "trial", "source", "status", "verdict", "segments", "coverage", "eps"]
        assert frame[wanted].to_numpy().tolist() == [
            ["both-1", "both-spring", source, "completed", "exact", 7, 0.9, 0.4]
        ]
    assert both.find(experiment="both", name="both-1") == run_id
    assert both.find(experiment="both", name="nobody") is None


def test_one_that_cannot_be_reached_does_not_stop_the_other(
    tracker: MLflowTracker, caplog: pytest.LogCaptureFixture
) -> None:
    both = address.tracker(f"{NOBODY},{tracker.uri}")
    assert isinstance(both, Several)
    run_id = both.start(experiment="half", name="half-1", tags={MARK: "1"})
    both.log(run_id, metrics={"clusters": 2})
    both.end(run_id, "completed")
    assert list(run_ids(run_id)) == [tracker.uri]
    assert list(both.errors) == [NOBODY]
    assert f"the tracker at {NOBODY} is left out" in caplog.text
    frame = leaderboard("half", tracking_uri=both.uri)
    assert frame["name"].tolist() == ["half-1"]
    assert list(frame.attrs["errors"]) == [NOBODY]


def test_one_that_fails_amid_the_run_is_left_alone_for_the_rest_of_it(tracker: MLflowTracker, cloud: Cloud) -> None:
    both = Several([tracker, ExperimentsTracker(EXPERIMENTS, cloud)])
    run_id = both.start(experiment="amid", name="amid-1", tags={MARK: "1"})
    with Stubber(cloud.client("sagemaker")) as said:
        said.add_client_error("update_trial_component", service_error_code="ExpiredTokenException")
        both.log(run_id, metrics={"clusters": 2})
        both.end(run_id, "completed")  # a second call would find no answer
        said.assert_no_pending_responses()
    assert "credentials have expired" in both.errors[EXPERIMENTS]
    assert leaderboard("amid", tracking_uri=tracker.uri)["status"].tolist() == ["completed"]


def test_where_none_is_left_the_error_holds_what_each_said(tracker: MLflowTracker) -> None:
    nobody = address.tracker(f"{NOBODY},http://127.0.0.1:10")
    with pytest.raises(TrackingError, match=r"(?s)127\.0\.0\.1:9 .*127\.0\.0\.1:10 "):
        nobody.start(experiment="none", name="x", tags={})
    with pytest.raises(TrackingError, match=r"is of no tracker at sqlite"):
        Several([tracker]).log("a-run-of-another", params={})
    with pytest.raises(TrackingError, match=r"such\.db failed .*either\.db failed"):
        Several.at(["sqlite:////proc/no/such.db", "sqlite:////proc/no/either.db"])


def _ended(path: Path, uri: str, **more: Any) -> Ledger:
    path.mkdir(parents=True)
    ledger = Ledger(path)
    job = {"name": path.name, "experiment": "settled", "tracking_uri": uri, "tags": {MARK: "1"}, "trial": "settled-t"}
    ledger.write_job({**job, "process": {**process.identity(), "started": "1"}, **more})
    ledger.write_status({"state": "completed", "begun": 1_700_000_000.0, "ended": 1_700_000_060.0})
    ledger.write_record({"metrics": {"clusters": 4}, "params": {"verdict": "exact"}})
    return ledger


def _known(uri: str, name: str) -> list[Any]:
    frame = leaderboard("settled", tracking_uri=uri)
    wanted = ["status", "segments", "verdict", "duration", "trial"]
    return list(frame[frame["name"] == name][wanted].to_numpy().tolist())


def test_a_tracker_that_was_down_is_told_later_and_the_other_only_once(
    tmp_path: Path, tracker: MLflowTracker, cloud: Cloud
) -> None:
    ledger = _ended(tmp_path / "down", _both(tracker))
    experiments = ExperimentsTracker(EXPERIMENTS, cloud)
    with Stubber(cloud.client("sagemaker")) as said:
        said.add_client_error("describe_trial_component", service_error_code="ThrottlingException")
        with pytest.raises(TrackingError, match="asked too often"):
            ledger.tell(Several([tracker, experiments]))
    assert ledger.told == {tracker.uri}
    assert not ledger.settled
    assert unsettled(tmp_path) == [ledger]
    told = [["completed", 4, "exact", 60.0, "settled-t"]]
    assert _known(tracker.uri, "down") == told
    settle(tmp_path, experiments)  # it is back
    assert ledger.settled
    assert _known(EXPERIMENTS, "down") == told
    settle(tmp_path, Several([tracker, experiments]))
    assert _known(tracker.uri, "down") == told
    assert unsettled(tmp_path) == []


def test_a_job_goes_on_with_the_runs_it_began(tmp_path: Path, tracker: MLflowTracker, cloud: Cloud) -> None:
    both = Several([tracker, ExperimentsTracker(EXPERIMENTS, cloud)])
    run_id = both.start(experiment="settled", name="begun", tags={MARK: "1"}, trial="settled-t", at=1_700_000_000.0)
    ledger = _ended(tmp_path / "begun", both.uri)
    ledger.write_record({**ledger.record, "run_id": run_id})
    ledger.tell(both)
    assert ledger.settled
    assert len(_known(tracker.uri, "begun")) == len(_known(EXPERIMENTS, "begun")) == 1
    assert json.loads(run_id)[EXPERIMENTS] == "begun"


def test_a_look_tells_what_is_near_and_leaves_the_far_to_the_leaderboard(
    tmp_path: Path, tracker: MLflowTracker
) -> None:
    ledger = _ended(tmp_path / "near", f"{tracker.uri},{NOBODY}")
    settle_near(ledger)
    assert ledger.told == {tracker.uri}
    assert len(_known(tracker.uri, "near")) == 1
    settle_near(ledger)
    assert len(_known(tracker.uri, "near")) == 1


def test_a_tracker_that_is_not_the_jobs_is_not_told(tmp_path: Path, tracker: MLflowTracker) -> None:
    ledger = _ended(tmp_path / "other", f"{NOBODY},http://127.0.0.1:10")
    settle(tmp_path, tracker)
    assert ledger.told == frozenset()
    assert _known(tracker.uri, "other") == []


def test_a_record_of_an_earlier_version_counts_as_told(tmp_path: Path, tracker: MLflowTracker) -> None:
    ledger = _ended(tmp_path / "earlier", _both(tracker))
    (ledger.path / "settled").touch()
    assert ledger.settled
    assert unsettled(tmp_path) == []


def test_while_its_tracker_is_down_a_run_stands_in_the_table_by_this_machines_record(
    home: Path, tracker: MLflowTracker
) -> None:
    place = home / "jobs" / "while-down"
    ledger = _ended(place, NOBODY, experiment="while-down")
    try:
        frame = leaderboard("while-down", tracking_uri=NOBODY)
        wanted = ["name", "source", "status", "verdict", "segments", "duration"]
        assert frame[wanted].to_numpy().tolist() == [["while-down", "untold", "completed", "exact", 4, 60.0]]
        assert list(frame.attrs["errors"]) == [NOBODY]
        ledger.mark_settled(NOBODY)
        with pytest.raises(TrackingError):
            leaderboard("while-down", tracking_uri=NOBODY)
    finally:
        shutil.rmtree(place)


def test_pictures_in_the_output_are_told_too(tmp_path: Path, tracker: MLflowTracker) -> None:
    ledger = _ended(tmp_path / "pictured", tracker.uri)
    place = ledger.path / "output" / "data" / "figures"
    place.mkdir(parents=True)
    (place / "cloud.png").write_bytes(b"\x89PNG")
    settle(tmp_path, tracker)
    run_id = tracker.find(experiment="settled", name="pictured")
    import mlflow

    got = mlflow.MlflowClient(tracker.uri).download_artifacts(run_id, "cloud.png", str(tmp_path))
    assert Path(got).read_bytes() == b"\x89PNG"


def test_a_promoted_job_stands_in_both_trackers_as_one_run(tracker: MLflowTracker, aws: str) -> None:
    """The whole way: a process of its own tells SQLite, and Experiments over HTTP."""
    recipe = Recipe()
    flat = recipe.replace(embedding=dataclasses.replace(recipe.embedding, method="pca"))
    job = promote(flat, blobs(300), experiment="story", trial="story-t", tracking_uri=f"{tracker.uri},experiments:")
    assert job.wait(120).verdict == "exact", job.log()
    frame = leaderboard("story", tracking_uri=f"{tracker.uri},experiments:")
    row = frame.iloc[0]
    assert len(frame) == 1
    assert row[["name", "trial", "source", "status", "verdict"]].tolist() == [
        job.name,
        "story-t",
        "local+experiments",
        "completed",
        "exact",
    ]
    alone = leaderboard("story", tracking_uri=EXPERIMENTS).iloc[0]
    for column in ("segments", "coverage", "smallest", "eps", "min_samples", "recipe"):
        assert alone[column] == row[column]
