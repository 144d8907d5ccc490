"""From the panel's recipe to a tracked job, with one call."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

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
from segwidgets.tracking.mlflow import tracking_uri as resolved_uri

if TYPE_CHECKING:
    from segwidgets.data import Table
    from segwidgets.recipe import Recipe
    from segwidgets.result import Result


def promote(
    recipe: Recipe,
    table: Table,
    *,
    target: str = "local",
    mode: Mode = "embedding",
    experiment: str | None = None,
    trial: str | None = None,
    result: Result | None = None,
    name: str | None = None,
    tracking_uri: str | None = None,
    names: Names | None = None,
) -> Job:
    """Run a recipe as a job of its own that compares what it finds with what the panel showed.

    Args:
        recipe: the settings.
        table: the data; stored once per content in segwidgets' home.
        target: where the job runs. "local": a process of its own on this machine, which survives the kernel.
        mode: "embedding" gives the job the panel's embedding, so that its labels must come out exactly; "refit" has it
            compute everything from the rows.
        experiment: the tracker's experiment, "segwidgets" by default; 1 to 120 letters, digits and hyphens.
        trial: a name for a group of runs within the experiment; the same rule.
        result: what the panel showed, by `Session.run` of this recipe on this table; computed (or taken from the cache)
            when it is not given.
        name: the job's name, at most 63 letters, digits and hyphens; made from the time by default.
        tracking_uri: MLflow's address; ``$MLFLOW_TRACKING_URI``, else SQLite in segwidgets' home by default.
        names: what segments are called; they stand in the job's ``labels.csv``.

    Returns:
        The job, already running.

    Raises:
        ValueError: an argument is not allowed, or ``result`` belongs to another recipe or table. Nothing was started.
        RecipeError: the recipe cannot run on this table.
        OSError: the job's folder cannot be written; nothing of it is left.
    """
    check_choice("target", target, TARGETS)
    check_choice("mode", mode, MODES)
    if experiment is not None:
        check_name("experiment", experiment)
    if trial is not None:
        check_name("trial", trial)
    if name is not None:
        check_name("name", name, JOB_NAME_LIMIT)
    session = Session(table)
    if result is None:
        result = session.run(recipe)
    else:
        _check_belongs(result, recipe, session)
    spec = JobSpec(
        name=name or new_name(),
        recipe=result.recipe,
        mode=mode,
        experiment=experiment or DEFAULT_EXPERIMENT,
        trial=trial or "",
        table_name=table.name,
        table_digest=table.digest,
        embedding_digest=result.embedding_digest,
        label_digest=result.label_digest,
        created=time.time(),
        names=(names or Names()).to_dict(),
    )
    layout = local.assemble(spec, table, result, resolved_uri(tracking_uri))
    local.launch(layout)
    return Job(layout.base)


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
