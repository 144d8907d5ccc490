"""Runs beside each other and a table beside a run, by the functions and by the commands."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import segwidgets as sw
from segwidgets.cli import main

RECIPE = sw.Recipe().replace(n_neighbors=10, n_epochs=100)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return sw.samples.blobs(1200).to_frame()


@pytest.fixture(scope="module")
def runs(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of runs on 600 customers, and on 600 of which 400 are the same; and the first table."""
    place = tmp_path_factory.mktemp("runs")
    for name, rows in (("first", frame.iloc[:600]), ("second", frame.iloc[200:800])):
        table = sw.read(rows)
        table.save(place / f"{name}-table")
        sw.Session(table).run(RECIPE).save(place / name)
    return {path.name: path for path in place.iterdir()}


def test_runs_of_overlapping_tables_are_followed_by_id(runs: dict[str, Path]) -> None:
    found = sw.compare(runs["first"], runs["second"])
    assert (found.changes.common, found.changes.arrived, found.changes.left) == (400, 200, 200)
    assert found.changes.ari is not None
    assert found.changes.ari > 0.8
    text = json.dumps(found.to_public(), allow_nan=False)
    assert '"c300"' not in text


def test_the_flow_is_drawn_with_its_words(runs: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "flow.svg"
    assert main(["compare", str(runs["first"]), str(runs["second"]), "--figure", str(path)]) == 0
    drawn = sw.compare(runs["first"], runs["second"]).figure()
    words = [text.get_text() for text in drawn.axes[0].texts]
    assert any(word.startswith("segment 0 (") for word in words)
    assert path.read_text().lstrip().startswith("<?xml")


def test_runs_without_a_common_customer_cannot_be_compared(runs: dict[str, Path], frame: pd.DataFrame) -> None:
    other = sw.Session(sw.read(frame.iloc[800:])).run(RECIPE)
    with pytest.raises(ValueError, match="have no id in common"):
        sw.compare(runs["first"], other)


def test_a_table_of_the_same_customers_is_fit_for_reuse(runs: dict[str, Path], frame: pd.DataFrame) -> None:
    reference = sw.read(runs["first-table"])
    found = sw.drift(runs["first"], sw.read(frame.iloc[600:]), reference=reference)
    assert found.verdict.word == "reuse", found.verdict
    assert {one.band for one in found.columns} == {"stable"}


def test_moved_columns_are_a_reason_to_look_at_the_data(runs: dict[str, Path], frame: pd.DataFrame) -> None:
    moved = sw.read(frame.iloc[600:] + 15)
    found = sw.drift(runs["first"], moved, reference=sw.read(runs["first-table"]))
    assert found.verdict.word == "investigate"
    assert "columns have changed" in found.verdict.reasons[0]


def test_the_commands_say_it_in_words_and_in_json(runs: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    first, second = str(runs["first"]), str(runs["second"])
    assert main(["compare", first, second]) == 0
    assert "of 400 customers in both moved" in capsys.readouterr().out
    assert main(["compare", first, second, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["common"] == 400
    table = ["--table", str(runs["second-table"]), "--reference", str(runs["first-table"]), "--quiet"]
    assert main(["compare", first, *table]) == 0
    assert capsys.readouterr().out.startswith("reuse")
    assert main(["compare", first, *table, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"]["word"] == "reuse"
    assert main(["compare", first]) == 2
    assert "give one of the two" in capsys.readouterr().err
    assert main(["compare", first, second, "--id", "x"]) == 2
    assert "--id belongs to --table" in capsys.readouterr().err


def test_the_segments_of_a_folder_are_told(runs: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    call = ["segments", str(runs["first"]), "--reference", str(runs["first-table"]), "--quiet"]
    assert main(call) == 0
    said = capsys.readouterr().out
    assert "segment 0 (" in said
    assert "by construction" in said
    assert main([*call, "--json"]) == 0
    public = json.loads(capsys.readouterr().out)
    assert public["explained"]["accuracy"] > 0.9
    assert main(call[:2]) == 2
    assert "reference=TABLE" in capsys.readouterr().err


def test_the_analyst_gets_ids_that_the_public_form_lacks(runs: dict[str, Path]) -> None:
    reference = sw.read(runs["first-table"])
    found = sw.describe_segments(runs["first"], reference=reference, count=3)
    middle = found.representatives(0)
    labels = dict(zip(found.run.ids, found.run.labels, strict=True))
    assert [labels[one] for one in middle] == [0, 0, 0]
    assert not set(middle) & set(found.boundary(1))
    text = json.dumps(found.to_public(), allow_nan=False)
    assert not any(f'"{one}"' in text for one in np.concatenate([middle, found.boundary(0)]))
    with pytest.raises(ValueError, match="segment=99 is not there"):
        found.representatives(99)


def test_describing_tells_its_progress_and_stops_when_asked(runs: dict[str, Path]) -> None:
    reference = sw.read(runs["first-table"])
    told: list[float] = []
    sw.describe_segments(runs["first"], reference=reference, progress=lambda now: told.append(now.overall))
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
    stop = threading.Event()
    stop.set()
    with pytest.raises(sw.Cancelled):
        sw.describe_segments(runs["first"], reference=reference, cancel=stop)
