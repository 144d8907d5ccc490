"""`segwidgets methods`: a table, JSON and a file of the same entries, reasons in words, no customer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import segwidgets as sw
from segwidgets import cli

Main = Callable[..., tuple[int, str, str]]
QUICK = ("--quiet", "--method", "pca", "--repeats", "1", "--id", "customer")


@pytest.fixture
def main(capsys: pytest.CaptureFixture[str]) -> Main:
    def run(*arguments: object) -> tuple[int, str, str]:
        status = cli.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("methods") / "customers.csv"
    frame = sw.samples.blobs(200, n_features=24).to_frame()
    frame.index = pd.Index([f"customer-{i}" for i in range(200)])
    frame.rename_axis("customer").to_csv(path)
    return path


def test_it_says_the_scores_of_each_method_what_they_favour_and_what_could_not_run(main: Main, source: Path) -> None:
    status, said, _ = main("methods", source, *QUICK, "--spaces", "map, features", "--k", "6", "--most", "7")
    assert status == 0
    lines = said.splitlines()
    assert lines[0].split()[:4] == ["space", "method", "segments", "coverage"]
    assert [line.split()[0] for line in lines[1:9]] == ["map"] * 4 + ["features"] * 4
    assert "KMeans (k=6)" in lines[3]
    assert "features, DBSCAN (min_samples=10): DBSCAN takes up to 20 columns, and the features have 24" in said
    assert "For 2 to 7 segments on the map, the elbow is at" in said
    assert "Silhouette favours round segments" in said
    assert "customer-" not in said


def test_json_and_file_hold_the_same_entries_and_no_customer(main: Main, source: Path, tmp_path: Path) -> None:
    file = tmp_path / "methods.csv"
    status, said, _ = main("methods", source, *QUICK, "--k", "5", "--most", "0", "--json", "--out", file)
    assert status == 0
    told, written = json.loads(said), pd.read_csv(file)
    assert told["curve"] is None
    assert (
        [one["method"] for one in told["entries"]] == list(written["method"]) == ["dbscan", "hdbscan", "kmeans", "gmm"]
    )
    assert [one["clusters"] for one in told["entries"]] == list(written["clusters"])
    assert written["silhouette"].tolist() == pytest.approx([one["silhouette"]["value"] for one in told["entries"]])
    assert written["stability"].notna().all()
    assert "customer-" not in said + file.read_text()


def test_what_cannot_be_asked_for_is_said_with_the_way_out(main: Main, source: Path, tmp_path: Path) -> None:
    for arguments, words in (
        (("--spaces", "map,umpa"), "'umpa' is not allowed: it must be one of map, features, pca, tsne, umap. Did you"),
        (("--spaces", ","), "it must be a list of one or more of map"),
        (("--k", "201"), "k=201 is not allowed: it must be a whole number from 1 to 200"),
        (("--min-cluster-size", "1"), "min_cluster_size=1 is not allowed"),
        (("--most", "1"), "--most 1 is not allowed: take 2 or more segments, or 0"),
        (("--out", tmp_path / "methods.xlsx"), "the table is written as .csv"),
    ):
        status, _, error = main("methods", source, *QUICK, *arguments)
        assert status == 2
        assert words in error, error
    with pytest.raises(SystemExit):
        main("methods", source, *QUICK, "--repeats", "-1")
