from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segwidgets.jobs import ResultError, read_result
from segwidgets.jobs.verify import verdict
from segwidgets.result import Result

A = np.array([0, 0, 1, 1, -1, 2, 2, 2], dtype=np.int32)


def test_the_same_labels_on_the_same_embedding_are_exact() -> None:
    assert verdict(A, A.copy(), mode="embedding", same_embedding=True) == "exact"
    assert verdict(A, A.copy(), mode="refit", same_embedding=False) == "exact"


def test_the_same_labels_on_another_embedding_are_not_exact() -> None:
    said = verdict(A, A.copy(), mode="embedding", same_embedding=False)
    assert said == "ARI=1, the same segments, on an embedding that is not the promoted one"


def test_renumbered_segments_are_told_as_that() -> None:
    renumbered = np.where(A == 0, 1, np.where(A == 1, 0, A)).astype(np.int32)
    said = verdict(A, renumbered, mode="refit", same_embedding=False)
    assert said == "ARI=1, the same segments, numbered differently"


def test_other_segments_are_told_with_their_number_and_coverage() -> None:
    # By hand: 5 pairs together in both, 5 in the first, 16 in the second, of 28: (5 - 20/7) / (10.5 - 20/7).
    merged = np.where(A == 2, 1, np.where(A == -1, 1, A)).astype(np.int32)
    said = verdict(A, merged, mode="embedding", same_embedding=True)
    assert said == "ARI=0.2803, 2 segments instead of 3, coverage 100.0% instead of 87.5%"


def test_a_tiny_difference_is_never_rounded_up_to_one() -> None:
    expected = np.repeat(np.arange(2, dtype=np.int32), 50_000)
    found = expected.copy()
    found[0] = 1
    said = verdict(expected, found, mode="refit", same_embedding=False)
    assert said.startswith("ARI=0.9999, 2 segments as promoted")


def test_another_number_of_customers_cannot_be_compared() -> None:
    assert verdict(A, A[:-1], mode="refit", same_embedding=False) == "ARI=n/a: 7 customers instead of 8"


def test_a_result_is_read_back_as_it_was_saved(result: Result, tmp_path: Path) -> None:
    result.save(tmp_path / "r")
    stored = read_result(tmp_path / "r")
    np.testing.assert_array_equal(stored.labels, result.labels)
    assert stored.labels.dtype == np.int32
    np.testing.assert_array_equal(stored.embedding, result.embedding)
    assert stored.ids.tolist() == result.ids.tolist()
    assert stored.scores["clusters"] == result.scores.clusters


@pytest.mark.parametrize("name", ["embedding.npy", "labels.csv", "scores.json", "recipe.json"])
def test_a_changed_or_missing_file_is_refused_by_name(name: str, result: Result, tmp_path: Path) -> None:
    result.save(tmp_path / "r")
    file = tmp_path / "r" / name
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(ResultError, match=f"{name} is damaged"):
        read_result(tmp_path / "r")
    file.unlink()
    with pytest.raises(ResultError, match=f"{name} cannot be read"):
        read_result(tmp_path / "r")


def test_a_result_without_its_manifest_is_not_whole(result: Result, tmp_path: Path) -> None:
    result.save(tmp_path / "r")
    (tmp_path / "r" / "manifest.json").write_text("{")
    with pytest.raises(ResultError, match="damaged"):
        read_result(tmp_path / "r")
    (tmp_path / "r" / "manifest.json").unlink()
    with pytest.raises(ResultError, match="no whole result"):
        read_result(tmp_path / "r")
