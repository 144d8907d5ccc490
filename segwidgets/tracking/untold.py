"""Runs that stand on this machine only, because their tracker cannot be asked."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from segwidgets.tracking.base import Run
from segwidgets.tracking.ledger import Ledger, unsettled

#: What such runs' source is called.
SOURCE = "untold"


def untold(root: Path, addresses: Collection[str], experiment: str | None = None) -> list[Run]:
    """What the job folders under ``root`` know of runs that a tracker at one of the addresses may not know yet."""
    found = [_run(ledger) for ledger in unsettled(root) if set(addresses) & set(ledger.addresses) - ledger.told]
    return [run for run in found if experiment in {None, run["experiment"]}]


def _run(ledger: Ledger) -> Run:
    job, said, state = ledger.job, ledger.record, ledger.state()
    status = ledger.status
    begun = float(status.get("begun") or job.get("created") or 0.0)
    ended = status.get("ended")
    tags = {**job.get("tags", {}), **said.get("tags", {})}
    reason = ledger.reason if state in {"failed", "stopped"} else None
    return {
        "name": str(job.get("name") or ledger.path.name),
        "run_id": "",
        "experiment": str(job.get("experiment") or "segwidgets"),
        "state": state,
        "started": begun * 1000,
        "ended": float(ended) * 1000 if ended and state != "running" else None,
        "params": {**job.get("params", {}), **said.get("params", {})},
        "metrics": dict(said.get("metrics", {})),
        "tags": {**tags, **({"reason": reason} if reason else {})},
    }
