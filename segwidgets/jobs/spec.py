"""What a job is: the recipe, the data and what the panel showed, by digest. Checked before anything is started."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import getpass
import hashlib
import json
import re
import secrets
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from segwidgets import __version__
from segwidgets.names import Names
from segwidgets.recipe import Recipe
from segwidgets.tracking.base import cut, recipe_params
from segwidgets.tracking.mlflow import MARK

Mode = Literal["embedding", "refit"]
MODES: tuple[Mode, ...] = ("embedding", "refit")
TARGETS = ("local", "sagemaker")
DEFAULT_EXPERIMENT = "segwidgets"
#: The file of the channel "recipe" that makes a job a trial of a sweep.
SWEEP = "sweep.json"

#: SageMaker's rule for names of jobs, experiments and trials, and its limits on their length.
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*")
JOB_NAME_LIMIT = 63
NAME_LIMIT = 120


class SpecError(ValueError):
    """A job that cannot be: names what is wrong, what is allowed and the way out."""


def check_name(what: str, name: object, limit: int = NAME_LIMIT) -> str:
    """The name if SageMaker takes it too, else SpecError: a local job's name must hold there as well."""
    if not isinstance(name, str) or len(name) > limit or not _NAME.fullmatch(name):
        near = re.sub(r"[^a-zA-Z0-9]+", "-", str(name))[:limit].strip("-")
        hint = f" {near!r} would do." if near and near != name else ""
        raise SpecError(
            f"{what}={name!r} is not allowed: 1 to {limit} letters (a to z), digits and hyphens, with a "
            f"letter or a digit at both ends.{hint}"
        )
    return name


def check_choice(what: str, value: object, allowed: tuple[str, ...]) -> None:
    """SpecError unless ``value`` is one of ``allowed``."""
    if value not in allowed:
        raise SpecError(f"{what}={value!r} is not allowed: it must be one of {', '.join(map(repr, allowed))}.")


def new_name() -> str:
    """A job name that no other job has: the time to the second (UTC) and six random hexadecimal digits."""
    return f"segwidgets-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"


def names_of(values: object) -> Names:
    """The names in a spec; SpecError where they are none."""
    try:
        return Names.from_dict(cast("Mapping[str, str]", values))
    except (TypeError, ValueError, AttributeError) as error:
        raise SpecError(f"names={values!r} are not names of segments by row: {error}") from None


@functools.cache
def installed_digest(prefix: Path | None = None) -> str:
    """SHA-256 (hex) of what is installed: two equal ones ran the same packages.

    That of conda-lock.yml in an environment that was restored from it (the restore leaves it in ``share/segwidgets``
    under ``prefix``, this process's by default); elsewhere that of ``name==version`` of every package, sorted.
    """
    from importlib.metadata import distributions

    restored = (prefix or Path(sys.prefix)) / "share" / "segwidgets" / "lock.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        digest = json.loads(restored.read_text("utf-8"))["lock_sha256"]
        if isinstance(digest, str) and digest:
            return digest
    found = {f"{one.metadata['Name']}=={one.version}".lower().replace("_", "-") for one in distributions()}
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()


def _who() -> str:
    with contextlib.suppress(OSError, KeyError):  # a container's user may have no name
        return getpass.getuser()
    return ""


@dataclasses.dataclass(frozen=True)
class JobSpec:
    """A job, with nothing of this machine in it.

    ``recipe`` has everything filled in. ``embedding_digest`` and ``label_digest`` are those of the result that is
    promoted (`session.array_digest`): what the job must reproduce. ``trial`` may be empty. ``names`` are what segments
    are called, by a row that each holds (`Names.to_dict`). ``table_source`` says where the table was read from and
    ``table_reading`` by which columns (`Table.reading`), ``lock_digest`` what was installed where it was promoted,
    ``sagemaker`` where it runs (empty for a local job).
    ``image_digest`` is the container's, "" for a local job and where the registry did not tell. ``token`` tells this
    job from any other that may have its name.
    """

    name: str
    recipe: Recipe
    mode: Mode
    experiment: str
    trial: str
    table_name: str
    table_digest: str
    embedding_digest: str
    label_digest: str
    created: float
    table_source: str = ""
    table_reading: dict[str, Any] = dataclasses.field(default_factory=dict)
    rows: int = 0
    columns: int = 0
    promoted_by: str = dataclasses.field(default_factory=_who)
    lock_digest: str = dataclasses.field(default_factory=installed_digest)
    sagemaker: dict[str, Any] = dataclasses.field(default_factory=dict)
    token: str = dataclasses.field(default_factory=lambda: secrets.token_hex(8))
    names: dict[str, str] = dataclasses.field(default_factory=dict)
    image_digest: str = ""
    code_version: str = __version__

    def __post_init__(self) -> None:
        names_of(self.names)
        check_name("name", self.name, JOB_NAME_LIMIT)
        check_choice("mode", self.mode, MODES)
        check_name("experiment", self.experiment)
        if self.trial:
            check_name("trial", self.trial)

    def to_json(self) -> str:
        """Everything but the recipe, which travels beside it as ``recipe.json`` and is named by its digest."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "recipe"}
        return json.dumps({**values, "recipe_digest": self.recipe.digest}, indent=2)

    @classmethod
    def from_json(cls, text: str, recipe: Recipe) -> JobSpec:
        """The job in a spec and its recipe; raises SpecError where they are none, or do not belong together."""
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise SpecError(f"spec.json is not JSON (line {error.lineno}: {error.msg}): promote again.") from None
        if not isinstance(values, Mapping):
            raise SpecError(f"spec.json must be an object, got {type(values).__name__}: promote again.")
        given: dict[str, Any] = dict(cast("Mapping[str, Any]", values))
        digest = given.pop("recipe_digest", None)
        if digest != recipe.digest:
            raise SpecError(
                f"recipe.json is not the recipe that was promoted: its digest is {recipe.digest[:12]}, "
                f"the job's is {str(digest)[:12]}. Promote the recipe that is meant."
            )
        try:
            return cls(recipe=recipe, **given)
        except TypeError as error:
            raise SpecError(f"spec.json does not describe a job: {error}. Promote again.") from None

    def hyperparameters(self) -> dict[str, str]:
        """The headline values, as SageMaker shows them: text only."""
        e, c = self.recipe.embedding, self.recipe.clustering
        return {
            "job": self.name,
            "token": self.token,
            "experiment": self.experiment,
            "trial": self.trial,
            "mode": self.mode,
            "recipe_digest": self.recipe.digest,
            "n_neighbors": str(e.n_neighbors),
            "min_dist": str(e.min_dist),
            "metric": str(e.metric),
            "eps": str(c.eps),
            "min_samples": str(c.min_samples),
        }

    def params(self) -> dict[str, str]:
        """What a tracker records of the job before it has run."""
        return {
            **recipe_params(self.recipe),
            "recipe_digest": self.recipe.digest,
            "table": self.table_name,
            "table_source": cut(self.table_source),
            "rows": str(self.rows),
            "columns": str(self.columns),
            "table_digest": self.table_digest,
            "embedding_digest": self.embedding_digest,
            "expected_label_digest": self.label_digest,
            "mode": self.mode,
            "code_version": self.code_version,
            "lock_digest": self.lock_digest,
            "target": "sagemaker" if self.sagemaker else "local",
            "instance_type": str(self.sagemaker.get("instance_type", "")),
            "image": cut(str(self.sagemaker.get("image", ""))),
            "image_digest": self.image_digest,
            "promoted_by": self.promoted_by,
        }

    def tags(self) -> dict[str, str]:
        """What a tracker finds the run by."""
        return run_tags(self.name, self.trial)


def run_tags(name: str, trial: str) -> dict[str, str]:
    """The tags of a job's run."""
    return {MARK: __version__, "segwidgets.job": name, "segwidgets.trial": trial}
