from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from segwidgets.lifecycle.following import follow


class StoppedError(Exception):
    pass


def followed(place: Path, *happens: Callable[[], object], lines: int = 200) -> list[str]:
    """The lines that come while one thing after the other happens between the looks."""
    left: Iterator[Callable[[], object]] = iter(happens)

    def pause(_seconds: float) -> None:
        try:
            next(left)()
        except StopIteration:
            raise StoppedError from None

    found: list[str] = []
    with pytest.raises(StoppedError):
        found.extend(follow(place, lines=lines, pause=pause))
    return found


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "restore.log"


def append(log: Path, text: str) -> Callable[[], object]:
    def write() -> None:
        with log.open("a", newline="") as file:
            file.write(text)

    return write


def test_the_last_lines_come_first_then_each_new_one(tmp_path: Path, log: Path) -> None:
    log.write_text("a\nb\nc\n")
    assert followed(tmp_path, append(log, "d\r\ne\n"), append(log, "f\n"), lines=2) == ["b", "c", "d", "e", "f"]


def test_a_line_comes_once_it_is_whole(tmp_path: Path, log: Path) -> None:
    log.write_text("a\nb")
    assert followed(tmp_path, append(log, "b"), append(log, "\n"), append(log, "c")) == ["a", "bb"]


def test_a_log_that_comes_later_is_followed(tmp_path: Path, log: Path) -> None:
    assert followed(tmp_path, lambda: None, append(log, "a\n")) == ["a"]


def test_a_log_that_is_replaced_begins_again_with_its_last_lines(tmp_path: Path, log: Path) -> None:
    log.write_text("a\nb\n")

    def replace() -> None:
        (tmp_path / "new").write_text("b\nc\nd\n")
        (tmp_path / "new").replace(log)

    assert followed(tmp_path, replace, append(log, "e\n"), lines=2) == ["a", "b", "c", "d", "e"]


def test_a_log_that_is_cut_begins_again(tmp_path: Path, log: Path) -> None:
    log.write_text("first\nsecond\n")
    assert followed(tmp_path, lambda: log.write_text("x\n")) == ["first", "second", "x"]


def test_a_log_that_is_deleted_is_waited_for(tmp_path: Path, log: Path) -> None:
    log.write_text("a\n")
    assert followed(tmp_path, log.unlink, append(log, "b\n")) == ["a", "b"]


def test_a_long_log_is_not_read_whole(tmp_path: Path, log: Path) -> None:
    log.write_text("".join(f"{at:09d}\n" for at in range(100_000)))
    assert followed(tmp_path, lines=3) == ["000099997", "000099998", "000099999"]
    assert len(followed(tmp_path, lines=90_000)) == 25_599


def test_a_line_longer_than_a_read_is_one_line(tmp_path: Path, log: Path) -> None:
    assert followed(tmp_path, append(log, "x" * 200_000 + "\n")) == ["x" * 200_000]
