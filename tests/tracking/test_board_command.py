"""``segwidgets leaderboard``, with its constraints."""

from __future__ import annotations

import json
from typing import Any

import pytest

from segwidgets.cli import main
from segwidgets.tracking import MLflowTracker
from segwidgets.tracking.mlflow import MARK


@pytest.fixture(scope="module")
def filled(tracker: MLflowTracker) -> str:
    for name, coverage, smallest, silhouette in (
        ("good", 0.9, 0.05, 0.6),
        ("noisy", 0.5, 0.2, 0.7),
        ("dull", 0.9, 0.05, 0.1),
    ):
        run_id = tracker.start(experiment="command", name=name, tags={MARK: "1"}, trial="spring")
        numbers = {"clusters": 5, "coverage": coverage, "smallest": smallest, "silhouette": silhouette}
        tracker.log(run_id, params={"verdict": "exact"}, metrics=numbers)
        tracker.end(run_id, "completed")
    return tracker.uri


def _asked(uri: str, *words: str) -> list[str]:
    return ["leaderboard", "--experiment", "command", "--tracking-uri", uri, *words]


def test_constraints_and_the_front_come_out_for_machines(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = "--max-noise 15% --segments 4..9 --min-share 0.02 --pareto silhouette,coverage --status completed --json"
    assert main(_asked(filled, *words.split())) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert {row["name"]: row["pareto"] for row in rows} == {"good": True, "dull": False}
    assert rows[0]["source"] == "local"
    assert rows[0]["trial"] == "spring"


def test_the_table_marks_the_front_and_tells_shares(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_asked(filled, "--pareto", "silhouette,coverage", "--verdict", "exact", "--segments", "5")) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["good"].endswith("*")
    assert not lines["dull"].endswith("*")
    assert "5.0%" in lines["good"]


def test_pages_follow_each_other(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = []
    for offset in ("0", "1", "2"):
        assert main(_asked(filled, "--limit", "1", "--offset", offset, "--json")) == 0
        names += [row["name"] for row in json.loads(capsys.readouterr().out)]
    assert sorted(names) == ["dull", "good", "noisy"]


def test_no_run_that_meets_it_all_is_said(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_asked(filled, "--max-noise", "0")) == 0
    assert capsys.readouterr().out.startswith("No run meets all of this")


def test_a_tracker_that_cannot_be_asked_is_named_beside_the_runs_of_the_others(
    filled: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert main(_asked(f"{filled},http://127.0.0.1:9", "--json")) == 0
    shown = capsys.readouterr()
    assert len(json.loads(shown.out)) == 3
    assert "segwidgets: the runs at http://127.0.0.1:9 are missing:" in shown.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--max-noise", "15"], "'15' is not a share from 0 to 1, such as 0.15 or 15%"),
        (["--segments", "9..4"], "'9..4' is not a range of whole numbers, such as 4..9"),
        (["--min-share", "two"], "'two' is not a share"),
        (["--pareto", "silhouette"], "is not two or more of silhouette, coverage, smallest"),
        (["--status", "done"], "invalid choice: 'done'"),
        (["--offset", "-1"], "--offset"),
    ],
)
def test_an_option_that_cannot_be_one_is_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["leaderboard", *words])
    assert left.value.code == 2
    assert said in capsys.readouterr().err


def test_an_address_that_cannot_be_one_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", "--tracking-uri", "experiments:Frankfurt"]) == 2
    assert "such as experiments:eu-central-1" in capsys.readouterr().err
