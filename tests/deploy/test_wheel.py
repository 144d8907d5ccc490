from __future__ import annotations

import csv
import importlib.metadata
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

import segwidgets
from segwidgets.lifecycle import files
from segwidgets.lifecycle.errors import LifecycleError
from segwidgets.lifecycle.wheel import repacked, version_of, wheel

from .conftest import ROOT

NAME = f"segwidgets-{segwidgets.__version__}-py3-none-any.whl"
Installed = Callable[[Path, bytes], PathDistribution]


@pytest.fixture(scope="module")
def made() -> bytes:
    """The wheel of this very checkout."""
    name, content = wheel()
    assert name == NAME
    return content


def install(content: bytes, place: Path) -> PathDistribution:
    """Installs a wheel into an environment of its own, as pip does for everybody."""
    environment = place / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    file = place / NAME
    file.write_bytes(content)
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        environment,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        file,
    ]
    subprocess.run(command, check=True)
    (found,) = environment.glob("lib/python3*/site-packages/segwidgets-*.dist-info")
    return PathDistribution(found)


def contents(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_checkout_makes_its_wheel_the_same_every_time(made: bytes) -> None:
    assert wheel() == (NAME, made)


def test_a_wheel_carries_what_an_instance_is_given(made: bytes) -> None:
    inside = contents(made)
    for name in ("on-start.sh", "on-create.sh", "template.yaml", "requirements.txt", "bootstrap.txt", "restore.py"):
        assert inside[f"segwidgets/lifecycle/files/{name}"] == (ROOT / "lifecycle" / name).read_bytes()
    assert inside["segwidgets/lifecycle/files/conda-lock.yml"] == (ROOT / "conda-lock.yml").read_bytes()
    assert any(name.startswith("segwidgets/lifecycle/files/restoring/") for name in inside)
    assert not any("__pycache__" in name for name in inside)


def test_an_installed_package_becomes_the_wheel_that_it_came_from(made: bytes, tmp_path: Path) -> None:
    name, again = repacked(install(made, tmp_path))
    assert name == NAME
    was, now = contents(made), contents(again)
    record = next(one for one in was if one.endswith(".dist-info/RECORD"))
    assert {one: data for one, data in now.items() if one != record} == {
        one: data for one, data in was.items() if one != record
    }
    rows = [{tuple(row) for row in csv.reader(one[record].decode().splitlines())} for one in (was, now)]
    assert rows[0] == rows[1]


def test_that_wheel_can_be_installed_and_repacked_to_the_same_bytes(made: bytes, tmp_path: Path) -> None:
    _, first = repacked(install(made, tmp_path))
    (tmp_path / "again").mkdir()
    assert repacked(install(first, tmp_path / "again")) == (NAME, first)


def test_an_installed_package_finds_its_files_in_itself(
    made: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Path(str(install(made, tmp_path).locate_file("")))
    monkeypatch.setattr(segwidgets, "__file__", str(site / "segwidgets" / "__init__.py"))
    assert files.checkout() is None
    for name in (*files.BUNDLED, files.ON_CREATE, files.TEMPLATE):
        assert files.path(name).is_relative_to(site / "segwidgets")
        assert files.text(name).strip()
    assert files.modules()
    files.path(files.LOCK).unlink()
    with pytest.raises(LifecycleError, match=r"conda-lock\.yml is missing.*install segwidgets again"):
        files.text(files.LOCK)


def test_a_file_that_was_changed_since_is_named(made: bytes, tmp_path: Path) -> None:
    found = install(made, tmp_path)
    Path(str(found.locate_file("segwidgets/names.py"))).write_text("# mine\n")
    with pytest.raises(LifecycleError, match=r"segwidgets/names\.py was changed since.*--wheel"):
        repacked(found)


def test_a_file_that_is_gone_is_named(made: bytes, tmp_path: Path) -> None:
    found = install(made, tmp_path)
    Path(str(found.locate_file("segwidgets/names.py"))).unlink()
    with pytest.raises(LifecycleError, match=r"segwidgets/names\.py cannot be read"):
        repacked(found)


def test_an_editable_installation_is_no_wheel(tmp_path: Path) -> None:
    info = tmp_path / "segwidgets-7.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: segwidgets\nVersion: 7.0\n")
    (info / "RECORD").write_text("segwidgets-7.0.dist-info/METADATA,,\n__editable__.segwidgets.pth,,\n")
    (tmp_path / "__editable__.segwidgets.pth").write_text("/somewhere\n")
    with pytest.raises(LifecycleError, match="as of an editable installation"):
        repacked(PathDistribution(info))


def test_a_package_that_is_only_importable_is_no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> None:
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(LifecycleError, match="it is not installed, only importable"):
        repacked()


def test_a_given_wheel_is_taken_as_it_is(wheel_file: Path) -> None:
    assert wheel(wheel_file) == (wheel_file.name, wheel_file.read_bytes())
    assert version_of(wheel_file.name) == "7.0"


@pytest.fixture
def wheel_file(tmp_path: Path) -> Path:
    path = tmp_path / "segwidgets-7.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("segwidgets/__init__.py", "")
    return path


@pytest.mark.parametrize("name", ["other-7.0-py3-none-any.whl", "segwidgets-7.0.tar.gz", "segwidgets.whl"])
def test_what_is_not_named_like_our_wheel_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LifecycleError, match="is no wheel of segwidgets"):
        wheel(tmp_path / name)


@pytest.mark.parametrize("content", [None, b"PK"])
def test_what_is_no_wheel_inside_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "segwidgets-7.0-py3-none-any.whl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LifecycleError, match="is not a wheel"):
        wheel(path)


def test_a_wheel_that_cannot_be_built_says_what_the_builder_said(project: Path) -> None:
    (project / "pyproject.toml").write_text("[project\n")
    with pytest.raises(LifecycleError, match=r"no wheel could be made from .*--wheel segwidgets"):
        wheel()
