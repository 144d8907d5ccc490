"""A promotion before it is one: what would be shipped, where it would run, what it may cost, the exact request."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

from segwidgets.jobs import local
from segwidgets.jobs.job import Job
from segwidgets.jobs.spec import (
    DEFAULT_EXPERIMENT,
    JOB_NAME_LIMIT,
    MODES,
    TARGETS,
    JobSpec,
    Mode,
    SpecError,
    check_choice,
    check_name,
    new_name,
)
from segwidgets.names import Names
from segwidgets.session import Session
from segwidgets.tracking import address

if TYPE_CHECKING:
    from segwidgets.aws import Cloud
    from segwidgets.data import Table
    from segwidgets.jobs.preflight import Preflight
    from segwidgets.jobs.settings import SageMakerSettings
    from segwidgets.jobs.shipping import Told
    from segwidgets.recipe import Recipe
    from segwidgets.result import Result


class RefusedError(SpecError):
    """The preflight refused the job; the message is its reasons."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """A job that could be launched: ``spec`` says what, ``settings`` where (None for a local one)."""

    spec: JobSpec
    table: Table
    result: Result
    target: str
    tracking_uri: str
    settings: SageMakerSettings | None = None
    cloud: Cloud | None = None

    def shipped(self) -> list[dict[str, Any]]:
        """What the job will be given: channel, words and bytes of each part."""
        from segwidgets.jobs import shipping

        found = shipping.parcels(self.spec, self.table, self.result)
        return [{"channel": one.channel, "words": one.words, "bytes": one.bytes} for one in found]

    def request(self) -> dict[str, Any]:
        """The arguments of CreateTrainingJob, exactly as they would be sent. Nothing is sent or uploaded.

        Raises SpecError for a local job, or where the request is beyond one of AWS's limits.
        """
        from segwidgets.jobs import sagemaker, shipping

        settings, cloud = self._remote()
        channels = shipping.addresses(settings, shipping.parcels(self.spec, self.table, self.result))
        return sagemaker.request(cloud, settings, self.spec, channels, self._tracking()[1])

    def preflight(self, *, force: bool = False) -> Preflight:
        """Look at everything that could make the job fail or cost more than is meant, before anything is spent."""
        from segwidgets.jobs.preflight import preflight
        from segwidgets.jobs.shipping import table_bytes

        settings, cloud = self._remote()
        return preflight(
            settings,
            job_name=self.spec.name,
            table_bytes=table_bytes(self.table),
            rows=self.table.n_rows,
            columns=len(self.table.columns),
            mode=self.spec.mode,
            cloud=cloud,
            force=force,
            tracking_uri=self.tracking_uri,
        )

    def on_image(self, digest: str) -> Plan:
        """The same job, which says the digest of its container: a tag can be moved, a digest cannot."""
        return dataclasses.replace(self, spec=dataclasses.replace(self.spec, image_digest=digest))

    def launch(self, told: Told = lambda _done, _all: None) -> Job:
        """Start it. ``told`` is given the bytes that are uploaded, of how many.

        Raises:
            SpecError: there is a job of this name already, or the request is beyond a limit.
            AWSError: AWS refused, or could not be reached. Nothing was started.
            OSError: the job's folder cannot be written; nothing of it is left.
        """
        if self.settings is None:
            layout = local.assemble(self.spec, self.table, self.result, self.tracking_uri)
            local.launch(layout)
            return Job(layout.base)
        from segwidgets.jobs import sagemaker

        settings, cloud = self._remote()
        here, there = self._tracking()
        return sagemaker.launch(
            cloud, settings, self.spec, self.table, self.result, local_tracking=here, remote_tracking=there, told=told
        )

    def _remote(self) -> tuple[SageMakerSettings, Cloud]:
        if self.settings is None or self.cloud is None:
            raise SpecError(
                "target='local' has no request and no preflight: it runs on this machine and costs nothing."
            )
        return self.settings, self.cloud

    def _tracking(self) -> tuple[str, str]:
        """The addresses that this machine tells when it sees the end, and those that the job itself tells."""
        return tracking(self.tracking_uri, self._remote()[0])


def tracking(uri: str, settings: SageMakerSettings) -> tuple[str, str]:
    """Of a tracker's addresses those that this machine tells of a job's end, and those that the job itself tells."""
    parts = address.parts(uri)
    here = [part for part in parts if address.is_local(part) or settings.network_isolation]
    there = [part for part in parts if part not in here and not part.startswith("experiments:")]
    return ",".join(here), ",".join([f"experiments:{settings.region}", *there])


def plan(
    recipe: Recipe,
    table: Table,
    *,
    target: str | None = None,
    mode: Mode | None = None,
    experiment: str | None = None,
    trial: str | None = None,
    result: Result | None = None,
    name: str | None = None,
    tracking_uri: str | None = None,
    names: Names | None = None,
    region: str | None = None,
    **settings: Any,
) -> Plan:
    """What `promote` would do, without doing it; the same arguments, and it raises the same.

    The keywords in ``settings`` are those of `settings.SageMakerSettings`.
    """
    from segwidgets.jobs.settings import defaults

    filed = defaults()
    target = target or filed.get("target") or "local"
    chosen = mode or filed.get("mode") or "embedding"
    experiment = experiment or filed.get("experiment")
    trial = trial or filed.get("trial")
    check_choice("target", target, TARGETS)
    check_choice("mode", chosen, MODES)
    if experiment is not None:
        check_name("experiment", experiment)
    if trial is not None:
        check_name("trial", trial)
    if name is not None:
        check_name("name", name, JOB_NAME_LIMIT)
    where, cloud = settings_of(target, region, settings)
    session = Session(table)
    if result is None:
        result = session.run(recipe)
    else:
        _check_belongs(result, recipe, session)
    experiment = experiment or DEFAULT_EXPERIMENT
    if where is not None and not trial:  # SageMaker would make a trial of its own, that nobody finds
        trial = f"{experiment}-{time.strftime('%Y%m%d', time.gmtime())}"[-120:].lstrip("-")
    spec = JobSpec(
        name=name or new_name(),
        recipe=result.recipe,
        mode=chosen,
        experiment=experiment,
        trial=trial or "",
        table_name=table.name,
        table_source=table.source,
        table_reading=table.reading,
        rows=table.n_rows,
        columns=len(table.columns),
        table_digest=table.digest,
        embedding_digest=result.embedding_digest,
        label_digest=result.label_digest,
        created=time.time(),
        names=(names or Names()).to_dict(),
        sagemaker=where.to_dict() if where is not None else {},
    )
    uri = address.resolved(tracking_uri or filed.get("tracking_uri"))
    return Plan(spec, table, result, target, uri, where, cloud)


def settings_of(
    target: str, region: str | None, given: dict[str, Any]
) -> tuple[SageMakerSettings | None, Cloud | None]:
    """Where a job runs, by the keywords that `promote` takes; nothing for a local one."""
    from segwidgets.data.errors import nearest
    from segwidgets.jobs import settings

    for key in given:
        if key not in settings.KEYWORDS:
            raise TypeError(f"promote() has no argument {key!r}.{nearest(key, settings.KEYWORDS)}")
    said = {key: value for key, value in given.items() if value is not None}
    if target == "local":
        if said or region is not None:
            odd = next(iter(said), "region")
            raise SpecError(
                f"{odd} is a setting of target='sagemaker', and target is 'local': leave it out, or change that."
            )
        return None, None
    from segwidgets.aws import Cloud

    cloud = Cloud(region or settings.defaults().get("region"))
    for key in ("subnets", "security_groups"):
        if key in said:
            said[key] = (said[key],) if isinstance(said[key], str) else tuple(said[key])
    return settings.resolve(cloud, said), cloud


def _check_belongs(result: Result, recipe: Recipe, session: Session) -> None:
    table = session.table
    if result.table_digest != table.digest:
        raise SpecError(
            f"result is of another table: its digest is {result.table_digest[:12]}, that of {table.name!r} is "
            f"{table.digest[:12]}. Leave result out to have it computed."
        )
    meant = session.resolve(recipe)
    if meant.clustering.eps is None:  # left to the data: whatever the run took
        meant = meant.replace(eps=result.recipe.clustering.eps)
    if meant.digest != result.recipe.digest:
        raise SpecError(
            f"result is of another recipe: its digest is {result.recipe.digest[:12]}, that of this recipe is "
            f"{meant.digest[:12]}. Leave result out to have it computed, or promote result.recipe."
        )
