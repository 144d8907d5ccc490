"""``segwidgets lifecycle``, as it is called."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from segwidgets.aws import Cloud
from segwidgets.cli import main
from segwidgets.lifecycle import bundle as bundles
from segwidgets.lifecycle import calls, looks

from .conftest import BUCKET, Instance, config_of, state_of
from .notebooks import Notebooks

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command: its exit status, what it printed, what it said meanwhile."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(calls.carry_out, "__kwdefaults__", {"pause": lambda _seconds: None})

    def run(*arguments: object) -> tuple[int, str, str]:
        status = main(["lifecycle", *map(str, arguments)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


# -- deploy ------------------------------------------------------------------------------------------------------------


def test_deploy_says_what_changes_does_it_and_prints_the_bundle(
    run: Run, cloud: Cloud, project: Path, wheel: Path, instance: Instance
) -> None:
    name = instance(on=True)
    status, out, err = run("deploy", "rapids", "--instance", name, "--restart", "--wheel", wheel)
    assert status == 0
    made = bundles.build(wheel)
    assert out == f"s3://{BUCKET}/segwidgets/kernels/{made.name}\n{made.sha256}\n"
    assert f"+BUNDLE_SHA256='{made.sha256}'" in err
    # The diff stands before the first call.
    assert err.index("+++ on-start.sh (to be)") < err.index("+ s3.put_object(")
    assert err.index("sagemaker.stop_notebook_instance") < err.index("crm is Stopping") < err.index("crm is InService")
    assert (config_of(cloud, name), state_of(cloud, name)) == ("rapids", "InService")


def test_deploying_the_same_again_makes_no_call_that_changes_anything(
    run: Run, cloud: Cloud, project: Path, wheel: Path, instance: Instance, notebooks: Notebooks
) -> None:
    again = ("deploy", "rapids", "--instance", instance(), "--wheel", wheel)
    first = run(*again)
    notebooks.calls.clear()
    status, out, err = run(*again)
    assert (status, out) == (0, first[1])
    assert "There is nothing to do." in err
    assert not re.search(r"^[+-]", err, re.MULTILINE)
    assert notebooks.calls == []


def test_a_dry_run_prints_the_diff_and_the_exact_calls_and_changes_nothing(
    run: Run, cloud: Cloud, project: Path, wheel: Path, instance: Instance, notebooks: Notebooks
) -> None:
    name = instance(on=True)
    status, out, _ = run("deploy", "rapids", "--instance", name, "--restart", "--wheel", wheel, "--dry-run")
    assert status == 0
    lines = [line for line in out.splitlines() if line.startswith(("s3.", "sagemaker.", "wait "))]
    assert [re.split(r"\(| until", line)[0] for line in lines] == [
        "s3.put_object",
        "sagemaker.create_notebook_instance_lifecycle_config",
        "sagemaker.stop_notebook_instance",
        "wait",
        "sagemaker.update_notebook_instance",
        "wait",
        "sagemaker.start_notebook_instance",
        "wait",
    ]
    assert "sagemaker.stop_notebook_instance(NotebookInstanceName='crm')" in lines
    assert out.startswith("--- /dev/null\n+++ on-create.sh (to be)\n")
    assert looks.configuration(cloud, "rapids") is None
    assert "Contents" not in cloud.client("s3").list_objects_v2(Bucket=BUCKET)
    assert notebooks.calls == []


def test_what_is_refused_exits_2_and_changes_nothing(
    run: Run, cloud: Cloud, project: Path, wheel: Path, instance: Instance
) -> None:
    status, out, err = run("deploy", "rapids", "--instance", instance(on=True), "--wheel", wheel)
    assert (status, out) == (2, "")
    assert "refused: crm is InService" in err
    assert err.endswith("Nothing was changed.\n")
    assert looks.configuration(cloud, "rapids") is None


def test_a_type_of_yesterday_is_warned_of_with_what_to_take(
    run: Run, project: Path, wheel: Path, instance: Instance
) -> None:
    status, _, err = run("deploy", "rapids", "--instance", instance(kind="ml.p3.2xlarge"), "--wheel", wheel)
    assert status == 0
    assert "warning: instance_type='ml.p3.2xlarge' does not run on today's notebook platform" in err
    assert "Take ml.g4dn.xlarge (T4), ml.g5.xlarge (A10G) or ml.g6.xlarge (L4)." in err


def test_an_instance_that_does_not_come_up_exits_1(
    run: Run, project: Path, wheel: Path, instance: Instance, notebooks: Notebooks
) -> None:
    name = instance(on=True)
    notebooks.fails.add(name)
    status, out, err = run("deploy", "rapids", "--instance", name, "--restart", "--wheel", wheel)
    assert (status, out) == (1, "")
    assert "segwidgets: crm has failed: the lifecycle script took longer than 5 minutes." in err


def test_a_file_that_is_missing_exits_2_in_one_line(run: Run, cloud: Cloud, project: Path, wheel: Path) -> None:
    (project / "conda-lock.yml").unlink()
    status, out, err = run("deploy", "rapids", "--wheel", wheel)
    assert (status, out) == (2, "")
    assert re.fullmatch(r"segwidgets: .*conda-lock\.yml is missing.*\n", err)


def test_a_bucket_and_a_prefix_can_be_given(run: Run, cloud: Cloud, project: Path, wheel: Path) -> None:
    where = {"LocationConstraint": cloud.region}
    cloud.client("s3").create_bucket(Bucket="team-bucket", CreateBucketConfiguration=where)
    status, out, _ = run("deploy", "rapids", "--wheel", wheel, "--bucket", "team-bucket", "--prefix", "a/b")
    assert status == 0
    assert out.startswith("s3://team-bucket/a/b/kernels/segwidgets-kernel-")


# -- remove ------------------------------------------------------------------------------------------------------------


def test_remove_takes_it_off_and_away(run: Run, cloud: Cloud, project: Path, wheel: Path, instance: Instance) -> None:
    name = instance()
    run("deploy", "rapids", "--instance", name, "--wheel", wheel)
    assert run("remove", "rapids")[0] == 2
    status, out, _ = run("remove", "rapids", "--instance", name, "--dry-run")
    assert status == 0
    assert "sagemaker.update_notebook_instance(NotebookInstanceName='crm', DisassociateLifecycleConfig=True)" in out
    assert config_of(cloud, name) == "rapids"
    status, out, err = run("remove", "rapids", "--instance", name)
    assert (status, out) == (0, "")
    assert "Bundles stay in S3" in err
    assert (config_of(cloud, name), looks.configuration(cloud, "rapids")) == (None, None)


def test_what_is_not_there_cannot_be_removed(run: Run, cloud: Cloud) -> None:
    status, _, err = run("remove", "rapids")
    assert status == 2
    assert "there is no lifecycle configuration 'rapids'" in err


# -- bundle and template -----------------------------------------------------------------------------------------------


def test_bundle_writes_it_and_prints_path_and_checksum(run: Run, project: Path, wheel: Path, tmp_path: Path) -> None:
    status, out, _ = run("bundle", "--wheel", wheel, "--out", tmp_path / "out")
    path, sha256 = out.split()
    assert status == 0
    assert Path(path).read_bytes() == bundles.build(wheel).content
    assert sha256 == bundles.build(wheel).sha256


def test_an_uploaded_bundle_is_told_as_the_templates_parameters(
    run: Run, cloud: Cloud, project: Path, wheel: Path
) -> None:
    status, out, _ = run("bundle", "--wheel", wheel, "--upload")
    made = bundles.build(wheel)
    uri = f"s3://{BUCKET}/segwidgets/kernels/{made.name}"
    assert (status, out) == (0, f"BundleUri={uri} BundleSha256={made.sha256}\n")
    assert run("bundle", "--wheel", wheel, "--upload")[2] == f"The bundle is in S3 already: {uri}\n"


def test_template_prints_or_writes_the_file(run: Run, project: Path, tmp_path: Path) -> None:
    text = (project / "lifecycle" / "template.yaml").read_text()
    assert run("template")[1] == text
    target = tmp_path / "mine.yaml"
    assert run("template", "--out", target)[1] == f"{target}\n"
    assert target.read_text() == text


# -- status and logs ---------------------------------------------------------------------------------------------------


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "kernels"
    place.mkdir()
    monkeypatch.setenv("SEGWIDGETS_KERNEL_DIR", str(place))
    return place


def tell(place: Path, **said: object) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    status = {"version": 1, "phase": "downloading", "pid": os.getpid(), "boot": boot, **said}
    (place / ".new").write_text(json.dumps(status))
    (place / ".new").replace(place / "status.json")


def test_status_says_how_it_stands(run: Run, kernels: Path) -> None:
    tell(
        kernels,
        state="restoring",
        fraction=0.43,
        seconds_left=100,
        packages={"done": 12, "all": 274},
        bytes={"done": 2_500_000, "all": 3_000_000_000},
        kernels={"cpu": {"name": "segwidgets-cpu", "env": "/e"}},
        gpu="Tesla T4",
        driver="535.161.07",
        updated=0,
        log="/k/restore.log",
    )
    status, out, err = run("status")
    assert (status, err) == (0, "")
    assert [line.split(maxsplit=1) for line in out.splitlines()] == [
        ["state", "restoring 43 % (2 min left)"],
        ["phase", "downloading"],
        ["packages", "12 of 274"],
        ["bytes", "2 of 3,000 MB"],
        ["cpu", "kernel     segwidgets-cpu (/e)"],
        ["GPU", "Tesla T4 (driver 535.161.07)"],
        ["updated", "1970-01-01 00:00:00 UTC"],
        ["log", "/k/restore.log"],
    ]


def test_status_for_machines_is_the_readers(run: Run, kernels: Path) -> None:
    tell(kernels, state="failed", reason="The volume is full.")
    said = json.loads(run("status", "--json")[1])
    assert (said["state"], said["reason"], said["version"]) == ("failed", "The volume is full.", 1)


@pytest.mark.parametrize("moment", [1e300, -1e18])
def test_a_time_beyond_the_calendar_is_shown_all_the_same(run: Run, kernels: Path, moment: float) -> None:
    tell(kernels, state="ready", updated=moment)
    assert run("status")[0] == 0


def test_where_nothing_was_restored_it_says_how_to_begin(run: Run, kernels: Path) -> None:
    status, out, _ = run("status")
    assert status == 0
    assert out.startswith("state          not restored here\n")
    assert "segwidgets lifecycle deploy NAME --instance INSTANCE" in out
    status, out, err = run("logs")
    assert (status, out) == (2, "")
    assert f"There is no log yet ({kernels / 'restore.log'})." in err
    assert run("status", "--watch")[0] == 2


@pytest.mark.parametrize(("state", "status"), [("ready", 0), ("degraded", 1), ("failed", 1)])
def test_watch_tells_each_change_until_it_has_ended(
    kernels: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, state: str, status: int
) -> None:
    tell(kernels, state="restoring", fraction=0.1)
    left = [
        lambda: None,
        lambda: tell(kernels, state="restoring", fraction=0.5),
        lambda: tell(kernels, state=state, phase="done", reason="why"),
    ]
    monkeypatch.setattr(time, "sleep", lambda _seconds: left.pop(0)())
    assert main(["lifecycle", "status", "--watch"]) == status
    said = capsys.readouterr()
    assert [line.split("  ")[0] for line in said.out.splitlines()[:2]] == ["restoring 10 %", "restoring 50 %"]
    assert len(said.out.splitlines()) == 3
    assert said.err == "why\n"


def test_logs_prints_the_last_lines(run: Run, kernels: Path) -> None:
    (kernels / "restore.log").write_text("".join(f"{at}\n" for at in range(500)))
    assert run("logs")[1].split() == [str(at) for at in range(300, 500)]
    assert run("logs", "--lines", "2")[1] == "498\n499\n"


def test_follow_goes_on_until_ctrl_c(kernels: Path) -> None:
    log = kernels / "restore.log"
    log.write_text("first\n")
    # A suite that a shell runs in its background ignores SIGINT, and children inherit that.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "segwidgets", "lifecycle", "logs", "--follow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        guard = threading.Timer(60, process.kill)
        guard.start()
        assert process.stdout is not None
        assert process.stdout.readline() == "first\n"
        with log.open("a") as file:
            file.write("second\n")
        assert process.stdout.readline() == "second\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        guard.cancel()
