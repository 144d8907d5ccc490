"""From the panel's recipe to a tracked job, with one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from segwidgets.jobs.job import Job
from segwidgets.jobs.planning import RefusedError, plan
from segwidgets.jobs.spec import Mode
from segwidgets.names import Names

if TYPE_CHECKING:
    from segwidgets.data import Table
    from segwidgets.recipe import Recipe
    from segwidgets.result import Result


def promote(
    recipe: Recipe,
    table: Table,
    *,
    target: str | None = None,
    mode: Mode | None = None,
    experiment: str | None = None,
    trial: str | None = None,
    role: str | None = None,
    bucket: str | None = None,
    image: str | None = None,
    instance_type: str | None = None,
    instance_count: int | None = None,
    spot: bool | None = None,
    max_run: int | None = None,
    max_wait: int | None = None,
    volume_gb: int | None = None,
    kms_key: str | None = None,
    volume_kms_key: str | None = None,
    subnets: Sequence[str] | None = None,
    security_groups: Sequence[str] | None = None,
    network_isolation: bool | None = None,
    encrypt_traffic: bool | None = None,
    prefix: str | None = None,
    tags: Mapping[str, str] | None = None,
    region: str | None = None,
    result: Result | None = None,
    name: str | None = None,
    tracking_uri: str | None = None,
    names: Names | None = None,
    force: bool = False,
) -> Job:
    """Run a recipe as a job of its own that compares what it finds with what the panel showed.

    Every default can be set in the file ``settings.toml`` of segwidgets' home, under ``[promote]``, by the same names.

    Args:
        recipe: the settings.
        table: the data; stored, or uploaded, once per content.
        target: where the job runs. "local" (the default): a process of its own on this machine, which survives the
            kernel. "sagemaker": a SageMaker training job.
        mode: "embedding" (the default) gives the job the panel's embedding, so that its labels must come out exactly;
            "refit" has it compute everything from the rows.
        experiment: the tracker's experiment, "segwidgets" by default; 1 to 120 letters, digits and hyphens.
        trial: a name for a group of runs within the experiment; the same rule. In SageMaker the experiment's name and
            the day by default.
        role: ARN of the role that SageMaker takes on for the job; the caller's own by default.
        bucket: where data and results lie; SageMaker's usual bucket of the region by default.
        image: the container; ``segwidgets:<version>`` in the account's registry by default.
        instance_type: "ml.g4dn.xlarge" by default.
        instance_count: 1: a job's stages run on one instance.
        spot: take a spot instance, which is cheaper and may be taken away; False by default.
        max_run: seconds after which SageMaker stops it; 3,600 by default.
        max_wait: seconds that a spot job may take with its waiting; twice ``max_run`` by default.
        volume_gb: GB of the instance's disk; 50 by default.
        kms_key: key for what is written to S3; the bucket's own by default.
        volume_kms_key: key for the instance's disk.
        subnets: the VPC's subnets that it runs in, with ``security_groups``.
        security_groups: see ``subnets``.
        network_isolation: no network from inside, so no tracker either: it is told by the next look from here.
        encrypt_traffic: encrypt what containers say to each other.
        prefix: of everything in the bucket; "segwidgets" by default.
        tags: of the training job, for the bill.
        region: of AWS; the environment's by default.
        result: what the panel showed, by `Session.run` of this recipe on this table; computed (or taken from the cache)
            when it is not given.
        name: the job's name, at most 63 letters, digits and hyphens; made from the time by default.
        tracking_uri: the tracker's address, or several with commas between: MLflow's, a managed MLflow's ARN, or
            ``experiments:`` for SageMaker Experiments; ``$SEGWIDGETS_TRACKING_URI``, ``$MLFLOW_TRACKING_URI``, else
            SQLite in segwidgets' home by default. A SageMaker job always stands in Experiments too.
        names: what segments are called; they stand in the job's ``labels.csv``.
        force: start it although the preflight refuses.

    Returns:
        The job, already running.

    Raises:
        ValueError: an argument is not allowed, ``result`` belongs to another recipe or table, or the preflight refuses.
            Nothing was started.
        RecipeError: the recipe cannot run on this table.
        AWSError: AWS refused, or could not be reached. Nothing was started.
        OSError: the job's folder cannot be written; nothing of it is left.
    """
    made = plan(
        recipe,
        table,
        target=target,
        mode=mode,
        experiment=experiment,
        trial=trial,
        role=role,
        bucket=bucket,
        image=image,
        instance_type=instance_type,
        instance_count=instance_count,
        spot=spot,
        max_run=max_run,
        max_wait=max_wait,
        volume_gb=volume_gb,
        kms_key=kms_key,
        volume_kms_key=volume_kms_key,
        subnets=subnets,
        security_groups=security_groups,
        network_isolation=network_isolation,
        encrypt_traffic=encrypt_traffic,
        prefix=prefix,
        tags=tags,
        region=region,
        result=result,
        name=name,
        tracking_uri=tracking_uri,
        names=names,
    )
    if made.settings is not None:
        checked = made.preflight(force=force)
        if not checked.ok and not force:
            refused = [f"{one.text} {one.way_out}".strip() for one in checked.checks if one.state == "refused"]
            raise RefusedError("the preflight refuses: " + " ".join(refused) + " force=True starts it all the same.")
        made = made.on_image(checked.image_digest)
    return made.launch()
