"""The account's quotas for training jobs, as Service Quotas lists them.

The list has thousands of entries in pages of a hundred, too many for a look before a click. So the code of each quota,
which is the same in every account and region, is kept once it was seen, and asked for by name from then on.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from segwidgets import storage
from segwidgets.aws import CONNECT_TIMEOUT, READ_TIMEOUT, AWSError, explained

if TYPE_CHECKING:
    from segwidgets.aws import Cloud

SERVICE = "sagemaker"
LONGEST = "Longest run time for a training job"
#: Where the codes are kept, in segwidgets' home.
FILE = "quotas.json"
_DOING = "the quotas were looked up"
#: Calls in all: a quota is good to know before a click, but not worth the patience of the other clients.
_ATTEMPTS = 3


def of_type(instance_type: str, *, spot: bool) -> str:
    """The name of the quota that says how many of such instances training jobs may have at once."""
    return f"{instance_type} for {'spot ' if spot else ''}training job usage"


def quotas(cloud: Cloud, names: Iterable[str]) -> dict[str, float]:
    """The values of the quotas of these names; one that the account does not list is left out. Raises AWSError."""
    wanted = list(dict.fromkeys(names))
    codes, service = _kept(), client(cloud)
    if all(name in codes for name in wanted):
        with contextlib.suppress(_StaleError):
            return {name: _by_code(service, codes[name]) for name in wanted}
    return _from_list(service, wanted, codes)


def client(cloud: Cloud) -> Any:
    """A client for Service Quotas that gives up early."""
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        user_agent_extra="segwidgets",
    )
    with explained("a client for service-quotas was made"):
        return cloud.session.client("service-quotas", config=config, endpoint_url=cloud.endpoint)


class _StaleError(Exception):
    """A code that was kept is none any more."""


def _by_code(service: Any, code: str) -> float:
    try:
        with explained(_DOING):
            said = service.get_service_quota(ServiceCode=SERVICE, QuotaCode=code)
    except AWSError as error:
        if error.code == "NoSuchResourceException":
            raise _StaleError from None
        raise
    return float(said["Quota"]["Value"])


def _from_list(service: Any, wanted: list[str], codes: dict[str, str]) -> dict[str, float]:
    found: dict[str, float] = {}
    seen = dict(codes)
    token: dict[str, Any] = {}
    while True:
        with explained(_DOING):
            page = service.list_service_quotas(ServiceCode=SERVICE, MaxResults=100, **token)
        for quota in page["Quotas"]:
            seen[quota["QuotaName"]] = quota["QuotaCode"]
            if quota["QuotaName"] in wanted:
                found[quota["QuotaName"]] = float(quota["Value"])
        if len(found) == len(wanted) or not page.get("NextToken"):
            break
        token = {"NextToken": page["NextToken"]}
    if seen != codes:
        with contextlib.suppress(OSError):  # it is asked for again, no more
            storage.write_atomic(storage.home() / FILE, json.dumps(seen, indent=0, sort_keys=True))
    return found


def _kept() -> dict[str, str]:
    try:
        found = json.loads((storage.home() / FILE).read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(key, str) and isinstance(value, str)}
