from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from segwidgets.tracking import MLflowTracker, TrackingError
from segwidgets.tracking.mlflow import MARK, is_local, tracking_uri


def _runs(tracker: MLflowTracker, experiment: str) -> list[dict[str, object]]:
    chosen = {key: name for key, name in tracker.experiments().items() if name == experiment}
    return tracker.search(chosen, 100)


def test_the_default_is_sqlite_at_home_and_the_environment_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tracking_uri() == f"sqlite:///{home / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracker.invalid")
    assert tracking_uri() == "http://tracker.invalid"
    assert tracking_uri("sqlite:////x.db") == "sqlite:////x.db"


def test_relative_addresses_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert tracking_uri("sqlite:///runs.db") == f"sqlite:///{tmp_path / 'runs.db'}"
    assert tracking_uri("runs") == (tmp_path / "runs").as_uri()


def test_only_files_of_this_machine_are_local() -> None:
    assert is_local("sqlite:////x.db")
    assert is_local("file:///x")
    assert not is_local("https://tracker.invalid")


def test_a_run_carries_what_it_was_told(tracker: MLflowTracker) -> None:
    run_id = tracker.start(experiment="told", name="first", tags={MARK: "1"})
    tracker.log(run_id, params={"eps": "0.4"}, metrics={"clusters": 4.0, "silhouette": float("nan")})
    tracker.log(run_id, params={"eps": "0.4"}, documents={"recipe.json": "{}"})  # said twice
    tracker.end(run_id, "completed")
    (run,) = _runs(tracker, "told")
    assert (run["name"], run["state"], run["params"]) == ("first", "completed", {"eps": "0.4"})
    assert run["metrics"] == {"clusters": 4.0}


def test_a_failed_run_has_its_reason_and_a_stopped_one_too(tracker: MLflowTracker) -> None:
    for name, state in (("a", "failed"), ("b", "stopped")):
        tracker.end(tracker.start(experiment="ended", name=name, tags={MARK: "1"}), state, "because")  # type: ignore[arg-type]
    found = {str(run["name"]): run for run in _runs(tracker, "ended")}
    assert [(found[name]["state"], found[name]["tags"]["reason"]) for name in "ab"] == [  # type: ignore[index]
        ("failed", "because"),
        ("stopped", "because"),
    ]


def test_hundreds_of_parameters_are_told_in_parts(tracker: MLflowTracker) -> None:
    run_id = tracker.start(experiment="many", name="many", tags={MARK: "1"})
    tracker.log(run_id, params={f"p{i}": str(i) for i in range(250)}, metrics={f"m{i}": float(i) for i in range(250)})
    (run,) = _runs(tracker, "many")
    assert len(run["params"]) == len(run["metrics"]) == 250  # type: ignore[arg-type]


def test_a_run_is_found_by_its_name(tracker: MLflowTracker) -> None:
    run_id = tracker.start(experiment="named", name="this-one", tags={})
    assert tracker.find(experiment="named", name="this-one") == run_id
    assert tracker.find(experiment="named", name="another") is None


def test_an_address_that_cannot_be_used_is_a_tracking_error() -> None:
    with pytest.raises(TrackingError, match="no/such/place"):
        MLflowTracker("sqlite:////proc/no/such/place.db")


def test_two_processes_may_make_the_database_at_once_and_nothing_is_printed(tmp_path: Path) -> None:
    code = (
        "import os, sys; from segwidgets.tracking import MLflowTracker; "
        "MLflowTracker(sys.argv[1]).start(experiment='race', name='x', tags={'segwidgets.version': '1'}); "
        "print(os.environ['MLFLOW_DISABLE_TELEMETRY'])"
    )
    uri = f"sqlite:///{tmp_path / 'new.db'}"
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_DISABLE_TELEMETRY"}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, uri],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environment,
        )
        for _ in range(2)
    ]
    assert [child.communicate(timeout=60) for child in both] == [("true\n", "")] * 2
    assert len(_runs(MLflowTracker(uri), "race")) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [".new.db.lock", "new.db"]


def test_a_database_half_made_by_a_killed_process_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / ".new.db.new").write_bytes(b"SQLite format 3\0 and no more")
    MLflowTracker(f"sqlite:///{tmp_path / 'new.db'}").start(experiment="x", name="x", tags={})
    assert not (tmp_path / ".new.db.new").exists()
