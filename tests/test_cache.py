"""The cache: keys tell settings apart, budgets are kept, damage counts as missing."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from segwidgets.cache import Cache, key_of


def test_a_key_depends_on_everything_that_goes_in() -> None:
    keys = {
        key_of("layout", 1, {"a": 1}, "x"),
        key_of("graph", 1, {"a": 1}, "x"),
        key_of("layout", 2, {"a": 1}, "x"),
        key_of("layout", 1, {"a": 2}, "x"),
        key_of("layout", 1, {"a": 1}, "y"),
        key_of("layout", 1, {"a": 1}),
    }
    assert len(keys) == 6


def test_a_key_does_not_depend_on_the_order_of_settings() -> None:
    assert key_of("layout", 1, {"a": 1, "b": 2}) == key_of("layout", 1, {"b": 2, "a": 1})


def test_arrays_come_back_as_they_went(tmp_path: Path) -> None:
    arrays = {"x": np.arange(6, dtype=np.float32).reshape(2, 3), "flag": np.ones((), bool), "name": np.array("abc")}
    Cache(tmp_path).write("layout", "k", arrays)
    again = Cache(tmp_path).read("layout", "k")
    assert again is not None
    for name, array in arrays.items():
        np.testing.assert_array_equal(again[name], array)
        assert again[name].dtype == array.dtype


def test_what_was_never_written_is_none(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert cache.read("layout", "k") is None
    assert not cache.has("layout", "k")


@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_a_damaged_file_counts_as_missing_and_goes(tmp_path: Path, damage: str) -> None:
    cache = Cache(tmp_path)
    cache.write("layout", "k", {"x": np.arange(1000.0)})
    (path,) = tmp_path.glob("layout/*.npz")
    content = bytearray(path.read_bytes())
    if damage == "cut":
        del content[len(content) // 2 :]
    else:
        content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    assert cache.read("layout", "k") is None
    assert not path.exists()


def test_the_least_recently_used_files_go_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, disk_bytes=10_000)
    block = {"x": np.zeros(450)}  # 3,600 bytes and a header
    for place, key in enumerate(("old", "used", "new")):
        if key == "new":
            cache.read("s", "used")
        cache.write("s", key, block)
        if key != "new":
            os.utime(tmp_path / "s" / f"{key}.npz", (place, place))
            if key == "used":
                assert cache.read("s", "old") is not None  # touched: "used" is the oldest now
    assert cache.read("s", "new") is not None
    assert not cache.has("s", "used") or not cache.has("s", "old")
    assert sum(path.stat().st_size for path in tmp_path.glob("s/*")) <= 10_000


def test_no_disk_budget_writes_nothing(tmp_path: Path) -> None:
    cache = Cache(tmp_path, disk_bytes=0)
    cache.write("s", "k", {"x": np.zeros(3)})
    assert list(tmp_path.rglob("*.npz")) == []


def test_memory_holds_the_most_recent_within_its_budget(tmp_path: Path) -> None:
    cache = Cache(tmp_path, memory_bytes=100)
    cache.put_object("a", "A", 60)
    cache.put_object("b", "B", 40)
    assert cache.get_object("a") == "A"
    cache.put_object("c", "C", 30)  # "b" is the least recently used
    assert (cache.get_object("a"), cache.get_object("b"), cache.get_object("c")) == ("A", None, "C")
    cache.put_object("d", "D", 101)
    assert cache.get_object("d") is None


def test_a_disk_that_cannot_be_written_costs_the_cache_and_not_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("a file where the directory should be")
    Cache(tmp_path / "file").write("s", "k", {"x": np.zeros(3)})
    assert "could not be cached" in caplog.text


def test_a_negative_budget_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="disk_bytes=-1"):
        Cache(tmp_path, disk_bytes=-1)
