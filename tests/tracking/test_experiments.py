from __future__ import annotations

import datetime as dt
import logging
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber

from segwidgets.aws import AWSError, Cloud
from segwidgets.tracking import TrackingError
from segwidgets.tracking import experiments as module
from segwidgets.tracking.component import MARK
from segwidgets.tracking.experiments import ExperimentsTracker, ensure_trial
from segwidgets.tracking.mlflow import MARK as VERSION

TAGS = {VERSION: "1"}


def _described(cloud: Cloud, name: str) -> dict[str, Any]:
    found: dict[str, Any] = cloud.client("sagemaker").describe_trial_component(TrialComponentName=name)
    return found


def _run(tracker: ExperimentsTracker, experiment: str) -> Any:
    (run,) = tracker.search({experiment: experiment}, 10)
    return run


def test_a_run_carries_what_it_was_told(experiments: ExperimentsTracker, cloud: Cloud) -> None:
    run_id = experiments.start(experiment="told", name="told-1", tags=TAGS, trial="spring", at=1_700_000_000.0)
    experiments.log(run_id, params={"clustering.eps": "0.4"}, metrics={"clusters": 7, "silhouette": float("nan")})
    experiments.log(run_id, links={"input/table": "s3://b/table", "output/result": "s3://b/result"})
    experiments.end(run_id, "completed", at=1_700_000_060.0)
    run = _run(experiments, "told")
    assert (run["name"], run["state"], run["params"]) == ("told-1", "completed", {"clustering.eps": "0.4"})
    assert run["metrics"] == {"clusters": 7.0}
    assert (run["started"], run["ended"]) == (1_700_000_000_000, 1_700_000_060_000)
    assert run["tags"]["segwidgets.trial"] == "spring"
    found = _described(cloud, "told-1")
    assert found["InputArtifacts"] == {"table": {"Value": "s3://b/table"}}
    assert found["OutputArtifacts"] == {"result": {"Value": "s3://b/result"}}
    assert found["Status"] == {"PrimaryStatus": "Completed"}
    assert found["EndTime"] - found["StartTime"] == dt.timedelta(seconds=60)


def test_a_run_stands_in_its_trial_and_its_experiment(experiments: ExperimentsTracker, cloud: Cloud) -> None:
    experiments.start(experiment="where", name="where-1", tags=TAGS, trial="where-spring")
    client = cloud.client("sagemaker")
    trials = client.list_trials(ExperimentName="where")["TrialSummaries"]
    assert [trial["TrialName"] for trial in trials] == ["where-spring"]
    inside = client.list_trial_components(TrialName="where-spring")["TrialComponentSummaries"]
    assert [one["TrialComponentName"] for one in inside] == ["where-1"]
    assert experiments.experiments()["where"] == "where"


def test_a_run_without_a_trial_gets_one_that_tells_the_day(experiments: ExperimentsTracker, cloud: Cloud) -> None:
    experiments.start(experiment="daily", name="daily-1", tags=TAGS)
    (trial,) = cloud.client("sagemaker").list_trials(ExperimentName="daily")["TrialSummaries"]
    assert trial["TrialName"] == f"daily-{dt.datetime.now(dt.timezone.utc):%Y-%m-%d}"


def test_failed_and_stopped_runs_have_their_reason(experiments: ExperimentsTracker, cloud: Cloud) -> None:
    for name, state, theirs in (("f-1", "failed", "Failed"), ("s-1", "stopped", "Stopped")):
        run_id = experiments.start(experiment=name, name=name, tags=TAGS)
        experiments.end(run_id, state, "the disk\nis full")  # type: ignore[arg-type]
        assert _described(cloud, name)["Status"] == {"PrimaryStatus": theirs, "Message": "the disk is full"}
        run = _run(experiments, name)
        assert (run["state"], run["tags"]["reason"]) == (state, "the disk\nis full")


def test_a_reason_is_cut_to_what_a_status_takes(experiments: ExperimentsTracker, cloud: Cloud) -> None:
    run_id = experiments.start(experiment="long", name="long-1", tags=TAGS)
    experiments.end(run_id, "failed", "x" * 5_000)
    message = _described(cloud, "long-1")["Status"]["Message"]
    assert len(message) == 1_024
    assert message.endswith("… (cut)")


def test_experiment_and_trial_are_made_once_and_loaded_then(cloud: Cloud) -> None:
    assert ensure_trial(cloud, "twice", "twice-a") == "twice-a"
    client = cloud.client("sagemaker")
    made = client.describe_trial(TrialName="twice-a")["CreationTime"]
    assert ensure_trial(cloud, "twice", "twice-a") == "twice-a"
    assert client.describe_trial(TrialName="twice-a")["CreationTime"] == made


def test_two_that_make_the_same_trial_both_get_it(cloud: Cloud) -> None:
    got: list[str] = []
    both = [threading.Thread(target=lambda: got.append(ensure_trial(cloud, "race", "race-a"))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert got == ["race-a", "race-a"]


def _answers(cloud: Cloud) -> Stubber:
    return Stubber(cloud.client("sagemaker"))


def test_one_that_was_made_between_the_look_and_the_making_is_loaded(cloud: Cloud) -> None:
    """AWS says ValidationException to a name that is taken; moto never does."""
    taken = {"service_error_code": "ValidationException", "service_message": "names must be unique"}
    trial = {"TrialName": "t", "ExperimentName": "e"}
    with _answers(cloud) as said:
        said.add_client_error("create_experiment", **taken)
        said.add_response("describe_experiment", {"ExperimentName": "e"})
        said.add_client_error("describe_trial", service_error_code="ResourceNotFound", service_message="no such trial")
        said.add_client_error("create_trial", **taken)
        said.add_response("describe_trial", trial)
        said.add_response("describe_trial", trial)
        assert ensure_trial(cloud, "e", "t") == "t"
        said.assert_no_pending_responses()


def test_a_trial_of_another_experiment_is_refused(cloud: Cloud) -> None:
    ensure_trial(cloud, "mine", "taken")
    with pytest.raises(AWSError, match=r"trial='taken' is not allowed: .* belongs to experiment 'mine'"):
        ensure_trial(cloud, "yours", "taken")


def test_a_refusal_is_told_and_not_taken_for_what_is_there(cloud: Cloud) -> None:
    with _answers(cloud) as said:
        said.add_client_error(
            "create_experiment", service_error_code="AccessDeniedException", service_message="not you"
        )
        said.add_client_error("describe_experiment", service_error_code="ResourceNotFound", service_message="none")
        with pytest.raises(AWSError, match="role needs that permission"):
            ensure_trial(cloud, "e", "t")


def _job_component(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What AWS does when it starts a training job with an experiment, and moto does not."""
    monkeypatch.setenv("TRAINING_JOB_ARN", f"arn:aws:sagemaker:eu-central-1:123456789012:training-job/{name}")
    cloud.client("sagemaker").create_trial_component(TrialComponentName=f"{name}-aws-training-job")


def test_a_training_job_takes_the_component_that_aws_made(
    experiments: ExperimentsTracker, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    _job_component(cloud, monkeypatch, "job-a")
    run_id = experiments.start(experiment="jobs-a", name="job-a", tags=TAGS, trial="jobs-a-t")
    assert run_id == "job-a-aws-training-job"
    experiments.end(run_id, "completed")
    run = _run(experiments, "jobs-a")
    assert (run["name"], run["state"]) == ("job-a", "completed")
    assert "Status" not in _described(cloud, run_id)  # AWS's to say
    assert experiments.find(experiment="jobs-a", name="job-a") == run_id


def test_a_component_that_does_not_come_is_not_waited_for_for_five_minutes(
    experiments: ExperimentsTracker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert module.PATIENCE <= 30
    monkeypatch.setenv("TRAINING_JOB_ARN", "arn:aws:sagemaker:eu-central-1:123456789012:training-job/job-b")
    monkeypatch.setattr(module, "PATIENCE", 0.3)
    monkeypatch.setattr(module, "BETWEEN", 0.1)
    assert experiments.start(experiment="jobs-b", name="job-b", tags=TAGS) == "job-b"
    assert "AWS has made no trial component for job job-b" in caplog.text


def test_a_component_that_comes_late_is_taken(
    experiments: ExperimentsTracker, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINING_JOB_ARN", "arn:aws:sagemaker:eu-central-1:123456789012:training-job/job-c")
    monkeypatch.setattr(module, "BETWEEN", 0.05)
    late = threading.Timer(0.3, lambda: _job_component(cloud, monkeypatch, "job-c"))
    late.start()
    assert experiments.start(experiment="jobs-c", name="job-c", tags=TAGS) == "job-c-aws-training-job"
    late.join()


def test_on_a_training_host_metrics_are_sagemakers_too(
    experiments: ExperimentsTracker, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SAGEMAKER_METRICS_DIRECTORY", str(tmp_path))
    _job_component(cloud, monkeypatch, "job-m")
    run_id = experiments.start(experiment="jobs-m", name="job-m", tags=TAGS)
    experiments.log(run_id, metrics={"coverage": 0.9, "bad": float("inf")}, step=3)
    experiments.end(run_id, "completed")
    (file,) = tmp_path.iterdir()
    assert '"MetricName": "coverage", "Value": 0.9' in file.read_text()
    assert '"IterationNumber": 3' in file.read_text()
    assert "bad" not in file.read_text()
    assert _run(experiments, "jobs-m")["metrics"] == {"coverage": 0.9}


def test_what_smexperiments_would_change_arrives_as_it_was_said(experiments: ExperimentsTracker) -> None:
    run_id = experiments.start(experiment="plain", name="plain-1", tags=TAGS)
    odd: Any = {"spot": True, "off": False, "trial": None, "nan": float("nan"), "count": 3}
    experiments.log(run_id, params=odd)
    said = _run(experiments, "plain")["params"]
    assert said == {"spot": "true", "off": "false", "trial": "none", "nan": "nan", "count": "3"}


def test_what_is_beyond_the_limits_is_cut_or_left_out_with_a_word(
    experiments: ExperimentsTracker, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    run_id = experiments.start(experiment="limits", name="limits-1", tags=TAGS)
    experiments.log(run_id, params={"k" * 400: "v" * 3_000, **{f"p{at}": "x" for at in range(400)}})
    experiments.log(run_id, metrics={"clusters": 4}, tags={"late": "yes"})
    links = {f"output/o{at}": "s3://b/k" for at in range(35)} | {"output/" + "n" * 200: "s3://b/k"}
    experiments.log(run_id, links={"output/too-long": "s3://b/" + "k" * 2_048})
    experiments.log(run_id, links=links)
    experiments.log(run_id, links={"output/o1": "s3://b/new"})
    found = _described(cloud, "limits-1")
    keys = found["Parameters"]
    assert len(keys) <= 300
    assert max(map(len, keys)) == 320
    assert max(len(value.get("StringValue", "")) for value in keys.values()) == 2_500
    assert _run(experiments, "limits")["metrics"] == {"clusters": 4.0}
    assert keys["tag.late"] == {"StringValue": "yes"}
    artifacts = found["OutputArtifacts"]
    assert len(artifacts) == 30
    assert artifacts["o1"] == {"Value": "s3://b/new"}
    assert "too-long" not in artifacts
    assert "parameter p399 of run limits-1 is left out" in caplog.text
    assert "artifact o34 of run limits-1 is left out: it has 30 already" in caplog.text
    assert "artifact too-long of run limits-1 is left out: its address has 2055 characters" in caplog.text


def test_a_long_artifact_name_is_cut(experiments: ExperimentsTracker, cloud: Cloud) -> None:
    run_id = experiments.start(experiment="artifact", name="artifact-1", tags=TAGS)
    experiments.log(run_id, links={"input/" + "n" * 200: "s3://b/k"})
    (name,) = _described(cloud, "artifact-1")["InputArtifacts"]
    assert len(name) == 128


def test_documents_go_to_s3_where_a_place_is_named(
    experiments: ExperimentsTracker, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="papers", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    monkeypatch.setenv("SEGWIDGETS_ARTIFACTS", "s3://papers/runs/")
    run_id = experiments.start(experiment="papers", name="papers-1", tags=TAGS)
    experiments.log(run_id, documents={"recipe.json": "{}", "figures/cloud.png": b"\x89PNG"})
    assert s3.get_object(Bucket="papers", Key="runs/papers-1/figures/cloud.png")["Body"].read() == b"\x89PNG"
    value = "s3://papers/runs/papers-1/recipe.json"
    assert _described(cloud, "papers-1")["OutputArtifacts"]["recipe.json"] == {"Value": value}
    monkeypatch.setenv("SEGWIDGETS_ARTIFACTS", "papers/runs")
    with pytest.raises(TrackingError, match="must be s3://BUCKET/PREFIX"):
        experiments.log(run_id, documents={"recipe.json": "{}"})


def test_documents_are_left_out_with_a_word_where_none_is_named(
    experiments: ExperimentsTracker, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    run_id = experiments.start(experiment="no-papers", name="no-papers-1", tags=TAGS)
    experiments.log(run_id, documents={"recipe.json": "{}"})
    assert "recipe.json of run no-papers-1 are left out: $SEGWIDGETS_ARTIFACTS names no place" in caplog.text
    assert not _described(cloud, "no-papers-1").get("OutputArtifacts")


def test_names_that_experiments_does_not_take_are_refused_before_the_call(
    experiments: ExperimentsTracker, cloud: Cloud
) -> None:
    with pytest.raises(AWSError, match=r"experiment='my runs' is not allowed: .* 1 to 120 letters, digits and hyphens"):
        ensure_trial(cloud, "my runs", "t")
    with pytest.raises(AWSError, match=r"trial='-t' is not allowed"):
        ensure_trial(cloud, "fine", "-t")
    with pytest.raises(TrackingError, match=r"name='n{121}' is not allowed"):
        experiments.start(experiment="fine", name="n" * 121, tags=TAGS)
    assert "my runs" not in experiments.experiments()


def test_a_component_of_another_run_is_never_written_over(experiments: ExperimentsTracker, cloud: Cloud) -> None:
    cloud.client("sagemaker").create_trial_component(
        TrialComponentName="somebodys", Parameters={"lr": {"NumberValue": 0.1}}
    )
    with pytest.raises(TrackingError, match=r"name='somebodys' is not allowed: .* another run's"):
        experiments.start(experiment="fine", name="somebodys", tags=TAGS)
    assert experiments.find(experiment="fine", name="somebodys") is None
    experiments.start(experiment="first", name="first-1", tags=TAGS)
    with pytest.raises(TrackingError, match="another run's"):
        experiments.start(experiment="second", name="first-1", tags=TAGS)
    assert experiments.start(experiment="first", name="first-1", tags=TAGS) == "first-1"  # begun again


def test_one_experiment_is_searched_for_by_name_and_page_by_page(experiments: ExperimentsTracker, cloud: Cloud) -> None:
    """What AWS can do and moto cannot: its search knows a component's parents."""
    asked = {
        "Resource": "ExperimentTrialComponent",
        "SearchExpression": {
            "Filters": [{"Name": "Parents.ExperimentName", "Operator": "Equals", "Value": "paged"}],
            "Operator": "And",
        },
        "SortBy": "CreationTime",
        "SortOrder": "Descending",
        "MaxResults": 100,
    }

    def found(name: str) -> dict[str, Any]:
        said = {MARK: {"StringValue": "1"}, "tag.segwidgets.experiment": {"StringValue": "paged"}}
        when = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
        component = {"TrialComponentName": name, "Parameters": said, "CreationTime": when, "LastModifiedTime": when}
        return {"TrialComponent": {**component, "Status": {"PrimaryStatus": "Failed", "Message": "no room"}}}

    with _answers(cloud) as said:
        said.add_response("search", {"Results": [found("a"), found("b")], "NextToken": "more"}, asked)
        said.add_response("search", {"Results": [found("c-aws-training-job")]}, {**asked, "NextToken": "more"})
        runs = experiments.search({"paged": "paged"}, 10)
        said.assert_no_pending_responses()
    assert [(run["name"], run["state"], run["tags"]["reason"]) for run in runs] == [
        (name, "failed", "no room") for name in "abc"
    ]


def test_a_jobs_status_is_never_sent_back_to_aws(
    experiments: ExperimentsTracker, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    _job_component(cloud, monkeypatch, "job-s")
    name = "job-s-aws-training-job"
    run_id = experiments.start(experiment="jobs-s", name="job-s", tags=TAGS)
    client = cloud.client("sagemaker")
    client.update_trial_component(TrialComponentName=name, Status={"PrimaryStatus": "Stopping"})
    experiments.log(run_id, metrics={"clusters": 4})
    assert _described(cloud, name)["Status"] == {"PrimaryStatus": "Stopping"}
    client.update_trial_component(TrialComponentName=name, Status={"PrimaryStatus": "Failed", "Message": "killed"})
    run = _run(experiments, "jobs-s")
    assert (run["state"], run["tags"]["reason"]) == ("failed", "killed")


def test_other_peoples_components_are_left_out(experiments: ExperimentsTracker, cloud: Cloud) -> None:
    cloud.client("sagemaker").create_trial_component(
        TrialComponentName="theirs", Parameters={"clusters": {"NumberValue": 3}}
    )
    experiments.start(experiment="beside", name="ours", tags=TAGS)
    names = [run["name"] for run in experiments.search(experiments.experiments(), 1_000)]
    assert "ours" in names
    assert "theirs" not in names
    assert f"tag.{VERSION}" == MARK


def test_a_run_that_nobody_knows_is_a_tracking_error(experiments: ExperimentsTracker) -> None:
    with pytest.raises(TrackingError, match="knows no run 'nobody'"):
        experiments.log("nobody", params={"a": "b"})
    assert experiments.find(experiment="told", name="nobody") is None


def test_throttling_backs_off_and_the_run_is_told(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own retry, below the Stubber's place: the server says it is asked too often, twice."""
    cloud = Cloud()
    client = cloud.client("sagemaker")
    tracker = ExperimentsTracker("experiments:eu-central-1", cloud)
    run_id = tracker.start(experiment="busy", name="busy-1", tags=TAGS)
    from botocore.awsrequest import AWSResponse

    asked: list[str] = []

    class _Raw:
        def stream(self, *args: object, **kwargs: object) -> Any:
            yield b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'

    def refuse(request: Any, **kwargs: object) -> AWSResponse | None:
        asked.append(request.url)
        if len(asked) > 2:
            return None
        headers = {"Content-Type": "application/x-amz-json-1.1"}
        return AWSResponse(request.url, 400, headers, _Raw())

    client.meta.events.register("before-send.sagemaker.UpdateTrialComponent", refuse)
    tracker.log(run_id, metrics={"clusters": 5})
    assert len(asked) == 3
    assert _run(tracker, "busy")["metrics"] == {"clusters": 5.0}


def test_throttling_that_does_not_end_is_a_tracking_error(experiments: ExperimentsTracker, cloud: Cloud) -> None:
    run_id = experiments.start(experiment="busier", name="busier-1", tags=TAGS)
    with _answers(cloud) as said:
        said.add_client_error(
            "update_trial_component", service_error_code="ThrottlingException", service_message="Rate exceeded"
        )
        with pytest.raises(TrackingError, match=r"asked too often .*wait a minute"):
            experiments.log(run_id, params={"a": "b"})


def test_credentials_that_expire_amid_a_run_are_a_tracking_error_that_says_so(
    experiments: ExperimentsTracker, cloud: Cloud
) -> None:
    run_id = experiments.start(experiment="expired", name="expired-1", tags=TAGS)
    with _answers(cloud) as said:
        said.add_client_error(
            "update_trial_component", service_error_code="ExpiredTokenException", service_message="expired"
        )
        with pytest.raises(TrackingError, match=r"experiments:eu-central-1 failed: the AWS credentials have expired"):
            experiments.log(run_id, params={"a": "b"})


def test_a_network_that_is_down_is_a_tracking_error(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("segwidgets.aws.ATTEMPTS", 1)
    with pytest.raises(TrackingError, match="could not be reached"):
        ExperimentsTracker("experiments:eu-central-1").start(experiment="x", name="x", tags=TAGS)


def test_the_import_of_smexperiments_leaves_the_root_logger_alone() -> None:
    code = (
        "import logging; from segwidgets.tracking.smexperiments import classes; classes(); "
        "root = logging.getLogger(); print(root.level, root.handlers)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == f"{logging.WARNING} []\n"


def test_without_the_extra_the_command_is_named() -> None:
    code = (
        "import sys; sys.modules['smexperiments'] = None\n"
        "from segwidgets.tracking import TrackingError, address\n"
        "try: address.tracker('experiments:eu-central-1')\n"
        "except TrackingError as error: print(error)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "segwidgets[aws]"' in shown.stdout
