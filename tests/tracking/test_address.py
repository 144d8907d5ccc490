from __future__ import annotations

from pathlib import Path

import pytest

from segwidgets.tracking import MLflowTracker, TrackingError, address
from segwidgets.tracking.experiments import ExperimentsTracker
from segwidgets.tracking.several import Several

ARN = "arn:aws:sagemaker:eu-central-1:123456789012:mlflow-tracking-server/team"


def test_the_default_is_ours_then_mlflows_then_sqlite(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert address.resolved() == f"sqlite:///{home / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.invalid")
    assert address.resolved() == "http://mlflow.invalid"
    monkeypatch.setenv("SEGWIDGETS_TRACKING_URI", "http://ours.invalid,experiments:us-east-1")
    assert address.resolved() == "http://ours.invalid,experiments:us-east-1"
    assert address.resolved("http://given.invalid") == "http://given.invalid"


def test_several_stand_with_commas_between_and_a_path_may_hold_one() -> None:
    assert address.parts(f"sqlite:////a,b.db, {ARN},experiments:") == ("sqlite:////a,b.db", ARN, "experiments:")
    assert address.parts("http://x.invalid,http://x.invalid,") == ("http://x.invalid",)
    assert address.parts("") == ()


def test_relative_paths_and_the_region_are_filled_in(aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert address.resolved("sqlite:///r.db,experiments:") == f"sqlite:///{tmp_path}/r.db,experiments:eu-central-1"


def test_an_address_that_cannot_be_one_is_refused_with_the_way_out() -> None:
    with pytest.raises(TrackingError, match=r"experiments:Frankfurt.*such as experiments:eu-central-1"):
        address.resolved("experiments:Frankfurt")
    with pytest.raises(TrackingError, match=r"must be a managed MLflow's, arn:aws:sagemaker:REGION"):
        address.resolved("arn:aws:s3:::bucket")


def test_no_region_is_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(TrackingError, match=r"no AWS region is known.*AWS_DEFAULT_REGION"):
        address.resolved("experiments:")


def test_only_files_are_local() -> None:
    assert address.is_local("sqlite:////a.db")
    assert not address.is_local("sqlite:////a.db,experiments:eu-central-1")
    assert not address.is_local("")
    kinds = [address.source(one) for one in ("sqlite:////a.db", "http://x.invalid", ARN, "experiments:eu-central-1")]
    assert kinds == ["local", "mlflow", "managed mlflow", "experiments"]


def test_each_address_opens_its_tracker(aws: str, tracker: MLflowTracker) -> None:
    assert isinstance(address.tracker(tracker.uri), MLflowTracker)
    assert isinstance(address.tracker("experiments:eu-central-1"), ExperimentsTracker)
    both = address.tracker(f"{tracker.uri},experiments:eu-central-1")
    assert isinstance(both, Several)
    assert both.uri == f"{tracker.uri},experiments:eu-central-1"
    assert [board.uri for board in address.boards(both.uri)] == [tracker.uri, "experiments:eu-central-1"]


def test_a_job_without_a_tracker_says_so() -> None:
    assert address.resolved("none:") == "none:"
    with pytest.raises(TrackingError, match="no tracker can be reached from inside this job"):
        address.tracker("none:")


def test_a_managed_mlflow_without_its_plug_in_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(TrackingError, match=r'pip install "segwidgets\[aws\]"'):
        address.tracker(ARN)
