"""A promoted job, seen from a kernel, a panel or a shell: from the one that started it or from any later one."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

from segwidgets.jobs import approval
from segwidgets.jobs.layout import Layout
from segwidgets.jobs.store import jobs_root
from segwidgets.jobs.verify import StoredResult, read_result
from segwidgets.result import Progress
from segwidgets.tracking.base import State
from segwidgets.tracking.ledger import settle_near

#: Seconds between a polite SIGTERM and a SIGKILL.
GRACE = 10.0
_POLL = 0.1


class Job:
    """A job by its folder. Every property is a fresh look at it.

    `promote` gives one, `Job.load` finds it again by name, `jobs` lists all.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._layout = Layout(path)
        self._ledger = self._layout.ledger
        self._tried_to_tell = False

    @classmethod
    def attach(cls, name: str, *, region: str | None = None) -> Job:
        """The SageMaker job of this name, also where another machine promoted it.

        Raises:
            ValueError: there is none in the region, or it is none that segwidgets promoted.
            AWSError: AWS cannot be asked.
        """
        from segwidgets.aws import Cloud
        from segwidgets.jobs.sagemakerjob import attach

        return attach(name, Cloud(region))

    @classmethod
    def load(cls, name: str) -> Job:
        """The job of this name; raises ValueError, with the nearest names there are, when there is none."""
        root = jobs_root()
        if re.fullmatch(r"[a-zA-Z0-9-]+", name) and (root / name / "job.json").is_file():
            return at(root / name)
        names = [job.name for job in jobs()]
        near = difflib.get_close_matches(name, names, 3) or names[:3]
        hint = f" There are: {', '.join(near)}." if near else " No job has been promoted yet."
        raise ValueError(f"there is no job {name!r} in {root}.{hint}")

    def __repr__(self) -> str:
        return f"Job({self.name!r}, {self.status!r})"

    @property
    def name(self) -> str:
        """Its name, which a SageMaker job could have too."""
        return self.path.name

    @property
    def target(self) -> str:
        """Where it runs: "local" or "sagemaker"."""
        return str(self._ledger.job.get("target", "local"))

    @property
    def unfinished(self) -> bool:
        """Whether nobody has written down its end yet; costs no look at what runs it."""
        return bool(self._ledger.status.get("state", "running") == "running")

    @property
    def experiment(self) -> str:
        """The experiment that its run belongs to."""
        return str(self._ledger.job.get("experiment", ""))

    @property
    def trial(self) -> str:
        """The trial, empty where none was named."""
        return str(self._ledger.job.get("trial", ""))

    @property
    def created(self) -> float:
        """When it was promoted, seconds since 1970."""
        return float(self._ledger.job.get("created", 0.0))

    @property
    def status(self) -> State:
        """One of "running", "completed", "failed" and "stopped".

        A job whose process was killed is noticed by this look and stands as failed from then on, here and in the
        tracker.
        """
        state = self._ledger.state()
        if state != "running":
            self._tell()
        return state

    def _tell(self) -> None:
        """Tell the tracker how it ended, where nothing can make this look wait."""
        # A tracker behind a network could keep this look waiting: `leaderboard` tells that one.
        if not self._ledger.settled and not self._tried_to_tell:
            self._tried_to_tell = True
            settle_near(self._ledger)

    @property
    def verdict(self) -> str | None:
        """The word "exact", or "ARI=…" and how it differs, or why it failed; None while it runs."""
        state = self.status
        if state == "running":
            return None
        return str(self._ledger.status.get("verdict")) if state == "completed" else self.reason

    @property
    def reason(self) -> str | None:
        """Why it did not complete, in one line; None while it runs and when it completed."""
        return None if self.status in {"running", "completed"} else self._ledger.reason

    @property
    def progress(self) -> Progress:
        """How far it is: of the stage, and of the whole."""
        said = self._ledger.status
        return Progress(
            stage=str(said.get("stage", "start")),
            done=float(said.get("done", 0.0)),
            overall=float(said.get("overall", 0.0)),
            message=str(said.get("message", "Starting the job")),
        )

    def log(self) -> str:
        """What the job's process has printed so far."""
        try:
            return (self.path / "log.txt").read_text(errors="replace")
        except FileNotFoundError:
            return ""

    @property
    def output_data(self) -> Path:
        """Where a finished job's files lie: its report, the segment table, figures, and the result's folder."""
        return self._layout.output_data

    def result(self) -> StoredResult:
        """The finished run's files, read back and checked against their digests.

        Raises ResultError where there is no whole result.
        """
        return read_result(self._layout.result)

    def wait(self, timeout: float | None = None, *, show: Callable[[Progress], None] | None = None) -> Job:
        """Wait for its end, however it ends, and return the job itself; ``show`` is given its progress meanwhile.

        Raises TimeoutError when it still runs after ``timeout`` seconds; it goes on running.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.status == "running":
            if show is not None:
                show(self.progress)
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(
                    f"job {self.name} still runs after {timeout:g} s (stage {self.progress.stage!r}). It goes on: "
                    "wait longer, or stop it with stop()."
                )
            time.sleep(_POLL)
        return self

    @property
    def approved(self) -> float | None:
        """When somebody approved it, seconds since 1970; None where nobody has."""
        return approval.approved(self)

    def approve(self) -> Job:
        """Approve it and return it: reports of later jobs of this experiment and table compare with it by default.

        Raises ValueError where it has not completed.
        """
        approval.approve(self)
        return self

    def stop(self) -> Job:
        """Stop it and return it: asked first (SIGTERM), killed after 10 seconds. One that has ended stays as it is."""
        if self.status != "running":
            return self
        self._ledger.ask_stop()
        if not self._signal(signal.SIGTERM, time.monotonic() + GRACE):
            self._signal(signal.SIGKILL, time.monotonic() + GRACE)
        return self

    def _signal(self, number: signal.Signals, deadline: float) -> bool:
        """Signal the job's process group; True once it has ended."""
        pid = self._ledger.process().get("pid")
        if isinstance(pid, int) and pid != os.getpid() and self._ledger.alive():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, number)  # it leads a session of its own, so its number is its group's
        while self.status == "running":
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL)
        return True


def at(path: Path) -> Job:
    """The job whose folder this is, wherever it runs."""
    if Layout(path).ledger.job.get("target") == "sagemaker":
        from segwidgets.jobs.sagemakerjob import SageMakerJob

        return SageMakerJob(path)
    return Job(path)


def jobs() -> list[Job]:
    """All jobs that were promoted from this machine, or attached to, newest first."""
    root = jobs_root()
    if not root.is_dir():
        return []
    found = [at(path) for path in root.iterdir() if (path / "job.json").is_file()]
    return sorted(found, key=lambda job: (job.created, job.name), reverse=True)
