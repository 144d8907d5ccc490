"""Trackers of their own: MLflow on a database made once, and Experiments on moto's server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from segwidgets.aws import Cloud
from segwidgets.tracking import MLflowTracker
from segwidgets.tracking.experiments import ExperimentsTracker

#: The region of the tests, and the address of its Experiments.
REGION = "eu-central-1"
EXPERIMENTS = f"experiments:{REGION}"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tracking")


@pytest.fixture(autouse=True)
def _own_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGWIDGETS_HOME", str(home))
    for name in ("MLFLOW_TRACKING_URI", "SEGWIDGETS_TRACKING_URI", "SEGWIDGETS_ARTIFACTS", "TRAINING_JOB_ARN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def tracker(home: Path) -> MLflowTracker:
    return MLflowTracker(f"sqlite:///{home / 'mlflow.db'}")


@pytest.fixture(scope="session")
def moto_address() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(moto_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment of somebody who has an account: moto's, over HTTP."""
    given = {
        "AWS_ENDPOINT_URL": moto_address,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return moto_address


@pytest.fixture
def cloud(aws: str) -> Cloud:
    return Cloud()


@pytest.fixture
def experiments(cloud: Cloud) -> ExperimentsTracker:
    return ExperimentsTracker(EXPERIMENTS, cloud)
