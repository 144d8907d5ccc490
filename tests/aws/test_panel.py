"""The panel's promote part against a simulated account: checked and priced first, then promoted, followed, judged."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from segwidgets.aws import Cloud
from segwidgets.data import samples
from segwidgets.jobs import jobs
from segwidgets.names import Names
from segwidgets.panel.following import record
from segwidgets.panel.promotion import Promotion
from segwidgets.recipe import Recipe
from segwidgets.session import Session

from .cloud import IMAGE, ROLE


@pytest.fixture
def promotion(cloud: Cloud) -> Iterator[Promotion]:
    table = samples.blobs(n=300, seed=5)
    result = Session(table).run(Recipe().replace(eps=0.6, n_neighbors=10, n_epochs=100))
    made = Promotion(table, lambda _: (result, Names()), lambda *_: None)
    made.show(result)
    made.target.value = "sagemaker"
    made.experiment.value, made.trial.value = "from-panel", "first"
    for name, value in {"role": ROLE, "image": IMAGE, "instance_type": "ml.g4dn.xlarge", "max_run": "1800"}.items():
        made.remote.fields[name].value = value
    yield made
    made.close()


def test_a_job_is_checked_priced_promoted_and_judged(promotion: Promotion) -> None:
    assert promotion.button.disabled
    promotion.remote.check.click()
    assert promotion.wait(60)
    report = promotion.remote.report.value
    assert 'data-ok="true"' in report, report
    assert "At most about" in report
    assert "credentials" in report
    assert not promotion.button.disabled
    assert jobs() == [] or jobs()[0].experiment != "from-panel", "nothing was started by looking"

    promotion.button.click()
    assert promotion.wait(240)
    job = promotion.job
    assert job is not None, promotion.following.verdict.value
    assert (job.target, job.experiment, job.trial) == ("sagemaker", "from-panel", "first")
    assert re.fullmatch("sha256:[0-9a-f]{64}", record(job)["params"]["image_digest"]), "a tag can be moved"
    assert job.verdict == "exact"
    assert ">exact</b>" in promotion.following.verdict.value


def test_a_change_after_the_check_asks_for_another(promotion: Promotion) -> None:
    promotion.remote.check.click()
    assert promotion.wait(60)
    assert not promotion.button.disabled
    promotion.remote.fields["max_run"].value = "86000"
    assert promotion.button.disabled
    assert "check again" in promotion.remote.report.value


def test_what_the_preflight_refuses_cannot_be_promoted(promotion: Promotion) -> None:
    promotion.remote.fields["role"].value = ROLE.replace("segwidgets-job", "nobody")
    promotion.remote.check.click()
    assert promotion.wait(60)
    assert 'data-ok="false"' in promotion.remote.report.value
    assert 'data-state="refused"' in promotion.remote.report.value
    assert promotion.button.disabled
    assert promotion.remote.force.layout.display == ""


def test_a_refusal_is_passed_by_only_for_as_long_as_nothing_changes(promotion: Promotion) -> None:
    promotion.remote.fields["role"].value = ROLE.replace("segwidgets-job", "nobody")
    promotion.remote.check.click()
    assert promotion.wait(60)
    promotion.remote.force.value = True
    assert not promotion.button.disabled
    promotion.remote.fields["max_run"].value = "900"
    assert promotion.button.disabled
    assert (promotion.remote.force.value, promotion.remote.force.layout.display) == (False, "none")
