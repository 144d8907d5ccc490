"""A run's own rows, held out: what a new table is held against, worked out once and kept."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

import segwidgets as sw
from segwidgets.assignment import Assigner
from segwidgets.cli import main
from segwidgets.compute.drift import OwnRows, judge
from segwidgets.heldout import FILE, own_rows

RECIPE = sw.Recipe().replace(n_neighbors=10, n_epochs=50)


@pytest.fixture(scope="module")
def table() -> sw.Table:
    return sw.samples.blobs(500)


@pytest.fixture(scope="module")
def folder(table: sw.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("held") / "run"
    sw.Session(table).run(RECIPE).save(path)
    return path


def test_the_range_covers_what_another_part_of_the_same_rows_gives() -> None:
    rng = np.random.default_rng(0)
    counts = rng.binomial(1000, 0.1, size=5).tolist()
    found = OwnRows.of(counts, counts, 1000)
    assert found.none == pytest.approx(np.mean(counts) / 1000)
    inside = [found.none_low <= share <= found.none_high for share in rng.binomial(1000, 0.1, size=1000) / 1000]
    assert np.mean(inside) > 0.9
    # Splits that differ by more than chance widen it.
    wide = OwnRows.of([50, 75, 100, 125, 150], counts, 1000)
    assert wide.none_high - wide.none_low > 1.5 * (found.none_high - found.none_low)
    with pytest.raises(ValueError, match="say nothing"):
        OwnRows.of([], [], 10)


def test_rows_of_clear_segments_stay_where_they_are(table: sw.Table, folder: Path) -> None:
    asked = Assigner(folder, reference=table)
    found = own_rows(asked.run, asked.placing, splits=3, budget=None)
    assert found is not None
    assert (found.splits, found.held) == (3, 100)
    assert found.moved < 0.1
    assert found.none_low <= found.none <= found.none_high


def test_held_out_rows_are_assigned_by_the_others_alone(table: sw.Table) -> None:
    recipe = RECIPE.replace(embedding=sw.Embedding(method="pca"))
    asked = Assigner(sw.Session(table).run(recipe), reference=table)
    found = own_rows(asked.run, asked.placing, splits=1, budget=None)
    from segwidgets.compute.stability.samples import sample

    rest = sample(500, 0.8, 0, 0)
    held = np.setdiff1d(np.arange(500), rest)
    eps, size = asked.eps, int(np.ceil(0.8 * asked.min_samples))
    index = sw.DensityIndex(asked.run.embedding[rest], size, size)
    assert found is not None
    assert found.none == pytest.approx(np.mean(index.assign(asked.run.embedding[held], eps) < 0))


def test_it_is_kept_beside_the_run_and_made_anew_for_another(
    table: sw.Table, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Assigner(folder, reference=table)
    first = own_rows(asked.run, asked.placing, splits=2, budget=None)
    kept = json.loads((folder / FILE).read_text())
    assert kept["own"]["splits"] == 2
    monkeypatch.setattr("segwidgets.heldout._split", lambda *_: pytest.fail("it was kept"))
    # A budget of none is enough for what is there.
    assert own_rows(asked.run, asked.placing, splits=2, budget=0) == first
    assert own_rows(asked.run, asked.placing, splits=2, budget=0, seed=1) is None
    (folder / FILE).write_text("{")
    assert own_rows(asked.run, asked.placing, splits=2, budget=0) is None


def test_it_stops_when_asked_and_keeps_to_its_budget(table: sw.Table, folder: Path) -> None:
    asked = Assigner(folder, reference=table)
    stop = threading.Event()
    stop.set()
    with pytest.raises(sw.Cancelled):
        own_rows(asked.run, asked.placing, seed=5, cancel=stop)
    assert own_rows(asked.run, asked.placing, seed=5, budget=1e-9) is None
    with pytest.raises(ValueError, match="splits=0 is not allowed"):
        own_rows(asked.run, asked.placing, splits=0)


def test_the_verdict_is_about_what_the_runs_own_rows_give() -> None:
    # A run without noise, whose rows fit less well when they are placed anew: 12 % in none is its usual.
    usual = OwnRows.of([110, 120, 130], [150, 160, 170], 1000)
    assert judge([], none=150, rows=1000, none_before=0.0).word == "re-tune"
    said = judge([], none=150, rows=1000, none_before=0.0, own=usual)
    assert (said.word, said.own) == ("reuse", usual)
    assert "of the run's own rows when they are held out" in said.reasons[0]
    # And the other way: a run of much noise whose placed rows all fit.
    tight = OwnRows.of([10, 12, 14], [20, 20, 20], 1000)
    assert judge([], none=200, rows=1000, none_before=0.2).word == "reuse"
    assert judge([], none=200, rows=1000, none_before=0.2, own=tight).word == "re-tune"


def test_drift_and_the_command_say_it(
    table: sw.Table, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = sw.read(sw.samples.blobs(700).to_frame().iloc[500:])
    found = sw.drift(folder, new, reference=table)
    assert found.verdict.own is not None
    assert found.verdict.own.splits == 5
    assert found.to_public()["verdict"]["own"]["held"] == 100
    assert sw.drift(folder, new, reference=table, budget=0).verdict.own == found.verdict.own  # kept
    table.save(tmp_path / "then")
    new.save(tmp_path / "now")
    call = ["compare", str(folder), "--table", str(tmp_path / "now"), "--reference", str(tmp_path / "then"), "--quiet"]
    assert main(call) == 0
    assert "(100 of the run's own rows held out, 5 times: " in capsys.readouterr().out
    assert main(["compare", str(folder), str(folder), "--budget", "3"]) == 2
    assert "--budget belongs to --table" in capsys.readouterr().err


def test_movers_are_noise_up_to_what_the_first_runs_own_rows_move(
    table: sw.Table, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = Assigner(folder, reference=table)
    own = own_rows(asked.run, asked.placing)
    assert own is not None
    found = sw.compare(folder, folder, baseline="own", reference=table)
    assert (found.changes.baseline, found.changes.beyond_noise) == (own.moved_high, False)
    with pytest.raises(ValueError, match="baseline='mine' is not allowed"):
        sw.compare(folder, folder, baseline="mine")  # type: ignore[arg-type]
    few = sw.samples.blobs(40)
    result = sw.Session(few).run(RECIPE)
    with pytest.raises(ValueError, match="could not be held out: they are fewer than 50"):
        sw.compare(result, result, baseline="own", reference=few)
    table.save(tmp_path / "then")
    call = ["compare", str(folder), str(folder), "--baseline", "own", "--reference", str(tmp_path / "then"), "--json"]
    assert main(call) == 0
    assert json.loads(capsys.readouterr().out)["baseline"] == own.moved_high
