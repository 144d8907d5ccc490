"""The looks before anything is spent: what would make a training job fail, and what it may cost."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwidgets.aws import AWSError
from segwidgets.jobs import checks, instances
from segwidgets.jobs.checks import Check
from segwidgets.jobs.cost import Cost, cost
from segwidgets.jobs.spec import Mode, SpecError
from segwidgets.tracking import address

if TYPE_CHECKING:
    from segwidgets.aws import Cloud
    from segwidgets.jobs.settings import SageMakerSettings

#: Seconds after which a look that has not come back counts as unknown.
PATIENCE = 10.0
#: GiB that the interpreter, its libraries and the GPU's runtime take before the first row.
_RUNTIME = 2.0
#: Bytes a row beside the table: the map's, its neighbours', the density tree's and the scores'.
_PER_ROW = {"embedding": 2_000, "refit": 2_500}
#: Times the stored table: it is held as it was read, as features, and once more while one becomes the other.
_TABLES = 4
#: Bytes a row of what a job writes: map, labels, names, and the archive of them.
_WRITTEN = 200

Look = Callable[[], Iterable[Check]]


@dataclasses.dataclass(frozen=True)
class Preflight:
    """What was found. ``cost`` is None where one's own price table cannot be read; ``image_digest`` "" if not known."""

    checks: tuple[Check, ...]
    cost: Cost | None
    image_digest: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing was refused. What is unknown does not stop a job: it may well be right."""
        return all(check.state != "refused" for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a page or a file."""
        return {
            "ok": self.ok,
            "checks": [dataclasses.asdict(check) for check in self.checks],
            "cost": None if self.cost is None else self.cost.to_dict(),
            "image_digest": self.image_digest,
        }


def preflight(
    settings: SageMakerSettings,
    *,
    job_name: str,
    table_bytes: int,
    rows: int,
    columns: int,
    mode: Mode,
    cloud: Cloud,
    force: bool = False,
    history: Path | None = None,
    tracking_uri: str = "",
    at_once: int = 1,
    patience: float = PATIENCE,
) -> Preflight:
    """Take every look at once, and come back within seconds whatever the network does. Never raises.

    Args:
        settings: where and how the job would run.
        job_name: its name.
        table_bytes: of its stored table.
        rows: of its table.
        columns: of its table.
        mode: "embedding" or "refit".
        cloud: the account and region.
        force: an instance type that is no good is a warning, not refused.
        history: the directory of past jobs' folders, for the estimate; segwidgets' own by default.
        tracking_uri: where the job would be told to track; matters with network isolation only.
        at_once: jobs of this kind that run at the same time.
        patience: seconds after which a look that has not come back counts as unknown.
    """
    digest: list[str] = []
    priced: list[Cost] = []

    def image() -> Iterable[Check]:
        check, found = checks.image(cloud, settings)
        digest.append(found)
        return [check]

    def costs() -> Iterable[Check]:
        check, found = _cost(settings, rows, columns, mode, history)
        priced.extend(found)
        return [check]

    looks: dict[str, Look] = {
        "credentials": lambda: [checks.credentials(cloud)],
        "role": lambda: [checks.role(cloud, settings)],
        "bucket": lambda: [checks.bucket(cloud, settings)],
        "key": lambda: checks.keys(cloud, settings),
        "image": image,
        "instance": lambda: [_instance(settings, force=force)],
        "quota": lambda: [checks.quotas(cloud, settings, at_once)],
        "data": lambda: data(settings, table_bytes, rows, mode),
        "network": lambda: _network(settings, tracking_uri),
        "name": lambda: [checks.name_free(cloud, job_name)],
        "cost": costs,
    }
    found = _together(looks, patience)
    return Preflight(found, priced[0] if priced else None, digest[0] if digest else "")


def _together(looks: dict[str, Look], patience: float) -> tuple[Check, ...]:
    """All looks at once, each in a thread that nobody waits for longer than ``patience`` or at the process's end."""
    found: dict[str, list[Check]] = {}
    threads = {
        name: threading.Thread(target=_look, args=(name, look, found), name=f"preflight-{name}", daemon=True)
        for name, look in looks.items()
    }
    until = time.monotonic() + patience
    for thread in threads.values():
        thread.start()
    for thread in threads.values():
        thread.join(max(0.0, until - time.monotonic()))
    late = f"AWS did not answer within {patience:g} s."
    way_out = "Look at the network, and whether the VPC lets this service through."
    return tuple(check for name in looks for check in found.get(name, [Check(name, "unknown", late, way_out)]))


def _look(name: str, look: Look, found: dict[str, list[Check]]) -> None:
    try:
        found[name] = list(look())
    except AWSError as error:
        found[name] = [checks.unknown(name, error)]
    except Exception as error:  # noqa: BLE001 - one look that fails must not cost the others
        found[name] = [Check(name, "unknown", f"It could not be looked at: {type(error).__name__}: {error}")]


# -- looks at nothing but the settings ---------------------------------------------------------------------------------


def _instance(settings: SageMakerSettings, *, force: bool) -> Check:
    found = instances.judge(settings.instance_type, "training", force=force)
    return Check("instance", found.state, found.text, found.way_out)


def working_set(table_bytes: int, rows: int, mode: Mode) -> float:
    """About how many GiB of memory a job takes: 2 for the runtime, 4 times the stored table, and some bytes a row.

    Measured on tables of 100,000 and 400,000 rows, 8 and 300 columns, and rounded up; a guide, not a promise.
    """
    return _RUNTIME + (_TABLES * table_bytes + _PER_ROW[mode] * rows) / 2**30


def data(settings: SageMakerSettings, table_bytes: int, rows: int, mode: Mode) -> Iterable[Check]:
    """Whether the data fits on the disk and in the memory."""
    has = instances.instance(settings.instance_type)
    disk = has.disk if has is not None and has.disk else settings.volume_gb
    what = f"the disk of {settings.instance_type}" if has is not None and has.disk else f"volume_gb={disk}"
    need = max(0.1, (2 * table_bytes + _WRITTEN * rows) / 1e9)
    if need > disk:
        larger = "Take a type with a larger disk." if has is not None and has.disk else "Give a larger volume_gb."
        yield Check(
            "disk", "refused", f"The data and result need about {need:,.1f} GB: {what} has {disk:,} GB.", larger
        )
    else:
        yield Check("disk", "ok", f"About {need:,.1f} GB of {disk:,} GB ({what}).")
    memory = working_set(table_bytes, rows, mode)
    if has is None:
        text = f"About {memory:,.1f} GiB are needed; what {settings.instance_type} has is not known here."
        yield Check("memory", "unknown", text)
        return
    text = f"About {memory:,.1f} GiB of {has.memory:g} GiB ({settings.instance_type}), by rows and stored bytes."
    if memory > 2 * has.memory:
        yield Check(
            "memory", "refused", text, "Take a type with more memory: ml.r5 and ml.g6e have most for their size."
        )
    elif memory > has.memory:
        yield Check("memory", "warning", text, "It may run out of memory: take the next larger size.")
    else:
        yield Check("memory", "ok", text)


def _network(settings: SageMakerSettings, tracking_uri: str) -> Iterable[Check]:
    if not settings.network_isolation:
        where = f"in {len(settings.subnets)} subnets of a VPC" if settings.subnets else "SageMaker's own network"
        way_out = "They must let it reach S3, ECR, CloudWatch and its tracker." if settings.subnets else ""
        return [Check("network", "ok", f"{where[0].upper()}{where[1:]}.", way_out)]
    far = [part for part in address.parts(tracking_uri) if not address.is_local(part)]
    told = f" ({', '.join(far)})" if far else ""
    return [
        Check(
            "network",
            "warning",
            f"With network_isolation the job reaches no tracker from inside{told}: it is told by the next look from "
            "here, and shows no metrics before.",
            "Leave network_isolation out, or look at the job once it has ended.",
        )
    ]


def _cost(
    settings: SageMakerSettings, rows: int, columns: int, mode: Mode, history: Path | None
) -> tuple[Check, list[Cost]]:
    try:
        found = cost(
            settings.instance_type,
            region=settings.region,
            instance_count=settings.instance_count,
            max_run=settings.max_run,
            spot=settings.spot,
            rows=rows,
            columns=columns,
            mode=mode,
            history=history,
        )
    except SpecError as error:
        return Check("cost", "unknown", str(error)), []
    return Check("cost", "unknown" if found.ceiling is None else "ok", found.text), [found]
