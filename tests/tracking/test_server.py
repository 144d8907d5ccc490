"""MLflow behind HTTP: a live server on loopback, asked as itself and as a managed one by its ARN."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from segwidgets.tracking import MLflowTracker, TrackingError, address, leaderboard
from segwidgets.tracking.mlflow import MARK

ARN = "arn:aws:sagemaker:eu-central-1:123456789012:mlflow-tracking-server/team"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place: Path = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    uri = f"http://127.0.0.1:{port}"
    child = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{place / 'server.db'}"),
            *("--artifacts-destination", str(place / "files")),
        ],
        cwd=place,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(f"{uri}/health", timeout=2).close()  # noqa: S310 - our own server
            break
        except OSError as error:
            if time.monotonic() > deadline or child.poll() is not None:
                raise RuntimeError("the MLflow server did not come up") from error
            time.sleep(0.2)
    yield uri
    os.killpg(child.pid, 15)
    child.wait(timeout=30)


def test_a_server_takes_a_run_with_its_documents_and_links(server: str, tmp_path: Path) -> None:
    tracker = MLflowTracker(server)
    run_id = tracker.start(experiment="served", name="served-1", tags={MARK: "1"}, trial="spring")
    tracker.log(
        run_id,
        params={"clustering.eps": "0.4"},
        metrics={"clusters": 5},
        documents={"recipe.json": "{}", "figures/cloud.png": b"\x89PNG"},
        links={"input/table": "s3://b/table"},
    )
    tracker.end(run_id, "completed")
    frame = leaderboard("served", tracking_uri=server)
    assert frame.loc[0, ["name", "trial", "source", "segments", "eps"]].tolist() == [
        "served-1",
        "spring",
        "mlflow",
        5,
        0.4,
    ]
    import mlflow

    client = mlflow.MlflowClient(server)
    got = client.download_artifacts(run_id, "figures/cloud.png", str(tmp_path))
    assert Path(got).read_bytes() == b"\x89PNG"
    assert client.get_run(run_id).data.tags["link.input/table"] == "s3://b/table"


def test_more_runs_than_a_page_holds_are_all_listed(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = MLflowTracker(server)
    for at in range(7):
        tracker.start(experiment="pages", name=f"p-{at}", tags={MARK: "1"}, at=1_700_000_000.0 + at)
    monkeypatch.setattr("segwidgets.tracking.mlflow._PAGE", 3)
    names = leaderboard("pages", tracking_uri=server)["name"].tolist()
    assert names == [f"p-{at}" for at in reversed(range(7))]
    assert leaderboard("pages", tracking_uri=server, offset=2, limit=2)["name"].tolist() == ["p-4", "p-3"]


def test_a_managed_mlflow_takes_a_run_through_its_plug_in(
    server: str, aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT", server)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://another.invalid")  # the user's own, which stays
    tracker = address.tracker(ARN)
    run_id = tracker.start(experiment="managed", name="managed-1", tags={MARK: "1"})
    tracker.log(run_id, metrics={"clusters": 3})
    tracker.end(run_id, "completed")
    frame = leaderboard("managed", tracking_uri=ARN)
    assert frame.loc[0, ["name", "source", "segments"]].tolist() == ["managed-1", "managed mlflow", 3]
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://another.invalid"


def test_a_server_that_is_gone_is_a_tracking_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingError, match=r"the tracker at http://127\.0\.0\.1:9 failed"):
        leaderboard(tracking_uri="http://127.0.0.1:9")
