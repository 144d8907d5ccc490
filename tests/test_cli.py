from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from segwidgets import __version__, cli
from segwidgets.data import samples
from segwidgets.jobs import Job, read_result

Main = Callable[..., tuple[int, str, str]]
QUICK = ("--set", "n_neighbors=10", "--set", "n_epochs=50", "--set", "eps=1.0")


@pytest.fixture(autouse=True)
def _own_tracker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="session")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "customers.csv"
    samples.blobs(n=300).to_frame().rename_axis("customer").to_csv(path)
    return path


@pytest.fixture
def main(capsys: pytest.CaptureFixture[str]) -> Main:
    def run(*arguments: str | Path) -> tuple[int, str, str]:
        status = cli.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_help_comes_at_once_because_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from segwidgets import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'numpy', 'pandas', 'numba', 'mlflow', 'tqdm'} & set(sys.modules)"
    )
    begin = time.perf_counter()
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert time.perf_counter() - begin < 2  # about 0.05 s; the machine may be busy
    assert all(word in shown.stdout for word in ("run", "promote", "leaderboard"))


def test_the_version_is_the_package_s() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "segwidgets.cli", "--version"], capture_output=True, text=True, check=True
    )
    assert shown.stdout == f"segwidgets {__version__}\n"


def test_run_writes_embedding_labels_scores_and_recipe_with_a_progress_bar(
    main: Main, customers: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    status, said, progress = main("run", customers, "--id", "customer", "--out", out, *QUICK)
    assert status == 0
    assert "100%" in progress
    stored = read_result(out)
    assert stored.embedding.shape == (300, 3)
    clusters = int(stored.labels.max()) + 1
    assert f"300 customers, {clusters} segments" in said
    assert stored.recipe.embedding.n_neighbors == 10
    labels = pd.read_csv(out / "labels.csv", dtype={"id": str})
    assert labels["id"].tolist() == samples.blobs(n=300).ids.tolist()
    assert json.loads((out / "scores.json").read_text())["clusters"] == clusters


def test_the_recipe_that_was_written_runs_again_to_the_same_labels(main: Main, customers: Path, tmp_path: Path) -> None:
    assert main("run", customers, "--id", "customer", "--out", tmp_path / "a", "--quiet", *QUICK)[0] == 0
    status, said, progress = main(
        "run",
        customers,
        "--id",
        "customer",
        "--out",
        tmp_path / "b",
        "--json",
        "--quiet",
        "--recipe",
        tmp_path / "a/recipe.json",
    )
    assert (status, progress) == (0, "")
    assert json.loads(said)["label_digest"] == read_result(tmp_path / "a").manifest["label_digest"]
    np.testing.assert_array_equal(read_result(tmp_path / "a").labels, read_result(tmp_path / "b").labels)


def test_a_directory_with_anything_else_in_it_is_never_overwritten(main: Main, customers: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    for more in ((), ("--overwrite",)):
        status, _, error = main("run", customers, "--out", tmp_path, *more)
        assert status == 2
        assert "not a result (thesis.tex)" in error
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_a_result_is_overwritten_only_when_asked(main: Main, customers: Path, tmp_path: Path) -> None:
    run = ("run", customers, "--id", "customer", "--out", tmp_path / "out", "--quiet", *QUICK)
    assert main(*run)[0] == 0
    status, _, error = main(*run)
    assert status == 2
    assert "add --overwrite" in error
    assert main(*run, "--overwrite", "--set", "eps=0.9")[0] == 0
    assert read_result(tmp_path / "out").recipe.clustering.eps == 0.9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "n_neighbours=10"], "Did you mean 'n_neighbors'?"),
        (["--set", "eps=-1"], "eps=-1 is not allowed"),
        (["--recipe", "nowhere.json"], "nowhere.json: No such file"),
        (["--set", "n_neighbors=400"], "the table has 300 rows"),
        (["--id", "client"], "client"),
    ],
)
def test_what_the_user_got_wrong_is_one_line_and_exit_2(
    arguments: list[str], message: str, main: Main, customers: Path, tmp_path: Path
) -> None:
    status, said, error = main("run", customers, "--out", tmp_path / "out", "--quiet", *arguments)
    assert (status, said) == (2, "")
    assert error.startswith("segwidgets: ")
    assert error.count("\n") == 1
    assert message in error
    assert not (tmp_path / "out").exists()


def test_a_source_that_is_not_there_is_one_line(main: Main, tmp_path: Path) -> None:
    status, _, error = main("run", tmp_path / "none.csv", "--out", tmp_path / "out", "--quiet")
    assert status == 2
    assert "none.csv" in error
    assert error.count("\n") == 1


def test_a_sample_takes_no_reading_options(main: Main, tmp_path: Path) -> None:
    status, _, error = main("run", "blobs", "--id", "x", "--out", tmp_path / "out")
    assert status == 2
    assert "'blobs' is a sample" in error


def test_a_sample_is_meant_even_beside_a_result_of_its_name(
    main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "blobs").mkdir()  # as `run blobs --out blobs` leaves it
    assert main("run", "blobs", "--out", "again", "--quiet")[0] == 0


def test_a_setting_needs_a_name_and_a_value(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["run", "blobs", "--out", str(tmp_path / "x"), "--set", "eps"])
    assert stopped.value.code == 2
    assert "'eps' is not name=value" in capsys.readouterr().err


def test_promote_leaderboard_and_jobs_tell_one_story(main: Main, customers: Path) -> None:
    status, said, _ = main(
        "promote",
        customers,
        "--id",
        "customer",
        "--experiment",
        "by-hand",
        "--trial",
        "t",
        "--wait",
        "--json",
        "--quiet",
        *QUICK,
    )
    job = json.loads(said)
    assert (status, job["status"], job["verdict"]) == (0, "completed", "exact")

    status, said, _ = main("leaderboard", "--experiment", "by-hand", "--json")
    (row,) = json.loads(said)
    assert (row["name"], row["verdict"], row["eps"], row["trial"]) == (job["name"], "exact", 1.0, "t")
    assert row["segments"] == int(Job.load(job["name"]).result().labels.max()) + 1
    status, said, _ = main("leaderboard", "--experiment", "by-hand")
    header, line = said.splitlines()
    assert header.split()[:5] == ["name", "experiment", "trial", "status", "verdict"]
    assert line.index("exact") == header.index("verdict")

    assert [item["name"] for item in json.loads(main("jobs", "--json", "--limit", "1")[1])] == [job["name"]]
    assert job["name"] in main("jobs")[1]
    assert "verdict    exact" in main("job", job["name"])[1]
    assert "verdict: exact" in main("job", job["name"], "--log")[1]


def test_a_job_that_failed_gives_exit_1_to_whoever_waited(
    main: Main, customers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The job's process alone may not import its parts: as in an environment that was damaged after the kernel started.
    monkeypatch.setenv("PYTHONHOME", "/proc/no-python-here")
    status, said, _ = main("promote", customers, "--id", "customer", "--wait", "--json", "--quiet", *QUICK)
    job = json.loads(said)
    assert (status, job["status"]) == (1, "failed")
    assert "its log ends with" in job["reason"]


def test_an_unknown_experiment_and_an_unknown_job_are_one_line(main: Main) -> None:
    for arguments in (("leaderboard", "--experiment", "nothing-like-it"), ("job", "nothing-like-it")):
        status, said, error = main(*arguments)
        assert (status, said) == (2, "")
        assert "there is no" in error
        assert error.count("\n") == 1


def test_nothing_has_run_yet_is_said_with_the_way_out(
    main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGWIDGETS_HOME", str(tmp_path))
    assert "segwidgets promote" in main("leaderboard")[1]
    assert "segwidgets promote" in main("jobs")[1]
    assert json.loads(main("jobs", "--json")[1]) == []


def test_a_name_that_cannot_be_is_refused_before_the_work(main: Main, customers: Path) -> None:
    begin = time.perf_counter()
    status, _, error = main("promote", customers, "--id", "customer", "--experiment", "no spaces", "--set", "seed=77")
    assert status == 2
    assert "'no-spaces' would do" in error
    assert time.perf_counter() - begin < 1  # a run with a new seed takes longer


def test_a_fault_of_ours_is_not_dressed_up_as_the_user_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segwidgets.jobs.jobs", lambda: np.zeros(3) @ np.zeros(4))
    with pytest.raises(ValueError, match="matmul"):
        cli.main(["jobs"])


def test_ctrl_c_gives_130(customers: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "segwidgets", "run", "blobs", "--out", tmp_path / "out", "--set", "n_epochs=10000"]
    with subprocess.Popen(
        # A suite that a shell runs in its background ignores SIGINT, and children inherit that.
        ["env", "--default-signal=INT", *command],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "SEGWIDGETS_HOME": str(tmp_path / "home")},
    ) as child:
        assert child.stderr is not None
        assert "Reading" in child.stderr.read(20)  # the bar stands, the work begins
        child.send_signal(2)
        assert "interrupted" in child.stderr.read()
    assert child.returncode == 130
    assert not (tmp_path / "out").exists()


def test_a_method_and_a_backend_are_asked_for_by_name(main: Main, customers: Path, tmp_path: Path) -> None:
    status, out, _ = main(
        "run", customers, "--id", "customer", "--method", "pca", "--backend", "cpu", "--set", "eps=1.0",
        "--out", tmp_path / "out", "--json", "--quiet",
    )  # fmt: skip
    assert status == 0
    assert json.loads(out)["devices"]["layout"].startswith("CPU")
    assert json.loads((tmp_path / "out" / "recipe.json").read_text())["embedding"]["method"] == "pca"


def test_a_gpu_that_is_not_there_is_told_with_the_way_out(main: Main, customers: Path, tmp_path: Path) -> None:
    status, _, said = main(
        "run", customers, "--id", "customer", "--backend", "cuml", "--out", tmp_path / "out", "--quiet"
    )
    assert status == 2
    assert "backend='cpu'" in said
    assert not (tmp_path / "out").exists()
