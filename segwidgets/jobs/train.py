"""The one entry point of a job, in a container or in a local process: ``python -m segwidgets.jobs.train``.

Reads the channels, runs the recipe, compares with what was promoted, writes the result whole or not at all, and
tells the tracker that its environment names. Exit status: 0, or 1 after a failure, or 143 when it was stopped; in
the latter two cases ``output/failure`` says why.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import logging
import os
import platform
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from segwidgets import storage
from segwidgets.jobs.layout import Layout
from segwidgets.jobs.spec import SWEEP, JobSpec, SpecError, names_of, run_tags
from segwidgets.recipe import Recipe, RecipeError
from segwidgets.tracking import address, process
from segwidgets.tracking.base import State, Tracker, TrackingError

if TYPE_CHECKING:
    from segwidgets.data import Table
    from segwidgets.result import Progress, Result
    from segwidgets.session import Session

_log = logging.getLogger("segwidgets.job")

#: Seconds between two words on the progress, and between two signs of life.
_PROGRESS_EVERY = 0.25
_ALIVE_EVERY = 30.0
#: Seconds between two lines on the progress in the log.
_LINE_EVERY = 5.0


class _Stopped(BaseException):
    """SIGTERM arrived. Not an Exception, so that nobody's ``except Exception`` takes it for their own."""


class _Training:
    """One run of the entry point."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.ledger = layout.ledger
        self.begun = time.time()
        self.status: dict[str, Any] = {"state": "running", "process": process.identity(), "begun": self.begun}
        self.record: dict[str, Any] = {}
        self.tracker: Tracker | None = None
        self._last_word = self._last_line = 0.0
        self._said = ""
        self._stop = threading.Event()

    # -- words on itself -----------------------------------------------------------------------------------------------

    def say(self, stage: str, overall: float, message: str, *, done: float = 0.0) -> None:
        """Write the status. A disk that is full costs the word, not the job."""
        self.status |= {"stage": stage, "done": done, "overall": overall, "message": message}
        self._last_word = time.monotonic()
        with contextlib.suppress(OSError):
            self.ledger.write_status(self.status)
        if stage != self._said or self._last_word - self._last_line >= _LINE_EVERY:
            self._said, self._last_line = stage, self._last_word
            _log.info("progress %.2f %s %s", overall, stage, message)  # where only the log can be read

    def progress(self, now: Progress) -> None:
        """A session's progress, at most four times a second."""
        if self._stop.is_set():  # an exception out of the signal may have been lost in a callback of compiled code
            raise _Stopped
        if now.stage != self.status.get("stage") or time.monotonic() - self._last_word >= _PROGRESS_EVERY:
            self.say(now.stage, 0.1 + 0.8 * now.overall, now.message, done=now.done)

    def stop(self, number: int, frame: object) -> NoReturn:
        """SIGTERM: StopTrainingJob, a spot interruption or `Job.stop`."""
        del number, frame
        self._stop.set()
        raise _Stopped

    def live(self) -> None:
        """Signs of life, for those who cannot see the process."""
        while not self._stop.wait(_ALIVE_EVERY):
            with contextlib.suppress(OSError):
                os.utime(self.ledger.path / "status.json")

    # -- the work ------------------------------------------------------------------------------------------------------

    def work(self) -> None:
        """From the channels to the result, the verdict and the tracker's record."""
        self.say("start", 0.0, "Beginning the tracked run")
        self.begin_tracking()
        self.say("start", 0.02, "Reading the job")
        spec = self.read_spec()
        self.record |= {"params": spec.params()}
        if self.tracker is not None:
            with self.tracking():
                self.tracker.log(self.record["run_id"], params=self.record["params"])
        table, result, judged = self.run(spec)
        metrics = self.measured(result)
        for name, value in metrics.items():
            _log.info("metric %s=%r", name, float(value))  # a tuning job reads them here
        self.say("write", 0.92, "Writing the result")
        result.save(self.layout.result)
        storage.write_atomic(self.layout.verdict, json.dumps({"verdict": judged, "mode": spec.mode}, indent=2))
        self.say("write", 0.94, "Drawing the figures")
        from segwidgets.jobs import outputs

        made = outputs.write_outputs(self.layout, spec, table, result)
        self.say("record", 0.96, "Recording the run")
        names = ("recipe.json", "scores.json", "manifest.json")
        self.record |= {
            "params": {
                **spec.params(),
                "label_digest": result.label_digest,
                "verdict": judged,
                "host": platform.node(),
                "device": ", ".join(sorted(set(result.devices.values()))) or "CPU",
            },
            "metrics": {**metrics, **outputs.usage(), "seconds_total": time.time() - self.begun},
            "documents": {
                **{name: (self.layout.result / name).read_text() for name in names},
                "environment.json": json.dumps(outputs.surroundings(), indent=1),
                **made,
            },
        }
        self.write_record()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the result stands: too late to be stopped
        self.status |= {"state": "completed", "verdict": judged, "ended": time.time()}
        self.layout.release()
        self.say("done", 1.0, judged, done=1.0)
        if self.ledger.status.get("state") != "completed":
            raise OSError(errno.ENOSPC, "the job's end could not be written", str(self.ledger.path))
        self.tell("completed")
        _log.info("completed in %.1f s, verdict: %s", time.time() - self.begun, judged)

    def begin_tracking(self) -> None:
        """Begin the tracker's run before anything can fail, by the headline values: they need no recipe to be good."""
        try:
            headline = json.loads((self.layout.config / "hyperparameters.json").read_text())
        except (OSError, ValueError):
            headline = {}
        name = str(headline.get("job") or os.environ.get("TRAINING_JOB_NAME") or self.layout.base.name)
        experiment = str(headline.get("experiment") or "segwidgets")
        trial = str(headline.get("trial") or "")
        self.record = {"name": name, "experiment": experiment, "trial": trial, "tags": run_tags(name, trial)}
        with self.tracking():
            tracker = address.tracker(address.resolved(self.ledger.job.get("tracking_uri")))
            run_id = tracker.start(experiment=experiment, name=name, tags=self.record["tags"], trial=trial)
            self.record["run_id"] = self.status["run_id"] = run_id
            self.tracker = tracker

    @contextlib.contextmanager
    def tracking(self) -> Iterator[None]:
        """A tracker that fails costs the tracking, not the job: the record on disk is told later."""
        try:
            yield
        except (TrackingError, OSError) as error:
            self.tracker = None
            _log.warning("the job goes on without its tracker, which is told at the next look: %s", error)

    def write_record(self) -> None:
        """Write down what the tracker is told, also where it travels home with the output.

        All but the pictures: whoever tells a tracker later finds them in the output.
        """
        documents: dict[str, str | bytes] = self.record.get("documents", {})
        texts = {name: content for name, content in documents.items() if isinstance(content, str)}
        written = {**self.record, **({"documents": texts} if documents else {})}
        self.ledger.write_record(written)
        storage.write_atomic(self.layout.output_data / "record.json", json.dumps(written, indent=2, sort_keys=True))

    def read_spec(self) -> JobSpec:
        channel = self.layout.channel("recipe")
        recipe = Recipe.from_json((channel / "recipe.json").read_text())
        return JobSpec.from_json((channel / "spec.json").read_text(), recipe)

    def run(self, spec: JobSpec) -> tuple[Table, Result, str]:
        """The recipe's result by this process, and how it compares."""
        session = self.open(spec)
        import numpy as np

        from segwidgets.jobs.verify import verdict
        from segwidgets.result import array_digest

        expected = np.load(self.layout.channel("expected") / "labels.npy", allow_pickle=False)
        if array_digest(expected) != spec.label_digest:
            raise SpecError(
                "the promoted labels were damaged on their way to the job, nothing can be compared: promote again."
            )
        embedding = None
        if spec.mode == "embedding":
            embedding = np.load(self.layout.channel("embedding") / "embedding.npy", allow_pickle=False)
        result = session.run(spec.recipe, embedding=embedding, progress=self.progress)
        self.say("verify", 0.9, "Comparing with what was promoted")
        same = result.embedding_digest == spec.embedding_digest
        result = dataclasses.replace(result, names=names_of(spec.names).of(result.labels))
        return session.table, result, verdict(expected, result.labels, mode=spec.mode, same_embedding=same)

    def measured(self, result: Result) -> dict[str, float]:
        """What the tracker and the log are told of the result."""
        return result.metrics()

    def open(self, spec: JobSpec) -> Session:
        """A session on the table of the job."""
        self.say("load", 0.04, "Loading the data")
        from segwidgets.cache import Cache
        from segwidgets.data import DataError, Table
        from segwidgets.session import Session

        place = self.layout.channel("table")
        try:
            table = Table.load(place)
        except DataError as error:
            # The store keeps one copy for all jobs, so promoting again would only find it again.
            raise SpecError(f"{error} Delete {place.resolve()} and promote again.") from error
        if table.digest != spec.table_digest:
            raise SpecError(
                f"the table is not the one that was promoted: its digest is {table.digest[:12]}, the job's is "
                f"{spec.table_digest[:12]}. Promote the table that is meant."
            )
        # No cache but memory: a verdict on what the panel's cache holds would prove nothing.
        return Session(table, cache=Cache(self.layout.base / "cache", disk_bytes=0))

    # -- the end -------------------------------------------------------------------------------------------------------

    def tell(self, state: State) -> None:
        """Tell the tracker how the job ended; what cannot be told now is told by the next look."""
        if self.tracker is not None:
            with self.tracking():
                self.ledger.tell(self.tracker, state=state, record=self.record, reason=self.status.get("reason"))

    def fail(self, error: BaseException) -> int:
        """Leave the reason, wherever it can still be left; the exit status."""
        with contextlib.suppress(ValueError):  # not in the main thread: under a test's own control
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stopped = isinstance(error, (_Stopped, KeyboardInterrupt))
        state: State = "stopped" if stopped else "failed"
        stage = self.status.get("stage", "start")
        reason = f"stopped on request while it was at {stage!r}" if stopped else explain(error)
        details = "".join(traceback.format_exception(error))
        # Removed first, the unfinished result and the reserve leave room for the reason on a full disk.
        for left in self.layout.output_data.glob(".result.*"):
            shutil.rmtree(left, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.layout.release()
        with contextlib.suppress(OSError):
            self.ledger.write_failure(reason, details)
        self.status |= {"state": state, "reason": reason, "ended": time.time()}
        with contextlib.suppress(OSError):
            self.ledger.write_status(self.status)
        with contextlib.suppress(OSError):
            self.write_record()
        self.tell(state)
        _log.error("%s: %s\n%s", state, reason, "" if stopped else details)
        return 143 if stopped else 1


def explain(error: BaseException) -> str:
    """An error in one line for whoever reads the leaderboard."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"the disk is full: {error}"
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return f"the disk is full, or files may not grow that large here: {error}"
    if isinstance(error, MemoryError):
        return f"out of memory: {error}" if str(error) else "out of memory"
    if isinstance(error, RecipeError | SpecError) or type(error).__module__.startswith("segwidgets."):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _training(layout: Layout) -> _Training:
    """What runs: a promoted job, or a trial of a sweep."""
    if not (layout.channel("recipe") / SWEEP).is_file():
        return _Training(layout)
    from segwidgets.jobs.trial import TrialTraining

    return TrialTraining(layout)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job in ``$SAGEMAKER_BASE_DIR``, else ``/opt/ml``; returns the exit status.

    Arguments are what a container is started with: the word ``train``, or the hyperparameters as options. The settings
    are the recipe channel's, so they are not read.
    """
    del argv
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.captureWarnings(capture=True)
    training = _training(Layout.from_environment())
    signal.signal(signal.SIGTERM, training.stop)
    try:
        training.layout.prepare()
        threading.Thread(target=training.live, name="alive", daemon=True).start()
        training.work()
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is why the job failed
        return training.fail(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
