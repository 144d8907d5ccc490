from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from segwidgets.lifecycle import bundle as bundles
from segwidgets.lifecycle import files
from segwidgets.lifecycle.bundle import Bundle
from segwidgets.lifecycle.errors import LifecycleError

NAMES = sorted(
    [
        *files.BUNDLED,
        "bundle.json",
        "restoring/__init__.py",
        "restoring/phases.py",
        "segwidgets-7.0-py3-none-any.whl",
    ]
)


def entries(bundle: Bundle) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(bundle.content)) as archive:
        return archive.getmembers()


def test_a_bundle_holds_what_an_instance_needs_at_its_top(bundle: Bundle) -> None:
    assert [entry.name for entry in entries(bundle)] == NAMES


def test_the_list_in_it_names_every_file_and_its_checksum(bundle: Bundle, tmp_path: Path) -> None:
    path = bundle.write(tmp_path / "out")
    subprocess.run(["tar", "-xzf", path, "-C", tmp_path, "--no-same-owner"], check=True)
    index = json.loads((tmp_path / "bundle.json").read_text())
    assert (index["version"], index["segwidgets"]) == (1, "7.0")
    assert sorted([*index["files"], "bundle.json"]) == NAMES
    for name, sha256 in index["files"].items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == sha256


def test_its_name_is_its_checksum(bundle: Bundle, tmp_path: Path) -> None:
    path = bundle.write(tmp_path / "made" / "for it")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == bundle.sha256
    assert path.name == f"segwidgets-kernel-{bundle.sha256[:16]}.tar.gz"


def test_the_same_files_give_the_same_bytes_whoever_has_them(bundle: Bundle, project: Path, wheel: Path) -> None:
    for path in (project / "lifecycle").rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    cache = project / "lifecycle" / "restoring" / "__pycache__"
    cache.mkdir()
    (cache / "phases.cpython-311.pyc").write_bytes(b"compiled")
    (project / "lifecycle" / "restoring" / ".phases.py.swp").write_bytes(b"open in an editor")
    os.utime(wheel, (1, 1))
    assert bundles.build(wheel).content == bundle.content


def test_a_checkout_of_windows_gives_the_same_bytes(bundle: Bundle, project: Path, wheel: Path) -> None:
    for path in [*(project / "lifecycle").rglob("*.*"), project / "conda-lock.yml"]:
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert bundles.build(wheel).content == bundle.content


def test_nothing_of_the_machine_is_in_it(bundle: Bundle) -> None:
    for entry in entries(bundle):
        assert (entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname) == (0, 0, 0, "", "")
        assert entry.mode == (0o755 if entry.name in {"restore.py", "on-start.sh"} else 0o644)
    assert bundle.content[4:8] == b"\0\0\0\0"  # gzip's time
    assert not bundle.content[3]  # and no name


def test_a_changed_file_is_another_bundle(bundle: Bundle, project: Path, wheel: Path) -> None:
    (project / "lifecycle" / "restoring" / "phases.py").write_text("PHASES = (1,)\n")
    assert bundles.build(wheel).sha256 != bundle.sha256


@pytest.mark.parametrize("name", [*files.BUNDLED])
def test_a_missing_file_is_named_with_the_way_out(project: Path, wheel: Path, name: str) -> None:
    files.path(name).unlink()
    with pytest.raises(LifecycleError, match=f"{name} is missing.*make lock"):
        bundles.build(wheel)


@pytest.mark.parametrize("name", [*files.BUNDLED])
def test_an_empty_file_is_named(project: Path, wheel: Path, name: str) -> None:
    files.path(name).write_text("\n")
    with pytest.raises(LifecycleError, match=f"{name} is empty"):
        bundles.build(wheel)


def test_missing_modules_are_named(project: Path, wheel: Path) -> None:
    for path in (project / "lifecycle" / "restoring").iterdir():
        path.unlink()
    with pytest.raises(LifecycleError, match="restoring is missing or empty"):
        bundles.build(wheel)


def test_a_file_that_is_a_folder_is_named(project: Path, wheel: Path) -> None:
    files.path("restore.py").unlink()
    files.path("restore.py").mkdir()
    with pytest.raises(LifecycleError, match=r"restore\.py cannot be read: Is a directory"):
        bundles.build(wheel)


def test_a_bundle_shows_no_bytes(bundle: Bundle) -> None:
    assert repr(bundle) == "Bundle(segwidgets='7.0')"


def test_this_checkout_has_all_that_a_bundle_needs(wheel: Path) -> None:
    made = bundles.build(wheel)
    names = [entry.name for entry in entries(made)]
    assert {"restore.py", "on-start.sh", "conda-lock.yml", "requirements.txt", "bootstrap.txt"} <= set(names)
    assert any(name.startswith("restoring/") for name in names)
    assert len(made.content) < 20e6
