"""`segwidgets features`: words and JSON, figures, and the recipe with what is proposed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import segwidgets as sw
from segwidgets import cli

Main = Callable[..., tuple[int, str, str]]
QUICK = ("--quiet", "--repeats", "2", "--set", "n_neighbors=10", "--set", "n_epochs=30", "--id", "who")


@pytest.fixture
def main(capsys: pytest.CaptureFixture[str]) -> Main:
    def run(*arguments: object) -> tuple[int, str, str]:
        status = cli.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(1)
    kind = rng.integers(3, size=240)
    frame = pd.DataFrame({f"web_{j}": rng.poisson(2.0 * (kind == j)) for j in range(3)})
    frame["web_same"] = 2 * frame["web_0"]
    frame["never"] = 0
    frame["shop_visits"] = 10 + rng.normal(size=240)
    frame["who"] = [f"customer-{i}" for i in range(240)]
    path = tmp_path_factory.mktemp("features") / "customers.csv"
    frame.to_csv(path, index=False)
    return path


def test_it_says_what_is_redundant_empty_and_beyond_chance(main: Main, source: Path) -> None:
    status, said, _ = main("features", source, *QUICK)
    assert status == 0
    assert "1 that nobody has: never" in said
    assert "1 can be dropped" in said
    assert "Keep web_0." in said
    assert "Drop web_same. 'web_same' says what 'web_0' says: Spearman's rho 1.00." in said
    assert "principal components are more than chance (2 permuted tables)" in said
    assert "customer-" not in said


def test_json_and_files_hold_the_same_and_no_customer(main: Main, source: Path, tmp_path: Path) -> None:
    told = json.loads(main("features", source, *QUICK, "--json", "--measure", "pearson", "--out", tmp_path / "f")[1])
    assert told["correlations"]["measure"] == "pearson"
    assert told["correlations"]["strongest"][0]["value"] == pytest.approx(1.0)
    written = json.loads((tmp_path / "f" / "features.json").read_text())
    assert written["redundant"] == told["redundant"]
    assert len(written["correlations"]["values"]) == 5
    for name in ("correlations.png", "components.png", "popularity.png"):
        assert (tmp_path / "f" / name).stat().st_size > 5_000
    assert "Pearson's r" in (tmp_path / "f" / "correlations.txt").read_text()
    assert "customer-" not in json.dumps(written)


def test_the_recipe_with_the_proposals_can_be_run(main: Main, source: Path, tmp_path: Path) -> None:
    made = tmp_path / "recipe.json"
    assert main("features", source, *QUICK, "--recipe-out", made, "--pca", "95")[0] == 0
    recipe = sw.Recipe.from_json(made.read_text())
    assert recipe.features.exclude == ("web_same",)
    assert recipe.embedding.n_neighbors == 10
    # The components are those of the columns that are left.
    left = sw.analyse_features(sw.read(source, id="who"), recipe.replace(pca=None), repeats=2)
    assert recipe.features.pca == left.components.needed[2]
    assert main("run", source, "--id", "who", "--quiet", "--recipe", made, "--out", tmp_path / "result")[0] == 0


def test_each_group_is_left_out_in_turn(main: Main, source: Path) -> None:
    status, said, _ = main("features", source, *QUICK, "--drop", "--by", "web_,shop_")
    assert status == 0
    assert "Another seed alone gives an ARI of" in said
    assert {line.split()[0] for line in said.splitlines()[-2:]} == {"web_", "shop_"}
    told = json.loads(main("features", source, *QUICK, "--drop", "--json")[1])["left_out"]
    assert {one["group"] for one in told["effects"]} == {"counts", "numbers"}
    told = json.loads(main("features", source, *QUICK, "--drop", "--by", "redundant", "--json")[1])["left_out"]
    assert told["effects"][0]["group"] == "web_0 +1"


def test_a_limit_is_said(main: Main, source: Path) -> None:
    said = main("features", source, *QUICK, "--most", "3")[1]
    assert "Note: Only the 3 columns with the most entries are compared; 2 columns" in said


def test_what_cannot_be_asked_for_is_said_with_the_way_out(main: Main, source: Path, tmp_path: Path) -> None:
    blobs = sw.samples.blobs(60).to_frame()
    blobs.to_csv(tmp_path / "blobs.csv", index=False)
    plain = ("features", tmp_path / "blobs.csv", "--quiet", "--repeats", "1")
    for arguments, words in (
        (("features", source, *QUICK, "--by", "plan"), "--by belongs to --drop"),
        (("features", source, *QUICK, "--pca", "80"), "--pca belongs to --recipe-out"),
        (("features", source, *QUICK, "--drop", "--by", "tv_"), "prefix 'tv_' fits no column"),
        ((*plain, "--drop"), "the plan has one group of columns only (numbers)"),
        ((*plain, "--drop", "--by", "redundant"), "no columns say the same"),
        ((*plain, "--most", "1"), "most=1 is not allowed"),
    ):
        status, _, error = main(*arguments)
        assert status == 2
        assert words in error, error
    with pytest.raises(SystemExit):
        main(*plain, "--threshold", "1.5")
