"""What a job in SageMaker costs and where its page is, as its folder tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from segwidgets.jobs import Job
from segwidgets.jobs.cost import price
from segwidgets.jobs.elsewhere import facts
from segwidgets.jobs.layout import Layout

SETTINGS = {"instance_type": "ml.m5.xlarge", "instance_count": 1, "max_run": 7200}
REMOTE = {"target": "sagemaker", "region": "eu-central-1", "settings": SETTINGS, "answered": True}


@pytest.fixture
def job(tmp_path: Path) -> Any:
    def make(record: dict[str, Any], status: dict[str, Any]) -> Job:
        ledger = Layout(tmp_path / "a-job").ledger
        ledger.write_job(record)
        ledger.write_status(status)
        return Job(tmp_path / "a-job")

    return make


def _hourly(region: str = "eu-central-1") -> float:
    found = price("ml.m5.xlarge", region)
    assert found is not None
    return found.hourly


def test_a_job_that_runs_costs_two_hours_at_most(job: Any) -> None:
    said = facts(job(REMOTE, {"state": "running"}))
    assert said["cost"] == pytest.approx(2 * _hourly())
    assert said["cost_is_limit"] is True
    assert said["console"] == (
        "https://eu-central-1.console.aws.amazon.com/sagemaker/home?region=eu-central-1#/jobs/a-job"
    )


@pytest.mark.parametrize("state", ["completed", "failed", "stopped"])
def test_a_job_that_has_ended_costs_what_aws_bills(job: Any, state: str) -> None:
    said = facts(job(REMOTE, {"state": state, "billable_seconds": 360.0}))
    assert said["cost"] == pytest.approx(_hourly() / 10)
    assert said["cost_is_limit"] is False


def test_what_is_not_billed_yet_or_has_no_price_is_not_known_and_not_free(job: Any) -> None:
    assert facts(job(REMOTE, {"state": "failed"}))["cost"] is None
    strange = {**REMOTE, "settings": {**SETTINGS, "instance_type": "ml.nobody.xlarge"}}
    said = facts(job(strange, {"state": "running"}))
    assert (said["cost"], said["cost_is_limit"]) == (None, False)


def test_a_job_that_aws_has_not_answered_for_has_no_page(job: Any) -> None:
    assert facts(job({**REMOTE, "answered": False}, {"state": "running"}))["console"] is None


@pytest.mark.parametrize(
    ("region", "place"),
    [
        ("cn-north-1", "cn-north-1.console.amazonaws.cn/"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com/"),
    ],
)
def test_other_partitions_have_consoles_of_their_own(job: Any, region: str, place: str) -> None:
    said = facts(job({**REMOTE, "region": region}, {"state": "running"}))
    assert said["console"].startswith(f"https://{place}sagemaker/home?region={region}#/jobs/")


def test_a_local_job_costs_nothing_that_is_known(job: Any) -> None:
    assert facts(job({"name": "a-job"}, {"state": "running"})) == {
        "cost": None,
        "cost_is_limit": False,
        "console": None,
    }
