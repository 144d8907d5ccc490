"""A small project, an account of a simulated AWS, and notebook instances in it."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from moto.server import ThreadedMotoServer

import segwidgets
from segwidgets.aws import Cloud
from segwidgets.lifecycle import bundle as bundles
from segwidgets.lifecycle import files
from segwidgets.lifecycle.bundle import Bundle
from segwidgets.lifecycle.deploy import Place

from .notebooks import Notebooks, noting

ROOT = Path(__file__).parents[2]
REGION, ACCOUNT = "eu-central-1", "123456789012"
BUCKET = f"sagemaker-{REGION}-{ACCOUNT}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/notebook"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the real scripts, and a little of everything else that a bundle holds."""
    root = tmp_path / "checkout"
    place = root / "lifecycle"
    (place / "restoring").mkdir(parents=True)
    (root / "pyproject.toml").write_text("[project]\n")
    for name in ("on-start.sh", "on-create.sh", "template.yaml"):
        shutil.copy(ROOT / "lifecycle" / name, place)
    for name in set(files.BUNDLED) - {"on-start.sh"}:
        (root if name == files.LOCK else place).joinpath(name).write_text(f"# {name}\n")
    (place / "restoring" / "__init__.py").write_text('"""Modules."""\n')
    (place / "restoring" / "phases.py").write_text("PHASES = ()\n")
    monkeypatch.setattr(segwidgets, "__file__", str(root / "segwidgets" / "__init__.py"))
    return root


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "segwidgets-7.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("segwidgets/__init__.py", "")
    return path


@pytest.fixture
def bundle(project: Path, wheel: Path) -> Bundle:
    return bundles.build(wheel)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


def _variables(server: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture(scope="session")
def account(server: str) -> Cloud:
    """One for all: to read what boto3 knows of SageMaker takes it most of a second."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            patch.delenv(name, raising=False)
        for name, value in _variables(server).items():
            patch.setenv(name, value)
        found = Cloud()
        for service in ("s3", "sagemaker", "sts", "kms"):
            found.client(service)
        assert found.account == ACCOUNT
    return found


@pytest.fixture
def cloud(account: Cloud, server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cloud:
    """An account with SageMaker's usual bucket and nothing else, as the environment gives it to boto3."""
    for name, value in {**_variables(server), "SEGWIDGETS_HOME": str(tmp_path / "home")}.items():
        monkeypatch.setenv(name, value)
    requests.post(f"{server}/moto-api/reset", timeout=10)
    where = {"LocationConstraint": REGION}
    account.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
    return account


@pytest.fixture
def place() -> Place:
    return Place(BUCKET)


@pytest.fixture
def notebooks(cloud: Cloud) -> Iterator[Notebooks]:
    with noting() as book:
        yield book


Instance = Callable[..., str]


@pytest.fixture
def instance(cloud: Cloud, notebooks: Notebooks) -> Instance:
    """Makes an instance; it is stopped unless it is to be ``on``."""

    def make(
        name: str = "crm",
        kind: str = "ml.g4dn.xlarge",
        *,
        on: bool = False,
        config: str | None = None,
        platform: str = "notebook-al2023-v1",
        volume: int = 50,
        internet: str = "Enabled",
    ) -> str:
        notebooks.platforms[name] = platform
        cloud.client("sagemaker").create_notebook_instance(
            NotebookInstanceName=name,
            InstanceType=kind,
            RoleArn=ROLE,
            VolumeSizeInGB=volume,
            DirectInternetAccess=internet,
            **({"LifecycleConfigName": config} if config else {}),
        )
        if not on:
            cloud.client("sagemaker").stop_notebook_instance(NotebookInstanceName=name)
            while state_of(cloud, name) != "Stopped":
                pass
        notebooks.calls.clear()
        return name

    return make


def state_of(cloud: Cloud, name: str) -> str:
    """An instance's state."""
    found = cloud.client("sagemaker").describe_notebook_instance(NotebookInstanceName=name)
    return str(found["NotebookInstanceStatus"])


def config_of(cloud: Cloud, name: str) -> str | None:
    """An instance's lifecycle configuration."""
    found = cloud.client("sagemaker").describe_notebook_instance(NotebookInstanceName=name)
    return found.get("NotebookInstanceLifecycleConfigName")
