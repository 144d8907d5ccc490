from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from segwidgets import storage


def test_home_is_where_the_variable_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEGWIDGETS_HOME", str(tmp_path / "a" / "b"))
    assert storage.home() == tmp_path / "a" / "b"
    assert storage.home().is_dir()


def test_home_is_absolute_and_knows_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SEGWIDGETS_HOME", "~/mine")
    assert storage.home() == tmp_path / "mine"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEGWIDGETS_HOME", "here")
    assert storage.home() == tmp_path / "here"


def test_home_is_in_the_users_directory_otherwise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SEGWIDGETS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(storage, "_SAGEMAKER_VOLUME", tmp_path / "SageMaker")
    assert storage.home() == tmp_path / ".segwidgets"


def test_home_is_on_the_volume_that_survives_a_stop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SEGWIDGETS_HOME")
    monkeypatch.setattr(storage, "_SAGEMAKER_VOLUME", tmp_path / "SageMaker")
    (tmp_path / "SageMaker").mkdir()
    assert storage.home() == tmp_path / "SageMaker" / ".segwidgets"


def test_a_file_is_written_whole_into_a_directory_that_need_not_exist(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.json"
    storage.write_atomic(path, "süß")
    assert path.read_bytes() == "süß".encode()
    storage.write_atomic(path, b"\x00\x01")
    assert path.read_bytes() == b"\x00\x01"
    assert [p.name for p in path.parent.iterdir()] == ["a.json"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    storage.write_atomic(path, "old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        storage.write_atomic(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_readers_see_the_old_or_the_new_file_never_a_part(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    contents = ["a" * 100_000, "b" * 200_000]
    storage.write_atomic(path, contents[0])
    seen: set[str] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.add(path.read_text())

    reader = threading.Thread(target=look)
    reader.start()
    for i in range(40):
        storage.write_atomic(path, contents[i % 2])
    stop.set()
    reader.join()
    assert seen <= set(contents)


def test_a_directory_appears_when_it_is_done(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "result"
    with storage.atomic_directory(path) as work:
        (work / "a").write_text("1")
        assert not path.exists()
        assert work.parent == path.parent  # the same volume, or the rename could not be atomic
    assert (path / "a").read_text() == "1"
    assert [p.name for p in path.parent.iterdir()] == ["result"]


def interrupted_write(path: Path) -> None:
    with storage.atomic_directory(path) as work:
        (work / "a").write_text("new")
        raise KeyboardInterrupt


def test_a_directory_that_fails_vanishes_and_the_old_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "result"
    for expected in (None, "old"):
        if expected:
            with storage.atomic_directory(path) as work:
                (work / "a").write_text(expected)
        with pytest.raises(KeyboardInterrupt):
            interrupted_write(path)
        assert [p.name for p in tmp_path.iterdir()] == (["result"] if expected else [])
    assert (path / "a").read_text() == "old"


def test_a_directory_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "result"
    for name in ("a", "b"):
        with storage.atomic_directory(path) as work:
            (work / name).write_text(name)
    assert [p.name for p in path.iterdir()] == ["b"]
    assert [p.name for p in tmp_path.iterdir()] == ["result"]


def test_a_replacement_that_fails_at_the_last_step_puts_the_old_one_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "result"
    with storage.atomic_directory(path) as work:
        (work / "a").write_text("old")
    replace = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if self.suffix == ".tmp":
            raise OSError(5, "Input/output error")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="Input/output"), storage.atomic_directory(path) as work:
        (work / "a").write_text("new")
    assert (path / "a").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["result"]


def test_others_may_read_what_the_umask_lets_them(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        storage.write_atomic(tmp_path / "file", "x")
        with storage.atomic_directory(tmp_path / "directory"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "directory").stat().st_mode & 0o777 == 0o755


def test_home_is_its_owners_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEGWIDGETS_HOME", str(tmp_path / "own"))
    assert storage.home().stat().st_mode & 0o777 == 0o700
