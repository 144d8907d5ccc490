"""`segwidgets segments`: the analyst's view, and what others may see."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import segwidgets as sw
from segwidgets import cli
from segwidgets.jobs import read_result
from segwidgets.layer import Layer

Main = Callable[..., tuple[int, str, str]]


@pytest.fixture
def main(capsys: pytest.CaptureFixture[str]) -> Main:
    def run(*arguments: object) -> tuple[int, str, str]:
        status = cli.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of results and the customers that they were made from."""
    path = tmp_path_factory.mktemp("segments")
    frame = sw.samples.blobs(300).to_frame()
    frame.index = pd.Index([f"customer-{i}" for i in range(300)], name="customer")
    frame.to_csv(path / "then.csv")
    table = sw.read(path / "then.csv", id="customer")
    sw.Session(table).run(sw.Recipe().replace(n_neighbors=10, n_epochs=50, eps=1.0)).save(path / "result")
    return path


@pytest.fixture(scope="module")
def asked(place: Path) -> tuple[object, ...]:
    return ("segments", place / "result", "--table", place / "then.csv", "--id", "customer", "--quiet")


def test_the_analyst_reads_differences_rules_and_customers(main: Main, asked: tuple[object, ...]) -> None:
    status, said, _ = main(*asked)
    assert status == 0
    assert "segment 0 (" in said
    assert "in its middle: customer-" in said
    assert "at its border: customer-" in said
    assert "on rows that the rules were not made from" in said
    assert "differ in them by construction" in said


def test_what_is_public_holds_no_customer_in_words_and_as_json(main: Main, asked: tuple[object, ...]) -> None:
    status, said, _ = main(*asked, "--public")
    assert status == 0
    assert "segment 0 (" in said
    assert "customer-" not in said
    told = json.loads(main(*asked, "--public", "--json")[1])
    assert "customer-" not in json.dumps(told)
    assert all(one["size"] >= 20 for one in told["segments"])
    assert json.loads(main(*asked, "--public", "--json", "--floor", "1000")[1])["segments"] == []


def test_json_for_the_analyst_names_the_customers_and_every_segment(main: Main, asked: tuple[object, ...]) -> None:
    told = json.loads(main(*asked, "--json", "--top", "2")[1])
    assert told["hidden"] == 0
    assert sum(one["size"] for one in told["segments"]) == 300
    for one in told["segments"]:
        assert len(one["differences"]) <= 2
        assert bool(one["representatives"]) == (one["segment"] >= 0)


def test_a_layers_names_and_merges_are_told(main: Main, asked: tuple[object, ...], place: Path, tmp_path: Path) -> None:
    labels = read_result(place / "result").labels
    layer = Layer().merged(labels, [0, 1], "families")
    (tmp_path / "layer.json").write_text(json.dumps(layer.to_dict()))
    told = json.loads(main(*asked, "--json", "--layer", tmp_path / "layer.json")[1])
    both = next(one for one in told["segments"] if one["segment"] == 0)
    assert both["called"] == "families"
    assert both["size"] == int((labels == 0).sum() + (labels == 1).sum())
    (tmp_path / "layer.json").write_text("[1]")
    status, _, error = main(*asked, "--layer", tmp_path / "layer.json")
    assert status == 2
    assert "holds no layer" in error


def test_what_is_missing_or_wrong_is_said_with_the_way_out(
    main: Main, asked: tuple[object, ...], place: Path, tmp_path: Path
) -> None:
    sw.samples.blobs(301).to_frame().to_csv(tmp_path / "other.csv")
    for arguments, words in (
        (("segments", place / "result"), "reference=TABLE"),
        (("segments", place / "result", "--table", tmp_path / "other.csv"), "is not the table"),
        (("segments", place), "holds no result"),
        (("segments", place / "result", "--id", "customer"), "--id belongs to --table"),
        ((*asked, "--floor", "5"), "--floor belongs to --public"),
    ):
        status, _, error = main(*arguments, *(() if "--quiet" in arguments else ("--quiet",)))
        assert status == 2
        assert words in error, error
