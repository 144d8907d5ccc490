"""Runs in MLflow: on SQLite in segwidgets' home by default, on any MLflow server by its address."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import importlib.util
import logging
import math
import os
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from segwidgets import storage
from segwidgets.data.errors import missing_extra
from segwidgets.tracking import database
from segwidgets.tracking.base import Run, State, TrackingError, cut

_log = logging.getLogger(__name__)

_STATUS: dict[State, str] = {"running": "RUNNING", "completed": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}
_STATE: dict[str, State] = {"SCHEDULED": "running", **{theirs: ours for ours, theirs in _STATUS.items()}}
#: MLflow takes at most this many parameters, tags or metrics in one call.
_BATCH = 100
#: What `MLflowTracker.search` gives at most in one page.
_PAGE = 1_000

#: Held while MLflow's global address is another.
_GLOBAL = threading.RLock()

#: Tag of every run of ours, and what `search` looks for.
MARK = "segwidgets.version"
#: Tag of the trial that a run belongs to.
TRIAL = "segwidgets.trial"


def tracking_uri(given: str | None = None) -> str:
    """The address of the tracker: ``given``, else ``$MLFLOW_TRACKING_URI``, else SQLite in `storage.home()`.

    Relative paths are made absolute, because a job does not run in the directory it is promoted from.
    """
    uri = given or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{storage.home() / 'mlflow.db'}"
    if uri.startswith("sqlite:///") and not uri.startswith("sqlite:////"):
        return f"sqlite:///{Path(uri.removeprefix('sqlite:///')).absolute()}"
    return uri if ":" in uri else Path(uri).absolute().as_uri()


def is_local(uri: str) -> bool:
    """Whether the address is a file of this machine, so that no network can make a call wait."""
    return uri.startswith(("sqlite:", "file:"))


def _database(uri: str) -> Path | None:
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """MLflow without telemetry, and without words about its own making."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    loggers = [logging.getLogger(name) for name in ("mlflow.store.db.utils", "alembic.runtime.migration")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        # MLflow 3.17 with SQLAlchemy 2.1; both mend it among themselves.
        warnings.filterwarnings("ignore", message="The ``noload`` loader strategy", category=DeprecationWarning)
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _client(uri: str) -> Any:
    if uri.startswith("arn:") and importlib.util.find_spec("sagemaker_mlflow") is None:
        raise TrackingError(str(missing_extra("aws", f"The managed MLflow {uri}")))
    with _quiet():
        from mlflow import MlflowClient

        with _explained(uri, "it was opened"):
            file = _database(uri)
            if file is not None and not file.exists():
                _create(file)
            return MlflowClient(tracking_uri=uri)


def _create(file: Path) -> None:
    """Make the database beside its place and move it there whole.

    Making one runs some fifty migrations; a process killed amid them must not leave a database that no later run can
    open, and two jobs that start together must not run them twice.
    """
    from mlflow.store.db.utils import _safe_initialize_tables
    from sqlalchemy import create_engine

    file.parent.mkdir(parents=True, exist_ok=True)
    with (file.parent / f".{file.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if file.exists():
            return
        work = file.parent / f".{file.name}.new"
        work.unlink(missing_ok=True)
        engine = create_engine(f"sqlite:///{work}")
        try:
            _safe_initialize_tables(engine)
        finally:
            engine.dispose()
        work.replace(file)


@contextlib.contextmanager
def _signed(uri: str) -> Iterator[None]:
    """A managed MLflow's requests are signed for MLflow's global address, so that one is its ARN meanwhile."""
    if not uri.startswith("arn:"):
        yield
        return
    from mlflow.tracking._tracking_service.utils import _use_tracking_uri

    with _GLOBAL:
        before = os.environ.get("MLFLOW_TRACKING_URI")
        try:
            with _use_tracking_uri(uri):
                yield
        finally:
            if before is not None:  # MLflow removes it when it had no address of its own
                os.environ["MLFLOW_TRACKING_URI"] = before


@contextlib.contextmanager
def _explained(uri: str, doing: str) -> Iterator[None]:
    """MLflow raises its own, SQLAlchemy's and requests' errors; callers get one kind."""
    try:
        with _signed(uri):
            yield
    except TrackingError:
        raise
    except Exception as error:
        # SQLAlchemy's messages run over many lines of SQL, and the database's own word stands amid them.
        lines = str(error).splitlines() or [type(error).__name__]
        said = next((line for line in lines if line.startswith("(sqlite3.")), lines[0])
        raise TrackingError(f"the tracker at {uri} failed while {doing}: {said}") from error


class MLflowTracker:
    """A `Tracker` on MLflow.

    Args:
        uri: MLflow's address; see `tracking_uri` for the default.

    Uses the client only, never MLflow's current run or global address. Importing MLflow takes a second or more, so
    an instance is made in the job's own process or when a leaderboard is asked for. Raises TrackingError.
    """

    def __init__(self, uri: str | None = None) -> None:
        self.uri = tracking_uri(uri)
        self._client = _client(self.uri)

    def _experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is None:
            file = _database(self.uri)
            # Beside the database; a server knows a place of its own.
            place = (file.parent / "mlartifacts" / name).as_uri() if file is not None else None
            try:
                return str(self._client.create_experiment(name, artifact_location=place))
            except Exception:
                found = self._client.get_experiment_by_name(name)  # another job made it meanwhile
                if found is None:
                    raise
        if found.lifecycle_stage != "active":
            raise TrackingError(
                f"experiment {name!r} was deleted in the tracker at {self.uri}: restore it, or choose another name."
            )
        return str(found.experiment_id)

    def start(
        self, *, experiment: str, name: str, tags: Mapping[str, str], trial: str = "", at: float | None = None
    ) -> str:
        """Begin a run; returns its id. The trial becomes the tag ``segwidgets.trial``."""
        from mlflow.utils.mlflow_tags import MLFLOW_SOURCE_NAME, MLFLOW_USER

        said = {MLFLOW_SOURCE_NAME: "segwidgets", **{key: cut(value) for key, value in tags.items()}}
        if trial:
            said[TRIAL] = trial
        with contextlib.suppress(OSError, KeyError):  # a container's user may have no name
            said[MLFLOW_USER] = getpass.getuser()
        with _explained(self.uri, "a run was begun"):
            begin = int((time.time() if at is None else at) * 1000)
            run = self._client.create_run(self._experiment(experiment), start_time=begin, run_name=name, tags=said)
            return str(run.info.run_id)

    def find(self, *, experiment: str, name: str) -> str | None:
        """The id of the run that was begun under this name, or None."""
        with _explained(self.uri, "a run was looked for"):
            found = self._client.search_runs(
                [self._experiment(experiment)], filter_string=f"attributes.run_name = '{name}'", max_results=1
            )
            return str(found[0].info.run_id) if found else None

    def recipe(self, name: str) -> tuple[str | None, str]:
        """The document ``recipe.json`` of the newest run of this name, or None, and the digest of its table."""
        known = self.experiments()
        with _explained(self.uri, "a recipe was looked for"):
            runs = self._client.search_runs(list(known), filter_string=f"attributes.run_name = '{name}'", max_results=1)
            if not runs or "recipe.json" not in {one.path for one in self._client.list_artifacts(runs[0].info.run_id)}:
                return None, ""
            with tempfile.TemporaryDirectory() as work:
                place = self._client.download_artifacts(runs[0].info.run_id, "recipe.json", work)
                text = Path(place).read_text(encoding="utf-8")
            return text, str(runs[0].data.params.get("table_digest", ""))

    def log(
        self,
        run_id: str,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        documents: Mapping[str, str | bytes] | None = None,
        links: Mapping[str, str] | None = None,
        step: int = 0,
    ) -> None:
        """Add to a run. Parameters cannot be changed once said; metrics that are not finite are left out.

        Documents become artifacts, and a link ``input/table`` the tag ``link.input/table``.
        """
        from mlflow.entities import Metric, Param, RunTag

        now = int(time.time() * 1000)
        numbers = []
        for key, value in (metrics or {}).items():
            if math.isfinite(value):
                numbers.append(Metric(key, float(value), now, step))
            else:
                _log.info("metric %s=%s of run %s is left out: it is not a finite number", key, value, run_id)
        names = [Param(key, cut(value)) for key, value in (params or {}).items()]
        said = {**(tags or {}), **{f"link.{key}": value for key, value in (links or {}).items()}}
        marks = [RunTag(key, cut(value)) for key, value in said.items()]
        with _explained(self.uri, f"run {run_id} was written"):
            for first in range(0, max(len(numbers), len(names), len(marks)), _BATCH):
                part = slice(first, first + _BATCH)
                self._client.log_batch(run_id, metrics=numbers[part], params=names[part], tags=marks[part])
            self._keep(run_id, documents or {})

    def _keep(self, run_id: str, documents: Mapping[str, str | bytes]) -> None:
        """The documents as artifacts, under the folders that their names tell."""
        if not documents:
            return
        with tempfile.TemporaryDirectory(prefix="segwidgets-") as work:
            for name, content in documents.items():
                file = Path(work) / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content.encode() if isinstance(content, str) else content)
            self._client.log_artifacts(run_id, work)

    def end(self, run_id: str, state: State, reason: str | None = None, *, at: float | None = None) -> None:
        """End a run; the reason becomes the tag ``reason``."""
        with _explained(self.uri, f"run {run_id} was ended"):
            if reason:
                self._client.set_tag(run_id, "reason", cut(reason))
            end = int((time.time() if at is None else at) * 1000)
            self._client.set_terminated(run_id, _STATUS[state], end_time=end)

    def experiments(self) -> dict[str, str]:
        """The active experiments: id -> name."""
        with _explained(self.uri, "its experiments were listed"):
            found: dict[str, str] = {}
            token = None
            while True:
                page = self._client.search_experiments(max_results=_PAGE, page_token=token)
                found |= {item.experiment_id: item.name for item in page}
                token = page.token
                if not token:
                    return found

    def search(self, experiments: Mapping[str, str], limit: int) -> list[Run]:
        """The newest runs of ours in these experiments (id -> name), newest first.

        Out of an SQLite file they are read directly: see `segwidgets.tracking.database`.
        """
        if not experiments:
            return []
        path = _database(self.uri)
        rows = database.read(path, experiments, MARK, limit) if path is not None else None
        if rows is None:
            return self.search_by_mlflow(experiments, limit)
        return [_of_row(row, experiments) for row in rows]

    def search_by_mlflow(self, experiments: Mapping[str, str], limit: int) -> list[Run]:
        """The same through MLflow's own search, which every server has."""
        runs: list[Run] = []
        token = None
        with _explained(self.uri, "its runs were listed"):
            while experiments and len(runs) < limit:
                page = self._client.search_runs(
                    list(experiments),
                    filter_string=f"tags.`{MARK}` LIKE '%'",
                    max_results=min(_PAGE, limit - len(runs)),
                    order_by=["attributes.start_time DESC"],
                    page_token=token,
                )
                runs += [_plain(run, experiments) for run in page]
                token = page.token
                if not token:
                    break
        return runs


def _of_row(row: dict[str, Any], experiments: Mapping[str, str]) -> Run:
    return {
        "name": row["name"],
        "run_id": row["run_id"],
        "experiment": experiments[str(row["experiment_id"])],
        "state": _STATE.get(row["status"], "failed"),
        "started": row["started"],
        "ended": row["ended"],
        "params": row["params"],
        "metrics": row["metrics"],
        "tags": row["tags"],
    }


def _plain(run: Any, experiments: Mapping[str, str]) -> Run:
    return {
        "name": run.info.run_name,
        "run_id": run.info.run_id,
        "experiment": experiments.get(run.info.experiment_id, run.info.experiment_id),
        "state": _STATE.get(run.info.status, "failed"),
        "started": run.info.start_time,
        "ended": run.info.end_time,
        "params": dict(run.data.params),
        "metrics": dict(run.data.metrics),
        "tags": dict(run.data.tags),
    }
