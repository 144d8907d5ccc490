"""A job in SageMaker, from the click to the verdict, on a simulated account with a host that runs it for real."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwidgets import __version__, cli, leaderboard
from segwidgets.aws import Cloud, UnreachableError
from segwidgets.data import Table, samples
from segwidgets.jobs import Job, RefusedError, jobs, plan, promote, sagemakerjob
from segwidgets.jobs.recipes import recipe_of
from segwidgets.recipe import Recipe
from segwidgets.result import Result
from segwidgets.session import Session
from segwidgets.tracking import address

from .cloud import BUCKET, IMAGE, ROLE, Host
from .proxy import Proxy

RECIPE = Recipe().replace(eps=0.6, n_neighbors=10, n_epochs=100)
WHERE: dict[str, Any] = {"target": "sagemaker", "role": ROLE, "image": IMAGE, "trial": "spring"}


@pytest.fixture(scope="module")
def table() -> Table:
    return samples.blobs(n=400)


@pytest.fixture(scope="module")
def result(table: Table) -> Result:
    return Session(table).run(RECIPE)


def promoted(table: Table, result: Result, **more: Any) -> Job:
    return plan(RECIPE, table, result=result, **{**WHERE, "experiment": "on-aws", **more}).launch()


@pytest.fixture(scope="module")
def names() -> list[str]:
    """The names of the jobs that ran so far: the first one takes seconds, and the rest look at it."""
    return []


def test_a_job_in_sagemaker_finds_the_same_segments_and_says_so(
    cloud: Cloud, table: Table, result: Result, names: list[str]
) -> None:
    job = promoted(table, result)
    names.append(job.name)
    seen: list[float] = []
    job.wait(180, show=lambda now: seen.append(now.overall))
    assert (job.status, job.verdict, job.reason) == ("completed", "exact", None), job.log()
    assert seen == sorted(seen)
    stored = job.result()
    np.testing.assert_array_equal(stored.labels, result.labels)
    np.testing.assert_array_equal(stored.embedding, result.embedding)
    output = job.path / "output" / "data"
    assert (output / "figures" / "cloud.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((output / "report.json").read_text())["scores"]["clusters"] == result.scores.clusters
    assert "progress 1.00 done exact" in job.log()
    assert job.name in [one.name for one in jobs()]


def test_another_kernel_finds_it_again_by_name(cloud: Cloud, names: list[str]) -> None:
    again = Job.load(names[0])
    assert (again.target, again.status, again.verdict) == ("sagemaker", "completed", "exact")


def test_another_machine_attaches_to_it_by_name(
    cloud: Cloud, names: list[str], result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGWIDGETS_HOME", str(tmp_path / "elsewhere"))
    job = Job.attach(names[0])
    assert (job.experiment, job.trial, job.verdict) == ("on-aws", "spring", "exact")
    np.testing.assert_array_equal(job.result().labels, result.labels)
    assert [one.name for one in jobs()] == names[:1]
    assert Recipe.from_dict(recipe_of(names[0])["recipe"]) == result.recipe
    with pytest.raises(ValueError, match="there is no job 'nobody' in eu-central-1"):
        Job.attach("nobody")


def test_both_trackers_have_the_run_with_its_verdict(cloud: Cloud, names: list[str], result: Result) -> None:
    name = names[0]
    component = cloud.client("sagemaker").describe_trial_component(TrialComponentName=f"{name}-aws-training-job")
    assert component["Parameters"]["verdict"]["StringValue"] == "exact"
    assert component["Status"]["PrimaryStatus"] == "Completed"
    board = leaderboard("on-aws", tracking_uri=f"{address.resolved()},experiments:")
    rows = board[board["name"].str.startswith(name)]
    assert set(rows["verdict"]) == {"exact"}
    assert set(rows["trial"]) == {"spring"}
    assert set(rows["segments"]) == {result.scores.clusters}
    assert set(rows["source"]) == {"local+experiments"}


def test_data_and_embedding_are_uploaded_once(cloud: Cloud, names: list[str], table: Table, result: Result) -> None:
    del names
    held = {one["Key"]: one["LastModified"] for one in objects(cloud)}
    job = promoted(table, result)
    job.stop()
    after = {one["Key"]: one["LastModified"] for one in objects(cloud)}
    shared = ("segwidgets/tables/", "segwidgets/embeddings/", "segwidgets/labels/")
    assert {key for key in after if key.startswith(shared)} == {key for key in held if key.startswith(shared)}
    assert all(after[key] == held[key] for key in held if key.startswith(shared))


def test_another_key_is_another_upload(cloud: Cloud, table: Table, result: Result) -> None:
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    promoted(table, result, kms_key=key).stop()
    place = f"segwidgets/embeddings/{result.embedding_digest}/embedding.npy"
    held = cloud.client("s3").head_object(Bucket=BUCKET, Key=place)
    assert (held["ServerSideEncryption"], held["SSEKMSKeyId"]) == ("aws:kms", key)


def objects(cloud: Cloud) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cloud.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return found


def test_a_job_is_stopped(cloud: Cloud, table: Table, result: Result, hosts: dict[str, Host]) -> None:
    job = promoted(table, result)
    job.stop().wait(60)
    assert job.status == "stopped"
    assert "stopped" in str(job.reason)


def test_a_job_that_fails_says_why(cloud: Cloud, table: Table, result: Result) -> None:
    made = plan(RECIPE, table, result=result, experiment="on-aws", **WHERE)
    spoilt = dataclasses.replace(made.spec, label_digest="0" * 64)  # what the panel showed, and is not what travels
    job = dataclasses.replace(made, spec=spoilt).launch().wait(120)
    assert job.status == "failed"
    assert "the promoted labels were damaged" in str(job.reason)
    assert "Traceback" in job.log()


def test_one_click_is_one_job_when_the_answer_is_lost(
    network: Proxy, table: Table, result: Result, hosts: dict[str, Host]
) -> None:
    network.lose_answers_to.add("CreateTrainingJob")
    before = set(hosts)
    job = promoted(table, result)
    assert set(hosts) - before == {job.name}, "it runs, and nobody was told"
    network.lose_answers_to.clear()
    job.look()
    assert json.loads((job.path / "job.json").read_text())["answered"]
    job.stop()
    assert set(hosts) - before == {job.name}


def test_a_call_that_never_arrived_is_told_once_that_is_sure(
    network: Proxy, table: Table, result: Result, hosts: dict[str, Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    network.lose_requests_for.add("CreateTrainingJob")
    before = set(hosts)
    job = promoted(table, result)
    network.lose_requests_for.clear()
    assert job.status == "running"  # AWS may only be slow to know it
    monkeypatch.setattr(sagemakerjob, "SETTLES", 0.0)
    job.look()
    assert job.status == "failed"
    assert "it never reached AWS" in str(job.reason)
    assert set(hosts) == before


def test_no_network_before_the_call_leaves_nothing_behind(network: Proxy, table: Table, result: Result) -> None:
    network.lose_requests_for.update({"PUT", "GET"})
    before = [job.name for job in jobs()]
    with pytest.raises(UnreachableError, match="AWS could not be reached while"):
        promoted(table, result)
    assert [job.name for job in jobs()] == before


def test_a_look_that_fails_is_told_and_the_job_stands_as_it_was(network: Proxy, table: Table, result: Result) -> None:
    job = promoted(table, result)
    network.lose_requests_for.add("DescribeTrainingJob")
    job.look()
    assert job.status == "running"
    assert "AWS could not be reached" in job.progress.message
    network.lose_requests_for.clear()
    job.stop()


def test_the_request_is_shown_before_it_is_sent(cloud: Cloud, table: Table, result: Result) -> None:
    made = plan(
        RECIPE, table, result=result, experiment="shown", spot=True, max_run=600, tags={"team": "crm"},
        subnets=["subnet-1"], security_groups=["sg-1"], network_isolation=True, **WHERE,
    )  # fmt: skip
    request = made.request()
    assert request["TrainingJobName"] == made.spec.name
    assert request["ExperimentConfig"]["TrialName"] == "spring"
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 1200}
    assert request["EnableManagedSpotTraining"]
    assert request["EnableNetworkIsolation"]
    assert request["VpcConfig"] == {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert request["Tags"] == [{"Key": "team", "Value": "crm"}]
    assert request["HyperParameters"]["eps"] == "0.6"
    assert request["Environment"]["SEGWIDGETS_TRACKING_URI"] == "none:"
    assert {one["ChannelName"] for one in request["InputDataConfig"]} == {"recipe", "table", "expected", "embedding"}
    assert made.spec.name not in [one["TrainingJobName"] for one in training_jobs(cloud)]


def training_jobs(cloud: Cloud) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cloud.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]
    return found


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"role": "admin"}, "role='admin' is not allowed"),
        ({"bucket": "s3://mine"}, "bucket='s3://mine' is not allowed"),
        ({"instance_count": 2}, "instance_count=2 is not allowed: it must be 1"),
        ({"max_run": 0}, "max_run=0 is not allowed"),
        ({"max_wait": 100}, "max_wait=100 is only for spot jobs"),
        ({"spot": True, "max_run": 600, "max_wait": 100}, "max_wait=100 is not allowed"),
        ({"subnets": ["subnet-1"]}, "subnets and security_groups belong together"),
        ({"target": "local"}, "role is a setting of target='sagemaker'"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(
    cloud: Cloud, table: Table, result: Result, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        plan(RECIPE, table, result=result, **{**WHERE, **given})


def test_the_preflight_refuses_before_anything_is_spent(cloud: Cloud, table: Table, result: Result) -> None:
    before = (len(jobs()), len(objects(cloud)), len(training_jobs(cloud)))
    with pytest.raises(RefusedError, match=r"the preflight refuses: .*no-such-bucket.* force=True"):
        promote(RECIPE, table, result=result, bucket="no-such-bucket", **WHERE)
    assert (len(jobs()), len(objects(cloud)), len(training_jobs(cloud))) == before


def test_the_command_line_prints_the_request_and_the_price_and_sends_nothing(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(training_jobs(cloud))
    settings = ["--set", "n_neighbors=10", "--set", "n_epochs=50", "--set", "eps=1.0", "--quiet"]
    where = ["--target", "sagemaker", "--role", ROLE, "--image", IMAGE, "--spot", "--tag", "team=crm"]
    assert cli.main(["promote", "blobs", *settings, *where, "--dry-run"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["request"]["AlgorithmSpecification"]["TrainingImage"] == IMAGE
    assert said["request"]["Tags"] == [{"Key": "team", "Value": "crm"}]
    assert {one["channel"] for one in said["ships"]} == {"recipe", "table", "expected", "embedding"}
    assert {one["state"] for one in said["preflight"]["checks"]} <= {"ok", "warning", "unknown"}
    assert said["preflight"]["cost"]["ceiling"] > 0
    assert len(training_jobs(cloud)) == before


def test_defaults_come_from_the_settings_file(
    cloud: Cloud, table: Table, result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGWIDGETS_HOME", str(tmp_path))
    file = tmp_path / "settings.toml"
    file.write_text(f'[promote]\ntarget = "sagemaker"\nrole = "{ROLE}"\nmax_run = 120\ntags = {{ team = "crm" }}\n')
    made = plan(RECIPE, table, result=result)
    assert (made.target, made.settings and made.settings.max_run) == ("sagemaker", 120)
    assert made.settings is not None
    assert made.settings.bucket == BUCKET
    assert made.settings.image.endswith(f"/segwidgets:{__version__}")
    assert made.settings.tags == (("team", "crm"),)
    for content, message in [
        ("[promote]\nmax_runs = 1\n", "'max_runs', which is no setting of promote. Did you mean 'max_run'"),
        ('[promote]\nmax_run = "1"\n', "max_run='1', which is not a whole number"),
        ("max_run = 1\n", "belong under"),
        ("[promote\n", "cannot be read"),
    ]:
        file.write_text(content)
        with pytest.raises(ValueError, match=message):
            plan(RECIPE, table, result=result)
