"""What is known of a job in SageMaker without asking AWS: its page in the console, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segwidgets.jobs.cost import price
from segwidgets.jobs.job import Job
from segwidgets.jobs.layout import Layout
from segwidgets.jobs.spec import SpecError

#: Where the consoles of AWS's other partitions are, by how their regions begin.
_CONSOLES = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}


def facts(job: Job) -> dict[str, Any]:
    """``cost`` in USD, ``cost_is_limit`` (it still runs, and costs that at most) and ``console``, the page's address.

    None where it is not known; of a local job nothing is. The price is the on-demand one, which spot lies below.
    """
    ledger = Layout(job.path).ledger
    record, status = ledger.job, ledger.status
    region = str(record.get("region", ""))
    if record.get("target") != "sagemaker" or not region:
        return {"cost": None, "cost_is_limit": False, "console": None}
    seconds, limit = status.get("billable_seconds"), False
    if seconds is None and job.unfinished:
        seconds, limit = record.get("settings", {}).get("max_run"), True
    cost = _cost(record.get("settings", {}), region, seconds)
    # Before AWS has answered there is no page.
    page = _page(region, job.name) if record.get("answered") else None
    return {"cost": cost, "cost_is_limit": limit and cost is not None, "console": page}


def _cost(settings: Mapping[str, Any], region: str, seconds: float | None) -> float | None:
    try:
        known = price(str(settings.get("instance_type", "")), region)
    except SpecError:  # the table of one's own prices is broken: promoting says so
        return None
    if known is None or seconds is None:
        return None
    return known.hourly * int(settings.get("instance_count", 1)) * float(seconds) / 3600


def _page(region: str, name: str) -> str:
    console = next((place for begin, place in _CONSOLES.items() if region.startswith(begin)), "console.aws.amazon.com")
    return f"https://{region}.{console}/sagemaker/home?region={region}#/jobs/{name}"
